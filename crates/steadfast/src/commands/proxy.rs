//! `steadfast proxy`

use std::sync::Arc;

use steadfast_linux::{SystemClock, own_identity};
use steadfast_model::proxy::Protocol;
use steadfast_proxy::{Limits, ProxyConfig, ProxyError};
use tokio::io::AsyncReadExt;

use crate::{
    cli::proxy::{ProxyArguments, Understands},
    failure::Failure,
    session::Session,
    stop,
    terminal::Terminal,
};

/// Runs a fault proxy until it is told to end.
///
/// With `--control` it needs no state directory.
pub(crate) async fn proxy(
    arguments: ProxyArguments,
    session: impl FnOnce() -> Result<Session, Failure>,
    terminal: Terminal,
) -> Result<u8, Failure> {
    let control = match arguments.control {
        Some(control) => control,
        None => session()?.folder().join("proxies").join(format!("{}.sock", arguments.name)),
    };
    let identity = own_identity().map_err(|error| Failure::failed(error.with_causes()))?;
    let clock = Arc::new(SystemClock::new().map_err(|error| Failure::failed(error.with_causes()))?);
    let shown = control.display().to_string();
    let config = ProxyConfig {
        name: arguments.name,
        listen: arguments.listen,
        upstream: arguments.upstream,
        protocol: match arguments.protocol {
            Understands::Tcp => Protocol::Tcp,
            Understands::Http => Protocol::Http,
        },
        control: Some(control),
        identity,
        allow_remote: arguments.allow_remote,
        limits: Limits::default(),
    };
    let upstream = config.upstream.clone();
    let proxy = steadfast_proxy::Proxy::bind(config, clock).await.map_err(failure)?;
    terminal.say(format_args!(
        "listening on {}, sending to {upstream}, control socket {shown}",
        proxy.local_addr()
    ));
    let mut requests = stop::requests()?;
    let end = async {
        tokio::select! {
            _ = requests.pressed() => {}
            () = stdin_ends(), if arguments.exit_with_stdin => {}
        }
    };
    proxy.run(end).await.map_err(failure)?;
    Ok(0)
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
