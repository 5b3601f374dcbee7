//! What must hold for any counts whatever.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use steadfast_analysis::plan::{Outset, Prospect};
use steadfast_analysis::{
    Control, Counts, EndTest, Entry, Finding, Increments, Interval, Judge, Metric, Tally, Tolerance, Verdict,
    episode, judge,
};

fn tolerance() -> impl Strategy<Value = Tolerance> {
    prop_oneof![
        (1.0..20.0_f64).prop_map(Tolerance::Relative),
        (0.0001..0.5_f64).prop_map(Tolerance::Absolute),
    ]
}

/// A measured interval, a silent one, or a gap. Sometimes absurdly large.
fn entry() -> impl Strategy<Value = Option<Tally>> {
    let share = prop_oneof![3 => 0.0..0.05_f64, 1 => 0.0..=1.0_f64];
    let total = prop_oneof![6 => 0.0..500.0_f64, 1 => Just(0.0), 1 => 0.0..1e9_f64];
    prop_oneof![9 => (total, share).prop_map(|(total, share)| {
        Some(Tally::new((share * total).floor(), total.floor()))
    }), 1 => Just(None)]
}

fn counts(most: usize) -> impl Strategy<Value = Counts> {
    prop::collection::vec(entry(), 0..most).prop_map(|entries| {
        let mut counts = Counts::default();
        entries.into_iter().for_each(|entry| counts.push(entry));
        counts
    })
}

fn reversed(counts: &Counts) -> Counts {
    let mut reversed = Counts::default();
    counts.entries().rev().for_each(|entry| reversed.push(entry));
    reversed
}

fn metrics(intervals: usize) -> impl Strategy<Value = Vec<Metric>> {
    let fault = prop::collection::vec(entry(), intervals);
    let metric = (tolerance(), counts(120), prop::option::of(counts(250)), fault, any::<bool>());
    prop::collection::vec(metric, 1..4).prop_map(|metrics| {
        let build = |(index, (tolerance, baseline, history, entries, beside)): (
            usize,
            (_, Counts, Option<Counts>, Vec<_>, _),
        )| {
            let mut fault = Counts::default();
            entries.into_iter().for_each(|entry| fault.push(entry));
            let control = (beside && matches!(tolerance, Tolerance::Relative(_))).then(|| Control {
                history: history.as_ref().map(reversed),
                baseline: reversed(&baseline),
                fault: reversed(&fault),
            });
            Metric { history, control, ..Metric::new(&format!("m{index}"), tolerance, baseline, fault) }
        };
        metrics.into_iter().enumerate().map(build).collect()
    })
}

fn document() -> impl Strategy<Value = Increments> {
    (0_usize..20)
        .prop_flat_map(metrics)
        .prop_map(|metrics| Increments::new(Interval::from_seconds(5), metrics))
}

fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Held => 0,
        Verdict::Inconclusive => 1,
        Verdict::Refuted => 2,
    }
}

fn found(increments: &Increments) -> Finding {
    judge(increments).expect("generated documents are valid")
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 300,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_240_611),
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_input_leads_to_a_number_that_is_none(increments in document()) {
        let finding = found(&increments);
        // serde_json writes NaN and infinity as null, which would not be read back as a number.
        let text = serde_json::to_string(&finding).expect("findings can be written");
        let back: Finding = serde_json::from_str(&text).expect("no number is missing");
        prop_assert_eq!(&back, &finding);
        for metric in &finding.metrics {
            for p in [metric.p_harm, metric.p_held].into_iter().flatten() {
                prop_assert!((0.0..=1.0).contains(&p));
            }
            prop_assert!(!metric.sentence.contains("NaN") && !metric.sentence.contains("inf"));
            if metric.verdict == Verdict::Held {
                prop_assert!(metric.fault.total > 0.0 && metric.completeness >= 0.9);
                prop_assert!(metric.p_held.expect("held by the end test") <= increments.beta);
            }
        }
    }

    #[test]
    fn one_by_one_finds_the_same_as_at_once(increments in document()) {
        let mut judge = Judge::new(&increments).expect("valid");
        for index in 0..increments.fault_intervals() {
            let entry = |metric: &Metric| Entry {
                counted: metric.fault.get(index),
                control: metric.control.as_ref().and_then(|control| control.fault.get(index)),
                ..Entry::default()
            };
            let step = judge.feed(&increments.metrics.iter().map(entry).collect::<Vec<_>>());
            prop_assert_eq!(step.index, index);
            prop_assert_eq!(step.stop, judge.stopped_at().is_some());
        }
        prop_assert_eq!(judge.conclude(), found(&increments));
    }

    #[test]
    fn order_of_metrics_does_not_matter(increments in document()) {
        let mut reversed = increments.clone();
        reversed.metrics.reverse();
        let (one, mut other) = (found(&increments), found(&reversed));
        other.metrics.reverse();
        // Adding the evidence of three metrics in another order may change the last bit.
        prop_assert_eq!(one.verdict, other.verdict);
        prop_assert_eq!(one.stopped_at, other.stopped_at);
        for (one, other) in one.metrics.iter().zip(&other.metrics) {
            prop_assert_eq!(one.verdict, other.verdict);
            prop_assert_eq!(one.p_held, other.p_held);
        }
    }

    #[test]
    fn more_bad_events_never_make_held_likelier(
        increments in document(), which in 0_usize..20, more in 1.0..100.0_f64,
    ) {
        let mut worse = increments.clone();
        for metric in &mut worse.metrics {
            let fault = &mut metric.fault;
            if let (Some(Some(bad)), Some(Some(total))) = (fault.bad.get_mut(which), fault.total.get(which)) {
                *bad = (*bad + more.floor()).min(*total);
            }
        }
        let (before, after) = (found(&increments), found(&worse));
        prop_assert!(rank(after.verdict) >= rank(before.verdict) || after.stopped_at != before.stopped_at);
        prop_assert!(!(after.verdict == Verdict::Held && before.verdict != Verdict::Held));
        for (before, after) in before.metrics.iter().zip(&after.metrics) {
            prop_assert!(!(after.verdict == Verdict::Held && before.verdict != Verdict::Held));
        }
    }

    #[test]
    fn episodes_lie_within_what_was_seen(counts in counts(120), baseline in counts(60), phi in 1.0..50.0_f64) {
        let Some(found) = episode(&counts, baseline.sum(), Interval::from_seconds(5), phi) else { return Ok(()) };
        let last = counts.len() as f64 * 5.0;
        prop_assert!(found.began.low <= found.began.seconds);
        prop_assert!(found.began.high.is_some_and(|high| high >= found.began.seconds));
        prop_assert!(found.rate > 0.0 && found.rate <= 1.0);
        if let Some(ended) = found.ended {
            prop_assert!(found.began.seconds < ended.seconds && ended.seconds < last);
            prop_assert!(ended.low <= ended.seconds && ended.high.is_none_or(|high| high >= ended.seconds));
        }
    }

    #[test]
    fn forecasts_are_numbers_and_more_harm_is_found_more_often(
        tolerance in tolerance(), traffic in 0.0..5_000.0_f64, rate in prop::option::of(0.0..1.0_f64),
        control in prop::option::of(0.0..5_000.0_f64), history in prop::option::of(counts(250)),
        baseline_seconds in 0.0..2_000.0_f64, fault_seconds in 0.0..2_000.0_f64,
    ) {
        let control = control.filter(|_| matches!(tolerance, Tolerance::Relative(_)));
        let prospect = Prospect {
            name: "m".to_owned(), tolerance, traffic, control, rate, history, dispersion: None,
 onset_seconds: 0.0,
        };
        let outset = Outset {
            interval: Interval::from_seconds(5), alpha: 0.05, beta: 0.05, baseline_seconds, fault_seconds,
            metrics: vec![prospect],
        };
        let forecast = outset.forecast();
        let text = serde_json::to_string(&forecast).expect("forecasts can be written");
        prop_assert_eq!(&serde_json::from_str::<steadfast_analysis::plan::Forecast>(&text).unwrap(), &forecast);
        prop_assert!((0.0..=1.0).contains(&forecast.held), "{}", forecast.held);
        for warning in forecast.warnings() {
            prop_assert!(!warning.contains("NaN") && !warning.contains("inf"), "{}", warning);
        }
        let effects = &forecast.metrics[0].effects;
        for pair in effects.windows(2) {
            prop_assert!(pair[0].found <= pair[1].found + 1e-9, "{:?}", effects);
            if let (Some(less), Some(more)) = (pair[0].stop_seconds, pair[1].stop_seconds) {
                prop_assert!(less >= more, "{:?}", effects);
            }
        }
        for effect in effects {
            prop_assert!((0.0..=1.0).contains(&effect.found) && effect.cost >= 0.0);
        }
    }

    /// Without a single bad event there is no chance involved: the plan must know what the judge will say.
    #[test]
    fn a_plan_foretells_what_is_judged_when_nothing_is_wrong(
        limit in 0.005..0.9_f64, each in 1.0..500.0_f64, baseline in 1..200_usize, window in 1..120_usize,
        left_out in 0.0..1.0_f64,
    ) {
        let (each, interval, tolerance) = (each.round(), Interval::from_seconds(1), Tolerance::Absolute(limit));
        let onset = (left_out * window as f64) as usize;
        let prospect = Prospect {
            name: "m".to_owned(), tolerance, traffic: each, control: None, rate: None, history: None,
            dispersion: None, onset_seconds: onset as f64,
        };
        let outset = Outset {
            interval, alpha: 0.05, beta: 0.05, baseline_seconds: baseline as f64, fault_seconds: window as f64,
            metrics: vec![prospect],
        };
        let calm = |intervals: usize| Counts::complete(&vec![0.0; intervals], &vec![each; intervals]);
        let metric = Metric::new("m", tolerance, calm(baseline), Counts::default());
        let mut judge = Judge::new(&Increments::new(interval, vec![metric])).unwrap();
        for index in 0..window {
            judge.feed(&[Entry { onset: index < onset, ..Some(Tally::new(0.0, each)).into() }]);
        }
        let finding = judge.conclude();
        let foretold = outset.forecast().held;
        prop_assert_eq!(foretold > 0.5, finding.verdict == Verdict::Held, "{} and {}", foretold, finding.sentence);
    }

    #[test]
    fn tails_are_monotone_in_bad_events(
        tolerance in tolerance(), bad in 0.0..500.0_f64, more in 0.0..100.0_f64, total in 600.0..1e6_f64,
        base in 0.0..500.0_f64, dispersion in 1.0..50.0_f64,
    ) {
        let at = |bad| EndTest {
            fault: Tally::new(bad, total), baseline: Tally::new(base, 1e4), tolerance, dispersion,
        };
        let (less, more) = (at(bad), at(bad + more));
        prop_assert!(more.p_held().unwrap() >= less.p_held().unwrap() - 1e-12);
        prop_assert!(more.p_harm().unwrap() <= less.p_harm().unwrap() + 1e-12);
    }

    #[test]
    fn interval_and_verdict_tell_the_same(
        rho in 1.0..5.0_f64, bad in 1.0..400.0_f64, total in 500.0..1e5_f64, base in 1.0..400.0_f64,
        dispersion in 1.0..20.0_f64,
    ) {
        let test = EndTest {
            fault: Tally::new(bad, total), baseline: Tally::new(base, 1e4),
            tolerance: Tolerance::Relative(rho), dispersion,
        };
        let (low, high) = test.ratio_interval(0.01, 0.05).unwrap();
        let high = high.expect("there are bad events in the baseline");
        prop_assert!(low <= high);
        if (rho / high - 1.0).abs() > 1e-9 {
            prop_assert_eq!(test.p_held().unwrap() <= 0.05, rho >= high);
        }
        if (rho / low - 1.0).abs() > 1e-9 {
            prop_assert_eq!(test.p_harm().unwrap() <= 0.01, rho <= low);
        }
    }
}
