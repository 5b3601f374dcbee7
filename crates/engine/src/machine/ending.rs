//! What ends a run before its time. Several things can; each is remembered once.

use steadfast_model::verdict::Reason;

/// What ended a run early.
#[derive(Debug, Clone, Default)]
pub(super) struct Ending {
    /// Why nothing was ever injected.
    pub(super) refused: Option<Reason>,
    /// The evidence showed harm.
    pub(super) harm: bool,
    /// The metrics that showed it.
    pub(super) harmed: Vec<String>,
    /// A guard: its name and what it saw.
    pub(super) guard: Option<(String, String)>,
    /// A person, and how.
    pub(super) person: Option<String>,
    /// Something of ours broke.
    pub(super) failed: Option<Reason>,
    /// The history cannot be written.
    pub(super) journal: Option<String>,
}

impl Ending {
    /// The first reason stays.
    pub(super) fn refuse(&mut self, reason: Reason) {
        self.refused.get_or_insert(reason);
    }

    /// The first reason stays, unless a fault could not be taken away: that outranks all.
    pub(super) fn fail(&mut self, reason: Reason) {
        let outranks = reason.code == "revertAbandoned";
        if outranks || self.failed.is_none() {
            self.failed = Some(reason);
        }
    }

    /// Whether not even recovery is watched.
    pub(super) fn at_once(&self) -> bool {
        self.person.is_some() || self.failed.is_some() || self.journal.is_some()
    }

    /// What cut the fault window short, for people.
    pub(super) fn cut_by(&self) -> String {
        if !self.harmed.is_empty() {
            return self.harmed.join(", ");
        }
        if let Some((guard, _)) = &self.guard {
            return format!("the guard {guard}");
        }
        match &self.person {
            Some(by) => format!("a request to stop ({by})"),
            None => "trouble with the run itself".to_owned(),
        }
    }
}
