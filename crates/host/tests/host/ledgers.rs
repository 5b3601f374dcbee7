//! Ledgers as crashes, reboots, newer versions and strangers leave them.

use std::{io::Write, path::PathBuf};

use steadfast_ledger::{Begun, Opening, Page, State};
use steadfast_linux::{SystemClock, boot_id, identify};
use steadfast_model::{BootTime, Clock, InjectionId, ProcessIdentity, WallTime, undo::UndoVerb};
use steadfast_testkit::Sleeper;

use crate::stage::{Stage, eventually, role_command};

/// A page of an injector that is no more.
fn orphan(stage: &Stage, boot_id: String) -> Box<Page> {
    orphan_of(stage, boot_id, WallTime(0))
}

fn orphan_of(stage: &Stage, boot_id: String, began: WallTime) -> Box<Page> {
    let opening = Opening {
        injection: InjectionId::new(),
        run: None,
        injector: ProcessIdentity { pid: std::process::id(), start_time: 1, boot_id },
        fault: "processPause".to_owned(),
        targets: vec!["process 1".to_owned()],
        keys: vec!["process:1".to_owned()],
        began,
        deadline: BootTime(u64::MAX),
        lease: BootTime(u64::MAX),
    };
    let ledger = stage.ledger();
    let lock = ledger.try_lock().unwrap().unwrap();
    match ledger.begin(&lock, &opening).unwrap() {
        Begun::New(page) => page,
        Begun::Known(_) => panic!("known"),
    }
}

fn stopped(sleeper: &Sleeper) -> ProcessIdentity {
    let identity = identify(sleeper.pid()).unwrap().unwrap();
    let handle = steadfast_linux::ProcessHandle::open(&identity).unwrap().unwrap();
    handle.signal(steadfast_model::process::Signal::Stop).unwrap();
    while sleeper.state() != Some('T') {}
    identity
}

fn resume(process: &ProcessIdentity) -> UndoVerb {
    UndoVerb::ResumeProcess { process: process.clone() }
}

fn path_of(stage: &Stage, injection: InjectionId) -> PathBuf {
    stage.state().ledger().join(format!("{injection}.jsonl"))
}

#[tokio::test]
async fn a_recycled_number_is_left_alone() {
    let (stage, bystander) = (Stage::new(), Sleeper::new());
    let identity = stopped(&bystander);
    let mut page = orphan(&stage, boot_id().unwrap());
    page.record(&resume(&ProcessIdentity { start_time: identity.start_time - 1, ..identity }), vec![])
        .unwrap();
    drop(page);
    let recovery = stage.recover().await;
    assert_eq!((recovery.reverted.len(), recovery.is_clean()), (1, true));
    assert_eq!(bystander.state(), Some('T'));
}

#[tokio::test]
async fn a_wall_clock_that_was_set_meanwhile_keeps_nothing_from_being_undone() {
    const YEAR: i64 = 365 * 24 * 3_600 * 1_000_000;
    let now = SystemClock::new().unwrap().wall().0;
    for began in [now + YEAR, now - YEAR, -now, i64::MAX, i64::MIN] {
        let (stage, target) = (Stage::new(), Sleeper::new());
        let identity = stopped(&target);
        let mut page = orphan_of(&stage, boot_id().unwrap(), WallTime(began));
        page.record(&resume(&identity), vec![]).unwrap();
        drop(page);
        assert_eq!(stage.status().injections.len(), 1, "it is shown, whatever its date");
        let recovery = stage.recover().await;
        assert_eq!((recovery.reverted.len(), recovery.is_clean()), (1, true), "of {began}");
        assert!(target.runs() && stage.status().injections.is_empty());
    }
}

#[tokio::test]
async fn what_an_earlier_boot_left_is_closed_without_touching_anything() {
    let (stage, bystander) = (Stage::new(), Sleeper::new());
    let identity = ProcessIdentity { boot_id: "earlier".to_owned(), ..stopped(&bystander) };
    let mut page = orphan(&stage, "earlier".to_owned());
    page.record(&resume(&identity), vec![]).unwrap();
    page.state(State::Abandoned, None, vec!["kill -CONT".into()]).unwrap();
    let control = stage.path().join("gone.sock");
    let rule = steadfast_model::proxy::RuleId { injection: page.account().injection, number: 0 };
    page.record(&UndoVerb::RemoveRule { control, proxy: identity, rule }, vec![]).unwrap();
    drop(page);
    // A reaper does it too, also with what was given up then.
    let command = role_command("reaper", &stage.path(), stage.timing);
    steadfast_host::ensure_reaper(&stage.state(), &command, stage.timing).await.unwrap();
    eventually("it is closed", || stage.status().injections.is_empty()).await;
    assert_eq!(bystander.state(), Some('T'));
}

#[tokio::test]
async fn an_unknown_verb_is_abandoned_and_everything_else_undone() {
    let (stage, target) = (Stage::new(), Sleeper::new());
    let identity = stopped(&target);
    let mut page = orphan(&stage, boot_id().unwrap());
    let injection = page.account().injection;
    page.record(&resume(&identity), vec![]).unwrap();
    drop(page);
    append_unknown_verb(&stage, injection);
    let recovery = stage.recover().await;
    assert!(target.runs());
    assert_eq!((recovery.abandoned.len(), recovery.is_clean()), (1, false));
    assert!(recovery.abandoned[0].problems[0].contains("`deleteQdisc`"), "{recovery:?}");
    assert_eq!(recovery.abandoned[0].manual, ["tc qdisc del dev eth0 root"]);
    let status = stage.status();
    assert_eq!(status.injections[0].state, State::Abandoned);
    assert_eq!(status.injections[0].manual, ["tc qdisc del dev eth0 root"]);
    // It holds its keys and stays on show, until a person says that it is dealt with.
    let held = stage.ledger().check_conflicts(&["process:1".to_owned()]);
    assert!(matches!(held, Err(steadfast_ledger::LedgerError::Conflict { abandoned: true, .. })), "{held:?}");
    assert_eq!(stage.recover().await.abandoned.len(), 1);
    steadfast_host::forget(&stage.state(), injection, stage.timing).await.unwrap();
    assert!(stage.status().injections.is_empty());
}

#[tokio::test]
async fn damage_in_the_middle_is_shouted_about_and_the_rest_undone() {
    let (stage, one, other) = (Stage::new(), Sleeper::new(), Sleeper::new());
    let mut page = orphan(&stage, boot_id().unwrap());
    let injection = page.account().injection;
    for target in [&one, &other] {
        page.record(&resume(&stopped(target)), vec![]).unwrap();
    }
    drop(page);
    let mut bytes = std::fs::read(path_of(&stage, injection)).unwrap();
    let second_line = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 100;
    bytes[second_line] ^= 1;
    std::fs::write(path_of(&stage, injection), bytes).unwrap();
    let recovery = stage.recover().await;
    assert!(!one.runs() && other.runs());
    assert!(recovery.abandoned[0].problems[0].contains("line 2 is damaged"), "{recovery:?}");
    assert!(!recovery.is_clean());
}

#[tokio::test]
async fn a_file_of_nobody_is_shouted_about_and_never_carried_out() {
    let stage = Stage::new();
    std::fs::write(stage.state().ledger().join("kill-everything.jsonl"), "{}\n").unwrap();
    let recovery = stage.recover().await;
    assert_eq!((recovery.foreign.len(), recovery.is_clean()), (1, false));
    assert_eq!(stage.status().foreign, recovery.foreign);
}

#[tokio::test]
async fn a_line_cut_short_is_as_if_it_was_never_begun() {
    let (stage, target) = (Stage::new(), Sleeper::new());
    let mut page = orphan(&stage, boot_id().unwrap());
    let injection = page.account().injection;
    page.record(&resume(&stopped(&target)), vec![]).unwrap();
    drop(page);
    let mut file = std::fs::OpenOptions::new().append(true).open(path_of(&stage, injection)).unwrap();
    file.write_all(b"{\"crc32\":\"00").unwrap();
    let recovery = stage.recover().await;
    assert_eq!((recovery.reverted.as_slice(), recovery.is_clean()), (&[injection][..], true));
    assert!(target.runs());
    assert_eq!(stage.ledger().find(injection).unwrap().unwrap().troubles, Vec::<String>::new());
}

/// As a newer version would write it: sound, and not known here.
fn append_unknown_verb(stage: &Stage, injection: InjectionId) {
    let account = stage.ledger().find(injection).unwrap().unwrap();
    let last = account.last.unwrap();
    let record = steadfast_ledger::UndoRecord {
        verb: serde_json::json!({ "deleteQdisc": { "interface": "eth0" } }),
        keys: vec![],
        manual: "tc qdisc del dev eth0 root".to_owned(),
    };
    let entry = steadfast_ledger::entry::Entry {
        sequence: last.sequence + 1,
        body: serde_json::json!({ "undo": record }),
        ..last
    };
    let json = serde_json::to_string(&entry).unwrap();
    let line = format!("{{\"crc32\":\"{:08x}\",\"entry\":{json}}}\n", crc32fast::hash(json.as_bytes()));
    let mut file = std::fs::OpenOptions::new().append(true).open(path_of(stage, injection)).unwrap();
    file.write_all(line.as_bytes()).unwrap();
}
