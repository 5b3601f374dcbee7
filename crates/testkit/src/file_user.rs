//! A process in a mount namespace of its own that uses files all the time.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::fs::{AtFlags, CWD, StatxFlags, statx};
use tempfile::TempDir;

use crate::{pause, place::durable_dir};

/// A shell that writes a hundred lines a second each to a file it has had open from the start (`before`), to one it opens
/// each time (`after`), and to one in the directory it works in (`work/here`). Errors do not end it. Killed when dropped.
#[derive(Debug)]
pub struct FileUser {
    folder: PathBuf,
    shell: Child,
    _place: TempDir,
}

impl FileUser {
    /// Why there can be none here, or nothing that covers its files.
    #[must_use]
    pub fn missing() -> Option<&'static str> {
        if !rustix::process::geteuid().is_root() {
            return Some("mount namespaces need root");
        }
        (!Path::new("/dev/fuse").exists()).then_some("there is no /dev/fuse")
    }

    /// Starts one; `None` where that cannot be. Then the test is skipped, and `cargo xtask test` is told of it.
    ///
    /// # Panics
    /// When root cannot start one.
    #[must_use]
    pub fn new_or_skip(test: &str) -> Option<Self> {
        if let Some(why) = Self::missing() {
            crate::skip(test, why);
            return None;
        }
        let place = durable_dir();
        let folder = place.path().canonicalize().expect("it is there");
        fs::create_dir(folder.join("work")).expect("a test may write there");
        let script = r#"cd "$1/work" && exec 3>>"$1/before" || exit 1
            while :; do echo line >&3; echo line >>"$1/after"; echo line >>here; sleep 0.01; done"#;
        #[expect(clippy::disallowed_methods, reason = "a process to act on")]
        let mut shell = Command::new("unshare");
        shell.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]).arg(&folder);
        let shell = shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let user = Self { folder, shell: shell.expect("the system has `unshare`"), _place: place };
        assert!((0..2_000).any(|_| user.lines() > 0 || pause()), "it writes nothing");
        Some(user)
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.shell.id()
    }

    /// The directory below which its files are, inside and outside.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many lines there are in the file of which there are fewest.
    #[must_use]
    pub fn lines(&self) -> usize {
        let lines = |name| fs::read_to_string(self.folder.join(name)).map_or(0, |text| text.lines().count());
        ["before", "after", "work/here"].map(lines).into_iter().min().unwrap_or_default()
    }

    /// What is different from how it was when it began, of mounts, open files and where it works.
    #[must_use]
    pub fn differences(&self) -> Vec<String> {
        let here = |name: &str| PathBuf::from(format!("/proc/{}/{name}", self.pid()));
        // Nobody who serves a file is asked: it may hang.
        let device = |path: &Path| {
            let found = statx(CWD, path, AtFlags::STATX_DONT_SYNC, StatxFlags::INO)?;
            Ok::<_, rustix::io::Errno>((found.stx_dev_major, found.stx_dev_minor))
        };
        let own = device(&self.folder);
        let mut found = Vec::new();
        for name in ["fd/3", "cwd"] {
            let is = device(&here(name));
            if is != own {
                found.push(format!("its {name} is on {is:?}"));
            }
        }
        match fs::read_to_string(here("mountinfo")) {
            Ok(mounts) if !mounts.contains("steadfast_") => {}
            other => found.push(format!("its mounts are {other:?}")),
        }
        found
    }
}

impl Drop for FileUser {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        drop(self.shell.kill());
        drop(self.shell.wait());
    }
}
