//! A real Podman with its API on a socket, and containers made from nothing but one static program.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

use crate::{NetnsPair, pause};

/// What containers run: one process that computes and one that sleeps. A first process ends at `TERM` only if it says so.
const PROGRAM: &str = r"#include <signal.h>
#include <unistd.h>
static void end(int signal) { _exit(0); }
int main(void) {
    signal(SIGTERM, end);
    if (fork() == 0) for (;;) pause();
    for (volatile unsigned long turns = 0;; turns++);
}
";
const IMAGE: &str = "localhost/steadfast-test:1";
/// Without privileges over limits, what Podman would raise by itself has to be told.
const LIMITS: [&str; 4] = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"];
/// Made by Podman below every hierarchy of cgroups, and left there.
const GROUP: &str = "libpod_parent";
/// Below it, for what watches over containers.
const WATCHERS: &str = "conmon";

/// Podman with storage of its own. Its containers, its storage and the cgroups that are left empty go with it.
#[derive(Debug)]
pub struct Podman {
    service: Child,
    folder: TempDir,
}

impl Podman {
    /// Starts it; `None` where that cannot be. Then the test is skipped, and `cargo xtask test` is told of it.
    ///
    /// # Panics
    /// When Podman is there and does not work.
    #[must_use]
    pub fn new_or_skip(test: &str) -> Option<Self> {
        let is_there = command("podman").arg("--version").output().is_ok_and(|asked| asked.status.success());
        let why = match (NetnsPair::may_be_made(), is_there) {
            (true, true) => None,
            (false, _) => Some("network namespaces need root"),
            (_, false) => Some("podman is not installed"),
        };
        if let Some(why) = why {
            crate::skip(test, why);
            return None;
        }
        let folder = crate::durable_dir();
        let file = |name: &str| folder.path().join(name);
        fs::write(file("work.c"), PROGRAM).expect("a folder of ours");
        fs::write(file("Containerfile"), "FROM scratch\nCOPY work /work\nCMD [\"/work\"]\n")
            .expect("as well");
        let mut compile = command("cc");
        compile.args(["-O1", "-static", "-o"]).arg(file("work")).arg(file("work.c"));
        done(&mut compile);
        let mut build = podman(folder.path());
        done(build.args(["build", "--isolation=chroot", "-t", IMAGE]).arg(folder.path()));
        let socket = file("api.sock");
        let mut serve = podman(folder.path());
        serve.args(["system", "service", "--time=0"]).arg(format!("unix://{}", socket.display()));
        serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let service = serve.spawn().expect("podman is there");
        assert!((0..2_000).any(|_| socket.exists() || pause()), "podman does not serve its API");
        Some(Self { service, folder })
    }

    /// The socket of its API.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("api.sock")
    }

    /// Starts a container with one label, in a network namespace by name, or with loopback alone.
    pub fn run(&self, name: &str, label: &str, netns: Option<&str>) {
        let network = netns.map_or_else(|| "none".to_owned(), |netns| format!("ns:/run/netns/{netns}"));
        let mut run = podman(self.folder.path());
        run.args(["run", "--detach", "--name", name, "--label", label, "--network", &network]);
        done(run.args(LIMITS).arg(IMAGE));
    }

    /// The processes of a container, its first one first.
    ///
    /// # Panics
    /// When it is not there.
    #[must_use]
    pub fn processes(&self, name: &str) -> Vec<u32> {
        let mut top = podman(self.folder.path());
        let told = done(top.args(["top", name, "hpid"]));
        let mut pids: Vec<u32> = String::from_utf8_lossy(&told.stdout)
            .lines()
            .filter_map(|line| line.trim().parse().ok())
            .collect();
        pids.sort_unstable();
        pids
    }

    /// What is in a container and not in its image, as Podman tells it.
    #[must_use]
    pub fn changes(&self, name: &str) -> String {
        let mut diff = podman(self.folder.path());
        String::from_utf8_lossy(&done(diff.args(["diff", name])).stdout).into_owned()
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        // What fails here is told by nobody, and found by whoever looks at the machine.
        drop(podman(self.folder.path()).args(["rm", "--all", "--force", "--time", "0"]).output());
        drop(self.service.kill());
        drop(self.service.wait());
        for hierarchy in fs::read_dir("/sys/fs/cgroup").into_iter().flatten().flatten() {
            let group = hierarchy.path().join(GROUP);
            // Only what is empty can be removed. What watched over containers takes a moment to end.
            let is_gone = |group: &Path| fs::remove_dir(group).is_ok() || !group.exists();
            let _: bool = (0..200).any(|_| is_gone(&group.join(WATCHERS)) || pause()) && is_gone(&group);
        }
    }
}

fn podman(folder: &Path) -> Command {
    let mut podman = command("podman");
    podman.arg("--root").arg(folder.join("storage")).arg("--runroot").arg(folder.join("run"));
    podman.args([
        "--cgroup-manager=cgroupfs",
        "--events-backend=file",
        "--storage-driver=vfs",
        "--runtime=runc",
    ]);
    podman
}

#[expect(clippy::disallowed_methods, reason = "the real thing, for a test")]
fn command(program: &str) -> Command {
    Command::new(program)
}

fn done(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output().expect("it can be started");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}
