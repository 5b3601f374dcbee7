//! How long injecting and reverting takes for every fault, with reaper and ledger as in a run: `cargo run --release -p
//! steadfast-host --example injections -- PROGRAM [TIMES]`, where PROGRAM is a built `steadfast`. Network faults need root, and so do
//! faults on disks, cgroups and files.
//!
//! One line a fault: its key, then p50 and p99 of injecting and of reverting, in milliseconds. A fault that cannot be taken
//! back has `-` there; one that could not be injected is followed by why. Memory is given back in proportion to its size:
//! [`MEMORY`] is held, and all of it before it is taken away.

#![expect(clippy::print_stdout, reason = "prints a table")]
#![expect(clippy::unwrap_used, reason = "a measurement ends where it unwraps")]
#![expect(clippy::disallowed_methods, reason = "a measurement of real time, of programs it starts")]

use std::{
    collections::BTreeMap,
    ffi::OsString,
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use steadfast_engine::host::{Host, InjectionOrder};
use steadfast_faults::{FAULTS, FaultKind, FaultSpec};
use steadfast_host::{LocalHost, LocalHostOptions, Timing};
use steadfast_ledger::StateDir;
use steadfast_model::{
    Binding, InjectionId, Target,
    binding::BoundProxy,
    target::{HostTarget, NetnsTarget, ProcessTarget, ProxyTarget},
    yaml,
};
use steadfast_testkit::{BusyCgroup, Disk, FileUser, NetnsPair, Sleeper, durable_dir};

/// How long a fault would stay if nobody took it back.
const LENGTH: Duration = Duration::from_secs(60);
/// How much memory is held.
const MEMORY: &str = "256MiB";
/// How long that takes at the most, with room to spare.
const HOLDING: Duration = Duration::from_millis(400);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let program = PathBuf::from(words.first().expect("needs the path of a built steadfast"));
    let times = words.get(1).map_or(50, |times| times.parse::<usize>().unwrap());
    let folder = durable_dir();
    let scene = Scene::start(&program, folder.path());
    let host = scene.host(&program, &folder.path().join("state"));
    // The first injection of a process starts its reaper as well.
    let first = once(&host, &scene, FaultKind::find("processPause").unwrap()).await;
    println!("first {:.3}", first.map_or(f64::NAN, |(inject, _)| inject));
    for kind in FAULTS {
        match measure(&host, &scene, kind, times).await {
            Ok(line) => println!("{} {line}", kind.kind),
            Err(why) => println!("{} not injected: {}", kind.kind, why.replace('\n', " ")),
        }
    }
}

async fn measure(host: &LocalHost, scene: &Scene, kind: &FaultKind, times: usize) -> Result<String, String> {
    let (mut injected, mut reverted) = (Vec::new(), Vec::new());
    for _ in 0..times {
        let (inject, revert) = once(host, scene, kind).await?;
        injected.push(inject);
        reverted.extend(revert);
    }
    let both = |times| match quantiles(times) {
        Some((middle, late)) => format!("{middle:.3} {late:.3}"),
        None => "- -".to_owned(),
    };
    Ok(format!("{} {}", both(injected), both(reverted)))
}

/// Milliseconds that one injection took, and its undo if there is one.
async fn once(host: &LocalHost, scene: &Scene, kind: &FaultKind) -> Result<(f64, Option<f64>), String> {
    let fault = scene.fault(kind)?;
    let (target, _sleeper) = scene.target(kind.kind)?;
    let targets = host.resolve(&target).await.map_err(|why| why.to_string())?;
    let order = InjectionOrder { injection: InjectionId::new(), run: None, fault, targets, duration: LENGTH };
    // As every run does first.
    host.preflight(&order.fault, &order.targets).await.map_err(|why| why.to_string())?;
    let begun = Instant::now();
    host.inject(&order).await.map_err(|why| why.to_string())?;
    let inject = milliseconds(begun);
    if kind.kind == "memoryStress" {
        tokio::time::sleep(HOLDING).await;
    }
    let begun = Instant::now();
    host.revert(order.injection).await.map_err(|why| why.to_string())?;
    let revert = milliseconds(begun);
    Ok((inject, order.fault.as_fault().reversible().then_some(revert)))
}

/// The fault of a kind's example.
fn example(kind: &FaultKind) -> Result<FaultSpec, String> {
    if kind.kind == "memoryStress" {
        // A ramp would hold next to nothing when it is taken away.
        let all_at_once = serde_json::json!({ "memoryStress": { "size": MEMORY } });
        return serde_json::from_value(all_at_once).map_err(|why| why.to_string());
    }
    let documents = yaml::parse(kind.example).map_err(|why| format!("{why:?}"))?;
    let fault =
        documents.first().and_then(|document| document.get("fault")).ok_or("its example has no fault")?;
    serde_json::from_value(fault.to_json()).map_err(|why| why.to_string())
}

fn milliseconds(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// The median, and what 99 of 100 stay below.
fn quantiles(mut times: Vec<f64>) -> Option<(f64, f64)> {
    times.sort_by(f64::total_cmp);
    let at =
        |share: f64| times.get(((times.len() as f64 * share).ceil() as usize).saturating_sub(1)).copied();
    Some((at(0.5)?, at(0.99)?))
}

/// What faults are put into: a process each time, two proxies, a pair of network namespaces, this machine, a small disk,
/// a cgroup, a process that uses files.
struct Scene {
    proxies: BTreeMap<String, BoundProxy>,
    pair: Option<NetnsPair>,
    disk: Option<Disk>,
    group: Option<BusyCgroup>,
    files: Option<FileUser>,
    _children: Vec<Ended>,
}

impl Scene {
    fn start(program: &Path, folder: &Path) -> Self {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let upstream = server.local_addr().unwrap();
        std::thread::spawn(move || server.incoming().flatten().for_each(drop));
        let (mut proxies, mut children) = (BTreeMap::new(), Vec::new());
        for protocol in ["tcp", "http"] {
            let control = folder.join(format!("{protocol}.sock"));
            children.push(proxy(program, protocol, &control, upstream));
            proxies.insert(protocol.to_owned(), BoundProxy { control });
        }
        let (pair, disk) = (NetnsPair::new_or_skip("injections"), Disk::new_or_skip("injections"));
        let (group, files) = (BusyCgroup::new_or_skip("injections"), FileUser::new_or_skip("injections"));
        Self { proxies, pair, disk, group, files, _children: children }
    }

    fn fault(&self, kind: &FaultKind) -> Result<FaultSpec, String> {
        if kind.kind.starts_with("io") {
            let user = self.files.as_ref().ok_or("files in a mount namespace need root")?;
            let mut settings = match kind.kind {
                "ioDelay" => serde_json::json!({ "latency": "50ms" }),
                _ => serde_json::json!({}),
            };
            settings["path"] = serde_json::json!(user.folder());
            return (kind.parse)(settings).map_err(|why| format!("{why:?}"));
        }
        if !kind.kind.starts_with("disk") {
            return example(kind);
        }
        let disk = self.disk.as_ref().ok_or("mounting a disk does need root")?;
        let settings = match kind.kind {
            "diskFill" => serde_json::json!({ "path": disk.path(), "fill": "80%" }),
            _ => serde_json::json!({ "path": disk.path(), "size": "16MiB", "rate": "5MiB/s" }),
        };
        (kind.parse)(settings).map_err(|why| format!("{why:?}"))
    }

    fn host(&self, program: &Path, state: &Path) -> LocalHost {
        let command = |word: &str| -> Vec<OsString> {
            vec![program.into(), "--state-dir".into(), state.into(), word.into()]
        };
        let binding = Binding { proxies: self.proxies.clone(), ..Binding::default() };
        let (reaper, timing) = (command("reaper"), Timing::default());
        let state = StateDir::open(state).unwrap();
        let host = LocalHost::new(LocalHostOptions { state, binding, reaper, timing }).unwrap();
        host.with_worker(command("network-worker"))
            .with_stress_worker(command("stress-worker"))
            .with_file_worker(command("file-worker"))
    }

    /// Where a fault of this kind can be put, and a process that must live as long.
    fn target(&self, kind: &str) -> Result<(Target, Option<Sleeper>), String> {
        for (protocol, begins) in [("tcp", "tcp"), ("http", "http"), ("http", "grpc")] {
            if kind.starts_with(begins) {
                let name = Some(protocol.to_owned());
                return Ok((Target::Proxy(ProxyTarget { name, control: None }), None));
            }
        }
        if kind.starts_with("network") || kind.starts_with("dns") {
            let pair = self.pair.as_ref().ok_or("network namespaces need root")?;
            return Ok((Target::Netns(NetnsTarget { name: Some(pair.a.clone()), pid: None }), None));
        }
        if kind.ends_with("Stress") || kind.starts_with("disk") {
            return Ok((Target::Host(HostTarget::default()), None));
        }
        if kind.starts_with("io") {
            let user = self.files.as_ref().ok_or("files in a mount namespace need root")?;
            return Ok((Target::from(ProcessTarget::with_pid(user.pid())), None));
        }
        if kind == "cpuThrottle" {
            let group = self.group.as_ref().ok_or("cgroups with a cpu controller need root")?;
            return Ok((Target::from(ProcessTarget::with_pid(group.pid())), None));
        }
        let sleeper = Sleeper::new();
        Ok((Target::from(ProcessTarget::with_pid(sleeper.pid())), Some(sleeper)))
    }
}

/// A process that ends with this.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // Both fail when it has ended already.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn proxy(program: &Path, protocol: &str, control: &Path, upstream: SocketAddr) -> Ended {
    let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = Command::new(program);
    command.args(["proxy", "--name", protocol, "--protocol", protocol, "--exit-with-stdin", "--control"]);
    command.arg(control).args(["--listen", &listen.to_string(), "--upstream", &upstream.to_string()]);
    let child = Ended(command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap());
    let begun = Instant::now();
    while TcpStream::connect(listen).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(10), "the proxy does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}
