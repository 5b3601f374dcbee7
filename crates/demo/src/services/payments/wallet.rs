//! payments → wallet. Strength `wallet-retries`: up to three more attempts with jitter, within a budget, so that many
//! failures do not become many times as many requests.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use crate::client::{CallError, Client};
use crate::config::ServiceConfig;
use crate::error::DemoError;
use crate::metrics::counter;
use crate::switches::WALLET_RETRIES;
use crate::wire::{Keys, OpenHolds, Payment, Refusal};

const PATIENCE: Duration = Duration::from_secs(1);
const RETRIES: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(50);

pub(super) struct WalletCaller {
    client: Client,
    retries: bool,
    budget: Budget,
    retried: Counter,
    denied: Counter,
}

impl WalletCaller {
    pub(super) fn new(config: &ServiceConfig, registry: &mut Registry) -> Result<Self, DemoError> {
        Ok(Self {
            client: Client::new(config.upstream("wallet")?),
            retries: config.switches.protects(WALLET_RETRIES),
            budget: Budget::default(),
            retried: counter(registry, "payments_wallet_retries", "Requests to the wallet sent again"),
            denied: counter(
                registry,
                "payments_wallet_retries_denied",
                "Retries not made: the budget was used up",
            ),
        })
    }

    /// Sets the money aside; the same payment again is the same hold.
    pub(super) async fn hold(&self, payment: &Payment) -> Result<(), Refusal> {
        self.budget.earn();
        let mut attempt = 0;
        loop {
            let failure = match self.client.post("/holds", payment, PATIENCE).await {
                Ok(answer) if answer.status.is_success() => return Ok(()),
                Ok(answer) if answer.is_unavailable() => format!("wallet: status {}", answer.status),
                Ok(answer) => {
                    return Err(Refusal::new(answer.status, String::from_utf8_lossy(&answer.body)));
                }
                Err(error) => format!("wallet: {error}"),
            };
            if !self.retries || attempt == RETRIES {
                return Err(Refusal::unavailable(failure));
            }
            if !self.budget.spend() {
                self.denied.inc();
                return Err(Refusal::unavailable(failure));
            }
            self.retried.inc();
            tokio::time::sleep(pause(attempt)).await;
            attempt += 1;
        }
    }

    pub(super) async fn settle(&self, keys: Vec<String>) -> Result<(), CallError> {
        self.end("/holds/settle", keys).await
    }

    pub(super) async fn release(&self, keys: Vec<String>) -> Result<(), CallError> {
        self.end("/holds/release", keys).await
    }

    async fn end(&self, path: &str, keys: Vec<String>) -> Result<(), CallError> {
        let answer = self.client.post(path, &Keys { keys }, 5 * PATIENCE).await?;
        match answer.status.is_success() {
            true => Ok(()),
            false => Err(CallError::Unreadable(format!("status {}", answer.status))),
        }
    }

    /// Holds open for at least this long.
    pub(super) async fn open(&self, age: Duration) -> Result<OpenHolds, CallError> {
        let path = format!("/holds/open?older_than_ms={}", age.as_millis());
        self.client.get(&path, 5 * PATIENCE).await?.success()
    }
}

/// Doubling pauses, each anywhere between half and one and a half of its length.
fn pause(attempt: u32) -> Duration {
    (FIRST_PAUSE * 2_u32.pow(attempt)).mul_f64(rand::random_range(0.5..1.5))
}

/// Every request earns a fifth of a retry, up to 40 saved: a short outage is bridged, a long one costs 20 % more
/// requests and not 300 %.
struct Budget {
    tokens: Mutex<f64>,
}

impl Budget {
    const EARNED: f64 = 0.2;
    const SAVED: f64 = 40.0;

    fn earn(&self) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        *tokens = (*tokens + Self::EARNED).min(Self::SAVED);
    }

    fn spend(&self) -> bool {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        let enough = *tokens >= 1.0;
        if enough {
            *tokens -= 1.0;
        }
        enough
    }
}

impl Default for Budget {
    fn default() -> Self {
        Self { tokens: Mutex::new(Self::SAVED) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_outage_gets_one_retry_for_five_requests() {
        let budget = Budget::default();
        let retried = (0..1000).filter(|_| {
            budget.earn();
            budget.spend()
        });
        let retried = retried.count();
        assert!((230..=245).contains(&retried), "{retried}");
    }

    #[test]
    fn pauses_grow_and_differ() {
        let pauses: Vec<_> = (0..50).map(|_| pause(1)).collect();
        assert!(pauses.iter().all(|p| (50..150).contains(&p.as_millis())));
        assert!(pauses.iter().any(|p| *p != pauses[0]));
        assert!(pause(2) >= Duration::from_millis(100));
    }
}
