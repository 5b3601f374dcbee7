//! The lease: the one value of an injection that changes, every few seconds.
//!
//! It is kept beside the append-only file, in two places that are written in turn. Whatever is cut short spoils one of
//! them; the other still holds the lease before. Nothing is synced: after a power cut the boot id has changed, and with
//! it the meaning of every lease. Both places are taken when the injection begins, so that renewing needs no room.

use std::{fs::File, os::unix::fs::FileExt, path::Path};

use steadfast_model::BootTime;

use crate::{LedgerError, private_file};

const PLACE_BYTES: u64 = 64;

/// Writes the first lease into both places of a new file.
pub(crate) fn create(path: &Path, lease: BootTime) -> Result<(), LedgerError> {
    let file = private_file::create_new(path)?;
    for counter in [0, 1] {
        write(&file, path, counter, lease)?;
    }
    Ok(())
}

/// The newest lease in the file; `None` when there is no file or both places are spoilt.
pub(crate) fn read(path: &Path) -> Result<Option<BootTime>, LedgerError> {
    let Some(bytes) = private_file::read(path)? else { return Ok(None) };
    Ok(newest(&bytes).map(|(_, lease)| lease))
}

/// Moves the lease; `false` when there is no file any more.
pub(crate) fn renew(path: &Path, lease: BootTime) -> Result<bool, LedgerError> {
    let Some(bytes) = private_file::read(path)? else { return Ok(false) };
    let Some(file) = private_file::open(path)? else { return Ok(false) };
    let counter = newest(&bytes).map_or(0, |(counter, _)| counter + 1);
    write(&file, path, counter, lease)?;
    Ok(true)
}

fn write(file: &File, path: &Path, counter: u64, lease: BootTime) -> Result<(), LedgerError> {
    let value = format!("{counter:016x} {:016x}", lease.0);
    let text = format!("{value} {:08x}", crc32fast::hash(value.as_bytes()));
    let place = format!("{text:<63}\n");
    file.write_all_at(place.as_bytes(), counter % 2 * PLACE_BYTES).map_err(LedgerError::io("write", path))
}

fn newest(bytes: &[u8]) -> Option<(u64, BootTime)> {
    let place = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).ok()?.trim_end();
        let (value, sum) = text.rsplit_once(' ')?;
        let (counter, lease) = value.split_once(' ')?;
        let intact = u32::from_str_radix(sum, 16).ok()? == crc32fast::hash(value.as_bytes());
        let read = |text| u64::from_str_radix(text, 16).ok();
        if intact { Some((read(counter)?, BootTime(read(lease)?))) } else { None }
    };
    bytes.chunks(64).filter_map(place).max_by_key(|(counter, _)| *counter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_lease_wins_and_a_spoilt_one_falls_back_to_the_one_before() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.lease");
        create(&path, BootTime(1)).unwrap();
        for lease in 2..7 {
            assert!(renew(&path, BootTime(lease)).unwrap());
            assert_eq!(read(&path).unwrap(), Some(BootTime(lease)));
        }
        let whole = std::fs::read(&path).unwrap();
        assert_eq!(whole.len(), 128);
        for at in 0..128 {
            let mut spoilt = whole.clone();
            spoilt[at] ^= 1;
            let (_, lease) = newest(&spoilt).unwrap();
            assert!([BootTime(5), BootTime(6)].contains(&lease), "byte {at}: {lease:?}");
        }
    }

    #[test]
    fn a_lease_of_a_closed_injection_cannot_be_renewed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.lease");
        assert!(!renew(&path, BootTime(1)).unwrap());
        assert_eq!(read(&path).unwrap(), None);
    }
}
