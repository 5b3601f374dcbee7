//! [`Runs`] in SQLite.

use async_trait::async_trait;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Executor, FromRow, Sqlite as Db, Transaction};
use steadfast_model::{
    Event, RunId, WallTime,
    event::Known,
    run::{RunFilter, RunSummary, SourceDocument},
};

use super::Sqlite;
use crate::{Fence, NewRun, Runs, StoreError};

/// Takes the right to write before anything is read. A transaction that reads first and then wants to write is refused
/// at once when another process has written in between, however patient it is.
const AT_ONCE: &str = "BEGIN IMMEDIATE";

#[async_trait]
impl Runs for Sqlite {
    async fn begin(&self, run: &NewRun) -> Result<Fence, StoreError> {
        let mut transaction = self.writer.begin_with(AT_ONCE).await?;
        let fence = insert_run(&mut transaction, run).await?;
        transaction.commit().await?;
        Ok(fence)
    }

    async fn append(&self, run: RunId, fence: Fence, events: &[Event]) -> Result<(), StoreError> {
        let Some(first) = events.first() else { return Ok(()) };
        let mut transaction = self.writer.begin_with(AT_ONCE).await?;
        let (holder, next): (Option<i64>, i64) = sqlx::query_as(
            "SELECT (SELECT fence FROM runs WHERE id = $1), \
             (SELECT COALESCE(MAX(sequence) + 1, 0) FROM events WHERE run = $1)",
        )
        .bind(run.to_string())
        .fetch_one(&mut *transaction)
        .await?;
        let Some(holder) = holder else { return Err(StoreError::NoSuchRun { name: run.to_string() }) };
        let next = u64::try_from(next).unwrap_or(0);
        if holder != fence.0 || first.sequence != next {
            return Err(StoreError::OutOfStep { run, expected: first.sequence, found: next });
        }
        for event in events {
            insert_event(&mut transaction, run, event).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn import(&self, run: &NewRun, events: &[Event]) -> Result<bool, StoreError> {
        let mut transaction = self.writer.begin_with(AT_ONCE).await?;
        let kept: Vec<(String,)> = sqlx::query_as("SELECT id FROM runs WHERE id = $1 OR name = $2")
            .bind(run.id.to_string())
            .bind(&run.name)
            .fetch_all(&mut *transaction)
            .await?;
        if !kept.is_empty() {
            let same = kept.iter().all(|(id,)| *id == run.id.to_string())
                && read_events(&mut *transaction, run.id).await? == events;
            return if same { Ok(false) } else { Err(StoreError::Differs { name: run.name.clone() }) };
        }
        insert_run(&mut transaction, run).await?;
        for event in events {
            insert_event(&mut transaction, run.id, event).await?;
        }
        sqlx::query("UPDATE runs SET imported = 1 WHERE id = $1")
            .bind(run.id.to_string())
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    async fn list(&self, filter: &RunFilter) -> Result<Vec<RunSummary>, StoreError> {
        let rows: Vec<Row> = sqlx::query_as(
            "SELECT * FROM runs WHERE ($1 IS NULL OR experiment = $1) AND ($2 IS NULL OR verdict = $2) \
             AND ($4 IS NULL OR outcome = $4) AND ($5 IS NULL OR claim = $5) AND ($6 IS NULL OR started_at >= $6) \
             AND ($7 IS NULL OR EXISTS (SELECT 1 FROM json_each(labels) WHERE key = $7 AND value = $8)) \
             AND ($9 IS FALSE OR imported = 0) ORDER BY started_at DESC, id DESC LIMIT $3",
        )
        .bind(&filter.experiment)
        .bind(filter.verdict.map(|verdict| verdict.to_string()))
        .bind(filter.limit.map_or(-1, i64::from))
        .bind(filter.outcome.map(|outcome| outcome.to_string()))
        .bind(&filter.claim)
        .bind(filter.since.map(|since| since.0))
        .bind(filter.label.as_ref().map(|(key, _)| key))
        .bind(filter.label.as_ref().map(|(_, value)| value))
        .bind(filter.made_here)
        .fetch_all(&self.readers)
        .await?;
        rows.into_iter().map(Row::read).collect()
    }

    async fn find(&self, name: &str) -> Result<RunSummary, StoreError> {
        // LIKE would read `_` and `%` in a name as wildcards; substr does not.
        let mut rows: Vec<Row> = sqlx::query_as(
            "SELECT * FROM runs WHERE id = $1 OR name = $1 OR substr(name, 1, length($1)) = $1 \
             OR substr(name, -length($1)) = $1 ORDER BY (id = $1 OR name = $1) DESC, started_at DESC LIMIT 10",
        )
        .bind(name)
        .fetch_all(&self.readers)
        .await?;
        let exact = rows.first().is_some_and(|row| row.id == name || row.name == name);
        match rows.len() {
            0 => Err(StoreError::NoSuchRun { name: name.to_owned() }),
            count if count > 1 && !exact => Err(StoreError::Ambiguous { name: name.to_owned(), count }),
            _ => rows.swap_remove(0).read(),
        }
    }

    async fn events(&self, run: RunId) -> Result<Vec<Event>, StoreError> {
        read_events(&self.readers, run).await
    }

    async fn documents(&self, run: RunId) -> Result<Vec<SourceDocument>, StoreError> {
        let rows: Vec<(String, String, Vec<u8>)> =
            sqlx::query_as("SELECT role, file, content FROM documents WHERE run = $1 ORDER BY role, file")
                .bind(run.to_string())
                .fetch_all(&self.readers)
                .await?;
        Ok(rows.into_iter().map(|(role, file, content)| SourceDocument { role, file, content }).collect())
    }
}

async fn insert_run(transaction: &mut Transaction<'_, Db>, run: &NewRun) -> Result<Fence, StoreError> {
    let fence = Fence(run.started_at.0);
    let labels = serde_json::to_string(&run.labels).map_err(|error| malformed("the labels", error))?;
    sqlx::query(
        "INSERT INTO runs (id, name, experiment, title, digest, started_at, fence, claim, labels) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(run.id.to_string())
    .bind(&run.name)
    .bind(&run.experiment)
    .bind(&run.title)
    .bind(&run.digest)
    .bind(run.started_at.0)
    .bind(fence.0)
    .bind(&run.claim)
    .bind(labels)
    .execute(&mut **transaction)
    .await?;
    for document in &run.documents {
        sqlx::query("INSERT INTO documents (run, role, file, content) VALUES ($1, $2, $3, $4)")
            .bind(run.id.to_string())
            .bind(&document.role)
            .bind(&document.file)
            .bind(&document.content)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(fence)
}

async fn read_events(
    executor: impl Executor<'_, Database = Db>,
    run: RunId,
) -> Result<Vec<Event>, StoreError> {
    let rows: Vec<(i64, i64, i64, String)> =
        sqlx::query_as("SELECT sequence, at, since_start, body FROM events WHERE run = $1 ORDER BY sequence")
            .bind(run.to_string())
            .fetch_all(executor)
            .await?;
    rows.into_iter()
        .map(|(sequence, at, since_start, body)| {
            let what = || format!("event {sequence} of run {run}");
            Ok(Event {
                sequence: u64::try_from(sequence).map_err(|error| malformed(what(), error))?,
                at: WallTime(at),
                since_start: u64::try_from(since_start).map_err(|error| malformed(what(), error))?,
                body: serde_json::from_str(&body).map_err(|error| malformed(what(), error))?,
            })
        })
        .collect()
}

async fn insert_event(
    transaction: &mut Transaction<'_, Db>,
    run: RunId,
    event: &Event,
) -> Result<(), StoreError> {
    let body = serde_json::to_string(&event.body).map_err(|error| malformed("an event", error))?;
    sqlx::query("INSERT INTO events (run, sequence, at, since_start, body) VALUES ($1, $2, $3, $4, $5)")
        .bind(run.to_string())
        .bind(i64::try_from(event.sequence).unwrap_or(i64::MAX))
        .bind(event.at.0)
        .bind(i64::try_from(event.since_start).unwrap_or(i64::MAX))
        .bind(body)
        .execute(&mut **transaction)
        .await?;
    if let Some(Known::Concluded(conclusion)) = event.body.known() {
        sqlx::query("UPDATE runs SET ended_at = $2, outcome = $3, verdict = $4, reason = $5 WHERE id = $1")
            .bind(run.to_string())
            .bind(event.at.0)
            .bind(conclusion.outcome.to_string())
            .bind(conclusion.verdict.to_string())
            .bind(&conclusion.reason.sentence)
            .execute(&mut **transaction)
            .await?;
    }
    Ok(())
}

/// A row of `runs`, as stored.
#[derive(FromRow)]
struct Row {
    id: String,
    name: String,
    experiment: String,
    title: String,
    digest: String,
    claim: Option<String>,
    labels: String,
    started_at: i64,
    ended_at: Option<i64>,
    outcome: Option<String>,
    verdict: Option<String>,
    reason: Option<String>,
}

impl Row {
    fn read(self) -> Result<RunSummary, StoreError> {
        Ok(RunSummary {
            id: self.id.parse().map_err(|error| malformed(format!("run id `{}`", self.id), error))?,
            outcome: self.outcome.as_ref().map(word).transpose()?,
            verdict: self.verdict.as_ref().map(word).transpose()?,
            name: self.name,
            experiment: self.experiment,
            title: self.title,
            claim: self.claim,
            labels: serde_json::from_str(&self.labels)
                .map_err(|error| malformed("the labels of a run", error))?,
            digest: self.digest,
            started_at: WallTime(self.started_at),
            ended_at: self.ended_at.map(WallTime),
            reason: self.reason,
        })
    }
}

/// A word of a closed list, as its enum spells it.
fn word<T: DeserializeOwned>(text: impl Serialize + std::fmt::Debug) -> Result<T, StoreError> {
    let value = serde_json::to_value(&text).map_err(|error| malformed(format!("{text:?}"), error))?;
    serde_json::from_value(value).map_err(|error| malformed(format!("{text:?}"), error))
}

fn malformed(what: impl Into<String>, error: impl std::fmt::Display) -> StoreError {
    StoreError::Malformed { what: what.into(), cause: error.to_string() }
}
