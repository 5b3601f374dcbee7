//! payments → risk. Strength `risk-timeout`: 100 ms, then small amounts are approved without a score.

use std::time::Duration;

use http::StatusCode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use crate::client::Client;
use crate::config::ServiceConfig;
use crate::error::DemoError;
use crate::metrics::counter;
use crate::switches::RISK_TIMEOUT;
use crate::wire::{Payment, Refusal};

const IMPATIENT: Duration = Duration::from_millis(100);
const PATIENT: Duration = Duration::from_secs(30);
/// Up to 100.00 the loss is smaller than the trouble of saying no.
const SMALL: i64 = 10_000;

pub(super) struct RiskCaller {
    client: Client,
    falls_back: bool,
    fallbacks: Counter,
}

impl RiskCaller {
    pub(super) fn new(config: &ServiceConfig, registry: &mut Registry) -> Result<Self, DemoError> {
        Ok(Self {
            client: Client::new(config.upstream("risk")?),
            falls_back: config.switches.protects(RISK_TIMEOUT),
            fallbacks: counter(
                registry,
                "payments_risk_fallbacks",
                "Payments approved without an answer from risk",
            ),
        })
    }

    /// Approved, or why not.
    pub(super) async fn assess(&self, payment: &Payment) -> Result<(), Refusal> {
        let patience = if self.falls_back { IMPATIENT } else { PATIENT };
        let unavailable = match self.client.post("/assess", payment, patience).await {
            Ok(answer) if answer.status.is_success() => return Ok(()),
            Ok(answer) if answer.status == StatusCode::FORBIDDEN => {
                return Err(Refusal::new(StatusCode::FORBIDDEN, "declined by risk"));
            }
            Ok(answer) => format!("risk: status {}", answer.status),
            Err(error) => format!("risk: {error}"),
        };
        if self.falls_back && payment.amount <= SMALL {
            self.fallbacks.inc();
            return Ok(());
        }
        Err(Refusal::unavailable(unavailable))
    }
}
