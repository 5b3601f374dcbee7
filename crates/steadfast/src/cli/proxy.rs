//! `proxy`.

use std::{net::SocketAddr, path::PathBuf};

/// `steadfast proxy`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  steadfast proxy --name payments-risk --listen 127.0.0.1:7101 --upstream 127.0.0.1:7001
  steadfast fault try tcpDelay --with '{latency: 300ms}' --into 'proxy: {control: SOCKET}' --for 20s
  steadfast proxy --toxiproxy-api 127.0.0.1:8474 --config proxies.json --seed 7

SOCKET is the path of the control socket, which the proxy prints when it starts.

With --toxiproxy-api clients of Toxiproxy make proxies and toxics; docs/toxiproxy.md has the API. proxies.json is a list
such as [{\"name\": \"redis\", \"listen\": \"127.0.0.1:26379\", \"upstream\": \"127.0.0.1:6379\"}].")]
pub(crate) struct ProxyArguments {
    /// Its name
    #[arg(long, required_unless_present = "toxiproxy_api")]
    pub(crate) name: Option<String>,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", required_unless_present = "toxiproxy_api")]
    pub(crate) listen: Option<SocketAddr>,
    /// Where to send to: HOST:PORT
    #[arg(long, value_name = "ADDRESS", required_unless_present = "toxiproxy_api")]
    pub(crate) upstream: Option<String>,
    /// What it understands: bytes only, or HTTP/1.1 and HTTP/2 as well
    #[arg(long, value_enum, default_value_t = Understands::Http)]
    pub(crate) protocol: Understands,
    /// The control socket [default: proxies/NAME.sock in the state directory]
    #[arg(long, value_name = "FILE")]
    pub(crate) control: Option<PathBuf>,
    /// Serve Toxiproxy's HTTP API there, which makes proxies, instead of being one
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["name", "listen", "upstream", "protocol", "control"])]
    pub(crate) toxiproxy_api: Option<SocketAddr>,
    /// Proxies to begin with: a JSON list, as for the API's /populate
    #[arg(long, value_name = "FILE", requires = "toxiproxy_api")]
    pub(crate) config: Option<PathBuf>,
    /// What toxics draw their connections by [default: another one every time]
    #[arg(long, value_name = "NUMBER", requires = "toxiproxy_api")]
    pub(crate) seed: Option<u64>,
    /// Allow listening on an address that other machines can reach
    #[arg(long)]
    pub(crate) allow_remote: bool,
    /// End when standard input ends
    #[arg(long, hide = true)]
    pub(crate) exit_with_stdin: bool,
}

/// What a proxy understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Understands {
    /// Bytes only: `tcp*` faults
    Tcp,
    /// HTTP/1.1 and HTTP/2 as well: `tcp*` and `http*` faults, `grpcStatus`
    Http,
}
