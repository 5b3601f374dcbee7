//! What happened, one sentence an event. Live output, lists and reports all use these words.

use std::collections::{HashMap, HashSet};

use steadfast_model::{
    InjectionId, Phase,
    event::{EventBody, Known, RunPlan},
};

use super::Mark;
use crate::words;

/// Tells events in words. It remembers the plan, to call faults and programs by their names.
#[derive(Debug, Default)]
pub struct Teller {
    /// The names of faults, when there are several.
    faults: HashMap<InjectionId, String>,
    /// Those that cannot be taken back, and whether they are all.
    lasting: HashSet<InjectionId>,
    all_last: bool,
    programs: Vec<String>,
}

impl Teller {
    /// The mark an event leaves in a run's timeline; samples leave none.
    pub(super) fn mark(&mut self, at: f64, body: &EventBody) -> Option<Mark> {
        let what = self.sentence(body)?;
        let on_charts = matches!(
            body.known(),
            Some(
                Known::FaultInjected { .. }
                    | Known::FaultReverted { .. }
                    | Known::HarmShown { .. }
                    | Known::GuardTripped { .. }
                    | Known::StopRequested { .. }
            )
        );
        Some(Mark { at, what, on_charts })
    }

    /// What happened, for people; `None` for samples, which are shown as numbers. Give it every event of the run.
    #[must_use]
    pub fn sentence(&mut self, body: &EventBody) -> Option<String> {
        let Some(known) = body.known() else {
            return Some("An event of another version of Steadfast, kept as it was.".to_owned());
        };
        Some(match known {
            Known::Sampled { .. } => return None,
            Known::RunStarted { name, plan, .. } => {
                self.remember(plan);
                format!("Run {name} began.")
            }
            Known::PhaseEntered { phase: Phase::Revert } if self.all_last => {
                "The time of the fault is over.".to_owned()
            }
            Known::PhaseEntered { phase } => phase_sentence(*phase).to_owned(),
            Known::TargetsResolved { target, resolved, .. } => {
                let found: Vec<_> = resolved.iter().map(ToString::to_string).collect();
                format!("Found {target}: {}.", found.join(", "))
            }
            Known::SteadyStateJudged { met: true, .. } => {
                "The steady state is met before the fault.".to_owned()
            }
            Known::SteadyStateJudged { reason, .. } => {
                format!("The steady state is not met: {}", reason.sentence)
            }
            Known::FaultInjected { injection } => format!("The fault{} is in place.", self.named(injection)),
            Known::InjectionFailed { injection, reason } => {
                format!("The fault{} could not be injected: {}", self.named(injection), reason.sentence)
            }
            Known::EffectObserved { injection, effect } => {
                format!("Effect of the fault{}: {effect}.", self.named(injection))
            }
            Known::HarmShown { metrics, .. } => {
                format!("Harm is shown by {}: no fault stays or is to come.", metrics.join(", "))
            }
            Known::GuardTripped { guard, why } => format!("Guard {guard} tripped: {why}."),
            Known::StopRequested { by } => format!("Asked to stop ({by})."),
            Known::FaultReverted { injection } if self.lasting.contains(injection) => {
                format!("The fault{} stays done: it cannot be taken back.", self.named(injection))
            }
            Known::FaultReverted { injection } => {
                format!("The fault{} was taken away.", self.named(injection))
            }
            Known::RevertFailed { injection, why, abandoned: true, manual } => {
                let (fault, manual) = (self.named(injection), manual.join("; "));
                format!("The fault{fault} could NOT be taken away: {why}. By hand: {manual}")
            }
            Known::RevertFailed { injection, why, .. } => {
                format!("The fault{} could not be taken away yet: {why}.", self.named(injection))
            }
            Known::GoneObserved { injection, effect } => {
                format!("After the fault{} was taken away: {effect}.", self.named(injection))
            }
            Known::RecoveryMeasured { seconds: Some(seconds), .. } => {
                format!("Back in the steady state after {}.", words::duration(*seconds))
            }
            Known::RecoveryMeasured { seconds: None, .. } => {
                "Not back in the steady state within the recovery window.".to_owned()
            }
            Known::LoadReported { load, due, sent, good, latency_us, failures } => {
                let mut text = format!(
                    "Load {load}: {due} requests due, {sent} sent, {good} answered with an accepted status"
                );
                if latency_us[3] > 0 {
                    let (median, late) = (milliseconds(latency_us[0]), milliseconds(latency_us[2]));
                    text.push_str(&format!("; latency p50 {median}, p99 {late}"));
                }
                let mut failures: Vec<_> = failures.iter().collect();
                failures.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
                let told: Vec<_> =
                    failures.iter().map(|(cause, count)| format!("{count} x {cause}")).collect();
                text + &if told.is_empty() {
                    ".".to_owned()
                } else {
                    format!(". Not good: {}.", told.join(", "))
                }
            }
            Known::SetupFailed { reason } => format!("It could not begin: {}", reason.sentence),
            Known::LeaseLost { injection, why } => {
                format!("The fault{} may have ended before its time: {why}.", self.named(injection))
            }
            Known::CommandStarted { command } => format!("Running {}.", self.program(*command)),
            Known::CommandEnded { command, succeeded: true, how } => {
                format!("{} is done: {how}.", self.program(*command))
            }
            Known::CommandEnded { command, how, .. } => format!("{} failed: {how}.", self.program(*command)),
            Known::JournalFailed { why } => format!("The history could not be written: {why}."),
            Known::Noted { what } => format!("{what}."),
            Known::Concluded(conclusion) => {
                format!(
                    "Concluded: {} ({}). {}",
                    conclusion.verdict, conclusion.outcome, conclusion.reason.sentence
                )
            }
        })
    }

    fn remember(&mut self, plan: &RunPlan) {
        self.programs = plan.commands.iter().map(|command| command.describes.clone()).collect();
        let named = plan.injections.iter().filter_map(|one| Some((one.injection, one.name.clone()?)));
        self.faults = named.collect();
        let lasting = plan.injections.iter().filter(|one| !one.reversible);
        self.lasting = lasting.map(|one| one.injection).collect();
        self.all_last = plan.injections.iter().all(|one| !one.reversible);
    }

    /// ` NAME`, when there are several.
    fn named(&self, injection: &InjectionId) -> String {
        self.faults.get(injection).map_or(String::new(), |name| format!(" {name}"))
    }

    fn program(&self, command: usize) -> &str {
        self.programs.get(command).map_or("a program", String::as_str)
    }
}

fn phase_sentence(phase: Phase) -> &'static str {
    match phase {
        Phase::Check => "Checking the document.",
        Phase::Preflight => "Looking at the targets.",
        Phase::Baseline => "Measuring the steady state.",
        Phase::Inject => "Injecting the fault.",
        Phase::VerifyEffect => "Looking for the fault's effect.",
        Phase::Observe => "Watching under the fault.",
        Phase::Revert => "Taking the fault away.",
        Phase::VerifyGone => "Making sure that it is gone.",
        Phase::Recover => "Watching the recovery.",
        Phase::Conclude => "Forming the verdict.",
        Phase::Done => "Done.",
    }
}

#[expect(clippy::cast_precision_loss, reason = "latencies are far below 2^53 microseconds")]
fn milliseconds(micros: u64) -> String {
    words::duration(micros as f64 / 1e6)
}
