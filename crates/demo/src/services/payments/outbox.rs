//! Payments accepted but not yet in the ledger, in a SQLite file: on disk before the client hears "accepted", there
//! until the ledger confirms.

use std::path::Path;

use sqlx::{SqliteConnection, SqlitePool};

use crate::database::{open_reader, open_writer};
use crate::error::DemoError;
use crate::group::{GroupWriter, Writes};
use crate::wire::{Payment, Refusal};

/// The outbox in the state directory.
pub(crate) const FILE: &str = "outbox.sqlite";

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS outbox (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, payer TEXT NOT NULL, payee TEXT NOT NULL,
        amount INTEGER NOT NULL
    );";

pub(super) struct Outbox {
    writer: GroupWriter<Letters>,
    reader: SqlitePool,
}

impl Outbox {
    pub(super) async fn open(state_dir: &Path) -> Result<Self, DemoError> {
        let path = state_dir.join(FILE);
        let writer = GroupWriter::start(Letters, open_writer(&path, SCHEMA).await?);
        Ok(Self { writer, reader: open_reader(&path).await? })
    }

    /// Returns when the payment is kept.
    pub(super) async fn put(&self, payment: Payment) -> Result<(), Refusal> {
        self.writer.write(Letter::Put(payment)).await
    }

    /// The ledger has these.
    pub(super) async fn delivered(&self, keys: Vec<String>) -> Result<(), Refusal> {
        self.writer.write(Letter::Delivered(keys)).await
    }

    pub(super) async fn oldest(&self, limit: u32) -> Result<Vec<Payment>, Refusal> {
        let rows: Vec<(String, String, String, i64)> =
            sqlx::query_as("SELECT key, payer, payee, amount FROM outbox ORDER BY id LIMIT ?")
                .bind(limit)
                .fetch_all(&self.reader)
                .await
                .map_err(unread)?;
        Ok(rows.into_iter().map(|(key, from, to, amount)| Payment { key, from, to, amount }).collect())
    }

    pub(super) async fn waiting(&self) -> Result<u64, Refusal> {
        let (waiting,): (i64,) =
            sqlx::query_as("SELECT count(*) FROM outbox").fetch_one(&self.reader).await.map_err(unread)?;
        Ok(waiting.unsigned_abs())
    }
}

fn unread(error: sqlx::Error) -> Refusal {
    Refusal::unavailable(format!("the outbox could not be read: {error}"))
}

enum Letter {
    Put(Payment),
    Delivered(Vec<String>),
}

/// Writes the outbox.
struct Letters;

impl Writes for Letters {
    type Command = Letter;
    type Answer = ();

    async fn apply(&mut self, db: &mut SqliteConnection, letter: &Letter) -> Result<(), sqlx::Error> {
        match letter {
            Letter::Put(Payment { key, from, to, amount }) => {
                let put = "INSERT OR IGNORE INTO outbox (key, payer, payee, amount) VALUES (?, ?, ?, ?)";
                sqlx::query(put).bind(key).bind(from).bind(to).bind(amount).execute(db).await?;
            }
            Letter::Delivered(keys) => {
                for key in keys {
                    sqlx::query("DELETE FROM outbox WHERE key = ?").bind(key).execute(&mut *db).await?;
                }
            }
        }
        Ok(())
    }
}
