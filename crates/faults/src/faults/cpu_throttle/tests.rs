use serde_json::json;
use steadfast_model::{
    cgroup::{CgroupIdentity, CpuQuota},
    stress::CpuLimit,
};

use super::*;
use crate::world::fake::{FakeWorld, at_once};

fn fault(quota: f64) -> CpuThrottle {
    serde_json::from_value(json!({ "quota": quota })).unwrap()
}

#[test]
fn a_quota_is_in_cpus() {
    let problems = |quota| {
        let mut problems = Problems::new();
        fault(quota).check(&mut problems);
        problems.all().len()
    };
    assert_eq!([0.01, 0.2, 1.0, 1_024.0].map(problems), [0; 4]);
    assert_eq!([0.0, -1.0, 0.009, 1_025.0].map(problems), [1; 4]);
    assert_eq!((fault(0.2).millis(), fault(1.5).millis()), (200, 1_500));
}

fn group() -> CpuGroup {
    CpuGroup {
        identity: CgroupIdentity {
            folder: "/cgroup/shop".into(),
            inode: 7,
            boot_id: "b".to_owned(),
            unified: false,
        },
        is_root: false,
        quota: CpuQuota { quota_micros: None, period_micros: 100_000 },
        tightest: None,
        throttled: 5,
        throttled_nanos: 0,
    }
}

fn judge(now: CpuGroup) -> Effect {
    let seen = |group| Observation { targets: vec![Sighting::CpuGroup(Box::new(group))] };
    fault(0.2).judge(&seen(group()), &seen(now))
}

#[test]
fn it_is_felt_when_the_cgroup_was_held_back_since() {
    let ours = CpuQuota { quota_micros: Some(20_000), period_micros: 100_000 };
    let active = judge(CpuGroup { quota: ours, throttled: 8, throttled_nanos: 90_000_000, ..group() });
    assert_eq!(
        active.to_string(),
        "in effect: cgroup /cgroup/shop has 0.20 CPUs and was held back in 3 periods, for 90 ms of its threads' time"
    );
    assert!(matches!(judge(CpuGroup { quota: ours, ..group() }), Effect::Idle { .. }));
    assert!(matches!(judge(CpuGroup { throttled: 8, ..group() }), Effect::Absent { .. }));
    let theirs = CpuQuota { quota_micros: Some(30_000), ..ours };
    assert!(matches!(judge(CpuGroup { quota: theirs, throttled: 8, ..group() }), Effect::Absent { .. }));
    let moved = CgroupIdentity { inode: 8, ..group().identity };
    assert!(matches!(judge(CpuGroup { identity: moved, ..group() }), Effect::Unknown { .. }));
}

#[test]
fn less_than_it_has_already_is_refused_and_so_is_less_than_the_kernel_takes() {
    let world = FakeWorld::new();
    let targets = [world.add_process("wallet")];
    let preview = |quota| at_once(fault(quota).preflight(&world, &targets));
    assert_eq!(
        preview(0.2).unwrap().actions,
        ["give cgroup /cgroup/4000 of process 4000 (wallet) at most 0.2 CPUs, in place of no limit"]
    );
    let ResolvedTarget::Process(process) = &targets[0] else { unreachable!("it is a process") };
    let set = |quota_micros, period_micros| {
        world.set_cpu_quota(&process.identity, CpuQuota { quota_micros, period_micros });
    };
    set(Some(20_000), 100_000);
    assert!(preview(0.2).unwrap_err().to_string().ends_with("leaves it 0.20 CPUs already"));
    assert!(preview(0.1).unwrap().actions[0].ends_with("in place of 0.20"));
    set(None, 50_000);
    assert!(preview(0.01).unwrap_err().to_string().contains("less than the kernel takes"));
    assert!(preview(0.02).is_ok());
}

#[test]
fn a_limit_above_it_counts_too() {
    let limit = CpuLimit { millis: 100, cgroup: "/".to_owned() };
    let mut preview = Preview { backend: String::new(), actions: vec![], keys: vec![], warnings: vec![] };
    let fellows: Vec<_> = (1..9).map(|pid| Fellow { pid, command: "sh".to_owned() }).collect();
    let group = CpuGroup { tightest: Some(limit), ..group() };
    let world = FakeWorld::new();
    let target = world.add_process("wallet");
    fault(0.2).look(&target, 1, &group, &fellows, &mut preview);
    assert!(
        preview.warnings[0].ends_with("also of 2 (sh), 3 (sh), 4 (sh), 5 (sh), 6 (sh), 2 more"),
        "{preview:?}"
    );
    assert!(preview.keys.contains(&"cgroup:7/cpu-limit".to_owned()));
}
