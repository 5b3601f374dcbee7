//! `/metrics` as every service has it: requests by route and code, and how long they took.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use crate::topology::Service;

/// Upper bounds in seconds. They contain the thresholds people put into objectives.
pub(crate) const BUCKETS: [f64; 14] =
    [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    service: &'static str,
    route: &'static str,
    code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DurationLabels {
    service: &'static str,
    route: &'static str,
}

/// Counts requests of one service.
#[derive(Debug, Clone)]
pub(crate) struct RequestMetrics {
    service: &'static str,
    routes: &'static [&'static str],
    requests: Family<RequestLabels, Counter>,
    seconds: Family<DurationLabels, Histogram, fn() -> Histogram>,
}

impl RequestMetrics {
    /// `routes` are the paths worth a label of their own; all others share one, so that strangers cannot grow the
    /// number of series.
    pub(crate) fn new(service: Service, routes: &'static [&'static str], registry: &mut Registry) -> Self {
        let requests = Family::default();
        let seconds = Family::new_with_constructor((|| Histogram::new(BUCKETS)) as fn() -> Histogram);
        registry.register("http_requests", "Requests answered, by route and status code", requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "Time from the request's head to the answer's head",
            seconds.clone(),
        );
        let service = service.name();
        for route in routes {
            // A counter that is there from the start says "nobody asked"; one that is missing says nothing.
            drop(requests.get_or_create(&RequestLabels { service, route, code: 200 }));
        }
        Self { service, routes, requests, seconds }
    }

    fn answered(&self, route: &'static str, code: u16, took: Duration) {
        self.requests.get_or_create(&RequestLabels { service: self.service, route, code }).inc();
        self.seconds
            .get_or_create(&DurationLabels { service: self.service, route })
            .observe(took.as_secs_f64());
    }
}

/// Middleware that counts every request.
pub(crate) async fn observe(State(metrics): State<RequestMetrics>, request: Request, next: Next) -> Response {
    let route = metrics.routes.iter().find(|r| **r == request.uri().path()).copied().unwrap_or("other");
    let mut pending = Pending { metrics, route, since: Instant::now(), code: 499 };
    let response = next.run(request).await;
    pending.code = response.status().as_u16();
    response
}

/// A request not yet answered. Counted when dropped: as 499 if the caller went away first.
struct Pending {
    metrics: RequestMetrics,
    route: &'static str,
    since: Instant,
    code: u16,
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.metrics.answered(self.route, self.code, self.since.elapsed());
    }
}

/// Registers a counter; the exposition adds `_total` to its name.
pub(crate) fn counter(registry: &mut Registry, name: &str, help: &str) -> Counter {
    let counter = Counter::default();
    registry.register(name, help, counter.clone());
    counter
}
