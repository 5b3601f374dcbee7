//! Locks on open files, as `/proc/PID/fdinfo/FD` and `/proc/locks` show them.

/// How a lock belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// To the process: `fcntl`.
    Process,
    /// To what was opened, by range: `fcntl` with `F_OFD_SETLK`.
    Opened,
    /// To what was opened, all of it: `flock`.
    Whole,
}

/// One lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lock {
    pub(super) owner: Owner,
    pub(super) exclusive: bool,
    pub(super) first: i64,
    /// The byte after the last; 0 for all there will ever be.
    pub(super) length: i64,
}

/// `1: POSIX  ADVISORY  WRITE 1234 00:2d:77 0 EOF`. `None` for what is no lock of these sorts, such as a lease.
pub(super) fn parse(line: &str) -> Option<Lock> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [_, sort, _, right, _, _, first, last] = words[..] else { return None };
    let owner = match sort {
        "POSIX" => Owner::Process,
        "OFDLCK" => Owner::Opened,
        "FLOCK" => Owner::Whole,
        _ => return None,
    };
    let first: i64 = first.parse().ok()?;
    let length = if last == "EOF" { 0 } else { last.parse::<i64>().ok()? - first + 1 };
    Some(Lock { owner, exclusive: right == "WRITE", first, length })
}

impl Lock {
    /// The kernel's `struct flock`, for all of [`Owner`] but the last.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let right = if self.exclusive { libc::F_WRLCK } else { libc::F_RDLCK };
        let mut bytes = Vec::with_capacity(32);
        bytes.extend(i16::try_from(right).expect("0, 1 or 2").to_ne_bytes());
        bytes.extend(i16::try_from(libc::SEEK_SET).expect("0").to_ne_bytes());
        bytes.extend([0; 4]);
        bytes.extend(self.first.to_ne_bytes());
        bytes.extend(self.length.to_ne_bytes());
        bytes.extend([0; 8]);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_are_read_by_owner_right_and_range() {
        let lock = parse("1: POSIX  ADVISORY  WRITE 1234 00:2d:77 100 199").unwrap();
        assert_eq!(lock, Lock { owner: Owner::Process, exclusive: true, first: 100, length: 100 });
        let whole = parse(" 2: FLOCK  ADVISORY  READ  7 fd:01:9 0 EOF ").unwrap();
        assert_eq!(whole, Lock { owner: Owner::Whole, exclusive: false, first: 0, length: 0 });
        assert_eq!(parse("3: LEASE  ACTIVE    READ 7 fd:01:9 0 EOF"), None);
        assert_eq!(lock.to_bytes().len(), size_of::<libc::flock>());
    }
}
