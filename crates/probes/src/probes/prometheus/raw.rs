//! Counts from the raw samples of counters.
//!
//! Nothing is extrapolated, as `increase()` would, and nothing is lost: a series that appears at a target that had been
//! read before counts in full (the first failure after a fault creates a series that is already 1), and every value that
//! fell between two samples is a counter that began again.

use std::collections::BTreeMap;

use super::answer::{Labels, Point, Series, shown};

/// More series than this are not remembered.
const MOST_REMEMBERED: usize = 100_000;

/// What is scraped: `job` and `instance`. Empty for what a rule computed or somebody else sent.
pub(super) type Target = (String, String);

/// Labels by which a pair of Prometheus servers that watch the same things tell themselves apart.
const REPLICAS: [&str; 3] = ["replica", "prometheus_replica", "__replica__"];

/// The newest moment of every target, in milliseconds since 1970.
pub(super) type Newest = BTreeMap<Target, i64>;

/// Adds up what several series counted. It remembers the last sample of each, and parts of events.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    last: BTreeMap<Labels, Point>,
    part: f64,
}

/// What was counted since the last look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Delta {
    /// Whole events. What is left over counts as soon as it makes up a whole event.
    pub(super) events: u64,
    /// Counters that began again.
    pub(super) resets: usize,
    /// Series of targets that were never read before: what they had counted is not counted.
    pub(super) strangers: usize,
}

impl Counts {
    /// Takes the samples that are new, up to the newest moment of each target in `until`. `before` are the moments up to
    /// which the targets had been read at the last look; `None` at the first look, which only remembers.
    ///
    /// # Errors
    /// When a value is none a counter can have, or a series comes from a target that is not in `until`.
    pub(super) fn advance(
        &mut self,
        now: &[Series],
        before: Option<&Newest>,
        until: &Newest,
    ) -> Result<Delta, String> {
        let mut delta = Delta::default();
        let mut sum = self.part;
        let mut next = self.last.clone();
        for series in now {
            let target = target(&series.labels);
            let limit = *until.get(&target).ok_or_else(|| {
                format!("{} is of a target that `total` has nothing of", shown(&series.labels))
            })?;
            let mut known = next.get(&series.labels).copied();
            for point in series.points.iter().filter(|point| point.at <= limit) {
                if !point.value.is_finite() || point.value < 0.0 {
                    return Err(format!("the counter {} is {}", shown(&series.labels), point.value));
                }
                match known {
                    Some(last) if point.at <= last.at => continue,
                    Some(last) if point.value < last.value => {
                        delta.resets += 1;
                        sum += point.value;
                    }
                    Some(last) => sum += point.value - last.value,
                    None => match before.map(|before| before.get(&target)) {
                        None => {}
                        Some(Some(read)) if *read < point.at => sum += point.value,
                        Some(_) => delta.strangers += 1,
                    },
                }
                known = Some(*point);
            }
            if let Some(known) = known {
                next.insert(series.labels.clone(), known);
            }
        }
        if next.len() > MOST_REMEMBERED {
            return Err(format!("these were more than {MOST_REMEMBERED} different series"));
        }
        self.last = next;
        if before.is_none() {
            return Ok(Delta::default());
        }
        // Decimal fractions add up to a hair less than a whole.
        let whole = (sum + 1e-9).floor().max(0.0);
        self.part = sum - whole;
        delta.events = whole as u64;
        Ok(delta)
    }
}

/// The newest moment of every target.
pub(super) fn newest(all: &[Series]) -> Newest {
    let mut newest = Newest::new();
    for series in all {
        if let Some(point) = series.points.last() {
            let at = newest.entry(target(&series.labels)).or_insert(point.at);
            *at = point.at.max(*at);
        }
    }
    newest
}

/// A target as people read it.
pub(super) fn named((job, instance): &Target) -> String {
    match (job.as_str(), instance.as_str()) {
        ("", "") => "what is not scraped".to_owned(),
        (job, "") => format!("job {job}"),
        (job, instance) => format!("job {job} at {instance}"),
    }
}

fn target(labels: &Labels) -> Target {
    let of = |label: &str| labels.get(label).cloned().unwrap_or_default();
    (of("job"), of("instance"))
}

/// The label that tells two copies of one series apart, as two Prometheus servers keep them: their sum counts twice.
pub(super) fn twice(all: &[Series]) -> Option<&'static str> {
    REPLICAS.into_iter().find(|replica| {
        let mut seen = std::collections::BTreeSet::new();
        let with = all.iter().filter(|series| series.labels.contains_key(*replica));
        let mut rest = with.map(|series| {
            let mut labels = series.labels.clone();
            labels.remove(*replica);
            labels
        });
        rest.any(|labels| !seen.insert(labels))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn series(name: &str, instance: &str, points: &[(i64, f64)]) -> Series {
        let labels = [("__name__", name), ("job", "gateway"), ("instance", instance)];
        Series {
            labels: labels.map(|(label, value)| (label.to_owned(), value.to_owned())).into(),
            points: points.iter().map(|(at, value)| Point { at: *at, value: *value }).collect(),
        }
    }

    /// What looks at these series count.
    fn deltas(looks: &[Vec<Series>]) -> Vec<Delta> {
        let (mut counts, mut before) = (Counts::default(), None);
        let mut look = |all: &Vec<Series>| {
            let until = newest(all);
            let delta = counts.advance(all, before.as_ref(), &until).unwrap();
            before = Some(until);
            delta
        };
        looks.iter().map(&mut look).collect()
    }

    #[test]
    fn only_samples_that_are_new_are_counted() {
        let looks = [
            vec![series("a", "x", &[(1, 100.0), (2, 110.0)])],
            vec![series("a", "x", &[(1, 100.0), (2, 110.0), (3, 112.0), (4, 115.0)])],
            vec![series("a", "x", &[(3, 112.0), (4, 115.0)])],
        ];
        assert_eq!(deltas(&looks).iter().map(|delta| delta.events).collect::<Vec<_>>(), [0, 5, 0]);
    }

    #[test]
    fn a_counter_that_began_again_between_two_scrapes_counts_both_parts() {
        let looks = [
            vec![series("a", "x", &[(1, 100.0)])],
            vec![series("a", "x", &[(1, 100.0), (2, 103.0), (3, 2.0), (4, 7.0), (5, 1.0)])],
        ];
        assert_eq!(deltas(&looks)[1], Delta { events: 3 + 7 + 1, resets: 2, strangers: 0 });
    }

    #[test]
    fn a_series_born_at_a_target_that_was_read_counts_in_full() {
        let looks = [
            vec![series("ok", "x", &[(1, 100.0)])],
            vec![series("ok", "x", &[(1, 100.0), (2, 100.0)]), series("bad", "x", &[(2, 7.0)])],
        ];
        assert_eq!(deltas(&looks)[1], Delta { events: 7, resets: 0, strangers: 0 });
    }

    #[test]
    fn what_a_target_that_appears_had_counted_before_is_not_counted() {
        let looks = [
            vec![series("ok", "x", &[(1, 100.0)])],
            vec![series("ok", "x", &[(2, 101.0)]), series("ok", "y", &[(2, 9_000.0), (3, 9_002.0)])],
        ];
        assert_eq!(deltas(&looks)[1], Delta { events: 3, resets: 0, strangers: 1 });
    }

    #[test]
    fn a_sample_that_the_whole_does_not_have_yet_waits() {
        let (mut bad, before) = (Counts::default(), newest(&[series("all", "x", &[(1, 0.0)])]));
        let now = [series("bad", "x", &[(1, 0.0), (2, 5.0), (3, 6.0)])];
        bad.advance(&now[..0], None, &before).unwrap();
        let until = newest(&[series("all", "x", &[(2, 50.0)])]);
        assert_eq!(bad.advance(&now, Some(&before), &until).unwrap().events, 5);
        let later = newest(&[series("all", "x", &[(3, 60.0)])]);
        assert_eq!(bad.advance(&now, Some(&until), &later).unwrap().events, 1);
        let elsewhere = newest(&[series("all", "y", &[(3, 60.0)])]);
        assert!(bad.advance(&now, Some(&until), &elsewhere).unwrap_err().contains("nothing of"));
    }

    #[test]
    fn copies_of_a_series_are_noticed() {
        let copy = |replica: &str| {
            let mut series = series("a", "x", &[(1, 1.0)]);
            series.labels.insert("replica".to_owned(), replica.to_owned());
            series
        };
        assert_eq!(twice(&[copy("1"), copy("2")]), Some("replica"));
        assert_eq!(twice(&[copy("1"), series("a", "x", &[(1, 1.0)])]), None);
    }

    proptest! {
        #[test]
        fn however_looks_fall_all_of_them_add_up_to_the_last_value(
            steps in proptest::collection::vec(0_u32..1_000, 2..60),
            looks in proptest::collection::vec(1_usize..7, 1..30),
        ) {
            let mut value = 0.0;
            let points: Vec<(i64, f64)> = steps.iter().enumerate().map(|(at, step)| {
                value += f64::from(*step);
                (at as i64, value)
            }).collect();
            let (mut counts, mut before, mut sum, mut seen) = (Counts::default(), None, 0, 0);
            for look in looks {
                seen = (seen + look).min(points.len());
                let all = [series("a", "x", &points[seen.saturating_sub(look + 2)..seen])];
                let until = newest(&all);
                sum += counts.advance(&all, before.as_ref(), &until).unwrap().events;
                before = Some(until);
                if sum == 0 && seen <= look {
                    // The first look only remembers.
                    sum = points[seen - 1].1 as u64;
                }
            }
            prop_assert_eq!(sum, points[seen - 1].1 as u64);
        }
    }
}
