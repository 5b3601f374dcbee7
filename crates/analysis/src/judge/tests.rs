use super::*;
use crate::{Counts, Interval, Reason, Tolerance, Verdict, Window};

fn counts(intervals: usize, bad: f64, total: f64) -> Counts {
    Counts::complete(&vec![bad; intervals], &vec![total; intervals])
}

fn metric(name: &str, fault: Counts) -> Metric {
    Metric::new(name, Tolerance::Absolute(0.01), counts(60, 0.0, 500.0), fault)
}

fn found(metrics: Vec<Metric>) -> Finding {
    judge(&Increments::new(Interval::from_seconds(5), metrics)).unwrap()
}

#[test]
fn calm_run_holds() {
    let finding = found(vec![metric("a", counts(24, 0.0, 500.0))]);
    assert_eq!(finding.verdict, Verdict::Held);
    assert!(finding.sentence.contains("0 of 12,000 requests"), "{}", finding.sentence);
    assert!(finding.sentence.contains("5 minutes of history"), "{}", finding.sentence);
}

#[test]
fn harm_stops_the_run_and_names_the_culprit() {
    let finding =
        found(vec![metric("calm", counts(24, 0.0, 500.0)), metric("hurt", counts(24, 250.0, 500.0))]);
    assert_eq!(finding.verdict, Verdict::Refuted);
    assert_eq!(finding.stopped_at, Some(0));
    assert_eq!(finding.decided_by, ["hurt"]);
    let (calm, hurt) = (&finding.metrics[0], &finding.metrics[1]);
    assert!(matches!(&hurt.reason, Reason::HarmShownEarly { culprits, .. } if culprits == &["hurt"]));
    assert!(matches!(&calm.reason, Reason::StoppedEarly { .. }));
    assert_eq!(calm.verdict, Verdict::Inconclusive);
    for metric in &finding.metrics {
        assert_eq!((metric.p_harm, metric.p_held), (None, None));
        assert_eq!((metric.ratio_interval, metric.fault_rate_interval), (None, None));
        assert_eq!(metric.fault.total, 500.0, "counts end at the stop");
        assert_eq!(metric.ln_evidence.len(), 24);
    }
}

/// So many intervals of 500 events, of which some are bad, during the onset and after it.
fn with_onset((early, early_bad): (usize, f64), (late, late_bad): (usize, f64)) -> Finding {
    let setup = Increments::new(Interval::from_seconds(5), vec![metric("a", Counts::default())]);
    let mut judge = Judge::new(&setup).unwrap();
    for index in 0..early + late {
        let onset = index < early;
        let bad = if onset { early_bad } else { late_bad };
        judge.feed(&[Entry { onset, ..Some(Tally::new(bad, 500.0)).into() }]);
    }
    judge.conclude()
}

#[test]
fn the_onset_is_evidence_of_harm_and_must_have_held_like_the_rest() {
    assert_eq!(with_onset((1, 250.0), (0, 0.0)).stopped_at, Some(0), "harm that shows at once stops at once");
    assert_eq!(with_onset((3, 0.0), (0, 0.0)).reason, Reason::NoTraffic { window: Window::Fault });
    let calm = with_onset((3, 0.0), (24, 0.0));
    assert_eq!((calm.verdict, calm.metrics[0].fault.total), (Verdict::Held, 27.0 * 500.0));
    // 1.2 % of all were bad, 1 % may be.
    let early = with_onset((18, 8.0), (6, 0.0));
    assert_eq!((early.stopped_at, early.verdict), (None, Verdict::Inconclusive), "{}", early.sentence);
    assert_eq!(early.metrics[0].fault, Tally::new(144.0, 12_000.0));
}

#[test]
fn good_events_of_the_onset_do_not_thin_out_what_comes_after() {
    // 1.2 % of what came when all was known, 0.6 % of all: the limit is 1 %.
    let late = with_onset((24, 0.0), (24, 6.0));
    assert_eq!((late.stopped_at, late.verdict), (None, Verdict::Inconclusive), "{}", late.sentence);
    assert_eq!(late.metrics[0].fault, Tally::new(144.0, 12_000.0));
    assert!(
        late.sentence.contains("The first 12,000 requests under the fault are left out"),
        "{}",
        late.sentence
    );
}

#[test]
fn what_is_too_little_without_the_onset_is_told_without_it() {
    let short = with_onset((24, 0.0), (2, 0.0));
    assert_eq!(short.verdict, Verdict::Inconclusive, "{}", short.sentence);
    assert_eq!(short.metrics[0].fault, Tally::new(0.0, 1_000.0), "{}", short.sentence);
    assert!(
        short.sentence.contains("The first 12,000 requests under the fault are left out"),
        "{}",
        short.sentence
    );
}

#[test]
fn silence_is_never_held() {
    let finding = found(vec![metric("a", counts(24, 0.0, 0.0))]);
    assert_eq!(finding.reason, Reason::NoTraffic { window: Window::Fault });
    assert_eq!(finding.metrics[0].fault_rate, None);
    assert_eq!(found(vec![metric("a", Counts::default())]).verdict, Verdict::Inconclusive);
    let mut silent = metric("a", counts(24, 0.0, 500.0));
    silent.baseline = counts(60, 0.0, 0.0);
    assert_eq!(found(vec![silent.clone()]).reason, Reason::NoTraffic { window: Window::Baseline });
    silent.tolerance = Tolerance::Relative(1.5);
    assert_eq!(found(vec![silent]).reason, Reason::NoTraffic { window: Window::Baseline });
}

#[test]
fn gaps_are_not_zeros() {
    let mut fault = counts(24, 0.0, 500.0);
    for index in [3, 4, 5] {
        fault.bad[index] = None;
        fault.total[index] = None;
    }
    let finding = found(vec![metric("a", fault.clone())]);
    assert!(
        matches!(finding.reason, Reason::IncompleteData { window: Window::Fault, completeness, .. } if completeness == 0.875)
    );
    assert_eq!(finding.metrics[0].fault.total, 21.0 * 500.0);
    fault.bad[3] = Some(0.0);
    fault.total[3] = Some(500.0);
    assert_eq!(found(vec![metric("a", fault)]).verdict, Verdict::Held);
}

#[test]
fn gaps_do_not_hide_harm() {
    let mut fault = counts(24, 250.0, 500.0);
    fault.bad[0] = None;
    fault.total[0] = None;
    assert_eq!(found(vec![metric("a", fault)]).stopped_at, Some(1));
}

#[test]
fn sick_baseline_blames_nothing_on_the_fault() {
    let mut sick = metric("a", counts(24, 250.0, 500.0));
    sick.baseline = counts(60, 250.0, 500.0);
    let finding = found(vec![sick]);
    assert_eq!(finding.verdict, Verdict::Inconclusive);
    assert!(matches!(finding.reason, Reason::SteadyStateNotMet { .. }));
    assert_eq!(finding.stopped_at, Some(0), "for safety the fault still stops");
}

#[test]
fn incident_within_the_baseline_is_no_steady_state() {
    let mut baseline = counts(600, 5.0, 500.0);
    for bad in &mut baseline.bad[..480] {
        *bad = Some(50.0);
    }
    let metric = Metric::new("a", Tolerance::Relative(1.5), baseline, counts(24, 7.0, 500.0));
    assert!(matches!(found(vec![metric]).reason, Reason::SteadyStateNotMet { .. }));
}

#[test]
fn inconclusive_run_says_what_would_have_helped() {
    let quiet = |intervals| {
        let fault = counts(intervals, 0.0, 50.0);
        Metric::new("a", Tolerance::Absolute(0.01), counts(60, 0.0, 50.0), fault)
    };
    let finding = found(vec![quiet(24)]);
    let Reason::TooLittleData { needed, .. } = &finding.reason else { panic!("{:?}", finding.reason) };
    let longer = 24 + (needed.extra_seconds.unwrap() / 5.0).ceil() as usize;
    assert_eq!(found(vec![quiet(longer)]).verdict, Verdict::Held);
    assert_eq!(found(vec![quiet(longer - 1)]).verdict, Verdict::Inconclusive);
    let looser = Metric { tolerance: needed.tolerance.unwrap(), ..quiet(24) };
    assert_eq!(found(vec![looser]).verdict, Verdict::Held);
    assert!(finding.sentence.contains("At this traffic"), "{}", finding.sentence);
    assert!(finding.sentence.contains("minutes more of history"), "{}", finding.sentence);
}

#[test]
fn skewed_scrapes_raise_the_total_and_nonsense_is_a_gap() {
    let setup = Increments::new(Interval::from_seconds(5), vec![metric("a", Counts::default())]);
    let mut judge = Judge::new(&setup).unwrap();
    judge.feed(&[Some(Tally::new(3.0, 2.0)).into()]);
    judge.feed(&[Some(Tally::new(f64::NAN, 2.0)).into()]);
    judge.feed(&[Some(Tally::new(-1.0, 2.0)).into()]);
    judge.feed(&[]);
    let found = &judge.conclude().metrics[0];
    assert_eq!(found.fault, Tally::new(3.0, 3.0));
    assert_eq!(found.completeness, 0.25);
}

/// Two windows one after the other, of so many intervals of 500 events with so many bad ones.
fn in_two_windows(first: (usize, f64), second: (usize, f64)) -> Finding {
    let metrics = ["first", "second"].map(|name| metric(name, Counts::default())).to_vec();
    let mut judge = Judge::over_windows(&Increments::new(Interval::from_seconds(5), metrics), 2).unwrap();
    let outside = Entry { outside: true, ..Entry::default() };
    for _ in 0..first.0 {
        judge.feed(&[Some(Tally::new(first.1, 500.0)).into(), outside]);
    }
    judge.close(0);
    for _ in 0..second.0 {
        judge.feed(&[outside, Some(Tally::new(second.1, 500.0)).into()]);
    }
    judge.conclude()
}

#[test]
fn a_window_is_judged_by_what_lies_in_it() {
    let finding = in_two_windows((24, 0.0), (24, 0.0));
    assert_eq!(finding.verdict, Verdict::Held);
    for metric in &finding.metrics {
        assert_eq!((metric.fault.total, metric.completeness), (24.0 * 500.0, 1.0), "{}", metric.name);
        assert_eq!(metric.ln_evidence.len(), 48, "one entry an interval of the run");
    }
    let alone = found(vec![metric("first", counts(24, 0.0, 500.0))]);
    assert_eq!(
        finding.metrics[1].p_held, alone.metrics[0].p_held,
        "a later window is judged like a first one"
    );
}

#[test]
fn a_calm_window_does_not_hide_a_bad_one() {
    // 0.7 % over both, but 4 % in the second: tolerated is 1 %.
    let finding = in_two_windows((120, 0.0), (24, 20.0));
    let verdicts: Vec<_> = finding.metrics.iter().map(|metric| metric.verdict).collect();
    assert_eq!((finding.verdict, verdicts[0]), (Verdict::Refuted, Verdict::Held), "{}", finding.sentence);
    assert_eq!(verdicts[1], Verdict::Refuted);
}

#[test]
fn what_stops_a_later_window_leaves_a_closed_one_as_it_was() {
    let finding = in_two_windows((24, 0.0), (3, 250.0));
    assert_eq!(finding.stopped_at, Some(24));
    assert_eq!((finding.verdict, finding.metrics[0].verdict), (Verdict::Refuted, Verdict::Held));
    assert!(finding.metrics[0].p_held.is_some());
    assert_eq!(finding.metrics[1].p_held, None, "it was cut short");
}
