//! What is mounted where: `/proc/PID/mountinfo`, lines as in proc_pid_mountinfo(5).

use std::{
    ffi::OsString,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
};

use crate::{LinuxError, stat};

/// A mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) number: u64,
    pub(super) device: (u32, u32),
    pub(super) point: PathBuf,
    /// The group to which mounts made there spread.
    pub(super) shared: Option<u64>,
    /// The group from which mounts come.
    pub(super) master: Option<u64>,
    /// Of its file system, such as `fuse.steadfast`.
    pub(super) kind: String,
    pub(super) source: String,
}

/// All that a process sees, those mounted later after those before; `None` when it is gone.
pub(super) fn mounts(pid: u32) -> Result<Option<Vec<Mount>>, LinuxError> {
    let path = PathBuf::from(format!("/proc/{pid}/mountinfo"));
    match std::fs::read(&path) {
        Ok(bytes) => Ok(Some(bytes.split(|byte| *byte == b'\n').filter_map(parse).collect())),
        // Of one that is being torn down.
        Err(error) if stat::is_gone(&error) || error.raw_os_error() == Some(libc::EINVAL) => Ok(None),
        Err(source) => Err(LinuxError::Read { path, source }),
    }
}

fn parse(line: &[u8]) -> Option<Mount> {
    let mut words = line.split(|byte| *byte == b' ');
    let text = |word: &[u8]| String::from_utf8(word.to_vec()).ok();
    let number = text(words.next()?)?.parse().ok()?;
    let device = text(words.nth(1)?)?;
    let (major, minor) = device.split_once(':')?;
    let point = Path::new(&unescaped(words.nth(1)?)).to_owned();
    let group = |word: &[u8], key: &str| text(word)?.strip_prefix(key)?.parse().ok();
    let (mut shared, mut master) = (None, None);
    for word in words.by_ref().skip(1).take_while(|word| *word != b"-") {
        shared = shared.or(group(word, "shared:"));
        master = master.or(group(word, "master:"));
    }
    let kind = text(words.next()?)?;
    let source = unescaped(words.next()?).to_string_lossy().into_owned();
    let device = (major.parse().ok()?, minor.parse().ok()?);
    Some(Mount { number, device, point, shared, master, kind, source })
}

/// Blanks, tabs, line ends and backslashes are written as `\040` and the like.
fn unescaped(word: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(word.len());
    let mut rest = word;
    while let Some((first, after)) = rest.split_first() {
        let octal = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        match octal.filter(|_| *first == b'\\').and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[3..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_with_any_number_of_groups_and_odd_names() {
        let line = br"36 35 98:0 /mnt1 /mnt\040\1342 rw,noatime shared:7 master:1 - ext3 /dev/a\011b rw,errors=continue";
        let expected = Mount {
            number: 36,
            device: (98, 0),
            point: r"/mnt \2".into(),
            shared: Some(7),
            master: Some(1),
            kind: "ext3".to_owned(),
            source: "/dev/a\tb".to_owned(),
        };
        assert_eq!(parse(line), Some(expected));
        let plain = parse(b"36 35 0:5 / / rw - tmpfs none rw").unwrap();
        assert_eq!((plain.shared, plain.master, plain.point), (None, None, PathBuf::from("/")));
        assert_eq!((parse(b""), parse(b"36 35 0:5 / / rw -")), (None, None));
        let own = mounts(std::process::id()).unwrap().unwrap();
        assert!(own.iter().any(|mount| mount.point == Path::new("/proc")));
        assert_eq!(mounts(u32::MAX).unwrap(), None);
    }
}
