//! Taking room on a file system, in a file that never has a name.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use rustix::{
    fs::{FallocateFlags, OFlags, fallocate, fdatasync},
    io::Errno,
};
use steadfast_model::ByteSize;

use super::sleep;
use crate::{LinuxError, volume::Directory};

/// Taken from the file system at once: 256 MiB. Larger steps would keep the process from ending in time.
const STEP: u64 = 256 << 20;
/// The smallest block that a file system gives away.
const BLOCK: u64 = 1024;
/// How long the thread rests between looks at whether to end.
const REST: Duration = Duration::from_millis(20);

/// The file, and how it grows.
#[derive(Debug)]
pub(super) struct Filler {
    file: File,
    size: u64,
    wholly: bool,
    /// Where the file ends.
    end: u64,
    /// Whether room is taken by writing, as the file system gives none otherwise.
    writes: bool,
}

impl Filler {
    /// Makes the file, which takes no room yet.
    ///
    /// # Errors
    /// [`LinuxError::Gone`] when another file system is found there, and what [`Directory`] says.
    pub(super) fn new(path: &Path, device: &str, size: ByteSize, wholly: bool) -> Result<Self, LinuxError> {
        let file = open(path, device, OFlags::empty())?;
        Ok(Self { file, size: size.bytes(), wholly, end: 0, writes: false })
    }

    /// Takes the room, and keeps it until told to stop.
    ///
    /// # Errors
    /// When room cannot be taken for another reason than that there is none.
    pub(super) fn hold(mut self, stop: &AtomicBool) -> Result<(), LinuxError> {
        let failed = |errno: Errno| LinuxError::call("take room on the file system", errno);
        self.grow(stop).map_err(failed)?;
        while !stop.load(Ordering::Relaxed) {
            sleep(REST);
        }
        Ok(())
    }

    fn grow(&mut self, stop: &AtomicBool) -> Result<(), Errno> {
        let mut step = STEP;
        while self.end < self.size && step >= BLOCK && !stop.load(Ordering::Relaxed) {
            match self.extend(step.min(self.size - self.end)) {
                Ok(()) => {}
                // Others took it meanwhile: what is left comes in smaller pieces.
                Err(Errno::NOSPC | Errno::DQUOT) => step /= 2,
                Err(errno) => return Err(errno),
            }
        }
        if self.wholly {
            self.take_the_rest(stop)?;
        }
        Ok(())
    }

    /// What is left is given to writers only, such as the blocks that are kept for root, and bit by bit: what a file system
    /// sets aside for its own bookkeeping is free again when that is on disk.
    fn take_the_rest(&mut self, stop: &AtomicBool) -> Result<(), Errno> {
        loop {
            let before = self.end;
            for step in [STEP, 1 << 20, BLOCK] {
                self.writes = self.writes || step != STEP;
                while !stop.load(Ordering::Relaxed) {
                    match self.extend(step) {
                        Ok(()) => {}
                        Err(Errno::NOSPC | Errno::DQUOT) => break,
                        Err(errno) => return Err(errno),
                    }
                }
            }
            fdatasync(&self.file).or_else(|errno| if errno == Errno::NOSPC { Ok(()) } else { Err(errno) })?;
            if self.end == before || stop.load(Ordering::Relaxed) {
                return Ok(());
            }
        }
    }

    fn extend(&mut self, length: u64) -> Result<(), Errno> {
        if !self.writes {
            match fallocate(&self.file, FallocateFlags::empty(), self.end, length) {
                Ok(()) => self.end += length,
                Err(Errno::OPNOTSUPP | Errno::NOSYS) => self.writes = true,
                // A step that was given in part: the file may have grown.
                Err(errno) => return Err(errno),
            }
            if !self.writes {
                return Ok(());
            }
        }
        // Not zeros: they would take no room where a file system compresses.
        let bytes = [0xa5; 1 << 14];
        let mut left = length;
        while left > 0 {
            let part = usize::try_from(left).unwrap_or(bytes.len()).min(bytes.len());
            let written = self.file.write_at(&bytes[..part], self.end);
            let written = written.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))? as u64;
            self.end += written;
            left -= written.min(left);
        }
        Ok(())
    }
}

/// A file without a name on that very file system.
pub(super) fn open(path: &Path, device: &str, flags: OFlags) -> Result<File, LinuxError> {
    let directory = Directory::open(path)?;
    if directory.device()? != device {
        return Err(LinuxError::Gone { what: format!("find the file system of {}", path.display()) });
    }
    directory.nameless_file(flags)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn room_is_taken_in_a_file_without_a_name() {
        let folder = steadfast_testkit::durable_dir();
        let path = folder.path().canonicalize().unwrap();
        let device = Directory::open(&path).unwrap().device().unwrap();
        let size = ByteSize::new(3 << 20).unwrap();
        for writes in [false, true] {
            let mut filler = Filler { writes, ..Filler::new(&path, &device, size, false).unwrap() };
            filler.grow(&AtomicBool::new(false)).unwrap();
            let found = filler.file.metadata().unwrap();
            fdatasync(&filler.file).unwrap();
            assert_eq!((found.len(), found.nlink()), (3 << 20, 0));
            assert!(filler.file.metadata().unwrap().blocks() * 512 >= 3 << 20, "{found:?}");
        }
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0);
        assert!(matches!(Filler::new(&path, "0:0", size, false), Err(LinuxError::Gone { .. })));
    }
}
