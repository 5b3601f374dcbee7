//! Faults on a small disk of the test's own, by real workers, and whatever dies meanwhile.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use steadfast_engine::host::{Host, HostErrorKind, InjectionOrder};
use steadfast_host::{LocalHost, LocalHostOptions};
use steadfast_ledger::StateDir;
use steadfast_linux::ProcessHandle;
use steadfast_model::{Binding, Effect, InjectionId, Observation, effect::Sighting, process::Signal};
use steadfast_testkit::Disk;

use crate::{
    roles::{inject_and_obey, setting, timing},
    stage::{Injector, PATIENCE, Stage, eventually, fault, role_command, stress_worker_command},
    stress::{this_machine, worker},
};

const LONG: Duration = Duration::from_secs(60);
/// What a file system needs for its own books, of 64 MiB: 2 MiB.
const BOOKS: u64 = 2 << 20;

fn filling(path: &Path, fill: &str) -> String {
    serde_json::json!({ "diskFill": { "path": path, "fill": fill } }).to_string()
}

async fn order(host: &LocalHost, json: &str) -> InjectionOrder {
    let targets = host.resolve(&this_machine()).await.unwrap();
    InjectionOrder { injection: InjectionId::new(), run: None, fault: fault(json), targets, duration: LONG }
}

async fn seen(host: &LocalHost, order: &InjectionOrder) -> Observation {
    host.observe(&order.fault, &order.targets, order.injection).await.unwrap()
}

async fn until_active(host: &LocalHost, order: &InjectionOrder, before: &Observation) -> String {
    for _ in 0..400 {
        if let Effect::Active { evidence } = order.fault.as_fault().judge(before, &seen(host, order).await) {
            return evidence;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never in effect: {}", order.fault.as_fault().judge(before, &seen(host, order).await))
}

/// How much can still be written there.
fn writable(disk: &Disk) -> u64 {
    let path = disk.path().join("probe");
    let mut file = fs::File::create(&path).unwrap();
    let mut written = 0;
    let end = loop {
        match file.write(&[7; 4096]).and_then(|length| file.sync_data().map(|()| length)) {
            Ok(length) => written += length as u64,
            Err(error) => break error,
        }
        if written >= 4 << 20 {
            return written;
        }
    };
    assert_eq!(end.kind(), ErrorKind::StorageFull);
    fs::remove_file(path).unwrap();
    written
}

/// An injector of its own process that has filled the disk.
fn injector(stage: &Stage, disk: &Disk) -> Injector {
    let mut injector = Injector::start("disk-injector", stage, &[disk.path().display().to_string()]);
    assert_eq!(injector.hear(), "injected");
    injector
}

/// The role of [`injector`].
pub(crate) async fn injector_role() {
    let (path, timing) = (PathBuf::from(setting("STATE")), timing());
    let reaper = role_command("reaper", &path, timing);
    let (state, binding) = (StateDir::open(&path).unwrap(), Binding::default());
    let host = LocalHost::new(LocalHostOptions { state, binding, reaper, timing }).unwrap();
    let host = host.with_stress_worker(stress_worker_command(&path, timing));
    let order = order(&host, &filling(Path::new(&setting("ARGUMENTS")), "80%")).await;
    inject_and_obey(&host, &order, timing).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_of_a_file_system_is_taken_seen_and_given_back() {
    let Some(disk) = Disk::new_or_skip("a_share_of_a_file_system_is_taken_seen_and_given_back") else {
        return;
    };
    let stage = Stage::new();
    let host = stage.host();
    let order = order(&host, &filling(disk.path(), "80%")).await;
    let free = disk.free_bytes();
    let before = seen(&host, &order).await;
    let absent = order.fault.as_fault().judge(&before, &before);
    assert!(matches!(absent, Effect::Absent { .. }), "{absent}");
    host.preflight(&order.fault, &order.targets).await.unwrap();
    host.inject(&order).await.unwrap();
    let evidence = until_active(&host, &order, &before).await;
    assert!(
        evidence.contains(": 80.0% of the file system are in use") || evidence.contains(": 79.9%"),
        "{evidence}"
    );
    assert!(disk.free_bytes() < free / 4, "{} of {free}", disk.free_bytes());
    // Nothing is to be seen of it there, so nothing can be left there.
    let names: Vec<_> = fs::read_dir(disk.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["lost+found"]);
    assert_eq!(writable(&disk), 4 << 20);
    fs::remove_file(disk.path().join("probe")).unwrap();
    host.renew(order.injection).await.unwrap();
    let again = host.preflight(&order.fault, &order.targets).await.unwrap_err();
    assert_eq!(again.kind, HostErrorKind::Conflict, "{again:?}");
    host.revert(order.injection).await.unwrap();
    host.revert(order.injection).await.unwrap();
    let absent = order.fault.as_fault().judge(&before, &seen(&host, &order).await);
    assert!(matches!(&absent, Effect::Absent { evidence } if evidence.contains("are free")), "{absent}");
    assert!(disk.free_bytes() + BOOKS > free, "{} of {free}", disk.free_bytes());
    assert!(stage.status().injections.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_file_system_takes_not_even_a_block_of_root() {
    let Some(disk) = Disk::new_or_skip("a_full_file_system_takes_not_even_a_block_of_root") else { return };
    let stage = Stage::new();
    let host = stage.host();
    let order = order(&host, &filling(disk.path(), "100%")).await;
    let (free, before) = (disk.free_bytes(), seen(&host, &order).await);
    host.inject(&order).await.unwrap();
    until_active(&host, &order, &before).await;
    // What is taken last is taken bit by bit.
    let mut left = writable(&disk);
    for _ in 0..100 {
        if left == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        left = writable(&disk);
    }
    assert_eq!(left, 0);
    host.revert(order.injection).await.unwrap();
    assert!(disk.free_bytes() + BOOKS > free, "{} of {free}", disk.free_bytes());
    assert_eq!(writable(&disk), 4 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_be_filled_is_refused_before_anything_is_written() {
    let stage = Stage::new();
    let host = stage.host();
    let own = stage.path().canonicalize().unwrap();
    let link = stage.directory.path().join("link");
    std::os::unix::fs::symlink(&own, &link).unwrap();
    let refused = |path: PathBuf, fill: &str| {
        let json = filling(&path, fill);
        let host = &host;
        async move {
            let order = order(host, &json).await;
            let error = host.preflight(&order.fault, &order.targets).await.unwrap_err();
            assert_eq!(host.inject(&order).await.unwrap_err().kind, error.kind);
            assert_eq!(error.kind, HostErrorKind::Unsupported, "{error:?}");
            error.message
        }
    };
    let state = refused(own.clone(), "50MiB").await;
    assert!(state.contains("what Steadfast keeps is on that file system"), "{state}");
    assert!(refused(link, "1MiB").await.contains("a symbolic link is on the way there"));
    assert!(refused("/proc".into(), "1MiB").await.contains("it is on proc"));
    assert!(refused("/nowhere".into(), "1MiB").await.contains("there is no such directory"));
    assert!(stage.status().injections.is_empty());
    if let Some(disk) = Disk::new_or_skip("what_may_not_be_filled_is_refused_before_anything_is_written") {
        let much = refused(disk.path().to_owned(), "2GiB").await;
        assert!(much.contains("2048MiB are more than the"), "{much}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_is_read_and_written_at_the_rate_and_no_longer_than_its_worker_lives() {
    let test = "a_disk_is_read_and_written_at_the_rate_and_no_longer_than_its_worker_lives";
    let Some(disk) = Disk::new_or_skip(test) else { return };
    let (stage, free) = (Stage::new(), disk.free_bytes());
    let host = stage.host();
    let settings = serde_json::json!({ "path": disk.path(), "size": "16MiB", "rate": "16MiB/s", "write": 2 });
    let order = order(&host, &serde_json::json!({ "diskStress": settings }).to_string()).await;
    host.preflight(&order.fault, &order.targets).await.unwrap();
    let before = seen(&host, &order).await;
    host.inject(&order).await.unwrap();
    until_active(&host, &order, &before).await;
    let count = |seen: &Observation| match &seen.targets[0] {
        Sighting::Host(status) => status.workers[0].clone(),
        other => panic!("{other:?}"),
    };
    let first = seen(&host, &order).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let last = seen(&host, &order).await;
    let effect = order.fault.as_fault().judge(&first, &last);
    assert!(matches!(effect, Effect::Active { .. }), "{effect}");
    let (first, last) = (count(&first), count(&last));
    let seconds = (last.age_nanos - first.age_nanos) as f64 / 1e9;
    for (from, to) in [(first.read_bytes, last.read_bytes), (first.written_bytes, last.written_bytes)] {
        let rate = (to - from) as f64 / seconds / f64::from(1 << 20);
        assert!((12.0..20.0).contains(&rate), "{rate} MiB/s");
    }
    let again = host.preflight(&order.fault, &order.targets).await.unwrap_err();
    assert_eq!(again.kind, HostErrorKind::Conflict, "{again:?}");
    let worker = worker(&stage);
    host.revert(order.injection).await.unwrap();
    assert!(worker.has_ended().unwrap());
    let absent = order.fault.as_fault().judge(&before, &seen(&host, &order).await);
    assert!(matches!(&absent, Effect::Absent { evidence } if evidence.ends_with("has ended")), "{absent}");
    assert!(disk.free_bytes() + BOOKS > free, "{} of {free}", disk.free_bytes());
}

#[tokio::test]
async fn when_the_injector_is_killed_the_room_is_back_at_once() {
    let Some(disk) = Disk::new_or_skip("when_the_injector_is_killed_the_room_is_back_at_once") else {
        return;
    };
    let (stage, free) = (Stage::new(), disk.free_bytes());
    let mut injector = injector(&stage, &disk);
    eventually("it is filled", || disk.free_bytes() < free / 4).await;
    let worker = worker(&stage);
    injector.kill();
    assert!(worker.ends_within(PATIENCE).unwrap());
    assert!(disk.free_bytes() + BOOKS > free, "{} of {free}", disk.free_bytes());
    eventually("the file is closed", || stage.status().injections.is_empty()).await;
}

#[tokio::test]
async fn when_everybody_hangs_or_is_dead_the_next_command_gives_the_room_back() {
    let test = "when_everybody_hangs_or_is_dead_the_next_command_gives_the_room_back";
    let Some(disk) = Disk::new_or_skip(test) else { return };
    let (stage, free) = (Stage::new(), disk.free_bytes());
    let mut injector = injector(&stage, &disk);
    eventually("it is filled", || disk.free_bytes() < free / 4).await;
    let worker = worker(&stage);
    let reaper = ProcessHandle::open(&stage.reaper().unwrap()).unwrap().unwrap();
    worker.signal(Signal::Stop).unwrap();
    injector.signal(Signal::Stop);
    reaper.signal(Signal::Kill).unwrap();
    assert!(reaper.ends_within(PATIENCE).unwrap());
    injector.kill();
    assert!(disk.free_bytes() < free / 4, "nobody is left who could have given it back");
    let recovery = stage.recover().await;
    assert_eq!((recovery.reverted.len(), recovery.is_clean()), (1, true));
    assert!(worker.ends_within(PATIENCE).unwrap());
    assert!(disk.free_bytes() + BOOKS > free, "{} of {free}", disk.free_bytes());
    assert!(stage.recover().await.reverted.is_empty());
}
