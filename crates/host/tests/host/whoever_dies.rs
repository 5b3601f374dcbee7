//! Injectors and reapers that are killed, frozen or late.

use std::{
    fs::Permissions,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    time::Duration,
};

use steadfast_linux::{ProcessHandle, process_state};
use steadfast_model::process::{ProcessState, Signal};
use steadfast_testkit::Sleeper;

use crate::stage::{Injector, PATIENCE, Stage, eventually, role_command, runs_again};

const LONG: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_injector_that_is_asked_reverts_by_itself() {
    let (stage, target) = (Stage::new(), Sleeper::new());
    let mut injector = stage.injector(&target, LONG);
    let live = stage.status();
    assert_eq!((live.injections.len(), live.injections[0].injector_lives), (1, true));
    assert!(live.injections[0].ends_within_seconds > 50.0 && live.reaper.is_some());
    injector.order("revert");
    assert_eq!(injector.hear(), "reverted");
    assert!(injector.wait().success());
    assert!(target.runs());
    assert!(stage.status().injections.is_empty());
}

#[tokio::test]
async fn when_the_injector_is_killed_the_reaper_reverts_at_once() {
    let (stage, target) = (Stage::new(), Sleeper::new());
    let mut injector = stage.injector(&target, LONG);
    injector.kill();
    runs_again(&target).await;
    eventually("the file is closed", || stage.status().injections.is_empty()).await;
}

#[tokio::test]
async fn a_frozen_injector_is_killed_when_its_lease_runs_out() {
    let mut stage = Stage::new();
    stage.timing.lease = Duration::from_millis(1_000);
    let target = Sleeper::new();
    let mut injector = stage.injector(&target, LONG);
    let handle = injector.handle();
    injector.signal(Signal::Stop);
    runs_again(&target).await;
    assert!(handle.ends_within(PATIENCE).unwrap());
    assert!(!injector.wait().success());
    eventually("the file is closed", || stage.status().injections.is_empty()).await;
}

/// A frozen injector whose lease file something was done to: it is ended long before lease or deadline pass.
async fn a_spoilt_lease_ends_a_frozen_injector(spoil: fn(&Path)) {
    let mut stage = Stage::new();
    stage.timing.lease = LONG;
    let target = Sleeper::new();
    let mut injector = stage.injector(&target, LONG);
    let handle = injector.handle();
    injector.signal(Signal::Stop);
    let injection = stage.status().injections[0].injection;
    spoil(&stage.state().ledger().join(format!("{injection}.lease")));
    runs_again(&target).await;
    assert!(handle.ends_within(PATIENCE).unwrap());
    assert!(!injector.wait().success());
    eventually("the file is closed", || stage.status().injections.is_empty()).await;
    let log = std::fs::read_to_string(stage.state().reaper_log()).unwrap();
    assert!(log.contains("as its lease cannot be read or trusted"), "{log}");
    assert!(stage.recover().await.is_clean());
}

#[tokio::test]
async fn a_lease_that_others_may_read_counts_as_run_out() {
    a_spoilt_lease_ends_a_frozen_injector(|lease| {
        std::fs::set_permissions(lease, Permissions::from_mode(0o644)).unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_lease_behind_a_link_counts_as_run_out() {
    a_spoilt_lease_ends_a_frozen_injector(|lease| {
        let elsewhere = lease.parent().unwrap().parent().unwrap().join("elsewhere");
        std::fs::rename(lease, &elsewhere).unwrap();
        symlink(&elsewhere, lease).unwrap();
    })
    .await;
}

#[tokio::test]
async fn recovering_ends_a_frozen_injector_whose_lease_cannot_be_trusted() {
    let mut stage = Stage::new();
    stage.timing.lease = LONG;
    let target = Sleeper::new();
    let mut injector = stage.injector(&target, LONG);
    let reaper = ProcessHandle::open(&stage.reaper().unwrap()).unwrap().unwrap();
    injector.signal(Signal::Stop);
    reaper.signal(Signal::Kill).unwrap();
    assert!(reaper.ends_within(PATIENCE).unwrap());
    let injection = stage.status().injections[0].injection;
    let lease = stage.state().ledger().join(format!("{injection}.lease"));
    std::fs::set_permissions(lease, Permissions::from_mode(0o644)).unwrap();
    let recovery = stage.recover().await;
    assert_eq!((recovery.reverted.as_slice(), recovery.is_clean()), (&[injection][..], true));
    assert!(target.runs());
    assert!(!injector.wait().success());
}

#[tokio::test]
async fn an_injector_that_renews_for_ever_is_killed_at_its_deadline() {
    let mut stage = Stage::new();
    stage.timing.grace = Duration::from_millis(300);
    let target = Sleeper::new();
    let mut injector = stage.injector(&target, Duration::from_millis(700));
    runs_again(&target).await;
    assert!(!injector.wait().success());
    let log = std::fs::read_to_string(stage.state().reaper_log()).unwrap();
    assert!(log.contains("as its deadline passed"), "{log}");
}

#[tokio::test]
async fn an_injector_replaces_a_reaper_that_was_killed() {
    let (stage, target) = (Stage::new(), Sleeper::new());
    let mut injector = stage.injector(&target, LONG);
    let first = stage.reaper().unwrap();
    ProcessHandle::open(&first).unwrap().unwrap().signal(Signal::Kill).unwrap();
    eventually("another sits", || stage.reaper().is_some_and(|second| second != first)).await;
    assert_eq!(target.state(), Some('T'));
    injector.kill();
    runs_again(&target).await;
}

#[tokio::test]
async fn an_injector_replaces_a_reaper_that_is_frozen() {
    let (stage, target) = (Stage::new(), Sleeper::new());
    let mut injector = stage.injector(&target, LONG);
    let first = stage.reaper().unwrap();
    ProcessHandle::open(&first).unwrap().unwrap().signal(Signal::Stop).unwrap();
    eventually("another sits", || stage.reaper().is_some_and(|second| second != first)).await;
    injector.kill();
    runs_again(&target).await;
}

#[tokio::test]
async fn when_both_are_killed_the_next_command_recovers() {
    let (stage, target) = (Stage::new(), Sleeper::new());
    let mut injector = stage.injector(&target, LONG);
    let reaper = ProcessHandle::open(&stage.reaper().unwrap()).unwrap().unwrap();
    // Frozen first, so that it cannot start another reaper in between.
    injector.signal(Signal::Stop);
    reaper.signal(Signal::Kill).unwrap();
    assert!(reaper.ends_within(PATIENCE).unwrap());
    injector.kill();
    assert_eq!((target.state(), stage.reaper()), (Some('T'), None));
    let left = stage.status();
    assert_eq!((left.injections.len(), left.injections[0].injector_lives), (1, false));
    let recovery = stage.recover().await;
    assert_eq!(recovery.reverted, [left.injections[0].injection]);
    assert!(recovery.is_clean());
    assert!(target.runs());
    assert!(stage.recover().await.reverted.is_empty());
}

#[tokio::test]
async fn recovering_leaves_a_living_injector_alone() {
    let (stage, target) = (Stage::new(), Sleeper::new());
    let mut injector = stage.injector(&target, LONG);
    let recovery = stage.recover().await;
    assert_eq!((recovery.live.len(), recovery.reverted.len()), (1, 0));
    assert_eq!(target.state(), Some('T'));
    injector.order("revert");
    assert_eq!(injector.hear(), "reverted");
}

#[tokio::test]
async fn a_reaper_sits_alone_in_its_own_session_and_ignores_interrupts_and_hang_ups() {
    let mut stage = Stage::new();
    stage.timing.reaper_linger = Duration::from_secs(30);
    let command = role_command("reaper", &stage.path(), stage.timing);
    let state = stage.state();
    let ensure = || steadfast_host::ensure_reaper(&state, &command, stage.timing);
    let (first, second) = (ensure().await.unwrap(), ensure().await.unwrap());
    assert_eq!(first, second);
    let pid = rustix::process::Pid::from_raw(first.pid.cast_signed()).unwrap();
    assert_eq!(rustix::process::getsid(Some(pid)).unwrap(), pid);
    let handle = ProcessHandle::open(&first).unwrap().unwrap();
    for signal in [Signal::Int, Signal::Hup, Signal::Int] {
        handle.signal(signal).unwrap();
    }
    assert!(!handle.ends_within(Duration::from_millis(300)).unwrap());
    assert_eq!(process_state(&first).unwrap(), ProcessState::Running);
}

#[tokio::test]
async fn a_target_that_dies_while_paused_needs_no_undo() {
    let (stage, mut target) = (Stage::new(), Sleeper::new());
    let mut injector = stage.injector(&target, LONG);
    target.end();
    injector.order("revert");
    assert_eq!(injector.hear(), "reverted");
    assert!(stage.status().injections.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_the_injector_is_killed_nothing_is_left() {
    let (stage, target) = (Stage::new(), Sleeper::new());
    for attempt in 0..24_u64 {
        let arguments = [target.pid().to_string(), "60000".to_owned()];
        let mut injector = Injector::start("injector", &stage, &arguments);
        if attempt % 3 == 2 {
            // In the middle of reverting.
            injector.hear();
            injector.order("revert");
            tokio::time::sleep(Duration::from_micros(attempt * 150)).await;
        } else {
            tokio::time::sleep(Duration::from_millis(10 + attempt * 3)).await;
        }
        injector.kill();
        eventually("nothing is live", || stage.status().injections.is_empty()).await;
        assert!(target.runs(), "attempt {attempt}: {:?}", target.state());
        assert!(stage.status().foreign.is_empty());
    }
}

#[tokio::test]
async fn a_reaper_whose_directory_was_removed_does_not_stay_for_ever() {
    let stage = Stage::new();
    let command = role_command("reaper", &stage.path(), stage.timing);
    let reaper = steadfast_host::ensure_reaper(&stage.state(), &command, stage.timing).await.unwrap();
    let handle = ProcessHandle::open(&reaper).unwrap().unwrap();
    std::fs::remove_dir_all(stage.path()).unwrap();
    eventually("it leaves", || handle.has_ended().unwrap()).await;
}
