//! risk: gives every payment a score and declines what is too much.

use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use hyper::body::Bytes;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::config::ServiceConfig;
use crate::error::DemoError;
use crate::serve::serve;
use crate::services::gateway::scatter;
use crate::topology::Service;
use crate::wire::{Payment, Refusal, read};

/// A score of this and more is declined.
const TOO_RISKY: u64 = 100;

/// Serves risk.
pub(crate) async fn run(config: &ServiceConfig) -> Result<(), DemoError> {
    let mut registry = Registry::default();
    let scores = Histogram::new([10.0, 20.0, 30.0, 50.0, 100.0]);
    registry.register("risk_score", "Scores given", scores.clone());
    let router = Router::new().route("/assess", post(move |body| assess(scores, body)));
    serve(Service::Risk, config, router, &["/assess"], registry).await
}

async fn assess(scores: Histogram, body: Bytes) -> Result<Json<serde_json::Value>, Refusal> {
    let payment: Payment = read(&body)?;
    payment.check()?;
    let score = score(&payment);
    scores.observe(score as f64);
    match score < TOO_RISKY {
        true => Ok(Json(serde_json::json!({ "score": score }))),
        false => Err(Refusal::new(StatusCode::FORBIDDEN, format!("declined with a score of {score}"))),
    }
}

/// A habit of the payer (0 to 19) and one point for every 1,000.00.
fn score(payment: &Payment) -> u64 {
    scatter(&payment.from) % 20 + payment.amount.unsigned_abs() / 100_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_amounts_are_too_risky_and_usual_ones_are_not() {
        let of = |amount| score(&Payment { key: "k".into(), from: "a".into(), to: "b".into(), amount });
        assert!(of(1_250) < TOO_RISKY);
        assert!(of(50_000_000) >= TOO_RISKY);
    }
}
