use steadfast_model::ProcessIdentity;

use super::*;
use crate::world::fake::{FakeWorld, at_once};

fn preview(ground: Ground) -> Result<Preview, String> {
    let world = FakeWorld::new();
    let targets = [world.add_process("ledger")];
    world.set_ground(ground);
    let rule = serde_json::from_value(serde_json::json!({
        "operations": ["read"], "fault": { "error": { "errno": "EIO" } }, "percent": "100%", "seed": 0,
    }));
    let path = Path::new("/data");
    let found = at_once(preflight("ioError", "fail", path, &rule.unwrap(), &world, &targets));
    found.map_err(|error| format!("{error} [{}]", error.hint().unwrap_or_default()))
}

#[test]
fn what_cannot_be_covered_is_refused_by_name() {
    let usual = || FakeWorld::new().ground();
    let held = |path: &str| vec![HeldFile { pid: 7, path: path.into() }];
    assert!(preview(usual()).is_ok());
    for (ground, part) in [
        (Ground { is_the_machines: true, ..usual() }, "PrivateMounts=yes"),
        (Ground { has_another_root: true, ..usual() }, "chroot"),
        (Ground { shows_in: vec![9], ..usual() }, "shows in the mount namespace of process 9 too"),
        (Ground { covered_by: Some("steadfast_x".to_owned()), ..usual() }, "steadfast_x covers it already"),
        (Ground { mounts_below: vec!["/data/a".into()], ..usual() }, "/data/a is mounted below it"),
        (Ground { unholdable: vec![(7, "it".to_owned())], ..usual() }, "process 7 cannot be held still: it"),
        (Ground { mapped: held("/data/m"), ..usual() }, "process 7 has mapped /data/m"),
        (Ground { locked: held("/data/l"), ..usual() }, "process 7 holds a lock on /data/l"),
        (Ground { special: held("/data/s"), ..usual() }, "process 7 has /data/s open"),
    ] {
        let refused = preview(ground).unwrap_err();
        assert!(refused.contains(part) && !refused.ends_with("[]"), "{refused}");
    }
}

#[test]
fn what_is_not_disturbed_and_what_may_hinder_is_said() {
    let removed = vec![HeldFile { pid: 7, path: "/data/r".into() }];
    let warned = preview(Ground { removed, filtered: vec![8], ..FakeWorld::new().ground() }).unwrap();
    assert_eq!(warned.warnings.len(), 2);
    assert!(warned.warnings[0].contains("/data/r") && warned.warnings[1].contains("seccomp"), "{warned:?}");
}

#[test]
fn only_operations_that_were_disturbed_since_show_an_effect() {
    let seen = |source: Option<&str>, seen, hits| {
        let process = ProcessIdentity { pid: 7, start_time: 1, boot_id: "b".to_owned() };
        let status = CoverStatus { process, source: source.map(str::to_owned), seen, hits };
        Observation { targets: vec![Sighting::Files(Box::new(status))] }
    };
    let none = seen(None, 0, 0);
    assert!(matches!(judge(&none, &none), Effect::Absent { .. }));
    assert!(matches!(judge(&none, &seen(Some("a"), 0, 0)), Effect::Idle { .. }));
    let unlucky = judge(&none, &seen(Some("a"), 9, 0));
    assert!(unlucky.to_string().contains("of 9 operations"), "{unlucky}");
    assert!(matches!(judge(&none, &seen(Some("a"), 9, 1)), Effect::Active { .. }));
    assert!(matches!(judge(&seen(Some("a"), 9, 1), &seen(Some("a"), 12, 1)), Effect::Idle { .. }));
    // Of another cover nothing is taken away.
    assert!(matches!(judge(&seen(Some("a"), 9, 9), &seen(Some("b"), 3, 3)), Effect::Active { .. }));
}
