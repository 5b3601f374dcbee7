//! `proxy`.

use std::{net::SocketAddr, path::PathBuf};

/// `steadfast proxy`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  steadfast proxy --name payments-risk --listen 127.0.0.1:7101 --upstream 127.0.0.1:7001
  steadfast fault try tcpDelay --with '{latency: 300ms}' --into 'proxy: {control: SOCKET}' --for 20s

SOCKET is the path of the control socket, which the proxy prints when it starts.")]
pub(crate) struct ProxyArguments {
    /// Its name
    #[arg(long)]
    pub(crate) name: String,
    /// Where to listen
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// Where to send to: HOST:PORT
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) upstream: String,
    /// What it understands: bytes only, or HTTP/1.1 as well
    #[arg(long, value_enum, default_value_t = Understands::Http)]
    pub(crate) protocol: Understands,
    /// The control socket [default: proxies/NAME.sock in the state directory]
    #[arg(long, value_name = "FILE")]
    pub(crate) control: Option<PathBuf>,
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
    /// HTTP/1.1 as well: `tcp*` and `http*` faults
    Http,
}
