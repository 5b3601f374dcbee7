//! What faults on files have in common.

use std::path::Path;

use steadfast_model::{
    Effect, InjectionId, Observation, Problems, ResolvedTarget,
    effect::Sighting,
    files::{CoverStatus, FileOperation, FileRule, Ground, HeldFile},
    process::ProcessState,
};

use crate::{
    FaultError, Preview,
    effects::judge_each,
    on_disk,
    on_process::processes,
    world::{Injection, World},
};

mod refusal;

use refusal::refuse;

/// What a slow or failing disk disturbs.
pub(crate) fn usual_operations() -> Vec<FileOperation> {
    vec![FileOperation::Read, FileOperation::Write, FileOperation::Fsync]
}

/// An absolute path of no whole file system, and at least one operation, each named once.
pub(crate) fn check(path: &Path, operations: &[FileOperation], problems: &mut Problems) {
    on_disk::check_path(path, problems);
    if path == Path::new("/") {
        problems.error(
            &["path"],
            "everything would be below `/`, the programs too",
            Some("write the directory that holds the data, such as /var/lib/app"),
        );
    }
    if operations.is_empty() {
        let hint = "leave `operations` out for read, write and fsync";
        problems.error(&["operations"], "no operations are disturbed", Some(hint));
    }
    let twice = |(position, operation): &(usize, &FileOperation)| operations[..*position].contains(operation);
    if let Some((_, operation)) = operations.iter().enumerate().find(twice) {
        problems.error(
            &["operations"],
            format!("{} is named twice", name(*operation)),
            Some("name each operation once"),
        );
    }
}

/// Looks at every process and the ground it stands on. `does` is what is done to the operations.
pub(crate) async fn preflight(
    kind: &str,
    does: &str,
    path: &Path,
    rule: &FileRule,
    world: &dyn World,
    targets: &[ResolvedTarget],
) -> Result<Preview, FaultError> {
    let backend = "FUSE, open files moved by ptrace".to_owned();
    let mut preview = Preview { backend, actions: Vec::new(), keys: Vec::new(), warnings: Vec::new() };
    for (process, target) in processes(kind, targets)?.into_iter().zip(targets) {
        let state = world.processes().state(&process.identity).await?;
        if matches!(state, ProcessState::Dead | ProcessState::Gone) {
            return Err(FaultError::TargetGone { what: target.to_string() });
        }
        world.processes().may_signal(&process.identity).await?;
        let ground = world.files().ground(&process.identity, path).await?;
        refuse(kind, path, target, &ground)?;
        preview.actions.push(format!(
            "{does} {} below {} of {target}, and of all {} processes in its mount namespace",
            names(&rule.operations),
            path.display(),
            ground.processes,
        ));
        preview.keys.push(format!("{}/files", target.key()));
        preview.keys.push(format!("mounts:{}@{}/files", ground.namespace.inode, ground.namespace.boot_id));
        preview.warnings.extend(warnings(&ground));
    }
    // Several targets may be in one mount namespace.
    for list in [&mut preview.keys, &mut preview.warnings] {
        list.sort();
        list.dedup();
    }
    Ok(preview)
}

fn warnings(ground: &Ground) -> impl Iterator<Item = String> {
    let removed = ground.removed.iter().map(|HeldFile { pid, path }| {
        format!("process {pid} has {} open, which was removed: that is not disturbed", path.display())
    });
    let filtered = ground.filtered.iter().map(|pid| {
        format!(
            "process {pid} has a filter of system calls (seccomp): it must let mmap, socketpair, recvmsg, dup3 and fchdir pass"
        )
    });
    removed.chain(filtered)
}

/// Covers the directory for every process.
pub(crate) async fn inject(
    kind: &str,
    path: &Path,
    rule: &FileRule,
    world: &mut dyn Injection,
    targets: &[ResolvedTarget],
) -> Result<(), FaultError> {
    for process in processes(kind, targets)? {
        world.cover_files(&process.identity, path, rule).await?;
    }
    Ok(())
}

/// What covers the directory, as every process sees it.
pub(crate) async fn observe(
    kind: &str,
    path: &Path,
    world: &dyn World,
    targets: &[ResolvedTarget],
    injection: InjectionId,
) -> Result<Observation, FaultError> {
    let mut seen = Observation::default();
    for process in processes(kind, targets)? {
        seen.targets.push(match world.files().status(&process.identity, path, injection).await {
            Ok(status) => Sighting::Files(Box::new(status)),
            Err(error) => Sighting::Unseen { why: error.to_string() },
        });
    }
    Ok(seen)
}

/// In effect when operations were disturbed since it was seen before.
pub(crate) fn judge(before: &Observation, now: &Observation) -> Effect {
    judge_each(before, now, |before, now| {
        let is = match now {
            Sighting::Files(is) => is,
            Sighting::Unseen { why } => return Effect::Unknown { why: why.clone() },
            other => return Effect::Unknown { why: format!("{} was seen in place of files", other.thing()) },
        };
        let was = before.and_then(|before| match before {
            Sighting::Files(was) if was.source == is.source => Some(&**was),
            _ => None,
        });
        judge_one(was, is)
    })
}

fn judge_one(was: Option<&CoverStatus>, is: &CoverStatus) -> Effect {
    let pid = &is.process;
    if is.source.is_none() {
        return Effect::Absent { evidence: format!("the files of process {pid} are not covered") };
    }
    let hits = is.hits.saturating_sub(was.map_or(0, |was| was.hits));
    let seen = is.seen.saturating_sub(was.map_or(0, |was| was.seen));
    match (hits, seen) {
        (0, 0) => Effect::Idle { why: format!("no such operation came by in the files of process {pid}") },
        (0, seen) => {
            Effect::Idle { why: format!("of {seen} operations in the files of process {pid} none was drawn") }
        }
        (hits, seen) => Effect::Active {
            evidence: format!(
                "{hits} of {seen} operations in the files of process {pid} and its mount namespace were disturbed"
            ),
        },
    }
}

/// What an operation is called in a document.
fn name(operation: FileOperation) -> String {
    let value = serde_json::to_value(operation).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

/// `read, write and fsync`.
fn names(operations: &[FileOperation]) -> String {
    let names: Vec<String> = operations.iter().map(|operation| name(*operation)).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;
