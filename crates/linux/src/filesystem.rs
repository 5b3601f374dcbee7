//! Whether a directory survives a power cut.

use std::{fs::File, path::Path};

use rustix::fs::fstatfs;

use crate::LinuxError;

/// The name of the file system below `directory` when it lives in memory only, so that a reboot empties it.
///
/// # Errors
/// When the directory cannot be opened or looked at.
pub fn volatile_filesystem(directory: &Path) -> Result<Option<&'static str>, LinuxError> {
    let opened =
        File::open(directory).map_err(|source| LinuxError::Read { path: directory.to_owned(), source })?;
    let found = fstatfs(&opened)
        .map_err(|errno| LinuxError::call(format!("look at {}", directory.display()), errno))?;
    // Magic numbers of linux/magic.h.
    Ok(match u64::try_from(found.f_type).unwrap_or(0) & 0xffff_ffff {
        0x0102_1994 => Some("tmpfs"),
        0x8584_58f6 => Some("ramfs"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_reboot_empties_is_recognised() {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() {
            assert_eq!(volatile_filesystem(memory).unwrap(), Some("tmpfs"));
        }
        assert!(volatile_filesystem(Path::new("/nowhere/at/all")).is_err());
    }
}
