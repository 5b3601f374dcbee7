//! `up`, `down`, `status`, and nothing left behind.

use std::time::Duration;

use rustix::process::Signal;
use steadfast_demo::supervisor::{Identity, State};
use steadfast_demo::{DemoError, System, down, status, up};

use crate::crashes::signal;
use crate::site::{ANY, PROGRAM, Site, eventually, pay};

fn supervise() -> Vec<String> {
    vec![PROGRAM.into(), "demo-supervise".into()]
}

fn children(state: &State) -> Vec<Identity> {
    let children: Vec<_> = state.processes().map(|(_, p)| p.process.expect("it runs")).collect();
    assert_eq!(children.len(), 11);
    children
}

#[tokio::test]
async fn up_and_down_leave_nothing_behind_and_keep_the_ports() {
    let site = Site::proxied(&[], &[]);
    assert!(!status(site.dir()).await.running);
    let first = up(&site.config, &supervise()).await.unwrap();
    let seen = status(site.dir()).await;
    assert!(
        seen.running && seen.answers.len() == 11 && seen.answers.values().all(|a| *a),
        "{:?}",
        seen.answers
    );
    assert!(matches!(up(&site.config, &supervise()).await, Err(DemoError::AlreadyRunning { .. })));
    assert!(matches!(System::start(&site.config).await, Err(DemoError::AlreadyRunning { .. })));
    assert!(down(site.dir()).await.unwrap());
    assert!(children(&first).iter().all(|child| !child.is_alive()));
    let seen = status(site.dir()).await;
    assert!(!seen.running && seen.answers.values().all(|a| !a));
    assert!(!down(site.dir()).await.unwrap(), "down again does nothing");
    let second = up(&site.config, &supervise()).await.unwrap();
    assert_eq!(second.generation, first.generation + 1);
    assert_eq!(second.services["gateway"].port, first.services["gateway"].port);
    assert!(down(site.dir()).await.unwrap());
}

#[tokio::test]
async fn no_child_survives_a_killed_supervisor_not_even_a_stopped_one() {
    let site = Site::proxied(&[], &[]);
    let state = up(&site.config, &supervise()).await.unwrap();
    let children = children(&state);
    let wallet = state.services["wallet"].process.unwrap().pid;
    signal(wallet, Signal::STOP);
    // The kernel wakes up what is stopped when the supervisor dies, not what is about to stop.
    eventually("the wallet stands still", async || is_stopped(wallet)).await;
    signal(state.supervisor.unwrap().pid, Signal::KILL);
    eventually("all children are gone", async || children.iter().all(|child| !child.is_alive())).await;
    assert!(!status(site.dir()).await.running);
    let system = System::start(&site.config).await.unwrap();
    assert_eq!(pay(&system, ANY).await.0, 201, "the next start works in the same directory");
    system.stop().await;
}

#[tokio::test]
async fn a_stopped_child_does_not_hold_up_the_end() {
    let site = Site::direct();
    let state = up(&site.config, &supervise()).await.unwrap();
    let risk = state.services["risk"].process.unwrap();
    signal(risk.pid, Signal::STOP);
    let down = tokio::time::timeout(Duration::from_secs(5), down(site.dir())).await;
    assert!(down.expect("it takes less than 5 s").unwrap());
    assert!(!risk.is_alive());
}

#[tokio::test]
async fn a_dropped_system_takes_its_processes_along() {
    let site = Site::direct();
    let system = System::start(&site.config).await.unwrap();
    let ledger = system.state().services["ledger"].process.unwrap();
    drop(system);
    eventually("the ledger is gone", async || !ledger.is_alive()).await;
}

#[tokio::test]
async fn a_taken_port_and_a_wrong_program_are_named() {
    let mut site = Site::direct();
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    site.config.gateway_port = Some(other.local_addr().unwrap().port());
    let error = System::start(&site.config).await.unwrap_err();
    assert!(error.to_string().contains("another program is listening there"), "{error}");
    assert!(error.hint().is_some());
    site.config.gateway_port = None;
    site.config.service_command = vec!["/bin/false".into()];
    let error = System::start(&site.config).await.unwrap_err();
    assert!(error.to_string().contains("it ended 3 times"), "{error}");
    assert!(!status(site.dir()).await.running);
}

fn is_stopped(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
}
