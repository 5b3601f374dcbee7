//! The analysis has words of its own, so that it depends on nothing. Here they become everybody's.

use steadfast_model::Verdict;

/// A verdict of the analysis.
pub(crate) fn verdict(verdict: steadfast_analysis::Verdict) -> Verdict {
    match verdict {
        steadfast_analysis::Verdict::Held => Verdict::Held,
        steadfast_analysis::Verdict::Refuted => Verdict::Refuted,
        steadfast_analysis::Verdict::Inconclusive => Verdict::Inconclusive,
    }
}
