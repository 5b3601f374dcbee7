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
    /// How far into the file it begins.
    pub offset: u64,
    /// The numbers of the file's device, major and minor.
    pub device: (u32, u32),
    /// The number of the file; 0 where it is none.
    pub inode: u64,
    /// The file, or a name in brackets such as `[vdso]`; empty for memory without a name.
    pub name: String,
}

impl Mapping {
    /// Whether it is of a file.
    #[must_use]
    pub fn is_of_a_file(&self) -> bool {
        self.inode != 0
    }

    /// Whether what is written there is written to the file.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.rights.ends_with('s')
    }
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

/// `7f00-8f00 r-xp 00001000 fd:01 77   /usr/lib/a library.so`
fn parse(line: &str) -> Option<Mapping> {
    let mut words = line.splitn(6, ' ');
    let hex = |text: &str| u64::from_str_radix(text, 16).ok();
    let small = |text: &str| u32::from_str_radix(text, 16).ok();
    let (start, end) = words.next()?.split_once('-')?;
    let rights = words.next()?.to_owned();
    let offset = hex(words.next()?)?;
    let (major, minor) = words.next()?.split_once(':')?;
    let inode = words.next()?.parse().ok()?;
    let name = words.next().unwrap_or_default().trim_start().to_owned();
    let device = (small(major)?, small(minor)?);
    Some(Mapping { start: hex(start)?, end: hex(end)?, rights, offset, device, inode, name })
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
            offset: 0x1000,
            device: (0xfd, 1),
            inode: 77,
            name: "/usr/lib/a library.so".into(),
        };
        assert_eq!(named, expected);
        assert_eq!(parse("7f00-8f00 rw-p 00000000 00:00 0 ").unwrap().name, "");
        assert_eq!((parse(""), parse("7f00 rw-p 0 0:0 0"), parse("7f00-x rw-p 0 0:0 0")), (None, None, None));
        let own = mappings(std::process::id()).unwrap().unwrap();
        assert!(own.iter().any(|mapping| mapping.name == "[stack]" && mapping.rights == "rw-p"));
        assert_eq!(mappings(u32::MAX).unwrap(), None);
    }

    #[test]
    fn only_files_are_mapped_files() {
        let found = parse("7f00-8f00 rw-s 00001000 fd:01 77   /var/a b").unwrap();
        assert_eq!((found.offset, found.device, found.inode), (0x1000, (0xfd, 1), 77));
        assert!(found.is_of_a_file() && found.is_shared() && found.name == "/var/a b");
        assert!(!parse("7f00-8f00 rw-p 00000000 00:00 0 [heap]").unwrap().is_of_a_file());
    }
}
