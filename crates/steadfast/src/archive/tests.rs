use proptest::prelude::*;
use steadfast_model::{
    Duration, Outcome, RunId, Verdict, WallTime,
    event::{Conclusion, RunPlan},
    verdict::Reason,
};

use super::*;

fn plan() -> RunPlan {
    RunPlan {
        interval: Duration::from_secs(1),
        baseline: Duration::from_secs(10),
        fault: Duration::from_secs(20),
        recovery: Duration::from_secs(5),
        alpha: 0.05,
        beta: 0.05,
        metrics: Vec::new(),
        injections: Vec::new(),
        commands: Vec::new(),
        recovery_within: None,
    }
}

fn record(note: &str) -> RunRecord {
    let summary = RunSummary {
        id: RunId::new(),
        name: "risk-slow-7k2m9q".into(),
        experiment: "risk-slow".into(),
        title: "A title".into(),
        digest: "00".into(),
        claim: Some("qr-pay".into()),
        labels: [("team".to_owned(), "payments".to_owned())].into(),
        started_at: WallTime(1),
        ended_at: Some(WallTime(3)),
        outcome: Some(Outcome::Completed),
        verdict: Some(Verdict::Held),
        reason: Some("Because.".into()),
    };
    let started = Known::RunStarted {
        run: summary.id,
        name: summary.name.clone(),
        experiment: summary.experiment.clone(),
        document_digest: summary.digest.clone(),
        parameters: [].into(),
        plan: plan(),
    };
    let conclusion = Conclusion {
        outcome: Outcome::Completed,
        verdict: Verdict::Held,
        reason: Reason { code: "x".into(), sentence: "Because.".into(), data: serde_json::Value::Null },
        analysis: "1".into(),
        finding: serde_json::json!({ "lnEvidence": [0.1, -1e-300, 3.5] }),
        samples_digest: "00".into(),
        faults: Vec::new(),
    };
    let bodies: [EventBody; 4] = [
        started.into(),
        Known::Noted { what: note.to_owned() }.into(),
        EventBody::Unknown(serde_json::json!({ "ofTomorrow": [1, 2.5] })),
        Known::Concluded(Box::new(conclusion)).into(),
    ];
    let event = |(sequence, body)| Event { sequence, at: WallTime(3), since_start: sequence * 10, body };
    let documents = vec![
        SourceDocument { role: "experiment".into(), file: "a.yaml".into(), content: b"kind: x\n".to_vec() },
        SourceDocument { role: "slo".into(), file: "b".into(), content: vec![0xff, 0, 1] },
    ];
    RunRecord { summary, events: (0..).zip(bodies).map(event).collect(), documents }
}

fn message(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn what_is_written_reads_back() {
    let records = [record("an oddity: é \" \\ \nsecond line"), record("b")];
    let back = read(&write(&records).unwrap()).unwrap();
    assert_eq!(back.len(), 2);
    for (before, after) in records.iter().zip(&back) {
        assert_eq!(before.summary, after.summary);
        assert_eq!(before.events, after.events);
        assert_eq!(before.documents, after.documents);
    }
    assert!(read(&write(&[]).unwrap()).unwrap().is_empty());
}

#[test]
fn what_was_changed_cut_off_or_is_foreign_is_refused() {
    let text = write(&[record("a note"), record("b")]).unwrap();
    assert!(
        message(&text.replace("a note", "a Note")).contains("the digest of risk-slow-7k2m9q does not agree")
    );
    assert!(message(&text.replacen("A title", "A tale", 1)).contains("does not agree"));
    assert!(message(&text.replace("\"format\":1", "\"format\":2")).contains("this is format 2"));
    assert!(message("").contains("empty"));
    assert!(message("{\"kind\":\"x\"}\n").contains("no archive"));
    assert!(message(&format!("{text}{{}}\n")).contains("follows the end"));
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for cut in 1..lines.len() {
        assert!(read(&lines[..cut].concat()).is_err(), "{cut}");
        let without = [&lines[..cut], &lines[cut + 1..]].concat();
        assert!(read(&without.concat()).is_err(), "without line {cut}");
    }
}

#[test]
fn a_list_that_says_something_else_than_the_events_is_refused() {
    let mut other = record("a");
    other.summary.verdict = Some(Verdict::Refuted);
    assert!(message(&write(&[other]).unwrap()).contains("another verdict"));
    let mut other = record("a");
    other.summary.experiment = "x".into();
    assert!(message(&write(&[other]).unwrap()).contains("of another run"));
    let mut other = record("a");
    other.events.remove(1);
    assert!(message(&write(&[other]).unwrap()).contains("not in order"));
}

proptest! {
    #[test]
    fn no_text_can_do_harm(text in "\\PC{0,200}") {
        prop_assert!(read(&text).is_err());
    }

    #[test]
    fn no_single_byte_can_be_changed_unnoticed(at in 0_usize..4_000, to in 0x20_u8..0x7f) {
        let text = write(&[record("a")]).unwrap();
        let mut bytes = text.clone().into_bytes();
        let at = at % bytes.len();
        // The name of the program that wrote it is for people only, and white space at the end of a line means nothing.
        let in_head = at < text.find('\n').unwrap();
        bytes[at] = to;
        if let Ok(changed) = String::from_utf8(bytes) && changed != text && !in_head {
            prop_assert!(read(&changed).is_err(), "{changed}");
        }
    }
}

#[test]
fn words_that_a_terminal_would_obey_do_not_come_in_with_an_archive() {
    let mut nasty = record("\u{1b}]0;OWNED\u{7}");
    nasty.summary.title = "held\u{1b}[2J\u{202e}".into();
    let back = read(&write(std::slice::from_ref(&nasty)).unwrap()).unwrap().remove(0);
    assert_eq!(back.summary.title, "held\u{fffd}[2J\u{fffd}");
    let what = Known::Noted { what: "\u{fffd}]0;OWNED\u{fffd}".into() };
    assert!(back.events.iter().any(|event| event.body.known() == Some(&what)), "{:?}", back.events);
    assert_eq!(back.documents, nasty.documents);
}
