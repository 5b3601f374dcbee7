//! Limits of CPU time on a cgroup of the test's own, and whatever dies meanwhile.

use std::{fs, path::PathBuf, time::Duration};

use steadfast_engine::host::{Host, HostErrorKind, InjectionOrder};
use steadfast_host::{LocalHost, LocalHostOptions};
use steadfast_ledger::StateDir;
use steadfast_linux::ProcessHandle;
use steadfast_model::{
    Binding, Effect, InjectionId, Observation, Target, process::Signal, target::ProcessTarget, undo::UndoVerb,
};
use steadfast_testkit::{BusyCgroup, Sleeper};

use crate::{
    roles::{inject_and_obey, setting, timing},
    stage::{Injector, PATIENCE, Stage, eventually, fault, role_command, target_of},
};

const THROTTLE: &str = r#"{"cpuThrottle":{"quota":0.1}}"#;
/// What that is of every 100 ms, in microseconds.
const OURS: Option<u64> = Some(10_000);
const BEFORE: Option<u64> = Some(BusyCgroup::QUOTA_MICROS);

async fn order(host: &LocalHost, pid: u32) -> InjectionOrder {
    let by_pid = Target::from(ProcessTarget::with_pid(pid));
    let (injection, duration) = (InjectionId::new(), Duration::from_secs(60));
    let targets = host.resolve(&by_pid).await.unwrap();
    InjectionOrder { injection, run: None, fault: fault(THROTTLE), targets, duration }
}

async fn seen(host: &LocalHost, order: &InjectionOrder) -> Observation {
    host.observe(&order.fault, &order.targets, order.injection).await.unwrap()
}

/// The role of an injector that throttles the process whose number it is given.
pub(crate) async fn injector_role() {
    let (path, timing) = (PathBuf::from(setting("STATE")), timing());
    let reaper = role_command("reaper", &path, timing);
    let (state, binding) = (StateDir::open(&path).unwrap(), Binding::default());
    let host = LocalHost::new(LocalHostOptions { state, binding, reaper, timing }).unwrap();
    let order = order(&host, setting("ARGUMENTS").parse().unwrap()).await;
    inject_and_obey(&host, &order, timing).await;
}

fn injector(stage: &Stage, group: &BusyCgroup) -> Injector {
    let mut injector = Injector::start("throttle-injector", stage, &[group.pid().to_string()]);
    assert_eq!(injector.hear(), "injected");
    assert_eq!(group.quota(), OURS);
    injector
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_cgroup_is_held_back_and_gets_back_what_it_had() {
    let Some(group) = BusyCgroup::new_or_skip("a_busy_cgroup_is_held_back_and_gets_back_what_it_had") else {
        return;
    };
    let stage = Stage::new();
    let host = stage.host();
    let order = order(&host, group.pid()).await;
    let preview = host.preflight(&order.fault, &order.targets).await.unwrap();
    assert!(preview.actions[0].ends_with("at most 0.1 CPUs, in place of 0.30"), "{preview:?}");
    assert!(preview.warnings.is_empty(), "{preview:?}");
    let before = seen(&host, &order).await;
    let judge = |now: &Observation| order.fault.as_fault().judge(&before, now);
    assert!(matches!(judge(&before), Effect::Absent { .. }));
    host.inject(&order).await.unwrap();
    assert_eq!(group.quota(), OURS);
    let mut effect = judge(&seen(&host, &order).await);
    for _ in 0..200 {
        if matches!(effect, Effect::Active { .. }) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        effect = judge(&seen(&host, &order).await);
    }
    assert!(effect.to_string().contains("has 0.10 CPUs and was held back in "), "{effect}");
    // Not more than it may have: half of that again, as the last period is not over.
    let ticks = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", group.pid())).unwrap();
        stat.rsplit_once(')').unwrap().1.split_whitespace().nth(11).unwrap().parse::<u64>().unwrap()
    };
    let begun = ticks();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert!(ticks() - begun <= 30, "{} ticks of 10 ms in 2 s", ticks() - begun);
    let again = host.preflight(&order.fault, &order.targets).await.unwrap_err();
    assert_eq!(again.kind, HostErrorKind::Conflict, "{again:?}");
    let account = stage.ledger().find(order.injection).unwrap().unwrap();
    let file = if group.folder().join("cpu.max").exists() { "cpu.max" } else { "cpu.cfs_quota_us" };
    assert_eq!(account.records[0].manual, format!("echo 30000 > {}/{file}", group.folder().display()));
    host.revert(order.injection).await.unwrap();
    host.revert(order.injection).await.unwrap();
    assert_eq!(group.quota(), BEFORE);
    let absent = judge(&seen(&host, &order).await);
    assert!(
        matches!(&absent, Effect::Absent { evidence } if evidence.ends_with("has 0.30 CPUs")),
        "{absent}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn no_limit_comes_back_as_none_and_what_others_set_meanwhile_stands() {
    let test = "no_limit_comes_back_as_none_and_what_others_set_meanwhile_stands";
    let Some(mut group) = BusyCgroup::new_or_skip(test) else { return };
    let stage = Stage::new();
    let host = stage.host();
    for (before, meanwhile, after) in
        [(None, OURS, None), (None, Some(70_000), Some(70_000)), (Some(20_000), None, None)]
    {
        group.set_quota(before);
        let order = order(&host, group.pid()).await;
        host.inject(&order).await.unwrap();
        assert_eq!(group.quota(), OURS);
        group.set_quota(meanwhile);
        host.revert(order.injection).await.unwrap();
        assert_eq!(group.quota(), after);
    }
    // One that goes meanwhile, and one of the same name that comes in its place.
    let order = order(&host, group.pid()).await;
    host.inject(&order).await.unwrap();
    let account = stage.ledger().find(order.injection).unwrap().unwrap();
    let undo = account.records[0].known_verb().unwrap();
    let UndoVerb::RestoreCpuQuota { cgroup, .. } = &undo else { panic!("{undo:?}") };
    assert_eq!(cgroup.folder, group.folder());
    group.remove();
    fs::create_dir(group.folder()).unwrap();
    group.set_quota(OURS);
    steadfast_host::carry_out(&undo, &stage.timing).await.unwrap();
    assert_eq!(group.quota(), OURS, "it is another cgroup");
    host.revert(order.injection).await.unwrap();
    let gone = order.fault.as_fault().judge(&Observation::default(), &seen(&host, &order).await);
    assert!(matches!(gone, Effect::Absent { .. }), "{gone}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_root_and_a_cgroup_with_somebody_to_spare_are_refused() {
    let test = "the_root_and_a_cgroup_with_somebody_to_spare_are_refused";
    let Some(group) = BusyCgroup::new_or_skip(test) else { return };
    let stage = Stage::new();
    let host = stage.host();
    let sleeper = Sleeper::new();
    let refused = async |pid: u32| {
        let order = order(&host, pid).await;
        let error = host.preflight(&order.fault, &order.targets).await.unwrap_err();
        assert_eq!(host.inject(&order).await.unwrap_err().kind, error.kind);
        assert_eq!(error.kind, HostErrorKind::Unsupported, "{error:?}");
        error.message
    };
    // A process is where its parent is: with this test, in the root cgroup or beside what must be spared.
    let beside = refused(sleeper.pid()).await;
    assert!(beside.contains("it is in the root cgroup") || beside.contains("in it is "), "{beside}");
    let procs = group.folder().join("cgroup.procs");
    fs::write(&procs, sleeper.pid().to_string()).unwrap();
    let shared = order(&host, group.pid()).await;
    let preview = host.preflight(&shared.fault, &shared.targets).await.unwrap();
    let named = format!("also of {} (sleep)", sleeper.pid());
    assert!(preview.warnings[0].ends_with(&named), "{preview:?}");
    let both = [shared.targets[0].clone(), target_of(&sleeper)];
    let both = host.preflight(&shared.fault, &both).await.unwrap_err();
    assert!(both.message.contains("another target is in"), "{both:?}");
    group.set_quota(OURS);
    assert!(refused(group.pid()).await.contains("leaves it 0.10 CPUs already"));
    group.set_quota(BEFORE);
    // An injector at work in a cgroup below is spared, and with it the cgroup.
    let below = group.folder().join("below");
    fs::create_dir(&below).unwrap();
    let own = stage.injector(&sleeper, Duration::from_secs(60));
    fs::write(below.join("cgroup.procs"), own.handle().identity().pid.to_string()).unwrap();
    let spared = refused(group.pid()).await;
    assert!(spared.contains("in it is an injector at work"), "{spared}");
    assert_eq!(group.quota(), BEFORE);
    drop(own);
    eventually("it can be removed", || fs::remove_dir(&below).is_ok()).await;
}

#[tokio::test]
async fn when_the_injector_is_killed_the_reaper_gives_the_limit_back() {
    let test = "when_the_injector_is_killed_the_reaper_gives_the_limit_back";
    let Some(group) = BusyCgroup::new_or_skip(test) else { return };
    let stage = Stage::new();
    injector(&stage, &group).kill();
    eventually("it has what it had", || group.quota() == BEFORE).await;
    eventually("the file is closed", || stage.status().injections.is_empty()).await;
}

#[tokio::test]
async fn when_injector_and_reaper_are_killed_the_next_command_gives_the_limit_back() {
    let test = "when_injector_and_reaper_are_killed_the_next_command_gives_the_limit_back";
    let Some(group) = BusyCgroup::new_or_skip(test) else { return };
    let stage = Stage::new();
    let mut injector = injector(&stage, &group);
    let reaper = ProcessHandle::open(&stage.reaper().unwrap()).unwrap().unwrap();
    injector.signal(Signal::Stop);
    reaper.signal(Signal::Kill).unwrap();
    assert!(reaper.ends_within(PATIENCE).unwrap());
    injector.kill();
    assert_eq!(group.quota(), OURS, "nobody is left who could have given it back");
    let recovery = stage.recover().await;
    assert_eq!((recovery.reverted.len(), recovery.is_clean()), (1, true));
    assert_eq!(group.quota(), BEFORE);
    assert!(stage.recover().await.reverted.is_empty());
}
