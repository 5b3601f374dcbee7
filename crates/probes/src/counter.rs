//! What counters counted between two readings.
//!
//! Computed from the raw values of every series, so that nothing is extrapolated and nothing is lost: a series that was
//! not there at the last reading counts in full (the first failure after a fault creates a series that is already 1), a
//! value that fell means the counter began again at 0, a series that went away counts nothing.

use std::collections::BTreeMap;

/// The values of the series of one selector at one moment, by series.
pub type Reading = BTreeMap<String, f64>;

/// Adds up what several series counted. It remembers the last reading, and parts of events that are not whole yet.
#[derive(Debug, Clone, Default)]
pub struct Counter {
    last: Option<Reading>,
    part: f64,
}

/// What was counted since the last reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Delta {
    /// Whole events. Counters may hold fractions; what is left over counts as soon as it makes up a whole event.
    pub events: u64,
    /// Series whose value fell: their counter began again.
    pub resets: usize,
    /// Series that were not there at the last reading.
    pub born: usize,
}

impl Counter {
    /// Takes the next reading, of finite values that are not negative. The first is only remembered: `None`.
    ///
    /// With `restarted`, the process behind the counters is known to be a new one: all of them began at 0.
    pub fn advance(&mut self, now: Reading, restarted: bool) -> Option<Delta> {
        let Some(last) = self.last.take() else {
            self.last = Some(now);
            return None;
        };
        let mut delta = Delta::default();
        let mut sum = self.part;
        for (series, value) in &now {
            sum += match last.get(series) {
                Some(before) if restarted || value < before => {
                    delta.resets += 1;
                    *value
                }
                Some(before) => value - before,
                None => {
                    delta.born += 1;
                    *value
                }
            };
        }
        // Decimal fractions add up to a hair less than a whole.
        let whole = (sum + 1e-9).floor().max(0.0);
        self.part = sum - whole;
        delta.events = whole as u64;
        self.last = Some(now);
        Some(delta)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reading(values: &[(&str, f64)]) -> Reading {
        values.iter().map(|(series, value)| ((*series).to_owned(), *value)).collect()
    }

    fn deltas(readings: &[&[(&str, f64)]]) -> Vec<u64> {
        let mut counter = Counter::default();
        readings
            .iter()
            .filter_map(|values| counter.advance(reading(values), false))
            .map(|delta| delta.events)
            .collect()
    }

    #[test]
    fn the_first_reading_is_only_remembered() {
        assert_eq!(Counter::default().advance(reading(&[("a", 1_000.0)]), false), None);
    }

    #[test]
    fn a_series_born_between_two_readings_counts_in_full() {
        assert_eq!(deltas(&[&[("ok", 10.0)], &[("ok", 12.0), ("bad", 7.0)]]), [9]);
        assert_eq!(deltas(&[&[], &[("bad", 7.0)]]), [7]);
    }

    #[test]
    fn a_counter_that_began_again_counts_its_new_value() {
        let mut counter = Counter::default();
        counter.advance(reading(&[("a", 100.0), ("b", 5.0)]), false);
        let delta = counter.advance(reading(&[("a", 3.0), ("b", 6.0)]), false).unwrap();
        assert_eq!(delta, Delta { events: 4, resets: 1, born: 0 });
    }

    #[test]
    fn a_known_restart_counts_even_what_grew_past_its_old_value() {
        let mut counter = Counter::default();
        counter.advance(reading(&[("a", 100.0)]), false);
        assert_eq!(counter.advance(reading(&[("a", 150.0)]), true).unwrap().events, 150);
    }

    #[test]
    fn a_series_that_goes_away_counts_nothing_and_in_full_when_it_is_back() {
        assert_eq!(deltas(&[&[("a", 5.0), ("b", 5.0)], &[("b", 6.0)], &[("a", 2.0), ("b", 6.0)]]), [1, 2]);
    }

    #[test]
    fn fractions_are_kept_until_they_make_up_an_event() {
        assert_eq!(
            deltas(&[&[("a", 0.0)], &[("a", 0.5)], &[("a", 0.9)], &[("a", 1.0)], &[("a", 3.2)]]),
            [0, 0, 1, 2]
        );
        let tenths: Vec<[(&str, f64); 1]> = (0..=100).map(|n| [("a", f64::from(n) * 0.1)]).collect();
        let tenths: Vec<&[(&str, f64)]> = tenths.iter().map(|values| &values[..]).collect();
        assert_eq!(deltas(&tenths).iter().sum::<u64>(), 10);
    }

    proptest! {
        #[test]
        fn without_resets_all_intervals_add_up_to_the_last_value(steps in proptest::collection::vec(0_u32..1_000_000, 1..40)) {
            let mut counter = Counter::default();
            counter.advance(Reading::new(), false);
            let mut value = 0.0;
            let mut sum = 0;
            for step in &steps {
                value += f64::from(*step);
                sum += counter.advance(reading(&[("a", value)]), false).unwrap().events;
            }
            prop_assert_eq!(sum, steps.iter().map(|step| u64::from(*step)).sum::<u64>());
        }
    }
}
