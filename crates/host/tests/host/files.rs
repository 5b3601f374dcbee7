//! Faults on the files of a process in a mount namespace of its own, by real workers, and whatever dies meanwhile.

use std::{fs, path::PathBuf, time::Duration};

use steadfast_engine::host::{Host, HostErrorKind, InjectionOrder};
use steadfast_host::{LocalHost, LocalHostOptions};
use steadfast_ledger::StateDir;
use steadfast_linux::ProcessHandle;
use steadfast_model::{
    Binding, Effect, InjectionId, Observation, ProcessIdentity, Target, process::Signal,
    target::ProcessTarget, undo::UndoVerb,
};
use steadfast_testkit::{FileUser, Sleeper};

use crate::{
    roles::{inject_and_obey, setting, timing},
    stage::{Injector, PATIENCE, Stage, eventually, fault, file_worker_command, role_command},
};

const LONG: Duration = Duration::from_secs(60);

async fn order(host: &LocalHost, pid: u32, json: &str) -> InjectionOrder {
    let targets = host.resolve(&Target::from(ProcessTarget::with_pid(pid))).await.unwrap();
    InjectionOrder { injection: InjectionId::new(), run: None, fault: fault(json), targets, duration: LONG }
}

async fn seen(host: &LocalHost, order: &InjectionOrder) -> Observation {
    host.observe(&order.fault, &order.targets, order.injection).await.unwrap()
}

async fn effect(host: &LocalHost, order: &InjectionOrder, before: &Observation) -> Effect {
    order.fault.as_fault().judge(before, &seen(host, order).await)
}

async fn until_active(host: &LocalHost, order: &InjectionOrder, before: &Observation) {
    for _ in 0..400 {
        if matches!(effect(host, order, before).await, Effect::Active { .. }) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never in effect: {}", effect(host, order, before).await)
}

fn failing(user: &FileUser, errno: &str) -> String {
    let settings = serde_json::json!({ "path": user.folder(), "operations": ["write"], "errno": errno });
    serde_json::json!({ "ioError": settings }).to_string()
}

/// The one worker of what is live.
fn worker(stage: &Stage) -> ProcessHandle {
    let mut found: Vec<ProcessIdentity> = Vec::new();
    for listed in stage.ledger().live().unwrap() {
        let steadfast_ledger::Listed::Account(account) = listed else { continue };
        for record in &account.records {
            if let Some(UndoVerb::UncoverFiles { worker, .. }) = record.known_verb() {
                found.push(worker);
            }
        }
    }
    found.dedup();
    assert_eq!(found.len(), 1, "{found:?}");
    ProcessHandle::open(&found[0]).unwrap().unwrap()
}

async fn is_as_before(user: &FileUser) {
    eventually("its files are given back", || user.differences().is_empty()).await;
    let lines = user.lines();
    eventually("it writes again", || user.lines() > lines + 3).await;
}

/// The role of an injector that fails every write of the process that it is told, below the path that it is told.
pub(crate) async fn injector_role() {
    let (path, timing) = (PathBuf::from(setting("STATE")), timing());
    let reaper = role_command("reaper", &path, timing);
    let (state, binding) = (StateDir::open(&path).unwrap(), Binding::default());
    let host = LocalHost::new(LocalHostOptions { state, binding, reaper, timing }).unwrap();
    let host = host.with_file_worker(file_worker_command(&path, timing));
    let arguments = setting("ARGUMENTS");
    let (pid, folder) = arguments.split_once(' ').unwrap();
    let json = serde_json::json!({ "ioError": { "path": folder, "operations": ["write"] } }).to_string();
    let order = order(&host, pid.parse().unwrap(), &json).await;
    inject_and_obey(&host, &order, timing).await;
}

fn injector(stage: &Stage, user: &FileUser) -> Injector {
    let arguments = [user.pid().to_string(), user.folder().display().to_string()];
    let mut injector = Injector::start("file-injector", stage, &arguments);
    assert_eq!(injector.hear(), "injected");
    injector
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_fail_for_files_opened_before_and_after_and_nothing_is_left_of_it() {
    let test = "writes_fail_for_files_opened_before_and_after_and_nothing_is_left_of_it";
    let Some(user) = FileUser::new_or_skip(test) else { return };
    let stage = Stage::new();
    let host = stage.host();
    let order = order(&host, user.pid(), &failing(&user, "ENOSPC")).await;
    let before = seen(&host, &order).await;
    assert!(matches!(effect(&host, &order, &before).await, Effect::Absent { .. }));
    let preview = host.preflight(&order.fault, &order.targets).await.unwrap();
    assert!(preview.actions[0].contains("fail with ENOSPC write below"), "{preview:?}");
    host.inject(&order).await.unwrap();
    until_active(&host, &order, &before).await;
    assert_eq!(user.differences().len(), 3, "{:?}", user.differences());
    let size = |name: &str| fs::metadata(user.folder().join(name)).unwrap().len();
    let sizes = || ["before", "after", "work/here"].map(size);
    let at_first = sizes();
    let first = seen(&host, &order).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(sizes(), at_first, "no write gets through");
    assert!(matches!(effect(&host, &order, &first).await, Effect::Active { .. }));
    host.renew(order.injection).await.unwrap();
    let again = host.preflight(&order.fault, &order.targets).await.unwrap_err();
    assert_eq!(again.kind, HostErrorKind::Conflict, "{again:?}");
    let worker = worker(&stage);
    host.revert(order.injection).await.unwrap();
    host.revert(order.injection).await.unwrap();
    assert!(worker.has_ended().unwrap());
    assert_eq!(user.differences(), Vec::<String>::new());
    assert!(matches!(effect(&host, &order, &before).await, Effect::Absent { .. }));
    is_as_before(&user).await;
    assert!(stage.status().injections.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_of_writes_is_delayed_and_every_line_arrives() {
    let Some(user) = FileUser::new_or_skip("a_share_of_writes_is_delayed_and_every_line_arrives") else {
        return;
    };
    let stage = Stage::new();
    let host = stage.host();
    let rule = serde_json::json!({ "path": user.folder(), "operations": ["write"], "latency": "50ms" });
    let order = order(&host, user.pid(), &serde_json::json!({ "ioDelay": rule }).to_string()).await;
    let before = seen(&host, &order).await;
    host.inject(&order).await.unwrap();
    until_active(&host, &order, &before).await;
    let lines = user.lines();
    tokio::time::sleep(Duration::from_secs(1)).await;
    // Three writes of 50 ms and a pause of 10 ms make one line: no more than six, and without the fault far more than twelve.
    let more = user.lines() - lines;
    assert!((2..=8).contains(&more), "{more}");
    host.revert(order.injection).await.unwrap();
    is_as_before(&user).await;
    for name in ["before", "after", "work/here"] {
        let text = fs::read_to_string(user.folder().join(name)).unwrap();
        assert!(text.lines().all(|line| line == "line"), "{name} is damaged");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_worker_is_killed_everybody_gets_their_files_back_at_once() {
    let test = "when_the_worker_is_killed_everybody_gets_their_files_back_at_once";
    let Some(user) = FileUser::new_or_skip(test) else { return };
    let stage = Stage::new();
    let host = stage.host();
    let order = order(&host, user.pid(), &failing(&user, "EIO")).await;
    host.inject(&order).await.unwrap();
    worker(&stage).signal(Signal::Kill).unwrap();
    is_as_before(&user).await;
    eventually("the file is closed", || stage.status().injections.is_empty()).await;
    let lost = host.renew(order.injection).await.unwrap_err();
    assert_eq!(lost.kind, HostErrorKind::TargetGone, "{lost:?}");
    assert!(lost.message.contains("ended too early"), "{lost:?}");
    host.revert(order.injection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cover_that_the_kernel_has_ended_is_not_renewed() {
    let Some(user) = FileUser::new_or_skip("a_cover_that_the_kernel_has_ended_is_not_renewed") else {
        return;
    };
    let stage = Stage::new();
    let host = stage.host();
    let order = order(&host, user.pid(), &failing(&user, "EIO")).await;
    host.inject(&order).await.unwrap();
    host.renew(order.injection).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "in another mount namespace")]
    let mut unmount = std::process::Command::new("nsenter");
    unmount.args(["--mount", "--target", &user.pid().to_string(), "umount", "--force"]).arg(user.folder());
    // Whether it is unmounted or still in use: all connections end.
    unmount.output().unwrap();
    let mut refused = None;
    for _ in 0..20 {
        refused = host.renew(order.injection).await.err();
        if refused.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(refused.is_some(), "it is renewed, though nobody is served");
    host.revert(order.injection).await.unwrap();
    is_as_before(&user).await;
}

#[tokio::test]
async fn when_the_injector_is_killed_everybody_gets_their_files_back_at_once() {
    let test = "when_the_injector_is_killed_everybody_gets_their_files_back_at_once";
    let Some(user) = FileUser::new_or_skip(test) else { return };
    let stage = Stage::new();
    let mut injector = injector(&stage, &user);
    let worker = worker(&stage);
    assert!(!user.differences().is_empty());
    injector.kill();
    assert!(worker.ends_within(PATIENCE).unwrap());
    is_as_before(&user).await;
    eventually("the file is closed", || stage.status().injections.is_empty()).await;
}

#[tokio::test]
async fn when_everybody_hangs_or_is_dead_the_next_command_gives_the_files_back() {
    let test = "when_everybody_hangs_or_is_dead_the_next_command_gives_the_files_back";
    let Some(user) = FileUser::new_or_skip(test) else { return };
    let stage = Stage::new();
    let mut injector = injector(&stage, &user);
    let worker = worker(&stage);
    let reaper = ProcessHandle::open(&stage.reaper().unwrap()).unwrap().unwrap();
    worker.signal(Signal::Stop).unwrap();
    injector.signal(Signal::Stop);
    reaper.signal(Signal::Kill).unwrap();
    assert!(reaper.ends_within(PATIENCE).unwrap());
    injector.kill();
    let recovery = stage.recover().await;
    assert_eq!((recovery.reverted.len(), recovery.is_clean()), (1, true), "{recovery:?}");
    assert!(worker.ends_within(PATIENCE).unwrap());
    is_as_before(&user).await;
    assert!(stage.recover().await.reverted.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_has_ended_needs_nothing() {
    let Some(user) = FileUser::new_or_skip("a_target_that_has_ended_needs_nothing") else { return };
    let stage = Stage::new();
    let host = stage.host();
    let order = order(&host, user.pid(), &failing(&user, "EIO")).await;
    let before = seen(&host, &order).await;
    host.inject(&order).await.unwrap();
    let worker = worker(&stage);
    drop(user);
    host.revert(order.injection).await.unwrap();
    assert!(worker.has_ended().unwrap());
    assert!(matches!(effect(&host, &order, &before).await, Effect::Absent { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_covered_is_refused_before_anything_is_touched() {
    let test = "what_cannot_be_covered_is_refused_before_anything_is_touched";
    let Some(user) = FileUser::new_or_skip(test) else { return };
    let stage = Stage::new();
    let host = stage.host();
    let refused = |pid: u32, path: PathBuf| {
        let json = serde_json::json!({ "ioError": { "path": path } }).to_string();
        let host = &host;
        async move {
            let order = order(host, pid, &json).await;
            let error = host.preflight(&order.fault, &order.targets).await.unwrap_err();
            assert_eq!(error.kind, HostErrorKind::Unsupported, "{error:?}");
            assert!(error.hint.is_some(), "{error:?}");
            assert_eq!(host.inject(&order).await.unwrap_err().kind, error.kind);
            error.message
        }
    };
    let bystander = Sleeper::new();
    let machine = refused(bystander.pid(), user.folder().to_owned()).await;
    assert!(machine.contains("the mount namespace of the machine itself"), "{machine}");
    assert!(refused(user.pid(), user.folder().join("after")).await.contains("it is no directory"));
    assert!(refused(user.pid(), "/nowhere".into()).await.contains("there is no such directory"));
    let mounted = refused(user.pid(), "/dev".into()).await;
    assert!(mounted.contains("is mounted below it"), "{mounted}");
    let link = user.folder().join("link");
    std::os::unix::fs::symlink(user.folder().join("work"), &link).unwrap();
    assert!(refused(user.pid(), link).await.contains("a symbolic link is on the way there"));
    let _socket = std::os::unix::net::UnixListener::bind(user.folder().join("s")).unwrap();
    let bound = refused(user.pid(), user.folder().to_owned()).await;
    assert!(bound.contains("/s open, which is a pipe, a device or a socket"), "{bound}");
    assert!(stage.status().injections.is_empty() && user.differences().is_empty());
}
