//! notifications: told about payments afterwards. Being told twice is harmless, being told nothing is a pity.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::State;
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use hyper::body::Bytes;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use crate::config::ServiceConfig;
use crate::error::DemoError;
use crate::metrics::counter;
use crate::serve::serve;
use crate::topology::Service;
use crate::wire::{Payment, Refusal, read};

const REMEMBERED: usize = 1000;

struct Notifications {
    recent: Mutex<Recent>,
    sent: Counter,
    repeated: Counter,
}

#[derive(Default)]
struct Recent {
    order: VecDeque<Payment>,
    keys: HashSet<String>,
}

/// Serves notifications.
pub(crate) async fn run(config: &ServiceConfig) -> Result<(), DemoError> {
    let mut registry = Registry::default();
    let state = Arc::new(Notifications {
        recent: Mutex::default(),
        sent: counter(&mut registry, "notifications_sent", "Payments people were told about"),
        repeated: counter(
            &mut registry,
            "notifications_repeated",
            "Payments people were not told about again",
        ),
    });
    let router = Router::new().route("/notify", post(notify)).route("/recent", get(recent)).with_state(state);
    serve(Service::Notifications, config, router, &["/notify", "/recent"], registry).await
}

async fn notify(State(state): State<Arc<Notifications>>, body: Bytes) -> Result<StatusCode, Refusal> {
    let payment: Payment = read(&body)?;
    let mut recent = state.recent.lock().unwrap_or_else(PoisonError::into_inner);
    match recent.remember(payment) {
        true => state.sent.inc(),
        false => state.repeated.inc(),
    };
    Ok(StatusCode::ACCEPTED)
}

async fn recent(State(state): State<Arc<Notifications>>) -> Json<Vec<Payment>> {
    let recent = state.recent.lock().unwrap_or_else(PoisonError::into_inner);
    Json(recent.order.iter().cloned().collect())
}

impl Recent {
    fn remember(&mut self, payment: Payment) -> bool {
        if !self.keys.insert(payment.key.clone()) {
            return false;
        }
        self.order.push_back(payment);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.keys.remove(&oldest.key);
        }
        true
    }
}
