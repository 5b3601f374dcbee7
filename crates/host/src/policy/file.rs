//! Reads a policy from a file that nobody else can have written.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rustix::fs::OFlags;

use steadfast_model::yaml;

use super::{Policy, document, facts::could_be_of_others};

/// The longest file that is read: 1 MiB, as for every document.
const LONGEST: u64 = 1 << 20;

/// The policy in a file; none when there is no such file and it is not needed. An error goes after a colon: a blank and a
/// fragment, or a new line and problems, rendered with their lines.
pub(super) fn read(path: &Path, needed: bool) -> Result<Option<Policy>, String> {
    let Some(text) = trusted_text(path, needed).map_err(|why| format!(" {why}"))? else { return Ok(None) };
    document::read(&text).map(Some).map_err(|problems| {
        format!("\n{}", yaml::render(&problems, &path.display().to_string(), &text, false).trim_end())
    })
}

fn trusted_text(path: &Path, needed: bool) -> Result<Option<String>, String> {
    // A pipe must not make anybody wait.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let is_missing = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
    let nothing_there = || fs::symlink_metadata(path).is_err_and(|error| is_missing(&error));
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if is_missing(&error) && !needed && nothing_there() => return Ok(None),
        Err(error) if is_missing(&error) && !nothing_there() => {
            return Err("it is a link that leads nowhere".to_owned());
        }
        Err(error) => return Err(error.to_string()),
    };
    let found = file.metadata().map_err(|error| error.to_string())?;
    if !found.is_file() {
        return Err("it is no ordinary file".to_owned());
    }
    if let Some(why) = could_be_of_others(&found) {
        return Err(why);
    }
    // Whoever may write to the folder may put another file there: where the link is, and where it leads.
    let whole = fs::canonicalize(path).map_err(|error| error.to_string())?;
    let folders = [path, &whole].map(Path::parent).into_iter().flatten();
    for folder in folders.filter(|folder| !folder.as_os_str().is_empty()) {
        let found = fs::metadata(folder).map_err(|error| format!("its folder: {error}"))?;
        if let Some(why) = could_be_of_others(&found) {
            return Err(format!("its folder {}: {why}", folder.display()));
        }
    }
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LONGEST {
        return Err("it is longer than 1 MiB".to_owned());
    }
    String::from_utf8(bytes).map(Some).map_err(|error| format!("it is not UTF-8 text: {error}"))
}
