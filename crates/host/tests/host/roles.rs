//! What this program does when started as an injector, a reaper or a proxy instead of as a test.

#![expect(clippy::print_stdout, reason = "a role is heard by what it prints")]

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use steadfast_engine::host::{Host, InjectionOrder};
use steadfast_host::{LocalHost, LocalHostOptions, ReaperEnd, Timing, ensure_reaper, run_reaper};
use steadfast_ledger::StateDir;
use steadfast_linux::{SystemClock, identify, own_identity};
use steadfast_model::{Binding, ResolvedTarget, proxy::Protocol, target::ResolvedProcess};
use steadfast_proxy::{Limits, ProxyConfig, Tls};
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::stage::{Stage, eventually, lively, pause, role_command};

pub(crate) const ROLE: &str = "STEADFAST_TEST_ROLE";
pub(crate) const ROLES_TEST: &str = "roles::a_reaper_with_nothing_to_do_leaves";

#[tokio::test(flavor = "multi_thread")]
async fn a_reaper_with_nothing_to_do_leaves() {
    match std::env::var(ROLE).as_deref() {
        Ok("reaper") => reaper().await,
        Ok("injector") => injector().await,
        Ok("proxy") => proxy().await,
        Ok("network-injector") => crate::networks::injector_role().await,
        Ok("disk-injector") => crate::disks::injector_role().await,
        Ok("file-injector") => crate::files::injector_role().await,
        Ok("throttle-injector") => crate::throttles::injector_role().await,
        Ok("skew-injector") => crate::skews::injector_role().await,
        Ok("stress-injector") => crate::stress::injector_role().await,
        Ok("worker") => {
            answer_apart();
            steadfast_host::run_worker().await.unwrap();
        }
        Ok("stress-worker") => {
            answer_apart();
            // One that gets no memory ends, before this test's frame says something in its place.
            let ended = steadfast_host::run_stress_worker().await;
            #[expect(
                clippy::disallowed_methods,
                reason = "nothing of the test's frame may be said after this"
            )]
            std::process::exit(i32::from(ended.is_err()));
        }
        Ok("file-worker") => {
            answer_apart();
            steadfast_host::run_file_worker().await.unwrap();
        }
        Ok("idle") => {
            println!("says: idle");
            std::future::pending().await
        }
        _ => {
            let stage = Stage::new();
            let command = role_command("reaper", &stage.path(), stage.timing);
            let reaper = ensure_reaper(&stage.state(), &command, stage.timing).await.unwrap();
            assert_eq!(stage.reaper(), Some(reaper));
            eventually("it leaves", || stage.reaper().is_none()).await;
            let log = stage.state().reaper_log();
            let says_so = || std::fs::read_to_string(&log).unwrap().contains("nothing left to look after");
            eventually("it says so", says_so).await;
        }
    }
}

pub(crate) fn setting(name: &str) -> String {
    std::env::var(name).unwrap()
}

/// Lets nothing of this test's frame get into a worker's answers.
fn answer_apart() {
    let answers = std::fs::OpenOptions::new().write(true).open("/proc/self/fd/3").unwrap();
    rustix::stdio::dup2_stdout(&answers).unwrap();
    drop(answers);
}

pub(crate) fn timing() -> Timing {
    let millis = |name| Duration::from_millis(setting(name).parse().unwrap());
    Timing { lease: millis("LEASE"), grace: millis("GRACE"), reaper_linger: millis("LINGER"), ..lively() }
}

async fn reaper() {
    let state = StateDir::open(&PathBuf::from(setting("STATE"))).unwrap();
    let end = run_reaper(state, timing(), |event| eprintln!("{event}")).await.unwrap();
    assert_eq!(end, ReaperEnd::Idle);
}

/// Pauses a process.
async fn injector() {
    let path = PathBuf::from(setting("STATE"));
    let arguments = setting("ARGUMENTS");
    let (pid, millis) = arguments.split_once(' ').unwrap();
    let identity = identify(pid.parse().unwrap()).unwrap().unwrap();
    let target = ResolvedTarget::Process(ResolvedProcess::new(identity, "sleep"));
    let timing = timing();
    let reaper = role_command("reaper", &path, timing);
    let state = StateDir::open(&path).unwrap();
    let host =
        LocalHost::new(LocalHostOptions { state, binding: Binding::default(), reaper, timing }).unwrap();
    let order = pause(target, Duration::from_millis(millis.parse().unwrap()));
    inject_and_obey(&host, &order, timing).await;
}

/// Puts a fault in place and renews until told otherwise: `revert`, or `idle` to renew no more.
pub(crate) async fn inject_and_obey(host: &LocalHost, order: &InjectionOrder, timing: Timing) {
    host.inject(order).await.unwrap();
    println!("says: injected");
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    let mut renews = true;
    loop {
        tokio::select! {
            line = orders.next_line() => match line.unwrap().as_deref() {
                Some("idle") => renews = false,
                Some("revert") => break,
                _ => std::future::pending().await,
            },
            () = tokio::time::sleep(timing.lease / 10) => {
                if renews {
                    drop(host.renew(order.injection).await);
                }
            }
        }
    }
    host.revert(order.injection).await.unwrap();
    println!("says: reverted");
}

/// A proxy in front of `upstream`, controlled at `control`.
async fn proxy() {
    let arguments = setting("ARGUMENTS");
    let (control, upstream) = arguments.split_once(' ').unwrap();
    let config = ProxyConfig {
        name: "a-b".to_owned(),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        upstream: upstream.to_owned(),
        protocol: Protocol::Http,
        control: Some(PathBuf::from(control)),
        identity: own_identity().unwrap(),
        tls: Tls::default(),
        allow_remote: false,
        limits: Limits::default(),
    };
    let proxy = steadfast_proxy::Proxy::bind(config, Arc::new(SystemClock::new().unwrap())).await.unwrap();
    println!("says: {}", proxy.local_addr());
    proxy.run(std::future::pending()).await.unwrap();
}
