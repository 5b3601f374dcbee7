//! Netem, which no descriptor holds: chosen where it is there, and undone by its handle.

use std::{path::PathBuf, process::Command, time::Duration};

use steadfast_engine::host::{Host, HostErrorKind, InjectionOrder};
use steadfast_host::carry_out;
use steadfast_linux::network::{Namespace, probe_netem};
use steadfast_model::{
    Effect, InjectionId, ProcessIdentity,
    network::{Backend, NetworkFault},
    process::Signal,
    undo::{HeldQdisc, UndoVerb},
};
use steadfast_testkit::NetnsPair;

use crate::{
    networks::{netns, worker},
    stage::{Stage, fault, lively},
};

const DELAY: &str = r#"{"networkDelay":{"latency":"30ms","direction":"egress","backend":"BACKEND"}}"#;

fn kernel_has_netem() -> bool {
    let fault = NetworkFault::Loss { percent: "5%".parse().unwrap(), backend: Backend::Netem };
    probe_netem(&fault).is_ok()
}

fn tc(pair: &NetnsPair, words: &str) {
    #[expect(clippy::disallowed_methods, reason = "somebody else's discipline")]
    let mut command = Command::new("tc");
    let command = command.args(["-n", &pair.a]).args(words.split(' '));
    assert!(command.status().unwrap().success(), "{words}");
}

async fn order(stage: &Stage, pair: &NetnsPair, backend: &str) -> InjectionOrder {
    let targets = stage.host().resolve(&netns(&pair.a)).await.unwrap();
    let fault = fault(&DELAY.replace("BACKEND", backend));
    let duration = Duration::from_secs(60);
    InjectionOrder { injection: InjectionId::new(), run: None, fault, targets, duration }
}

#[tokio::test]
async fn netem_is_taken_where_it_is_and_refused_with_a_hint_where_it_is_not() {
    let name = "netem_is_taken_where_it_is_and_refused_with_a_hint_where_it_is_not";
    let Some(pair) = NetnsPair::new_or_skip(name) else { return };
    let stage = Stage::new();
    let host = stage.host();
    let before = NetnsPair::snapshot(&pair.a);
    let backend = async |backend| {
        let order = order(&stage, &pair, backend).await;
        host.preflight(&order.fault, &order.targets).await.map(|preview| preview.backend)
    };
    let there = kernel_has_netem();
    assert_eq!(backend("nftables").await.unwrap(), "nftables and TAP");
    assert_eq!(backend("auto").await.unwrap(), if there { "netem" } else { "nftables and TAP" });
    match backend("netem").await {
        Ok(name) => assert!(there && name == "netem"),
        Err(refused) => {
            assert!(!there, "{refused:?}");
            assert_eq!(refused.kind, HostErrorKind::Unsupported);
            assert!(refused.message.contains("this kernel has no netem"), "{refused:?}");
            assert!(refused.hint.unwrap().contains("modprobe sch_netem"));
            let refused = host.inject(&order(&stage, &pair, "netem").await).await.unwrap_err();
            assert_eq!(refused.kind, HostErrorKind::Unsupported);
        }
    }
    assert_eq!(NetnsPair::snapshot(&pair.a), before, "asking changes nothing");
    // What somebody has set up is left alone.
    tc(&pair, "qdisc add dev veth0 root handle 7: pfifo limit 9");
    assert_eq!(backend("auto").await.unwrap(), "nftables and TAP");
    assert_eq!(backend("netem").await.unwrap_err().kind, HostErrorKind::Unsupported);
}

#[tokio::test]
async fn netem_holds_what_goes_out_and_goes_also_when_its_worker_is_killed() {
    let name = "netem_holds_what_goes_out_and_goes_also_when_its_worker_is_killed";
    let Some(pair) = NetnsPair::new_or_skip(name) else { return };
    if !kernel_has_netem() {
        return steadfast_testkit::skip(name, "this kernel has no netem");
    }
    let stage = Stage::new();
    let host = stage.host();
    let before_all = NetnsPair::snapshot(&pair.a);
    for kill in [false, true] {
        let order = order(&stage, &pair, "auto").await;
        let observe = async || host.observe(&order.fault, &order.targets, order.injection).await.unwrap();
        let before = observe().await;
        host.inject(&order).await.unwrap();
        assert!(NetnsPair::snapshot(&pair.a).contains("qdisc netem"));
        let inside = Namespace::named(&pair.a).unwrap().unwrap();
        let socket = inside.inside(|| std::net::UdpSocket::bind((NetnsPair::ADDRESS_A, 0)).unwrap()).unwrap();
        socket.send_to(b"x", (NetnsPair::ADDRESS_B, 7000)).unwrap();
        let active = order.fault.as_fault().judge(&before, &observe().await);
        assert!(matches!(active, Effect::Active { .. }), "{active}");
        if kill {
            let worker = worker(&stage);
            worker.signal(Signal::Kill).unwrap();
            assert!(worker.ends_within(Duration::from_secs(5)).unwrap());
            assert!(NetnsPair::snapshot(&pair.a).contains("qdisc netem"), "no descriptor holds it");
        }
        host.revert(order.injection).await.unwrap();
        assert_eq!(NetnsPair::snapshot(&pair.a), before_all);
        let absent = order.fault.as_fault().judge(&before, &observe().await);
        assert!(matches!(absent, Effect::Absent { .. }), "{absent}");
    }
}

/// A discipline that every kernel has stands for netem.
#[tokio::test]
async fn what_a_killed_worker_left_is_found_by_its_namespace_and_deleted_by_its_handle() {
    let name = "what_a_killed_worker_left_is_found_by_its_namespace_and_deleted_by_its_handle";
    let Some(pair) = NetnsPair::new_or_skip(name) else { return };
    let before = NetnsPair::snapshot(&pair.a);
    let namespace = Namespace::named(&pair.a).unwrap().unwrap().identity().clone();
    let worker = ProcessIdentity { pid: u32::MAX, start_time: 1, boot_id: namespace.boot_id.clone() };
    let undo = |path: &str, major| UndoVerb::EndWorker {
        worker: worker.clone(),
        namespace: namespace.clone(),
        table: "steadfast_x".to_owned(),
        qdisc: Some(HeldQdisc { path: PathBuf::from(path), major }),
    };
    tc(&pair, "qdisc add dev veth0 root handle 5fa1: pfifo limit 9");
    let shown = NetnsPair::snapshot(&pair.a);
    let at = format!("/run/netns/{}", pair.a);
    carry_out(&undo(&at, 0x5fa2), &lively()).await.unwrap();
    assert_eq!(NetnsPair::snapshot(&pair.a), shown, "another handle is somebody else's");
    // The process through which it was found has ended; the namespace has a name.
    for path in ["/proc/4294967295/ns/net", at.as_str()] {
        carry_out(&undo(path, 0x5fa1), &lively()).await.unwrap();
        assert_eq!(NetnsPair::snapshot(&pair.a), before);
    }
    let manual = undo(&at, 0x5fa1).manual_command();
    assert!(
        manual.contains(&format!("nsenter --net={at} tc qdisc del dev DEVICE root handle 5fa1:")),
        "{manual}"
    );
    pair.remove_a();
    carry_out(&undo(&at, 0x5fa1), &lively()).await.unwrap();
}
