//! Why a verdict is what it is: a closed list, with the numbers behind it.

mod sentence;
pub(crate) mod words;

use serde::{Deserialize, Serialize};

use crate::{Outlook, Source, Unsteady};

/// A stretch of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Window {
    /// Before the fault.
    Baseline,
    /// While the fault was active.
    Fault,
    /// Beside the fault, in the control group.
    Control,
}

/// What was seen while the fault was active.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Seen {
    /// Bad events.
    pub bad: f64,
    /// All events.
    pub total: f64,
    /// Events that are not among them, because they came before all that is bad could be known.
    #[serde(default, skip_serializing_if = "is_none")]
    pub left_out: f64,
    /// Share of bad events.
    pub rate: f64,
    /// Largest acceptable share of bad events.
    pub tolerated: f64,
    /// Where the dispersion comes from.
    pub dispersion: Source,
}

/// Why a verdict is what it is. [`Reason::sentence`] says it in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// Inconclusive: no events in a window, so nothing was tested.
    #[serde(rename_all = "camelCase")]
    NoTraffic {
        /// The silent window.
        window: Window,
    },
    /// Inconclusive: so few events that not even a run without a bad one could have shown that it held.
    #[serde(rename_all = "camelCase")]
    TooLittleData {
        /// What was seen.
        seen: Seen,
        /// What would have been enough.
        needed: Outlook,
    },
    /// Inconclusive: too many intervals were not measured to call anything held.
    #[serde(rename_all = "camelCase")]
    IncompleteData {
        /// The window with the gaps.
        window: Window,
        /// Share of intervals measured.
        completeness: f64,
        /// Share needed.
        needed: f64,
    },
    /// Inconclusive: the system was not in a steady state before the fault.
    #[serde(rename_all = "camelCase")]
    SteadyStateNotMet {
        /// What was wrong.
        problem: Unsteady,
    },
    /// Refuted: harm was shown while the fault was active, and the run had to stop.
    #[serde(rename_all = "camelCase")]
    HarmShownEarly {
        /// Metrics whose harm is shown, strongest first.
        culprits: Vec<String>,
        /// Seconds from the start of the fault window to the stop.
        after_seconds: f64,
        /// What was seen until then.
        seen: Seen,
    },
    /// Refuted: harm was shown by the test at the end.
    #[serde(rename_all = "camelCase")]
    HarmShownAtEnd {
        /// What was seen.
        seen: Seen,
        /// Probability of this much or more if the rate had been at the tolerance.
        p_harm: f64,
    },
    /// Held: at this much data, a rate at the tolerance would have shown more bad events.
    #[serde(rename_all = "camelCase")]
    HeldWithin {
        /// What was seen.
        seen: Seen,
        /// Probability of this little or less if the rate had been at the tolerance.
        p_held: f64,
    },
    /// Inconclusive: neither harm nor its absence could be shown.
    #[serde(rename_all = "camelCase")]
    NotEnoughEvidence {
        /// What was seen.
        seen: Seen,
        /// What would have been enough.
        needed: Outlook,
    },
    /// Inconclusive: the run stopped early because of other metrics.
    #[serde(rename_all = "camelCase")]
    StoppedEarly {
        /// The metrics that stopped it.
        culprits: Vec<String>,
    },
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_none(left_out: &f64) -> bool {
    *left_out <= 0.0
}
