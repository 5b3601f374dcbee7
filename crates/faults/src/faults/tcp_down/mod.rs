//! Takes a connection down.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Percent, Problems,
    proxy::{Protocol, ProxyFault},
};

use crate::{
    on_proxy::{self, Counts, ProxyRuled},
    world::NewRule,
};

/// Refuses new connections and cuts the open ones, as when the server is down.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TcpDown {}

impl ProxyRuled for TcpDown {
    const KIND: &'static str = "tcpDown";
    const NEEDS: Protocol = Protocol::Tcp;
    const COUNTS: Counts = Counts { things: "connections", done: "refused or cut" };

    fn check(&self, _: &mut Problems) {}

    fn does(&self) -> String {
        "refuse new connections and cut open ones".to_owned()
    }

    fn holds(&self) -> &'static [&'static str] {
        on_proxy::ALL_ASPECTS
    }

    fn rule(&self) -> NewRule {
        NewRule { fault: ProxyFault::TcpDown {}, percent: Percent::ALL, seed: 0 }
    }
}
