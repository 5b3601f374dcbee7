//! Where services, connections and proxies are found on a machine, so that documents name services and never ports.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::target::ProcessTarget;

/// What the names in a document stand for here. Written by the demo, by discovery or by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Binding {
    /// Services by name.
    #[serde(default)]
    pub services: BTreeMap<String, BoundService>,
    /// Which proxy carries what one service sends to another.
    #[serde(default)]
    pub connections: Vec<BoundConnection>,
    /// Fault proxies by name.
    #[serde(default)]
    pub proxies: BTreeMap<String, BoundProxy>,
}

/// One service as it runs here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BoundService {
    /// Its processes; looked up anew each time, as a supervisor may have replaced them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub process: Option<ProcessTarget>,
    /// Where it answers, such as `http://127.0.0.1:7000`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Where its metrics are, such as `http://127.0.0.1:7000/metrics`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<String>,
}

/// The traffic one service sends to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BoundConnection {
    /// The service that calls.
    pub from: String,
    /// The service that is called.
    pub to: String,
    /// Name of the proxy in between.
    pub proxy: String,
}

/// One fault proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct BoundProxy {
    /// Path of its control socket.
    pub control: PathBuf,
}
