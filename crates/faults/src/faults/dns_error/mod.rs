//! Lets the resolution of names fail.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Problems,
    network::{NameError, NameFault, NetworkFault, Traffic},
};

use crate::{
    on_names::{self, QUESTIONS},
    on_network::{PacketFault, Unit, packet_fault},
};

/// Lets the resolution of names fail in a network namespace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DnsError {
    /// Which names, such as `db.example.com` or `*.internal`; `*` stands for any characters. At most 64.
    pub names: Vec<String>,
    /// How it fails: `nxdomain` (there is no such name), `servfail`, `refused` or `timeout` (nobody answers).
    pub answer: NameError,
}

impl PacketFault for DnsError {
    const KIND: &'static str = "dnsError";
    const UNIT: Unit = QUESTIONS;

    fn check_settings(&self, problems: &mut Problems) {
        on_names::check_names(&self.names, problems);
    }

    fn does(&self) -> String {
        match self.answer {
            NameError::Nxdomain => "answer that there is no such name (NXDOMAIN)",
            NameError::Servfail => "answer with a failure of the server (SERVFAIL)",
            NameError::Refused => "refuse to answer (REFUSED)",
            NameError::Timeout => "answer nothing",
        }
        .to_owned()
    }

    fn done(&self) -> &'static str {
        match self.answer {
            NameError::Timeout => "left without an answer",
            _ => "answered with an error",
        }
    }

    fn traffic(&self) -> Traffic {
        on_names::all_questions()
    }

    fn which(&self) -> String {
        on_names::which(&self.names)
    }

    fn fault(&self) -> NetworkFault {
        on_names::fault(&self.names, NameFault::Error { answer: self.answer })
    }

    fn warnings(&self) -> Vec<String> {
        on_names::warnings()
    }
}

packet_fault!(DnsError);

#[cfg(test)]
mod tests;
