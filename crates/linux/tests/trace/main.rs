//! Holding real processes, and killing who holds them.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    sync::LazyLock,
    time::Duration,
};

use steadfast_linux::{
    LinuxError, identify,
    trace::{Argument, Held, Obstacle, hold, obstacle},
};
use steadfast_model::ProcessIdentity;
use steadfast_testkit::{Talker, compile_c};

const PATIENCE: Duration = Duration::from_secs(2);

static PROGRAMS: LazyLock<tempfile::TempDir> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    compile_c(include_str!("busy.c"), &folder.path().join("busy"));
    compile_c(include_str!("vfork.c"), &folder.path().join("vfork"));
    folder
});

fn program(name: &str) -> PathBuf {
    PROGRAMS.path().join(name)
}

/// A busy process that is sure to be at work.
fn busy(arguments: &[&str]) -> (Talker, ProcessIdentity) {
    let mut talker = Talker::start(&program("busy"), arguments);
    talker.ask("ready");
    let identity = identify(talker.pid()).unwrap().unwrap();
    (talker, identity)
}

/// What it has noticed, by name.
fn noticed(talker: &mut Talker, name: &str) -> u64 {
    let said = talker.ask("?");
    let mut words = said.split(' ').skip_while(|word| *word != name);
    words.nth(1).and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{name} in {said}"))
}

fn process_number(held: &mut Held) -> Result<u64, LinuxError> {
    held.call("ask its number", libc::SYS_getpid, &[])
}

#[test]
fn a_busy_process_makes_calls_for_us_and_notices_nothing() {
    let (mut talker, identity) = busy(&[]);
    for _ in 0..300 {
        let answer = hold(&identity, PATIENCE, process_number).unwrap();
        assert_eq!(answer, Some(u64::from(identity.pid)));
    }
    let (counted, slept) = (noticed(&mut talker, "counted"), noticed(&mut talker, "slept"));
    std::thread::yield_now();
    for name in ["wrong", "interrupted"] {
        assert_eq!(noticed(&mut talker, name), 0, "{name}");
    }
    for name in ["born", "taken"] {
        assert!(noticed(&mut talker, name) > 0, "{name}");
    }
    while noticed(&mut talker, "counted") == counted || noticed(&mut talker, "slept") == slept {
        std::thread::yield_now();
    }
}

#[test]
fn it_stands_still_while_it_is_held_and_is_let_go_after_an_error_and_a_panic() {
    let (mut talker, identity) = busy(&[]);
    let threads = || {
        let names = std::fs::read_dir(format!("/proc/{}/task", identity.pid)).unwrap();
        names.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>()
    };
    let usage = || {
        let each = threads().into_iter().filter_map(|thread| {
            std::fs::read_to_string(format!("/proc/{}/task/{}/schedstat", identity.pid, thread.display()))
                .ok()
        });
        each.collect::<Vec<_>>()
    };
    let still = hold(&identity, PATIENCE, |held| {
        assert!(held.program_counters().count() >= 5);
        let before = (threads(), usage());
        (0..2_000).for_each(|_| std::thread::yield_now());
        Ok(before == (threads(), usage()))
    });
    assert_eq!(still.unwrap(), Some(true));
    let error = hold(&identity, PATIENCE, |held| {
        held.call("open nothing", libc::SYS_open, &[Argument::Bytes(b"/nothing/there\0"), 0.into(), 0.into()])
    });
    assert!(error.unwrap_err().with_causes().contains("open nothing"), "the kernel's answer is passed on");
    let panic = std::panic::catch_unwind(|| hold::<()>(&identity, PATIENCE, |_| panic!("in the middle")));
    assert!(panic.is_err());
    let counted = noticed(&mut talker, "counted");
    while noticed(&mut talker, "counted") == counted {}
    assert_eq!(noticed(&mut talker, "interrupted"), 0);
}

#[test]
fn memory_is_read_and_written_and_what_is_called_may_read_our_bytes() {
    let (_talker, identity) = busy(&["few"]);
    let done = hold(&identity, PATIENCE, |held| {
        let page = held.call(
            "map a page",
            libc::SYS_mmap,
            &[0.into(), 4096.into(), 3.into(), 0x22.into(), u64::MAX.into(), 0.into()],
        )?;
        held.memory().write(page, b"written")?;
        let mut read = [0; 7];
        assert!(held.memory().read(page, &mut read)?);
        assert_eq!(&read, b"written");
        let path = format!("/proc/{}/exe\0", identity.pid);
        let arguments = [Argument::Bytes(path.as_bytes()), page.into(), 4096.into()];
        let length = held.call("read a link", libc::SYS_readlink, &arguments)?;
        let mut link = vec![0; usize::try_from(length).unwrap()];
        assert!(held.memory().read(page, &mut link)?);
        held.call("unmap it", libc::SYS_munmap, &[page.into(), 4096.into()])?;
        assert!(!held.memory().read(page, &mut read)?, "nothing is mapped there any more");
        Ok(String::from_utf8(link).unwrap())
    });
    assert_eq!(done.unwrap().unwrap(), program("busy").canonicalize().unwrap().display().to_string());
}

#[test]
fn whoever_cannot_be_held_is_told_and_goes_on() {
    let (mut talker, identity) = busy(&["few"]);
    let nobody = ProcessIdentity { start_time: identity.start_time + 1, ..identity.clone() };
    assert_eq!(hold(&nobody, PATIENCE, |_| Ok(())).unwrap(), None);
    assert_eq!(obstacle(&nobody).unwrap(), None);
    assert_eq!(obstacle(&identity).unwrap(), Some(None));
    hold(&identity, PATIENCE, |_| {
        let by = std::process::id();
        assert_eq!(obstacle(&identity).unwrap(), Some(Some(Obstacle::Traced { by })));
        let twice = hold(&identity, PATIENCE, |_| Ok(())).unwrap_err().with_causes();
        assert!(twice.ends_with(&format!("process {by} traces it")), "{twice}");
        Ok(())
    })
    .unwrap();
    let counted = noticed(&mut talker, "counted");
    while noticed(&mut talker, "counted") == counted {}

    let mut waiting = Talker::start(&program("vfork"), &[]);
    assert_eq!(waiting.hear(), "waiting");
    let waits = identify(waiting.pid()).unwrap().unwrap();
    let late = hold(&waits, Duration::from_millis(50), |_| Ok(())).unwrap_err().with_causes();
    assert!(late.contains("did not stand still in time"), "{late}");
    assert_eq!(waiting.hear(), "done");
    assert_eq!(hold(&waits, PATIENCE, process_number).unwrap(), Some(u64::from(waits.pid)));
}

#[test]
fn after_a_call_that_takes_too_long_there_is_no_other_one_and_its_thread_goes_on_unharmed() {
    let (mut talker, identity) = busy(&["few"]);
    // Two tenths of a second, as seconds and nanoseconds.
    let time = [0_u64.to_ne_bytes(), 200_000_000_u64.to_ne_bytes()].concat();
    let patience = Duration::from_millis(100);
    hold(&identity, patience, |held| {
        let arguments = [Argument::Bytes(&time), 0.into()];
        let late = held.call("sleep", libc::SYS_nanosleep, &arguments).unwrap_err().with_causes();
        assert!(late.contains("in time"), "{late}");
        let other = process_number(held);
        assert!(matches!(other, Err(LinuxError::Gone { .. })), "{other:?}");
        Ok(())
    })
    .unwrap();
    assert_eq!(hold(&identity, PATIENCE, process_number).unwrap(), Some(u64::from(identity.pid)));
    let (counted, slept) = (noticed(&mut talker, "counted"), noticed(&mut talker, "slept"));
    while noticed(&mut talker, "counted") == counted || noticed(&mut talker, "slept") == slept {}
    assert_eq!(noticed(&mut talker, "wrong"), 0);
}

/// Not a test by itself: holds a process again and again until it is killed.
#[test]
fn role_of_a_tracer() {
    let Ok(pid) = std::env::var("TRACE_UNTIL_KILLED") else { return };
    let identity = identify(pid.parse().unwrap()).unwrap().unwrap();
    loop {
        hold(&identity, PATIENCE, process_number).unwrap();
    }
}

#[test]
fn when_the_tracer_is_killed_the_process_goes_on_unharmed() {
    let (mut talker, identity) = busy(&[]);
    for round in 0..60 {
        #[expect(clippy::disallowed_methods, reason = "a tracer to kill")]
        let mut tracer = Command::new(std::env::current_exe().unwrap());
        tracer
            .args(["--exact", "role_of_a_tracer", "--nocapture"])
            .env("TRACE_UNTIL_KILLED", identity.pid.to_string());
        let mut tracer = tracer.stdout(Stdio::null()).spawn().unwrap();
        let traced = || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", identity.pid)).unwrap();
            !status.contains("TracerPid:\t0\n")
        };
        while !traced() {
            assert_eq!(tracer.try_wait().unwrap(), None, "it holds until it is killed");
        }
        // At another moment each time.
        (0..round * 37 % 400).for_each(|_| std::thread::yield_now());
        tracer.kill().unwrap();
        tracer.wait().unwrap();
        assert!(!traced());
        let (counted, slept) = (noticed(&mut talker, "counted"), noticed(&mut talker, "slept"));
        while noticed(&mut talker, "counted") == counted || noticed(&mut talker, "slept") == slept {}
    }
    for name in ["wrong", "interrupted"] {
        assert_eq!(noticed(&mut talker, name), 0, "{name}");
    }
    assert_eq!(hold(&identity, PATIENCE, process_number).unwrap(), Some(u64::from(identity.pid)));
}
