//! A proxy in this process, for the examples that measure it.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use steadfast_model::{
    BootTime, Clock, InjectionId, Percent, ProcessIdentity, WallTime,
    proxy::{Protocol, ProxyFault, ProxyRule, RuleId},
};
use steadfast_proxy::{Limits, Proxy, ProxyConfig, Tls, control::Client};
use tokio::task::JoinHandle;

pub(crate) type Failure = Box<dyn std::error::Error>;

/// How long a rule stays if nobody removes it.
const LENGTH: Duration = Duration::from_secs(900);

/// A running proxy and its control.
pub(crate) struct Stage {
    pub(crate) address: SocketAddr,
    pub(crate) client: Client,
    directory: PathBuf,
    running: JoinHandle<Result<(), steadfast_proxy::ProxyError>>,
}

impl Stage {
    /// Starts one. Its name is that of no other in this process.
    pub(crate) async fn start(name: &str, protocol: Protocol, upstream: String) -> Result<Self, Failure> {
        let pid = std::process::id();
        let directory = std::env::temp_dir().join(format!("steadfast-{name}-{pid}"));
        let control = directory.join("control");
        let config = ProxyConfig {
            name: name.to_owned(),
            listen: "127.0.0.1:0".parse()?,
            upstream,
            protocol,
            control: Some(control.clone()),
            identity: ProcessIdentity { pid, start_time: 0, boot_id: "example".to_owned() },
            tls: Tls::default(),
            allow_remote: false,
            limits: Limits::default(),
        };
        let proxy = Proxy::bind(config, Arc::new(BootClock)).await?;
        let address = proxy.local_addr();
        let running = tokio::spawn(proxy.run(std::future::pending()));
        Ok(Self { address, client: Client::connect(&control).await?, directory, running })
    }

    /// Puts a fault on every connection or request.
    pub(crate) async fn apply(&mut self, fault: ProxyFault) -> Result<RuleId, Failure> {
        let end = BootClock.boot().after(LENGTH);
        let id = RuleId { injection: InjectionId::new(), number: 0 };
        let rule = ProxyRule { id, fault, percent: Percent::ALL, seed: 1, deadline: end, lease: end };
        self.client.apply(rule).await?;
        Ok(id)
    }

    /// Ends it.
    pub(crate) async fn end(mut self) -> Result<(), Failure> {
        self.client.shutdown().await?;
        self.running.await??;
        Ok(std::fs::remove_dir_all(self.directory)?)
    }
}

struct BootClock;

impl Clock for BootClock {
    fn wall(&self) -> WallTime {
        WallTime(0)
    }
    fn boot(&self) -> BootTime {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        BootTime(time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs())
    }
    fn boot_id(&self) -> String {
        "example".to_owned()
    }
}
