//! What no fault may touch: Steadfast itself, what it stands on, and the way to this machine.

use std::collections::BTreeMap;

use steadfast_engine::host::{HostError, HostErrorKind};
use steadfast_ledger::{Ledger, Listed};
use steadfast_linux::{ProcessHandle, ancestors, command_name, is_kernel_thread};
use steadfast_model::{Binding, ProcessIdentity, ResolvedTarget, undo::UndoVerb};

use crate::{
    control,
    error::{from_linux, host_error},
    reaper::seat,
};

mod announced;
mod own_program;

/// Names of the programs through which people reach a machine.
const WAYS_IN: [&str; 5] = ["sshd", "sshd-session", "sshd-auth", "dropbear", "steadfast-agent"];

/// What is protected now.
pub(crate) struct Guarded {
    own: ProcessIdentity,
    /// Every process that Steadfast is or stands on, and which it is.
    ours: BTreeMap<u32, &'static str>,
}

impl Guarded {
    /// Looks.
    ///
    /// # Errors
    /// When ledger or process table cannot be read.
    pub(crate) async fn look(
        ledger: &Ledger,
        own: &ProcessIdentity,
        binding: &Binding,
    ) -> Result<Self, HostError> {
        Ok(Self { own: own.clone(), ours: ours(ledger, own, binding).await? })
    }

    /// Why a process is protected; `None` when it may be disturbed.
    ///
    /// # Errors
    /// When the process table cannot be read.
    pub(crate) fn why(&self, pid: u32) -> Result<Option<String>, HostError> {
        match self.ours.get(&pid) {
            Some(why) => Ok(Some((*why).to_owned())),
            None => own_program::at_work(pid, &self.own)?.map_or_else(|| by_nature(pid), |why| Ok(Some(why))),
        }
    }

    /// Refuses targets that are protected.
    ///
    /// # Errors
    /// [`HostErrorKind::Protected`] with the first of them and why.
    pub(crate) fn check(&self, targets: &[ResolvedTarget]) -> Result<(), HostError> {
        let Some((pid, why)) = self.first(targets.iter().filter_map(process_of))? else { return Ok(()) };
        let message = format!("disturb process {pid}: it is {why}");
        let hint = "faults go into what is verified, never into what verifies it or leads there";
        Err(host_error(HostErrorKind::Protected, message, Some(hint)))
    }

    /// The first of these processes that is protected, and why it is.
    ///
    /// # Errors
    /// When the process table cannot be read.
    pub(crate) fn first(
        &self,
        pids: impl IntoIterator<Item = u32>,
    ) -> Result<Option<(u32, String)>, HostError> {
        for pid in pids {
            if let Some(why) = self.why(pid)? {
                return Ok(Some((pid, why)));
            }
        }
        Ok(None)
    }
}

/// Looks what is protected now, and refuses targets that are.
///
/// # Errors
/// As [`Guarded::check`], and when ledger or process table cannot be read.
pub(crate) async fn check(
    targets: &[ResolvedTarget],
    ledger: &Ledger,
    own: &ProcessIdentity,
    binding: &Binding,
) -> Result<(), HostError> {
    if targets.iter().all(|target| process_of(target).is_none()) {
        return Ok(());
    }
    Guarded::look(ledger, own, binding).await?.check(targets)
}

fn process_of(target: &ResolvedTarget) -> Option<u32> {
    match target {
        ResolvedTarget::Process(process) => Some(process.identity.pid),
        // The machine's own network namespace is refused by whatever would disturb it.
        // What is put into a whole machine leaves the ways in their share, and its worker is the first to go.
        ResolvedTarget::Proxy(_) | ResolvedTarget::Netns(_) | ResolvedTarget::Host(_) => None,
    }
}

fn by_nature(pid: u32) -> Result<Option<String>, HostError> {
    if pid == 1 {
        return Ok(Some("the first process of this machine".to_owned()));
    }
    if is_kernel_thread(pid).map_err(|error| from_linux(&error))? {
        return Ok(Some("a thread of the kernel".to_owned()));
    }
    let name = command_name(pid).map_err(|error| from_linux(&error))?.unwrap_or_default();
    Ok(WAYS_IN.contains(&name.as_str()).then(|| format!("{name}, a way into this machine")))
}

/// Every process that Steadfast is or stands on.
async fn ours(
    ledger: &Ledger,
    own: &ProcessIdentity,
    binding: &Binding,
) -> Result<BTreeMap<u32, &'static str>, HostError> {
    // What is told later says more, and stands.
    let mut ours = BTreeMap::new();
    for run in announced::runs(ledger.dir()).filter(lives) {
        insert_with_ancestors(&mut ours, run.pid, "a run under way or its ancestor")?;
    }
    for proxy in binding.proxies.values() {
        // A proxy that is not there cannot be a target; one that hangs still tells who it is.
        if let Ok(pid) = control::listener(&proxy.control).await {
            ours.insert(pid, "a fault proxy, which must take orders");
        }
    }
    if let Some(reaper) = seat::occupant(ledger.dir()) {
        ours.insert(reaper.identity().pid, "the reaper, which undoes faults");
    }
    for listed in ledger.live().map_err(|error| crate::error::from_ledger(&error))? {
        let Listed::Account(account) = listed else { continue };
        for record in &account.records {
            match record.known_verb() {
                Some(UndoVerb::RemoveRule { proxy, .. }) if lives(&proxy) => {
                    ours.insert(proxy.pid, "a fault proxy, which must take orders");
                }
                Some(
                    UndoVerb::EndWorker { worker, .. }
                    | UndoVerb::EndStress { worker, .. }
                    | UndoVerb::UncoverFiles { worker, .. },
                ) if lives(&worker) => {
                    ours.insert(worker.pid, "a worker, which holds a fault");
                }
                _ => {}
            }
        }
        let injector = account.injector().map(ProcessHandle::open);
        if let Some(Ok(Some(injector))) = injector {
            insert_with_ancestors(&mut ours, injector.identity().pid, "an injector at work or its ancestor")?;
        }
    }
    insert_with_ancestors(&mut ours, own.pid, "an ancestor of Steadfast")?;
    ours.insert(own.pid, "Steadfast itself");
    Ok(ours)
}

fn lives(process: &ProcessIdentity) -> bool {
    matches!(ProcessHandle::open(process), Ok(Some(_)))
}

fn insert_with_ancestors(
    ours: &mut BTreeMap<u32, &'static str>,
    pid: u32,
    why: &'static str,
) -> Result<(), HostError> {
    ours.insert(pid, why);
    ours.extend(ancestors(pid).map_err(|error| from_linux(&error))?.into_iter().map(|pid| (pid, why)));
    Ok(())
}
