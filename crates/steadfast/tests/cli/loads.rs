//! `steadfast load`, as people type it.

use std::time::{Duration, Instant};

use crate::support::{Place, Service};

#[test]
fn a_load_is_sent_and_told_with_its_own_error() {
    let (place, service) = (Place::new(), Service::new());
    let url = service.url("/");
    let typed =
        ["load", &url, "--rate", "100/s", "--for", "2s", "--arrivals", "constant", "--output", "json"];
    let told = place.run(&typed).expect(0).json();
    let count = |key: &str| told[key].as_u64().unwrap();
    assert!((190..=201).contains(&count("due")), "{told:#}");
    assert_eq!((count("good"), count("bad")), (count("due"), 0), "{told:#}");
    assert_eq!(service.served(), count("sent"));
    for part in ["latencyMicros", "lateStartMicros"] {
        let (p50, p99) = (told[part]["p50"].as_u64().unwrap(), told[part]["p99"].as_u64().unwrap());
        assert!(0 < p50 && p50 <= p99 && p99 <= told[part]["max"].as_u64().unwrap(), "{told:#}");
    }
    assert!(told["lateStartMicros"]["p50"].as_u64() <= told["latencyMicros"]["p50"].as_u64(), "{told:#}");
    assert!(!place.state().exists(), "it needs no state");
}

#[test]
fn what_is_bad_is_told_with_its_cause_and_the_exit_code_says_so() {
    let (place, mut service) = (Place::new(), Service::new());
    let short = ["--rate", "50/s", "--for", "1s"];
    let url = service.url("/");
    let typed = |more: &[&str]| place.run(&[&["load", &url][..], &short, more].concat());
    typed(&["--expect", "404"]).expect(1).says("status 200").says("100 %");
    typed(&["--expect", "404", "--expect", "2xx"]).expect(0).says("late start");
    typed(&["--expect", "404", "--tolerate", "100%"]).expect(0);
    service.die();
    place
        .run(&[&["load", &url][..], &short].concat())
        .expect(1)
        .says("connection refused")
        .never_says("latency");
}

#[test]
fn a_stalled_service_does_not_hold_up_the_load() {
    let (place, service) = (Place::new(), Service::new());
    let url = service.url("/hang");
    let typed = [
        "load",
        &url,
        "--rate",
        "100/s",
        "--for",
        "2s",
        "--deadline",
        "300ms",
        "--connections",
        "10",
        "--output",
        "json",
    ];
    let told = place.run(&typed).expect(1).json();
    // Nobody waits for an answer before the next one is due: ten hang, the others are due all the same and count.
    assert!(told["due"].as_u64().unwrap() > 140, "{told:#}");
    assert!(told["timedOut"].as_u64().unwrap() > 0 && told["unsent"].as_u64().unwrap() > 0, "{told:#}");
    assert_eq!(told["good"], 0);
    assert!(told["latencyMicros"]["p50"].as_u64().unwrap() >= 300_000, "{told:#}");
}

#[test]
fn a_service_that_hangs_at_the_end_is_waited_for_and_is_bad() {
    let (place, service) = (Place::new(), Service::new());
    let url = service.url("/hang");
    let typed = [
        "load",
        &url,
        "--rate",
        "20/s",
        "--for",
        "1s",
        "--deadline",
        "5s",
        "--tolerate",
        "50%",
        "--output",
        "json",
    ];
    let told = place.run(&typed).expect(1).json();
    assert_eq!((&told["undecided"], &told["timedOut"]), (&0.into(), &told["due"]), "{told:#}");
}

#[test]
fn a_person_can_end_it_and_still_gets_the_summary() {
    let (place, service) = (Place::new(), Service::new());
    let url = service.url("/");
    let begun = Instant::now();
    let load = place.start(&["load", &url, "--rate", "50/s", "--for", "1h"]);
    crate::support::wait_until("requests arrive", Duration::from_secs(20), || service.served() > 5);
    load.signal(rustix::process::Signal::INT);
    load.wait().expect(3).says("good").says("late start");
    assert!(begun.elapsed() < Duration::from_secs(60));
}

#[test]
fn headers_bodies_and_secrets_are_sent_and_never_shown() {
    let (place, service) = (Place::new(), Service::new());
    let url = service.url("/");
    let typed = [
        "load",
        &url,
        "--rate",
        "20/s",
        "--for",
        "1s",
        "--method",
        "POST",
        "--body",
        "{}",
        "--header",
        "X-Team: payments",
        "--secret-header",
        "authorization=env:TOKEN",
    ];
    place.run(&typed).expect(4).says("TOKEN");
    let mut command = place.command(&typed);
    command.env("TOKEN", "hunter2");
    place.start_command(command).wait().expect(0).never_says("hunter2");
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    let (place, service) = (Place::new(), Service::new());
    let url = service.url("/");
    let refused = |more: &[&str], why: &str| {
        place.run(&[&["load", &url][..], more].concat()).expect(64).says(why);
    };
    refused(&["--rate", "100/s"], "--for");
    refused(&["--rate", "fast", "--for", "1s"], "is not a rate");
    refused(&["--rate", "30000/s", "--for", "1s"], "more than 20000/s");
    refused(&["--rate", "1/s", "--for", "0s"], "no time is too short");
    refused(&["--rate", "1/s", "--for", "1s", "--expect", "9xx"], "is no status");
    refused(&["--rate", "1/s", "--for", "1s", "--header", "nonsense"], "NAME: VALUE");
    place.run(&["load", "ftp://x/", "--rate", "1/s", "--for", "1s"]).expect(64).says("http:// or https://");
    assert_eq!(service.served(), 0);
}
