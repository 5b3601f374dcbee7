//! Reasons in words a product engineer understands.

use steadfast_analysis as analysis;

use super::Reason;

impl Reason {
    /// The reason in words: one or two sentences.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::InvalidPlan { problems } => format!("The plan cannot be run: {}.", problems.join("; ")),
            Self::TargetNotFound { target, why, hint } => {
                format!("Nothing was touched: failed to find {target}: {why}{}.", tip(hint.as_deref()))
            }
            Self::NotPossible { target, why, hint, .. } => {
                format!(
                    "Nothing was touched: failed to prepare the fault for {target}: {why}{}.",
                    tip(hint.as_deref())
                )
            }
            Self::LoadNotStarted { load, why } => {
                format!("Nothing was touched: failed to start the load `{load}`: {why}.")
            }
            Self::SteadyStateMet { metrics: 1 } => {
                "The metric was in its steady state before the fault.".to_owned()
            }
            Self::SteadyStateMet { metrics } => {
                format!("All {metrics} metrics were in their steady state before the fault.")
            }
            Self::SteadyStateNotMet { metric, problem } => {
                let why = analysis::Reason::SteadyStateNotMet { problem: *problem }.sentence();
                format!("Nothing was touched, because {metric} was not in its steady state. {why}")
            }
            Self::NoTraffic { metrics } => format!(
                "Nothing was touched, because nothing was measured before the fault: no traffic for {}. \
                 Send traffic, or add a `load` to the experiment.",
                metrics.join(", ")
            ),
            Self::NotMeasured { metric, why } => {
                format!(
                    "{metric} could not be measured at all, so nothing was tested{}.",
                    last(why.as_deref())
                )
            }
            Self::InjectionFailed { target, why } => {
                format!("The fault could not be put into {target}: {why}. What had been done was undone.")
            }
            Self::CommandFailed { command, why } => {
                format!("The program {command} of the method failed: {why}. The run was ended.")
            }
            Self::NotReached { target } => {
                format!("The run ended before it was the turn of the fault in {target}.")
            }
            Self::NoEffect { target, saw } => format!(
                "The fault in {target} was never seen to disturb anything, so nothing was tested{}.",
                last(saw.as_deref())
            ),
            Self::EffectLost { target, saw } => {
                format!(
                    "The fault in {target} ended before its time, so it was not tested as planned ({saw})."
                )
            }
            Self::EffectSeldom { target, intervals, of, saw } => format!(
                "The fault in {target} was seen in effect in only {intervals} of {of} intervals{}. Intervals it did \
                 not touch say nothing about it: send more traffic its way, or raise its `percent`.",
                last(saw.as_deref())
            ),
            Self::StillThere { target, saw } => format!(
                "The fault in {target} was taken away but not seen to be gone{}. `steadfast status` shows what is \
                 still active.",
                last(saw.as_deref())
            ),
            Self::GuardTripped { guard, why } => format!("The guard `{guard}` ended the run: {why}."),
            Self::StopRequested { by } => format!("The run was stopped ({by}) before anything was shown."),
            Self::LeaseLost { target, why } => format!(
                "The lease of the fault in {target} could not be renewed ({why}), so the fault may have ended \
                 before its time."
            ),
            Self::RevertAbandoned { target, why, manual } => format!(
                "The fault in {target} could NOT be taken away: {why}. A person must act{}.",
                if manual.is_empty() { String::new() } else { format!(": {}", manual.join(" && ")) }
            ),
            Self::RevertFailed { target, why } => format!(
                "The fault in {target} could not be taken away by the run: {why}. It ends at its deadline; \
                 `steadfast recover` tries again now."
            ),
            Self::StoreUnavailable { why } => format!(
                "The history could not be written ({why}), so the run was ended. What was seen is in the spool file."
            ),
            Self::RecoveryTooSlow { seconds: Some(seconds), within } => {
                format!("Recovery took {seconds:.0} s; expected was at most {within:.0} s.")
            }
            Self::RecoveryTooSlow { seconds: None, within } => {
                format!(
                    "The system did not recover while it was watched; expected was at most {within:.0} s."
                )
            }
            Self::RecoveryNotSeen { within, completeness } => format!(
                "Whether the system recovered within {within:.0} s could not be seen: {:.0} % of the intervals \
                 after the fault were measured with traffic.",
                completeness * 100.0
            ),
        }
    }
}

fn tip(hint: Option<&str>) -> String {
    hint.map_or_else(String::new, |hint| format!(" (try: {hint})"))
}

fn last(saw: Option<&str>) -> String {
    saw.map_or_else(String::new, |saw| format!(" ({saw})"))
}
