//! What a fault proxy is told and what it answers. The control socket carries these as JSON, one value a line.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{BootTime, ByteRate, ByteSize, Duration, InjectionId, Percent, process::ProcessIdentity};

mod grpc;

pub use grpc::GrpcCode;

/// What a proxy listener understands of the bytes it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Protocol {
    /// Bytes only: `tcp*` faults.
    Tcp,
    /// HTTP/1.1 and HTTP/2: `tcp*` and `http*` faults, and `grpcStatus`.
    Http,
}

/// Which half of a connection a `tcp*` fault disturbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Stream {
    /// From the client to the server.
    Upstream,
    /// From the server to the client.
    #[default]
    Downstream,
    /// Both halves.
    Both,
}

/// Which half of an exchange an `http*` fault disturbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Side {
    /// The request, before the server sees it.
    #[default]
    Request,
    /// The server's response, before the client sees it.
    Response,
}

/// Which HTTP requests a fault applies to. An absent field matches everything.
///
/// Requests with such a method, path and headers are counted from 1, over all connections, in the order in which their
/// heads arrive. Of those, `first` and `every` leave some; chance is drawn last and moves no count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpMatch {
    /// The method, such as `POST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path without its query; `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Headers the request must have, all of them: each name with its value, in which `*` stands for any characters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Only the first so many of the requests that match.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// Only one in so many of the requests that match: with 3 the third, the sixth and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
}

/// Headers that say where a message ends, or that belong to one connection alone (RFC 9110 section 7.6.1, RFC 9112
/// section 6). Changing one would break the message, so that no fault may.
pub const FRAMING_HEADERS: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What happens to a body: a map with one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum BodyChange {
    /// This text takes its place.
    Replace(String),
    /// Only so many bytes of it pass.
    Truncate(ByteSize),
    /// In this share of its bytes one bit is flipped.
    Corrupt(Percent),
}

/// What a proxy does to the traffic while a rule is in place: a map with one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ProxyFault {
    /// Holds every chunk of bytes.
    TcpDelay {
        /// For how long.
        latency: Duration,
        /// Plus or minus up to this much, evenly spread.
        jitter: Duration,
        /// Which half.
        stream: Stream,
    },
    /// Ends connections with a TCP reset.
    TcpReset {
        /// How long a connection may live first.
        after: Duration,
    },
    /// Refuses new connections and cuts the open ones.
    TcpDown {},
    /// Lets the bytes of each connection pass no faster than this.
    TcpBandwidth {
        /// How fast.
        rate: ByteRate,
        /// Which half; with both, each has this rate for itself.
        stream: Stream,
    },
    /// Holds the end of a connection's half.
    TcpSlowClose {
        /// For how long.
        delay: Duration,
        /// Which half.
        stream: Stream,
    },
    /// Swallows all bytes, and closes the connection at last.
    TcpTimeout {
        /// Closes it so long after it began, or after the rule came; zero closes it when the rule goes.
        after: Duration,
        /// Which half.
        stream: Stream,
    },
    /// Holds all bytes back, and lets them go on when the rule goes.
    TcpHold {
        /// Which half.
        stream: Stream,
    },
    /// Swallows all bytes, and ends the connection with a TCP reset.
    TcpCut {
        /// How long after the first byte, or the end, that it swallowed.
        after: Duration,
        /// Which half.
        stream: Stream,
    },
    /// Cuts chunks of bytes into pieces.
    TcpSlice {
        /// How large a piece is on average.
        size: ByteSize,
        /// Plus or minus up to so many bytes, evenly spread.
        variation: ByteSize,
        /// The time between two pieces.
        pause: Duration,
        /// Which half.
        stream: Stream,
    },
    /// Closes a connection after so many bytes.
    TcpLimitData {
        /// How many pass.
        limit: ByteSize,
        /// Which half; with both, each has this limit for itself.
        stream: Stream,
    },
    /// Holds requests or responses.
    HttpDelay {
        /// For how long.
        latency: Duration,
        /// Plus or minus up to this much, evenly spread.
        jitter: Duration,
        /// What is held.
        side: Side,
        /// Which requests.
        matching: HttpMatch,
    },
    /// Answers in the server's place.
    HttpStatus {
        /// The status, 100 to 599.
        status: u16,
        /// The body of the answer.
        body: String,
        /// Which requests.
        matching: HttpMatch,
    },
    /// Answers gRPC calls in the server's place. Other requests, and those of HTTP/1.1, are not matched.
    GrpcStatus {
        /// How the call fails.
        code: GrpcCode,
        /// What people read about it.
        message: String,
        /// Which requests: the path is `/SERVICE/METHOD`.
        matching: HttpMatch,
    },
    /// Closes the connection instead of answering, or the stream with HTTP/2.
    HttpAbort {
        /// Before the server sees the request, or in place of its response.
        side: Side,
        /// Which requests.
        matching: HttpMatch,
    },
    /// Changes bodies.
    HttpBody {
        /// What happens to them.
        change: BodyChange,
        /// Of requests or of responses.
        side: Side,
        /// Which requests.
        matching: HttpMatch,
    },
    /// Changes headers.
    HttpHeaders {
        /// Headers that are there afterwards, once, with this value.
        set: BTreeMap<String, String>,
        /// Headers that are not.
        remove: Vec<String>,
        /// Of requests or of responses.
        side: Side,
        /// Which requests.
        matching: HttpMatch,
    },
}

impl Stream {
    /// Whether this half is among those named.
    #[must_use]
    pub fn covers(self, half: Self) -> bool {
        self == half || self == Self::Both
    }
}

impl ProxyFault {
    /// Which requests an `http*` fault or `grpcStatus` is about; `None` for a `tcp*` fault.
    #[must_use]
    pub fn matching(&self) -> Option<&HttpMatch> {
        match self {
            Self::HttpDelay { matching, .. }
            | Self::HttpStatus { matching, .. }
            | Self::GrpcStatus { matching, .. }
            | Self::HttpAbort { matching, .. }
            | Self::HttpBody { matching, .. }
            | Self::HttpHeaders { matching, .. } => Some(matching),
            _ => None,
        }
    }

    /// Which half of a connection a `tcp*` fault is about; `None` when it is about connections as a whole, or requests.
    #[must_use]
    pub fn stream(&self) -> Option<Stream> {
        match self {
            Self::TcpDelay { stream, .. }
            | Self::TcpBandwidth { stream, .. }
            | Self::TcpSlowClose { stream, .. }
            | Self::TcpTimeout { stream, .. }
            | Self::TcpHold { stream }
            | Self::TcpCut { stream, .. }
            | Self::TcpSlice { stream, .. }
            | Self::TcpLimitData { stream, .. } => Some(*stream),
            _ => None,
        }
    }
}

/// Names a rule: the injection it belongs to and its number there. A removed id is never accepted again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct RuleId {
    /// The injection.
    pub injection: InjectionId,
    /// Counts the rules of that injection.
    pub number: u32,
}

/// One disturbance of one proxy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProxyRule {
    /// Its name.
    pub id: RuleId,
    /// What it does.
    pub fault: ProxyFault,
    /// The share of connections (`tcp*`) or requests (`http*`) it applies to.
    pub percent: Percent,
    /// Makes chance repeatable: draws are keyed by (seed, rule, connection, request).
    pub seed: u64,
    /// The proxy drops the rule at this instant, whatever happens.
    pub deadline: BootTime,
    /// The proxy drops the rule at this instant unless it is renewed before.
    pub lease: BootTime,
}

/// One line to the control socket: a map with one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProxyRequest {
    /// Put a rule in place. Repeating it with the same id changes nothing.
    Apply(ProxyRule),
    /// Move a rule's lease.
    Renew {
        /// Which rule.
        id: RuleId,
        /// Its new lease.
        lease: BootTime,
    },
    /// Take a rule away, also one that was never there: it is then refused for good.
    Remove {
        /// Which rule.
        id: RuleId,
    },
    /// Say what is in place.
    Status {},
    /// End the proxy.
    Shutdown {},
}

/// The answer to a request, one line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ProxyAnswer {
    /// Done; this is the state after it.
    Done(ProxyStatus),
    /// Not done.
    Refused {
        /// Why: a fragment after "failed to".
        message: String,
    },
}

/// A proxy as it is now. All counters only grow while the process lives.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProxyStatus {
    /// Its name.
    pub name: String,
    /// The process.
    pub identity: ProcessIdentity,
    /// Where it listens.
    pub listen: String,
    /// Where it sends to.
    pub upstream: String,
    /// What it understands.
    pub protocol: Protocol,
    /// Connections open now.
    pub open_connections: u64,
    /// Connections accepted so far.
    pub connections: u64,
    /// HTTP requests carried so far.
    pub requests: u64,
    /// Connections so far that began with TLS, which it carries without reading their requests.
    #[serde(default)]
    pub unreadable: u64,
    /// Bytes carried so far, both ways.
    pub bytes: u64,
    /// The rules in place.
    pub rules: Vec<RuleStatus>,
}

/// A rule in place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RuleStatus {
    /// Which rule.
    pub id: RuleId,
    /// How often it disturbed something: chunks held or cut, connections ended or silenced, requests changed or answered.
    pub hits: u64,
    /// How often it could have: what came by and matched, chance, `first` and `every` aside.
    pub seen: u64,
}
