//! Reading and writing a file that never has a name, past the page cache.

use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rustix::{fs::OFlags, io::Errno, time::ClockId};
use steadfast_model::{ByteRate, ByteSize};

use super::{filler, sleep, time};
use crate::LinuxError;

/// What is read or written at once: 64 KiB.
const BLOCK: usize = 1 << 16;
/// What every disk that can be gone to past the page cache is content with.
const ALIGNMENT: usize = 4096;
/// The longest sleep between two looks at whether to end.
const REST: Duration = Duration::from_millis(20);
/// A thread that was kept waiting makes up for no more than this.
const CREDIT: Duration = Duration::from_millis(500);

/// What one thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Reads blocks here and there.
    Read,
    /// Writes blocks here and there.
    Write,
}

/// The file.
#[derive(Debug, Clone)]
pub(super) struct Churn {
    file: Arc<File>,
    blocks: u64,
    rate: Option<ByteRate>,
}

impl Churn {
    /// Makes the file, in which nothing is yet.
    ///
    /// # Errors
    /// As for a filler; [`LinuxError::Missing`] where there is no way past the page cache.
    pub(super) fn new(
        path: &Path,
        device: &str,
        size: ByteSize,
        rate: Option<ByteRate>,
    ) -> Result<Self, LinuxError> {
        let file = Arc::new(filler::open(path, device, OFlags::DIRECT)?);
        Ok(Self { file, blocks: (size.bytes() / BLOCK as u64).max(1), rate })
    }

    /// Writes all of the file once, so that there is something to read.
    ///
    /// # Errors
    /// When there is no room for it.
    pub(super) fn lay_out(&self, stop: &AtomicBool) -> Result<(), LinuxError> {
        let mut pace = Pace::new(self.rate, 1);
        let mut space = space();
        let block = aligned(&mut space);
        for number in 0..self.blocks {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            self.file.write_all_at(block, number * BLOCK as u64).map_err(failed)?;
            pace.keep(stop);
        }
        Ok(())
    }

    /// Reads or writes, as one of so many threads that do the same, until told to stop.
    ///
    /// # Errors
    /// When the disk fails.
    pub(super) fn go_on(
        &self,
        way: Way,
        number: u32,
        threads: u32,
        stop: &AtomicBool,
    ) -> Result<(), LinuxError> {
        let mut pace = Pace::new(self.rate, threads);
        let mut space = space();
        let block = aligned(&mut space);
        let mut chance = ChaCha8Rng::seed_from_u64(number.into());
        while !stop.load(Ordering::Relaxed) {
            let at = chance.random_range(0..self.blocks) * BLOCK as u64;
            match way {
                Way::Read => self.file.read_exact_at(block, at).map_err(failed)?,
                Way::Write => self.file.write_all_at(block, at).map_err(failed)?,
            }
            pace.keep(stop);
        }
        Ok(())
    }
}

/// When the next block is due.
struct Pace {
    rate: Option<ByteRate>,
    threads: u64,
    begun: Duration,
    blocks: u64,
}

impl Pace {
    fn new(rate: Option<ByteRate>, threads: u32) -> Self {
        Self { rate, threads: u64::from(threads), begun: time(ClockId::Monotonic), blocks: 0 }
    }

    /// Waits until the block that was moved last has taken its time.
    fn keep(&mut self, stop: &AtomicBool) {
        let Some(rate) = self.rate else { return };
        self.blocks += 1;
        let due = self.begun + rate.time_for(self.blocks * self.threads * BLOCK as u64);
        loop {
            let now = time(ClockId::Monotonic);
            if now >= due || stop.load(Ordering::Relaxed) {
                if now > due + CREDIT {
                    (self.begun, self.blocks) = (now, 0);
                }
                return;
            }
            sleep(REST.min(due - now));
        }
    }
}

/// Bytes of which no two blocks are alike, with room to align them.
fn space() -> Vec<u8> {
    let mut bytes = vec![0; BLOCK + ALIGNMENT];
    ChaCha8Rng::seed_from_u64(0).fill_bytes(&mut bytes);
    bytes
}

fn aligned(space: &mut [u8]) -> &mut [u8] {
    let first = space.as_ptr().align_offset(ALIGNMENT);
    &mut space[first..first + BLOCK]
}

fn failed(error: std::io::Error) -> LinuxError {
    let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
    LinuxError::call("read and write a file on the disk", errno)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_aligned_and_go_past_the_page_cache() {
        let folder = steadfast_testkit::durable_dir();
        let path = folder.path().canonicalize().unwrap();
        let device = crate::volume::Directory::open(&path).unwrap().device().unwrap();
        let churn = Churn::new(&path, &device, ByteSize::new(1 << 20).unwrap(), None).unwrap();
        let stop = AtomicBool::new(false);
        churn.lay_out(&stop).unwrap();
        assert_eq!(churn.file.metadata().unwrap().len(), 1 << 20);
        let mut space = space();
        let block = aligned(&mut space);
        assert!(block.len() == BLOCK && (block.as_ptr() as usize).is_multiple_of(ALIGNMENT));
        let written = block.to_vec();
        block.fill(0);
        churn.file.read_exact_at(block, 15 * BLOCK as u64).unwrap();
        assert_eq!(block, written);
        let unaligned = churn.file.read_at(&mut block[..100], 0);
        assert!(unaligned.is_err(), "the page cache would have answered this");
    }

    #[test]
    fn a_rate_is_kept_by_all_threads_together() {
        // 64 KiB take 125 ms by one of two threads.
        let mut pace = Pace::new("1MiB/s".parse().ok(), 2);
        let begun = time(ClockId::Monotonic);
        (0..2).for_each(|_| pace.keep(&AtomicBool::new(false)));
        let took = time(ClockId::Monotonic) - begun;
        assert!(took >= Duration::from_millis(240), "{took:?}");
    }
}
