//! The terms of the contract. Each begins with a fresh world and says how it is broken.

use steadfast_faults::{
    Fault, FaultError,
    world::fake::{LogEntry, Trouble, at_once},
};
use steadfast_model::{Effect, InjectionId, Observation, ResolvedTarget, undo::UndoVerb};

use crate::{
    folder::Example,
    stage::Stage,
    subject::{Sabotage, Subject},
};

type Term = fn(&Stage, &dyn Fault) -> Result<(), String>;

pub(crate) const TERMS: &[(&str, Term)] = &[
    ("preflight changes nothing and names what it will touch", preflight_only_looks),
    ("what does not fit is refused with a hint", misfits_are_refused),
    ("a target that is gone is refused", gone_targets_are_refused),
    ("the same fault in the same place conflicts", same_place_conflicts),
    ("injecting takes effect", injecting_takes_effect),
    ("no effect is claimed without one", nothing_is_claimed_without_evidence),
    ("another injection's effect is not claimed", others_are_not_claimed),
    ("every change is recorded before it is made", changes_are_recorded),
    ("undo restores the world, twice as well as once", undo_restores),
    ("without undo the world differs", without_undo_the_world_differs),
    ("undo succeeds when the targets are gone", undo_succeeds_without_targets),
    ("what cannot be recorded is not done", no_record_no_change),
    ("what breaks halfway is said, and can be undone", halfway_is_undone),
];

/// Each term that does not hold, with how.
pub(crate) fn broken_terms(example: &Example, sabotage: Sabotage) -> Vec<(&'static str, String)> {
    let broken = |(name, term): &(&'static str, Term)| {
        let stage = Stage::fit_for(&example.into);
        let subject = Subject::new(example.fault.clone(), sabotage, &stage.world);
        term(&stage, &subject).err().map(|how| (*name, how))
    };
    TERMS.iter().filter_map(broken).collect()
}

fn preflight_only_looks(stage: &Stage, fault: &dyn Fault) -> Result<(), String> {
    let before = stage.world.snapshot();
    let preview =
        at_once(fault.preflight(&stage.world, &stage.targets)).map_err(|error| error.to_string())?;
    ensure(stage.world.snapshot() == before && stage.world.log().is_empty(), "preflight changed the world")?;
    ensure(preview.actions.len() == stage.targets.len(), "there is not one action a target")?;
    for target in &stage.targets {
        let prefix = format!("{}/", target.key());
        ensure(
            preview.keys.iter().any(|key| key.starts_with(&prefix)),
            &format!("no key begins with {prefix}"),
        )?;
        ensure(
            preview.actions.iter().any(|action| action.contains(&target.to_string())),
            "an action names no target",
        )?;
    }
    Ok(())
}

fn misfits_are_refused(stage: &Stage, fault: &dyn Fault) -> Result<(), String> {
    let mixed = [stage.targets[0].clone(), stage.misfit.clone()];
    match at_once(fault.preflight(&stage.world, &mixed)) {
        Err(error @ FaultError::Unsupported { .. }) => {
            ensure(error.hint().is_some(), "the refusal has no hint")?
        }
        other => return Err(format!("a target that does not fit gives {other:?}")),
    }
    let nothing = at_once(fault.preflight(&stage.world, &[]));
    ensure(matches!(nothing, Err(FaultError::Unsupported { .. })), "no targets at all are accepted")
}

fn gone_targets_are_refused(stage: &Stage, fault: &dyn Fault) -> Result<(), String> {
    stage.end_targets();
    let result = at_once(fault.preflight(&stage.world, &stage.targets));
    ensure(matches!(result, Err(FaultError::TargetGone { .. })), "preflight accepts a target that is gone")?;
    ensure(stage.inject(fault).is_err(), "injecting into a target that is gone succeeds")
}

fn same_place_conflicts(stage: &Stage, fault: &dyn Fault) -> Result<(), String> {
    let keys = |targets| at_once(fault.preflight(&stage.world, targets)).map(|preview| preview.keys);
    let here = keys(&stage.targets[..1]).map_err(|error| error.to_string())?;
    let again = keys(&stage.targets[..1]).map_err(|error| error.to_string())?;
    let elsewhere = keys(&stage.targets[1..]).map_err(|error| error.to_string())?;
    ensure(here.iter().any(|key| again.contains(key)), "two in one place do not conflict")?;
    ensure(!here.iter().any(|key| elsewhere.contains(key)), "two in different places conflict")
}

fn injecting_takes_effect(stage: &Stage, fault: &dyn Fault) -> Result<(), String> {
    let before = stage.observe(fault);
    stage.inject(fault).map_err(|error| error.to_string())?;
    stage.world.send_traffic(100);
    match stage.effect_since(&before, fault) {
        Effect::Active { .. } => Ok(()),
        other => Err(other.to_string()),
    }
}

fn nothing_is_claimed_without_evidence(stage: &Stage, fault: &dyn Fault) -> Result<(), String> {
    let before = stage.observe(fault);
    stage.world.send_traffic(100);
    let effect = stage.effect_since(&before, fault);
    ensure(matches!(effect, Effect::Absent { .. }), &format!("before the injection: {effect}"))?;
    let blind = fault.judge(&before, &Observation::default());
    ensure(matches!(blind, Effect::Unknown { .. }), &format!("with nothing observed: {blind}"))?;
    stage.inject(fault).map_err(|error| error.to_string())?;
    let effect = stage.effect_since(&before, fault);
    let needs_traffic = !matches!(stage.targets[0], ResolvedTarget::Process(_));
    ensure(!needs_traffic || matches!(effect, Effect::Idle { .. }), &format!("without traffic: {effect}"))
}

fn others_are_not_claimed(stage: &Stage, fault: &dyn Fault) -> Result<(), String> {
    if matches!(stage.targets[0], ResolvedTarget::Process(_)) {
        return Ok(()); // A process carries no trace of who stopped it; its key allows one injection only.
    }
    let other = Stage { id: InjectionId::new(), ..clone(stage) };
    let before = stage.observe(fault);
    other.inject(fault).map_err(|error| error.to_string())?;
    stage.world.send_traffic(100);
    let effect = stage.effect_since(&before, fault);
    ensure(matches!(effect, Effect::Absent { .. }), &format!("{effect}"))
}

fn changes_are_recorded(stage: &Stage, fault: &dyn Fault) -> Result<(), String> {
    stage.inject(fault).map_err(|error| error.to_string())?;
    let log = stage.world.log();
    ensure(
        log.len() == 2 * stage.targets.len(),
        &format!("not one record and one change a target: {log:?}"),
    )?;
    for pair in log.chunks(2) {
        ensure(
            matches!(pair, [LogEntry::Recorded { .. }, LogEntry::Changed(_)]),
            &format!("out of order: {pair:?}"),
        )?;
    }
    let final_records =
        stage.world.records(stage.id).iter().all(|record| matches!(record, UndoVerb::Irreversible { .. }));
    ensure(final_records != fault.reversible(), "what the records say and `reversible` differ")
}

fn undo_restores(stage: &Stage, fault: &dyn Fault) -> Result<(), String> {
    let (before, snapshot) = (stage.observe(fault), stage.world.snapshot());
    stage.inject(fault).map_err(|error| error.to_string())?;
    stage.world.send_traffic(100);
    for _ in 0..2 {
        stage.revert();
        if fault.reversible() {
            ensure(stage.world.snapshot() == snapshot, &stage.world.snapshot())?;
            let effect = stage.effect_since(&before, fault);
            ensure(matches!(effect, Effect::Absent { .. }), &format!("after the undo: {effect}"))?;
        }
    }
    Ok(())
}

fn without_undo_the_world_differs(stage: &Stage, fault: &dyn Fault) -> Result<(), String> {
    let snapshot = stage.world.snapshot();
    stage.inject(fault).map_err(|error| error.to_string())?;
    ensure(stage.world.snapshot() != snapshot, "the world is as before")
}

fn undo_succeeds_without_targets(stage: &Stage, fault: &dyn Fault) -> Result<(), String> {
    let before = stage.observe(fault);
    stage.inject(fault).map_err(|error| error.to_string())?;
    if fault.reversible() {
        stage.end_targets();
        stage.revert();
        let effect = stage.effect_since(&before, fault);
        ensure(matches!(effect, Effect::Absent { .. }), &format!("{effect}"))?;
    }
    Ok(())
}

fn no_record_no_change(stage: &Stage, fault: &dyn Fault) -> Result<(), String> {
    let snapshot = stage.world.snapshot();
    stage.world.make_trouble(Trouble::CannotRecord);
    let result = stage.inject(fault);
    ensure(matches!(result, Err(FaultError::NotRecorded { .. })), &format!("{result:?}"))?;
    ensure(stage.world.snapshot() == snapshot, "the world was changed all the same")
}

fn halfway_is_undone(stage: &Stage, fault: &dyn Fault) -> Result<(), String> {
    let snapshot = stage.world.snapshot();
    stage.world.make_trouble(Trouble::FailsAfter(1));
    ensure(stage.inject(fault).is_err(), "the error is not passed on")?;
    ensure(stage.world.snapshot() != snapshot, "the first target was not touched")?;
    stage.revert();
    ensure(!fault.reversible() || stage.world.snapshot() == snapshot, "half of it is still there")
}

fn clone(stage: &Stage) -> Stage {
    Stage {
        world: stage.world.clone(),
        targets: stage.targets.clone(),
        misfit: stage.misfit.clone(),
        id: stage.id,
    }
}

fn ensure(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}
