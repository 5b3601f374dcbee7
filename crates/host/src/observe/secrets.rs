//! Reads secrets from where they are kept.

use std::{env, fs::File, io::Read, path::Path};

use steadfast_model::secret::{Secret, SecretSource};
use steadfast_probes::ProbeError;

/// The longest secret, in bytes.
const LONGEST: u64 = 64 * 1024;

pub(super) fn read(source: &SecretSource) -> Result<Secret, ProbeError> {
    match source {
        SecretSource::Env(name) => {
            let value = env::var_os(name)
                .ok_or("it is not set")
                .and_then(|value| value.into_string().map_err(|_| "it is not UTF-8"));
            value
                .map(Secret::new)
                .map_err(|cause| error(format!("the environment variable {name}"), cause.to_owned()))
        }
        SecretSource::File(path) => from_file(path).map_err(|cause| error(path.display().to_string(), cause)),
    }
}

fn from_file(path: &Path) -> Result<Secret, String> {
    let mut text = String::new();
    let file = File::open(path).map_err(|cause| cause.to_string())?;
    if !file.metadata().is_ok_and(|meta| meta.is_file()) {
        return Err("it is no regular file".to_owned());
    }
    file.take(LONGEST + 1).read_to_string(&mut text).map_err(|cause| cause.to_string())?;
    if text.len() as u64 > LONGEST {
        return Err(format!("it is longer than {LONGEST} bytes"));
    }
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Secret::new(line.strip_suffix('\r').unwrap_or(line).to_owned()))
}

fn error(place: String, cause: String) -> ProbeError {
    ProbeError { what: format!("read the secret in {place}"), cause, hint: None, ours: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_in_a_file_loses_its_last_line_break_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "abc\ndef\r\n").unwrap();
        assert_eq!(read(&SecretSource::File(path)).unwrap().expose(), "abc\ndef");
    }

    #[test]
    fn what_is_not_there_is_named_by_its_place() {
        let folder = tempfile::tempdir().unwrap();
        assert!(
            read(&SecretSource::Env("STEADFAST_NO_SUCH_SECRET".to_owned()))
                .unwrap_err()
                .to_string()
                .contains("not set")
        );
        assert!(read(&SecretSource::File(folder.path().join("none"))).is_err());
        assert!(
            read(&SecretSource::File(folder.path().to_owned())).unwrap_err().to_string().contains("regular")
        );
    }
}
