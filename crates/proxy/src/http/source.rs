//! Where connections to the server come from.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use super::Speaks;
use crate::{connection::Connection, tls::Server};

/// Makes connections to the server, for one client's requests.
pub(super) struct Source {
    connection: Arc<Connection>,
    speaks: Speaks,
    /// One that was made before there was a request.
    first: Mutex<Option<Server>>,
}

impl Source {
    pub(super) fn new(connection: Arc<Connection>, speaks: Speaks, first: Option<Server>) -> Self {
        Self { connection, speaks, first: Mutex::new(first) }
    }

    pub(super) async fn connect(&self) -> io::Result<Server> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        match first {
            Some(server) => Ok(server),
            None => Server::connect(&self.connection, &[self.speaks]).await,
        }
    }
}
