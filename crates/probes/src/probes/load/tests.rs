use std::time::Duration as StdDuration;

use futures_util::FutureExt;

use super::*;
use crate::world::fake::FakeWorld;

fn probe(document: &str) -> Load {
    serde_json::from_str(document).unwrap()
}

fn look(watch: &mut dyn Watch, world: &FakeWorld) -> Result<Counted, ProbeError> {
    watch.look(world).now_or_never().expect("the fake world never waits")
}

#[test]
fn the_first_look_counts_nothing_and_later_ones_what_the_load_says() {
    let world = FakeWorld::new();
    let (first, second) = (Increment { bad: 1, total: 9 }, Increment { bad: 2, total: 100 });
    world.load("pay", [first, second]);
    let mut watch = probe(r#"{ "load": "pay", "good": { "within": "300ms" } }"#).watch();
    assert_eq!(look(watch.as_mut(), &world).unwrap().increment, Increment::default());
    assert_eq!(look(watch.as_mut(), &world).unwrap().increment, second);
    assert!(look(watch.as_mut(), &world).is_err());
    assert!(world.read().iter().all(|(load, _, good)| {
        load == "pay" && *good == LoadGood::Within(StdDuration::from_millis(300))
    }));
}

#[test]
fn the_only_load_needs_no_name_and_one_of_several_does() {
    let world = FakeWorld::new();
    world.load("pay", [Increment::default()]);
    assert!(look(probe("{}").watch().as_mut(), &world).is_ok());
    world.load("browse", []);
    assert!(look(probe("{}").watch().as_mut(), &world).is_err());
}

#[test]
fn two_watches_of_one_probe_read_for_themselves() {
    let world = FakeWorld::new();
    world.load("pay", [Increment::default(); 2]);
    let probe = probe(r#"{ "load": "pay", "good": "answered" }"#);
    look(probe.watch().as_mut(), &world).unwrap();
    look(probe.watch().as_mut(), &world).unwrap();
    let read = world.read();
    assert_ne!(read[0].1, read[1].1);
}

#[test]
fn an_empty_name_and_no_time_are_refused() {
    let mut problems = Problems::new();
    probe(r#"{ "load": "", "good": { "within": "0s" } }"#).check(&mut problems);
    assert_eq!(problems.all().len(), 2);
}
