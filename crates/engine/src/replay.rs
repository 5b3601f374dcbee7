//! Runs a run again from its events alone.
//!
//! The machine is rebuilt from the first event and told what the recorded ones stand for. Everything it says must be
//! what was recorded, the conclusion above all: its finding carries the counts, and its digest covers every sample.

use serde_json::Value;
use steadfast_model::{
    Event,
    event::{Conclusion, Known},
};

use crate::machine::{Action, Begin, Input, Machine};

/// Differences that are listed; more are only counted.
const LISTED: usize = 20;

/// What came of a replay.
#[derive(Debug, Clone, PartialEq)]
pub struct Replay {
    /// The conclusion found now; nothing when the run never ended.
    pub conclusion: Option<Conclusion>,
    /// Whether everything found now is what was recorded.
    pub agrees: bool,
    /// What differs, in words.
    pub differences: Vec<String>,
}

/// Runs a run again from its events.
#[must_use]
pub fn replay(events: &[Event]) -> Replay {
    let mut follower = Follower::default();
    for (index, event) in events.iter().enumerate() {
        if event.sequence != index as u64 {
            let found = event.sequence;
            follower.differ(format!("event {index} has sequence {found}: events are missing or doubled"));
        }
        follower.follow(event);
    }
    follower.end()
}

/// Follows a run event by event: for replays, and for whoever shows a run while it happens.
#[derive(Debug, Default)]
pub struct Follower {
    machine: Option<Machine>,
    /// What the machine said that has not been seen among the events yet.
    expected: std::collections::VecDeque<Known>,
    recorded: Option<Conclusion>,
    found: Option<Conclusion>,
    differences: Vec<String>,
}

impl Follower {
    /// Takes the next event in.
    pub fn follow(&mut self, event: &Event) {
        let at = event.sequence;
        let Some(known) = event.body.known() else {
            self.differ(format!("event {at} is of a kind this version does not know"));
            return;
        };
        if let Known::Concluded(conclusion) = known {
            self.recorded = Some((**conclusion).clone());
        }
        if self.machine.is_none() {
            self.begin(at, known);
        } else if self.expected.is_empty()
            && let Some(input) = Input::recorded(known)
        {
            let machine = self.machine.as_mut().expect("it was just seen to be there");
            let actions = machine.on(input);
            self.note(actions);
        }
        match self.expected.pop_front() {
            Some(expected) if expected == *known => {}
            Some(expected) => {
                let differences = differences(&value(known), &value(&expected));
                self.differ(format!("event {at}: {differences}"));
            }
            None => self.differ(format!("event {at} ({}): nothing happens now", kind(known))),
        }
    }

    /// The machine as it is after the events so far.
    #[must_use]
    pub fn machine(&self) -> Option<&Machine> {
        self.machine.as_ref()
    }

    /// Ends the replay.
    #[must_use]
    pub fn end(mut self) -> Replay {
        let missing: Vec<&str> = self.expected.iter().map(kind).collect();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            self.differ(format!("these should follow and do not: {missing}"));
        }
        match (&self.recorded, &self.found) {
            (None, _) => self.differ("the run has no conclusion".to_owned()),
            (Some(recorded), Some(found)) if recorded != found && self.differences.is_empty() => {
                self.differ("the conclusion differs".to_owned());
            }
            (Some(_), None) => self.differ("no conclusion is reached now".to_owned()),
            _ => {}
        }
        let count = self.differences.len();
        if count > LISTED {
            self.differences.truncate(LISTED);
            self.differences.push(format!("and {} more differences", count - LISTED));
        }
        Replay { conclusion: self.found, agrees: count == 0, differences: self.differences }
    }

    fn begin(&mut self, at: u64, known: &Known) {
        let Known::RunStarted { run, name, experiment, document_digest, parameters, plan } = known.clone()
        else {
            self.differ(format!("event {at} ({}) comes before the start of the run", kind(known)));
            return;
        };
        let (machine, actions) =
            Machine::new(Begin { run, name, experiment, document_digest, parameters, plan });
        self.machine = Some(machine);
        self.note(actions);
    }

    fn note(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Emit(known) => self.expected.push_back(known),
                Action::Finish(conclusion) => self.found = Some(*conclusion),
                _ => {}
            }
        }
    }

    fn differ(&mut self, what: String) {
        self.differences.push(what);
    }
}

fn value(known: &Known) -> Value {
    serde_json::to_value(known).expect("events are plain data with text keys")
}

/// The one key of an event.
fn kind(known: &Known) -> &'static str {
    match known {
        Known::RunStarted { .. } => "runStarted",
        Known::PhaseEntered { .. } => "phaseEntered",
        Known::TargetsResolved { .. } => "targetsResolved",
        Known::Sampled { .. } => "sampled",
        Known::SteadyStateJudged { .. } => "steadyStateJudged",
        Known::FaultInjected { .. } => "faultInjected",
        Known::InjectionFailed { .. } => "injectionFailed",
        Known::EffectObserved { .. } => "effectObserved",
        Known::HarmShown { .. } => "harmShown",
        Known::GuardTripped { .. } => "guardTripped",
        Known::StopRequested { .. } => "stopRequested",
        Known::FaultReverted { .. } => "faultReverted",
        Known::RevertFailed { .. } => "revertFailed",
        Known::GoneObserved { .. } => "goneObserved",
        Known::RecoveryMeasured { .. } => "recoveryMeasured",
        Known::LoadReported { .. } => "loadReported",
        Known::SetupFailed { .. } => "setupFailed",
        Known::LeaseLost { .. } => "leaseLost",
        Known::CommandStarted { .. } => "commandStarted",
        Known::CommandEnded { .. } => "commandEnded",
        Known::JournalFailed { .. } => "journalFailed",
        Known::Noted { .. } => "noted",
        Known::Concluded(_) => "concluded",
    }
}

/// The first places in which two values differ, as `path: recorded X, now Y`.
fn differences(recorded: &Value, now: &Value) -> String {
    let mut found = Vec::new();
    compare("", recorded, now, &mut found);
    // What matters most is told first.
    let matters = ["concluded.samplesDigest", "concluded.verdict", "concluded.outcome"];
    found.sort_by_key(|what| !matters.iter().any(|path| what.starts_with(path)));
    let more = found.len().saturating_sub(3);
    found.truncate(3);
    let rest = if more > 0 { format!("; and {more} more") } else { String::new() };
    format!("{}{rest}", found.join("; "))
}

fn compare(path: &str, recorded: &Value, now: &Value, found: &mut Vec<String>) {
    match (recorded, now) {
        (Value::Object(a), Value::Object(b))
            if a.keys().all(|key| b.contains_key(key)) && a.len() == b.len() =>
        {
            for (key, value) in a {
                compare(&format!("{path}.{key}"), value, &b[key], found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (one, other)) in a.iter().zip(b).enumerate() {
                compare(&format!("{path}[{index}]"), one, other, found);
            }
        }
        _ if recorded == now => {}
        _ => found.push(format!(
            "{}: recorded {}, now {}",
            path.trim_start_matches('.'),
            short(recorded),
            short(now)
        )),
    }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() <= 80 {
        text
    } else {
        format!("{}…", text.chars().take(80).collect::<String>())
    }
}
