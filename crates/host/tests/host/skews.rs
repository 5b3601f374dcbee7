//! Processes that are told another time, and whatever dies meanwhile.

use std::{path::PathBuf, time::Duration};

use steadfast_engine::host::{Host, HostErrorKind, InjectionOrder};
use steadfast_host::{LocalHost, LocalHostOptions};
use steadfast_ledger::StateDir;
use steadfast_linux::{ProcessHandle, identify, trace};
use steadfast_model::{
    Binding, Effect, InjectionId, Observation, Target, process::Signal, target::ProcessTarget,
};
use steadfast_testkit::{Sleeper, Talker, number_in};

use crate::{
    roles::{inject_and_obey, setting, timing},
    stage::{Injector, PATIENCE, Stage, eventually, fault, role_command},
};

const SKEW: &str = r#"{"timeSkew":{"offset":"+1h"}}"#;

async fn order(host: &LocalHost, pid: u32, settings: &str) -> InjectionOrder {
    let by_pid = Target::from(ProcessTarget::with_pid(pid));
    let (injection, duration) = (InjectionId::new(), Duration::from_secs(60));
    let targets = host.resolve(&by_pid).await.unwrap();
    InjectionOrder { injection, run: None, fault: fault(settings), targets, duration }
}

async fn seen(host: &LocalHost, order: &InjectionOrder) -> Observation {
    host.observe(&order.fault, &order.targets, order.injection).await.unwrap()
}

/// How far the process is from the right time, in whole minutes.
fn minutes_off(clocks: &mut Talker) -> f64 {
    (number_in(&clocks.ask("now"), "realtime") / 60_000.0).round()
}

/// The role of an injector that tells the process whose number it is given another time.
pub(crate) async fn injector_role() {
    let (path, timing) = (PathBuf::from(setting("STATE")), timing());
    let reaper = role_command("reaper", &path, timing);
    let (state, binding) = (StateDir::open(&path).unwrap(), Binding::default());
    let host = LocalHost::new(LocalHostOptions { state, binding, reaper, timing }).unwrap();
    let order = order(&host, setting("ARGUMENTS").parse().unwrap(), SKEW).await;
    inject_and_obey(&host, &order, timing).await;
}

fn injector(stage: &Stage, clocks: &mut Talker) -> Injector {
    let mut injector = Injector::start("skew-injector", stage, &[clocks.pid().to_string()]);
    assert_eq!(injector.hear(), "injected");
    assert_eq!(minutes_off(clocks), 60.0);
    injector
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_is_told_another_time_and_that_is_measured() {
    let stage = Stage::new();
    let host = stage.host();
    let mut clocks = Talker::clocks();
    let order = order(&host, clocks.pid(), SKEW).await;
    let preview = host.preflight(&order.fault, &order.targets).await.unwrap();
    assert!(preview.actions[0].ends_with("be +1h off"), "{preview:?}");
    let before = seen(&host, &order).await;
    let judge = |now: &Observation| order.fault.as_fault().judge(&before, now);
    assert!(matches!(judge(&before), Effect::Absent { .. }));
    host.inject(&order).await.unwrap();
    assert_eq!(minutes_off(&mut clocks), 60.0);
    let active = judge(&seen(&host, &order).await);
    assert!(
        matches!(&active, Effect::Active { evidence } if evidence.contains("read its clocks")),
        "{active}"
    );
    let again = host.preflight(&order.fault, &order.targets).await.unwrap_err();
    assert!(matches!(again.kind, HostErrorKind::Conflict | HostErrorKind::Unsupported), "{again:?}");
    let account = stage.ledger().find(order.injection).unwrap().unwrap();
    // What a person would type when nothing of ours works any more does work.
    let manual = account.records[0].manual.clone();
    assert_eq!(manual.matches("conv=notrunc").count(), 3, "{manual}");
    #[expect(clippy::disallowed_methods, reason = "what a person would type")]
    let typed = std::process::Command::new("sh").args(["-c", &manual]).status().unwrap();
    assert!(typed.success());
    assert_eq!(minutes_off(&mut clocks), 0.0);
    host.revert(order.injection).await.unwrap();
    host.revert(order.injection).await.unwrap();
    assert_eq!(minutes_off(&mut clocks), 0.0);
    let absent = judge(&seen(&host, &order).await);
    assert!(matches!(absent, Effect::Absent { .. }), "{absent}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_reads_no_clock_shows_no_effect() {
    let stage = Stage::new();
    let host = stage.host();
    let sleeper = Sleeper::new();
    let order = order(&host, sleeper.pid(), SKEW).await;
    let before = seen(&host, &order).await;
    host.inject(&order).await.unwrap();
    let idle = order.fault.as_fault().judge(&before, &seen(&host, &order).await);
    assert!(matches!(idle, Effect::Idle { .. }), "{idle}");
    host.revert(order.injection).await.unwrap();
    assert!(sleeper.runs());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_told_another_time_is_refused_by_name() {
    let stage = Stage::new();
    let host = stage.host();
    let mut clocks = Talker::clocks();
    let identity = identify(clocks.pid()).unwrap().unwrap();
    let order = order(&host, clocks.pid(), SKEW).await;
    let handle = tokio::runtime::Handle::current();
    let held = std::thread::scope(|scope| {
        let traced = scope.spawn(|| {
            trace::hold(&identity, PATIENCE, |_| {
                let refused = handle.block_on(host.preflight(&order.fault, &order.targets)).unwrap_err();
                assert!(refused.message.ends_with("traces it"), "{refused:?}");
                let refused = handle.block_on(host.inject(&order)).unwrap_err();
                assert!(refused.message.ends_with("traces it"), "{refused:?}");
                Ok(())
            })
        });
        traced.join().unwrap()
    });
    held.unwrap().unwrap();
    assert_eq!(minutes_off(&mut clocks), 0.0);
    let early = r#"{"timeSkew":{"offset":"-8000h","clocks":["monotonic"]}}"#;
    let early = self::order(&host, clocks.pid(), early).await;
    let refused = host.preflight(&early.fault, &early.targets).await.unwrap_err();
    assert_eq!(refused.kind, HostErrorKind::Unsupported, "{refused:?}");
    assert!(refused.message.contains("before they began"), "{refused:?}");
}

#[tokio::test]
async fn when_the_injector_is_killed_the_reaper_gives_the_right_time_back() {
    let stage = Stage::new();
    let mut clocks = Talker::clocks();
    injector(&stage, &mut clocks).kill();
    eventually("it is told the right time", || minutes_off(&mut clocks) == 0.0).await;
    eventually("the file is closed", || stage.status().injections.is_empty()).await;
}

#[tokio::test]
async fn when_injector_and_reaper_are_killed_the_next_command_gives_the_right_time_back() {
    let stage = Stage::new();
    let mut clocks = Talker::clocks();
    let mut injector = injector(&stage, &mut clocks);
    let reaper = ProcessHandle::open(&stage.reaper().unwrap()).unwrap().unwrap();
    injector.signal(Signal::Stop);
    reaper.signal(Signal::Kill).unwrap();
    assert!(reaper.ends_within(PATIENCE).unwrap());
    injector.kill();
    assert_eq!(minutes_off(&mut clocks), 60.0, "nobody is left who could have given it back");
    let recovery = stage.recover().await;
    assert_eq!((recovery.reverted.len(), recovery.is_clean()), (1, true));
    assert_eq!(minutes_off(&mut clocks), 0.0);
    assert!(stage.recover().await.reverted.is_empty());
}
