//! `proxy`.

use std::{net::SocketAddr, path::PathBuf};

use steadfast_proxy::{Identity, Tls, Trust};

/// `steadfast proxy`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  steadfast proxy --name payments-risk --listen 127.0.0.1:7101 --upstream 127.0.0.1:7001
  steadfast proxy --name web --listen 127.0.0.1:8443 --upstream web.internal:443 --upstream-tls --tls-certificate web.pem --tls-key web.key
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
    #[command(flatten)]
    pub(crate) tls: TlsArguments,
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

/// How a proxy speaks TLS.
#[derive(Debug, clap::Args)]
pub(crate) struct TlsArguments {
    /// Speak TLS with clients, by this certificate, in PEM with those between it and one that clients trust. Without it TLS is
    /// carried unread
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "toxiproxy_api")]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// The key of the certificate, in PEM, in a file that only you may use
    #[arg(long, value_name = "FILE", requires = "tls_certificate", conflicts_with = "toxiproxy_api")]
    pub(crate) tls_key: Option<PathBuf>,
    /// Speak TLS with the upstream
    #[arg(long, conflicts_with = "toxiproxy_api")]
    pub(crate) upstream_tls: bool,
    /// Believe an upstream whose certificate one of these signed, in PEM [default: those that this machine trusts]
    #[arg(long, value_name = "FILE", requires = "upstream_tls")]
    pub(crate) upstream_ca: Option<PathBuf>,
    /// The name that the upstream's certificate must have [default: the host of --upstream]
    #[arg(long, value_name = "NAME", requires = "upstream_tls")]
    pub(crate) upstream_name: Option<String>,
}

impl TlsArguments {
    /// As a proxy is told.
    pub(crate) fn read(self) -> Tls {
        let Self { tls_certificate, tls_key, upstream_tls, upstream_ca, upstream_name } = self;
        let identity = tls_certificate.zip(tls_key).map(|(certificate, key)| Identity { certificate, key });
        let upstream = upstream_tls.then_some(Trust { authorities: upstream_ca, name: upstream_name });
        Tls { identity, upstream }
    }
}

/// What a proxy understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Understands {
    /// Bytes only: `tcp*` faults
    Tcp,
    /// HTTP/1.1 and HTTP/2 as well: `tcp*` and `http*` faults, `grpcStatus`
    Http,
}
