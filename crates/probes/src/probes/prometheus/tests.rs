mod values;

use futures_util::FutureExt;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{Counted, ProbeError, world::fake::FakeWorld};

const RATIO: &str = r#"{ "ratio": { "bad": "requests_total{code=~\"5..\"}", "total": "requests_total" } }"#;
const GOOD: &str = r#"{ "ratio": { "good": "requests_total{code=\"200\"}", "total": "requests_total" } }"#;
const QUEUE: &str = r#"{ "value": { "query": "max(queue)", "atMost": 10 } }"#;
const STEPS: &str = r#"{ "value": { "query": "max(queue)", "atMost": 10, "every": "1s" } }"#;

fn probe(document: &str) -> Prometheus {
    serde_json::from_str(document).unwrap()
}

fn success(data: Value) -> String {
    json!({ "status": "success", "data": data }).to_string()
}

fn time(now: f64) -> String {
    success(json!({ "resultType": "scalar", "result": [now, now.to_string()] }))
}

fn vector(at: f64, values: &[(&str, f64)]) -> String {
    let series = |(i, value): &(&str, f64)| json!({ "metric": { "i": i }, "value": [at, value.to_string()] });
    success(json!({ "resultType": "vector", "result": values.iter().map(series).collect::<Vec<_>>() }))
}

/// What the only selector of a query reads at a moment: one series, whose newest sample is of another.
fn read(now: f64, newest: f64) -> String {
    vector(now, &[("0", newest), ("0n", 1.0)])
}

fn steps(values: &[(f64, f64)]) -> String {
    let values: Vec<Value> = values.iter().map(|(at, value)| json!([at, value.to_string()])).collect();
    success(json!({ "resultType": "matrix", "result": [{ "metric": {}, "values": values }] }))
}

/// Series by their code, each with one sample.
fn samples(at: f64, counts: &[(&str, f64)]) -> String {
    let series = |(code, count): &(&str, f64)| {
        let metric = json!({ "__name__": "requests_total", "code": code, "job": "g", "instance": "a:1" });
        json!({ "metric": metric, "values": [[at, count.to_string()]] })
    };
    success(json!({ "resultType": "matrix", "result": counts.iter().map(series).collect::<Vec<_>>() }))
}

/// When the only target was scraped.
fn up(at: f64) -> String {
    let metric = json!({ "__name__": "up", "job": "g", "instance": "a:1" });
    success(json!({ "resultType": "matrix", "result": [{ "metric": metric, "values": [[at, "1"]] }] }))
}

/// The four answers of a look at a ratio: the time, the scrape, all, and those with a 5xx code.
fn at(now: f64, counts: &[(&str, f64)]) -> Vec<String> {
    let failed: Vec<_> = counts.iter().copied().filter(|(code, _)| code.starts_with('5')).collect();
    let mut answers = vec![time(now), up(now - 0.2), samples(now - 0.2, counts), samples(now - 0.2, &failed)];
    // Where nothing failed, the name is asked for at the first look.
    if failed.is_empty() && now <= 1.0 {
        answers.push(vector(now, &[("", 1.0), ("code", 1.0)]));
    }
    answers
}

#[test]
fn a_part_that_can_never_be_found_is_a_gap_and_not_zero_failures() {
    let look = |asked: &[(&str, f64)]| {
        let mut answers = at(2.0, &[("200", 100.0)]);
        answers.push(vector(2.0, asked));
        answers
    };
    let error = last_error(RATIO, &[look(&[("", 3.0)])]);
    assert!(error.contains("`bad` cannot be counted: no series of that name has a label `code`"), "{error}");
    let error = last_error(RATIO, &[look(&[])]);
    assert!(error.contains("no metric `requests_total` where `total` is (if it appears only"), "{error}");
    let lazy = RATIO.replace("} }", ", \"absentIsZero\": true } }");
    assert_eq!(last(&lazy, &[look(&[])]), (0, 0, String::new()));
    assert!(last_error(&lazy, &[look(&[("", 3.0)])]).contains("has a label `code`"));
    // Once it is known it is not asked for again.
    assert_eq!(
        last(RATIO, &[look(&[("", 3.0), ("code", 3.0)]), at(3.0, &[("200", 104.0)])]),
        (0, 4, String::new())
    );
}

fn looks(document: &str, answers: &[Vec<String>]) -> Vec<Result<Counted, ProbeError>> {
    let world = FakeWorld::new();
    let mut watch = probe(document).watch();
    let mut look = |answers: &Vec<String>| {
        answers.iter().for_each(|answer| world.answer(200, answer.as_str()));
        if answers.is_empty() {
            world.fail("connection refused");
        }
        watch.look(&world).now_or_never().expect("the fake world never waits")
    };
    answers.iter().map(&mut look).collect()
}

fn last(document: &str, answers: &[Vec<String>]) -> (u64, u64, String) {
    let counted = looks(document, answers).pop().unwrap().unwrap();
    (counted.increment.bad, counted.increment.total, counted.note.unwrap_or_default())
}

fn last_error(document: &str, answers: &[Vec<String>]) -> String {
    let error = looks(document, answers).pop().unwrap().unwrap_err();
    format!("{error} ({})", error.hint.as_deref().unwrap_or_default())
}

#[test]
fn the_first_look_remembers_and_the_next_counts_what_happened_since() {
    let first = at(100.0, &[("200", 1_000.0), ("500", 50.0)]);
    assert_eq!(last(RATIO, std::slice::from_ref(&first)), (0, 0, String::new()));
    let second = at(101.0, &[("200", 1_090.0), ("500", 60.0)]);
    assert_eq!(last(RATIO, &[first, second]), (10, 100, String::new()));
}

#[test]
fn good_ones_are_counted_as_well_as_bad_ones() {
    let look = |now: f64, ok: f64, failed: f64| {
        let all = samples(now, &[("200", ok), ("500", failed)]);
        vec![time(now), up(now - 0.2), all, samples(now, &[("200", ok)])]
    };
    assert_eq!(last(GOOD, &[look(1.0, 0.0, 0.0), look(2.0, 90.0, 10.0)]), (10, 100, String::new()));
}

#[test]
fn the_first_failures_count_although_their_series_is_new() {
    let looks = [at(1.0, &[("200", 100.0)]), at(2.0, &[("200", 190.0), ("503", 7.0)])];
    assert_eq!(last(RATIO, &looks), (7, 97, String::new()));
}

#[test]
fn an_interval_without_a_new_scrape_is_a_gap_and_counted_with_the_next() {
    let stands = vec![time(2.0), up(0.8), samples(0.8, &[("200", 10.0)]), samples(0.8, &[])];
    let looks = looks(RATIO, &[at(1.0, &[("200", 10.0)]), stands, at(3.0, &[("200", 40.0)])]);
    let gap = looks[1].as_ref().unwrap_err();
    assert!(gap.cause.contains("job g at a:1 was not scraped since the last look"), "{gap}");
    assert!(gap.hint.as_ref().unwrap().contains("windows.interval"));
    let next = looks[2].as_ref().unwrap();
    assert_eq!(next.increment, steadfast_model::sample::Increment { bad: 0, total: 30 });
    assert!(next.note.as_ref().unwrap().contains("covers 1 interval more"));
    assert!(next.spans_gap && !looks[0].as_ref().unwrap().spans_gap);
}

#[test]
fn a_failure_born_in_an_interval_that_could_not_be_counted_is_counted_with_the_next() {
    let nothing = vec![time(1.0), up(0.9), samples(1.0, &[]), samples(1.0, &[])];
    let odd = at(2.0, &[("200", f64::NAN), ("500", 3.0)]);
    let looks = looks(RATIO, &[nothing, odd, at(3.0, &[("200", 10.0), ("500", 4.0)])]);
    assert!(looks[1].as_ref().unwrap_err().cause.contains("is NaN"));
    let next = looks[2].as_ref().unwrap();
    assert_eq!(next.increment, steadfast_model::sample::Increment { bad: 4, total: 14 });
}

#[test]
fn what_prometheus_has_not_heard_of_for_long_is_a_gap() {
    let mut old = vec![time(100.0), up(30.0), samples(30.0, &[("200", 10.0)]), samples(30.0, &[])];
    old.push(vector(100.0, &[("", 1.0), ("code", 1.0)]));
    let error = last_error(RATIO, &[old]);
    assert!(error.contains("is 70 s old"), "{error}");
    let error = last_error(QUEUE, &[vec![read(100.0, 30.0)]]);
    assert!(error.contains("no sample for 70 s"), "{error}");
}

#[test]
fn without_any_series_there_is_a_gap_and_never_a_zero() {
    let down = vec![time(1.0), samples(1.0, &[]), samples(1.0, &[]), samples(1.0, &[])];
    assert!(last_error(RATIO, &[down]).contains("no target that is up"));
    let nothing = vec![time(2.0), up(2.0), samples(2.0, &[]), samples(2.0, &[])];
    assert!(last_error(RATIO, &[at(1.0, &[("200", 1.0)]), nothing]).contains("no samples any more"));
    assert!(last_error(QUEUE, &[vec![vector(1.0, &[])]]).contains("nothing that it reads has a sample"));
    let vanished = [
        vec![vector(1.0, &[("0", 1.0), ("0n", 1.0), ("1", 1.0), ("1n", 1.0)]), vector(1.0, &[("", 1.0)])],
        vec![read(2.0, 2.0)],
    ];
    assert!(last_error(&QUEUE.replace("max(queue)", "a + b"), &vanished).contains("are gone"));
}

#[test]
fn series_that_appear_with_the_first_event_count_in_full_where_the_target_was_scraped() {
    let nothing = vec![time(1.0), up(0.9), samples(1.0, &[]), samples(1.0, &[])];
    let (bad, total, note) = last(RATIO, &[nothing.clone(), nothing.clone()]);
    assert_eq!((bad, total), (0, 0));
    assert!(note.contains("has a sample yet"), "{note}");
    assert_eq!(last(RATIO, &[nothing, at(2.0, &[("200", 40.0), ("500", 2.0)])]), (2, 42, String::new()));
}

#[test]
fn answers_that_are_none_are_gaps_with_a_hint() {
    for (status, body, expected) in [
        (200, "<html>", "web page (HTML)"),
        (404, "404 page not found", "status 404"),
        (401, "", "authorization"),
        (200, "{}", "cannot be read"),
        (200, r#"{"status":"success"}"#, "no data"),
        (422, r#"{"status":"error","errorType":"execution","error":"too many"}"#, "execution: too many"),
        (503, r#"{"status":"error","errorType":"timeout","error":"slow"}"#, "a longer `timeout`"),
        (200, r#"{"status":"success","data":{},"warnings":["store down"]}"#, "Prometheus warns: store down"),
    ] {
        let world = FakeWorld::new();
        world.answer(status, body);
        let error = probe(RATIO).watch().look(&world).now_or_never().unwrap().unwrap_err();
        let said = format!("{error} ({})", error.hint.as_deref().unwrap_or_default());
        assert!(said.contains(expected), "{said}");
        assert!(!error.ours);
    }
    assert!(last_error(RATIO, &[vec![]]).contains("connection refused"));
}

#[test]
fn what_is_beyond_the_limits_of_an_answer_is_read_over_and_takes_no_place() {
    let read = |body: String| {
        answer::read(&crate::world::HttpAnswer {
            status: 200,
            body: body.into(),
            content_type: None,
            took: std::time::Duration::ZERO,
        })
    };
    let one = r#"{"metric":{},"value":[1,"1"]},"#;
    // Past the limit stands what could not be kept.
    let all = format!("[{}{}0]", one.repeat(MOST_SERIES), "0,".repeat(100_000));
    for data in [
        format!(r#"{{ "resultType": "vector", "result": {all} }}"#),
        format!(r#"{{ "result": {all}, "resultType": "vector" }}"#),
    ] {
        let wrong = read(format!(r#"{{ "status": "success", "data": {data} }}"#)).unwrap_err();
        assert_eq!(wrong.cause, format!("these are more than {MOST_SERIES} series"));
    }
    let infos = format!("[{}0]", r#""hm","#.repeat(20));
    let body = format!(
        r#"{{ "status": "success", "infos": {infos}, "data": {{ "resultType": "scalar", "result": [1, "1"] }} }}"#
    );
    assert_eq!(read(body).unwrap().remarks.len(), 20);
}

#[test]
fn remarks_are_notes_and_the_request_carries_the_headers() {
    let mut world = FakeWorld::new();
    world.secrets.insert("AUTH".to_owned(), "Bearer s3cret".to_owned());
    world.services.insert("prom".to_owned(), "http://p:9090/base/".to_owned());
    let document = r#"{ "service": "prom", "headers": { "authorization": { "secret": { "env": "AUTH" } } },
        "value": { "query": "max(queue)", "atLeast": 1 } }"#;
    world.answer(200, read(1.0, 1.0));
    let remark = json!({ "status": "success", "infos": ["PromQL info: hm"], "data":
        { "resultType": "vector", "result": [{ "metric": {}, "value": [1, "3"] }] } });
    world.answer(200, remark.to_string());
    let counted = probe(document).watch().look(&world).now_or_never().unwrap().unwrap();
    assert_eq!(counted.note.as_deref(), Some("PromQL info: hm"));
    let asked = world.asked();
    assert_eq!(
        (asked[1].url.as_str(), asked[1].method.as_str()),
        ("http://p:9090/base/api/v1/query", "POST")
    );
    assert_eq!(asked[1].body.as_deref(), Some("query=max%28queue%29&timeout=2000ms"));
    assert_eq!(asked[1].headers[0].1.expose(), "Bearer s3cret");
}

#[test]
fn all_that_is_wrong_with_a_probe_is_said_at_once() {
    let check = |document: &str| {
        let mut problems = Problems::new();
        probe(document).check(&mut problems);
        problems.all().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    for sound in [RATIO, GOOD, QUEUE, STEPS] {
        assert_eq!(check(sound), Vec::<String>::new());
    }
    assert_eq!(check(r#"{ "timeout": "2m", "maxAge": "0s", "url": "http://x/?a" }"#).len(), 4);
    assert_eq!(check(r#"{ "ratio": { "total": "x" } }"#).len(), 1);
    assert_eq!(check(r#"{ "ratio": { "bad": "x", "total": "x" } }"#).len(), 1);
    let wrong = check(r#"{ "value": { "query": "rate(x)", "every": "1ms" } }"#);
    assert_eq!(wrong.len(), 3, "{wrong:?}");
    assert!(wrong[0].starts_with("value.query: this is no PromQL: "), "{wrong:?}");
    assert_eq!(check(r#"{ "value": { "query": "1 + 1", "atMost": 1, "atLeast": 2 } }"#).len(), 2);
    assert_eq!(check(r#"{ "value": { "query": "x[5m]", "atMost": 1 } }"#).len(), 1);
}

proptest! {
    #[test]
    fn no_answer_can_do_harm(body in "\\PC{0,200}", status in 100_u16..600) {
        let answer = crate::world::HttpAnswer { status, body: body.into_bytes(), content_type: None, took: std::time::Duration::ZERO };
        prop_assert!(answer::read(&answer).is_err());
    }

    #[test]
    fn no_matrix_can_do_harm(values in proptest::collection::vec((any::<f64>(), "\\PC{0,8}|NaN|[+-]Inf|[0-9.e-]{1,12}"), 0..6)) {
        let values: Vec<Value> = values.iter().map(|(at, value)| json!([at, value])).collect();
        let body = success(json!({ "resultType": "matrix", "result": [{ "metric": {}, "values": values }] }));
        let world = FakeWorld::new();
        let mut watch = probe(RATIO).watch();
        for _ in 0..2 {
            for answer in [time(5.0), body.clone(), body.clone(), body.clone()] {
                world.answer(200, answer);
            }
            if let Ok(counted) = watch.look(&world).now_or_never().unwrap() {
                prop_assert!(counted.increment.bad <= counted.increment.total);
            }
        }
    }
}
