//! Network faults in real network namespaces, and whatever dies meanwhile.

use std::{
    net::{SocketAddr, UdpSocket},
    path::PathBuf,
    time::Duration,
};

use steadfast_engine::host::{Host, HostErrorKind, InjectionOrder};
use steadfast_host::{LocalHost, LocalHostOptions};
use steadfast_ledger::StateDir;
use steadfast_linux::{ProcessHandle, network::Namespace, process_state};
use steadfast_model::{
    Binding, Effect, InjectionId, ProcessIdentity, ResolvedTarget, Target,
    process::{ProcessState, Signal},
    target::{NetnsTarget, ProcessTarget},
    undo::UndoVerb,
};
use steadfast_testkit::{NetnsPair, Sleeper};

use crate::{
    roles::{inject_and_obey, setting, timing},
    stage::{Injector, PATIENCE, Stage, eventually, fault, role_command, worker_command},
};

const PARTITION: &str = r#"{"networkPartition":{}}"#;
const LONG: Duration = Duration::from_secs(60);

pub(crate) fn netns(name: &str) -> Target {
    Target::Netns(NetnsTarget { name: Some(name.to_owned()), pid: None })
}

fn order(json: &str, targets: Vec<ResolvedTarget>) -> InjectionOrder {
    InjectionOrder { injection: InjectionId::new(), run: None, fault: fault(json), targets, duration: LONG }
}

/// A pair of namespaces with a socket in each.
struct Wire {
    pair: NetnsPair,
    a: UdpSocket,
    b: UdpSocket,
}

impl Wire {
    fn new_or_skip(test: &str) -> Option<Self> {
        let pair = NetnsPair::new_or_skip(test)?;
        let socket = |name: &str, address| {
            let namespace = Namespace::named(name).unwrap().unwrap();
            let bound =
                namespace.inside(|| UdpSocket::bind(SocketAddr::from((address, 7000))).unwrap()).unwrap();
            bound.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
            bound
        };
        let (a, b) = (socket(&pair.a, NetnsPair::ADDRESS_A), socket(&pair.b, NetnsPair::ADDRESS_B));
        Some(Self { pair, a, b })
    }

    /// Whether a packet gets from the first namespace to the second.
    fn carries(&self) -> bool {
        self.a.send_to(b"x", self.b.local_addr().unwrap()).unwrap();
        self.b.recv(&mut [0; 8]).is_ok()
    }

    async fn carries_again(&self) {
        eventually("packets pass again", || self.carries()).await;
    }
}

/// An injector of its own process that has cut the wire.
fn injector(stage: &Stage, wire: &Wire) -> Injector {
    let mut injector = Injector::start("network-injector", stage, std::slice::from_ref(&wire.pair.a));
    assert_eq!(injector.hear(), "injected");
    assert!(!wire.carries());
    injector
}

/// The worker of the one live injection, from its undo record.
pub(crate) fn worker(stage: &Stage) -> ProcessHandle {
    let injection = stage.status().injections[0].injection;
    let account = stage.ledger().find(injection).unwrap().unwrap();
    let Some(UndoVerb::EndWorker { worker, .. }) = account.records[0].known_verb() else {
        panic!("no worker")
    };
    ProcessHandle::open(&worker).unwrap().unwrap()
}

/// The role of [`injector`]: cuts a namespace off, or what else it is told to, and renews until told otherwise.
pub(crate) async fn injector_role() {
    let path = PathBuf::from(setting("STATE"));
    let timing = timing();
    let reaper = role_command("reaper", &path, timing);
    let (state, binding) = (StateDir::open(&path).unwrap(), Binding::default());
    let host = LocalHost::new(LocalHostOptions { state, binding, reaper, timing }).unwrap();
    let host = host.with_worker(worker_command(&path, timing));
    let arguments = setting("ARGUMENTS");
    let (name, json) = arguments.split_once(' ').unwrap_or((&arguments, PARTITION));
    let targets = host.resolve(&netns(name)).await.unwrap();
    let order = order(json, targets);
    inject_and_obey(&host, &order, timing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_network_fault_is_felt_seen_and_gone() {
    let Some(wire) = Wire::new_or_skip("every_network_fault_is_felt_seen_and_gone") else { return };
    let stage = Stage::new();
    let host = stage.host();
    let before_all = NetnsPair::snapshot(&wire.pair.a);
    for (json, passes) in [
        (PARTITION, false),
        (
            r#"{"networkPartition":{"direction":"egress","peers":["10.77.0.0/24"],"ports":[7000],"protocol":"udp"}}"#,
            false,
        ),
        (r#"{"networkLoss":{"percent":100}}"#, false),
        (r#"{"networkCorrupt":{"percent":100,"direction":"egress"}}"#, false),
        (r#"{"networkDuplicate":{"percent":100}}"#, true),
        // As good as always: of one packet one goes ahead.
        (r#"{"networkReorder":{"percent":"99.9999%","latency":"20ms"}}"#, true),
        (r#"{"networkDelay":{"latency":"400ms","direction":"egress"}}"#, false),
        (r#"{"networkDelay":{"latency":"20ms","direction":"both"}}"#, true),
    ] {
        let targets = host.resolve(&netns(&wire.pair.a)).await.unwrap();
        let order = order(json, targets);
        let preview = host.preflight(&order.fault, &order.targets).await.unwrap();
        assert!(preview.backend.starts_with("nftables"), "{preview:?}");
        let observe = async || host.observe(&order.fault, &order.targets, order.injection).await.unwrap();
        let before = observe().await;
        let effect = async || order.fault.as_fault().judge(&before, &observe().await);
        assert!(matches!(effect().await, Effect::Absent { .. }), "{json}");
        host.inject(&order).await.unwrap();
        let idle = effect().await;
        assert!(matches!(idle, Effect::Idle { .. } | Effect::Active { .. }), "{json}: {idle}");
        assert_eq!(wire.carries(), passes, "{json}");
        let active = effect().await;
        assert!(matches!(active, Effect::Active { .. }), "{json}: {active}");
        host.renew(order.injection).await.unwrap();
        let again = host.preflight(&order.fault, &order.targets).await.unwrap_err();
        assert_eq!(again.kind, HostErrorKind::Conflict);
        host.revert(order.injection).await.unwrap();
        host.revert(order.injection).await.unwrap();
        let absent = effect().await;
        assert!(matches!(absent, Effect::Absent { .. }), "{json}: {absent}");
        // What was held may arrive now.
        while wire.b.recv(&mut [0; 8]).is_ok() {}
        assert!(wire.carries(), "{json}");
        assert!(stage.status().injections.is_empty());
        assert_eq!(NetnsPair::snapshot(&wire.pair.a), before_all, "{json}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_traffic_nothing_is_claimed() {
    let Some(wire) = Wire::new_or_skip("without_traffic_nothing_is_claimed") else { return };
    let stage = Stage::new();
    let host = stage.host();
    let targets = host.resolve(&netns(&wire.pair.a)).await.unwrap();
    let order = order(r#"{"networkPartition":{"ports":[9999]}}"#, targets);
    let before = host.observe(&order.fault, &order.targets, order.injection).await.unwrap();
    host.inject(&order).await.unwrap();
    assert!(wire.carries());
    let now = host.observe(&order.fault, &order.targets, order.injection).await.unwrap();
    let effect = order.fault.as_fault().judge(&before, &now);
    assert!(matches!(effect, Effect::Idle { .. }), "{effect}");
    host.revert(order.injection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_stands_for_the_namespace_it_is_in() {
    let Some(wire) = Wire::new_or_skip("a_process_stands_for_the_namespace_it_is_in") else { return };
    let (stage, process) = (Stage::new(), Sleeper::inside(&wire.pair.a));
    let host = stage.host();
    // It moves there a moment after it was started.
    let there = Namespace::named(&wire.pair.a).unwrap().unwrap();
    let moved = || {
        let identity = steadfast_linux::identify(process.pid()).unwrap().unwrap();
        Namespace::of_process(&identity).unwrap().is_some_and(|found| found.identity() == there.identity())
    };
    eventually("the process is in the namespace", moved).await;
    let by_pid = Target::from(ProcessTarget::with_pid(process.pid()));
    let order = order(PARTITION, host.resolve(&by_pid).await.unwrap());
    let preview = host.preflight(&order.fault, &order.targets).await.unwrap();
    assert!(preview.warnings.iter().any(|warning| warning.contains("everything else")), "{preview:?}");
    host.inject(&order).await.unwrap();
    assert!(!wire.carries());
    // The same namespace by its name: held.
    let targets = host.resolve(&netns(&wire.pair.a)).await.unwrap();
    let refused = host.preflight(&order.fault, &targets).await.unwrap_err();
    assert_eq!(refused.kind, HostErrorKind::Conflict);
    host.revert(order.injection).await.unwrap();
    assert!(wire.carries());
}

#[tokio::test]
async fn the_machines_own_network_namespace_is_refused() {
    let (stage, process) = (Stage::new(), Sleeper::new());
    let host = stage.host();
    let by_pid = Target::from(ProcessTarget::with_pid(process.pid()));
    let order = order(PARTITION, host.resolve(&by_pid).await.unwrap());
    let refused = host.preflight(&order.fault, &order.targets).await.unwrap_err();
    let injected = host.inject(&order).await.unwrap_err();
    if rustix::process::geteuid().is_root() {
        assert_eq!((refused.kind, injected.kind), (HostErrorKind::Unsupported, HostErrorKind::Unsupported));
        assert!(refused.message.contains("this machine's own"), "{refused:?}");
        assert!(refused.hint.is_some());
    } else {
        assert_eq!(refused.kind, HostErrorKind::Denied);
    }
    let nobody = host.resolve(&netns("no-such-namespace")).await.unwrap_err();
    assert_eq!(nobody.kind, HostErrorKind::NoTarget);
}

#[tokio::test]
async fn when_the_injector_is_killed_packets_pass_at_once() {
    let Some(wire) = Wire::new_or_skip("when_the_injector_is_killed_packets_pass_at_once") else { return };
    let stage = Stage::new();
    let mut injector = injector(&stage, &wire);
    let worker = worker(&stage);
    injector.kill();
    wire.carries_again().await;
    assert!(worker.ends_within(PATIENCE).unwrap());
    eventually("the file is closed", || stage.status().injections.is_empty()).await;
}

#[tokio::test]
async fn when_injector_and_reaper_are_killed_packets_pass_and_the_next_command_closes_the_file() {
    let Some(wire) = Wire::new_or_skip(
        "when_injector_and_reaper_are_killed_packets_pass_and_the_next_command_closes_the_file",
    ) else {
        return;
    };
    let stage = Stage::new();
    let mut injector = injector(&stage, &wire);
    let reaper = ProcessHandle::open(&stage.reaper().unwrap()).unwrap().unwrap();
    injector.signal(Signal::Stop);
    reaper.signal(Signal::Kill).unwrap();
    assert!(reaper.ends_within(PATIENCE).unwrap());
    injector.kill();
    wire.carries_again().await;
    assert_eq!(stage.status().injections.len(), 1);
    let recovery = stage.recover().await;
    assert_eq!((recovery.reverted.len(), recovery.is_clean()), (1, true));
    assert!(stage.recover().await.reverted.is_empty());
}

#[tokio::test]
async fn a_worker_that_hangs_is_killed_and_packets_pass() {
    let Some(wire) = Wire::new_or_skip("a_worker_that_hangs_is_killed_and_packets_pass") else { return };
    let stage = Stage::new();
    let host = stage.host();
    let targets = host.resolve(&netns(&wire.pair.a)).await.unwrap();
    let order = order(r#"{"networkDelay":{"latency":"1ms","direction":"both"}}"#, targets);
    host.inject(&order).await.unwrap();
    assert!(wire.carries());
    let worker = worker(&stage);
    worker.signal(Signal::Stop).unwrap();
    // Its threads stop one after the other.
    eventually("nothing gets through", || !wire.carries()).await;
    let lost = host.renew(order.injection).await.unwrap_err();
    assert_eq!(lost.kind, HostErrorKind::TargetGone);
    assert!(lost.message.contains("hung and was killed"), "{lost:?}");
    assert!(worker.ends_within(PATIENCE).unwrap());
    assert!(wire.carries());
    let ended = host.renew(order.injection).await.unwrap_err();
    assert!(ended.message.contains("ended too early"), "{ended:?}");
    host.revert(order.injection).await.unwrap();
}

#[tokio::test]
async fn when_worker_and_injector_hang_the_reaper_kills_both_within_the_lease() {
    let Some(wire) =
        Wire::new_or_skip("when_worker_and_injector_hang_the_reaper_kills_both_within_the_lease")
    else {
        return;
    };
    let mut stage = Stage::new();
    stage.timing.lease = Duration::from_secs(1);
    let mut injector = injector(&stage, &wire);
    let (worker, handle) = (worker(&stage), injector.handle());
    injector.signal(Signal::Stop);
    worker.signal(Signal::Stop).unwrap();
    wire.carries_again().await;
    assert!(worker.ends_within(PATIENCE).unwrap() && handle.ends_within(PATIENCE).unwrap());
    assert!(!injector.wait().success());
    eventually("the file is closed", || stage.status().injections.is_empty()).await;
}

#[tokio::test]
async fn when_worker_and_injector_hang_and_the_reaper_is_dead_recovering_kills_both() {
    let Some(wire) =
        Wire::new_or_skip("when_worker_and_injector_hang_and_the_reaper_is_dead_recovering_kills_both")
    else {
        return;
    };
    let mut stage = Stage::new();
    stage.timing.lease = Duration::from_millis(1_500);
    let mut injector = injector(&stage, &wire);
    let reaper = ProcessHandle::open(&stage.reaper().unwrap()).unwrap().unwrap();
    injector.signal(Signal::Stop);
    let worker = worker(&stage);
    worker.signal(Signal::Stop).unwrap();
    reaper.signal(Signal::Kill).unwrap();
    assert!(reaper.ends_within(PATIENCE).unwrap());
    eventually("the lease runs out", || stage.status().injections[0].lease_seconds == 0.0).await;
    assert!(!wire.carries(), "nobody was there to undo");
    let recovery = stage.recover().await;
    assert_eq!((recovery.reverted.len(), recovery.is_clean()), (1, true));
    assert!(wire.carries());
    assert!(!injector.wait().success());
}

#[tokio::test]
async fn a_frozen_injector_cannot_hold_a_living_worker_beyond_the_lease() {
    let Some(wire) = Wire::new_or_skip("a_frozen_injector_cannot_hold_a_living_worker_beyond_the_lease")
    else {
        return;
    };
    let mut stage = Stage::new();
    stage.timing.lease = Duration::from_millis(1_500);
    let mut injector = injector(&stage, &wire);
    let reaper = ProcessHandle::open(&stage.reaper().unwrap()).unwrap().unwrap();
    injector.signal(Signal::Stop);
    reaper.signal(Signal::Kill).unwrap();
    // Nobody is left but the worker itself.
    wire.carries_again().await;
    assert_eq!(stage.status().injections.len(), 1);
    injector.kill();
    assert!(stage.recover().await.is_clean());
}

#[tokio::test]
async fn a_worker_that_is_killed_takes_the_fault_with_it_and_the_undo_succeeds() {
    let Some(wire) =
        Wire::new_or_skip("a_worker_that_is_killed_takes_the_fault_with_it_and_the_undo_succeeds")
    else {
        return;
    };
    let stage = Stage::new();
    let mut injector = injector(&stage, &wire);
    let worker = worker(&stage);
    worker.signal(Signal::Kill).unwrap();
    wire.carries_again().await;
    injector.order("revert");
    assert_eq!(injector.hear(), "reverted");
    assert!(injector.wait().success());
    assert!(stage.status().injections.is_empty());
}

#[tokio::test]
async fn a_namespace_that_is_removed_meanwhile_ends_with_the_fault() {
    let Some(wire) = Wire::new_or_skip("a_namespace_that_is_removed_meanwhile_ends_with_the_fault") else {
        return;
    };
    let stage = Stage::new();
    let host = stage.host();
    let targets = host.resolve(&netns(&wire.pair.a)).await.unwrap();
    let order = order(PARTITION, targets);
    let before = host.observe(&order.fault, &order.targets, order.injection).await.unwrap();
    host.inject(&order).await.unwrap();
    let Wire { pair, a, b } = wire;
    drop((a, b));
    pair.remove_a();
    host.renew(order.injection).await.unwrap();
    host.revert(order.injection).await.unwrap();
    let now = host.observe(&order.fault, &order.targets, order.injection).await.unwrap();
    assert!(matches!(order.fault.as_fault().judge(&before, &now), Effect::Absent { .. }));
    // Its end of the cable, and with it the other, goes when the kernel has cleaned up.
    let cable = || NetnsPair::snapshot(&pair.b).contains("veth0");
    eventually("the namespace is gone for good", || !cable()).await;
    let gone = host.preflight(&order.fault, &order.targets).await.unwrap_err();
    assert_eq!(gone.kind, HostErrorKind::TargetGone);
}

#[tokio::test]
async fn a_worker_is_no_target_and_ignores_interrupts() {
    let Some(wire) = Wire::new_or_skip("a_worker_is_no_target_and_ignores_interrupts") else { return };
    let stage = Stage::new();
    let mut injector = injector(&stage, &wire);
    let worker = worker(&stage);
    let identity: ProcessIdentity = worker.identity().clone();
    let by_pid = Target::from(ProcessTarget::with_pid(identity.pid));
    let refused = stage.host().resolve(&by_pid).await.unwrap_err();
    assert_eq!(refused.kind, HostErrorKind::Protected);
    assert!(refused.message.contains("a worker, which holds a fault"), "{refused:?}");
    for signal in [Signal::Int, Signal::Hup] {
        worker.signal(signal).unwrap();
    }
    assert!(!worker.ends_within(Duration::from_millis(300)).unwrap());
    assert_eq!(process_state(&identity).unwrap(), ProcessState::Running);
    injector.order("revert");
    assert_eq!(injector.hear(), "reverted");
}
