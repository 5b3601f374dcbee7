//! A proxy as a whole.

use std::{future::Future, io, net::SocketAddr, sync::Arc};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use steadfast_model::Clock;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    ProxyConfig, ProxyError,
    control::{serve, socket::ControlSocket},
    enforce::enforce,
    handle::Handle,
    hub::Hub,
    listen::{bind, listen},
    timer::Timers,
    tls::Keys,
};

/// A proxy that is bound to its addresses and ready to run.
pub struct Proxy {
    hub: Arc<Hub>,
    listener: TcpListener,
    control: Option<ControlSocket>,
}

impl Proxy {
    /// Binds the listener and the control socket, if it has one. From here on clients can connect, though nobody answers yet.
    ///
    /// # Errors
    /// When an address is taken, too exposed or unusable: see [`ProxyError`].
    pub async fn bind(config: ProxyConfig, clock: Arc<dyn Clock>) -> Result<Self, ProxyError> {
        check_upstream(&config.upstream)?;
        let keys = Keys::read(&config)?;
        let listener = bind(config.listen, config.allow_remote).await?;
        let address =
            listener.local_addr().map_err(|source| ProxyError::Listen { address: config.listen, source })?;
        if config.upstream.parse() == Ok(address) {
            return Err(ProxyError::Circle { address });
        }
        let control = match &config.control {
            Some(path) => Some(ControlSocket::bind(path).await?),
            None => None,
        };
        let timers = Timers::new().map_err(|source| ProxyError::Timer { source })?;
        Ok(Self { hub: Arc::new(Hub::new(config, keys, address, timers, clock)), listener, control })
    }

    /// Where it listens, with the port the kernel chose.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.hub.listen
    }

    /// What this process gives orders with, also while the proxy runs.
    #[must_use]
    pub fn handle(&self) -> Handle {
        Handle(Arc::clone(&self.hub))
    }

    /// Carries traffic until `shutdown` is ready or the control socket says so. Then open connections are closed and
    /// the control socket is removed.
    ///
    /// # Errors
    /// When the timer fails, without which delays and deadlines could not end.
    pub async fn run(self, shutdown: impl Future<Output = ()>) -> Result<(), ProxyError> {
        allow_many_descriptors();
        let Self { hub, listener, control } = self;
        // Tasks of their own: the one a caller blocks on may live outside the runtime's threads and wake late.
        let mut tasks = JoinSet::new();
        tasks.spawn(drive(Arc::clone(&hub.timers)));
        tasks.spawn(enforce(Arc::clone(&hub)));
        tasks.spawn(listen(Arc::clone(&hub), listener));
        let result = tokio::select! {
            () = shutdown => Ok(()),
            () = obey(&hub, control.as_ref()) => Ok(()),
            Some(ended) = tasks.join_next() => match ended {
                Ok(result) => result,
                Err(panicked) => Err(ProxyError::Timer { source: io::Error::other(panicked) }),
            },
        };
        tasks.shutdown().await;
        result
    }
}

/// [`Proxy::bind`], then [`Proxy::run`].
///
/// # Errors
/// As both.
pub async fn run(
    config: ProxyConfig,
    clock: Arc<dyn Clock>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ProxyError> {
    Proxy::bind(config, clock).await?.run(shutdown).await
}

async fn drive(timers: Arc<Timers>) -> Result<(), ProxyError> {
    timers.drive().await.map_err(|source| ProxyError::Timer { source })
}

/// Does what comes over the control socket until it says to end.
async fn obey(hub: &Arc<Hub>, control: Option<&ControlSocket>) {
    match control {
        Some(control) => serve(Arc::clone(hub), control).await,
        None => std::future::pending().await,
    }
}

/// Whether a text can be an upstream: `host:port`.
///
/// # Errors
/// When it cannot.
pub fn check_upstream(upstream: &str) -> Result<(), ProxyError> {
    let usable = upstream
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port != 0));
    if usable { Ok(()) } else { Err(ProxyError::Upstream { upstream: upstream.to_owned() }) }
}

/// A connection takes two descriptors, and the usual soft limit is 1024. Best effort: without, clients wait.
fn allow_many_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap_or_default();
}
