//! Holds and what they leave available, in SQLite.

use std::time::Duration;

use sqlx::{SqliteConnection, SqlitePool};

use crate::group::Writes;
use crate::wire::{OpenHolds, Payment};

/// What every account can spend when it is first seen, in cents.
pub(crate) const OPENING: i64 = 1_000_000_000;

const LARGEST_LIST: i64 = 500;

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS holds (
        key TEXT PRIMARY KEY, payer TEXT NOT NULL, payee TEXT NOT NULL, amount INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('open', 'settled', 'released')), opened_ms INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS open_holds ON holds (opened_ms) WHERE state = 'open';
    CREATE TABLE IF NOT EXISTS accounts (account TEXT PRIMARY KEY, available INTEGER NOT NULL) WITHOUT ROWID;";

/// What is asked of the holds.
pub(super) enum Change {
    Hold(Payment),
    Settle(Vec<String>),
    Release(Vec<String>),
}

/// What became of it.
pub(super) enum Changed {
    Held,
    HeldBefore,
    Ended,
    ReleasedBefore,
    Conflict,
    NoFunds,
}

/// Writes holds.
pub(super) struct Holds;

impl Writes for Holds {
    type Command = Change;
    type Answer = Changed;

    async fn apply(&mut self, db: &mut SqliteConnection, change: &Change) -> Result<Changed, sqlx::Error> {
        match change {
            Change::Hold(payment) => hold(db, payment).await,
            Change::Settle(keys) => {
                for key in keys {
                    let settle = "UPDATE holds SET state = 'settled' WHERE key = ? AND state = 'open'";
                    sqlx::query(settle).bind(key).execute(&mut *db).await?;
                }
                Ok(Changed::Ended)
            }
            Change::Release(keys) => {
                for key in keys {
                    release(db, key).await?;
                }
                Ok(Changed::Ended)
            }
        }
    }
}

async fn hold(db: &mut SqliteConnection, payment: &Payment) -> Result<Changed, sqlx::Error> {
    let Payment { key, from, to, amount } = payment;
    let known: Option<(String, String, i64, String)> =
        sqlx::query_as("SELECT payer, payee, amount, state FROM holds WHERE key = ?")
            .bind(key)
            .fetch_optional(&mut *db)
            .await?;
    if let Some((payer, payee, held, state)) = known {
        return Ok(match state.as_str() {
            _ if (&payer, &payee, &held) != (from, to, amount) => Changed::Conflict,
            "open" => Changed::HeldBefore,
            "settled" => Changed::Ended,
            _ => Changed::ReleasedBefore,
        });
    }
    sqlx::query("INSERT OR IGNORE INTO accounts VALUES (?, ?)")
        .bind(from)
        .bind(OPENING)
        .execute(&mut *db)
        .await?;
    let taken =
        sqlx::query("UPDATE accounts SET available = available - ?2 WHERE account = ?1 AND available >= ?2")
            .bind(from)
            .bind(amount)
            .execute(&mut *db)
            .await?;
    if taken.rows_affected() == 0 {
        return Ok(Changed::NoFunds);
    }
    sqlx::query("INSERT INTO holds VALUES (?, ?, ?, ?, 'open', CAST(unixepoch('subsec') * 1000 AS INTEGER))")
        .bind(key)
        .bind(from)
        .bind(to)
        .bind(amount)
        .execute(&mut *db)
        .await?;
    Ok(Changed::Held)
}

async fn release(db: &mut SqliteConnection, key: &str) -> Result<(), sqlx::Error> {
    let released: Option<(String, i64)> = sqlx::query_as(
        "UPDATE holds SET state = 'released' WHERE key = ? AND state = 'open' RETURNING payer, amount",
    )
    .bind(key)
    .fetch_optional(&mut *db)
    .await?;
    if let Some((payer, amount)) = released {
        let give_back = "UPDATE accounts SET available = available + ? WHERE account = ?";
        sqlx::query(give_back).bind(amount).bind(payer).execute(&mut *db).await?;
    }
    Ok(())
}

/// The oldest open holds of at least this age, and how many there are of any age.
pub(super) async fn open(reader: &SqlitePool, age: Duration) -> Result<OpenHolds, sqlx::Error> {
    let (open,): (i64,) =
        sqlx::query_as("SELECT count(*) FROM holds WHERE state = 'open'").fetch_one(reader).await?;
    let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
        "SELECT key, payer, payee, amount FROM holds
         WHERE state = 'open' AND opened_ms <= CAST(unixepoch('subsec') * 1000 AS INTEGER) - ?
         ORDER BY opened_ms LIMIT ?",
    )
    .bind(i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
    .bind(LARGEST_LIST)
    .fetch_all(reader)
    .await?;
    let payments =
        rows.into_iter().map(|(key, from, to, amount)| Payment { key, from, to, amount }).collect();
    Ok(OpenHolds { open: open.unsigned_abs(), payments })
}
