//! `steadfast proxy --toxiproxy-api`

use std::{fs::File, io::Read as _, net::SocketAddr, path::Path};

use steadfast_toxiproxy::{ConfigError, LARGEST_BODY, Options, Server, ServerError};

use super::{end, own};
use crate::{cli::proxy::ProxyArguments, failure::Failure, terminal::Terminal};

/// Serves Toxiproxy's API until it is told to end.
pub(super) async fn serve(
    listen: SocketAddr,
    arguments: &ProxyArguments,
    terminal: Terminal,
) -> Result<u8, Failure> {
    let list = match arguments.config.as_deref() {
        Some(path) => Some((path, read(path)?)),
        None => None,
    };
    // Watched from here on, so that no proxy is left without an end.
    let end = end(arguments.exit_with_stdin)?;
    let (identity, clock) = own()?;
    // What is new in every process: nobody could have foreseen it, and it is said, so that it can be had again.
    let seed = arguments.seed.unwrap_or_else(fresh_seed);
    let options = Options { listen, allow_remote: arguments.allow_remote, seed, identity };
    let server = Server::bind(options, clock).await.map_err(failure)?;
    if let Some((path, list)) = list {
        for proxy in server.populate(&list).await.map_err(|error| in_config(path, &error))? {
            let state = if proxy.enabled { "listening" } else { "disabled, will listen" };
            terminal.say(format_args!(
                "{}: {state} on {}, sending to {}",
                proxy.name, proxy.listen, proxy.upstream
            ));
        }
    }
    terminal.say(format_args!("Toxiproxy's API on http://{}, seed {seed}", server.local_addr()));
    server.run(end).await.map_err(failure)?;
    Ok(0)
}

/// The list of proxies; no longer than the API would take it.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::failed(format!("read {}: {error}", path.display()));
    let file = File::open(path).map_err(failed)?;
    let mut list = Vec::new();
    file.take(LARGEST_BODY as u64 + 1).read_to_end(&mut list).map_err(failed)?;
    if list.len() > LARGEST_BODY {
        return Err(Failure::document(format!("{}: more than {LARGEST_BODY} bytes", path.display())));
    }
    Ok(list)
}

fn fresh_seed() -> u64 {
    let (high, low) = steadfast_model::InjectionId::new().0.as_u64_pair();
    high ^ low
}

fn in_config(path: &Path, error: &ConfigError) -> Failure {
    let message = format!("{}: {error}", path.display());
    if error.is_wrong {
        Failure::document(message)
    } else {
        Failure::failed(format!("start the proxies of {message}"))
    }
}

fn failure(error: ServerError) -> Failure {
    let hint = match &error {
        ServerError::Remote { .. } => Some("listen on 127.0.0.1, or say --allow-remote".to_owned()),
        ServerError::Listen { source, address } if source.kind() == std::io::ErrorKind::AddrInUse => {
            Some(format!("`ss -ltnp 'sport = :{}'` shows who holds it", address.port()))
        }
        ServerError::Listen { .. } => None,
    };
    Failure::failed(error).hint(hint)
}
