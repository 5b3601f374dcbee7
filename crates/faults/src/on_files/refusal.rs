//! Where files cannot be disturbed without harm that would stay, or that others would feel.

use std::path::Path;

use steadfast_model::{
    ResolvedTarget,
    files::{Ground, HeldFile},
};

use crate::FaultError;

/// Refuses ground that cannot be covered, with the first reason.
pub(super) fn refuse(
    kind: &str,
    path: &Path,
    target: &ResolvedTarget,
    ground: &Ground,
) -> Result<(), FaultError> {
    let Some((why, hint)) = reason(ground) else { return Ok(()) };
    let what = format!("put {kind} over {} of {target}: {why}", path.display());
    Err(FaultError::Unsupported { what, hint: Some(hint.to_owned()) })
}

fn reason(ground: &Ground) -> Option<(String, &'static str)> {
    if ground.is_the_machines {
        return Some((
            "it is in the mount namespace of the machine itself, where everybody would meet the fault"
                .to_owned(),
            "give the service a mount namespace of its own: PrivateMounts=yes in its systemd unit, `unshare --mount`, or a container",
        ));
    }
    if ground.has_another_root {
        return Some((
            "it sees another root than its mount namespace has (chroot)".to_owned(),
            "name a process of the same mount namespace that sees all of it",
        ));
    }
    if let Some(other) = ground.shows_in.first() {
        return Some((
            format!("what is mounted there shows in the mount namespace of process {other} too"),
            "make the mount private in the target's mount namespace: mount --make-rprivate",
        ));
    }
    if let Some(source) = &ground.covered_by {
        return Some((
            format!("{source} covers it already"),
            "see `steadfast status`, and `steadfast recover`",
        ));
    }
    if let Some(mount) = ground.mounts_below.first() {
        return Some((
            format!("{} is mounted below it", mount.display()),
            "name the directory that is mounted there, or one that nothing is mounted below",
        ));
    }
    if let Some((pid, why)) = ground.unholdable.first() {
        return Some((format!("process {pid} cannot be held still: {why}"), "end what holds it first"));
    }
    let held = |list: &[HeldFile]| {
        let HeldFile { pid, path } = list.first()?;
        let who = if *pid == 0 { "somebody".to_owned() } else { format!("process {pid}") };
        Some((who, path.display().to_string()))
    };
    if let Some((who, file)) = held(&ground.mapped) {
        return Some((
            format!("{who} has mapped {file} to write to it, past every disturbance"),
            "name a directory without that file",
        ));
    }
    if let Some((who, file)) = held(&ground.locked) {
        return Some((
            format!("{who} holds a lock on {file}, which would be lost"),
            "name a directory without that file, or inject when the lock is free",
        ));
    }
    if let Some((who, file)) = held(&ground.special) {
        return Some((
            format!(
                "{who} has {file} open, which is a pipe, a device or a socket with its other end outside"
            ),
            "keep sockets and pipes in another directory, such as /run, or name one without them",
        ));
    }
    None
}
