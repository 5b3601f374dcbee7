//! With the undo switched off every fault stays, and these tests see it; with it, nothing stays.

use std::time::Duration;

use steadfast_engine::host::{Host, InjectionOrder};
use steadfast_faults::{FAULTS, FaultKind, FaultSpec};
use steadfast_model::InjectionId;
use steadfast_testkit::Sleeper;

use crate::{
    proxies::{Street, street},
    stage::target_of,
};

/// A proxy, a process, and a host that knows both.
struct Scene {
    street: Street,
    sleeper: Sleeper,
}

/// What a fault may have changed: the letter of the process, and how many rules the proxy has.
type Snapshot = (bool, Option<char>, usize);

impl Scene {
    async fn new(undoes: bool) -> Self {
        let mut street = street(|_| ()).await;
        if !undoes {
            street.host = street.host.without_undo_for_tests();
        }
        Self { street, sleeper: Sleeper::new() }
    }

    async fn snapshot(&self) -> Snapshot {
        let stopped = self.sleeper.state().filter(|state| *state == 'T');
        (self.sleeper.runs(), stopped, self.street.rules().await)
    }

    fn order(&self, known: &FaultKind) -> InjectionOrder {
        let targets = match known.example.contains("connection:") {
            true => self.street.target.clone(),
            false => vec![target_of(&self.sleeper)],
        };
        let duration = Duration::from_secs(60);
        InjectionOrder { injection: InjectionId::new(), run: None, fault: fault(known), targets, duration }
    }
}

/// A fault that is felt. One with settings this does not know fails here, so that nobody forgets it.
fn fault(known: &FaultKind) -> FaultSpec {
    let settings = match known.kind {
        "tcpDelay" | "httpDelay" => serde_json::json!({ "latency": "100ms" }),
        "httpStatus" => serde_json::json!({ "status": 503 }),
        "httpBody" => serde_json::json!({ "change": { "replace": "" }, "side": "response" }),
        "httpHeaders" => serde_json::json!({ "set": { "X-A": "1" }, "side": "response" }),
        "tcpBandwidth" => serde_json::json!({ "rate": "1kB/s" }),
        "tcpLimitData" => serde_json::json!({ "limit": "1kB" }),
        "tcpSlice" => serde_json::json!({ "size": "10B" }),
        "tcpSlowClose" => serde_json::json!({ "delay": "1s" }),
        _ => serde_json::json!({}),
    };
    (known.parse)(settings).unwrap()
}

/// What was before, while the fault was in place, and after it was reverted.
async fn life(known: &FaultKind, undoes: bool) -> [Snapshot; 3] {
    let scene = Scene::new(undoes).await;
    let order = scene.order(known);
    let before = scene.snapshot().await;
    scene.street.host.inject(&order).await.unwrap();
    let during = scene.snapshot().await;
    scene.street.host.revert(order.injection).await.unwrap();
    let after = scene.snapshot().await;
    assert!(scene.street.stage.status().injections.is_empty(), "{}: it counts as undone", known.kind);
    [before, during, after]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_goes_with_its_undo_and_stays_without_it() {
    let mut lived = Vec::new();
    for known in FAULTS.iter().filter(|known| fault(known).as_fault().reversible()) {
        let [before, during, after] = life(known, true).await;
        assert_ne!(before, during, "{}: it changes something", known.kind);
        assert_eq!(before, after, "{}: nothing stays", known.kind);
        let [before, during, after] = life(known, false).await;
        assert_ne!(before, after, "{}: without undo it stays, and is seen", known.kind);
        assert_eq!(during, after, "{}: without undo nothing goes", known.kind);
        lived.push(known.kind);
    }
    for kind in FAULTS.iter().map(|known| known.kind).filter(|kind| *kind != "processKill") {
        assert!(lived.contains(&kind), "{kind}: not among {lived:?}");
    }
}
