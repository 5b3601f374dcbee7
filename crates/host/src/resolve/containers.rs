//! From a description of containers to their processes.

use steadfast_engine::host::HostError;
use steadfast_linux::{command_name, control_groups, every_process_number, identify};
use steadfast_model::{
    Problems, glob,
    target::{ContainerMatch, ContainerTarget, Inhabitants, ResolvedProcess},
};

use super::{linux, no_target, selection::select};

mod engine;

use engine::Known;

/// The processes of the containers that a document means: of each the first or all, oldest first. Changes nothing.
pub(super) async fn find(target: &ContainerTarget) -> Result<Vec<ResolvedProcess>, HostError> {
    let wanted = target.wanted();
    let mut problems = Problems::new();
    target.check(&mut problems);
    if let Some(problem) = problems.all().first() {
        return Err(no_target(format!("find {target}: {problem}"), problem.hint.as_deref()));
    }
    let by_id_alone = ContainerMatch { id: wanted.id.clone(), ..ContainerMatch::default() };
    let known = match &wanted.id {
        // Which processes are in it the kernel tells, whichever engine runs it.
        Some(id) if wanted == by_id_alone && target.exclude.is_empty() && target.socket.is_none() => {
            vec![Known { id: id.clone(), name: id.clone(), ..Known::default() }]
        }
        _ => {
            let mut known = engine::running(target).await?;
            known.retain(|one| fits(&wanted, one) && !target.exclude.iter().any(|not| fits(not, one)));
            known
        }
    };
    if known.is_empty() {
        let hint = Some("see `docker ps --no-trunc` or `podman ps`");
        return Err(no_target(format!("find {target}: none is running"), hint));
    }
    let chosen = select(known, (target.select, target.seed), |one| one.name.clone())
        .map_err(|(why, hint)| no_target(format!("find {target}: {why}"), Some(hint)))?;
    let pids = linux(every_process_number())?;
    let mut found = Vec::new();
    for container in &chosen {
        let inside = inhabitants(container, &pids)?;
        if inside.is_empty() {
            let message =
                format!("find {target}: no process is in a control group of container {}", container.name);
            return Err(no_target(
                message,
                Some("does it still run? see `docker ps --no-trunc` or `podman ps`"),
            ));
        }
        match target.processes.unwrap_or(Inhabitants::First) {
            Inhabitants::First => found.extend(inside.into_iter().next()),
            Inhabitants::All => found.extend(inside),
        }
    }
    Ok(found)
}

/// Whether a container fits a description.
fn fits(by: &ContainerMatch, one: &Known) -> bool {
    let ContainerMatch { id, name, label, image } = by;
    let like =
        |pattern: &Option<String>, text: &str| pattern.as_ref().is_none_or(|by| glob::matches(by, text));
    let is_labelled = |label: &String| match label.split_once('=') {
        Some((key, value)) => one.labels.get(key).is_some_and(|given| given == value),
        None => one.labels.contains_key(label),
    };
    id.as_ref().is_none_or(|id| one.id.starts_with(id.as_str()))
        && like(name, &one.name)
        && like(image, &one.image)
        && label.as_ref().is_none_or(is_labelled)
}

/// The processes in the control groups of a container, oldest first.
fn inhabitants(container: &Known, pids: &[u32]) -> Result<Vec<ResolvedProcess>, HostError> {
    let mut found = Vec::new();
    for &pid in pids {
        // Asked first and last: all that was found in between belongs to this very process.
        let Some(identity) = linux(identify(pid))? else { continue };
        let groups = linux(control_groups(pid))?.unwrap_or_default();
        if !groups.iter().any(|group| is_of(group, &container.id)) {
            continue;
        }
        let Some(command) = linux(command_name(pid))? else { continue };
        if linux(identify(pid))?.as_ref() == Some(&identity) {
            let container = Some(container.name.clone());
            found.push(ResolvedProcess { container, ..ResolvedProcess::new(identity, command) });
        }
    }
    found.sort_by_key(|process| (process.identity.start_time, process.identity.pid));
    Ok(found)
}

/// Whether a control group has its name from a container: `<id>`, `docker-<id>.scope`, `libpod-<id>`,
/// `pod1:cri-containerd:<id>`. The group of what watches over a container of Podman is not its own.
fn is_of(group: &str, id: &str) -> bool {
    let name = group.strip_suffix(".scope").unwrap_or(group);
    let last = name.rsplit(['-', ':']).next().unwrap_or(name);
    group == id || (is_whole_id(last) && last.starts_with(id) && !name.contains("conmon"))
}

/// Whether it is an id as Docker, Podman and the Kubernetes runtimes draw them.
fn is_whole_id(id: &str) -> bool {
    id.len() == 64 && id.bytes().all(|letter| letter.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3f4e9a7b2c1d3f4e9a7b2c1d3f4e9a7b2c1d3f4e9a7b2c1d3f4e9a7b2c1d3f4e";

    #[test]
    fn a_control_group_tells_its_container() {
        for group in [
            ID.to_owned(),
            format!("docker-{ID}.scope"),
            format!("libpod-{ID}.scope"),
            format!("libpod-{ID}"),
            format!("cri-containerd-{ID}.scope"),
            format!("kubepods-burstable-pod1.slice:cri-containerd:{ID}"),
        ] {
            assert!(is_of(&group, ID) && is_of(&group, &ID[..12]), "{group}");
        }
        for group in ["docker", "system.slice", &format!("libpod-conmon-{ID}.scope"), &ID[..40]] {
            assert!(!is_of(group, ID) && !is_of(group, &ID[..12]), "{group}");
        }
        // containerd takes any name.
        assert!(
            is_of("payments-standby", "payments-standby") && !is_of("payments-standby-2", "payments-standby")
        );
    }

    #[test]
    fn all_that_is_given_must_hold() {
        let labels = [("app".to_owned(), "payments".to_owned())].into();
        let known = Known { id: ID.into(), name: "pay-1".into(), image: "shop:7".into(), labels };
        let by = |document| fits(&serde_json::from_value(document).unwrap(), &known);
        assert!(by(serde_json::json!({ "name": "pay-*", "label": "app", "image": "shop:*" })));
        assert!(by(serde_json::json!({ "id": &ID[..12], "label": "app=payments" })));
        for not in [
            serde_json::json!({ "name": "pay-*", "label": "app=risk" }),
            serde_json::json!({ "label": "tier" }),
            serde_json::json!({ "image": "shop" }),
            serde_json::json!({ "id": &ID[1..] }),
        ] {
            assert!(!by(not.clone()), "{not}");
        }
    }
}
