//! Holding memory, and using it.

use std::{
    io,
    ptr::NonNull,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use rustix::time::ClockId;
use steadfast_model::{ByteSize, stress::Stress};

use super::{sleep, time};
use crate::LinuxError;

/// Taken from the kernel at once: 2 MiB, one huge page where there are some.
const STEP: usize = 2 << 20;
/// The smallest page there is; larger ones are used all the more.
const PAGE: usize = 4096;
/// How long the thread rests between looks.
const REST: Duration = Duration::from_millis(20);
/// Everything is used once in so many looks, so about every 5 s: what is never used is the first to be swapped out.
const LOOKS: usize = 250;

/// Grows as planned, and uses every page again and again, until told to stop.
///
/// # Errors
/// When the kernel does not give so much.
pub(super) fn hold(stress: &Stress, stop: &AtomicBool) -> Result<(), LinuxError> {
    let begun = time(ClockId::Monotonic);
    let bytes = |size: ByteSize| usize::try_from(size.bytes()).unwrap_or(usize::MAX);
    let mut balloon = Balloon::of(bytes(stress.planned(Duration::MAX)))?;
    let mut next = 0;
    while !stop.load(Ordering::Relaxed) {
        let planned = bytes(stress.planned(time(ClockId::Monotonic).saturating_sub(begun)));
        let missing = planned.saturating_sub(balloon.held);
        if missing >= STEP || planned == balloon.size && missing > 0 {
            balloon.grow()?;
            continue;
        }
        let memory = balloon.memory();
        let part = memory.len().div_ceil(LOOKS).next_multiple_of(PAGE);
        next = if next < memory.len() { next } else { 0 };
        let end = (next + part).min(memory.len());
        for page in memory[next..end].chunks_mut(PAGE) {
            let last = page.len() - 1;
            page[last] = page[last].wrapping_add(1);
        }
        next = end;
        sleep(REST);
    }
    Ok(())
}

/// Addresses for all of it, and memory behind the first part of them.
#[derive(Debug)]
struct Balloon {
    at: NonNull<u8>,
    size: usize,
    held: usize,
}

impl Balloon {
    fn of(size: usize) -> Result<Self, LinuxError> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: a new mapping at an address that the kernel chooses touches nothing that exists.
        let at = unsafe {
            libc::mmap(std::ptr::null_mut(), size, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0)
        };
        let at = NonNull::new(at.cast::<u8>()).filter(|_| at != libc::MAP_FAILED);
        let Some(at) = at else { return Err(refused(0)) };
        let balloon = Self { at, size, held: 0 };
        // Fewer and larger pages are given and taken back faster. Where there are none it is no loss.
        balloon.advise(0, size, libc::MADV_HUGEPAGE).ok();
        Ok(balloon)
    }

    /// Takes one step more.
    fn grow(&mut self) -> Result<(), LinuxError> {
        let (first, step) = (self.held, STEP.min(self.size - self.held));
        match self.advise(first, step, libc::MADV_POPULATE_WRITE) {
            Ok(()) => {}
            // Before Linux 5.14: the writes below take it, page by page.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => {}
            Err(_) => return Err(refused(self.held)),
        }
        self.held += step;
        // To each page something that no other page has there, so that none can stand for another.
        for (page, bytes) in self.memory()[first..].chunks_mut(PAGE).enumerate() {
            let mark = (first + page * PAGE + 1).to_ne_bytes();
            let length = mark.len().min(bytes.len());
            bytes[..length].copy_from_slice(&mark[..length]);
        }
        Ok(())
    }

    fn memory(&mut self) -> &mut [u8] {
        // SAFETY: the first `held` bytes are mapped, readable, writable and zero or written, belong to nobody else, and
        // stay so for as long as this is borrowed.
        unsafe { std::slice::from_raw_parts_mut(self.at.as_ptr(), self.held) }
    }

    fn advise(&self, first: usize, length: usize, advice: libc::c_int) -> io::Result<()> {
        // SAFETY: the range is part of the mapping, and neither of the two advices changes what it holds.
        let answer = unsafe { libc::madvise(self.at.as_ptr().add(first).cast(), length, advice) };
        if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

impl Drop for Balloon {
    fn drop(&mut self) {
        // SAFETY: it is our mapping, and nothing borrows from it any more.
        unsafe { libc::munmap(self.at.as_ptr().cast(), self.size) };
    }
}

fn refused(held: usize) -> LinuxError {
    let source = io::Error::last_os_error();
    LinuxError::Call { what: format!("take more memory than {}MiB", held >> 20), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_is_taken_and_no_two_hold_the_same() {
        let size = STEP + 3 * PAGE + 100;
        let mut balloon = Balloon::of(size).unwrap();
        assert!(balloon.memory().is_empty());
        balloon.grow().unwrap();
        assert_eq!(balloon.memory().len(), STEP);
        balloon.grow().unwrap();
        let memory = balloon.memory();
        assert_eq!(memory.len(), size);
        let mut marks: Vec<&[u8]> = memory.chunks(PAGE).map(|page| &page[..8]).collect();
        marks.sort_unstable();
        marks.dedup();
        assert_eq!(marks.len(), size.div_ceil(PAGE));
        assert!(marks.iter().all(|mark| mark.iter().any(|byte| *byte != 0)));
    }

    #[test]
    fn more_than_there_are_addresses_is_refused() {
        let refused = Balloon::of(usize::MAX >> 1).unwrap_err();
        assert!(refused.to_string().starts_with("take more memory than 0MiB"), "{refused}");
    }
}
