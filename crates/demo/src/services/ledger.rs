//! ledger: double-entry balances. A transfer is two entries whose sum is zero, written with its idempotency key in one
//! transaction; the same key a second time changes nothing.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use hyper::body::Bytes;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;
use serde::Deserialize;
use sqlx::{SqliteConnection, SqlitePool};

use crate::config::ServiceConfig;
use crate::database::{open_reader, open_writer};
use crate::error::DemoError;
use crate::group::{GroupWriter, Writes};
use crate::metrics::counter;
use crate::serve::serve;
use crate::topology::Service;
use crate::wire::{Batch, Payment, Posting, Postings, Refusal, read};

/// The ledger's file in the state directory.
pub(crate) const FILE: &str = "ledger.sqlite";

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS transfers (
        key TEXT PRIMARY KEY, payer TEXT NOT NULL, payee TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS entries (
        id INTEGER PRIMARY KEY, key TEXT NOT NULL, account TEXT NOT NULL, amount INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS balances (account TEXT PRIMARY KEY, balance INTEGER NOT NULL) WITHOUT ROWID;";

struct Ledger {
    writer: GroupWriter<Book>,
    reader: SqlitePool,
    posted: Counter,
    repeated: Counter,
}

/// Serves the ledger.
pub(crate) async fn run(config: &ServiceConfig) -> Result<(), DemoError> {
    let path = config.state_dir.join(FILE);
    let writer = GroupWriter::start(Book, open_writer(&path, SCHEMA).await?);
    let mut registry = Registry::default();
    let ledger = Arc::new(Ledger {
        writer,
        reader: open_reader(&path).await?,
        posted: counter(&mut registry, "ledger_transfers", "Transfers written"),
        repeated: counter(&mut registry, "ledger_repeats", "Transfers asked for again and not written again"),
    });
    let router = Router::new()
        .route("/transfers", post(transfer))
        .route("/transfers/batch", post(transfers))
        .route("/balances", get(balance))
        .with_state(ledger);
    serve(Service::Ledger, config, router, &["/transfers", "/transfers/batch", "/balances"], registry).await
}

async fn transfer(
    State(ledger): State<Arc<Ledger>>,
    body: Bytes,
) -> Result<(StatusCode, Json<Posting>), Refusal> {
    let payment: Payment = read(&body)?;
    payment.check()?;
    match ledger.post(vec![payment]).await?.as_slice() {
        [Posting::Posted] => Ok((StatusCode::CREATED, Json(Posting::Posted))),
        [Posting::Repeated] => Ok((StatusCode::OK, Json(Posting::Repeated))),
        _ => Err(Refusal::new(StatusCode::CONFLICT, "this key belongs to another transfer")),
    }
}

async fn transfers(State(ledger): State<Arc<Ledger>>, body: Bytes) -> Result<Json<Postings>, Refusal> {
    let batch: Batch = read(&body)?;
    batch.payments.iter().try_for_each(Payment::check)?;
    Ok(Json(Postings { postings: ledger.post(batch.payments).await? }))
}

#[derive(Deserialize)]
struct Account {
    account: String,
}

async fn balance(
    State(ledger): State<Arc<Ledger>>,
    Query(Account { account }): Query<Account>,
) -> Result<Json<serde_json::Value>, Refusal> {
    let row: Option<(i64,)> = sqlx::query_as("SELECT balance FROM balances WHERE account = ?")
        .bind(&account)
        .fetch_optional(&ledger.reader)
        .await
        .map_err(|e| Refusal::unavailable(format!("not read: {e}")))?;
    let (balance,) = row.ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "no such account"))?;
    Ok(Json(serde_json::json!({ "account": account, "balance": balance })))
}

impl Ledger {
    async fn post(&self, payments: Vec<Payment>) -> Result<Vec<Posting>, Refusal> {
        let postings = self.writer.write(payments).await?;
        let posted = postings.iter().filter(|p| **p == Posting::Posted).count();
        self.posted.inc_by(posted as u64);
        self.repeated.inc_by((postings.len() - posted) as u64);
        Ok(postings)
    }
}

/// Writes transfers.
struct Book;

impl Writes for Book {
    type Command = Vec<Payment>;
    type Answer = Vec<Posting>;

    async fn apply(
        &mut self,
        db: &mut SqliteConnection,
        payments: &Vec<Payment>,
    ) -> Result<Vec<Posting>, sqlx::Error> {
        let mut postings = Vec::with_capacity(payments.len());
        for payment in payments {
            postings.push(record(db, payment).await?);
        }
        Ok(postings)
    }
}

async fn record(db: &mut SqliteConnection, payment: &Payment) -> Result<Posting, sqlx::Error> {
    let Payment { key, from, to, amount } = payment;
    let written = sqlx::query("INSERT OR IGNORE INTO transfers VALUES (?, ?, ?, ?)")
        .bind(key)
        .bind(from)
        .bind(to)
        .bind(amount)
        .execute(&mut *db)
        .await?;
    if written.rows_affected() == 0 {
        let known: (String, String, i64) =
            sqlx::query_as("SELECT payer, payee, amount FROM transfers WHERE key = ?")
                .bind(key)
                .fetch_one(&mut *db)
                .await?;
        let same = known == (from.clone(), to.clone(), *amount);
        return Ok(if same { Posting::Repeated } else { Posting::Conflict });
    }
    sqlx::query("INSERT INTO entries (key, account, amount) VALUES (?1, ?2, -?4), (?1, ?3, ?4)")
        .bind(key)
        .bind(from)
        .bind(to)
        .bind(amount)
        .execute(&mut *db)
        .await?;
    sqlx::query(
        "INSERT INTO balances VALUES (?1, -?3), (?2, ?3)
             ON CONFLICT (account) DO UPDATE SET balance = balance + excluded.balance",
    )
    .bind(from)
    .bind(to)
    .bind(amount)
    .execute(&mut *db)
    .await?;
    Ok(Posting::Posted)
}
