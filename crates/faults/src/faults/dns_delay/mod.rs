//! Holds questions for names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Duration, Problems,
    network::{NameFault, NetworkFault, Traffic},
};

use crate::{
    on_names::{self, QUESTIONS},
    on_network::{PacketFault, Unit, packet_fault},
    settings::check_latency,
};

/// Holds the questions of a network namespace for names for a while.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DnsDelay {
    /// Which names, such as `db.example.com` or `*.internal`; `*` stands for any characters. At most 64.
    pub names: Vec<String>,
    /// For how long, above zero and at most 20s.
    pub latency: Duration,
}

/// Connection tracking forgets who asked after 30 s, and the server takes a while too.
const LONGEST: std::time::Duration = std::time::Duration::from_secs(20);

impl PacketFault for DnsDelay {
    const KIND: &'static str = "dnsDelay";
    const UNIT: Unit = QUESTIONS;

    fn check_settings(&self, problems: &mut Problems) {
        on_names::check_names(&self.names, problems);
        check_latency(self.latency, Duration::ZERO, problems);
        if self.latency.std() > LONGEST {
            let hint = "whoever asks has given up by then: take dnsError with answer: timeout";
            problems.error(&["latency"], format!("{} is longer than 20s", self.latency), Some(hint));
        }
    }

    fn does(&self) -> String {
        format!("hold questions for {}", self.latency)
    }

    fn done(&self) -> &'static str {
        "held"
    }

    fn traffic(&self) -> Traffic {
        on_names::all_questions()
    }

    fn which(&self) -> String {
        on_names::which(&self.names)
    }

    fn fault(&self) -> NetworkFault {
        on_names::fault(&self.names, NameFault::Delay { latency: self.latency })
    }

    fn warnings(&self) -> Vec<String> {
        on_names::warnings()
    }
}

packet_fault!(DnsDelay);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Fault;

    #[test]
    fn a_latency_of_nothing_or_beyond_patience_is_a_problem() {
        let problems = |latency: &str| {
            let fault: DnsDelay =
                serde_json::from_value(json!({ "names": ["a"], "latency": latency })).unwrap();
            let mut problems = Problems::new();
            fault.check(&mut problems);
            problems.all().len()
        };
        assert_eq!(["0s", "1ms", "20s", "21s"].map(problems), [1, 0, 0, 1]);
    }
}
