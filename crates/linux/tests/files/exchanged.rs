//! What a program has in use is the same before, during and after.

use std::{fs, path::Path, process::Command};

use rustix::fs::{FlockOperation, fcntl_lock};
use steadfast_linux::{
    files::{Covered, uncover},
    identify,
};
use steadfast_testkit::{FileUser, Talker, compile_c, durable_dir, skip};

use super::order_over;

/// A program with files in use, and the directory they are in.
struct User {
    talker: Talker,
    folder: std::path::PathBuf,
    _place: tempfile::TempDir,
}

impl User {
    fn new_or_skip(test: &str) -> Option<Self> {
        if let Some(why) = FileUser::missing() {
            skip(test, why);
            return None;
        }
        let place = durable_dir();
        let folder = place.path().canonicalize().unwrap();
        fs::write(folder.join("m"), [b'm'; 3 * 4096]).unwrap();
        compile_c(include_str!("user.c"), &folder.join("user"));
        let mut talker = Talker::start(&folder.join("user"), &[folder.to_str().unwrap()]);
        assert_eq!(talker.hear(), "ready");
        Some(Self { talker, folder, _place: place })
    }

    fn ask(&mut self, what: &str) -> String {
        self.talker.ask(what)
    }

    /// The links that lead out of the process to something of the directory.
    fn devices(&self) -> Vec<u64> {
        use std::os::unix::fs::MetadataExt;
        let here = |name: &str| format!("/proc/{}/{name}", self.talker.pid());
        ["fd/3", "fd/4", "fd/5", "cwd"].map(|name| fs::metadata(here(name)).unwrap().dev()).to_vec()
    }

    /// Of everything it has opened itself: what it was started with may be anywhere.
    fn links(&self) -> Vec<u64> {
        let folder = fs::read_dir(format!("/proc/{}/fd", self.talker.pid())).unwrap();
        let paths = folder.map(|entry| entry.unwrap().path());
        let own = paths.filter(|path| !["0", "1", "2"].iter().any(|number| path.ends_with(number)));
        let device = |path| fs::metadata(path).map(|found| std::os::unix::fs::MetadataExt::dev(&found));
        own.filter_map(|path| device(path).ok()).collect()
    }

    fn own_device(&self) -> u64 {
        std::os::unix::fs::MetadataExt::dev(&fs::metadata(&self.folder).unwrap())
    }
}

#[test]
fn open_files_copies_positions_mappings_locks_and_removed_files_stay_what_they_are() {
    let test = "open_files_copies_positions_mappings_locks_and_removed_files_stay_what_they_are";
    let Some(mut user) = User::new_or_skip(test) else { return };
    let process = identify(user.talker.pid()).unwrap().unwrap();
    let order = order_over(&process, &user.folder);
    // Sixty files more are exchanged some at a time: 5 to 8 ms. The best of some: other tests run beside this one.
    let stop = |_| {
        let covered = Covered::put(&order).unwrap();
        covered.take_away().unwrap();
        covered.longest_stop()
    };
    assert!((0..20).map(stop).any(|stop| stop.as_millis() < 50), "none of 20 was quicker than 50 ms");
    assert_eq!(user.ask("state"), "4 3 0 1 4 0123");
    let covered = Covered::put(&order).unwrap();
    assert!(user.devices().iter().all(|device| *device != user.own_device()), "{:?}", user.devices());
    assert!(!user.links().contains(&user.own_device()), "{:?}", user.links());
    assert_eq!(user.ask("state"), "4 3 0 1 4 0123");
    // ENODEV is what a shared mapping meets.
    assert_eq!(user.ask("map"), "mXm 19");
    assert_eq!((user.ask("remove"), user.ask("gone")), ("removed".to_owned(), "5 still".to_owned()));
    assert_eq!(user.ask("lock"), "locked");
    covered.take_away().unwrap();
    assert!(covered.is_unused_within(std::time::Duration::from_secs(2)), "something still uses it");
    assert_eq!(user.devices(), [user.own_device(); 4]);
    assert_eq!(user.links().iter().filter(|device| **device == user.own_device()).count(), 65);
    assert_eq!(user.ask("state"), "4 3 0 1 4 0123");
    assert_eq!((user.ask("mapped"), user.ask("gone")), ("mXm".to_owned(), "5 still".to_owned()));
    let lock = fs::OpenOptions::new().write(true).open(user.folder.join("lock")).unwrap();
    assert_eq!(fcntl_lock(&lock, FlockOperation::NonBlockingLockExclusive), Err(rustix::io::Errno::AGAIN));
}

#[test]
fn a_pipe_that_was_opened_during_the_fault_goes_on_and_holds_nobody_up() {
    let test = "a_pipe_that_was_opened_during_the_fault_goes_on_and_holds_nobody_up";
    let Some(mut user) = User::new_or_skip(test) else { return };
    let process = identify(user.talker.pid()).unwrap().unwrap();
    let covered = Covered::put(&order_over(&process, &user.folder)).unwrap();
    assert_eq!(user.ask("pipe"), "7 through");
    covered.take_away().unwrap();
    assert_eq!(user.devices(), [user.own_device(); 4]);
    assert_eq!((user.ask("pipe"), user.ask("state")), ("7 through".to_owned(), "4 3 0 1 4 0123".to_owned()));
}

#[test]
fn whoever_comes_after_one_that_died_halfway_finds_what_is_left() {
    let Some(mut user) = User::new_or_skip("whoever_comes_after_one_that_died_halfway_finds_what_is_left")
    else {
        return;
    };
    let process = identify(user.talker.pid()).unwrap().unwrap();
    let order = order_over(&process, &user.folder);
    let covered = Covered::put(&order).unwrap();
    // As one does who dies before giving anything back.
    let pid = user.talker.pid().to_string();
    #[expect(clippy::disallowed_methods, reason = "in another mount namespace")]
    let mut unmount = Command::new("nsenter");
    unmount.args(["--mount", "--target", &pid, "umount", "--lazy"]).arg(&user.folder);
    assert!(unmount.status().unwrap().success());
    assert!(user.devices().iter().all(|device| *device != user.own_device()));
    uncover(&order.cover).unwrap();
    assert_eq!(user.devices(), [user.own_device(); 4]);
    assert_eq!(user.ask("state"), "4 3 0 1 4 0123");
    assert!(covered.is_unused_within(std::time::Duration::from_secs(2)));
    assert!(Path::new(&user.folder).join("a").exists());
}
