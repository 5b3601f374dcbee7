//! What questions for names are met with, in place of the answer of a DNS server.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Duration, glob};

/// What happens to questions for names: a map with one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum NameFault {
    /// They are answered with an error, or not at all.
    Error {
        /// How.
        answer: NameError,
    },
    /// They are answered with addresses that are not theirs.
    Spoof {
        /// Which addresses; drawn by chance from those that nobody has when there are none.
        answers: Vec<IpAddr>,
        /// Makes chance repeatable.
        seed: u64,
    },
    /// They are held for a while, and then asked where they were meant to be.
    Delay {
        /// For how long.
        latency: Duration,
    },
}

/// How the resolution of a name fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum NameError {
    /// There is no such name (`NXDOMAIN`).
    Nxdomain,
    /// The server could not find out (`SERVFAIL`).
    Servfail,
    /// The server does not want to answer (`REFUSED`).
    Refused,
    /// Nothing is answered, so that whoever asked gives up after a while.
    Timeout,
}

/// Whether a name is meant by a pattern. Neither case nor a dot at the end counts, in either.
#[must_use]
pub fn is_meant(pattern: &str, name: &str) -> bool {
    let plain = |text: &str| text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    glob::matches(&plain(pattern), &plain(name))
}

#[cfg(test)]
mod tests {
    use super::is_meant;

    #[test]
    fn neither_case_nor_a_dot_at_the_end_counts() {
        for (pattern, name) in [
            ("db.shop", "DB.shop."),
            ("DB.Shop.", "db.shop"),
            ("*.shop", "a.b.sHoP."),
            ("*", "."),
            ("*", "a.b."),
        ] {
            assert!(is_meant(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("db.shop", "db.shop.local."), ("*.shop", "shop."), ("db", "adb.")] {
            assert!(!is_meant(pattern, name), "{pattern} {name}");
        }
    }
}
