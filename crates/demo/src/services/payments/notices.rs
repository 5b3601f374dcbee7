//! payments → notifications. Weakness: the queue has no end, and its head is repeated until it is delivered. Fixed
//! (`notification-queue`): it holds 1000, and what does not fit is dropped and counted.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::sync::mpsc;

use crate::client::Client;
use crate::config::ServiceConfig;
use crate::error::DemoError;
use crate::metrics::counter;
use crate::switches::NOTIFICATION_QUEUE;
use crate::wire::Payment;

const LONGEST: i64 = 1000;
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(200);

pub(super) struct Notices {
    queue: mpsc::UnboundedSender<Payment>,
    bounded: bool,
    length: Gauge,
    dropped: Counter,
}

impl Notices {
    /// Starts the task that delivers, one at a time.
    pub(super) fn start(config: &ServiceConfig, registry: &mut Registry) -> Result<Self, DemoError> {
        let client = Client::new(config.upstream("notifications")?);
        let length = Gauge::default();
        registry.register("payments_notification_queue", "Notifications waiting to be sent", length.clone());
        let (queue, waiting) = mpsc::unbounded_channel();
        tokio::spawn(deliver(client, waiting, length.clone()));
        Ok(Self {
            queue,
            bounded: config.switches.protects(NOTIFICATION_QUEUE),
            length,
            dropped: counter(
                registry,
                "payments_notifications_dropped",
                "Notifications that did not fit the queue",
            ),
        })
    }

    /// Never waits.
    pub(super) fn push(&self, payment: &Payment) {
        let before = self.length.inc();
        if self.bounded && before >= LONGEST || self.queue.send(payment.clone()).is_err() {
            self.length.dec();
            self.dropped.inc();
        }
    }
}

async fn deliver(client: Client, mut waiting: mpsc::UnboundedReceiver<Payment>, length: Gauge) {
    while let Some(payment) = waiting.recv().await {
        while !matches!(client.post("/notify", &payment, PATIENCE).await, Ok(a) if a.status.is_success()) {
            tokio::time::sleep(PAUSE).await;
        }
        length.dec();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::switches::Switches;

    /// Pushes 1500 while nobody is there to be told; answers how many wait and how many were dropped.
    async fn pushed(fix: &[String]) -> (i64, u64) {
        let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let config = ServiceConfig {
            listen: nobody,
            namespace: None,
            state_dir: "/nonexistent".into(),
            upstreams: BTreeMap::from([("notifications".into(), nobody)]),
            switches: Switches::new(&[], fix).unwrap(),
            exit_with_stdin: false,
        };
        let notices = Notices::start(&config, &mut Registry::default()).unwrap();
        for n in 0..1500 {
            notices.push(&Payment { key: n.to_string(), from: "a".into(), to: "b".into(), amount: 1 });
        }
        (notices.length.get(), notices.dropped.get())
    }

    #[tokio::test]
    async fn the_queue_grows_without_end_until_it_is_fixed() {
        assert_eq!(pushed(&[]).await, (1500, 0));
        assert_eq!(pushed(&[NOTIFICATION_QUEUE.into()]).await, (1000, 500));
    }
}
