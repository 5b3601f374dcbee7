//! Where a test runs the program: as somebody without privileges, with an empty home.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Two demos at once would take the machine's time from each other.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A place where nobody in particular may run the program and keep state: below `/var/tmp`, which is on a disk, and
/// short, as sockets need.
pub(crate) struct Place {
    root: PathBuf,
    _turn: MutexGuard<'static, ()>,
}

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let root = PathBuf::from(format!("/var/tmp/sf-{name}-{}", std::process::id()));
        fs::create_dir_all(root.join("home")).unwrap();
        fs::copy(env!("CARGO_BIN_EXE_steadfast"), root.join("steadfast")).unwrap();
        fs::set_permissions(root.join("steadfast"), fs::Permissions::from_mode(0o755)).unwrap();
        if is_root() {
            chown(root.join("home"), Some(65534), Some(65534)).unwrap();
        }
        Self { root, _turn: turn }
    }

    #[expect(clippy::disallowed_methods, reason = "a test starts the program")]
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let program = self.root.join("steadfast");
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let home = self.root.join("home");
        command.args(arguments).current_dir("/").env_clear().env("PATH", "/usr/bin:/bin").env("HOME", home);
        command.output().unwrap()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root.join("home/.local/state/steadfast")
    }

    /// A copy of a file where nobody in particular may read it.
    pub(crate) fn copy(&self, file: &Path) -> String {
        let copy = self.root.join(file.file_name().unwrap());
        fs::copy(file, &copy).unwrap();
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o644)).unwrap();
        copy.display().to_string()
    }

    /// Processes that were started from this place and are still there.
    pub(crate) fn left_over(&self) -> Vec<String> {
        let needle = self.root.join("steadfast").display().to_string();
        let lines = fs::read_dir("/proc").unwrap().filter_map(Result::ok).filter_map(|process| {
            let line = fs::read(process.path().join("cmdline")).ok()?;
            Some(String::from_utf8_lossy(&line).replace('\0', " "))
        });
        // The reaper stays for some seconds after the last fault, to be there for the next.
        lines.filter(|line| line.starts_with(&needle) && !line.contains(" reaper")).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What cannot be removed is in /var/tmp, where it does no harm.
        drop(fs::remove_dir_all(&self.root));
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

pub(crate) fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout))
}
