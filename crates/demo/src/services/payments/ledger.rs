//! payments → ledger. Weakness: it waits as long as the ledger takes. Fixed (`ledger-timeout`): 150 ms, then the payment
//! goes to the outbox, the answer is "accepted", and the outbox delivers until the ledger confirms.

use std::time::Duration;

use http::StatusCode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::outbox::Outbox;
use crate::client::{Answer, CallError, Client};
use crate::config::ServiceConfig;
use crate::error::DemoError;
use crate::metrics::counter;
use crate::switches::LEDGER_TIMEOUT;
use crate::wire::{Batch, Payment, Postings, Refusal};

const IMPATIENT: Duration = Duration::from_millis(150);
const DELIVERY: Duration = Duration::from_secs(20);

pub(super) struct LedgerCaller {
    client: Client,
    defers: bool,
    deferred: Counter,
    /// Always there: what an earlier start with the fix accepted is delivered without it, too.
    pub(super) outbox: Outbox,
}

/// How the ledger's part of a payment ended.
pub(super) enum Outcome {
    /// The ledger has it.
    Posted,
    /// The outbox has it, and the ledger will.
    Deferred,
    /// The ledger will never have it.
    Refused(Refusal),
}

impl LedgerCaller {
    pub(super) async fn open(config: &ServiceConfig, registry: &mut Registry) -> Result<Self, DemoError> {
        Ok(Self {
            client: Client::new(config.upstream("ledger")?),
            defers: config.switches.protects(LEDGER_TIMEOUT),
            deferred: counter(
                registry,
                "payments_ledger_deferred",
                "Payments accepted before the ledger had them",
            ),
            outbox: Outbox::open(&config.state_dir).await?,
        })
    }

    pub(super) async fn post(&self, payment: &Payment) -> Result<Outcome, Refusal> {
        let answer = match self.defers {
            true => self.client.post("/transfers", payment, IMPATIENT).await,
            false => self.client.post_without_timeout("/transfers", payment).await,
        };
        match read(answer) {
            Ok(outcome) => Ok(outcome),
            Err(_) if self.defers => {
                self.outbox.put(payment.clone()).await?;
                self.deferred.inc();
                Ok(Outcome::Deferred)
            }
            Err(reason) => Err(Refusal::unavailable(reason)),
        }
    }

    /// Posts many; one answer each, in order. All of them may have been posted before.
    pub(super) async fn post_batch(&self, payments: Vec<Payment>) -> Result<Postings, CallError> {
        let expected = payments.len();
        let batch = Batch { payments };
        let postings: Postings = self.client.post("/transfers/batch", &batch, DELIVERY).await?.success()?;
        match postings.postings.len() == expected {
            true => Ok(postings),
            false => Err(CallError::Unreadable("not one posting for each payment".into())),
        }
    }
}

/// Only what the ledger itself said counts as refused; anything else leaves open whether it has the transfer.
fn read(answer: Result<Answer, CallError>) -> Result<Outcome, String> {
    let answer = answer.map_err(|e| format!("ledger: {e}"))?;
    match answer.status {
        status if status.is_success() => Ok(Outcome::Posted),
        StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => {
            let reason = String::from_utf8_lossy(&answer.body);
            Ok(Outcome::Refused(Refusal::new(answer.status, reason)))
        }
        status => Err(format!("ledger: status {status}")),
    }
}
