//! Round numbers along an axis.

use crate::words;

/// Ticks at round numbers from a low to a high value.
pub(super) struct Axis {
    low: f64,
    high: f64,
    label: fn(f64) -> String,
}

impl Axis {
    /// Shares of events from none to `high`.
    pub(super) fn shares(high: f64) -> Self {
        Self { low: 0.0, high, label: |share| words::share(Some(share)) }
    }

    /// Bare numbers.
    pub(super) fn numbers(low: f64, high: f64) -> Self {
        Self { low, high, label: |number| format!("{:.0}", number + 0.0) }
    }

    /// Seconds since the run began.
    pub(super) fn seconds(high: f64) -> Self {
        Self { low: 0.0, high, label: |seconds| format!("{seconds:.0} s") }
    }

    /// Between three and eight ticks with their labels.
    pub(super) fn ticks(&self) -> Vec<(f64, String)> {
        let step = round_step((self.high - self.low) / 4.0);
        let mut ticks = Vec::new();
        // Adding zero turns a negative zero into a plain one.
        let mut value = (self.low / step).ceil() * step + 0.0;
        // The bound only matters for values that cannot occur; a chart must never hang.
        while value <= self.high * (1.0 + 1e-9) && ticks.len() < 12 {
            ticks.push((value, (self.label)(value)));
            value += step;
        }
        ticks
    }
}

/// The largest of 1, 2 or 5 times a power of ten that is not above `step`.
fn round_step(step: f64) -> f64 {
    if !(step.is_finite() && step > 0.0) {
        return 1.0;
    }
    let power = 10_f64.powf(step.log10().floor());
    [5.0, 2.0].into_iter().map(|factor| factor * power).find(|round| *round <= step).unwrap_or(power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_stand_at_round_numbers() {
        let labels: Vec<_> = Axis::seconds(47.0).ticks().into_iter().map(|(_, label)| label).collect();
        assert_eq!(labels, ["0 s", "10 s", "20 s", "30 s", "40 s"]);
    }

    #[test]
    fn an_axis_without_a_length_does_not_hang() {
        assert!(Axis::numbers(0.0, 0.0).ticks().len() <= 12);
        assert!(Axis::numbers(0.0, f64::NAN).ticks().len() <= 12);
    }
}
