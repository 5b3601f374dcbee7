//! Answers questions for names with false addresses.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Problems,
    network::{NameFault, NetworkFault, Traffic},
};

use crate::{
    on_names::{self, QUESTIONS},
    on_network::{PacketFault, Unit, packet_fault},
};

/// Answers the questions of a network namespace for names with false addresses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DnsSpoof {
    /// Which names, such as `db.example.com` or `*.internal`; `*` stands for any characters. At most 64.
    pub names: Vec<String>,
    /// The addresses to answer with, IPv4 and IPv6; whoever asks for the other kind learns that there are none. At most 16.
    #[serde(default)]
    pub answers: Vec<IpAddr>,
    /// Answer with addresses drawn by chance instead, from those that belong to nobody.
    #[serde(default)]
    pub random: bool,
    /// Makes chance repeatable: the same seed gives the n-th question the same address.
    #[serde(default)]
    pub seed: u64,
}

/// An answer with more seldom fits into one packet.
const MOST: usize = 16;

impl PacketFault for DnsSpoof {
    const KIND: &'static str = "dnsSpoof";
    const UNIT: Unit = QUESTIONS;

    fn check_settings(&self, problems: &mut Problems) {
        on_names::check_names(&self.names, problems);
        let hint = Some("write answers: [10.0.0.9], or random: true");
        match (self.answers.len(), self.random) {
            (0, false) => problems.error(&["answers"], "there is nothing to answer with", hint),
            (1.., true) => problems.error(&["random"], "there are `answers` as well", hint),
            (count, _) if count > MOST => {
                problems.error(
                    &["answers"],
                    format!("{count} are more than {MOST}"),
                    Some("name fewer addresses"),
                );
            }
            _ => {}
        }
        if self.seed != 0 && !self.random {
            let hint = Some("leave `seed` out, or write random: true");
            problems.error(&["seed"], "nothing is drawn by chance", hint);
        }
    }

    fn does(&self) -> String {
        if self.random {
            return "answer with addresses of nobody".to_owned();
        }
        let answers: Vec<String> = self.answers.iter().map(ToString::to_string).collect();
        format!("answer with {}", answers.join(", "))
    }

    fn done(&self) -> &'static str {
        "answered with false addresses"
    }

    fn traffic(&self) -> Traffic {
        on_names::all_questions()
    }

    fn which(&self) -> String {
        on_names::which(&self.names)
    }

    fn fault(&self) -> NetworkFault {
        let then = NameFault::Spoof { answers: self.answers.clone(), seed: self.seed };
        on_names::fault(&self.names, then)
    }

    fn warnings(&self) -> Vec<String> {
        on_names::warnings()
    }
}

packet_fault!(DnsSpoof);

#[cfg(test)]
mod tests;
