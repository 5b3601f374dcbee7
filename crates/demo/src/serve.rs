//! Serving until told to stop, the same for all six.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::routing::get;
use axum::serve::ListenerExt;
use http::header::CONTENT_TYPE;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{oneshot, watch};

use crate::config::ServiceConfig;
use crate::error::DemoError;
use crate::metrics::{RequestMetrics, observe};
use crate::topology::Service;

const GOODBYE: Duration = Duration::from_secs(1);
const LARGEST_BODY: usize = 1 << 20;

/// Serves `router` with `/healthz` and `/metrics` until standard input closes or a signal asks to stop; then gives
/// open requests one second.
pub(crate) async fn serve(
    service: Service,
    config: &ServiceConfig,
    router: Router,
    routes: &'static [&'static str],
    mut registry: Registry,
) -> Result<(), DemoError> {
    let listener = listen(config).await?;
    let requests = RequestMetrics::new(service, routes, &mut registry);
    let registry = Arc::new(registry);
    let app = router
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/metrics", get(move || async move { exposition(&registry) }))
        .layer(from_fn_with_state(requests, observe))
        .layer(DefaultBodyLimit::max(LARGEST_BODY));
    let stopped = stopped(config.exit_with_stdin)?;
    let (stopping, mut stop) = watch::channel(false);
    // Without it small answers would wait for the acknowledgement of the one before.
    let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
    let serving = axum::serve(listener, app)
        .with_graceful_shutdown(async move { drop(stop.wait_for(|s| *s).await) })
        .into_future();
    tokio::pin!(serving);
    tokio::select! {
        ended = &mut serving => return ended.map_err(|source| DemoError::Io { doing: format!("serve {service}"), source }),
        () = stopped => {}
    }
    stopping.send_replace(true);
    // Whoever is not finished by then finds a closed connection, as with any restart.
    tokio::time::timeout(GOODBYE, serving).await.ok();
    Ok(())
}

async fn listen(config: &ServiceConfig) -> Result<TcpListener, DemoError> {
    if !config.listen.ip().is_loopback() && config.namespace.is_none() {
        return Err(DemoError::Setting {
            doing: format!("listen on {}", config.listen),
            reason: "the sample system stays on loopback and in network namespaces of its own".into(),
        });
    }
    TcpListener::bind(config.listen).await.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => DemoError::PortTaken { port: config.listen.port() },
        _ => DemoError::Io { doing: format!("listen on {}", config.listen), source },
    })
}

fn exposition(registry: &Registry) -> ([(http::HeaderName, &'static str); 1], String) {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, registry).expect("writing to a string cannot fail");
    ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
}

/// Completes when this process should end. Signals are watched from the moment this returns.
pub(crate) fn stopped(with_stdin: bool) -> Result<impl Future<Output = ()>, DemoError> {
    let on =
        |kind| signal(kind).map_err(|source| DemoError::Io { doing: "watch for signals".into(), source });
    let (mut terminate, mut interrupt) = (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
    let stdin = with_stdin.then(stdin_closed);
    Ok(async move {
        let stdin = async {
            match stdin {
                Some(closed) => drop(closed.await),
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = stdin => {}
        }
    })
}

/// A thread of its own, because reading standard input cannot be cancelled; it ends with the process.
fn stdin_closed() -> oneshot::Receiver<()> {
    let (closed, wait) = oneshot::channel();
    std::thread::spawn(move || {
        let mut ignored = [0; 64];
        while matches!(std::io::stdin().read(&mut ignored), Ok(n) if n > 0) {}
        closed.send(()).ok();
    });
    wait
}
