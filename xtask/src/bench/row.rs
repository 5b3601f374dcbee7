//! One number beside another, and what their ratio must be.

use std::fmt;

/// What was found.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// What was measured, with its unit.
    pub(super) what: String,
    pub(super) ours: f64,
    pub(super) rival: f64,
    /// Who or what the rival is.
    pub(super) against: String,
    pub(super) gate: Gate,
}

/// What the ratio of ours to the rival's must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Gate {
    AtMost(f64),
    AtLeast(f64),
    /// Ours is a distance, and may be nothing at all.
    Within,
    /// Shown, whatever it is.
    None,
}

impl Row {
    pub(super) fn new(what: impl Into<String>, ours: f64, rival: f64, against: &str, gate: Gate) -> Self {
        Self { what: what.into(), ours, rival, against: against.to_owned(), gate }
    }

    /// A distance, or a time, beside the most that is allowed.
    pub(super) fn within(what: impl Into<String>, ours: f64, most: f64) -> Self {
        Self::new(what, ours, most, "allowed", Gate::Within)
    }

    /// A number on its own.
    pub(super) fn shown(what: impl Into<String>, ours: f64) -> Self {
        Self::new(what, ours, f64::NAN, "", Gate::None)
    }

    pub(super) fn ratio(&self) -> f64 {
        self.ours / self.rival
    }

    /// Whether the gate holds. What could not be measured never does, and a cost that is not above zero was not measured.
    pub(super) fn holds(&self) -> bool {
        let ratio = self.ratio();
        let costs = self.ours > 0.0 && self.rival > 0.0;
        match self.gate {
            Gate::AtMost(most) => ratio.is_finite() && costs && ratio <= most,
            Gate::AtLeast(least) => ratio.is_finite() && costs && ratio >= least,
            Gate::Within => self.ours >= 0.0 && self.ours <= self.rival,
            Gate::None => true,
        }
    }

    /// What to say when it does not.
    pub(super) fn failure(&self) -> String {
        let Self { what, ours, rival, against, gate } = self;
        match gate {
            Gate::Within => format!("{what}: {ours:.3}, where {rival} is allowed"),
            _ => format!("{what}: {:.2} times {against}, where {gate} is allowed", self.ratio()),
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "at most {most}"),
            Self::AtLeast(least) => write!(f, "at least {least}"),
            Self::Within => write!(f, "at most 1"),
            Self::None => write!(f, "none"),
        }
    }
}

/// The median.
pub(super) fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gate_holds_by_the_ratio_and_never_without_a_measurement() {
        let row = |ours, rival, gate| Row::new("", ours, rival, "", gate);
        assert!(row(11.0, 10.0, Gate::AtMost(1.1)).holds() && !row(11.2, 10.0, Gate::AtMost(1.1)).holds());
        assert!(row(9.0, 10.0, Gate::AtLeast(0.9)).holds() && !row(8.9, 10.0, Gate::AtLeast(0.9)).holds());
        assert!(!row(-2.0, 36.0, Gate::AtMost(1.1)).holds(), "less than nothing is no cost");
        assert!(!row(0.0, 0.0, Gate::AtMost(1.1)).holds() && !row(1.0, 0.0, Gate::AtLeast(0.9)).holds());
    }

    #[test]
    fn a_distance_may_be_nothing_but_not_unknown() {
        assert!(Row::within("", 0.0, 0.1).holds() && Row::within("", 0.1, 0.1).holds());
        for ours in [0.11, -0.01, f64::NAN, f64::INFINITY] {
            assert!(!Row::within("", ours, 0.1).holds(), "{ours}");
        }
        assert!(Row::within("p50, ms", 0.2, 0.1).failure().contains("0.200, where 0.1"));
        assert!(Row::shown("", 5.0).holds());
    }
}
