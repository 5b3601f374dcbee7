//! The JSON that `steadfast verdict` judges: what reads is written the same, and a finding is made of numbers.

use steadfast_analysis::{Finding, Increments, Verdict, judge};

/// More problems are counted, not listed.
const MOST_PROBLEMS: usize = 101;

/// Holds for any bytes.
pub fn holds(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(increments) = serde_json::from_str::<Increments>(text) else { return };
    let written = serde_json::to_string(&increments).expect("increments can be written");
    let again: Increments = serde_json::from_str(&written).expect("what was written can be read");
    assert_eq!(again, increments, "{written}");
    match judge(&increments) {
        Ok(finding) => {
            sound(&finding, &increments);
            assert_eq!(judge(&again).as_ref(), Ok(&finding), "a replay finds something else");
        }
        Err(problems) => {
            assert!(!problems.is_empty() && problems.len() <= MOST_PROBLEMS);
            assert!(problems.iter().all(|problem| !problem.to_string().trim().is_empty()));
        }
    }
}

fn sound(finding: &Finding, increments: &Increments) {
    // NaN and infinity are written as null, which is no number any more.
    let text = serde_json::to_string(finding).expect("findings can be written");
    let back: Finding = serde_json::from_str(&text).unwrap_or_else(|why| panic!("{why}: {text}"));
    assert_eq!(&back, finding);
    assert_eq!(finding.metrics.len(), increments.metrics.len());
    assert!(finding.ln_evidence.len() <= increments.fault_intervals());
    for (metric, given) in finding.metrics.iter().zip(&increments.metrics) {
        assert_eq!(metric.name, given.name);
        for p in [metric.p_harm, metric.p_held].into_iter().flatten() {
            assert!((0.0..=1.0).contains(&p), "p = {p}");
        }
        assert!((0.0..=1.0).contains(&metric.completeness));
        if metric.verdict == Verdict::Held {
            assert!(
                metric.fault.total > 0.0 && metric.completeness >= 0.9,
                "held without evidence: {metric:?}"
            );
        }
    }
    let decided = finding.metrics.iter().filter(|metric| metric.verdict != Verdict::Held);
    if finding.verdict == Verdict::Held {
        assert_eq!(decided.count(), 0, "held, although a metric is not: {finding:?}");
    }
}
