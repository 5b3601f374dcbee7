//! A system call that a held process makes for us.

use std::io;

use rustix::io::Errno;

use super::{
    Held, Mapping, Thread, now,
    ptrace::{self, Stop},
    registers::{Registers, call_and_put_back},
    seize::time_is_up,
};
use crate::LinuxError;

/// An argument of a system call.
#[derive(Debug, Clone, Copy)]
pub enum Argument<'a> {
    /// A number, or an address in the process.
    Word(u64),
    /// Bytes that the call may read, such as a path with its zero byte. They are gone when it has returned.
    Bytes(&'a [u8]),
}

impl From<u64> for Argument<'_> {
    fn from(word: u64) -> Self {
        Self::Word(word)
    }
}

/// What is written at the end of a page begins at a multiple of this, and at least as far from what is before.
const ALIGNED: u64 = 16;
/// So much of the end of an executable mapping is looked at.
const PAGE: u64 = 4096;
/// Ends what a call puts into the process.
const LEFT_BEHIND: &[u8] = b"STDFCALL";

impl Held {
    /// Lets a thread make a system call, with no more than six arguments, and says what it answered.
    ///
    /// If this process is killed meanwhile, the thread finishes the call, takes back its registers and its signal mask, and goes
    /// on where it was.
    ///
    /// # Errors
    /// [`LinuxError::Denied`] or [`LinuxError::Call`] with what the call answered, [`LinuxError::Gone`] when the process
    /// ends, [`LinuxError::Missing`] where there is no room for the instructions; when the call takes longer than
    /// the patience. Then its thread goes on as soon as the call returns, and every later call is answered with
    /// [`LinuxError::Gone`].
    pub fn call(&mut self, what: &str, number: i64, arguments: &[Argument<'_>]) -> Result<u64, LinuxError> {
        let what = format!("{what} in process {}", self.pid);
        let failed = |errno| LinuxError::call(what.as_str(), errno);
        if !cfg!(target_arch = "x86_64") {
            return Err(LinuxError::Missing { what });
        }
        let chosen = self.threads.iter().position(|thread| !thread.is_stopped).unwrap_or(0);
        let Some(&Thread { tid, registers: before, .. }) = self.threads.get(chosen) else {
            return Err(LinuxError::Gone { what });
        };
        let after = before.calling_again();
        let mask = ptrace::signal_mask(tid).map_err(failed)?;

        // The instructions, the mask, and what the arguments point to. Their length does not depend on where they go.
        let length = |code: &[u8]| code.len().next_multiple_of(8);
        let bytes_at = length(&call_and_put_back(&after, 0)) + size_of_val(&mask);
        let bytes: usize = arguments.iter().map(|argument| argument.bytes().len().next_multiple_of(8)).sum();
        let room = self.room_for(bytes_at + bytes)?;
        let at = room.at;
        let mut block = call_and_put_back(&after, at + (bytes_at - size_of_val(&mask)) as u64);
        block.resize(length(&block), 0);
        block.extend(mask.to_le_bytes());
        let mut words = [0_u64; 6];
        for (word, argument) in words.iter_mut().zip(arguments) {
            *word = match argument {
                Argument::Word(word) => *word,
                Argument::Bytes(_) => at + block.len() as u64,
            };
            block.extend(argument.bytes());
            block.resize(length(&block), 0);
        }

        room.fill(&mut block);
        self.memory.write(at, &block)?;
        let calling = before.calling(at, number, words);
        // In this order, and back in the other one: whenever we die, either nothing is changed or the thread puts it back.
        let answer = ptrace::set_registers(tid, &calling)
            .and_then(|()| ptrace::set_signal_mask(tid, u64::MAX))
            .map_err(failed)
            .and_then(|()| self.finish(chosen, &what));
        match answer {
            Ok(_) => ptrace::set_signal_mask(tid, mask)
                .and_then(|()| ptrace::set_registers(tid, &after))
                .map_err(failed)?,
            // It goes on by itself from where it is, in instructions that must stay: no thread makes another call, for
            // which they would be overwritten. The kernel lets go of all at the end of this thread.
            Err(error) => {
                self.threads.clear();
                return Err(error);
            }
        }
        self.threads[chosen].registers = after;
        self.memory.write(at, &vec![0; block.len()])?;
        match answer? {
            answer @ -4095..=-1 => {
                Err(failed(Errno::from_raw_os_error(i32::try_from(-answer).expect("it has four digits"))))
            }
            answer => Ok(answer.cast_unsigned()),
        }
    }

    /// Lets a thread go on until its call has returned.
    fn finish(&self, chosen: usize, what: &str) -> Result<i64, LinuxError> {
        let tid = self.threads[chosen].tid;
        let failed = |errno| match errno {
            Errno::SRCH => LinuxError::Gone { what: what.to_owned() },
            errno => LinuxError::call(what, errno),
        };
        let until = now() + self.patience;
        let (mut signal, mut has_entered) = (0, false);
        loop {
            ptrace::go_on_to_a_call(tid, signal).map_err(failed)?;
            signal = 0;
            match ptrace::wait(tid, until).map_err(failed)? {
                Some(Stop::AtACall) if has_entered => {
                    let registers = ptrace::registers(tid).map_err(failed)?;
                    let registers: Registers = registers.ok_or_else(|| failed(Errno::SRCH))?;
                    if !registers.calls_again() {
                        return Ok(registers.answer());
                    }
                    has_entered = false;
                }
                Some(Stop::AtACall) => has_entered = true,
                // All others are kept back by the mask.
                Some(Stop::Signal(taken)) => signal = taken,
                Some(Stop::Still { .. }) => {}
                Some(Stop::Ended) => return Err(failed(Errno::SRCH)),
                None => return Err(time_is_up(what.to_owned())),
            }
        }
    }

    /// The end of an executable mapping, where nothing is: its last page is filled up with zeros. The vDSO, which every process
    /// has, ends with some hundreds of them. What a call of a tracer that died has left there may go.
    fn room_for(&self, length: usize) -> Result<Room, LinuxError> {
        let length = (length + LEFT_BEHIND.len() + size_of::<u64>()) as u64;
        let mut mappings = self.mappings()?;
        mappings.retain(|mapping| mapping.rights == "r-xp" && mapping.name != "[vsyscall]");
        mappings.sort_by_key(|mapping| mapping.name != "[vdso]");
        for Mapping { start, end, .. } in mappings {
            let mut page = vec![0; usize::try_from(PAGE.min(end - start)).expect("it is a page at most")];
            if !self.memory.read(end - page.len() as u64, &mut page)? {
                continue;
            }
            let left_behind = left_behind(&page) as u64;
            if self.program_counters().any(|at| (end - left_behind..end).contains(&at)) {
                continue;
            }
            let others = page.iter().rev().skip(left_behind as usize);
            let zeros = left_behind + others.take_while(|byte| **byte == 0).count() as u64;
            let at = (end - length) & !(ALIGNED - 1);
            // Not right behind what is there, whose last bytes may be zeros.
            if zeros >= end - at + ALIGNED {
                return Ok(Room { at, end });
            }
        }
        let what = format!("find room for the instructions of a call in process {}", self.pid);
        Err(LinuxError::Call { what, source: io::Error::other("no executable page of it has a free end") })
    }
}

/// Where instructions can be put.
struct Room {
    at: u64,
    end: u64,
}

impl Room {
    /// Fills it up, so that what is left behind can be told from what others have put there.
    fn fill(&self, block: &mut Vec<u8>) {
        let size = usize::try_from(self.end - self.at).expect("it is a page at most");
        block.resize(size - LEFT_BEHIND.len() - size_of::<u64>(), 0);
        block.extend((size as u64).to_le_bytes());
        block.extend(LEFT_BEHIND);
    }
}

/// How many bytes at the end of a page are those of an earlier call.
fn left_behind(page: &[u8]) -> usize {
    let length = page.strip_suffix(LEFT_BEHIND).and_then(|rest| rest.last_chunk());
    let length = length.map_or(0, |bytes| usize::try_from(u64::from_le_bytes(*bytes)).unwrap_or(usize::MAX));
    if length <= page.len() { length } else { 0 }
}

impl<'a> Argument<'a> {
    fn bytes(self) -> &'a [u8] {
        match self {
            Self::Word(_) => &[],
            Self::Bytes(bytes) => bytes,
        }
    }
}
