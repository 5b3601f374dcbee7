//! What faults on file systems have in common.

use std::path::{Component, Path};

use steadfast_model::{
    Observation, Problems, ResolvedTarget,
    effect::Sighting,
    stress::{Stress, Volume},
};

use crate::{
    FaultError, on_host,
    world::{Injection, World},
};

/// File systems that are one disk each: what is taken there is missed there and nowhere else, files may have no name,
/// and reads and writes can go past memory.
const DISKS: [&str; 3] = ["ext4", "xfs", "f2fs"];

/// `path` is absolute and means what it says.
pub(crate) fn check_path(path: &Path, problems: &mut Problems) {
    let plain = |part: Component<'_>| matches!(part, Component::RootDir | Component::Normal(_));
    if !path.is_absolute() || !path.components().all(plain) {
        let message = format!("`{}` is no absolute path", path.display());
        problems.error(&["path"], message, Some("write the path of a directory, such as /var/lib/app"));
    }
}

/// Refuses what is no disk that may be written to. `does` is what is to be done there.
pub(crate) fn check_disk(does: &str, path: &Path, volume: &Volume) -> Result<(), FaultError> {
    let refused = |why: String, hint: &str| {
        let what = format!("{does} {}: {why}", path.display());
        Err(FaultError::Unsupported { what, hint: Some(hint.to_owned()) })
    };
    let elsewhere = "name a directory on a disk of the service: see `findmnt`";
    match volume.kind.as_str() {
        "tmpfs" | "ramfs" | "hugetlbfs" => refused(
            format!("it is on {}, which is memory", volume.kind),
            "memoryStress takes memory; name a directory on a disk",
        ),
        kind if !DISKS.contains(&kind) => refused(
            format!("it is on {kind}, and only {} are known to be a disk of their own", DISKS.join(", ")),
            elsewhere,
        ),
        _ if volume.read_only => refused("it cannot be written to".to_owned(), elsewhere),
        _ => Ok(()),
    }
}

/// The key that an injection holds, so that two do not take from the same file system.
pub(crate) fn key(target: &ResolvedTarget, volume: &Volume) -> String {
    format!("{}/disk-{}", target.key(), volume.device)
}

/// Lets a worker on every machine do what `stress` says of the file system as it is now.
pub(crate) async fn inject(
    kind: &str,
    path: &Path,
    world: &mut dyn Injection,
    targets: &[ResolvedTarget],
    stress: impl Fn(&Volume) -> Result<Stress, FaultError> + Send + Sync,
) -> Result<(), FaultError> {
    for host in on_host::hosts(kind, targets)? {
        let volume = world.world().machine().volume(host, path).await?;
        world.stress_machine(host, &stress(&volume)?).await?;
    }
    Ok(())
}

/// Adds the file system to what was seen of every machine. One that cannot be looked at is left out.
pub(crate) async fn add_volume(
    world: &dyn World,
    targets: &[ResolvedTarget],
    path: &Path,
    seen: &mut Observation,
) {
    for (target, sighting) in targets.iter().zip(&mut seen.targets) {
        if let (ResolvedTarget::Host(host), Sighting::Host(status)) = (target, sighting) {
            status.volume = world.machine().volume(host, path).await.ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::fake::FakeWorld;

    #[test]
    fn a_path_is_absolute_and_leads_straight_down() {
        for (path, problems) in
            [("/", 0), ("/a/b", 0), ("/proc/7/root/a", 0), ("a", 1), ("", 1), ("/a/../b", 1)]
        {
            let mut found = Problems::new();
            check_path(Path::new(path), &mut found);
            assert_eq!(found.all().len(), problems, "{path}");
        }
    }

    #[test]
    fn memory_pseudo_and_read_only_file_systems_are_refused() {
        let check = |kind: &str, read_only: bool| {
            let volume = Volume { kind: kind.to_owned(), read_only, ..FakeWorld::new().volume() };
            check_disk("fill", Path::new("/a"), &volume).map_err(|error| error.to_string())
        };
        assert_eq!(check("xfs", false), Ok(()));
        assert_eq!(check("tmpfs", false).unwrap_err(), "fill /a: it is on tmpfs, which is memory");
        assert_eq!(check("ext4", true).unwrap_err(), "fill /a: it cannot be written to");
        for kind in ["proc", "cgroup2", "overlay", "nfs", "btrfs", "0x12"] {
            assert!(check(kind, false).unwrap_err().contains(kind), "{kind}");
        }
    }
}
