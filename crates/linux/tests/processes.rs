//! Real processes, held by descriptor.

use std::{process::Child, time::Duration};

use steadfast_linux::{ProcessHandle, identify, process_state};
use steadfast_model::{
    ProcessIdentity,
    process::{ProcessState, Signal},
};

const SOON: Duration = Duration::from_secs(5);

struct Sleeper(Child);

impl Sleeper {
    fn start() -> Self {
        #[expect(clippy::disallowed_methods, reason = "a process to act on")]
        Self(std::process::Command::new("sleep").arg("60").spawn().unwrap())
    }

    fn identity(&self) -> ProcessIdentity {
        identify(self.0.id()).unwrap().unwrap()
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn wait_for(process: &ProcessIdentity, wanted: ProcessState) {
    for _ in 0..1_000_000 {
        if process_state(process).unwrap() == wanted {
            return;
        }
        std::thread::yield_now();
    }
    panic!("process {process} is {:?}, not {wanted:?}", process_state(process).unwrap());
}

#[test]
fn a_stopped_process_is_seen_as_stopped_until_it_continues() {
    let sleeper = Sleeper::start();
    let identity = sleeper.identity();
    let handle = ProcessHandle::open(&identity).unwrap().unwrap();
    handle.may_signal().unwrap();
    assert!(handle.signal(Signal::Stop).unwrap());
    wait_for(&identity, ProcessState::Stopped);
    assert!(handle.signal(Signal::Cont).unwrap());
    wait_for(&identity, ProcessState::Running);
}

#[test]
fn a_process_that_ended_is_gone_even_before_it_is_collected() {
    let sleeper = Sleeper::start();
    let identity = sleeper.identity();
    let handle = ProcessHandle::open(&identity).unwrap().unwrap();
    assert!(!handle.has_ended().unwrap());
    assert!(handle.terminate(SOON).unwrap());
    assert!(handle.has_ended().unwrap());
    wait_for(&identity, ProcessState::Dead);
    assert!(ProcessHandle::open(&identity).unwrap().is_none());
    assert_eq!(identify(identity.pid).unwrap(), None);
}

#[test]
fn a_recycled_number_is_never_signalled() {
    let sleeper = Sleeper::start();
    let identity = sleeper.identity();
    let earlier = ProcessIdentity { start_time: identity.start_time - 1, ..identity.clone() };
    assert!(ProcessHandle::open(&earlier).unwrap().is_none());
    let other_boot =
        ProcessIdentity { boot_id: "00000000-0000-0000-0000-000000000000".into(), ..identity.clone() };
    assert!(ProcessHandle::open(&other_boot).unwrap().is_none());
    assert_eq!(process_state(&identity).unwrap(), ProcessState::Running);
}

#[test]
fn a_process_tells_its_arguments_and_whether_it_runs_our_program() {
    let (one, other) = (Sleeper::start(), Sleeper::start());
    let (pid, own) = (one.identity().pid, std::process::id());
    for pid in [pid, other.identity().pid] {
        // Until then the child is still a copy of this process, or on its way to another program.
        let has_arguments = || steadfast_linux::arguments(pid).unwrap().unwrap() == ["sleep", "60"];
        assert!((0..1_000_000).any(|_| has_arguments() || {
            std::thread::yield_now();
            false
        }));
    }
    assert_eq!(steadfast_linux::command_name(pid).unwrap().as_deref(), Some("sleep"));
    assert_eq!(steadfast_linux::run_the_same_program(pid, own).unwrap(), Some(false));
    assert_eq!(steadfast_linux::run_the_same_program(pid, other.identity().pid).unwrap(), Some(true));
}

#[test]
fn what_ignores_a_request_to_end_is_killed() {
    #[expect(clippy::disallowed_methods, reason = "a process to act on")]
    let mut stubborn = std::process::Command::new("sh")
        .args(["-c", "trap '' TERM; echo ready; while :; do sleep 1; done"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut ready = [0; 5];
    std::io::Read::read_exact(stubborn.stdout.as_mut().unwrap(), &mut ready).unwrap();
    let handle = ProcessHandle::open(&identify(stubborn.id()).unwrap().unwrap()).unwrap().unwrap();
    assert!(handle.terminate(Duration::from_millis(200)).unwrap());
    assert!(!stubborn.wait().unwrap().success());
}

#[test]
fn a_detached_program_gets_nothing_to_read_and_no_secrets() {
    let directory = std::env::temp_dir();
    let name = directory.join(format!("steadfast-detach-{}", std::process::id()));
    let file = std::fs::File::create(&name).unwrap();
    let script = "env >&2; readlink /proc/self/fd/0 >&2; pwd >&2";
    let mut detached = steadfast_linux::detach(&["sh".into(), "-c".into(), script.into()], file).unwrap();
    let identity = detached.identity().unwrap();
    if let Some(handle) = identity.and_then(|identity| ProcessHandle::open(&identity).unwrap()) {
        assert!(handle.ends_within(SOON).unwrap());
    }
    while detached.ended().unwrap().is_none() {}
    let seen = std::fs::read_to_string(&name).unwrap();
    std::fs::remove_file(&name).unwrap();
    assert!(seen.contains("/dev/null\n/\n"), "{seen}");
    assert!(!seen.contains("CARGO_MANIFEST_DIR"), "{seen}");
}
