//! The exit code of a run.

use steadfast_model::{Outcome, Verdict, event::Conclusion};

/// The exit code of a run: 0 held, 1 refuted, 2 inconclusive, 3 stopped by a person before anything was shown,
/// 4 failed, 5 an undo was abandoned, which outranks all.
#[must_use]
pub fn exit_code(conclusion: &Conclusion, abandoned: bool) -> u8 {
    if abandoned || conclusion.reason.code == "revertAbandoned" {
        return 5;
    }
    if conclusion.outcome == Outcome::Failed {
        return 4;
    }
    match conclusion.verdict {
        Verdict::Held => 0,
        Verdict::Refuted => 1,
        Verdict::Inconclusive if conclusion.reason.code == "stopRequested" => 3,
        Verdict::Inconclusive => 2,
    }
}
