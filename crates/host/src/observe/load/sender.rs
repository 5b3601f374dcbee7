//! Sends one request of a load and says what became of it.

use std::{sync::Arc, time::Duration};

use http_body_util::BodyExt;
use hyper::{Response, body::Incoming};
use steadfast_model::BootTime;
use steadfast_probes::load::LONGEST_ANSWER;

use super::{Load, lock, tally::Ending};
use crate::observe::{connect::Connection, error::ExchangeError};

/// A connection that is not ready this long after its answer is not kept.
const LONGEST_REST: Duration = Duration::from_secs(1);

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
        Ok(Ok((status, connection))) if load.accept.contains(status) => (Ending::Accepted, Some(connection)),
        Ok(Ok((status, connection))) => (Ending::Rejected(status), Some(connection)),
        Ok(Err(ExchangeError::Theirs(cause))) => (Ending::Failed(cause), None),
        Ok(Err(ExchangeError::Ours(cause))) => (Ending::OurFault(cause), None),
        Err(_) => (Ending::TimedOut, None),
    };
    lock(&load.tally).ended(number, load.clock.boot(), ending);
    load.decided.notify_waiters();
    if let Some(mut connection) = connection
        && tokio::time::timeout(LONGEST_REST, connection.ready()).await.is_ok_and(|ready| ready.is_ok())
        && !*load.given_up.borrow()
    {
        load.pool.put(connection, load.clock.boot());
    }
}

impl Load {
    /// Sends a request over an idle connection or a new one, and reads the whole answer. A request that an idle
    /// connection did not take any more, because the other side had closed it, goes over another; one that may have
    /// been received is never sent twice.
    async fn exchange(&self) -> Result<(u16, Connection), ExchangeError> {
        let mut request = self.message.request();
        while let Some(mut connection) = self.pool.take(self.clock.boot()) {
            lock(&self.tally).sent();
            match connection.try_send_request(request).await {
                Ok(answer) => return drain(answer, connection).await,
                Err(mut refused) => match refused.take_message() {
                    Some(unsent) => {
                        lock(&self.tally).not_sent();
                        request = unsent;
                    }
                    None => return Err(ExchangeError::of_hyper(refused.error())),
                },
            }
        }
        let mut connection = self.message.origin.connect().await?;
        lock(&self.tally).sent();
        let answer =
            connection.send_request(request).await.map_err(|error| ExchangeError::of_hyper(&error))?;
        drain(answer, connection).await
    }
}

/// Reads an answer to its end.
async fn drain(
    answer: Response<Incoming>,
    connection: Connection,
) -> Result<(u16, Connection), ExchangeError> {
    let status = answer.status().as_u16();
    let mut body = answer.into_body();
    let mut length = 0_usize;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ExchangeError::of_hyper(&error))?;
        length = length.saturating_add(frame.data_ref().map_or(0, |bytes| bytes.len()));
        if length > LONGEST_ANSWER {
            return Err(ExchangeError::Theirs(format!("the answer is longer than {LONGEST_ANSWER} bytes")));
        }
    }
    Ok((status, connection))
}
