//! How bad is still acceptable.

use serde::{Deserialize, Serialize};

use crate::Tally;

/// How large the share of bad events may be while the fault is active.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Tolerance {
    /// At most this share of events is bad, such as 0.001.
    Absolute(f64),
    /// At most this many times the share of the baseline, such as 1.5.
    Relative(f64),
}

impl Tolerance {
    /// The largest acceptable share of bad events, given the baseline. A relative tolerance has none without
    /// baseline traffic.
    pub fn rate(self, baseline: Tally) -> Option<f64> {
        match self {
            Self::Absolute(rate) => Some(rate),
            Self::Relative(rho) => baseline.rate().map(|rate| rho * rate),
        }
    }
}
