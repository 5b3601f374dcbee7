//! Five beliefs, five honest verdicts, and what changes them.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    networks,
    place::{Place, text},
};

/// The line of the summary that begins with this experiment's name.
pub(crate) fn line<'a>(text: &'a str, experiment: &str) -> &'a str {
    let found = text.lines().rfind(|line| line.starts_with(experiment));
    found.unwrap_or_else(|| panic!("no line for {experiment} in:\n{text}"))
}

pub(crate) fn assert_verdict(text: &str, experiment: &str, verdict: &str) {
    let found = line(text, experiment);
    assert_eq!(found.split_whitespace().nth(1), Some(verdict), "{found}\n{text}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the demo promises to take less than three minutes")]
fn the_demo_ends_with_five_honest_verdicts_and_clean_books() {
    let place = Place::new("demo");
    let count = if place.gives_networks() { 5 } else { 4 };
    let begun = Instant::now();
    let output = place.run(&["demo"]);
    let text = text(&output);
    assert!(begun.elapsed() < Duration::from_secs(180), "took {:?}", begun.elapsed());
    assert_eq!(output.status.code(), Some(0), "{text}");

    assert_verdict(&text, "risk-slow", "held");
    if count == 5 {
        assert_verdict(&text, "risk-far", "held");
        assert!(text.contains("in effect: network namespace"), "{text}");
    } else {
        networks::left_out("the_demo_ends_with_five_honest_verdicts_and_clean_books (risk-far)", &text);
    }
    assert_verdict(&text, "ledger-slow", "refuted");
    assert!(line(&text, "ledger-slow").contains("stopped early"), "{text}");
    assert!(line(&text, "wallet-killed").contains("Recovered after"), "{text}");
    assert!(text.contains("The fault stays done: it cannot be taken back."), "{text}");
    assert_verdict(&text, "no-traffic", "inconclusive");
    assert!(text.contains("none lost, none doubled"), "{text}");
    assert!(place.left_over().is_empty(), "{:?}", place.left_over());

    let reports: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("report ")).collect();
    assert_eq!(reports.len(), count, "{text}");
    for report in reports {
        assert!(fs::read_to_string(report.trim()).unwrap().contains("<svg"), "{report}");
    }
    replay_agrees_until_an_increment_is_changed(&place, count);
}

fn replay_agrees_until_an_increment_is_changed(place: &Place, count: usize) {
    let output = place.run(&["runs", "replay", "--all"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains(&format!("{count} agree, 0 disagree")), "{}", text(&output));
    change_one_increment(&place.state().join("history.sqlite"));
    let output = place.run(&["runs", "replay", "--all"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output));
    assert!(text(&output).contains(&format!("{} agree, 1 disagree", count - 1)), "{}", text(&output));
}

/// Adds one bad event to one interval of one run.
fn change_one_increment(history: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let changed = runtime.block_on(async {
        let pool = sqlx::SqlitePool::connect(&format!("sqlite://{}", history.display())).await.unwrap();
        let (run, sequence, body): (String, i64, String) =
            sqlx::query_as("SELECT run, sequence, body FROM events WHERE body LIKE '%\"bad\":0%' LIMIT 1")
                .fetch_one(&pool)
                .await
                .unwrap();
        let body = body.replacen("\"bad\":0", "\"bad\":1", 1);
        let done = sqlx::query("UPDATE events SET body = $3 WHERE run = $1 AND sequence = $2")
            .bind(run)
            .bind(sequence)
            .bind(body)
            .execute(&pool)
            .await
            .unwrap();
        pool.close().await;
        done.rows_affected()
    });
    assert_eq!(changed, 1);
}

#[test]
fn without_its_timeout_payments_does_not_survive_a_slow_risk() {
    let place = Place::new("without");
    let text = text(&place.run(&["demo", "--only", "risk-slow", "--without", "risk-timeout"]));
    assert_verdict(&text, "risk-slow", "refuted");
    assert!(text.contains("none lost, none doubled"), "{text}");
}

#[test]
fn with_its_weakness_mended_payments_survives_a_slow_ledger() {
    let place = Place::new("fix");
    let text = text(&place.run(&["demo", "--only", "ledger-slow", "--fix", "ledger-timeout"]));
    assert_verdict(&text, "ledger-slow", "held");
    assert!(text.contains("none lost, none doubled"), "{text}");
}
