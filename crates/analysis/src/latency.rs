//! Latency thresholds as counts: an event is bad when it took longer than the threshold. A histogram only counts
//! at its bucket bounds, so the threshold must be moved to one.

use serde::{Deserialize, Serialize};

/// Difference between the two bounds beyond which a report must say so.
const NOTABLE: f64 = 0.10;

/// The bucket bounds that stand in for a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Bounds {
    /// The threshold asked for.
    pub threshold: f64,
    /// Nearest bound at or above: fewer events count as slow, so that harm is never shown too easily. Nothing if
    /// the threshold is above all finite bounds: harm cannot be shown from this histogram.
    pub abort: Option<f64>,
    /// Nearest bound at or below: more events count as slow, so that nothing is called held too easily. Nothing
    /// if the threshold is below all bounds: the metric can never be held.
    pub held: Option<f64>,
}

impl Bounds {
    /// Picks the bounds for `threshold` among the upper bounds of buckets, in any order and in the same unit.
    pub fn pick(buckets: &[f64], threshold: f64) -> Self {
        let finite = || buckets.iter().copied().filter(|bound| bound.is_finite());
        Self {
            threshold,
            abort: finite().filter(|&bound| bound >= threshold).reduce(f64::min),
            held: finite().filter(|&bound| bound <= threshold).reduce(f64::max),
        }
    }

    /// True if the threshold is itself a bound, so that one count serves both purposes.
    pub fn exact(self) -> bool {
        self.abort == self.held && self.held.is_some()
    }

    /// What a report must say about these bounds, if anything: when they differ by more than 10 %, or one is
    /// missing. `unit` is written behind each number.
    pub fn note(self, unit: &str) -> Option<String> {
        let threshold = self.threshold;
        match (self.abort, self.held) {
            (Some(abort), Some(held)) if abort - held > NOTABLE * held => Some(format!(
                "The histogram has no bucket bound at {threshold}{unit}: harm is counted above {abort}{unit}, \
                 and the tolerance is only called held from counts above {held}{unit}."
            )),
            (Some(_), Some(_)) => None,
            (None, _) => Some(format!(
                "No finite bucket bound reaches {threshold}{unit}: this histogram cannot show harm."
            )),
            (_, None) => Some(format!(
                "All bucket bounds are above {threshold}{unit}: this histogram cannot show that it held."
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUCKETS: [f64; 5] = [0.1, 0.25, 0.5, 1.0, f64::INFINITY];

    #[test]
    fn threshold_between_bounds_is_moved_to_the_careful_side() {
        let bounds = Bounds::pick(&BUCKETS, 0.3);
        assert_eq!((bounds.abort, bounds.held), (Some(0.5), Some(0.25)));
        assert!(bounds.note("s").unwrap().contains("above 0.5s"));
    }

    #[test]
    fn threshold_on_a_bound_needs_no_note() {
        let bounds = Bounds::pick(&BUCKETS, 0.5);
        assert!(bounds.exact());
        assert_eq!(bounds.note("s"), None);
        assert_eq!(Bounds::pick(&[0.95, 1.0], 0.97).note("s"), None);
    }

    #[test]
    fn threshold_outside_all_bounds_says_what_cannot_be_shown() {
        assert!(Bounds::pick(&BUCKETS, 2.0).note("s").unwrap().contains("cannot show harm"));
        assert!(Bounds::pick(&BUCKETS, 0.01).note("s").unwrap().contains("cannot show that it held"));
        assert!(!Bounds::pick(&[], 1.0).exact());
    }
}
