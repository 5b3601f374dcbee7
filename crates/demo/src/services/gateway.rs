//! gateway: what clients talk to. It completes a payment (key, accounts), passes it to payments and passes the answer
//! back, slow ones too; before it says yes it writes the payment to the acknowledgement log.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use hyper::body::Bytes;
use prometheus_client::registry::Registry;
use serde::Deserialize;

use crate::client::{CallError, Client};
use crate::config::ServiceConfig;
use crate::error::DemoError;
use crate::serve::serve;
use crate::topology::Service;
use crate::wire::{Payment, Refusal, read};

/// The acknowledgement log in the state directory: one payment a line.
pub(crate) const ACKNOWLEDGED: &str = "acknowledged.jsonl";

const PATIENCE: Duration = Duration::from_secs(10);
const PAYERS: u64 = 64;
const SHOPS: u64 = 16;

struct Gateway {
    payments: Client,
    acknowledged: Mutex<File>,
}

/// What a client sends. Without accounts, or with `any`, the gateway chooses; without a key it makes one.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PayRequest {
    from: Option<String>,
    to: Option<String>,
    amount: i64,
    key: Option<String>,
}

/// Serves the gateway.
pub(crate) async fn run(config: &ServiceConfig) -> Result<(), DemoError> {
    let gateway = Arc::new(Gateway {
        payments: Client::new(config.upstream("payments")?),
        acknowledged: Mutex::new(open_log(&config.state_dir.join(ACKNOWLEDGED))?),
    });
    let router = Router::new().route("/pay", post(pay)).with_state(gateway);
    serve(Service::Gateway, config, router, &["/pay", "/healthz", "/metrics"], Registry::default()).await
}

async fn pay(
    State(gateway): State<Arc<Gateway>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let payment = completed(read(&body)?, &headers)?;
    payment.check()?;
    let answer = gateway.payments.post("/payments", &payment, PATIENCE).await.map_err(|e| match e {
        CallError::TimedOut(_) => Refusal::new(StatusCode::GATEWAY_TIMEOUT, format!("payments: {e}")),
        _ => Refusal::unavailable(format!("payments: {e}")),
    })?;
    if answer.status.is_success() {
        gateway.acknowledge(&payment)?;
    }
    Ok((answer.status, [(CONTENT_TYPE, "application/json")], answer.body).into_response())
}

fn completed(request: PayRequest, headers: &HeaderMap) -> Result<Payment, Refusal> {
    let header = match headers.get("idempotency-key").map(|value| value.to_str()) {
        Some(Ok(key)) => Some(key.to_owned()),
        Some(Err(_)) => {
            return Err(Refusal::new(StatusCode::BAD_REQUEST, "Idempotency-Key must be visible ASCII"));
        }
        None => None,
    };
    let key = header.or(request.key).unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
    // Chosen from the key, so that a repeated request is the same payment.
    let chosen = |named: Option<String>, prefix: &str, of: u64| match named.as_deref() {
        None | Some("any") => format!("{prefix}-{}", scatter(&format!("{prefix}{key}")) % of),
        Some(name) => name.to_owned(),
    };
    let (from, to) = (chosen(request.from, "payer", PAYERS), chosen(request.to, "shop", SHOPS));
    Ok(Payment { key, from, to, amount: request.amount })
}

/// A number that looks random but is always the same for the same text (FNV-1a, 64 bits, with the high half folded in).
pub(crate) fn scatter(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash ^ (hash >> 32)
}

fn open_log(path: &Path) -> Result<File, DemoError> {
    File::options().create(true).append(true).open(path).map_err(DemoError::io("open", path))
}

impl Gateway {
    /// One write of one line: the kernel has it whole before the client hears "yes".
    fn acknowledge(&self, payment: &Payment) -> Result<(), Refusal> {
        let mut line = serde_json::to_vec(payment).expect("a payment is plain data");
        line.push(b'\n');
        let mut log = self.acknowledged.lock().unwrap_or_else(PoisonError::into_inner);
        log.write_all(&line)
            .map_err(|e| Refusal::unavailable(format!("the answer could not be recorded: {e}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_chooses_the_same_accounts() {
        let ask = |from: Option<&str>| {
            let request =
                PayRequest { from: from.map(Into::into), to: None, amount: 5, key: Some("k-1".into()) };
            completed(request, &HeaderMap::new()).unwrap()
        };
        assert_eq!(ask(None), ask(Some("any")));
        assert_eq!(ask(Some("ada")).from, "ada");
    }

    #[test]
    fn a_constant_body_spreads_over_accounts() {
        let payers: std::collections::HashSet<_> = (0..500)
            .map(|_| {
                let request = PayRequest { from: None, to: None, amount: 5, key: None };
                completed(request, &HeaderMap::new()).unwrap().from
            })
            .collect();
        assert!(payers.len() > 40, "{}", payers.len());
    }
}
