//! A proxy at work.

use std::{net::SocketAddr, sync::Arc};

use steadfast_model::{Clock, ProcessIdentity, proxy::Protocol};
use steadfast_proxy::{Handle, Limits, Proxy, ProxyConfig, ProxyError, Tls};
use tokio::{sync::oneshot, task::JoinHandle};

/// What one proxy may hold back, in bytes: many share one process.
const HELD: usize = 64 * 1024 * 1024;

/// What all proxies of a process have in common.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) identity: ProcessIdentity,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) allow_remote: bool,
    /// What chance is keyed by.
    pub(crate) seed: u64,
}

/// A proxy that listens and carries. Dropping it lets go of its clients a little later; [`Instance::stop`] waits for that.
pub(crate) struct Instance {
    pub(crate) handle: Handle,
    /// Where it listens, with the port the kernel chose.
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ProxyError>>,
}

impl Instance {
    /// Binds, lets `prepare` put rules in place, and only then takes clients in.
    pub(crate) async fn start(
        ground: &Ground,
        name: &str,
        listen: SocketAddr,
        upstream: &str,
        prepare: impl FnOnce(&Handle),
    ) -> Result<Self, ProxyError> {
        let config = ProxyConfig {
            name: name.to_owned(),
            listen,
            upstream: upstream.to_owned(),
            protocol: Protocol::Tcp,
            control: None,
            identity: ground.identity.clone(),
            tls: Tls::default(),
            allow_remote: ground.allow_remote,
            limits: Limits { held: HELD, ..Limits::default() },
        };
        let proxy = Proxy::bind(config, Arc::clone(&ground.clock)).await?;
        let (handle, address) = (proxy.handle(), proxy.local_addr());
        prepare(&handle);
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(proxy.run(async move { drop(stopped.await) }));
        Ok(Self { handle, address, stop, task })
    }

    /// Whether it still does.
    pub(crate) fn runs(&self) -> bool {
        !self.task.is_finished()
    }

    /// Closes the listener and every connection. Afterwards the address is free.
    pub(crate) async fn stop(self) {
        // Both fail when it has ended by itself.
        self.stop.send(()).ok();
        self.task.await.ok();
    }
}
