//! From what was seen of each target to what that says of the whole fault.

use steadfast_model::{Effect, Observation, effect::Sighting};

/// Judges each target by itself and then all of them together.
pub(crate) fn judge_each(
    before: &Observation,
    now: &Observation,
    judge: impl Fn(Option<&Sighting>, &Sighting) -> Effect,
) -> Effect {
    let each =
        now.targets.iter().enumerate().map(|(position, seen)| judge(before.targets.get(position), seen));
    together(each.collect())
}

/// A fault is believed only when every target shows it, and gone only when none does.
fn together(effects: Vec<Effect>) -> Effect {
    let (mut active, mut idle, mut absent, mut unknown) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for effect in effects {
        match effect {
            Effect::Active { evidence } => active.push(evidence),
            Effect::Idle { why } => idle.push(why),
            Effect::Absent { evidence } => absent.push(evidence),
            Effect::Unknown { why } => unknown.push(why),
        }
    }
    let in_place = !(active.is_empty() && idle.is_empty());
    if !unknown.is_empty() {
        Effect::Unknown { why: unknown.join("; ") }
    } else if in_place && !absent.is_empty() {
        active.append(&mut idle);
        Effect::Unknown {
            why: format!("in place for some targets only: {}; but {}", active.join("; "), absent.join("; ")),
        }
    } else if !idle.is_empty() {
        Effect::Idle { why: idle.join("; ") }
    } else if !active.is_empty() {
        Effect::Active { evidence: active.join("; ") }
    } else if !absent.is_empty() {
        Effect::Absent { evidence: absent.join("; ") }
    } else {
        Effect::Unknown { why: "there are no targets to look at".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn active() -> Effect {
        Effect::Active { evidence: "it shows".to_owned() }
    }
    fn idle() -> Effect {
        Effect::Idle { why: "nothing came by".to_owned() }
    }
    fn absent() -> Effect {
        Effect::Absent { evidence: "it is not there".to_owned() }
    }
    fn unknown() -> Effect {
        Effect::Unknown { why: "it cannot be seen".to_owned() }
    }

    #[test]
    fn one_target_without_evidence_keeps_the_whole_fault_from_being_believed() {
        assert!(matches!(together(vec![active(), active()]), Effect::Active { .. }));
        assert!(matches!(together(vec![active(), idle()]), Effect::Idle { .. }));
        assert!(matches!(together(vec![active(), absent()]), Effect::Unknown { .. }));
        assert!(matches!(together(vec![active(), unknown()]), Effect::Unknown { .. }));
    }

    #[test]
    fn a_fault_is_gone_only_when_it_is_gone_everywhere() {
        assert!(matches!(together(vec![absent(), absent()]), Effect::Absent { .. }));
        assert!(matches!(together(vec![absent(), idle()]), Effect::Unknown { .. }));
        assert!(matches!(together(vec![absent(), unknown()]), Effect::Unknown { .. }));
    }

    #[test]
    fn no_targets_say_nothing() {
        assert!(matches!(together(vec![]), Effect::Unknown { .. }));
    }
}
