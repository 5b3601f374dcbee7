//! The API as a whole.

use std::{future::Future, io, net::SocketAddr, sync::Arc};

use axum::{http::StatusCode, serve::ListenerExt};
use steadfast_model::{Clock, ProcessIdentity};
use tokio::{net::TcpListener, sync::Mutex};

use crate::{
    collection::{Collection, Wanted},
    fields::Fields,
    instance::Ground,
    refusal::Refusal,
    routes::{Shared, router},
};

/// What the API is started with.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the API listens. Port 0 takes a free port.
    pub listen: SocketAddr,
    /// Whether the API and its proxies may listen on addresses that other machines can reach.
    pub allow_remote: bool,
    /// Makes chance repeatable: toxics of the same names choose connections of the same numbers.
    pub seed: u64,
    /// This process.
    pub identity: ProcessIdentity,
}

/// Why the API could not start or go on. Messages are fragments after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address can be reached from other machines and that was not asked for.
    #[error("listen on {address}: other machines could reach it")]
    Remote {
        /// The address asked for.
        address: SocketAddr,
    },
    /// The address is taken or not ours.
    #[error("serve the API on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The cause.
        source: io::Error,
    },
}

/// A list of proxies that was not carried out whole.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// Whether the list itself makes no sense; else this machine says no.
    pub is_wrong: bool,
    /// Why, in the API's words.
    pub message: String,
}

/// A proxy that was started with the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Its name.
    pub name: String,
    /// Where it listens, with the port the kernel chose.
    pub listen: String,
    /// Where it sends to.
    pub upstream: String,
    /// Whether it does.
    pub enabled: bool,
}

/// The API, bound to its address.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Server {
    /// Binds the API's listener. From here on clients can connect, though nobody answers yet.
    ///
    /// # Errors
    /// When the address is taken, too exposed or unusable.
    pub async fn bind(options: Options, clock: Arc<dyn Clock>) -> Result<Self, ServerError> {
        let Options { listen: address, allow_remote, seed, identity } = options;
        if !address.ip().is_loopback() && !allow_remote {
            return Err(ServerError::Remote { address });
        }
        let failed = |source| ServerError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let collection = Collection::new(Ground { identity, clock, allow_remote, seed });
        let shared = Arc::new(Shared { collection: Mutex::new(collection), allow_remote });
        Ok(Self { listener, address, shared })
    }

    /// Where it listens, with the port the kernel chose.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Starts the proxies of a JSON list, as `/populate` does.
    ///
    /// # Errors
    /// When the list makes no sense or an address cannot be had.
    pub async fn populate(&self, list: &[u8]) -> Result<Vec<Started>, ConfigError> {
        let wrong = |Refusal { status, error }| ConfigError {
            is_wrong: status == StatusCode::BAD_REQUEST,
            message: error,
        };
        let list = Fields::read_list(list).map_err(wrong)?;
        let (names, refused) = populate(&self.shared, &list).await;
        if let Some(refusal) = refused {
            return Err(wrong(refusal));
        }
        let collection = self.shared.collection.lock().await;
        let started = names.iter().filter_map(|name| collection.get(name).ok()).map(|member| {
            let view = member.view();
            Started {
                name: view.name.to_owned(),
                listen: view.listen.to_owned(),
                upstream: view.upstream.to_owned(),
                enabled: view.enabled,
            }
        });
        Ok(started.collect())
    }

    /// Answers until `shutdown` is ready. Then every proxy ends with its connections, and so do all toxics.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), ServerError> {
        // Without it small answers would wait for the acknowledgement of the one before.
        let listener = self.listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let serving = axum::serve(listener, router(Arc::clone(&self.shared))).into_future();
        let served = tokio::select! {
            ended = serving => ended.map_err(|source| ServerError::Listen { address: self.address, source }),
            () = shutdown => Ok(()),
        };
        self.shared.collection.lock().await.stop().await;
        served
    }
}

/// Makes sure that there are these proxies: reads all before it makes the first. Which there are, and what went wrong.
pub(crate) async fn populate(shared: &Shared, list: &[Fields]) -> (Vec<String>, Option<Refusal>) {
    let mut wanted = Vec::new();
    for (index, fields) in list.iter().enumerate() {
        match Wanted::read_new(fields, shared.allow_remote, &format!(" at proxy {}", index + 1)).await {
            Ok(one) => wanted.push(one),
            Err(refusal) => return (Vec::new(), Some(refusal)),
        }
    }
    let mut names = Vec::new();
    let mut collection = shared.collection.lock().await;
    for (name, settings) in wanted {
        if let Err(refusal) = collection.ensure(name.clone(), settings).await {
            return (names, Some(refusal));
        }
        names.push(name);
    }
    (names, None)
}
