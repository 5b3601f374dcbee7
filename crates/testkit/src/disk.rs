//! Small disks of a test's own, mounted where only the test sees them.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::place::durable_dir;

/// A file system of 64 MiB in a file, mounted in a mount namespace of its own: the machine's mounts are as before. It is
/// gone when this is dropped.
#[derive(Debug)]
pub struct Disk {
    path: PathBuf,
    holder: Child,
    _folder: TempDir,
}

impl Disk {
    /// Whether this user may make one.
    #[must_use]
    pub fn may_be_made() -> bool {
        rustix::process::geteuid().is_root()
    }

    /// An ext4; `None` for a user who may not mount. Then the test is skipped, and `cargo xtask test` is told of it.
    ///
    /// # Panics
    /// When root cannot make one.
    #[must_use]
    pub fn new_or_skip(test: &str) -> Option<Self> {
        Self::may_be_made().then(Self::new).or_else(|| {
            crate::skip(test, "mounting needs root");
            None
        })
    }

    fn new() -> Self {
        let folder = durable_dir();
        let (image, place) = (folder.path().join("image"), folder.path().join("disk"));
        File::create(&image).and_then(|file| file.set_len(64 << 20)).expect("a test may write beside itself");
        fs::create_dir(&place).expect("a test may write beside itself");
        let made = program("mkfs.ext4").args(["-q", "-F"]).arg(&image).output();
        let made = made.expect("the system has `mkfs.ext4`");
        assert!(made.status.success(), "mkfs.ext4: {}", String::from_utf8_lossy(&made.stderr));
        // Whatever is mounted there is seen by this process alone, and goes with it.
        let script = r#"mount -o loop "$1" "$2" && echo mounted && exec sleep 600"#;
        let mut holder = program("unshare");
        holder.args(["--mount", "--propagation", "private", "sh", "-c", script, "sh"]).args([&image, &place]);
        let mut holder = holder.spawn().expect("the system has `unshare`");
        let mut said = String::new();
        let heard = holder.stdout.take().map(|said_by| BufReader::new(said_by).read_line(&mut said));
        let path = PathBuf::from(format!("/proc/{}/root", holder.id()));
        let below = place.canonicalize().expect("it is there");
        let path = path.join(below.strip_prefix("/").expect("it is absolute"));
        let disk = Self { path, holder, _folder: folder };
        assert!(matches!(heard, Some(Ok(1..))) && said == "mounted\n", "the disk cannot be mounted");
        disk
    }

    /// Where it is mounted, seen from outside: `/proc/PID/root/…`.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What nobody uses, in bytes.
    ///
    /// # Panics
    /// When it cannot be looked at.
    #[must_use]
    pub fn free_bytes(&self) -> u64 {
        let counts = rustix::fs::statvfs(&self.path).expect("the disk is there");
        counts.f_bfree * counts.f_frsize
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Both fail only when it has ended already, and the disk with it.
        drop(self.holder.kill());
        drop(self.holder.wait());
    }
}

fn program(name: &str) -> Command {
    #[expect(clippy::disallowed_methods, reason = "the programs that make a disk")]
    let mut command = Command::new(name);
    let path = "/usr/sbin:/usr/bin:/sbin:/bin";
    command.env("PATH", path).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}
