//! A ledger on a real disk, as injectors and reapers use it.

#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use std::{
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
    sync::Barrier,
};

use steadfast_ledger::{
    Account, Begun, GlobalLock, Held, Ledger, LedgerError, Listed, Opening, Page, State, StateDir,
};
use steadfast_model::{BootTime, InjectionId, ProcessIdentity, WallTime, undo::UndoVerb};
use steadfast_testkit::{durable_dir, skip};

fn process(pid: u32) -> ProcessIdentity {
    ProcessIdentity { pid, start_time: 7, boot_id: "this-boot".to_owned() }
}

fn opening(key: &str) -> Opening {
    Opening {
        injection: InjectionId::new(),
        run: None,
        injector: process(1),
        fault: "processPause".to_owned(),
        targets: vec!["process 4711 (sleep)".to_owned()],
        keys: vec![key.to_owned()],
        began: WallTime(0),
        deadline: BootTime(5_000),
        lease: BootTime(1_000),
    }
}

fn resume(pid: u32) -> UndoVerb {
    UndoVerb::ResumeProcess { process: process(pid) }
}

fn ledger(directory: &Path) -> Ledger {
    Ledger::new(StateDir::open(&directory.join("state")).unwrap())
}

fn begin(ledger: &Ledger, opening: &Opening) -> Page {
    let lock = lock(ledger);
    match ledger.begin(&lock, opening).unwrap() {
        Begun::New(page) => *page,
        Begun::Known(account) => panic!("known: {account:?}"),
    }
}

/// A program that another test starts holds whatever is locked here, until it is a program of its own.
fn eventually<T>(ask: impl Fn() -> Option<T>) -> T {
    let asks = std::iter::from_fn(|| Some(ask())).inspect(|_| std::thread::yield_now());
    asks.take(1_000_000).flatten().next().expect("nobody else holds it")
}

fn lock(ledger: &Ledger) -> GlobalLock {
    eventually(|| ledger.try_lock().unwrap())
}

fn held(ledger: &Ledger, injection: InjectionId) -> Box<Page> {
    eventually(|| match ledger.try_page(injection).unwrap() {
        Held::Page(page) => Some(page),
        _ => None,
    })
}

/// An injection with three changes, half undone, and its bytes.
fn a_life(ledger: &Ledger) -> (InjectionId, Vec<u8>) {
    let opening = opening("process:4711");
    let mut page = begin(ledger, &opening);
    for pid in [10, 11, 12] {
        page.record(&resume(pid), vec![format!("process:{pid}")]).unwrap();
    }
    page.state(State::Active, None, vec![]).unwrap();
    page.state(State::Reverting, Some("asked".into()), vec![]).unwrap();
    drop(page);
    let path = ledger.dir().ledger().join(format!("{}.jsonl", opening.injection));
    (opening.injection, std::fs::read(path).unwrap())
}

#[test]
fn a_file_tells_what_was_done_by_whom_and_until_when() {
    let directory = durable_dir();
    let ledger = ledger(directory.path());
    let (injection, bytes) = a_life(&ledger);
    let account = ledger.find(injection).unwrap().unwrap();
    assert_eq!(account, Account::read(injection, &bytes));
    assert_eq!(account.injector(), Some(&process(1)));
    assert_eq!(account.deadline(), Some(BootTime(5_000)));
    assert_eq!(account.records[2].known_verb(), Some(resume(12)));
    assert_eq!(account.records[2].manual, "kill -CONT 12");
    assert_eq!((account.state, account.became_active), (State::Reverting, true));
    assert!(
        account.troubles.is_empty() && account.is_from_another_boot("another") && account.keys().len() == 4
    );
    for line in std::str::from_utf8(&bytes).unwrap().lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
}

#[test]
fn a_file_cut_short_anywhere_keeps_every_durable_record_and_can_be_continued() {
    let directory = durable_dir();
    let ledger = ledger(directory.path());
    let (injection, bytes) = a_life(&ledger);
    let path = ledger.dir().ledger().join(format!("{injection}.jsonl"));
    let first_line = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    for length in 0..=bytes.len() {
        let kept = &bytes[..length];
        let lines = kept.iter().filter(|byte| **byte == b'\n').count();
        let account = Account::read(injection, kept);
        assert_eq!(account.records.len(), lines.saturating_sub(1).min(3), "cut at {length}");
        assert_eq!(
            account.troubles.is_empty(),
            length >= first_line,
            "cut at {length}: {:?}",
            account.troubles
        );
        if length >= first_line && length % 7 == 0 {
            std::fs::write(&path, kept).unwrap();
            let mut page = held(&ledger, injection);
            page.state(State::Abandoned, None, vec!["act".into()]).unwrap();
            drop(page);
            let continued = ledger.find(injection).unwrap().unwrap();
            assert_eq!(continued.state, State::Abandoned);
            assert_eq!((continued.records.len(), continued.troubles.len()), (account.records.len(), 0));
        }
    }
}

#[test]
fn damage_to_any_byte_is_noticed_and_costs_at_most_two_lines() {
    let directory = durable_dir();
    let ledger = ledger(directory.path());
    let (injection, bytes) = a_life(&ledger);
    // The very last byte is a line break: without it the last line was cut short.
    for at in 0..bytes.len() - 1 {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        let account = Account::read(injection, &damaged);
        assert!(!account.troubles.is_empty(), "byte {at}");
        assert!(!account.records.is_empty(), "byte {at}");
    }
}

#[test]
fn a_lost_line_is_noticed() {
    let directory = durable_dir();
    let (injection, bytes) = a_life(&ledger(directory.path()));
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let without_second = [&lines[..1], &lines[2..]].concat().concat();
    let account = Account::read(injection, &without_second);
    assert_eq!(account.records.len(), 2);
    assert!(account.troubles[0].contains("lines are missing"), "{:?}", account.troubles);
    let other = Account::read(InjectionId::new(), &bytes);
    assert!(other.records.is_empty() && other.troubles[0].contains("belongs to injection"));
}

proptest::proptest! {
    #[test]
    fn any_bytes_at_all_are_read_without_a_panic(bytes: Vec<u8>) {
        let account = Account::read(InjectionId::new(), &bytes);
        proptest::prop_assert!(!account.troubles.is_empty());
    }
}

#[test]
fn of_many_that_want_the_same_thing_exactly_one_gets_it() {
    let directory = durable_dir();
    let ledger = ledger(directory.path());
    let barrier = Barrier::new(8);
    let attempt = || {
        barrier.wait();
        let lock = loop {
            if let Some(lock) = ledger.try_lock().unwrap() {
                break lock;
            }
            std::thread::yield_now();
        };
        match ledger.begin(&lock, &opening("process:4711")) {
            Ok(Begun::New(_)) => true,
            Err(LedgerError::Conflict { key, .. }) if key == "process:4711" => false,
            other => panic!("{other:?}"),
        }
    };
    let winners = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(attempt)).collect();
        threads.into_iter().map(|thread| usize::from(thread.join().unwrap())).sum::<usize>()
    });
    assert_eq!(winners, 1);
    drop(begin(&ledger, &opening("process:4712")));
}

#[test]
fn a_closed_injection_holds_nothing_and_is_still_known() {
    let directory = durable_dir();
    let ledger = ledger(directory.path());
    let first = opening("process:4711");
    let mut page = begin(&ledger, &first);
    page.state(State::Active, None, vec![]).unwrap();
    page.state(State::Reverted, None, vec![]).unwrap();
    page.close().unwrap();
    drop(begin(&ledger, &opening("process:4711")));
    let lock = lock(&ledger);
    let Begun::Known(account) = ledger.begin(&lock, &first).unwrap() else { panic!("begun twice") };
    assert_eq!((account.state, account.became_active), (State::Reverted, true));
    assert!(matches!(ledger.try_page(first.injection).unwrap(), Held::Closed));
    assert!(matches!(ledger.renew(first.injection, BootTime(9)), Err(LedgerError::NotLive { .. })));
    assert_eq!(ledger.live().unwrap().len(), 1);
}

#[test]
fn a_page_is_held_by_one_at_a_time() {
    let directory = durable_dir();
    let ledger = ledger(directory.path());
    let first = opening("process:4711");
    let page = begin(&ledger, &first);
    assert!(matches!(ledger.try_page(first.injection).unwrap(), Held::Busy));
    drop(page);
    drop(held(&ledger, first.injection));
}

#[test]
fn a_lease_moves_and_the_deadline_stays() {
    let directory = durable_dir();
    let ledger = ledger(directory.path());
    let first = opening("process:4711");
    drop(begin(&ledger, &first));
    let account = ledger.find(first.injection).unwrap().unwrap();
    assert_eq!(ledger.lease(&account).unwrap(), Some(BootTime(1_000)));
    ledger.renew(first.injection, BootTime(2_000)).unwrap();
    assert_eq!(ledger.lease(&account).unwrap(), Some(BootTime(2_000)));
    assert_eq!(ledger.find(first.injection).unwrap().unwrap().deadline(), Some(BootTime(5_000)));
    std::fs::remove_file(ledger.dir().ledger().join(format!("{}.lease", first.injection))).unwrap();
    assert_eq!(ledger.lease(&account).unwrap(), Some(BootTime(1_000)));
}

#[test]
fn what_one_that_died_while_beginning_left_is_swept_and_what_is_foreign_is_shown() {
    let directory = durable_dir();
    let ledger = ledger(directory.path());
    let place = ledger.dir().ledger();
    std::fs::write(place.join(format!("{}.new", InjectionId::new())), "half a li").unwrap();
    std::fs::write(place.join(format!("{}.lease", InjectionId::new())), "").unwrap();
    assert!(ledger.live().unwrap().is_empty());
    drop(begin(&ledger, &opening("process:1")));
    let left: Vec<_> = std::fs::read_dir(&place).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 4, "closed, lock, one file and its lease: {left:?}");
    let foreign = |name: &str| {
        std::fs::set_permissions(place.join(name), std::fs::Permissions::from_mode(0o600)).unwrap();
        let found = ledger.live().unwrap();
        assert!(found.iter().any(|listed| matches!(listed, Listed::Foreign { .. })), "{name}: {found:?}");
        std::fs::remove_file(place.join(name)).unwrap();
    };
    std::fs::write(place.join("notes.txt"), "hello").unwrap();
    foreign("notes.txt");
    let empty = format!("{}.jsonl", InjectionId::new());
    std::fs::write(place.join(&empty), "").unwrap();
    foreign(&empty);
}

#[test]
fn spooled_events_among_the_live_are_no_injections() {
    let directory = durable_dir();
    let ledger = ledger(directory.path());
    let place = ledger.dir().ledger();
    std::fs::write(place.join(format!("{}.events", InjectionId::new())), "{}\n").unwrap();
    assert!(ledger.live().unwrap().is_empty());
    drop(begin(&ledger, &opening("process:1")));
    assert!(matches!(ledger.live().unwrap()[..], [Listed::Account(_)]));
}

#[test]
fn what_others_could_have_written_is_refused() {
    let directory = durable_dir();
    let ledger = ledger(directory.path());
    let (injection, bytes) = a_life(&ledger);
    let path = ledger.dir().ledger().join(format!("{injection}.jsonl"));
    let refused = || {
        assert!(matches!(ledger.try_page(injection), Err(LedgerError::Unfit { .. })));
        assert!(matches!(ledger.live().unwrap()[..], [Listed::Foreign { .. }]));
    };
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o620)).unwrap();
    refused();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
        refused();
    } else {
        skip("what_others_could_have_written_is_refused (as root)", "needs root");
    }
    std::fs::remove_file(&path).unwrap();
    let elsewhere = directory.path().join("elsewhere");
    std::fs::write(&elsewhere, bytes).unwrap();
    symlink(&elsewhere, &path).unwrap();
    refused();
}

#[test]
fn unfit_directories_are_refused_with_a_hint() {
    let directory = durable_dir();
    let refuse = |path: &Path, part: &str| {
        let error = StateDir::open(path).unwrap_err();
        assert!(error.with_causes().contains(part) && error.hint().is_some(), "{}", error.with_causes());
    };
    let loose = directory.path().join("loose");
    std::fs::create_dir(&loose).unwrap();
    std::fs::set_permissions(&loose, std::fs::Permissions::from_mode(0o755)).unwrap();
    refuse(&loose, "others may use it");
    let link = directory.path().join("link");
    symlink(directory.path(), &link).unwrap();
    refuse(&link, "symbolic link");
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    refuse(&file, "no directory");
    if let Ok(memory) = tempfile::tempdir_in("/dev/shm") {
        refuse(&memory.path().join("made"), "tmpfs");
    } else {
        skip("unfit_directories_are_refused_with_a_hint (tmpfs)", "no /dev/shm");
    }
    if rustix::process::geteuid().is_root() {
        let other = directory.path().join("other");
        std::fs::create_dir(&other).unwrap();
        std::fs::set_permissions(&other, std::fs::Permissions::from_mode(0o700)).unwrap();
        std::os::unix::fs::chown(&other, Some(65_534), None).unwrap();
        refuse(&other, "belongs to user 65534");
    } else {
        skip("unfit_directories_are_refused_with_a_hint (as root)", "needs root");
    }
}

#[test]
fn state_belongs_where_the_user_keeps_it() {
    let home = |name: &str| (name == "HOME").then(|| "/home/ada".into());
    let locate = |chosen, root, environment: &dyn Fn(&str) -> Option<std::ffi::OsString>| {
        StateDir::locate(chosen, root, environment).map(|path| path.display().to_string())
    };
    assert_eq!(locate(None, false, &home).unwrap(), "/home/ada/.local/state/steadfast");
    assert_eq!(locate(None, true, &home).unwrap(), "/var/lib/steadfast");
    assert_eq!(locate(Some(Path::new("/srv/x")), true, &home).unwrap(), "/srv/x");
    let xdg = |name: &str| (name == "XDG_STATE_HOME").then(|| "/x".into());
    assert_eq!(locate(None, false, &xdg).unwrap(), "/x/steadfast");
    let lost = |nothing: &str| locate(None, false, &|_| Some(nothing.into())).unwrap_err();
    assert!(["", "relative"].map(lost).iter().all(|error| error.hint().unwrap().contains("--state-dir")));
}

#[test]
fn only_the_newest_thousand_closed_files_are_kept() {
    let directory = durable_dir();
    let ledger = ledger(directory.path());
    let name = |number: u32| format!("00000000-0000-7000-8000-{number:012}.jsonl");
    for number in 0..1_005 {
        std::fs::write(ledger.dir().closed().join(name(number)), "").unwrap();
    }
    let mut page = begin(&ledger, &opening("process:1"));
    page.state(State::Reverted, None, vec![]).unwrap();
    page.close().unwrap();
    assert_eq!(std::fs::read_dir(ledger.dir().closed()).unwrap().count(), 1_000);
    assert!(!ledger.dir().closed().join(name(5)).exists() && ledger.dir().closed().join(name(6)).exists());
}

/// A limit on file sizes fails writes half-way, as a full disk does. It holds for a whole process, so this test starts
/// itself again under one.
#[test]
fn without_room_nothing_is_begun_and_nothing_is_left_of_a_record() {
    const PLACE: &str = "STEADFAST_TEST_WITHOUT_ROOM";
    if let Some(place) = std::env::var_os(PLACE) {
        let ledger = ledger(Path::new(&place));
        let long = Opening { targets: vec!["x".repeat(5_000)], ..opening("process:1") };
        let lock = lock(&ledger);
        assert!(matches!(ledger.begin(&lock, &long), Err(LedgerError::Io { .. })));
        assert!(ledger.live().unwrap().is_empty());
        drop(lock);
        let first = opening("process:2");
        let mut page = begin(&ledger, &first);
        page.record(&resume(1), vec![]).unwrap();
        assert!(page.record(&resume(2), vec!["x".repeat(5_000)]).is_err());
        page.record(&resume(3), vec![]).unwrap();
        drop(page);
        let account = ledger.find(first.injection).unwrap().unwrap();
        assert_eq!((account.records.len(), account.troubles.len()), (2, 0));
        ledger.renew(first.injection, BootTime(9)).unwrap();
        return;
    }
    let directory = durable_dir();
    let name = "without_room_nothing_is_begun_and_nothing_is_left_of_a_record";
    #[expect(clippy::disallowed_methods, reason = "the test starts itself again under a limit")]
    let ran = Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(PLACE, directory.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let cried = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}{cried}");
}
