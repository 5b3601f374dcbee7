//! `cargo xtask crash`: kills Steadfast's processes at seeded system calls and looks for what is left behind.
//!
//! For every fault, five victims: the injector, the reaper, the proxy, injector with reaper, and the reaper while it
//! undoes what a dead injector left. Each round starts real processes in a state directory of its own, lets strace send
//! SIGKILL at one chosen system call between the first write to the ledger and the end, and then looks: is the target as
//! it was, is the proxy without rules, is the ledger without a live injection? Only where both died may `steadfast
//! recover` be called.

use std::{
    path::PathBuf,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{program::steadfast, say::say};

mod calls;
mod case;
mod names;
mod round;
mod scene;
mod seed;
mod takeover;
pub(crate) mod wait;

pub(crate) use case::Case;
use round::Round;

/// What to kill, how often.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct CrashArguments {
    /// Kills for each fault and victim
    #[arg(long, default_value_t = 200)]
    kills: usize,
    /// Only this fault; may be repeated
    #[arg(long)]
    fault: Vec<String>,
    /// Only this victim; may be repeated
    #[arg(long)]
    victim: Vec<Victim>,
    /// Makes the choice of system calls repeatable
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Rounds at the same time
    #[arg(long, default_value_t = 3)]
    jobs: usize,
}

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Victim {
    /// The process that injects.
    Injector,
    /// The process that watches over it.
    Reaper,
    /// The fault proxy; only for faults that use one.
    Proxy,
    /// Injector and reaper together.
    Both,
    /// The reaper while it takes over from an injector that was killed.
    Takeover,
}

/// The sample that `cargo xtask test` takes: ten kills of each where faults differ in how they are made and undone, four of
/// each of the others, which share that with one of them.
pub(crate) fn sample() -> Result<()> {
    let (own, shared): (Vec<_>, Vec<_>) = Case::all().into_iter().partition(Case::is_thorough);
    for (kills, cases) in [(10, own), (4, shared)] {
        let fault = cases.iter().map(|case| case.fault.to_owned()).collect();
        crash(&CrashArguments { kills, fault, victim: Vec::new(), seed: 1, jobs: 3 })?;
    }
    Ok(())
}

/// Kills, looks, counts.
pub(crate) fn crash(arguments: &CrashArguments) -> Result<()> {
    let binary = steadfast()?;
    let cases: Vec<_> = Case::all()
        .into_iter()
        .filter(|case| arguments.fault.is_empty() || arguments.fault.iter().any(|name| name == case.fault))
        .collect();
    ensure!(!cases.is_empty(), "there is no fault of that name");
    let (cases, left_out): (Vec<_>, Vec<_>) = cases.into_iter().partition(|case| case.missing().is_none());
    for case in left_out {
        say(&format!("{:13} left out: {}", case.fault, case.missing().unwrap_or_default()));
    }
    for case in &cases {
        control(case, &binary)?;
    }
    let mut kills = 0;
    let mut leaks = Vec::new();
    for case in &cases {
        for victim in victims(case, &arguments.victim) {
            let found = rounds(case, victim, arguments, &binary)?;
            kills += found.kills;
            say(&format!(
                "{:13} {victim:9?} {:4} kills, {:4} rounds ended before the call was reached, {:2} leaks",
                case.fault,
                found.kills,
                found.missed,
                found.leaks.len()
            ));
            leaks.extend(found.leaks);
        }
    }
    say(&format!("{kills} kills, {} leaks", leaks.len()));
    if !leaks.is_empty() {
        bail!("{}", leaks.join("\n"));
    }
    Ok(())
}

fn victims(case: &Case, wanted: &[Victim]) -> Vec<Victim> {
    [Victim::Injector, Victim::Reaper, Victim::Proxy, Victim::Both, Victim::Takeover]
        .into_iter()
        // A process fault involves no proxy: there would be nothing to kill.
        .filter(|victim| *victim != Victim::Proxy || case.needs_proxy())
        // What cannot be undone is over at once: there is nothing to take over.
        .filter(|victim| *victim != Victim::Takeover || case.reversible())
        .filter(|victim| wanted.is_empty() || wanted.contains(victim))
        .collect()
}

/// What the rounds of one fault and victim found.
#[derive(Default)]
struct Found {
    kills: usize,
    missed: usize,
    leaks: Vec<String>,
}

fn rounds(case: &Case, victim: Victim, arguments: &CrashArguments, binary: &PathBuf) -> Result<Found> {
    let calls = calls::calls(case, victim, binary)
        .with_context(|| format!("learn the system calls of {} for {victim:?}", case.fault))?;
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Found::default()));
    let failure = Mutex::new(None);
    thread::scope(|scope| {
        for _ in 0..arguments.jobs {
            scope.spawn(|| {
                loop {
                    // A round whose call was not reached is tried again with another, so that every kill counts.
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    let enough = found.lock().expect("no round panics").kills >= arguments.kills;
                    if enough || number > arguments.kills * 6 + 20 {
                        return;
                    }
                    let chosen =
                        seed::pick(arguments.seed, case.fault, victim as u64, number as u64, calls.len());
                    let call = &calls[chosen];
                    match Round::new(case, victim, binary).and_then(|round| round.kill_at(call)) {
                        Ok(end) => {
                            let mut found = found.lock().expect("no round panics");
                            found.kills += usize::from(end.killed);
                            found.missed += usize::from(!end.killed);
                            found.leaks.extend(
                                end.leaks
                                    .into_iter()
                                    .map(|leak| format!("{} {victim:?} at {call}: {leak}", case.fault)),
                            );
                        }
                        Err(error) => {
                            failure.lock().expect("no round panics").get_or_insert(error);
                            return;
                        }
                    }
                }
            });
        }
    });
    if let Some(error) = failure.into_inner().expect("no round panics") {
        return Err(error);
    }
    let found = found.into_inner().expect("no round panics");
    ensure!(
        found.kills >= arguments.kills,
        "{} {victim:?}: only {} of {} kills were reached",
        case.fault,
        found.kills,
        arguments.kills
    );
    Ok(found)
}

/// Shows that a leak would be seen: with injector and reaper dead and nobody to undo, the fault is still there.
fn control(case: &Case, binary: &PathBuf) -> Result<()> {
    let round = Round::new(case, Victim::Both, binary)?;
    ensure!(
        round.left_alone_shows_a_difference()?,
        "{}: with undo switched off nothing was different, so this suite could not see a leak",
        case.fault
    );
    Ok(())
}
