//! wallet: sets money aside before it moves. A hold is the durable intent of a payment: it is `open` until the ledger
//! is known to have the transfer (`settled`) or to have refused it (`released`).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use hyper::body::Bytes;
use prometheus_client::registry::Registry;
use serde::Deserialize;
use sqlx::SqlitePool;

use crate::config::ServiceConfig;
use crate::database::{open_reader, open_writer};
use crate::error::DemoError;
use crate::group::GroupWriter;
use crate::metrics::counter;
use crate::serve::serve;
use crate::topology::Service;
use crate::wire::{Keys, OpenHolds, Payment, Refusal, read};

mod holds;

use holds::{Change, Changed, Holds};

pub(crate) use holds::OPENING;

/// The wallet's file in the state directory.
pub(crate) const FILE: &str = "wallet.sqlite";

struct Wallet {
    writer: GroupWriter<Holds>,
    reader: SqlitePool,
    refused: prometheus_client::metrics::counter::Counter,
}

/// Serves the wallet.
pub(crate) async fn run(config: &ServiceConfig) -> Result<(), DemoError> {
    let path = config.state_dir.join(FILE);
    let writer = GroupWriter::start(Holds, open_writer(&path, holds::SCHEMA).await?);
    let mut registry = Registry::default();
    let refused = counter(&mut registry, "wallet_holds_refused", "Holds refused for lack of funds");
    let wallet = Arc::new(Wallet { writer, reader: open_reader(&path).await?, refused });
    let router = Router::new()
        .route("/holds", post(hold))
        .route("/holds/settle", post(settle))
        .route("/holds/release", post(release))
        .route("/holds/open", get(open))
        .with_state(wallet);
    let routes = &["/holds", "/holds/settle", "/holds/release", "/holds/open"];
    serve(Service::Wallet, config, router, routes, registry).await
}

async fn hold(
    State(wallet): State<Arc<Wallet>>,
    body: Bytes,
) -> Result<(StatusCode, Json<serde_json::Value>), Refusal> {
    let payment: Payment = read(&body)?;
    payment.check()?;
    let refuse = |status, reason| Err(Refusal::new(status, reason));
    match wallet.writer.write(Change::Hold(payment)).await? {
        Changed::Held => Ok((StatusCode::CREATED, Json(serde_json::json!({ "hold": "held" })))),
        Changed::HeldBefore => Ok((StatusCode::OK, Json(serde_json::json!({ "hold": "held" })))),
        Changed::Ended => Ok((StatusCode::OK, Json(serde_json::json!({ "hold": "settled" })))),
        Changed::ReleasedBefore => refuse(StatusCode::CONFLICT, "this payment was refused before"),
        Changed::Conflict => refuse(StatusCode::CONFLICT, "this key belongs to another payment"),
        Changed::NoFunds => {
            wallet.refused.inc();
            refuse(StatusCode::PAYMENT_REQUIRED, "not enough funds")
        }
    }
}

async fn settle(State(wallet): State<Arc<Wallet>>, body: Bytes) -> Result<StatusCode, Refusal> {
    wallet.writer.write(Change::Settle(read::<Keys>(&body)?.keys)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn release(State(wallet): State<Arc<Wallet>>, body: Bytes) -> Result<StatusCode, Refusal> {
    wallet.writer.write(Change::Release(read::<Keys>(&body)?.keys)).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
struct Old {
    older_than_ms: u64,
}

async fn open(State(wallet): State<Arc<Wallet>>, Query(old): Query<Old>) -> Result<Json<OpenHolds>, Refusal> {
    let holds = holds::open(&wallet.reader, Duration::from_millis(old.older_than_ms)).await;
    holds.map(Json).map_err(|e| Refusal::unavailable(format!("not read: {e}")))
}
