//! A cgroup of a test's own, with a process in it that computes all the time.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::pause;

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A cgroup made below the hierarchy of the cpu controller, v1 or v2, with nothing in it but one busy process. Both are gone
/// when this is dropped. It may have three tenths of one CPU from the start, so that it does not
/// disturb other tests.
#[derive(Debug)]
pub struct BusyCgroup {
    folder: PathBuf,
    unified: bool,
    busy: Child,
}

impl BusyCgroup {
    /// The quota it has from the start, in microseconds of every 100 ms.
    pub const QUOTA_MICROS: u64 = 30_000;

    /// Why there can be none here.
    #[must_use]
    pub fn missing() -> Option<&'static str> {
        if !rustix::process::geteuid().is_root() {
            return Some("cgroups need root");
        }
        hierarchy().is_none().then_some("no hierarchy of cgroups here has a cpu controller")
    }

    /// Makes one; `None` where that cannot be. Then the test is skipped, and `cargo xtask test` is told of it.
    ///
    /// # Panics
    /// When root cannot make one.
    #[must_use]
    pub fn new_or_skip(test: &str) -> Option<Self> {
        if let Some(why) = Self::missing() {
            crate::skip(test, why);
            return None;
        }
        let (mount, unified) = hierarchy()?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = mount.join(format!("steadfast-test-{}-{number}", std::process::id()));
        fs::create_dir(&folder).expect("root may make a cgroup");
        let script = r#"echo $$ > "$1/cgroup.procs" && while :; do :; done"#;
        #[expect(clippy::disallowed_methods, reason = "a process to act on")]
        let mut busy = Command::new("sh");
        busy.args(["-c", script, "sh"]).arg(&folder).stdin(Stdio::null());
        let busy = busy.spawn().expect("every system has `sh`");
        let group = Self { folder, unified, busy };
        group.set_quota(Some(Self::QUOTA_MICROS));
        let inside = || group.read("cgroup.procs").contains(&group.pid().to_string());
        assert!((0..1_000).any(|_| inside() || pause()), "the process is not in its cgroup");
        Some(group)
    }

    /// The process that computes.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.busy.id()
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Its quota, in microseconds; `None` without a limit.
    ///
    /// # Panics
    /// When it cannot be read.
    #[must_use]
    pub fn quota(&self) -> Option<u64> {
        let text = self.read(self.quota_file());
        text.split_whitespace().next().and_then(|quota| quota.parse().ok())
    }

    /// Gives it another quota, in microseconds.
    ///
    /// # Panics
    /// When that is not possible.
    pub fn set_quota(&self, quota: Option<u64>) {
        let none = if self.unified { "max" } else { "-1" };
        let text = quota.map_or_else(|| none.to_owned(), |quota| quota.to_string());
        fs::write(self.folder.join(self.quota_file()), text).expect("root may change a limit");
    }

    /// Ends the process and removes the cgroup.
    ///
    /// # Panics
    /// When it cannot be removed.
    pub fn remove(&mut self) {
        // Fails only when it has ended already.
        drop(self.busy.kill());
        drop(self.busy.wait());
        assert!((0..1_000).any(|_| fs::remove_dir(&self.folder).is_ok() || !self.folder.exists() || pause()));
    }

    fn quota_file(&self) -> &'static str {
        if self.unified { "cpu.max" } else { "cpu.cfs_quota_us" }
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.join(name)).expect("the cgroup is there")
    }
}

impl Drop for BusyCgroup {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Where the cpu controller is, and whether that is version 2.
fn hierarchy() -> Option<(PathBuf, bool)> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let mounts: Vec<Vec<&str>> = mounts.lines().map(|line| line.split(' ').collect()).collect();
    let is_first =
        |mount: &&Vec<&str>| mount.get(2) == Some(&"cgroup") && mount[3].split(',').any(|word| word == "cpu");
    if let Some(found) = mounts.iter().find(is_first) {
        return Some((PathBuf::from(found[1]), false));
    }
    let folder = PathBuf::from(mounts.iter().find(|mount| mount.get(2) == Some(&"cgroup2"))?[1]);
    let passed_on = fs::read_to_string(folder.join("cgroup.subtree_control")).ok()?;
    passed_on.split_whitespace().any(|name| name == "cpu").then_some((folder, true))
}
