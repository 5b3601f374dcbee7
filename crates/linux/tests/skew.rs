//! Real processes that are told another time, and what they were told before and after.

use std::time::Duration;

use steadfast_linux::{
    identify, process_state,
    skew::{plan, put_in_place, status, take_back},
    trace::mappings,
};
use steadfast_model::{
    InjectionId, ProcessIdentity,
    process::ProcessState,
    skew::{ClockFamily, ClockPatch, Skew},
};
use steadfast_testkit::{Talker, number_in};

const HOUR: f64 = 3_600_000.0;

fn start() -> (Talker, ProcessIdentity) {
    let talker = Talker::clocks();
    let identity = identify(talker.pid()).unwrap().unwrap();
    (talker, identity)
}

fn skew(clocks: &[ClockFamily], offset: &str, drift_ppm: f64) -> Skew {
    Skew { clocks: clocks.to_vec(), offset: offset.parse().unwrap(), drift_ppm }
}

fn put(process: &ProcessIdentity, skew: &Skew) -> (ClockPatch, Duration) {
    let patch = plan(process, skew, InjectionId::new()).unwrap().unwrap();
    let stopped = put_in_place(process, &patch, skew).unwrap().unwrap();
    (patch, stopped)
}

/// Whether clocks are off by so many milliseconds, and no others. Reading them takes a moment; coarse ones lag behind.
fn check(said: &str, off: f64, wrong: &[&str]) {
    let coarse = ["coarse", "ticks"];
    for name in ["realtime", "coarse", "tai", "monotonic", "raw", "ticks", "boottime", "cpu", "day", "thread"]
    {
        let expected = if wrong.contains(&name) { off } else { 0.0 };
        let slack = if coarse.contains(&name) { 50.0 } else { 40.0 };
        let found = number_in(said, name);
        assert!((found - expected).abs() < slack, "{name} is off by {found}, not {expected}: {said}");
    }
    let expected = if wrong.contains(&"day") { off } else { 0.0 };
    let seconds = number_in(said, "time") - expected;
    assert!((-1_050.0..50.0).contains(&seconds), "time() is off by {seconds}: {said}");
    assert_eq!(number_in(said, "stored"), 1.0, "{said}");
    assert!(!said.contains("broken"), "{said}");
}

const REALTIME: &[&str] = &["realtime", "coarse", "tai", "day", "thread"];
const MONOTONIC: &[&str] = &["monotonic", "raw", "ticks", "boottime"];

/// The whole vDSO, and what is mapped.
fn image(process: &ProcessIdentity) -> (Vec<u8>, Vec<String>) {
    let mappings = mappings(process.pid).unwrap().unwrap();
    let vdso = mappings.iter().find(|mapping| mapping.name == "[vdso]").unwrap();
    let memory = std::fs::File::open(format!("/proc/{}/mem", process.pid)).unwrap();
    let mut image = vec![0; usize::try_from(vdso.end - vdso.start).unwrap()];
    std::os::unix::fs::FileExt::read_exact_at(&memory, &mut image, vdso.start).unwrap();
    (image, mappings.iter().map(|mapping| format!("{:x} {}", mapping.start, mapping.rights)).collect())
}

/// How many bytes at its end are zeros.
fn free_bytes(image: &[u8]) -> usize {
    image.iter().rev().take_while(|byte| **byte == 0).count()
}

#[test]
fn all_threads_are_told_another_time_and_then_the_right_one_again() {
    let (mut talker, identity) = start();
    check(&talker.ask("now"), 0.0, &[]);
    let (before, mapped) = image(&identity);
    for (offset, off) in [("-1h", -HOUR), ("+90s", 90_000.0), ("250ms", 250.0)] {
        let (patch, _) = put(&identity, &skew(&[ClockFamily::Realtime], offset, 0.0));
        check(&talker.ask("now"), off, REALTIME);
        let told = status(&identity, patch.injection).unwrap().unwrap().told.unwrap();
        assert!(told > 0);
        assert_eq!(status(&identity, InjectionId::new()).unwrap().unwrap().told, None);
        assert!(plan(&identity, &skew(&[ClockFamily::Realtime], "1s", 0.0), InjectionId::new()).is_err());
        take_back(&identity, &patch).unwrap();
        take_back(&identity, &patch).unwrap();
        assert_eq!(status(&identity, patch.injection).unwrap().unwrap().told, None);
        check(&talker.ask("now"), 0.0, &[]);
        let (after, mapped_after) = image(&identity);
        // Up to where the instructions stand, behind the end of the library.
        let library = before.len() - free_bytes(&before);
        assert!(before[..library] == after[..library], "the library is what it was");
        assert_eq!(mapped, mapped_after, "nothing is mapped for it");
    }
    assert_eq!(number_in(&talker.ask("now"), "backwards"), 0.0, "what was not asked for moves on");
}

#[test]
fn it_stands_still_for_a_moment_only() {
    let (_talker, identity) = start();
    let wanted = skew(&[ClockFamily::Realtime], "+1h", 0.0);
    let stop = || {
        let (patch, stopped) = put(&identity, &wanted);
        take_back(&identity, &patch).unwrap();
        stopped
    };
    // On a busy machine somebody else may run in the middle of one.
    let mut stops = (0..40).map(|_| stop());
    assert!(stops.any(|stop| stop.as_millis() < 10), "none of 40 was quicker than 10 ms");
}

#[test]
fn a_thread_that_counts_late_does_not_forbid_the_next_skew() {
    let (mut talker, identity) = start();
    let (patch, _) = put(&identity, &skew(&[ClockFamily::Realtime], "+1h", 0.0));
    take_back(&identity, &patch).unwrap();
    // What a thread does that was in the middle of the instructions.
    let memory = std::fs::OpenOptions::new().write(true).open(format!("/proc/{}/mem", identity.pid)).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&memory, &u64::MAX.to_le_bytes(), patch.counter).unwrap();
    let (patch, _) = put(&identity, &skew(&[ClockFamily::Realtime], "+1h", 0.0));
    check(&talker.ask("now"), HOUR, REALTIME);
    let told = status(&identity, patch.injection).unwrap().unwrap().told.unwrap();
    assert!(told < u64::MAX / 2, "it is counted from the start");
    take_back(&identity, &patch).unwrap();
}

#[test]
fn monotonic_clocks_only_when_asked_and_never_before_they_began() {
    let (mut talker, identity) = start();
    let (patch, _) = put(&identity, &skew(&[ClockFamily::Monotonic], "+1h", 0.0));
    check(&talker.ask("now"), HOUR, MONOTONIC);
    take_back(&identity, &patch).unwrap();
    check(&talker.ask("now"), 0.0, &[]);
    let early = plan(&identity, &skew(&[ClockFamily::Monotonic], "-8000h", 0.0), InjectionId::new());
    assert!(early.unwrap_err().with_causes().contains("before they began"));
}

#[test]
fn a_clock_that_drifts_gains_with_time() {
    let (mut talker, identity) = start();
    // Half as fast again.
    let both = [ClockFamily::Realtime, ClockFamily::Monotonic];
    let (patch, _) = put(&identity, &skew(&both, "0", 500_000.0));
    let mut gained = || {
        let said = talker.ask("now");
        let gained = ["realtime", "monotonic", "boottime", "tai", "day"].map(|name| number_in(&said, name));
        let spread = gained.iter().fold(0.0_f64, |most, one| most.max((one - gained[0]).abs()));
        assert!(spread < 60.0, "all drift alike: {said}");
        gained[0]
    };
    let begun = std::fs::read_to_string("/proc/uptime").unwrap();
    let first = gained();
    while gained() < first + 300.0 {}
    let ended = std::fs::read_to_string("/proc/uptime").unwrap();
    let seconds = |text: &str| text.split(' ').next().unwrap().parse::<f64>().unwrap() * 1e3;
    let passed = seconds(&ended) - seconds(&begun);
    assert!((passed - 600.0).abs() < 100.0, "300 ms are gained in 600 ms, not in {passed}");
    take_back(&identity, &patch).unwrap();
    check(&talker.ask("now"), 0.0, &[]);
}

fn pause() -> bool {
    #[expect(clippy::disallowed_methods, reason = "nothing tells when it is so")]
    std::thread::sleep(Duration::from_millis(1));
    false
}

#[test]
fn a_forked_child_is_told_the_same_and_freed_with_its_parent_or_without() {
    for parent_lives in [true, false] {
        let (mut talker, identity) = start();
        let (patch, _) = put(&identity, &skew(&[ClockFamily::Realtime], "+1h", 0.0));
        let child: u32 = talker.ask("fork").parse().unwrap();
        let off = number_in(&talker.ask("child"), "realtime");
        assert!((off - HOUR).abs() < 40.0, "{off}");
        let child = identify(child).unwrap().unwrap();
        assert!(status(&child, patch.injection).unwrap().unwrap().told.unwrap() > 0);
        if parent_lives {
            take_back(&identity, &patch).unwrap();
            let off = number_in(&talker.ask("child"), "realtime");
            assert!(off.abs() < 40.0, "{off}");
            check(&talker.ask("now"), 0.0, &[]);
        } else {
            // The child outlives its parent for a moment only, so it is held back.
            rustix::process::kill_process(
                rustix::process::Pid::from_raw(child.pid.cast_signed()).unwrap(),
                rustix::process::Signal::STOP,
            )
            .unwrap();
            drop(talker);
            take_back(&identity, &patch).unwrap();
            assert_eq!(status(&child, patch.injection).unwrap().unwrap().told, None);
            // Whoever is let go by a tracer runs for a moment before it stops again.
            let stopped = || process_state(&child).unwrap() == ProcessState::Stopped;
            assert!((0..1_000).any(|_| stopped() || pause()), "it stays stopped");
            rustix::process::kill_process(
                rustix::process::Pid::from_raw(child.pid.cast_signed()).unwrap(),
                rustix::process::Signal::KILL,
            )
            .unwrap();
        }
    }
}

#[test]
fn another_program_and_an_ended_process_need_nothing() {
    let (mut talker, identity) = start();
    let (patch, _) = put(&identity, &skew(&[ClockFamily::Realtime], "+1h", 0.0));
    // It starts again: the same process with a vDSO elsewhere.
    talker.tell("exec");
    check(&talker.ask("now"), 0.0, &[]);
    assert_eq!(status(&identity, patch.injection).unwrap().unwrap().told, None);
    take_back(&identity, &patch).unwrap();
    drop(talker);
    take_back(&identity, &patch).unwrap();
    assert_eq!(status(&identity, patch.injection).unwrap(), None);
    let all = skew(&[ClockFamily::Realtime], "+1h", 0.0);
    assert_eq!(plan(&identity, &all, InjectionId::new()).unwrap(), None);
    assert_eq!(put_in_place(&identity, &patch, &all).unwrap(), None);
}
