//! Values of queries.

use super::*;

#[test]
fn a_value_is_one_event_a_look_and_bad_outside_its_limits() {
    let look = |now: f64, value: f64| vec![read(now, now - 0.1), vector(now, &[("", value)])];
    assert_eq!(last(QUEUE, &[look(1.0, 5.0)]), (0, 0, String::new()));
    assert_eq!(last(QUEUE, &[look(1.0, 5.0), look(2.0, 10.0)]), (0, 1, String::new()));
    assert_eq!(last(QUEUE, &[look(1.0, 5.0), look(2.0, 11.5)]), (1, 1, "11.5 is not at most 10".to_owned()));
    let stands = vec![read(2.0, 0.9), vector(2.0, &[("", 5.0)])];
    assert!(last_error(QUEUE, &[look(1.0, 5.0), stands]).contains("no new sample since the last look"));
}

#[test]
fn a_value_that_is_not_one_number_is_a_gap() {
    for (answer, expected) in [
        (vector(1.0, &[("", f64::NAN)]), "the value is NaN"),
        (vector(1.0, &[("", f64::INFINITY)]), "the value is inf"),
        (vector(1.0, &[]), "gives no value"),
        (vector(1.0, &[("a", 1.0), ("b", 2.0)]), "gives 2 values"),
        (success(json!({ "resultType": "string", "result": [1.0, "x"] })), "gives a text"),
        (
            success(json!({ "resultType": "vector", "result": [{ "metric": {}, "histogram": [1, {}] }] })),
            "native histogram",
        ),
    ] {
        let error = last_error(QUEUE, &[vec![read(1.0, 1.0), answer]]);
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn every_step_since_the_last_look_is_an_event() {
    let first = vec![read(10.5, 10.4)];
    let steps = steps(&[(11.0, 1.0), (12.0, 99.0), (13.0, 2.0)]);
    let second = vec![read(13.5, 13.4), vector(13.0, &[("0", 3.0)]), steps];
    assert_eq!(last(STEPS, &[first.clone(), second]), (1, 3, "99 is not at most 10".to_owned()));
    let hole = vec![read(13.5, 13.4), vector(13.0, &[("0", 3.0)]), self::steps(&[(11.0, 1.0), (13.0, 2.0)])];
    assert!(last_error(STEPS, &[first, hole]).contains("2 of 3 steps have a value"));
}

#[test]
fn steps_are_no_more_events_than_there_are_new_samples() {
    let values: Vec<(f64, f64)> =
        (11..=20).map(|at| (f64::from(at), if at < 14 { 99.0 } else { 1.0 })).collect();
    let second = |new: f64| vec![read(20.5, 20.4), vector(20.0, &[("0", new)]), steps(&values)];
    let (bad, total, note) = last(STEPS, &[vec![read(10.5, 10.4)], second(2.0)]);
    assert_eq!((bad, total), (1, 2));
    assert!(note.contains("10 steps, but only 2 new samples: 2 events"), "{note}");
    assert_eq!(last(STEPS, &[vec![read(10.5, 10.4)], second(1.0)]).0, 1, "what was bad for a while is bad");
    // The new sample is of after the last step: these steps wait for the next look.
    let none = vec![read(12.5, 12.4), vector(12.0, &[])];
    let looks = [vec![read(10.5, 10.4)], none.clone(), second(3.0)];
    assert_eq!(last(STEPS, &looks[..2]), (0, 0, String::new()));
    assert_eq!(last(STEPS, &looks).1, 3);
}

#[test]
fn a_value_that_reaches_far_back_is_one_event_for_as_long_as_it_reaches() {
    let document = r#"{ "value": { "query": "max(rate(failed_total[10s]))", "atMost": 10 } }"#;
    let look = |now: f64| vec![read(now, now - 0.1), vector(now, &[("", 5.0)])];
    let looks = looks(document, &[1.0, 5.0, 11.0, 16.0, 21.0].map(look));
    let events: Vec<u64> = looks.into_iter().map(|look| look.unwrap().increment.total).collect();
    assert_eq!(events, [0, 0, 1, 0, 1]);
    let every = document.replace("10 }", "10, \"every\": \"5s\" }");
    let mut problems = Problems::new();
    probe(&every).check(&mut problems);
    assert!(
        problems.all()[0].to_string().contains("value.every: each value reaches 10s back"),
        "{problems:?}"
    );
}

#[test]
fn a_target_that_vanishes_takes_no_failures_out_of_the_sum_unseen() {
    let look = |now: f64, series: f64, value: f64| {
        vec![vector(now, &[("0", now - 0.1), ("0n", series)]), vector(now, &[("", value)])]
    };
    let looks = [look(1.0, 3.0, 6.0), look(2.0, 2.0, 4.0), look(3.0, 3.0, 6.0)];
    let error = last_error(QUEUE, &looks[..2]);
    assert!(error.contains("1 of 3 series that it read before are gone (is a target down?"), "{error}");
    let back = [looks[0].clone(), vec![looks[1][0].clone()], looks[2].clone()];
    assert_eq!(last(QUEUE, &back), (0, 1, String::new()), "they are back");
    let may = QUEUE.replace("10 }", "10, \"seriesMayVanish\": true }");
    assert_eq!(last(&may, &looks[..2]), (0, 1, String::new()));
}

#[test]
fn a_value_says_something_about_now() {
    let wrong = |query: &str| {
        let mut problems = Problems::new();
        probe(&QUEUE.replace("max(queue)", query)).check(&mut problems);
        problems.all().iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    assert!(wrong("sum(errors offset 1h)").contains("nothing of now"));
    assert!(wrong("sum(errors @ 1700000000)").contains("stands still"));
    assert_eq!(wrong("sum(errors) / sum(errors offset 1h)"), "");
    // What was an hour ago may be as old as that, and no older.
    let look = |then: f64| {
        let moments = vector(7_200.0, &[("0", 7_199.0), ("0n", 1.0), ("1", then), ("1n", 1.0)]);
        vec![moments, vector(7_200.0, &[("", 1.0)])]
    };
    let document = QUEUE.replace("max(queue)", "sum(errors) / sum(errors offset 1h)");
    assert_eq!(last(&document, &[look(3_599.0)]), (0, 0, String::new()));
    assert!(last_error(&document, &[look(3_500.0)]).contains("no sample for 100 s"));
}
