//! Load on this machine by real workers, and whatever dies meanwhile.

use std::{path::PathBuf, time::Duration};

use steadfast_engine::host::{Host, HostErrorKind, InjectionOrder};
use steadfast_host::{LocalHost, LocalHostOptions};
use steadfast_ledger::StateDir;
use steadfast_linux::{ProcessHandle, load};
use steadfast_model::{
    Binding, ByteSize, Effect, InjectionId, ResolvedTarget, Target,
    effect::Sighting,
    process::Signal,
    stress::StressWorker,
    target::{HostTarget, ProcessTarget, ResolvedHost},
    undo::UndoVerb,
};

use crate::{
    roles::{inject_and_obey, setting, timing},
    stage::{Injector, PATIENCE, Stage, eventually, fault, role_command, stress_worker_command},
};

/// Little enough for a machine on which other tests run.
const CPU: &str = r#"{"cpuStress":{"workers":1,"load":"30%"}}"#;
const MEMORY: &str = r#"{"memoryStress":{"size":"64MiB"}}"#;
const LONG: Duration = Duration::from_secs(60);

pub(crate) fn this_machine() -> Target {
    Target::Host(HostTarget {})
}

async fn order(host: &LocalHost, json: &str) -> InjectionOrder {
    let targets = host.resolve(&this_machine()).await.unwrap();
    InjectionOrder { injection: InjectionId::new(), run: None, fault: fault(json), targets, duration: LONG }
}

async fn effect(host: &LocalHost, order: &InjectionOrder) -> Effect {
    let now = host.observe(&order.fault, &order.targets, order.injection).await.unwrap();
    order.fault.as_fault().judge(&Default::default(), &now)
}

/// What is seen of the one worker.
async fn seen(host: &LocalHost, order: &InjectionOrder) -> StressWorker {
    let now = host.observe(&order.fault, &order.targets, order.injection).await.unwrap();
    match &now.targets[0] {
        Sighting::Host(status) => status.workers[0].clone(),
        other => panic!("{other:?}"),
    }
}

async fn until_active(host: &LocalHost, order: &InjectionOrder) -> String {
    for _ in 0..400 {
        if let Effect::Active { evidence } = effect(host, order).await {
            return evidence;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never in effect: {}", effect(host, order).await)
}

/// The worker of the one live injection, from its undo record.
pub(crate) fn worker(stage: &Stage) -> ProcessHandle {
    let injection = stage.status().injections[0].injection;
    let account = stage.ledger().find(injection).unwrap().unwrap();
    let Some(UndoVerb::EndStress { worker, .. }) = account.records[0].known_verb() else {
        panic!("no worker")
    };
    ProcessHandle::open(&worker).unwrap().unwrap()
}

/// An injector of its own process that keeps the machine busy.
fn injector(stage: &Stage) -> Injector {
    let mut injector = Injector::start("stress-injector", stage, &[]);
    assert_eq!(injector.hear(), "injected");
    injector
}

/// The role of [`injector`]: makes load, and renews until told otherwise.
pub(crate) async fn injector_role() {
    let path = PathBuf::from(setting("STATE"));
    let timing = timing();
    let reaper = role_command("reaper", &path, timing);
    let (state, binding) = (StateDir::open(&path).unwrap(), Binding::default());
    let host = LocalHost::new(LocalHostOptions { state, binding, reaper, timing }).unwrap();
    let host = host.with_stress_worker(stress_worker_command(&path, timing));
    let order = order(&host, CPU).await;
    inject_and_obey(&host, &order, timing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_cpu_is_measured_and_gone_with_its_worker() {
    let stage = Stage::new();
    let host = stage.host();
    let order = order(&host, CPU).await;
    let preview = host.preflight(&order.fault, &order.targets).await.unwrap();
    assert!(
        preview.actions[0].starts_with("compute in 1 thread for 30% of the time on machine "),
        "{preview:?}"
    );
    assert!(matches!(effect(&host, &order).await, Effect::Absent { .. }));
    host.inject(&order).await.unwrap();
    let evidence = until_active(&host, &order).await;
    assert!(evidence.contains("of 0.30 CPUs"), "{evidence}");
    host.renew(order.injection).await.unwrap();
    let before = seen(&host, &order).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let after = seen(&host, &order).await;
    let time = after.age_nanos - before.age_nanos;
    let share = (after.ran_nanos - before.ran_nanos) as f64 / time as f64;
    // Never more than was asked for. Less only by what others took: a busy machine is no reason to fail.
    assert!(share < 0.36, "{share}");
    assert!(share > 0.15 || after.waited_nanos > before.waited_nanos + time / 4, "{before:?} {after:?}");
    let again = host.preflight(&order.fault, &order.targets).await.unwrap_err();
    assert_eq!(again.kind, HostErrorKind::Conflict);
    let other = fault(MEMORY);
    host.preflight(&other, &order.targets).await.unwrap();
    let worker = worker(&stage);
    let score = format!("/proc/{}/oom_score_adj", worker.identity().pid);
    assert_eq!(std::fs::read_to_string(score).unwrap().trim(), "1000");
    host.revert(order.injection).await.unwrap();
    host.revert(order.injection).await.unwrap();
    assert!(worker.has_ended().unwrap());
    let absent = effect(&host, &order).await;
    assert!(matches!(&absent, Effect::Absent { evidence } if evidence.ends_with("has ended")), "{absent}");
    assert!(stage.status().injections.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_is_held_as_planned_and_given_back() {
    let stage = Stage::new();
    let host = stage.host();
    let order = order(&host, r#"{"memoryStress":{"size":"96MiB","rampUp":"2s"}}"#).await;
    host.inject(&order).await.unwrap();
    let mut on_the_way = Vec::new();
    loop {
        let worker = seen(&host, &order).await;
        let planned = worker.stress.planned(Duration::from_nanos(worker.age_nanos)).bytes();
        // What a process holds without any load is less than 16 MiB.
        assert!(worker.held_bytes <= planned + (16 << 20), "{worker:?}");
        if worker.held_bytes >= 96 << 20 {
            break;
        }
        on_the_way.push(worker.held_bytes >> 20);
        assert!(on_the_way.len() < 1_000, "{on_the_way:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(on_the_way.iter().any(|held| (30..70).contains(held)), "{on_the_way:?}");
    let evidence = until_active(&host, &order).await;
    assert!(evidence.ends_with("MiB of 96MiB"), "{evidence}");
    let worker = worker(&stage);
    host.revert(order.injection).await.unwrap();
    assert!(worker.has_ended().unwrap());
    assert!(matches!(effect(&host, &order).await, Effect::Absent { .. }));
}

#[tokio::test]
async fn more_memory_than_there_is_is_refused_and_so_is_a_machine_of_another_boot() {
    let stage = Stage::new();
    let host = stage.host();
    let available = load::room().unwrap().available.bytes();
    let size = ByteSize::new(available * 2).unwrap();
    let much = order(&host, &format!(r#"{{"memoryStress":{{"size":"{size}"}}}}"#)).await;
    for refused in [host.preflight(&much.fault, &much.targets).await.map(drop), host.inject(&much).await] {
        let refused = refused.unwrap_err();
        assert_eq!(refused.kind, HostErrorKind::Unsupported);
        assert!(refused.message.contains("and leave 256MiB"), "{refused:?}");
    }
    let other = ResolvedHost { boot_id: "another".to_owned(), name: "x".to_owned() };
    let other = InjectionOrder { targets: vec![ResolvedTarget::Host(other)], ..order(&host, CPU).await };
    assert_eq!(
        host.preflight(&other.fault, &other.targets).await.unwrap_err().kind,
        HostErrorKind::TargetGone
    );
    assert_eq!(host.inject(&other).await.unwrap_err().kind, HostErrorKind::TargetGone);
    assert!(stage.status().injections.is_empty());
}

#[tokio::test]
async fn a_worker_that_gets_no_more_memory_ends_and_its_injector_is_told() {
    let stage = Stage::new();
    let bounded = ["/bin/sh", "-c", r#"ulimit -v 2000000; exec "$@""#, "sh"].map(Into::into);
    let command = bounded.into_iter().chain(stress_worker_command(&stage.path(), stage.timing)).collect();
    let host = stage.host().with_stress_worker(command);
    let order = order(&host, r#"{"memoryStress":{"size":"4GiB","exhaust":true}}"#).await;
    host.inject(&order).await.unwrap();
    let mut lost = host.renew(order.injection).await;
    for _ in 0..200 {
        if lost.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        lost = host.renew(order.injection).await;
    }
    let lost = lost.unwrap_err();
    assert_eq!(lost.kind, HostErrorKind::TargetGone);
    assert!(lost.message.contains("ended too early"), "{lost:?}");
    assert!(matches!(effect(&host, &order).await, Effect::Absent { .. }));
    host.revert(order.injection).await.unwrap();
    assert!(stage.status().injections.is_empty());
}

#[tokio::test]
async fn when_the_injector_is_killed_its_load_ends_at_once() {
    let stage = Stage::new();
    let mut injector = injector(&stage);
    let worker = worker(&stage);
    injector.kill();
    assert!(worker.ends_within(PATIENCE).unwrap());
    eventually("the file is closed", || stage.status().injections.is_empty()).await;
}

#[tokio::test]
async fn when_injector_and_reaper_are_killed_the_load_ends_and_the_next_command_closes_the_file() {
    let stage = Stage::new();
    let mut injector = injector(&stage);
    let worker = worker(&stage);
    let reaper = ProcessHandle::open(&stage.reaper().unwrap()).unwrap().unwrap();
    injector.signal(Signal::Stop);
    reaper.signal(Signal::Kill).unwrap();
    assert!(reaper.ends_within(PATIENCE).unwrap());
    injector.kill();
    assert!(worker.ends_within(PATIENCE).unwrap());
    assert_eq!(stage.status().injections.len(), 1);
    let recovery = stage.recover().await;
    assert_eq!((recovery.reverted.len(), recovery.is_clean()), (1, true));
    assert!(stage.recover().await.reverted.is_empty());
}

#[tokio::test]
async fn a_frozen_injector_cannot_keep_the_load_beyond_the_lease() {
    let mut stage = Stage::new();
    stage.timing.lease = Duration::from_millis(1_500);
    let mut injector = injector(&stage);
    let worker = worker(&stage);
    let reaper = ProcessHandle::open(&stage.reaper().unwrap()).unwrap().unwrap();
    injector.signal(Signal::Stop);
    reaper.signal(Signal::Kill).unwrap();
    // Nobody is left but the worker itself.
    assert!(worker.ends_within(PATIENCE).unwrap());
    assert_eq!(stage.status().injections.len(), 1);
    injector.kill();
    assert!(stage.recover().await.is_clean());
}

#[tokio::test]
async fn a_worker_that_hangs_with_its_injector_is_killed_within_the_lease() {
    let mut stage = Stage::new();
    stage.timing.lease = Duration::from_secs(1);
    let mut injector = injector(&stage);
    let (worker, handle) = (worker(&stage), injector.handle());
    injector.signal(Signal::Stop);
    worker.signal(Signal::Stop).unwrap();
    assert!(worker.ends_within(PATIENCE).unwrap() && handle.ends_within(PATIENCE).unwrap());
    assert!(!injector.wait().success());
    eventually("the file is closed", || stage.status().injections.is_empty()).await;
}

#[tokio::test]
async fn a_stopped_worker_is_seen_and_killed_by_the_next_renewal() {
    let stage = Stage::new();
    let host = stage.host();
    let order = order(&host, CPU).await;
    host.inject(&order).await.unwrap();
    let worker = worker(&stage);
    worker.signal(Signal::Stop).unwrap();
    let mut held = effect(&host, &order).await;
    for _ in 0..100 {
        if matches!(&held, Effect::Idle { why } if why.ends_with("is held by somebody")) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
        held = effect(&host, &order).await;
    }
    assert!(held.to_string().ends_with("is held by somebody"), "{held}");
    let lost = host.renew(order.injection).await.unwrap_err();
    assert!(lost.message.contains("hung and was killed"), "{lost:?}");
    assert!(worker.ends_within(PATIENCE).unwrap());
    host.revert(order.injection).await.unwrap();
}

#[tokio::test]
async fn a_stress_worker_is_no_target_and_ignores_interrupts() {
    let stage = Stage::new();
    let mut injector = injector(&stage);
    let worker = worker(&stage);
    let by_pid = Target::from(ProcessTarget::with_pid(worker.identity().pid));
    let refused = stage.host().resolve(&by_pid).await.unwrap_err();
    assert_eq!(refused.kind, HostErrorKind::Protected);
    assert!(refused.message.contains("a worker, which holds a fault"), "{refused:?}");
    for signal in [Signal::Int, Signal::Hup] {
        worker.signal(signal).unwrap();
    }
    assert!(!worker.ends_within(Duration::from_millis(300)).unwrap());
    injector.order("revert");
    assert_eq!(injector.hear(), "reverted");
    assert!(worker.has_ended().unwrap());
}
