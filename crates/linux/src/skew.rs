//! Telling a process another time than it is, and taking that back.
//!
//! Programs read clocks in the vDSO, a page of the kernel's that every process has. There the first bytes of three functions
//! are replaced by a jump to instructions of ours, which stand in the unused end of the same page; they ask the kernel and
//! change its answer. How often they did is counted in the last eight bytes of the stack, which the kernel leaves empty
//! in every process. So nothing is mapped, no thread makes a call for us, and no register changes: whoever is killed
//! between two writes leaves a process that can go on as it is.
//!
//! When it is taken back, the functions are what they were; the instructions stay in their unused place and tell the time as
//! it is, for a thread that is still in them, or will return there from a signal. They are used again by the next skew.
//!
//! A process forked meanwhile has all of that too. It is found by the injection, whose number stands beside the instructions.

use std::{io, time::Duration};

use steadfast_model::{
    InjectionId, ProcessIdentity,
    skew::{ClockFamily, ClockPatch, ClockStatus, PatchedSite, Skew},
};

use crate::{
    LinuxError, every_process_number, identify,
    trace::{Held, Memory, hold, mappings},
};

mod code;
mod vdso;

use vdso::Vdso;

/// How long all threads of a process have to stand still at once before it is given up for now. Each takes some 10 µs more.
const STOP: Duration = Duration::from_millis(8);
/// When they do not, or one is just where something is written, it goes on for a moment before the next try.
const TRIES: usize = 40;
const BETWEEN_TRIES: Duration = Duration::from_millis(15);
/// The length of a jump within one page or two.
const JUMP: usize = 5;

/// Finds out what to change in a process. Changes nothing. `None` when it is gone.
///
/// # Errors
/// [`LinuxError::Denied`] when this user may not look into it, [`LinuxError::Missing`] for a process in which clocks are
/// not read like this, [`LinuxError::Call`] when it is told another time already, or would be told one before the clock began.
pub fn plan(
    process: &ProcessIdentity,
    skew: &Skew,
    injection: InjectionId,
) -> Result<Option<ClockPatch>, LinuxError> {
    if !cfg!(target_arch = "x86_64") {
        return Err(LinuxError::Missing {
            what: "tell a process another time: this is done on x86-64 only".to_owned(),
        });
    }
    let Some(Place { vdso, memory, block, counter }) = Place::find(process)? else { return Ok(None) };
    let refused = |why: &str| refused(process, why);
    check_clocks(process, skew)?;
    let sites = code::entries().into_iter().enumerate().filter_map(|(position, (name, entry))| {
        // The other two tell what time it is.
        let is_meant = position == 0 || skew.clocks.contains(&ClockFamily::Realtime);
        let at = vdso.function(name, JUMP).filter(|_| is_meant)?;
        let address = vdso.start + at as u64;
        Some(PatchedSite {
            address,
            was: vdso.image[at..at + JUMP].to_vec(),
            is: jump(address, block + entry),
        })
    });
    let sites: Vec<_> = sites.collect();
    if sites.first().is_none_or(|site| site.address - vdso.start != clock_gettime_in(&vdso)) {
        return Err(LinuxError::Missing { what: "find clock_gettime in its vDSO".to_owned() });
    }
    let jumps_to_us = |site: &PatchedSite| site.was == site.is;
    if sites.iter().any(jumps_to_us) {
        return Err(refused("it is told another time already"));
    }
    let offset = usize::try_from(block - vdso.start).expect("it is in the image");
    let there = &vdso.image[offset..offset + code::blank().len()];
    let is_ours = there.starts_with(code::MARK) && there.ends_with(code::MARK);
    if !is_ours && there.iter().any(|byte| *byte != 0) {
        return Err(refused("something else is in the unused end of its vDSO"));
    }
    // A thread that was still in our instructions when it was taken back counts once more.
    if !is_ours && word(&memory, counter)? != Some(0) {
        return Err(refused("something else is at the end of its stack"));
    }
    let patch = ClockPatch { injection, block, counter, sites };
    Ok((identify(process.pid)?.as_ref() == Some(process)).then_some(patch))
}

/// Puts in place what was planned. How long the process stood still for it; `None` when it is gone.
///
/// # Errors
/// As [`crate::trace::hold`]; [`LinuxError::Call`] when it is not as it was when planned: it may have started another program.
pub fn put_in_place(
    process: &ProcessIdentity,
    patch: &ClockPatch,
    skew: &Skew,
) -> Result<Option<Duration>, LinuxError> {
    let bases: Vec<_> =
        code::clocks_of(skew).map(|clock| (clock, shown(clock).unwrap_or_default())).collect();
    let block = code::filled(skew, patch.injection, patch.counter, &bases);
    in_short_stops(process, |held| {
        let was = |site: &PatchedSite| holds(held.memory(), site.address, &site.was);
        let may_count = || -> Result<bool, LinuxError> {
            Ok(holds(held.memory(), patch.block, code::MARK)?
                || word(held.memory(), patch.counter)? == Some(0))
        };
        if !all(&patch.sites, was)? || !may_count()? {
            return Err(refused(process, "it has changed meanwhile"));
        }
        let end = patch.block + block.len() as u64;
        if stands_in_the_way(held, patch)
            || held.program_counters().any(|at| (patch.block..end).contains(&at))
        {
            return Ok(None);
        }
        held.memory().write(patch.counter, &[0; 8])?;
        held.memory().write(patch.block, &block)?;
        for site in &patch.sites {
            held.memory().write(site.address, &site.is)?;
        }
        Ok(Some(held.held_for()))
    })
}

/// Takes it back, from the process and from all that it forked meanwhile, whether it still is there or not. Twice, or for what
/// was never put in place, succeeds.
///
/// # Errors
/// As [`crate::trace::hold`], for the first process from which it could not be taken back; all others are done.
pub fn take_back(process: &ProcessIdentity, patch: &ClockPatch) -> Result<(), LinuxError> {
    let head = code::head(patch.injection);
    let bears = |pid: &u32| match Memory::open(*pid, false) {
        Ok(Some(memory)) => holds(&memory, patch.block, &head),
        Ok(None) => Ok(false),
        // Whoever may trace a process may trace what it forks; what may not be looked into is of somebody else.
        Err(LinuxError::Denied { .. }) if *pid != process.pid => Ok(false),
        Err(error) => match identify(*pid)? {
            Some(found) if found == *process => Err(error),
            _ => Ok(false),
        },
    };
    // One that forks while it is looked for is found in the next round.
    loop {
        let mut bearers = Vec::new();
        for pid in every_process_number()? {
            bearers.extend(bears(&pid)?.then_some(pid));
        }
        if bearers.is_empty() {
            return Ok(());
        }
        let mut first = Ok(());
        for pid in bearers {
            if let Some(found) = identify(pid)? {
                first = first.and(restore(&found, patch, &head));
            }
        }
        first?;
    }
}

/// Whether an injection tells a process the wrong time, and how often it did. `None` when the process is gone.
///
/// # Errors
/// As [`plan`], for what cannot be looked into.
pub fn status(process: &ProcessIdentity, injection: InjectionId) -> Result<Option<ClockStatus>, LinuxError> {
    let Some(Place { vdso, memory, block, counter }) = Place::find(process)? else { return Ok(None) };
    let at = clock_gettime_in(&vdso);
    let [(_, entry), ..] = code::entries();
    let jumps = holds(&memory, vdso.start + at, &jump(vdso.start + at, block + entry))?;
    let is_in_place = jumps && holds(&memory, block, &code::head(injection))?;
    let told = if is_in_place { word(&memory, counter)? } else { None };
    let status = ClockStatus { identity: process.clone(), told };
    Ok((identify(process.pid)?.as_ref() == Some(process)).then_some(status))
}

/// Where things are in a process.
struct Place {
    vdso: Vdso,
    memory: Memory,
    block: u64,
    counter: u64,
}

impl Place {
    fn find(process: &ProcessIdentity) -> Result<Option<Self>, LinuxError> {
        if identify(process.pid)?.as_ref() != Some(process) {
            return Ok(None);
        }
        let Some(memory) = Memory::open(process.pid, false)? else { return Ok(None) };
        let mappings = mappings(process.pid)?.unwrap_or_default();
        let missing = |what: &str| LinuxError::Missing { what: what.to_owned() };
        let vdso = Vdso::read(&mappings, &memory)?;
        let free = vdso.free().filter(|free| free + code::blank().len() <= vdso.image.len());
        let free = free.ok_or_else(|| missing("find room at the end of its vDSO"))?;
        let stack = mappings.iter().find(|mapping| mapping.name == "[stack]");
        let stack = stack.ok_or_else(|| missing("find the stack it was started with"))?;
        let (block, counter) = (vdso.start + free as u64, stack.end - 8);
        Ok(Some(Self { vdso, memory, block, counter }))
    }
}

fn restore(process: &ProcessIdentity, patch: &ClockPatch, head: &[u8]) -> Result<(), LinuxError> {
    let restored = in_short_stops(process, |held| {
        let memory = held.memory();
        // It may have started another program since it was found.
        if !holds(memory, patch.block, head)? {
            return Ok(Some(()));
        }
        let known = |site: &PatchedSite| {
            Ok(holds(memory, site.address, &site.is)? || holds(memory, site.address, &site.was)?)
        };
        if !all(&patch.sites, known)? {
            return Err(refused(process, "somebody else has changed where it reads its clocks"));
        }
        if stands_in_the_way(held, patch) {
            return Ok(None);
        }
        for site in &patch.sites {
            memory.write(site.address, &site.was)?;
        }
        if !all(&patch.sites, |site| holds(memory, site.address, &site.was))? {
            return Err(refused(process, "what was written there is not there"));
        }
        memory.write(patch.counter, &[0; 8])?;
        memory.write(patch.block + code::WRONG.start as u64, &[0; code::WRONG.end - code::WRONG.start])?;
        // Last: by this it is found.
        memory.write(patch.block + code::MARK.len() as u64, &[0; code::HEAD - code::MARK.len()])?;
        Ok(Some(()))
    });
    restored.map(drop)
}

/// Holds a process for the work, again and again, until the work can be done.
fn in_short_stops<T: Send>(
    process: &ProcessIdentity,
    work: impl Fn(&mut Held) -> Result<Option<T>, LinuxError> + Sync,
) -> Result<Option<T>, LinuxError> {
    let mut late = None;
    for _ in 0..TRIES {
        match hold(process, STOP, |held| work(held)) {
            Ok(None) => return Ok(None),
            Ok(Some(Some(done))) => return Ok(Some(done)),
            Ok(Some(None)) => {}
            Err(LinuxError::Call { what, source }) if source.kind() == io::ErrorKind::TimedOut => {
                late = Some(LinuxError::Call { what, source });
            }
            Err(error) => return Err(error),
        }
        pause();
    }
    Err(late.unwrap_or_else(|| refused(process, "it never stops reading its clocks")))
}

/// Whether a thread is in the middle of the bytes that change.
fn stands_in_the_way(held: &Held, patch: &ClockPatch) -> bool {
    let inside = |at: u64| {
        patch.sites.iter().any(|site| (site.address + 1..site.address + site.is.len() as u64).contains(&at))
    };
    held.program_counters().any(inside)
}

fn clock_gettime_in(vdso: &Vdso) -> u64 {
    let [(name, _), ..] = code::entries();
    vdso.function(name, JUMP).map_or(u64::MAX, |at| at as u64)
}

/// A jump from there to there.
fn jump(from: u64, to: u64) -> Vec<u8> {
    let distance = to.wrapping_sub(from + JUMP as u64).cast_signed();
    let distance = i32::try_from(distance).expect("both are in the vDSO");
    [&[0xe9], distance.to_le_bytes().as_slice()].concat()
}

/// A clock that shows how much time has passed shows none before it began, and is told by another one in a time namespace.
fn check_clocks(process: &ProcessIdentity, skew: &Skew) -> Result<(), LinuxError> {
    if !skew.clocks.contains(&ClockFamily::Monotonic) {
        return Ok(());
    }
    let namespace = |who: &str| std::fs::read_link(format!("/proc/{who}/ns/time")).ok();
    if namespace(&process.pid.to_string()) != namespace("self") {
        return Err(refused(
            process,
            "it is in another time namespace, where monotonic clocks began at another time",
        ));
    }
    match shown(libc::CLOCK_MONOTONIC) {
        Some(now) if now.saturating_add(skew.offset.nanos()) <= 0 => {
            Err(refused(process, "its monotonic clocks would show a time before they began"))
        }
        _ => Ok(()),
    }
}

/// What a clock shows, in nanoseconds; `None` for one that this machine has not.
fn shown(clock: i32) -> Option<i64> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` outlives the call.
    let answer = unsafe { libc::clock_gettime(clock, &raw mut time) };
    (answer == 0).then(|| time.tv_sec.saturating_mul(1_000_000_000).saturating_add(time.tv_nsec))
}

fn word(memory: &Memory, address: u64) -> Result<Option<u64>, LinuxError> {
    let mut bytes = [0; 8];
    Ok(memory.read(address, &mut bytes)?.then_some(u64::from_le_bytes(bytes)))
}

fn holds(memory: &Memory, address: u64, bytes: &[u8]) -> Result<bool, LinuxError> {
    let mut there = vec![0; bytes.len()];
    Ok(memory.read(address, &mut there)? && there == bytes)
}

fn all(
    sites: &[PatchedSite],
    test: impl Fn(&PatchedSite) -> Result<bool, LinuxError>,
) -> Result<bool, LinuxError> {
    sites.iter().try_fold(true, |all, site| Ok(all && test(site)?))
}

fn refused(process: &ProcessIdentity, why: &str) -> LinuxError {
    let what = format!("change where process {process} reads its clocks");
    LinuxError::Call { what, source: io::Error::other(why.to_owned()) }
}

#[expect(clippy::disallowed_methods, reason = "the process goes on meanwhile")]
fn pause() {
    std::thread::sleep(BETWEEN_TRIES);
}
