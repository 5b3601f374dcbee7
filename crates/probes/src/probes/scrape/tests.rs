use futures_util::FutureExt;

use super::*;
use crate::{Counted, ProbeError, world::fake::FakeWorld};

const BAD: &str = r#"{ "url": "http://x/metrics", "ratio": { "bad": "requests_total{code=~\"5..\"}", "total": "requests_total" } }"#;
const GOOD: &str = r#"{ "url": "http://x/metrics", "ratio": { "good": "requests_total{code=\"200\"}", "total": "requests_total" } }"#;
const SLOW: &str = r#"{ "url": "http://x/metrics", "latency": { "histogram": "took_seconds{route=\"/pay\"}", "threshold": "300ms" } }"#;

fn probe(document: &str) -> Scrape {
    serde_json::from_str(document).unwrap()
}

/// What looks at these pages count, one after the other.
fn looks(document: &str, pages: &[&str]) -> Vec<Result<Counted, ProbeError>> {
    let world = FakeWorld::new();
    let mut watch = probe(document).watch();
    let mut look = |page: &&str| {
        if page.is_empty() {
            world.fail("connection refused")
        } else {
            world.answer(200, *page)
        }
        watch.look(&world).now_or_never().expect("the fake world never waits")
    };
    pages.iter().map(&mut look).collect()
}

/// The last of them: bad, total and note, or what went wrong.
fn last(document: &str, pages: &[&str]) -> (u64, u64, String) {
    let counted = looks(document, pages).pop().unwrap().unwrap();
    (counted.increment.bad, counted.increment.total, counted.note.unwrap_or_default())
}

fn last_error(document: &str, pages: &[&str]) -> String {
    let error = looks(document, pages).pop().unwrap().unwrap_err();
    format!("{error} ({})", error.hint.as_deref().unwrap_or_default())
}

fn page(ok: u64, failed: u64) -> String {
    format!(
        "# TYPE requests_total counter\nrequests_total{{code=\"200\"}} {ok}\nrequests_total{{code=\"500\"}} {failed}\n"
    )
}

#[test]
fn the_first_look_only_remembers() {
    assert_eq!(last(BAD, &[&page(1_000, 50)]), (0, 0, String::new()));
}

#[test]
fn what_happened_between_two_looks_is_counted() {
    assert_eq!(last(BAD, &[&page(1_000, 50), &page(1_090, 60)]), (10, 100, String::new()));
    assert_eq!(last(GOOD, &[&page(1_000, 50), &page(1_090, 60)]), (10, 100, String::new()));
}

#[test]
fn the_first_failures_count_although_their_series_is_new() {
    let (bad, total, _) = last(BAD, &["requests_total{code=\"200\"} 100\n", &page(190, 7)]);
    assert_eq!((bad, total), (7, 97));
}

#[test]
fn no_failures_yet_is_none_and_is_said() {
    let (bad, total, note) =
        last(BAD, &["requests_total{code=\"200\"} 1\n", "requests_total{code=\"200\"} 9\n"]);
    assert_eq!((bad, total), (0, 8));
    assert!(note.contains("no bad event yet"), "{note}");
}

/// Bad events have a metric of their own here.
const APART: &str =
    r#"{ "url": "http://x/metrics", "ratio": { "bad": "errors_total", "total": "requests_total" } }"#;

#[test]
fn a_metric_for_failures_that_was_never_there_may_be_a_wrong_name_and_is_a_gap() {
    let page = "requests_total 9\nerror_total 3\n";
    let error = last_error(APART, &[page, page]);
    assert!(error.contains("`bad` cannot be counted: the page has no metric `errors_total`"), "{error}");
    assert!(error.contains("did you mean `error_total`?") && error.contains("absentIsZero"), "{error}");
    let good = APART.replace("bad", "good");
    assert!(last_error(&good, &[page]).contains("`good` cannot be counted"));
}

#[test]
fn a_metric_for_failures_may_be_absent_when_the_document_says_so_or_it_was_there_before() {
    let lazy = APART.replace("} }", ", \"absentIsZero\": true } }");
    let (bad, total, note) = last(&lazy, &["requests_total 1\n", "requests_total 9\n"]);
    assert_eq!((bad, total), (0, 8));
    assert!(note.contains("no bad event yet"), "{note}");
    assert_eq!(last(&lazy, &["requests_total 1\n", "requests_total 9\nerrors_total 2\n"]).0, 2);
    let (seen, restarted) = ("requests_total 5\nerrors_total 1\n", "requests_total 3\n");
    assert_eq!(last(APART, &[seen, restarted]).0, 0);
}

#[test]
fn a_restart_counts_what_the_new_process_counted() {
    let (bad, total, note) = last(BAD, &[&page(1_000, 50), &page(20, 5)]);
    assert_eq!((bad, total), (5, 25));
    assert!(note.contains("began again"), "{note}");
    let started = |at: f64, page: String| format!("process_start_time_seconds {at}\n{page}");
    let (bad, total, note) = last(BAD, &[&started(1e9, page(10, 1)), &started(1e9 + 9.0, page(20, 5))]);
    assert_eq!((bad, total), (5, 25));
    assert!(note.contains("process restarted"), "{note}");
    let (bad, total, _) = last(BAD, &[&started(1e9, page(10, 1)), &started(1e9 + 0.4, page(20, 5))]);
    assert_eq!((bad, total), (4, 14));
}

#[test]
fn no_traffic_is_zero_of_zero_and_no_counter_is_a_gap() {
    assert_eq!(last(BAD, &[&page(5, 1), &page(5, 1)]), (0, 0, String::new()));
    let error = last_error(BAD, &["request_total 1\n"]);
    assert!(error.contains("no metric `requests_total`: did you mean `request_total`?"), "{error}");
    let error = last_error(BAD, &["# nothing\n"]);
    assert!(error.contains("no samples at all"), "{error}");
}

#[test]
fn a_counter_that_appears_with_the_first_request_counts_in_full() {
    assert_eq!(last(BAD, &["other 1\n", &page(3, 2)]), (2, 5, String::new()));
}

#[test]
fn a_matcher_that_can_never_match_is_a_gap_and_not_zero_failures() {
    let page = "requests_total{status=\"500\"} 1\n";
    let error = last_error(BAD, &[page, page]);
    assert!(error.contains("label `code`; they have status"), "{error}");
}

#[test]
fn a_look_after_a_gap_covers_both_intervals_and_says_so() {
    let pages = [&page(10, 0), "", "", &page(100, 3), &page(200, 3)];
    let (bad, total, note) = last(BAD, &pages[..4]);
    assert_eq!((bad, total), (3, 93));
    assert!(note.contains("covers 2 intervals more"), "{note}");
    let spans = looks(BAD, &pages).into_iter().map(|look| look.is_ok_and(|counted| counted.spans_gap));
    assert_eq!(spans.collect::<Vec<_>>(), [false, false, false, true, false]);
}

#[test]
fn what_is_no_metrics_page_is_a_gap_with_a_hint() {
    for (page, expected) in [
        ("<html>", "line 1: this is a web page (HTML), not metrics (metrics are often at /metrics"),
        ("requests_total{code=\"200\"} 1\noops\n", "line 2: `oops` has no value"),
        ("requests_total{code=\"200\"} NaN\n", "is NaN"),
        ("requests_total{code=\"200\"} +Inf\n", "is inf"),
        ("requests_total{code=\"200\"} -1\n", "is -1"),
    ] {
        let error = last_error(BAD, &[page]);
        assert!(error.contains(expected), "{error}");
        assert_eq!(last(BAD, &[&self::page(1, 0), page, &self::page(9, 1)]).1, 9);
    }
    let world = FakeWorld::new();
    let mut watch = probe(BAD).watch();
    world.answer(404, "");
    assert!(watch.look(&world).now_or_never().unwrap().unwrap_err().cause.contains("404"));
    world.answer(200, [0xff, 0xfe]);
    assert!(watch.look(&world).now_or_never().unwrap().unwrap_err().cause.contains("UTF-8"));
}

#[test]
fn a_part_counted_ahead_of_the_whole_is_kept_for_the_next_interval() {
    let separate = r#"{ "url": "http://x/", "ratio": { "good": "good_total", "total": "all_total" } }"#;
    let page = |good: u64, all: u64| format!("good_total {good}\nall_total {all}\n");
    let all = looks(separate, &[&page(0, 0), &page(103, 100), &page(195, 200)]);
    let counts: Vec<_> =
        all.into_iter().map(|look| look.unwrap().increment).map(|i| (i.bad, i.total)).collect();
    assert_eq!(counts, [(0, 0), (0, 100), (5, 100)]);
    let (_, _, note) = last(separate, &[&page(0, 0), &page(103, 100)]);
    assert!(note.contains("3 good events more than all"), "{note}");
    let error = last_error(separate, &[&page(0, 0), &page(300, 100)]);
    assert!(error.contains("200 events more than `total`"), "{error}");
}

#[test]
fn fractions_and_repeated_series_are_handled() {
    let page =
        |value: f64| format!("requests_total{{code=\"500\"}} {value}\nrequests_total{{code=\"500\"}} 9e9\n");
    let (bad, total, note) = last(BAD, &[&page(0.0), &page(0.6), &page(1.2)]);
    assert_eq!((bad, total), (1, 1));
    assert!(note.contains("repeat a series"), "{note}");
}

fn histogram(fast: u64, middle: u64, all: u64) -> String {
    let series = |le: &str, n: u64| format!("took_seconds_bucket{{route=\"/pay\",le=\"{le}\"}} {n}\n");
    let other = "took_seconds_bucket{route=\"/other\",le=\"+Inf\"} 7777\n";
    let sums =
        format!("took_seconds_sum{{route=\"/pay\"}} NaN\ntook_seconds_count{{route=\"/pay\"}} {all}\n");
    [&series("0.1", fast), &series("0.3", middle), &series("1", all), &series("+Inf", all), other, &sums]
        .concat()
}

#[test]
fn slow_events_are_those_above_the_bucket_of_the_threshold() {
    assert_eq!(last(SLOW, &[&histogram(0, 0, 0), &histogram(50, 90, 100)]), (10, 100, String::new()));
}

#[test]
fn a_threshold_between_bounds_takes_the_one_above_and_says_so_once() {
    let between = SLOW.replace("300ms", "200ms");
    let all = looks(&between, &[&histogram(0, 0, 0), &histogram(50, 90, 100)]);
    let first = all[0].as_ref().unwrap();
    let note = "200ms is no bucket bound: counted at 300 ms, the nearest above";
    assert_eq!(first.note.as_deref(), Some(note));
    let second = all[1].as_ref().unwrap();
    assert_eq!((second.increment.bad, second.increment.total, &second.note), (10, 100, &None));
}

#[test]
fn a_threshold_above_all_bounds_is_a_gap_since_nothing_could_ever_be_bad() {
    let error = last_error(&SLOW.replace("300ms", "2s"), &[&histogram(1, 1, 1)]);
    assert!(error.contains("no bucket bound is at or above 2s: the largest is 1 s"), "{error}");
}

#[test]
fn histograms_that_cannot_be_split_are_gaps() {
    for (page, expected) in [
        ("took_seconds_bucket{route=\"/pay\",le=\"0.3\"} 1\n", "no +Inf bucket"),
        ("took_seconds_bucket{route=\"/pay\"} 1\n", "no label `le`"),
        ("took_seconds_bucket{route=\"/pay\",le=\"x\"} 1\n", "the bound `x`"),
        ("took_seconds_bucket{route=\"/pay\",le=\"+Inf\"} NaN\n", "is NaN"),
        ("took_seconds_bucket{route=\"/\",le=\"+Inf\"} 1\n", "no series with these labels"),
        ("tok_seconds_bucket{le=\"+Inf\"} 1\n", "did you mean `tok_seconds`?"),
    ] {
        let error = last_error(SLOW, &[page]);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn other_bounds_than_before_are_a_gap_and_then_counted_anew() {
    let changed = |n: u64| histogram(0, n, n).replace("\"0.3\"", "\"0.5\"");
    let all = looks(SLOW, &[&histogram(0, 1, 2), &changed(10), &changed(15)]);
    assert!(all[1].as_ref().unwrap_err().cause.contains("bounds have changed"));
    assert_eq!(all[2].as_ref().unwrap().increment.total, 5);
}

#[test]
fn milliseconds_are_understood() {
    let document = r#"{ "url": "http://x/", "latency": { "histogram": "took_ms", "threshold": "250ms", "unit": "milliseconds" } }"#;
    let page = |fast: u64, all: u64| {
        format!("took_ms_bucket{{le=\"250\"}} {fast}\ntook_ms_bucket{{le=\"+Inf\"}} {all}\n")
    };
    assert_eq!(last(document, &[&page(0, 0), &page(9, 10)]), (1, 10, String::new()));
}

#[test]
fn all_that_is_wrong_with_a_probe_is_said_at_once() {
    let check = |document: &str| {
        let mut problems = Problems::new();
        probe(document).check(&mut problems);
        problems.all().len()
    };
    assert_eq!((check(BAD), check(GOOD), check(SLOW)), (0, 0, 0));
    assert_eq!(check(r#"{ "timeout": "2m" }"#), 3);
    assert_eq!(check(r#"{ "service": "a", "ratio": { "total": "x" } }"#), 1);
    assert_eq!(check(r#"{ "service": "a", "ratio": { "total": "x", "bad": "x" } }"#), 1);
    assert_eq!(check(r#"{ "service": "a", "ratio": { "total": "x", "bad": "y", "good": "z" } }"#), 1);
    assert_eq!(
        check(r#"{ "service": "a", "latency": { "histogram": "x_ms_bucket", "threshold": "0s" } }"#),
        2
    );
    assert_eq!(check(r#"{ "service": "a", "latency": { "histogram": "x_ms", "threshold": "1s" } }"#), 1);
}
