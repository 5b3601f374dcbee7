//! Rules in real proxy processes.

use std::{net::TcpListener, path::PathBuf, time::Duration};

use steadfast_engine::host::{Host, HostErrorKind, InjectionOrder};
use steadfast_host::LocalHost;
use steadfast_model::{
    Binding, InjectionId, ResolvedTarget, Target,
    process::Signal,
    target::{Connection, ProcessTarget},
};

use crate::stage::{Injector, Stage, eventually, fault, role_command};

pub(crate) struct Street {
    pub(crate) stage: Stage,
    pub(crate) host: LocalHost,
    proxy: Injector,
    pub(crate) target: Vec<ResolvedTarget>,
    control: PathBuf,
    _upstream: TcpListener,
}

/// A proxy between `a` and `b`, and a host that knows it.
pub(crate) async fn street(timing: impl FnOnce(&mut Stage)) -> Street {
    let mut stage = Stage::new();
    stage.timing.proxy_answer = Duration::from_millis(500);
    timing(&mut stage);
    let upstream = TcpListener::bind("127.0.0.1:0").unwrap();
    let control = stage.path().join("p.sock");
    drop(stage.state());
    let arguments = [control.display().to_string(), upstream.local_addr().unwrap().to_string()];
    let mut proxy = Injector::start("proxy", &stage, &arguments);
    proxy.hear();
    let binding: Binding = serde_json::from_value(serde_json::json!({
        "connections": [{ "from": "a", "to": "b", "proxy": "a-b" }],
        "proxies": { "a-b": { "control": control } }
    }))
    .unwrap();
    let host = stage.host_with(binding, role_command("reaper", &stage.path(), stage.timing));
    let edge = Target::Connection(Connection { from: "a".to_owned(), to: "b".to_owned() });
    let target = host.resolve(&edge).await.unwrap();
    Street { stage, host, proxy, target, control, _upstream: upstream }
}

impl Street {
    fn order(&self) -> InjectionOrder {
        InjectionOrder {
            injection: InjectionId::new(),
            run: None,
            fault: fault(r#"{"httpDelay":{"latency":"100ms"}}"#),
            targets: self.target.clone(),
            duration: Duration::from_secs(60),
        }
    }

    pub(crate) async fn rules(&self) -> usize {
        let client = steadfast_proxy::control::Client::connect(&self.control).await;
        client.unwrap().status().await.unwrap().rules.len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_given_renewed_and_taken_away() {
    let street = street(|stage| stage.timing.lease = Duration::from_secs(4)).await;
    let order = street.order();
    street.host.inject(&order).await.unwrap();
    assert_eq!(street.rules().await, 1);
    // Well beyond the first lease.
    for _ in 0..25 {
        tokio::time::sleep(Duration::from_millis(200)).await;
        street.host.renew(order.injection).await.unwrap();
    }
    assert_eq!(street.rules().await, 1);
    let second = street.host.inject(&street.order()).await.unwrap_err();
    assert_eq!(second.kind, HostErrorKind::Conflict);
    street.host.revert(order.injection).await.unwrap();
    assert_eq!(street.rules().await, 0);
    assert!(street.stage.status().injections.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_goes_with_its_proxy() {
    let mut street = street(|_| ()).await;
    let order = street.order();
    street.host.inject(&order).await.unwrap();
    street.proxy.kill();
    for _ in 0..2 {
        let refused = street.host.renew(order.injection).await.unwrap_err();
        assert_eq!(refused.kind, HostErrorKind::TargetGone);
        assert!(refused.message.contains("the proxy a-b died, and the fault with it"), "{refused:?}");
    }
    street.host.revert(order.injection).await.unwrap();
    assert!(street.stage.status().injections.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_proxy_is_waited_for_and_heals() {
    let street = street(|stage| stage.timing.undo_tries = 2).await;
    let order = street.order();
    street.host.inject(&order).await.unwrap();
    street.proxy.signal(Signal::Stop);
    let first = street.host.revert(order.injection).await.unwrap_err();
    assert!(!first.abandoned && !first.manual.is_empty(), "{first:?}");
    assert_eq!(street.stage.status().injections.len(), 1);
    street.proxy.signal(Signal::Cont);
    eventually("it is taken away in the background", || street.stage.status().injections.is_empty()).await;
    street.host.revert(order.injection).await.unwrap();
    assert_eq!(street.rules().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_stays_frozen_is_given_up_at_the_deadline() {
    let street = street(|stage| {
        stage.timing.undo_tries = 2;
        stage.timing.grace = Duration::from_secs(4);
    })
    .await;
    let order = InjectionOrder { duration: Duration::ZERO, ..street.order() };
    street.host.inject(&order).await.unwrap();
    street.proxy.signal(Signal::Stop);
    street.host.revert(order.injection).await.unwrap_err();
    let given_up =
        || street.stage.status().injections.iter().all(|one| one.state == steadfast_ledger::State::Abandoned);
    eventually("it is given up", given_up).await;
    assert!(street.stage.status().injections[0].manual[0].contains("kill"));
    street.proxy.signal(Signal::Cont);
    let recovery = street.stage.recover().await;
    assert!(recovery.is_clean() && recovery.reverted == [order.injection], "{recovery:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_proxy_gets_no_rule_and_leaves_none() {
    let street = street(|stage| stage.timing.undo_tries = 2).await;
    street.proxy.signal(Signal::Stop);
    let order = street.order();
    let refused = street.host.inject(&order).await.unwrap_err();
    assert!(refused.message.contains("a-b"), "{refused:?}");
    street.proxy.signal(Signal::Cont);
    street.host.revert(order.injection).await.unwrap();
    assert_eq!(street.rules().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_process_is_not_a_target_for_process_faults() {
    let street = street(|_| ()).await;
    let pid = street.proxy.handle().identity().pid;
    for frozen in [false, true] {
        if frozen {
            street.proxy.signal(Signal::Stop);
        }
        let asked = Target::from(ProcessTarget::with_pid(pid));
        let refused = street.host.resolve(&asked).await.unwrap_err();
        assert_eq!(refused.kind, HostErrorKind::Protected, "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_under_a_fault_is_spared_by_those_who_do_not_know_it() {
    let street = street(|_| ()).await;
    let asked = Target::from(ProcessTarget::with_pid(street.proxy.handle().identity().pid));
    let stranger = street.stage.host();
    // Nothing but its address tells that it is a proxy, as this program bears no such command.
    stranger.resolve(&asked).await.unwrap();
    let order = street.order();
    street.host.inject(&order).await.unwrap();
    let refused = stranger.resolve(&asked).await.unwrap_err();
    assert_eq!(refused.kind, HostErrorKind::Protected, "{refused:?}");
    assert!(refused.message.contains("a fault proxy"), "{refused:?}");
    street.host.revert(order.injection).await.unwrap();
}
