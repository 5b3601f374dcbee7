//! The page and other forms of a small run, told from its events.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use steadfast_analysis::{Counts, Entry, Increments, Interval, Judge, Metric, Tally, judge};
use steadfast_model::{
    Duration, Event, Outcome, Phase, RunId, Verdict, WallTime,
    event::{Conclusion, FaultConclusion, Known, PlannedMetric, RunPlan, Tolerance},
    run::{RunSummary, SourceDocument},
    sample::{Increment, MetricSample},
    verdict::Reason,
};
use steadfast_report::{Story, html, json, junit, markdown};

/// A run whose metric goes bad under the fault; names and texts try to break out of the page.
fn story() -> Story {
    let name = "pay <script>alert(1)</script>";
    let finding = judge(&Increments::new(
        Interval::from_seconds(1),
        vec![Metric::new(
            name,
            steadfast_analysis::Tolerance::Absolute(0.05),
            Counts::complete(&[0.0; 10], &[100.0; 10]),
            Counts::complete(&[90.0; 4], &[100.0; 4]),
        )],
    ))
    .unwrap();
    let run = RunSummary {
        id: RunId::new(),
        name: "ledger-slow-abc234".into(),
        experiment: "ledger-slow".into(),
        title: "Payments survive a slow ledger & <b>more</b>".into(),
        digest: "0123456789abcdef".into(),
        claim: None,
        labels: [].into(),
        started_at: WallTime(1_772_373_909_000_000),
        ended_at: Some(WallTime(1_772_373_939_000_000)),
        outcome: Some(Outcome::Stopped),
        verdict: Some(Verdict::Refuted),
        reason: Some("Harm.".into()),
    };
    let plan = RunPlan {
        interval: Duration::from_secs(1),
        baseline: Duration::from_secs(10),
        fault: Duration::from_secs(20),
        recovery: Duration::from_secs(5),
        alpha: 0.05,
        beta: 0.05,
        metrics: vec![PlannedMetric {
            name: name.into(),
            describes: "answers later than 300 ms".into(),
            tolerance: Tolerance::Absolute(0.05),
            onset: Duration::ZERO,
            history: None,
        }],
        injections: Vec::new(),
        commands: Vec::new(),
        recovery_within: None,
    };
    let mut events = vec![Known::RunStarted {
        run: run.id,
        name: run.name.clone(),
        experiment: run.experiment.clone(),
        document_digest: run.digest.clone(),
        parameters: [].into(),
        plan,
    }];
    for index in 0..14 {
        let phase = if index < 10 { Phase::Baseline } else { Phase::Observe };
        let bad = if index < 10 { 0 } else { 90 };
        let increment = (index != 3).then_some(Increment { bad, total: 100 });
        events.push(Known::Sampled {
            interval: index,
            phase,
            metrics: vec![MetricSample { metric: name.into(), increment, note: None, spans_gap: false }],
        });
    }
    events.push(Known::Concluded(Box::new(Conclusion {
        outcome: Outcome::Stopped,
        verdict: Verdict::Refuted,
        reason: Reason {
            code: "harmShownEarly".into(),
            sentence: "Harm.".into(),
            data: serde_json::Value::Null,
        },
        analysis: "1".into(),
        finding: serde_json::to_value(&finding).unwrap(),
        samples_digest: "00".into(),
        faults: Vec::new(),
    })));
    let events: Vec<_> = events
        .into_iter()
        .zip(0..)
        .map(|(known, sequence)| Event {
            sequence,
            at: WallTime(0),
            since_start: sequence * 1_000_000_000,
            body: known.into(),
        })
        .collect();
    let document = SourceDocument {
        role: "experiment".into(),
        file: "x.yaml".into(),
        content: b"a: </pre><script>".to_vec(),
    };
    Story::new(run, &events, vec![document])
}

#[test]
fn the_page_shows_the_verdict_the_curves_and_the_windows() {
    let page = html(&story());
    for part in [
        "refuted",
        "class=\"curve\"",
        "class=\"baseline\"",
        "class=\"fault\"",
        "stop at",
        "tolerated",
        "x.yaml",
    ] {
        assert!(page.contains(part), "{part} is missing");
    }
    assert!(page.contains("not measured"), "a gap is shown as a gap");
}

#[test]
fn nothing_in_a_run_can_break_out_of_the_page() {
    let page = html(&story());
    assert!(!page.contains("<script"), "a script got through");
    assert!(page.contains("&lt;script&gt;"));
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let page = html(&story());
    for link in ["src=", "href=", "@import", "url("] {
        assert!(!page.contains(link), "{link} reaches out of the file");
    }
}

#[test]
fn a_run_without_a_conclusion_says_so() {
    let mut story = story();
    story.conclusion = None;
    story.finding = None;
    let page = html(&story);
    assert!(page.contains("never concluded"));
    assert!(!page.contains(">held<"));
}

#[test]
fn the_json_holds_every_sample() {
    let text = json(&story()).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["series"][0]["points"].as_array().unwrap().len(), 14);
    assert_eq!(value["conclusion"]["verdict"], "refuted");
    assert_eq!(value["windows"][1]["phase"], "observe");
}

/// How many test cases there are, failed, and could not be carried out, as a reader of XML sees them; and whether the
/// counts that the document itself gives agree.
fn cases(text: &str) -> (usize, usize, usize) {
    let document = roxmltree::Document::parse(text).unwrap_or_else(|error| panic!("{error}:\n{text}"));
    let count = |name| document.descendants().filter(|node| node.has_tag_name(name)).count();
    let found = (count("testcase"), count("failure"), count("error"));
    assert_eq!(count("skipped"), 0);
    for name in ["testsuites", "testsuite"] {
        let node = document.descendants().find(|node| node.has_tag_name(name)).unwrap();
        let said = |name| node.attribute(name).unwrap().parse::<usize>().unwrap();
        assert_eq!((said("tests"), said("failures"), said("errors")), found);
    }
    found
}

#[test]
fn junit_passes_only_what_was_shown() {
    let mut story = story();
    assert_eq!(cases(&junit(&story)), (2, 2, 0));
    for (verdict, expected) in [(Verdict::Held, (2, 1, 0)), (Verdict::Inconclusive, (2, 1, 1))] {
        story.conclusion.as_mut().unwrap().verdict = verdict;
        assert_eq!(cases(&junit(&story)), expected, "{verdict}");
    }
    // A metric that kept its tolerance in a run that shows nothing proves nothing.
    story.finding.as_mut().unwrap().metrics[0].verdict = steadfast_analysis::Verdict::Held;
    assert_eq!(cases(&junit(&story)), (2, 0, 2));
    story.conclusion.as_mut().unwrap().verdict = Verdict::Held;
    assert_eq!(cases(&junit(&story)), (2, 0, 0));
    story.finding = None;
    assert_eq!(cases(&junit(&story)), (2, 0, 1));
    story.conclusion = None;
    assert_eq!(cases(&junit(&story)), (1, 0, 1));
}

#[test]
fn junit_has_what_ci_systems_read() {
    let text = junit(&story());
    let document = roxmltree::Document::parse(&text).unwrap();
    let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
    assert_eq!(suite.attribute("name"), Some("ledger-slow"));
    assert_eq!(suite.attribute("timestamp"), Some("2026-03-01T14:05:09"));
    assert!(suite.attribute("time").unwrap().parse::<f64>().unwrap() > 1.0);
    let case = document.descendants().find(|node| node.has_tag_name("testcase")).unwrap();
    assert_eq!(
        (case.attribute("classname"), case.attribute("name")),
        (Some("steadfast.ledger-slow"), Some("hypothesis"))
    );
    let failure = document.descendants().find(|node| node.has_tag_name("failure")).unwrap();
    assert_eq!((failure.attribute("type"), failure.attribute("message")), (Some("refuted"), Some("Harm.")));
}

#[test]
fn markdown_shows_the_verdict_and_the_numbers_and_nothing_breaks_out() {
    let text = markdown(&story());
    for part in ["**refuted** (stopped). Harm.", "| metric | verdict |", "## What happened", "```yaml"] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let outside = text.split("```").step_by(2).collect::<String>();
    assert!(!outside.contains("<script") && !outside.contains("<b>"), "{outside}");
    let mut story = story();
    story.conclusion = None;
    assert!(markdown(&story).contains("**unfinished**"));
}

proptest! {
    #[test]
    fn no_text_of_a_run_breaks_the_xml(text in any::<String>()) {
        let mut story = story();
        story.run.title.clone_from(&text);
        story.run.experiment.clone_from(&text);
        story.series[0].name.clone_from(&text);
        story.conclusion.as_mut().unwrap().reason.sentence.clone_from(&text);
        story.marks.iter_mut().for_each(|mark| mark.what.clone_from(&text));
        prop_assert_eq!(cases(&junit(&story)).0, 2);
        let table = markdown(&story).lines().filter(|line| line.starts_with("| ")).count();
        prop_assert_eq!(table, 2, "the head and one metric");
    }
}

/// The same run of two faults, one of which the system bears.
fn story_of_two_faults() -> Story {
    let mut story = story();
    let metric = |fault: &str, bad: f64| {
        let (calm, under) =
            (Counts::complete(&[0.0; 10], &[100.0; 10]), Counts::complete(&[bad; 10], &[100.0; 10]));
        let name = format!("{} under {fault}", story.series[0].name);
        Metric::new(&name, steadfast_analysis::Tolerance::Absolute(0.05), calm, under)
    };
    let metrics = vec![metric("<i>slow</i>", 0.0), metric("down", 90.0)];
    let mut judge = Judge::over_windows(&Increments::new(Interval::from_seconds(1), metrics), 2).unwrap();
    let outside = Entry { outside: true, ..Entry::default() };
    (0..10).for_each(|_| drop(judge.feed(&[Some(Tally::new(0.0, 100.0)).into(), outside])));
    judge.close(0);
    (0..10).for_each(|_| drop(judge.feed(&[outside, Some(Tally::new(90.0, 100.0)).into()])));
    story.finding = Some(judge.conclude());
    let fault = |fault: &str, verdict: Verdict, sentence: &str| FaultConclusion {
        fault: fault.into(),
        injections: vec![],
        verdict,
        reason: Reason { code: "x".into(), sentence: sentence.into(), data: serde_json::Value::Null },
    };
    let faults = [("<i>slow</i>", Verdict::Held, "It was fine."), ("down", Verdict::Refuted, "It was not.")];
    story.conclusion.as_mut().unwrap().faults =
        faults.map(|(name, verdict, sentence)| fault(name, verdict, sentence)).to_vec();
    story
}

#[test]
fn every_fault_of_several_is_told_in_every_form() {
    let story = story_of_two_faults();
    let page = html(&story);
    for part in ["Fault by fault", "It was fine.", "under &lt;i&gt;slow&lt;/i&gt;", "90 of 100", ">held<"] {
        assert!(page.contains(part), "{part} is missing");
    }
    assert!(!page.contains("<i>slow"), "a name cannot break out");
    let text = markdown(&story);
    assert!(text.contains("- **held** &lt;i&gt;slow&lt;/i&gt;: It was fine."), "{text}");
    assert!(text.contains("- **refuted** down: It was not."), "{text}");
    let xml = junit(&story);
    let document = roxmltree::Document::parse(&xml).unwrap();
    let cases = document.descendants().filter(|node| node.has_tag_name("testcase"));
    let told: Vec<_> =
        cases.map(|case| (case.attribute("name").unwrap(), case.children().count() > 0)).collect();
    let metric = &story.series[0].name;
    assert_eq!(
        told,
        [
            ("hypothesis", true),
            ("fault <i>slow</i>", false),
            ("fault down", true),
            (format!("metric {metric} under <i>slow</i>").as_str(), false),
            (format!("metric {metric} under down").as_str(), true),
        ]
    );
}
