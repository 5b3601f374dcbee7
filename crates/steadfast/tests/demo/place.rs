//! Where a test runs the program: as somebody without privileges, with an empty home.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use rustix::process::Pid;
use steadfast_testkit::copy_program;

/// Two demos under load at once would take the machine's time from each other, and with it their verdicts.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A place where nobody in particular may run the program and keep state: below `/var/tmp`, which is on a disk, and
/// short, as sockets need.
pub(crate) struct Place {
    root: PathBuf,
    _turn: Option<MutexGuard<'static, ()>>,
}

impl Place {
    /// One for a demo whose verdict depends on how fast it answers.
    pub(crate) fn new(name: &str) -> Self {
        let turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let mut place = Self::for_no_load(name);
        place._turn = Some(turn);
        place
    }

    /// One for demos without load, or whose verdict nobody waits for.
    pub(crate) fn for_no_load(name: &str) -> Self {
        let root = PathBuf::from(format!("/var/tmp/sf-{name}-{}", std::process::id()));
        fs::create_dir_all(root.join("home")).unwrap();
        copy_program(env!("CARGO_BIN_EXE_steadfast"), root.join("steadfast"));
        fs::set_permissions(root.join("steadfast"), fs::Permissions::from_mode(0o755)).unwrap();
        if is_root() {
            chown(root.join("home"), Some(65534), Some(65534)).unwrap();
        }
        Self { root, _turn: None }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_by(&[], arguments)
    }

    /// The same by another program, which is given ours and its arguments.
    pub(crate) fn run_by(&self, by: &[&str], arguments: &[&str]) -> Output {
        let program = self.root.join("steadfast").display().to_string();
        self.command(&[by, &[&program], arguments].concat()).output().unwrap()
    }

    /// The same as whoever runs this test, also as root.
    pub(crate) fn run_by_this_user(&self, by: &[&str], arguments: &[&str]) -> Output {
        let program = self.root.join("steadfast").display().to_string();
        let state = self.root.join("state").display().to_string();
        let words = [by, &[&program, "--state-dir", &state], arguments].concat();
        self.command_of_this_user(&words).output().unwrap()
    }

    /// Starts the program; what it says to people can be read.
    pub(crate) fn start(&self, arguments: &[&str]) -> Child {
        let program = self.root.join("steadfast").display().to_string();
        let mut command = self.command(&[&[program.as_str()], arguments].concat());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Whether this machine gives somebody without privileges network namespaces with devices in them.
    pub(crate) fn gives_networks(&self) -> bool {
        let inside = "ip link set lo up && ip link add left type veth peer name right";
        let words = ["unshare", "--user", "--map-root-user", "--net", "sh", "-c", inside];
        self.command(&words).output().unwrap().status.success()
    }

    fn command(&self, words: &[&str]) -> Command {
        let becoming: &[&str] = match is_root() {
            true => &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
            false => &[],
        };
        self.command_of_this_user(&[becoming, words].concat())
    }

    #[expect(clippy::disallowed_methods, reason = "a test starts the program")]
    fn command_of_this_user(&self, words: &[&str]) -> Command {
        let mut command = Command::new(words[0]);
        let home = self.root.join("home");
        command.args(&words[1..]).current_dir("/").env_clear();
        command.env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin").env("HOME", home);
        command
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
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
        // The reaper stays for some seconds after the last fault, to be there for the next.
        self.processes().into_iter().map(|(_, line)| line).filter(|line| !line.contains(" reaper")).collect()
    }

    /// The reaper of this place, if there is one.
    pub(crate) fn reaper(&self) -> Option<Pid> {
        self.processes().into_iter().find(|(_, line)| line.contains(" reaper")).map(|(pid, _)| pid)
    }

    /// Number and command line of all that was started from this place.
    fn processes(&self) -> Vec<(Pid, String)> {
        let needle = self.root.join("steadfast").display().to_string();
        let found = fs::read_dir("/proc").unwrap().filter_map(Result::ok).filter_map(|process| {
            let pid = Pid::from_raw(process.file_name().to_str()?.parse().ok()?)?;
            let line = fs::read(process.path().join("cmdline")).ok()?;
            Some((pid, String::from_utf8_lossy(&line).replace('\0', " ")))
        });
        found.filter(|(_, line)| line.starts_with(&needle)).collect()
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
