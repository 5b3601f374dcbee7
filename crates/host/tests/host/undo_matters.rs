//! With the undo switched off every fault stays, and these tests see it; with it, nothing stays.

use std::{cell::RefCell, path::Path, time::Duration};

use steadfast_engine::host::{Host, InjectionOrder};
use steadfast_faults::{FAULTS, FaultKind, FaultSpec};
use steadfast_linux::{
    ProcessHandle, identify,
    network::{self, Namespace},
    process_state, skew,
};
use steadfast_model::{
    InjectionId, Target,
    process::{ProcessState, Signal},
    target::ProcessTarget,
    undo::UndoVerb,
};
use steadfast_testkit::{BusyCgroup, Disk, FileUser, NetnsPair, Sleeper};

use crate::{
    proxies::{Street, street},
    stage::{eventually, target_of},
};

/// A proxy, a process, network namespaces where there may be some, a disk, a cgroup or files where they are needed, and a host that knows them all.
struct Scene {
    street: Street,
    sleeper: Sleeper,
    pair: Option<NetnsPair>,
    disk: Option<Disk>,
    group: Option<BusyCgroup>,
    files: Option<FileUser>,
    ordered: RefCell<Vec<InjectionId>>,
}

/// What a fault may have changed: the letter of the process, how many rules the proxy has, and how many tables the
/// network namespace, how many workers make load, the quota of the cgroup, how much of the files is covered, and whether
/// the process is told another time.
type Snapshot = (bool, Option<char>, usize, usize, usize, Option<u64>, usize, bool);

impl Scene {
    async fn new(known: &FaultKind, undoes: bool) -> Self {
        let mut street = street(|_| ()).await;
        if !undoes {
            street.host = street.host.without_undo_for_tests();
        }
        let test = "every_fault_goes_with_its_undo_and_stays_without_it";
        let pair = NetnsPair::new_or_skip(test);
        let disk = known.kind.starts_with("disk").then(|| Disk::new_or_skip(test)).flatten();
        let group = (known.kind == "cpuThrottle").then(|| BusyCgroup::new_or_skip(test)).flatten();
        let files = known.kind.starts_with("io").then(|| FileUser::new_or_skip(test)).flatten();
        Self { street, sleeper: Sleeper::new(), pair, disk, group, files, ordered: RefCell::default() }
    }

    async fn snapshot(&self) -> Snapshot {
        let stopped = self.sleeper.state().filter(|state| *state == 'T');
        let tables = self.pair.as_ref().map_or(0, |pair| {
            let namespace = Namespace::named(&pair.a).unwrap().unwrap();
            network::status(&namespace, "steadfast_").unwrap().len()
        });
        let quota = self.group.as_ref().and_then(BusyCgroup::quota);
        let sleeper = identify(self.sleeper.pid()).unwrap();
        let told = |injection: &InjectionId| {
            let status = sleeper.as_ref().and_then(|sleeper| skew::status(sleeper, *injection).unwrap());
            status.is_some_and(|status| status.told.is_some())
        };
        let skewed = self.ordered.borrow().iter().any(told);
        let covered = self.files.as_ref().map_or(0, |user| user.differences().len());
        let (rules, workers) = (self.street.rules().await, self.workers(false).len());
        (self.sleeper.runs(), stopped, rules, tables, workers, quota, covered, skewed)
    }

    /// Of every injection in this ledger, undone or not, as far as they live: those that make load, or all.
    fn workers(&self, all: bool) -> Vec<ProcessHandle> {
        let stage = &self.street.stage;
        let accounts = self.ordered.borrow().clone().into_iter();
        let accounts = accounts.filter_map(|injection| stage.ledger().find(injection).unwrap());
        let records = accounts.flat_map(|account| account.records);
        let of = |verb| match verb {
            UndoVerb::EndStress { worker, .. } => Some(worker),
            UndoVerb::EndWorker { worker, .. } | UndoVerb::UncoverFiles { worker, .. } if all => Some(worker),
            _ => None,
        };
        let workers = records.filter_map(|record| record.known_verb().and_then(of));
        workers.filter_map(|worker| ProcessHandle::open(&worker).unwrap()).collect()
    }

    fn signal_workers(&self, signal: Signal) {
        for worker in self.workers(true) {
            worker.signal(signal).unwrap();
        }
    }

    async fn order(&self, known: &FaultKind) -> InjectionOrder {
        let targets = match (&self.pair, known.example) {
            (_, example) if example.contains("connection:") => self.street.target.clone(),
            (Some(pair), example) if example.contains("netns:") => {
                self.street.host.resolve(&crate::networks::netns(&pair.a)).await.unwrap()
            }
            (_, example) if example.contains("host:") => {
                self.street.host.resolve(&crate::stress::this_machine()).await.unwrap()
            }
            (_, example) if example.contains("cpuThrottle") || self.files.is_some() => {
                let pid = self.group.as_ref().map(BusyCgroup::pid);
                let pid = pid.or(self.files.as_ref().map(FileUser::pid));
                let busy = Target::from(ProcessTarget { pid, ..ProcessTarget::default() });
                self.street.host.resolve(&busy).await.unwrap()
            }
            _ => vec![target_of(&self.sleeper)],
        };
        let duration = Duration::from_secs(60);
        let injection = InjectionId::new();
        self.ordered.borrow_mut().push(injection);
        let path = self.disk.as_ref().map(Disk::path).or(self.files.as_ref().map(FileUser::folder));
        let fault = fault(known, path);
        InjectionOrder { injection, run: None, fault, targets, duration }
    }
}

/// A fault that is felt. One with settings this does not know fails here, so that nobody forgets it.
fn fault(known: &FaultKind, path: Option<&Path>) -> FaultSpec {
    let settings = match known.kind {
        "tcpDelay" | "httpDelay" => serde_json::json!({ "latency": "100ms" }),
        "networkDelay" => serde_json::json!({ "latency": "20ms" }),
        "networkReorder" => serde_json::json!({ "percent": 10, "latency": "20ms" }),
        "networkDuplicate" | "networkCorrupt" | "networkLoss" => serde_json::json!({ "percent": 10 }),
        "grpcStatus" => serde_json::json!({ "code": "UNAVAILABLE" }),
        "httpStatus" => serde_json::json!({ "status": 503 }),
        "httpBody" => serde_json::json!({ "change": { "replace": "" }, "side": "response" }),
        "httpHeaders" => serde_json::json!({ "set": { "X-A": "1" }, "side": "response" }),
        "networkBandwidth" => serde_json::json!({ "rate": "8kbit/s" }),
        "tcpBandwidth" => serde_json::json!({ "rate": "1kB/s" }),
        "tcpLimitData" => serde_json::json!({ "limit": "1kB" }),
        "tcpSlice" => serde_json::json!({ "size": "10B" }),
        "cpuStress" => serde_json::json!({ "workers": 1, "load": "5%" }),
        "memoryStress" => serde_json::json!({ "size": "16MiB" }),
        "cpuThrottle" => serde_json::json!({ "quota": 0.1 }),
        "diskStress" => serde_json::json!({ "path": path, "size": "16MiB", "rate": "1MiB/s" }),
        "diskFill" => serde_json::json!({ "path": path, "fill": "2MiB" }),
        "timeSkew" => serde_json::json!({ "offset": "-1h" }),
        "dnsDelay" => serde_json::json!({ "names": ["*.example"], "latency": "1s" }),
        "dnsError" => serde_json::json!({ "names": ["*.example"], "answer": "nxdomain" }),
        "dnsSpoof" => serde_json::json!({ "names": ["*.example"], "answers": ["10.78.0.9"] }),
        "ioDelay" => serde_json::json!({ "path": path, "latency": "20ms" }),
        "ioError" => serde_json::json!({ "path": path }),
        "tcpSlowClose" => serde_json::json!({ "delay": "1s" }),
        _ => serde_json::json!({}),
    };
    (known.parse)(settings).unwrap()
}

/// What was before, while the fault was in place, and after it was reverted.
async fn life(known: &FaultKind, undoes: bool) -> [Snapshot; 3] {
    let scene = Scene::new(known, undoes).await;
    let order = scene.order(known).await;
    let before = scene.snapshot().await;
    scene.street.host.inject(&order).await.unwrap();
    let during = scene.snapshot().await;
    // A worker ends by itself when it is given up. One that hangs cannot: then it is the undo alone that ends it.
    scene.signal_workers(Signal::Stop);
    // Until its first thread has stopped, another one may still see that it is given up.
    let stopped =
        |worker: &ProcessHandle| matches!(process_state(worker.identity()), Ok(ProcessState::Stopped));
    eventually("all workers hang", || scene.workers(true).iter().all(stopped)).await;
    scene.street.host.revert(order.injection).await.unwrap();
    let after = scene.snapshot().await;
    scene.signal_workers(Signal::Kill);
    assert!(scene.street.stage.status().injections.is_empty(), "{}: it counts as undone", known.kind);
    [before, during, after]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_goes_with_its_undo_and_stays_without_it() {
    let mut lived = Vec::new();
    // A user who may make no network namespace may disturb none, and neither fill a disk that cannot be mounted.
    let is_root = rustix::process::geteuid().is_root();
    let may = |known: &&FaultKind| match known.kind {
        "cpuThrottle" => BusyCgroup::missing().is_none(),
        kind if kind.starts_with("io") => FileUser::missing().is_none(),
        kind => is_root || !(kind.starts_with("network") || kind.starts_with("disk")),
    };
    let reversible = |known: &&FaultKind| fault(known, Some(Path::new("/a"))).as_fault().reversible();
    for known in FAULTS.iter().filter(reversible).filter(may) {
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
