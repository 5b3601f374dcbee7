//! `steadfast runs export` and `import`

use std::{
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

use steadfast_api::{Api, ReplayResult, RunRecord};
use steadfast_model::run::RunFilter;

use crate::{
    archive,
    failure::{Failure, code},
    local::compare,
    terminal::Terminal,
};

/// Writes runs into a file or on standard output, oldest first.
pub(super) async fn export(
    names: &[String],
    all: bool,
    file: Option<PathBuf>,
    api: &dyn Api,
    terminal: Terminal,
) -> Result<u8, Failure> {
    let mut records = Vec::new();
    if all {
        for run in api.list_runs(&RunFilter::default()).await?.into_iter().rev() {
            records.push(api.show_run(&run.id.to_string()).await?);
        }
    }
    for name in names {
        records.push(api.show_run(name).await?);
    }
    // One that is under way would be refused when it is imported again later.
    if let Some(open) = records.iter().find(|record| record.summary.verdict.is_none() && !all) {
        let hint = "wait for its end; `--all` leaves out what is unfinished";
        return Err(Failure::usage(format!("{} is not concluded", open.summary.name)).hint(Some(hint)));
    }
    records.retain(|record| record.summary.verdict.is_some());
    let text = archive::write(&records).map_err(Failure::failed)?;
    match file {
        None => terminal.print_data(text.trim_end()),
        Some(file) => {
            super::write(&file, &text)?;
            terminal.print(file.display());
        }
    }
    Ok(0)
}

/// Keeps the runs of a file: all of it is read and checked before the first is kept.
pub(super) async fn import(file: &Path, api: &dyn Api, terminal: Terminal) -> Result<u8, Failure> {
    let failed = |error: std::io::Error| Failure::failed(format!("read {}: {error}", file.display()));
    let mut text = String::new();
    File::open(file).map_err(failed)?.take(archive::LONGEST + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > archive::LONGEST {
        return Err(Failure::usage(format!("{} is longer than {} bytes", file.display(), archive::LONGEST)));
    }
    let records = archive::read(&text).map_err(|error| Failure {
        code: code::DOCUMENT,
        message: format!("{} is refused, {error}", file.display()),
        hint: Some("nothing was imported; export it again where it came from".to_owned()),
    })?;
    // A digest shows accidents only. The verdict is believed when it follows from what was measured.
    for RunRecord { summary, events, .. } in &records {
        if let ReplayResult::Disagrees { differences } = compare(summary, events) {
            let why = differences.join("; ");
            return Err(Failure {
                code: code::DOCUMENT,
                message: format!(
                    "{} is refused: the verdict of {} does not follow from its events: {why}",
                    file.display(),
                    summary.name
                ),
                hint: Some("nothing was imported; ask where it comes from".to_owned()),
            });
        }
    }
    let (mut new, mut known) = (0, 0);
    for record in &records {
        match api.import_run(record).await? {
            true => new += 1,
            false => known += 1,
        }
    }
    terminal.print(format_args!("{new} imported, {known} kept already"));
    Ok(0)
}
