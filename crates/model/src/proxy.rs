//! What a fault proxy is told and what it answers. The control socket carries these as JSON, one value a line.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{BootTime, Duration, InjectionId, Percent, process::ProcessIdentity};

/// What a proxy listener understands of the bytes it carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Protocol {
    /// Bytes only: `tcp*` faults.
    Tcp,
    /// HTTP/1.1: `tcp*` and `http*` faults.
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

/// Which HTTP requests a fault applies to. An absent field matches everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpMatch {
    /// The method, such as `POST`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path without its query; `*` stands for any characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
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
    /// Holds requests.
    HttpDelay {
        /// For how long.
        latency: Duration,
        /// Plus or minus up to this much, evenly spread.
        jitter: Duration,
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
    /// How often it disturbed something: chunks delayed, connections reset or refused, requests delayed or answered.
    pub hits: u64,
    /// How often it could have: what came by and matched, chance aside.
    pub seen: u64,
}
