//! What faults on a whole machine have in common.

use steadfast_model::{
    Effect, InjectionId, Observation, ResolvedTarget,
    effect::Sighting,
    process::ProcessState,
    stress::{StressStatus, StressWorker},
    target::ResolvedHost,
};

use crate::{FaultError, effects::judge_each, world::World};

/// The machines among the targets, which must be all of them.
pub(crate) fn hosts<'a>(
    kind: &str,
    targets: &'a [ResolvedTarget],
) -> Result<Vec<&'a ResolvedHost>, FaultError> {
    if targets.is_empty() {
        return Err(FaultError::Unsupported {
            what: format!("put {kind} into nothing: there are no targets"),
            hint: None,
        });
    }
    let host = |target: &'a ResolvedTarget| match target {
        ResolvedTarget::Host(host) => Ok(host),
        other => Err(FaultError::Unsupported {
            what: format!("put {kind} into {other}: it is no machine"),
            hint: Some(format!(
                "{kind} goes `into` `host: {{}}`, the machine with all that runs on it; for a `process` or a `service` take processPause"
            )),
        }),
    };
    targets.iter().map(host).collect()
}

/// The workers of this injection on every machine.
pub(crate) async fn observe(
    world: &dyn World,
    targets: &[ResolvedTarget],
    injection: InjectionId,
) -> Result<Observation, FaultError> {
    let mut seen = Observation::default();
    for target in targets {
        seen.targets.push(match target {
            ResolvedTarget::Host(host) => match world.machine().status(host, injection).await {
                Ok(status) => Sighting::Host(Box::new(status)),
                Err(error) => Sighting::Unseen { why: error.to_string() },
            },
            _ => Sighting::Unseen { why: format!("{target} is no machine") },
        });
    }
    Ok(seen)
}

/// Judges every worker that lives by what was seen of the same one earlier; without any, the fault is not in place.
pub(crate) fn judge(
    before: &Observation,
    now: &Observation,
    judge_worker: impl Fn(Option<&StressWorker>, &StressWorker) -> Effect,
) -> Effect {
    judge_with(before, now, |_, before, now| judge_worker(before, now))
}

/// The same, by all that is seen of the machine now.
pub(crate) fn judge_with(
    before: &Observation,
    now: &Observation,
    judge_worker: impl Fn(&StressStatus, Option<&StressWorker>, &StressWorker) -> Effect,
) -> Effect {
    judge_each(before, now, |before, now| match now {
        Sighting::Host(now) => {
            let judge_worker =
                |before: Option<&StressWorker>, worker: &StressWorker| judge_worker(now, before, worker);
            judge_workers(before.and_then(status_in), now, judge_worker)
        }
        Sighting::Unseen { why } => Effect::Unknown { why: why.clone() },
        _ => Effect::Unknown { why: "something else was seen in place of a machine".to_owned() },
    })
}

fn judge_workers(
    before: Option<&StressStatus>,
    now: &StressStatus,
    judge_worker: impl Fn(Option<&StressWorker>, &StressWorker) -> Effect,
) -> Effect {
    let ended = |worker: &&StressWorker| matches!(worker.state, ProcessState::Dead | ProcessState::Gone);
    let Some(worker) = now.workers.iter().find(|worker| !ended(worker)) else {
        let evidence = match now.workers.first() {
            Some(worker) => format!("worker {} has ended", worker.identity),
            None => "there is no worker of this injection".to_owned(),
        };
        return Effect::Absent { evidence };
    };
    if matches!(worker.state, ProcessState::Stopped | ProcessState::Traced) {
        return Effect::Idle { why: format!("worker {} is held by somebody", worker.identity) };
    }
    let same = |earlier: &&StressWorker| earlier.identity == worker.identity;
    judge_worker(before.and_then(|status| status.workers.iter().find(same)), worker)
}

fn status_in(seen: &Sighting) -> Option<&StressStatus> {
    if let Sighting::Host(status) = seen { Some(status) } else { None }
}
