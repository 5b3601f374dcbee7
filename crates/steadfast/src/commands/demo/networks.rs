//! Network namespaces of the demo's own, so that faults on packets work without root where the kernel allows that.
//!
//! Whether it does is tried by a process that ends at once (`steadfast network-trial`). Then the demo puts itself in its own
//! place, as that same process, and moves before it has a second thread: signals, streams and the exit code need no help.
//! The namespaces are held by the demo and its services only, so they are gone when those are, however that comes.

use std::{
    ffi::OsString,
    fs::File,
    net::Ipv4Addr,
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use steadfast_demo::Apart;
use steadfast_linux::{
    CommandEnding, CommandOrder, LinuxError,
    network::{self, CableEnd, Namespace},
    replace_this_program, run_kept,
};
use steadfast_model::{
    Duration,
    network::{Backend, Direction, NetworkFault, Traffic},
};

use crate::{
    cli::{Colour, demo::Switches},
    failure::{Failure, code},
    session::Session,
    terminal::Terminal,
};

/// What the experiment of these namespaces injects, and for how long.
const FAULT: &str = "networkDelay";
const LENGTH: std::time::Duration = std::time::Duration::from_secs(15);

/// A trial takes some milliseconds.
const PATIENCE_MS: u64 = 10_000;
const LONGEST_ANSWER: usize = 64 * 1024;

/// Addresses that mean nothing outside, as the cable leads nowhere else.
const HERE: CableEnd<'_> = CableEnd {
    device: "to-risk",
    address: (Ipv4Addr::new(10, 83, 0, 1), 30),
    hardware: [2, 0, 0, 0, 0x83, 1],
};
const RISK: CableEnd<'_> = CableEnd {
    device: "to-demo",
    address: (Ipv4Addr::new(10, 83, 0, 2), 30),
    hardware: [2, 0, 0, 0, 0x83, 2],
};

/// The namespace of risk. The one around it is that of this process.
#[derive(Debug)]
pub(crate) struct Networks {
    risk: Namespace,
}

/// Moves this process, before it has any other thread, into a network namespace of its own.
///
/// # Errors
/// When the kernel does not allow it.
pub(crate) fn move_apart() -> Result<(), Failure> {
    network::move_apart().map_err(|error| Failure::failed(error.with_causes()))
}

/// Moves the thread of a service into its namespace, and with it all threads that it will start.
///
/// # Errors
/// When the namespace is gone, or the kernel does not allow it.
pub(crate) fn enter(path: &Path) -> Result<(), Failure> {
    let found = Namespace::at(path).map_err(|error| Failure::failed(error.with_causes()))?;
    let found = found.ok_or_else(|| Failure::failed(format!("enter {}: it is gone", path.display())))?;
    found.enter().map_err(|error| Failure::failed(error.with_causes()))
}

/// Why the demo cannot have network namespaces of its own; `None` when it can. Changes nothing.
pub(crate) fn refusal(session: &Session) -> Option<String> {
    match network::moves_into_user_namespace() {
        Err(error) => return Some(format!("failed to {}", error.with_causes())),
        Ok(true) => {
            // It would be refused there, and with it every fault.
            if let Some(policy) = session.policies().file() {
                return Some(format!(
                    "there is a policy, {}, and in a user namespace nobody can tell who wrote it",
                    policy.display()
                ));
            }
        }
        // There, whoever owns this machine may still not want it.
        Ok(false) => {
            let allowed = session.policies().load().and_then(|limits| limits.check_fault(FAULT, LENGTH));
            if let Err(refused) = allowed {
                return Some(refused.message);
            }
        }
    }
    tried(session).unwrap_or_else(|error| Some(format!("failed to {}", error.with_causes())))
}

/// Starts this program in its own place with the same wishes, to move first of all. Returns only when it cannot.
pub(crate) fn start_again(
    switches: &Switches,
    only: &[String],
    colour: Colour,
    session: &Session,
) -> Failure {
    let mut words = vec!["demo".to_owned(), "--apart".to_owned()];
    for (option, values) in
        [("--without", &switches.without), ("--fix", &switches.fix), ("--only", &only.to_vec())]
    {
        words.extend(values.iter().map(|value| format!("{option}={value}")));
    }
    let colour = colour.to_possible_value().expect("no way to colour is left out");
    words.push(format!("--color={}", colour.get_name()));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let command: Vec<OsString> = session.command(&words).into_iter().map(Into::into).collect();
    Failure::failed(replace_this_program(&command).with_causes())
}

/// Does all that the demo will do with namespaces, and says why it cannot.
pub(crate) fn trial(terminal: Terminal) -> u8 {
    let result = network::move_apart().and_then(|()| Networks::make()).and_then(|_networks| {
        look_at_the_program()?;
        let latency = Duration::from_millis(1);
        let (jitter, backend) = (Duration::ZERO, Backend::Nftables);
        let delay = NetworkFault::Delay { latency, jitter, keep_order: false, seed: 0, backend };
        // What comes in: what goes out would need a TAP device, which is often for root alone.
        let traffic = Traffic { direction: Direction::Ingress, ..Traffic::default() };
        network::probe(&traffic, &delay)
    });
    match result {
        Ok(_) => 0,
        Err(error) => {
            terminal.print(error.with_causes());
            code::PRIVILEGE
        }
    }
}

impl Networks {
    /// Makes the namespace of risk, with a cable to that of this process. Both go with this process.
    ///
    /// # Errors
    /// When the kernel does not allow it.
    pub(crate) fn make() -> Result<Self, LinuxError> {
        let risk = Namespace::make()?;
        network::lay_cable(&HERE, &RISK, &risk)?;
        Ok(Self { risk })
    }

    /// Where risk is to be.
    pub(crate) fn apart(&self) -> Apart {
        Apart { namespace: self.risk.path(), address: RISK.address.0.into() }
    }
}

/// A program that its user may run but not read hides its descriptors and namespaces also from itself: proc_pid(5).
fn look_at_the_program() -> Result<(), LinuxError> {
    let path = PathBuf::from("/proc/self/exe");
    File::open(&path).map(drop).map_err(|source| LinuxError::Read { path, source })
}

fn tried(session: &Session) -> Result<Option<String>, LinuxError> {
    let order = CommandOrder {
        argv: session.command(&["network-trial"]),
        env: Vec::new(),
        timeout_ms: PATIENCE_MS,
        longest_output: LONGEST_ANSWER,
    };
    let keeper: Vec<OsString> = session.command(&["keeper"]).into_iter().map(Into::into).collect();
    let (_held, kept) = run_kept(&keeper, &order)?;
    let report = kept.wait()?;
    Ok(match report.end {
        CommandEnding::Exited(0) => None,
        CommandEnding::Exited(_) if !report.output.trim().is_empty() => {
            Some(format!("failed to {}", report.output.trim()))
        }
        CommandEnding::Late => Some("trying it took too long".to_owned()),
        _ => Some(format!("trying it went wrong: {}", report.errors.trim())),
    })
}
