//! What faults on processes have in common.

use steadfast_model::{
    Observation, ResolvedTarget, effect::Sighting, process::ProcessState, target::ResolvedProcess,
};

use crate::{FaultError, Preview, world::World};

/// The processes among the targets, which must be all of them.
pub(crate) fn processes<'a>(
    kind: &str,
    targets: &'a [ResolvedTarget],
) -> Result<Vec<&'a ResolvedProcess>, FaultError> {
    if targets.is_empty() {
        return Err(FaultError::Unsupported {
            what: format!("put {kind} into nothing: there are no targets"),
            hint: None,
        });
    }
    let process = |target: &'a ResolvedTarget| match target {
        ResolvedTarget::Process(process) => Ok(process),
        other => Err(FaultError::Unsupported {
            what: format!("put {kind} into {other}: it is no process"),
            hint: Some(format!(
                "{kind} goes `into` a `process` or a `service`; for a `connection` or a `proxy` take a tcp or http fault, for a `netns` a network fault, for a `host` a stress fault"
            )),
        }),
    };
    targets.iter().map(process).collect()
}

/// Looks at every process: it must be there and take signals from this user. `look` adds what a fault wants to say.
pub(crate) async fn preflight(
    kind: &str,
    does: &str,
    world: &dyn World,
    targets: &[ResolvedTarget],
    look: impl Fn(&ResolvedTarget, ProcessState, &mut Preview) -> Result<(), FaultError> + Send,
) -> Result<Preview, FaultError> {
    let mut preview =
        Preview { backend: "pidfd".to_owned(), actions: Vec::new(), keys: Vec::new(), warnings: Vec::new() };
    for (process, target) in processes(kind, targets)?.into_iter().zip(targets) {
        let state = world.processes().state(&process.identity).await?;
        if matches!(state, ProcessState::Dead | ProcessState::Gone) {
            return Err(FaultError::TargetGone { what: target.to_string() });
        }
        world.processes().may_signal(&process.identity).await?;
        preview.actions.push(format!("{does} {target}"));
        // One key for all faults on a process: pausing what another fault kills, or the reverse, would void both.
        preview.keys.push(format!("{}/run-state", target.key()));
        look(target, state, &mut preview)?;
    }
    Ok(preview)
}

/// The state of every process. A process carries no trace of who stopped it, so no injection is asked for.
pub(crate) async fn observe(
    kind: &str,
    world: &dyn World,
    targets: &[ResolvedTarget],
) -> Result<Observation, FaultError> {
    let mut seen = Observation::default();
    for process in processes(kind, targets)? {
        seen.targets.push(match world.processes().state(&process.identity).await {
            Ok(state) => Sighting::Process { identity: process.identity.clone(), state },
            Err(error) => Sighting::Unseen { why: error.to_string() },
        });
    }
    Ok(seen)
}

/// The process and its state in a sighting, or why there is none.
pub(crate) fn state_in(seen: &Sighting) -> Result<(u32, ProcessState), String> {
    match seen {
        Sighting::Process { identity, state } => Ok((identity.pid, *state)),
        Sighting::Unseen { why } => Err(why.clone()),
        other => Err(format!("{} was seen in place of a process", other.thing())),
    }
}
