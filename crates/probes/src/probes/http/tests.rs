use std::time::Duration as StdDuration;

use futures_util::FutureExt;

use super::*;
use crate::world::fake::FakeWorld;

fn probe(document: &str) -> Http {
    serde_json::from_str(document).unwrap()
}

fn world() -> FakeWorld {
    let mut world = FakeWorld::new();
    world.services.insert("risk".to_owned(), "http://127.0.0.1:7000".to_owned());
    world
}

fn look(watch: &mut dyn Watch, world: &FakeWorld) -> Result<Counted, ProbeError> {
    watch.look(world).now_or_never().expect("the fake world never waits")
}

/// What the second look counts, after a first that saw a good answer.
fn second_look(document: &str, script: impl Fn(&FakeWorld)) -> Counted {
    let (probe, world) = (probe(document), world());
    let mut watch = probe.watch();
    (0..probe.times).for_each(|_| script(&world));
    assert_eq!(look(watch.as_mut(), &world).unwrap().increment, Increment::default());
    (0..probe.times).for_each(|_| script(&world));
    look(watch.as_mut(), &world).unwrap()
}

#[test]
fn an_answer_as_expected_is_one_good_event() {
    let counted = second_look(r#"{ "service": "risk" }"#, |world| world.answer(204, ""));
    assert_eq!(counted, Counted { increment: Increment { bad: 0, total: 1 }, note: None, spans_gap: false });
}

#[test]
fn whatever_is_wrong_with_an_answer_makes_it_bad_and_is_said() {
    let json = r#"{ "service": "risk", "expect": { "body": { "json": { "pointer": "/status", "equals": "ok" } } } }"#;
    let text =
        r#"{ "service": "risk", "expect": { "body": { "contains": "ready" }, "latencyBelow": "100ms" } }"#;
    let slow = StdDuration::from_millis(100);
    type Script = fn(&FakeWorld);
    let cases: [(&str, Script, &str); 8] = [
        (json, |world| world.answer(500, "{}"), "status 500 instead of 2xx"),
        (json, |world| world.answer(301, "{}"), "status 301"),
        (json, |world| world.answer(200, "<!doctype html>"), "web page (HTML), not JSON"),
        (json, |world| world.answer(200, "NaN"), "not JSON"),
        (json, |world| world.answer(200, "{}"), "nothing at `/status`"),
        (json, |world| world.answer(200, r#"{"status":"down"}"#), "not \"ok\""),
        (text, |world| world.answer(200, "not yet"), "does not contain `ready`"),
        (text, |world| world.fail("no answer within 2s"), "no answer within 2s"),
    ];
    for (document, script, expected) in cases {
        let counted = second_look(document, script);
        assert_eq!(counted.increment, Increment { bad: 1, total: 1 }, "{expected}");
        let note = counted.note.unwrap();
        assert!(note.contains(expected), "{note}");
    }
    let counted = second_look(text, |world| world.answer_after(slow, 200, "all ready"));
    assert_eq!(counted.note.as_deref(), Some("answered after 100 ms, not below 100ms"));
    let counted = second_look(text, |world| world.answer_after(slow / 2, 200, "all ready"));
    assert_eq!(counted.increment.bad, 0);
}

#[test]
fn numbers_in_a_body_are_equal_by_value() {
    let document =
        r#"{ "service": "risk", "expect": { "body": { "json": { "pointer": "", "equals": {"n": [1]} } } } }"#;
    assert_eq!(second_look(document, |world| world.answer(200, r#"{"n":[1.0]}"#)).increment.bad, 0);
    assert_eq!(second_look(document, |world| world.answer(200, r#"{"n":[2]}"#)).increment.bad, 1);
}

#[test]
fn several_requests_a_look_are_several_events() {
    let (probe, world) = (probe(r#"{ "service": "risk", "path": "/a", "times": 3 }"#), world());
    let mut watch = probe.watch();
    for status in [200, 200, 200, 200, 503, 502] {
        world.answer(status, "");
    }
    look(watch.as_mut(), &world).unwrap();
    let counted = look(watch.as_mut(), &world).unwrap();
    assert_eq!(counted.increment, Increment { bad: 2, total: 3 });
    assert_eq!(counted.note.as_deref(), Some("2 of 3, the first: status 503 instead of 2xx"));
    assert_eq!(world.asked().len(), 6);
    assert!(world.asked().iter().all(|request| request.url == "http://127.0.0.1:7000/a"));
}

#[test]
fn what_says_nothing_about_the_service_is_a_gap() {
    let mut watch = probe(r#"{ "service": "unknown" }"#).watch();
    assert!(look(watch.as_mut(), &world()).is_err());
    let headers = r#"{ "service": "risk", "headers": { "authorization": { "secret": { "env": "NONE" } } } }"#;
    assert!(look(probe(headers).watch().as_mut(), &world()).is_err());
}

#[test]
fn what_this_machine_lacks_is_a_gap_and_not_the_services_fault() {
    let (probe, world) = (probe(r#"{ "service": "risk", "times": 3 }"#), world());
    let mut watch = probe.watch();
    world.fail_ours("no more descriptors");
    (0..2).for_each(|_| world.answer(200, ""));
    let error = look(watch.as_mut(), &world).unwrap_err();
    assert!(error.ours && error.to_string().contains("no more descriptors"), "{error}");
    (0..2).for_each(|_| world.answer(503, ""));
    world.fail_ours("no more ports");
    assert!(look(watch.as_mut(), &world).is_err(), "one that could not be sent is enough");
    (0..2).for_each(|_| world.answer(200, ""));
    world.fail("connection refused");
    let counted = look(watch.as_mut(), &world).unwrap();
    assert_eq!(counted.increment, Increment { bad: 1, total: 3 }, "the service's fault counts");
}

#[test]
fn all_that_is_wrong_with_a_probe_is_said_at_once() {
    let mut problems = Problems::new();
    probe(
        r#"{ "service": "a", "url": "http://b", "method": "", "timeout": "0s", "times": 0,
             "expect": { "latencyBelow": "1s", "body": { "json": { "pointer": "status", "equals": 1 } } } }"#,
    )
    .check(&mut problems);
    assert_eq!(problems.all().len(), 6, "{problems:#?}");
}

#[test]
fn the_description_shows_no_query() {
    let probe = probe(r#"{ "url": "http://x/a?key=1", "expect": { "latencyBelow": "1s" } }"#);
    assert_eq!(probe.describe(), "GET http://x/a: bad unless status 2xx, below 1s, answered within 2s");
}
