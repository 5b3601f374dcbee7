//! `steadfast proxy`

use std::{net::SocketAddr, sync::Arc};

use steadfast_linux::{SystemClock, own_identity};
use steadfast_model::{ProcessIdentity, proxy::Protocol};
use steadfast_proxy::{Limits, ProxyConfig, ProxyError};
use tokio::io::AsyncReadExt;

use crate::{
    cli::proxy::{ProxyArguments, Understands},
    failure::Failure,
    session::Session,
    stop,
    terminal::Terminal,
};

mod toxiproxy;

/// Runs a fault proxy, or many behind Toxiproxy's API, until it is told to end.
///
/// With `--control` or the API it needs no state directory.
pub(crate) async fn proxy(
    arguments: ProxyArguments,
    session: impl FnOnce() -> Result<Session, Failure>,
    terminal: Terminal,
) -> Result<u8, Failure> {
    if let Some(address) = arguments.toxiproxy_api {
        return toxiproxy::serve(address, &arguments, terminal).await;
    }
    // What the API cannot go with is not missed without it, says clap.
    if arguments.config.is_some() || arguments.seed.is_some() {
        return Err(Failure::usage("--config and --seed are for --toxiproxy-api"));
    }
    let (name, listen, upstream) = whole(&arguments)?;
    let control = match arguments.control {
        Some(control) => control,
        None => session()?.folder().join("proxies").join(format!("{name}.sock")),
    };
    let tls = arguments.tls.read();
    let (identity, clock) = own()?;
    let shown = control.display().to_string();
    let config = ProxyConfig {
        name,
        listen,
        upstream: upstream.clone(),
        protocol: match arguments.protocol {
            Understands::Tcp => Protocol::Tcp,
            Understands::Http => Protocol::Http,
        },
        control: Some(control),
        identity,
        tls,
        allow_remote: arguments.allow_remote,
        limits: Limits::default(),
    };
    let proxy = steadfast_proxy::Proxy::bind(config, clock).await.map_err(failure)?;
    terminal.say(format_args!(
        "listening on {}, sending to {upstream}, control socket {shown}",
        proxy.local_addr()
    ));
    proxy.run(end(arguments.exit_with_stdin)?).await.map_err(failure)?;
    Ok(0)
}

/// What one proxy cannot do without.
fn whole(arguments: &ProxyArguments) -> Result<(String, SocketAddr, String), Failure> {
    let ProxyArguments { name: Some(name), listen: Some(listen), upstream: Some(upstream), .. } = arguments
    else {
        return Err(Failure::usage("a proxy needs --name, --listen and --upstream"));
    };
    Ok((name.clone(), *listen, upstream.clone()))
}

/// This process and its clock.
fn own() -> Result<(ProcessIdentity, Arc<SystemClock>), Failure> {
    let identity = own_identity().map_err(|error| Failure::failed(error.with_causes()))?;
    let clock = SystemClock::new().map_err(|error| Failure::failed(error.with_causes()))?;
    Ok((identity, Arc::new(clock)))
}

/// Ready when somebody wants an end. Signals count from the moment this returns.
fn end(with_stdin: bool) -> Result<impl Future<Output = ()>, Failure> {
    let mut requests = stop::requests()?;
    Ok(async move {
        tokio::select! {
            _ = requests.pressed() => {}
            () = stdin_ends(), if with_stdin => {}
        }
    })
}

/// Whoever started us holds the other end; when it dies, however it dies, this ends.
async fn stdin_ends() {
    let mut stdin = tokio::io::stdin();
    let mut byte = [0];
    while matches!(stdin.read(&mut byte).await, Ok(count) if count > 0) {}
}

fn failure(error: ProxyError) -> Failure {
    let hint = match &error {
        ProxyError::Remote { .. } => Some("listen on 127.0.0.1, or say --allow-remote".to_owned()),
        other => other.hint(),
    };
    // Without a hint for it, the cause is all there is to go by.
    let cause = std::error::Error::source(&error).filter(|_| hint.is_none());
    let message = cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
    Failure::failed(message).hint(hint)
}
