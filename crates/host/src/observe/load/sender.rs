//! Sends one request of a load and says what became of it.

use std::sync::Arc;

use steadfast_model::BootTime;

use super::{
    Load, lock,
    tally::Ending,
    wire::{NoAnswer, Wire},
};
use crate::observe::error::ExchangeError;

pub(super) async fn send(load: Arc<Load>, number: u64, due: BootTime) {
    let mut given_up = load.given_up.subscribe();
    let late = load.clock.boot().since(due);
    lock(&load.tally).taken_up(late);
    let rest = load.timeout.saturating_sub(late);
    let exchange = tokio::time::timeout(rest, load.exchange());
    let ended = tokio::select! {
        // Also when the load itself is gone. The request stays undecided.
        _ = given_up.wait_for(|given_up| *given_up) => return,
        ended = exchange => ended,
    };
    let (ending, connection) = match ended {
        Ok(Ok((status, connection))) if load.accept.contains(status) => (Ending::Accepted, connection),
        Ok(Ok((status, connection))) => (Ending::Rejected(status), connection),
        Ok(Err(ExchangeError::Theirs(cause))) => (Ending::Failed(cause), None),
        Ok(Err(ExchangeError::Ours(cause))) => (Ending::OurFault(cause), None),
        Err(_) => (Ending::TimedOut, None),
    };
    lock(&load.tally).ended(number, load.clock.boot(), ending);
    load.decided.notify_waiters();
    if let Some(connection) = connection
        && !*load.given_up.borrow()
    {
        load.pool.put(connection, load.clock.boot());
    }
}

impl Load {
    /// Sends a request over an idle connection or a new one, and reads the whole answer. A request that an idle
    /// connection did not take any more, because the other side had closed it, goes over another; one that may have
    /// been received is never sent twice.
    async fn exchange(&self) -> Result<(u16, Option<Wire>), ExchangeError> {
        let head_only = self.message.asks_for_head();
        while let Some(idle) = self.pool.take(self.clock.boot()) {
            lock(&self.tally).sent();
            match idle.ask(&self.request, head_only).await {
                Ok(answered) => return Ok(answered),
                Err(NoAnswer::NotSent) => lock(&self.tally).not_sent(),
                Err(NoAnswer::Failed(error)) => return Err(error),
            }
        }
        let fresh = Wire::new(self.message.origin.open().await?);
        lock(&self.tally).sent();
        fresh.ask(&self.request, head_only).await.map_err(|error| match error {
            NoAnswer::NotSent => {
                ExchangeError::Theirs("connection closed before the request was sent".to_owned())
            }
            NoAnswer::Failed(error) => error,
        })
    }
}
