//! What any history must do. One suite; each database runs it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use steadfast_model::{
    Event, Outcome, Phase, RunId, Verdict, WallTime,
    event::{Conclusion, EventBody, Known},
    id::run_name,
    run::{RunFilter, SourceDocument},
    verdict::Reason,
};
use steadfast_store::{Fence, NewRun, Runs, Sqlite, StoreError};

async fn history() -> (tempfile::TempDir, Sqlite) {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(&folder.path().join("history.sqlite")).await.unwrap();
    (folder, store)
}

fn new_run(experiment: &str, at: i64) -> NewRun {
    let id = RunId::new();
    NewRun {
        id,
        name: run_name(experiment, id),
        experiment: experiment.to_owned(),
        title: "A title".to_owned(),
        digest: "00".to_owned(),
        claim: Some(format!("{experiment}-holds")),
        labels: [("team".to_owned(), experiment.to_owned())].into(),
        started_at: WallTime(at),
        documents: vec![SourceDocument {
            role: "experiment".into(),
            file: "a.yaml".into(),
            content: b"kind: x\n".to_vec(),
        }],
    }
}

fn event(sequence: u64, known: Known) -> Event {
    Event { sequence, at: WallTime(5), since_start: sequence * 10, body: known.into() }
}

fn concluded(verdict: Verdict) -> Known {
    Known::Concluded(Box::new(Conclusion {
        outcome: Outcome::Completed,
        verdict,
        reason: Reason { code: "x".into(), sentence: "Because.".into(), data: serde_json::Value::Null },
        analysis: "1".into(),
        finding: serde_json::json!({ "lnEvidence": [0.1, -1e-300, 3.5] }),
        samples_digest: "00".into(),
        faults: Vec::new(),
    }))
}

#[tokio::test]
async fn a_run_reads_back_as_it_was_written() {
    let (_folder, store) = history().await;
    let run = new_run("risk-slow", 1);
    let fence = store.begin(&run).await.unwrap();
    let events = vec![
        event(0, Known::PhaseEntered { phase: Phase::Baseline }),
        event(1, Known::Noted { what: "an oddity: é \" \\ \u{0}".into() }),
        event(2, concluded(Verdict::Held)),
    ];
    store.append(run.id, fence, &events[..1]).await.unwrap();
    store.append(run.id, fence, &events[1..]).await.unwrap();

    assert_eq!(store.events(run.id).await.unwrap(), events);
    assert_eq!(store.documents(run.id).await.unwrap(), run.documents);
    let row = store.find(&run.name).await.unwrap();
    assert_eq!((row.verdict, row.outcome), (Some(Verdict::Held), Some(Outcome::Completed)));
    assert_eq!(row.reason.as_deref(), Some("Because."));
}

#[tokio::test]
async fn an_event_type_of_another_version_is_kept() {
    let (_folder, store) = history().await;
    let run = new_run("a", 1);
    let fence = store.begin(&run).await.unwrap();
    let body: EventBody = serde_json::from_str(r#"{"fromTheFuture":{"x":1}}"#).unwrap();
    let strange = Event { sequence: 0, at: WallTime(1), since_start: 0, body };
    store.append(run.id, fence, std::slice::from_ref(&strange)).await.unwrap();
    assert_eq!(store.events(run.id).await.unwrap(), vec![strange]);
}

#[tokio::test]
async fn only_the_holder_of_the_fence_appends_and_only_in_step() {
    let (_folder, store) = history().await;
    let run = new_run("a", 1);
    let fence = store.begin(&run).await.unwrap();
    let note = |sequence| [event(sequence, Known::Noted { what: String::new() })];
    let other = store.append(run.id, Fence(fence.0 + 1), &note(0)).await;
    assert!(matches!(other, Err(StoreError::OutOfStep { .. })), "{other:?}");
    let late = store.append(run.id, fence, &note(1)).await;
    assert!(matches!(late, Err(StoreError::OutOfStep { expected: 1, found: 0, .. })), "{late:?}");
    store.append(run.id, fence, &note(0)).await.unwrap();
    let twice = store.append(run.id, fence, &note(0)).await;
    assert!(matches!(twice, Err(StoreError::OutOfStep { expected: 0, found: 1, .. })), "{twice:?}");
}

#[tokio::test]
async fn runs_are_found_by_a_unique_part_of_their_name_and_listed_newest_first() {
    let (_folder, store) = history().await;
    let (old, new) = (new_run("risk-slow", 1), new_run("risk-slow", 2));
    let other = new_run("wallet_killed", 3);
    for run in [&old, &new, &other] {
        store.begin(run).await.unwrap();
    }
    let ending = &old.name[old.name.len() - 6..];
    assert_eq!(store.find(ending).await.unwrap().id, old.id);
    assert!(matches!(store.find("risk-slow").await, Err(StoreError::Ambiguous { count: 2, .. })));
    assert!(matches!(store.find("walletxkilled").await, Err(StoreError::NoSuchRun { .. })));
    let filter = RunFilter { experiment: Some("risk-slow".into()), ..RunFilter::default() };
    let names: Vec<_> = store.list(&filter).await.unwrap().into_iter().map(|row| row.name).collect();
    assert_eq!(names, [new.name, old.name]);
    assert_eq!(store.list(&RunFilter { limit: Some(1), ..RunFilter::default() }).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.sqlite");
    std::fs::write(&path, "this is not a database, but it is long enough to look at".repeat(20)).unwrap();
    let error = Sqlite::open(&path).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("aside"));
}

#[tokio::test]
async fn a_database_held_by_somebody_else_is_named_locked() {
    let (folder, store) = history().await;
    let url = format!("sqlite://{}", folder.path().join("history.sqlite").display());
    let other = sqlx::SqlitePool::connect(&url).await.unwrap();
    let mut hold = other.acquire().await.unwrap();
    sqlx::query("BEGIN EXCLUSIVE").execute(&mut *hold).await.unwrap();
    let error = store.begin(&new_run("a", 1)).await.unwrap_err();
    assert!(matches!(error, StoreError::Locked), "{error:?}");
}

#[tokio::test]
async fn several_writers_at_once_wait_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.sqlite");
    let writer = |experiment: &'static str| {
        let path = path.clone();
        async move {
            let store = Sqlite::open(&path).await.unwrap();
            let run = new_run(experiment, 1);
            let fence = store.begin(&run).await.unwrap();
            for sequence in 0..40 {
                store
                    .append(run.id, fence, &[event(sequence, Known::Noted { what: "x".into() })])
                    .await
                    .unwrap();
            }
        }
    };
    tokio::join!(writer("a"), writer("b"), writer("c"), writer("d"));
    let store = Sqlite::open(&path).await.unwrap();
    assert_eq!(store.list(&RunFilter::default()).await.unwrap().len(), 4);
}

#[tokio::test]
async fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let error = Sqlite::open(&folder.path().join("nowhere/history.sqlite")).await.unwrap_err();
    assert!(matches!(error, StoreError::Open { .. }), "{error:?}");
}

#[tokio::test]
async fn lists_are_narrowed_by_outcome_claim_label_and_time() {
    let (_folder, store) = history().await;
    for (experiment, at) in [("a_b", 10), ("other", 20)] {
        let run = new_run(experiment, at);
        let fence = store.begin(&run).await.unwrap();
        if experiment == "a_b" {
            store.append(run.id, fence, &[event(0, concluded(Verdict::Held))]).await.unwrap();
        }
    }
    let list = async |filter: RunFilter| {
        let runs = store.list(&filter).await.unwrap();
        runs.into_iter().map(|run| run.experiment).collect::<Vec<_>>().join(" ")
    };
    let label = |value: &str| Some(("team".to_owned(), value.to_owned()));
    let all = RunFilter::default;
    assert_eq!(list(all()).await, "other a_b");
    assert_eq!(list(RunFilter { outcome: Some(Outcome::Completed), ..all() }).await, "a_b");
    assert_eq!(list(RunFilter { claim: Some("other-holds".into()), ..all() }).await, "other");
    assert_eq!(list(RunFilter { since: Some(WallTime(11)), ..all() }).await, "other");
    assert_eq!(list(RunFilter { since: Some(WallTime(10)), ..all() }).await, "other a_b");
    assert_eq!(list(RunFilter { label: label("a_b"), ..all() }).await, "a_b");
    assert_eq!(list(RunFilter { label: label("a%"), ..all() }).await, "");
    assert_eq!(list(RunFilter { label: label("a_b"), claim: Some("other-holds".into()), ..all() }).await, "");
}

#[tokio::test]
async fn a_run_of_another_history_is_kept_once_and_never_mixed_up() {
    let (_folder, store) = history().await;
    let run = new_run("risk-slow", 1);
    let events = [event(0, Known::Noted { what: "x".into() }), event(1, concluded(Verdict::Held))];
    assert!(store.import(&run, &events).await.unwrap());
    assert!(!store.import(&run, &events).await.unwrap());
    let found = store.find(&run.name).await.unwrap();
    assert_eq!((found.verdict, &found.claim, &found.labels), (Some(Verdict::Held), &run.claim, &run.labels));
    assert_eq!(store.events(run.id).await.unwrap(), events);
    assert_eq!(store.documents(run.id).await.unwrap(), run.documents);

    let other = [event(0, Known::Noted { what: "y".into() }), event(1, concluded(Verdict::Held))];
    assert!(matches!(store.import(&run, &other).await, Err(StoreError::Differs { .. })));
    let namesake = NewRun { id: RunId::new(), ..run.clone() };
    assert!(matches!(store.import(&namesake, &events).await, Err(StoreError::Differs { .. })));
    assert_eq!(store.events(run.id).await.unwrap(), events);
    assert_eq!(store.list(&RunFilter::default()).await.unwrap().len(), 1);
    let here = RunFilter { made_here: true, ..RunFilter::default() };
    assert!(store.list(&here).await.unwrap().is_empty());
    store.begin(&new_run("own", 2)).await.unwrap();
    assert_eq!(store.list(&here).await.unwrap()[0].experiment, "own");
}
