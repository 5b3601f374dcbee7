//! A directory on a disk, with the program's state and the test's documents.

use std::{
    fs,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU32, Ordering},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::running::{Output, Running};

/// Where one test works. Whatever it started is gone when it is dropped.
pub(crate) struct Place {
    root: TempDir,
    started: AtomicU32,
}

/// A fault proxy in front of a service.
pub(crate) struct Proxy {
    pub(crate) process: Running,
    pub(crate) address: SocketAddr,
    pub(crate) control: PathBuf,
}

impl Proxy {
    /// As a target.
    pub(crate) fn target(&self) -> String {
        format!("proxy: {{ control: '{}' }}", self.control.display())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        let mut builder = tempfile::Builder::new();
        builder.prefix("c").permissions(fs::Permissions::from_mode(0o700));
        let root = builder.tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        Self { root, started: AtomicU32::new(0) }
    }

    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path().join("state")
    }

    pub(crate) fn history(&self) -> PathBuf {
        self.state().join("history.sqlite")
    }

    /// Writes a file beside the state; answers its path as it is typed.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// The program with this place's state directory, nothing of the caller's environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(env!("CARGO_BIN_EXE_steadfast"));
        command.args(arguments).env("STEADFAST_STATE_DIR", self.state());
        command
    }

    /// Another program in this place, in which ours may be started.
    pub(crate) fn bare(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.path()).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        self.start_command(self.command(arguments))
    }

    pub(crate) fn start_command(&self, command: Command) -> Running {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let file = |name| self.path().join(format!("{number}.{name}"));
        Running::start(command, file("out"), file("err"))
    }

    /// Types a command and waits for its end.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.start(arguments).wait()
    }

    pub(crate) fn proxy(&self, upstream: SocketAddr) -> Proxy {
        let number = self.started.load(Ordering::Relaxed);
        let control = self.path().join(format!("p{number}.sock"));
        let (shown, upstream) = (control.display().to_string(), upstream.to_string());
        let listen = ["proxy", "--name", "p", "--listen", "127.0.0.1:0", "--control", &shown];
        let mut process = self.start(&[&listen[..], &["--upstream", &upstream]].concat());
        let said = process.wait_for("sending to");
        let address = said.split("listening on ").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
        Proxy { process, address, control }
    }

    /// Nothing is injected, nothing could not be undone, and no run is under way.
    #[track_caller]
    pub(crate) fn assert_clean(&self) {
        let status = self.run(&["status", "--output", "json"]).expect(0).json();
        for what in ["injections", "runs", "foreign"] {
            assert_eq!(status[what], serde_json::json!([]), "{status:#}");
        }
    }

    /// No run was ever recorded, and nothing is injected.
    #[track_caller]
    pub(crate) fn assert_untouched(&self) {
        self.assert_clean();
        let runs = self.run(&["runs", "list", "--output", "json"]).expect(0).json();
        assert_eq!(runs, serde_json::json!([]));
    }

    /// The runs in the history, newest first.
    pub(crate) fn runs(&self) -> Vec<serde_json::Value> {
        let runs = self.run(&["runs", "list", "--output", "json"]).expect(0).json();
        runs.as_array().unwrap().clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // Reapers outlive what they guard for a while: those of this directory, by their number.
        let ours = self.state().display().to_string();
        for process in fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
            let Ok(line) = fs::read(process.path().join("cmdline")) else { continue };
            let Ok(pid) = process.file_name().to_string_lossy().parse::<i32>() else { continue };
            if String::from_utf8_lossy(&line).contains(&ours)
                && let Some(pid) = Pid::from_raw(pid)
            {
                // It may have ended in this very moment.
                kill_process(pid, Signal::KILL).unwrap_or_default();
            }
        }
    }
}
