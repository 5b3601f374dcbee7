//! What `docs/verdicts.md` says is so: every example is judged, every number that can be computed is.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;
use steadfast_analysis::{
    Counts, Dispersion, Finding, Increments, Interval, Metric, Source, Tolerance, Verdict, judge,
};

const PAGE: &str = include_str!("../../../docs/verdicts.md");

/// The page's JSON blocks: each document with the answer that the page claims right behind it.
fn examples() -> Vec<(Increments, Value)> {
    let blocks: Vec<&str> = PAGE
        .split("```json\n")
        .skip(1)
        .map(|rest| rest.split_once("```").expect("every block ends").0)
        .collect();
    assert!(blocks.len().is_multiple_of(2), "a document without an answer, or the reverse");
    let read = |pair: &[&str]| {
        let document = serde_json::from_str(pair[0]).unwrap_or_else(|error| panic!("{error}: {}", pair[0]));
        let answer = serde_json::from_str(pair[1]).unwrap_or_else(|error| panic!("{error}: {}", pair[1]));
        (document, answer)
    };
    blocks.chunks(2).map(read).collect()
}

/// Everything claimed must be found; what is found may be more. Numbers are written with about three digits.
#[track_caller]
fn assert_says(found: &Value, claimed: &Value, path: &str) {
    match (found, claimed) {
        (Value::Object(found), Value::Object(claimed)) => {
            for (key, value) in claimed {
                let found = found.get(key).unwrap_or_else(|| panic!("there is no {path}.{key}"));
                assert_says(found, value, &format!("{path}.{key}"));
            }
        }
        (Value::Array(found), Value::Array(claimed)) => {
            assert_eq!(found.len(), claimed.len(), "{path}");
            for (index, (found, claimed)) in found.iter().zip(claimed).enumerate() {
                assert_says(found, claimed, &format!("{path}[{index}]"));
            }
        }
        (Value::Number(found), Value::Number(claimed)) => {
            let (found, claimed) = (found.as_f64().unwrap(), claimed.as_f64().unwrap());
            assert!((found - claimed).abs() <= 0.005 * claimed.abs(), "{path} is {found}, not {claimed}");
        }
        _ => assert_eq!(found, claimed, "{path}"),
    }
}

#[test]
fn every_example_is_answered_as_the_page_says() {
    let mut verdicts = Vec::new();
    for (document, claimed) in examples() {
        let finding = judge(&document).unwrap();
        assert!(claimed.get("verdict").is_some(), "an answer without a verdict: {claimed}");
        assert_says(&serde_json::to_value(&finding).unwrap(), &claimed, "answer");
        verdicts.push(finding.verdict);
    }
    use Verdict::{Held, Inconclusive, Refuted};
    assert_eq!(verdicts, [Held, Refuted, Inconclusive, Held, Inconclusive]);
}

#[test]
fn what_was_needed_would_have_been_enough() {
    let (document, claimed) = examples().pop().unwrap();
    let needed = &claimed["reason"]["tooLittleData"]["needed"];
    let intervals = (needed["extraSeconds"].as_f64().unwrap() / document.interval.seconds()).ceil() as usize;
    let verdict = |extra: usize| {
        let mut longer = document.clone();
        for _ in 0..extra {
            let entry = longer.metrics[0].fault.get(0);
            longer.metrics[0].fault.push(entry);
        }
        judge(&longer).unwrap().verdict
    };
    // The outlook is rounded up by a thousandth, so that the last interval is just one to spare.
    assert_eq!((verdict(intervals - 1), verdict(intervals)), (Verdict::Inconclusive, Verdict::Held));
    let mut looser = document.clone();
    looser.metrics[0].tolerance = serde_json::from_value(needed["tolerance"].clone()).unwrap();
    assert_eq!(judge(&looser).unwrap().verdict, Verdict::Held);
}

/// A minute of fault with so many events in all and none of them bad.
fn calm(tolerated: f64, baseline: Counts, events: f64) -> Finding {
    let fault = Counts::complete(&[0.0; 12], &[events / 12.0; 12]);
    let metric = Metric::new("calm", Tolerance::Absolute(tolerated), baseline, fault);
    judge(&Increments::new(Interval::from_seconds(5), vec![metric])).unwrap()
}

/// `intervals` intervals with `events` in all and this share of them bad.
fn steady(intervals: usize, events: f64, share: f64) -> Counts {
    let total = events / intervals as f64;
    Counts::complete(&vec![share * total; intervals], &vec![total; intervals])
}

#[test]
fn fewest_events_are_as_few_as_the_page_says() {
    let table =
        PAGE.split_once("| tolerance | cold start, dispersion 7 | learned, dispersion 1 |\n|---|---|---|\n");
    let rows: Vec<&str> = table.unwrap().1.lines().take_while(|line| line.starts_with('|')).collect();
    assert_eq!(rows.len(), 3);
    for row in rows {
        let cells: Vec<f64> = row.split('|').filter_map(|cell| cell.trim().parse().ok()).collect();
        let [tolerated, cold, learned] = cells[..] else { panic!("{row}") };
        let short = |events: f64| calm(tolerated, steady(12, cold, 0.0), events);
        let long = |events: f64| calm(tolerated, steady(180, 100.0 * cold, tolerated / 2.0), events);
        for (fewest, dispersion, judged) in
            [(cold, 7.0, &short as &dyn Fn(f64) -> Finding), (learned, 1.0, &long)]
        {
            let finding = judged(fewest);
            assert_eq!(finding.verdict, Verdict::Held, "{row}: {}", finding.sentence);
            assert_eq!(
                finding.metrics[0].dispersion,
                Dispersion { abort: dispersion, end: dispersion },
                "{row}"
            );
            let finding = judged(0.99 * fewest);
            assert_eq!(finding.verdict, Verdict::Inconclusive, "{row}: {}", finding.sentence);
        }
        assert!(matches!(short(cold).metrics[0].dispersion_source, Source::Assumed { .. }));
        assert_eq!(long(learned).metrics[0].dispersion_source, Source::Estimated);
    }
}

#[test]
fn relative_tolerances_assume_what_the_page_says() {
    assert!(PAGE.contains("4 becomes 5.5 at a tolerance of 1.5"));
    let metric = Metric::new(
        "short",
        Tolerance::Relative(1.5),
        steady(12, 6_000.0, 0.001),
        steady(12, 6_000.0, 0.001),
    );
    let finding = judge(&Increments::new(Interval::from_seconds(5), vec![metric])).unwrap();
    assert_eq!(finding.metrics[0].dispersion, Dispersion { abort: 5.5, end: 5.5 });
}
