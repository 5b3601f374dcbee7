//! Every property holds for the seeds, and for seeds that were cut, joined and changed. The fuzz targets search further.

use std::panic::{AssertUnwindSafe, catch_unwind};

use proptest::{prelude::*, sample::Index, test_runner::TestRunner};
use steadfast_properties::{TARGETS, Target, seeds};

fn target(name: &str) -> Target {
    *TARGETS.iter().find(|target| target.name == name).expect("it is a target")
}

#[track_caller]
fn assert_holds(target: Target, name: &str, bytes: &[u8]) {
    if catch_unwind(AssertUnwindSafe(|| (target.holds)(bytes))).is_err() {
        panic!("{} does not hold for {name}: {:?}", target.name, String::from_utf8_lossy(bytes));
    }
}

/// One change: where, how many bytes go, and what comes instead.
fn change() -> impl Strategy<Value = (Index, usize, Vec<u8>)> {
    let few = prop_oneof![Just(0_usize), 0..4_usize, 0..60_usize];
    let put = prop_oneof![
        Just(Vec::new()),
        "[-a-z0-9:\\[\\]{},&*!|>'\"%@?#$ \r\n\té]{0,8}".prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..6),
    ];
    (any::<Index>(), few, put)
}

fn holds_for_changed_seeds(name: &str, cases: u32) {
    let (target, seeds) = (target(name), seeds(name));
    for (name, bytes) in &seeds {
        assert_holds(target, name, bytes);
    }
    // What hangs takes some seconds each time.
    let max_shrink_time = 60_000;
    let config =
        ProptestConfig { cases, failure_persistence: None, max_shrink_time, ..ProptestConfig::default() };
    let strategy = (
        any::<Index>(),
        prop::collection::vec(change(), 0..4),
        prop::option::weighted(0.2, (any::<Index>(), any::<Index>())),
    );
    let ran = TestRunner::new(config).run(&strategy, |(seed, changes, joined)| {
        let mut bytes = seed.get(&seeds).1.clone();
        for (at, length, put) in changes {
            let at = at.index(bytes.len() + 1);
            let end = (at + length).min(bytes.len());
            bytes.splice(at..end, put);
        }
        if let Some((other, at)) = joined {
            let other = &other.get(&seeds).1;
            bytes.extend_from_slice(&other[at.index(other.len() + 1)..]);
        }
        assert_holds(target, "a changed seed", &bytes);
        Ok(())
    });
    if let Err(why) = ran {
        panic!("{why}");
    }
}

#[test]
fn documents_hold() {
    holds_for_changed_seeds("document", 400);
}

#[test]
fn slos_hold() {
    holds_for_changed_seeds("openslo", 400);
}

#[test]
fn pages_hold() {
    holds_for_changed_seeds("scrape", 1_000);
}

#[test]
fn requests_hold() {
    holds_for_changed_seeds("http1", 400);
}

#[test]
fn frames_hold() {
    holds_for_changed_seeds("http2", 300);
}

#[test]
fn verdicts_hold() {
    holds_for_changed_seeds("verdict", 400);
}

#[test]
fn messages_hold() {
    holds_for_changed_seeds("dns_message", 4_000);
}

/// A property that lets everything pass would find nothing: most seeds are read, not refused.
#[test]
fn seeds_reach_what_they_are_for() {
    let read = |name: &str, works: fn(&str) -> bool| {
        let seeds = seeds(name);
        let good = seeds.iter().filter(|(_, bytes)| works(&String::from_utf8_lossy(bytes))).count();
        (good, seeds.len())
    };
    let (good, _) = read("document", |text| {
        steadfast_experiment::read(text, "seed", &steadfast_experiment::ReadOptions::default()).is_ok()
    });
    assert!(good >= 20, "{good} documents");
    let (good, _) = read("document", |text| steadfast_experiment::binding::read(text).is_ok());
    assert!(good >= 1, "{good} bindings");
    let (good, all) = read("openslo", |text| steadfast_slo::read_slos(text).is_ok());
    assert!(good >= 4, "{good} of {all} SLOs");
    let reach = |(_, frames): &(String, Vec<u8>)| steadfast_properties::http2::carried(frames) > 0;
    let good = seeds("http2").iter().filter(|seed| reach(seed)).count();
    assert!(good >= 5, "{good} seeds of frames reach the server");
    let (good, _) = read("verdict", |text| {
        serde_json::from_str(text).is_ok_and(|increments| steadfast_analysis::judge(&increments).is_ok())
    });
    assert!(good >= 4, "{good} verdicts");
    let is_question = |bytes: &[u8]| steadfast_names::message::Question::read(bytes).is_some();
    assert_eq!(seeds("dns_message").iter().filter(|(_, bytes)| is_question(bytes)).count(), 5);
}

#[test]
fn every_property_has_a_fuzz_target() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/targets");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<String> =
        entries.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect();
    let mut names = TARGETS.map(|target| target.name.to_owned());
    files.sort();
    names.sort();
    assert_eq!(files, names);
    let manifest = include_str!("../../../fuzz/Cargo.toml");
    assert!(names.iter().all(|name| manifest.contains(&format!("name = \"{name}\""))));
}
