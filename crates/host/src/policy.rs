//! What the owner of this machine allows: limits that no document and no command can lift.
//!
//! The file is `/etc/steadfast/policy.yaml`. It is read anew for every look and every injection, by the host itself, as
//! the last thing before the undo record: whoever asks, and however, meets it. Without the file there are no more limits
//! than the built-in ones. A file that cannot be read, makes no sense or could have been written by somebody else means
//! no injection at all: a limit that is not understood is not kept by guessing.
//!
//! There is no option that replaces it. The file that `STEADFAST_POLICY` names is read *beside* it, and both must allow:
//! so the variable can only take away. Taking faults out again is never limited.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use steadfast_engine::host::{HostError, HostErrorKind};
use steadfast_faults::FaultSpec;
use steadfast_model::ResolvedTarget;

use crate::error::host_error;

mod document;
mod facts;
mod file;
mod selector;
#[cfg(test)]
mod tests;
mod words;

pub use document::{Allowance, KIND, Policy, Scope, read, schema};
pub(crate) use facts::user_id;
pub use selector::{HostSelector, NetnsSelector, ProcessSelector, ProxySelector, Selector};

use facts::Facts;

/// Where the owner of a machine writes it.
pub const POLICY_FILE: &str = "/etc/steadfast/policy.yaml";

/// The files whose limits all hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies {
    machine: PathBuf,
    more: Vec<PathBuf>,
}

impl Default for Policies {
    /// This machine's.
    fn default() -> Self {
        Self { machine: POLICY_FILE.into(), more: Vec::new() }
    }
}

/// Limits that were read, with the files they come from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Limits(Vec<(PathBuf, Policy)>);

/// What is live already.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Live {
    pub(crate) faults: usize,
    pub(crate) targets: usize,
}

impl Policies {
    /// The limits of another file too. It must be there.
    #[must_use]
    pub fn and(mut self, file: PathBuf) -> Self {
        self.more.push(file);
        self
    }

    /// The first file that is there or has to be, read or not.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        let looked = fs::symlink_metadata(&self.machine);
        let is_missing = looked.is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
        if is_missing { self.more.first().map(PathBuf::as_path) } else { Some(&self.machine) }
    }

    /// In place of the machine's file another one, for tests: there must be no way to do so from outside.
    #[must_use]
    #[cfg(feature = "sabotage")]
    pub fn of_another_machine_for_tests(mut self, file: PathBuf) -> Self {
        self.machine = file;
        self
    }

    /// Reads all of them.
    ///
    /// # Errors
    /// When one is there and cannot be trusted or understood, with its problems, or one that was named is not there.
    pub fn load(&self) -> Result<Limits, HostError> {
        let mut limits = Vec::new();
        for (path, needed) in
            std::iter::once((&self.machine, false)).chain(self.more.iter().map(|path| (path, true)))
        {
            let hint = "nothing is injected until the policy is sound: its owner mends or removes it";
            let found = file::read(path, needed).map_err(|why| {
                let message = format!("read the policy {}:{why}", path.display());
                host_error(HostErrorKind::Unsupported, message, Some(hint))
            })?;
            limits.extend(found.map(|policy| (path.clone(), policy)));
        }
        Ok(Limits(limits))
    }
}

impl Limits {
    /// Whether a fault may last so long.
    ///
    /// # Errors
    /// With the first limit that it would break.
    pub fn check_fault(&self, kind: &str, duration: Duration) -> Result<(), HostError> {
        self.each(|policy| policy.refuses_kind(kind).or_else(|| policy.refuses_duration(duration)))
    }

    /// Whether this fault may go into these targets.
    pub(crate) fn check_targets(
        &self,
        fault: &FaultSpec,
        targets: &[ResolvedTarget],
    ) -> Result<(), HostError> {
        self.each(|policy| policy.refuses_kind(fault.kind()))?;
        let chooses = |(_, policy): &(PathBuf, Policy)| policy.chooses_targets();
        if !self.0.iter().any(chooses) {
            return Ok(());
        }
        for target in targets {
            let facts = Facts::of(target)?;
            // Whoever leads there: a network fault is for the whole namespace.
            let whole = match target {
                ResolvedTarget::Process(process) if fault.as_fault().is_for_whole_namespace() => {
                    Some(Facts::namespace_of(process)?)
                }
                _ => None,
            };
            let refuses = |policy: &Policy| match &whole {
                Some(whole) => policy.forbids(&facts).or_else(|| {
                    let why = policy.refuses_target(whole)?;
                    Some(format!("the network namespace it is in: {why}"))
                }),
                None => policy.refuses_target(&facts),
            };
            self.each(|policy| refuses(policy).map(|why| format!("{target}: {why}")))?;
        }
        Ok(())
    }

    /// Whether so many more may be live at once.
    pub(crate) fn check_room(&self, live: Live, targets: usize) -> Result<(), HostError> {
        self.each(|policy| policy.refuses_room(live, targets))
    }

    fn each(&self, mut refuses: impl FnMut(&Policy) -> Option<String>) -> Result<(), HostError> {
        for (path, policy) in &self.0 {
            if let Some(why) = refuses(policy) {
                let message = format!("inject: the policy {} does not allow it: {why}", path.display());
                let hint =
                    "only the owner of this machine can change that; `steadfast doctor` shows all limits";
                return Err(host_error(HostErrorKind::Unsupported, message, Some(hint)));
            }
        }
        Ok(())
    }
}

/// In a line, for people.
impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no limits but the built-in ones: there is no policy");
        }
        let files: Vec<_> =
            self.0.iter().map(|(path, policy)| format!("{}: {policy}", path.display())).collect();
        f.write_str(&files.join("; and "))
    }
}
