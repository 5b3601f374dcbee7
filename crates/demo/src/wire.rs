//! What the services say to each other.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use hyper::body::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The largest amount of one payment, in cents.
pub(crate) const LARGEST_AMOUNT: i64 = 100_000_000;

/// Money from one account to another, once: `key` is the identity of the payment everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payment {
    /// The idempotency key.
    pub key: String,
    /// Who pays.
    pub from: String,
    /// Who is paid.
    pub to: String,
    /// Cents, more than zero.
    pub amount: i64,
}

impl Payment {
    /// Everything wrong with it, in one sentence.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        let mut problems = Vec::new();
        if self.key.is_empty() || self.key.len() > 100 || self.key.chars().any(|c| !c.is_ascii_graphic()) {
            problems.push("key must be 1 to 100 visible ASCII characters");
        }
        if !is_account(&self.from) || !is_account(&self.to) {
            problems.push("from and to must be 1 to 40 characters of a-z, 0-9 and -");
        }
        if self.from == self.to {
            problems.push("from and to must differ");
        }
        if !(1..=LARGEST_AMOUNT).contains(&self.amount) {
            problems.push("amount must be 1 to 100000000 cents");
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, problems.join("; "))),
        }
    }
}

fn is_account(name: &str) -> bool {
    (1..=40).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// The answer to a payment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Paid {
    pub key: String,
    /// `posted` when the ledger confirmed, `accepted` when it will.
    pub status: String,
}

/// Several payments at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Batch {
    pub payments: Vec<Payment>,
}

/// What the ledger did with one transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Posting {
    /// Written now.
    Posted,
    /// The same transfer was written before.
    Repeated,
    /// The key belongs to a different transfer.
    Conflict,
}

/// One answer for each payment of a [`Batch`], in its order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Postings {
    pub postings: Vec<Posting>,
}

/// Keys of holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Keys {
    pub keys: Vec<String>,
}

/// Holds whose end the wallet does not know yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct OpenHolds {
    /// All of them, younger ones included.
    pub open: u64,
    /// The oldest of those old enough.
    pub payments: Vec<Payment>,
}

/// What payments still has to bring to an end.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Unfinished {
    pub outbox: u64,
    pub holds: u64,
}

/// "No", with the status and the reason.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub status: StatusCode,
    pub reason: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into() }
    }

    pub(crate) fn unavailable(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, reason)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.status, Json(serde_json::json!({ "error": self.reason }))).into_response()
    }
}

/// Reads a JSON body whatever its content type says.
pub(crate) fn read<T: DeserializeOwned>(body: &Bytes) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|e| Refusal::new(StatusCode::BAD_REQUEST, e.to_string()))
}
