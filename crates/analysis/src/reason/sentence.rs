//! Reasons in words a product engineer understands.

use super::words::{count, duration, factor, percent};
use super::{Reason, Seen, Window};
use crate::{Outlook, Source, Tolerance, Unsteady};

impl Reason {
    /// The reason in words.
    pub fn sentence(&self) -> String {
        match self {
            Self::NoTraffic { window: Window::Fault } => {
                "No requests were seen while the fault was active, so nothing was tested.".to_owned()
            }
            Self::NoTraffic { window: Window::Baseline } => {
                "No requests were seen before the fault, so there is nothing to compare with.".to_owned()
            }
            Self::NoTraffic { window: Window::Control } => {
                "No requests were seen in the control group while the fault was active, so there is nothing to \
                 compare with."
                    .to_owned()
            }
            Self::TooLittleData { seen, needed } => format!(
                "Too little data: with {} requests not even a run without a single failure could have shown that \
                 at most {} fail.{}{}",
                count(seen.total),
                percent(seen.tolerated),
                outlook(needed),
                caveat(seen),
            ),
            Self::IncompleteData { window, completeness, needed } => format!(
                "Only {} of the measurements {} arrived; at least {} are needed before anything is called held.",
                percent(*completeness),
                during(*window),
                percent(*needed),
            ),
            Self::SteadyStateNotMet { problem } => unsteady(problem),
            Self::HarmShownEarly { culprits, after_seconds, seen } => format!(
                "Harm was shown {} into the fault, and the run was stopped: {}. Shown by {}.{}",
                duration(*after_seconds),
                compared(seen),
                culprits.join(", "),
                caveat(seen),
            ),
            Self::HarmShownAtEnd { seen, p_harm } => format!(
                "Harm was shown at the end: {}. If the true rate were within tolerance, this much would be seen \
                 with a probability of at most {}.{}",
                compared(seen),
                percent(*p_harm),
                caveat(seen),
            ),
            Self::HeldWithin { seen, p_held } => format!(
                "Within tolerance: {}. If the true rate were at the tolerance, this little would be seen with a \
                 probability of at most {}.{}",
                compared(seen),
                percent(*p_held),
                caveat(seen),
            ),
            Self::NotEnoughEvidence { seen, needed } => format!(
                "Not enough evidence either way: {}.{}{}",
                compared(seen),
                outlook(needed),
                caveat(seen),
            ),
            Self::StoppedEarly { culprits } => {
                format!(
                    "The run was stopped early because of {}, before this could be shown.",
                    culprits.join(", ")
                )
            }
        }
    }
}

fn compared(seen: &Seen) -> String {
    format!(
        "{} of {} requests failed or were too slow ({}), tolerated are {}",
        count(seen.bad),
        count(seen.total),
        percent(seen.rate),
        percent(seen.tolerated),
    )
}

fn during(window: Window) -> &'static str {
    match window {
        Window::Baseline => "before the fault",
        Window::Fault => "during the fault",
        Window::Control => "in the control group",
    }
}

fn outlook(needed: &Outlook) -> String {
    let mut text = match needed.extra_seconds {
        Some(seconds) => {
            let length = duration(seconds);
            format!(" At this traffic and rate about {length} more of the fault would have been needed.")
        }
        None => " No longer fault would have helped: more traffic or a longer baseline is needed.".to_owned(),
    };
    match needed.tolerance {
        Some(Tolerance::Relative(rho)) => {
            let rho = factor(rho);
            text.push_str(&format!(
                " For a tolerance of {rho} times the baseline this data would have been enough."
            ));
        }
        Some(Tolerance::Absolute(rate)) => {
            let rate = percent(rate);
            text.push_str(&format!(" For a tolerance of {rate} this data would have been enough."));
        }
        None => {}
    }
    if let Some(seconds) = needed.missing_history_seconds {
        let length = duration(seconds);
        text.push_str(&format!(" {length} more of history would show how bursty failures really are."));
    }
    text
}

fn caveat(seen: &Seen) -> String {
    let mut text = String::new();
    if seen.left_out > 0.0 {
        let first = match count(seen.left_out).as_str() {
            "1" => "first request under the fault is".to_owned(),
            many => format!("first {many} requests under the fault are"),
        };
        text = format!(" The {first} left out here: those that hang were not known to by then.");
    }
    text + &cautious(seen.dispersion)
}

fn cautious(source: Source) -> String {
    match source {
        Source::Given | Source::Estimated => String::new(),
        Source::FewErrors => {
            " The history has too few failures to learn how bursty they are, so a cautious dispersion was assumed."
                .to_owned()
        }
        Source::Assumed { history_seconds } => format!(
            " With only {} of history a cautious dispersion was assumed.",
            duration(history_seconds)
        ),
    }
}

fn unsteady(problem: &Unsteady) -> String {
    match problem {
        Unsteady::NoTraffic => {
            "There was no steady state: no requests were seen before the fault.".to_owned()
        }
        Unsteady::Incomplete { completeness, needed } => format!(
            "There was no steady state to see: only {} of the measurements before the fault arrived, {} are needed.",
            percent(*completeness),
            percent(*needed),
        ),
        Unsteady::AboveTolerance { rate, tolerated } => format!(
            "Already before the fault {} of requests failed or were too slow; tolerated are {}. Nothing can be \
             blamed on the fault.",
            percent(*rate),
            percent(*tolerated),
        ),
        Unsteady::GroupsDiffer { rate, control } => format!(
            "Already before the fault the groups differed: {} here, {} in the control group. Nothing can be blamed on \
             the fault.",
            percent(*rate),
            percent(*control),
        ),
        Unsteady::Unstable { earlier, recent } => format!(
            "The failure rate was not steady before the fault: first {}, then {}. Nothing can be blamed on the fault.",
            percent(*earlier),
            percent(*recent),
        ),
    }
}
