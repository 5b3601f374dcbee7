//! What is mapped where in a process: `/proc/PID/maps`, lines as in proc_pid_maps(5).

use std::path::PathBuf;

use crate::{LinuxError, stat};

/// A part of its memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The address of its first byte.
    pub start: u64,
    /// The address after its last byte.
    pub end: u64,
    /// What may be done there: `r-xp`.
    pub rights: String,
    /// The file, or a name in brackets such as `[vdso]`; empty for memory without a name.
    pub name: String,
}

/// All of them, in the order of their addresses; `None` when the process is gone.
///
/// # Errors
/// When the kernel does not tell.
pub fn mappings(pid: u32) -> Result<Option<Vec<Mapping>>, LinuxError> {
    let path = PathBuf::from(format!("/proc/{pid}/maps"));
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).lines().filter_map(parse).collect())),
        Err(error) if stat::is_gone(&error) => Ok(None),
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            Err(LinuxError::Denied { what: format!("look what is mapped in process {pid}") })
        }
        Err(source) => Err(LinuxError::Read { path, source }),
    }
}

fn parse(line: &str) -> Option<Mapping> {
    let mut words = line.splitn(6, ' ');
    let (start, end) = words.next()?.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    let rights = words.next()?.to_owned();
    let name = words.nth(3).unwrap_or_default().trim().to_owned();
    Some(Mapping { start: number(start)?, end: number(end)?, rights, name })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_read_with_and_without_a_name() {
        let named = parse("7f00-8f00 r-xp 00001000 fd:01 77   /usr/lib/a library.so").unwrap();
        let expected = Mapping {
            start: 0x7f00,
            end: 0x8f00,
            rights: "r-xp".into(),
            name: "/usr/lib/a library.so".into(),
        };
        assert_eq!(named, expected);
        assert_eq!(parse("7f00-8f00 rw-p 00000000 00:00 0 ").unwrap().name, "");
        assert_eq!((parse(""), parse("7f00 rw-p 0 0:0 0"), parse("7f00-x rw-p 0 0:0 0")), (None, None, None));
        let own = mappings(std::process::id()).unwrap().unwrap();
        assert!(own.iter().any(|mapping| mapping.name == "[stack]" && mapping.rights == "rw-p"));
        assert_eq!(mappings(u32::MAX).unwrap(), None);
    }
}
