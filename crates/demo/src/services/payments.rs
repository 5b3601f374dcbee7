//! payments: conducts a payment: risk, then a hold in the wallet, then the ledger, then a notification. How it treats
//! each of the four is one file below.
//!
//! It keeps nothing of its own that matters: the hold in the wallet is the durable intent, and whatever this process
//! leaves half done when it dies is brought to its end by [finish].

use std::sync::Arc;

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use hyper::body::Bytes;
use prometheus_client::registry::Registry;

use crate::config::ServiceConfig;
use crate::error::DemoError;
use crate::serve::serve;
use crate::topology::Service;
use crate::wire::{Paid, Payment, Refusal, Unfinished, read};

mod finish;
mod ledger;
mod notices;
mod outbox;
mod risk;
mod wallet;

use finish::Finish;
use ledger::{LedgerCaller, Outcome};
use notices::Notices;
use risk::RiskCaller;
use wallet::WalletCaller;

pub(crate) use outbox::FILE as OUTBOX_FILE;

struct Payments {
    risk: RiskCaller,
    wallet: Arc<WalletCaller>,
    ledger: Arc<LedgerCaller>,
    notices: Notices,
    finish: Arc<Finish>,
}

/// Serves payments.
pub(crate) async fn run(config: &ServiceConfig) -> Result<(), DemoError> {
    let mut registry = Registry::default();
    let wallet = Arc::new(WalletCaller::new(config, &mut registry)?);
    let ledger = Arc::new(LedgerCaller::open(config, &mut registry).await?);
    let payments = Arc::new(Payments {
        risk: RiskCaller::new(config, &mut registry)?,
        notices: Notices::start(config, &mut registry)?,
        finish: Finish::start(wallet.clone(), ledger.clone()),
        wallet,
        ledger,
    });
    let router = Router::new()
        .route("/payments", post(pay))
        .route("/unfinished", get(unfinished))
        .route("/drain", post(drain))
        .with_state(payments);
    serve(Service::Payments, config, router, &["/payments", "/unfinished", "/drain"], registry).await
}

async fn pay(State(all): State<Arc<Payments>>, body: Bytes) -> Result<(StatusCode, Json<Paid>), Refusal> {
    let payment: Payment = read(&body)?;
    payment.check()?;
    all.risk.assess(&payment).await?;
    all.wallet.hold(&payment).await?;
    let (code, status) = match all.ledger.post(&payment).await? {
        Outcome::Posted => {
            all.finish.settle_soon(&payment.key);
            (StatusCode::CREATED, "posted")
        }
        Outcome::Deferred => (StatusCode::ACCEPTED, "accepted"),
        Outcome::Refused(refusal) => {
            // If this fails the hold stays open and [finish] asks again.
            all.wallet.release(vec![payment.key.clone()]).await.ok();
            return Err(refusal);
        }
    };
    all.notices.push(&payment);
    Ok((code, Json(Paid { key: payment.key, status: status.into() })))
}

async fn unfinished(State(all): State<Arc<Payments>>) -> Result<Json<Unfinished>, Refusal> {
    all.finish.unfinished().await.map(Json)
}

/// Brings everything to its end now instead of in its own time, and says what is left.
async fn drain(State(all): State<Arc<Payments>>) -> Result<Json<Unfinished>, Refusal> {
    all.finish.now().await?;
    all.finish.unfinished().await.map(Json)
}
