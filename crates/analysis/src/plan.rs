//! What a run can show, computed before it runs: whether it can end in `held` when nothing is wrong, the smallest
//! effect it finds, how long the fault lasts until it is stopped, and what that costs.
//!
//! Formulas, with `x` the traffic of the fault window and `phi` the dispersion that the run itself would use:
//!
//! * time to stop at a share `q`: the first interval at which the evidence of the *expected* counts reaches the
//!   threshold. Half of the runs stop before. Checked by simulation (`tests/simulated/planner.rs`).
//! * chance to find `q`: the chance that the counts reach the fewest bad events that stop the run or refute it at the
//!   end. For an absolute tolerance by gamma tails (exact for independent events), else by the normal
//!   approximation of the logarithm of the ratio, whose variance is `phi (1 / bad + 1 / bad before)`.
//! * chance to hold: likewise, that they stay at or below the most that the test at the end accepts, at the share
//!   that is usual.
//!
//! Counts are taken to be as dispersed as the run will take them to be. Where that is a cautious assumption, the
//! chances are cautious too.

mod chance;
mod sentence;

use serde::{Deserialize, Serialize};

use crate::arithmetic::ln;
use crate::dispersion::Learned;
use crate::outlook::Levels;
use crate::{Counts, Dispersion, EndTest, Interval, Metric, Outlook, STOP_SHARE, Source, Tally, Tolerance};
use chance::Odds;

/// With this chance the smallest detectable effect is found.
pub const POWER: f64 = 0.8;
/// A run that holds with less than this chance when nothing is wrong is taken to be unable to.
pub const HOPELESS: f64 = 0.05;
/// Effects that are forecast: multiples of the tolerated share. All events bad comes last.
const EFFECTS: [f64; 6] = [1.5, 2.0, 3.0, 5.0, 10.0, 20.0];

/// What is known of a run before it runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Outset {
    /// Length of one interval.
    pub interval: Interval,
    /// Largest probability to refute wrongly.
    pub alpha: f64,
    /// Largest probability to say held wrongly.
    pub beta: f64,
    /// Length of the baseline, in seconds.
    pub baseline_seconds: f64,
    /// How long a fault is in place, in seconds.
    pub fault_seconds: f64,
    /// What is watched.
    pub metrics: Vec<Prospect>,
}

/// What is known of a metric before the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Prospect {
    /// Its name.
    pub name: String,
    /// How bad is still acceptable.
    pub tolerance: Tolerance,
    /// Events a second.
    pub traffic: f64,
    /// Events a second in a control group, if there is one. Then the tolerance is relative to it.
    pub control: Option<f64>,
    /// Share of bad events when nothing is wrong. Nothing: not known, and the best case is taken.
    pub rate: Option<f64>,
    /// Steady counts of earlier runs that this run learns dispersion from.
    pub history: Option<Counts>,
    /// Dispersion, instead of an estimate.
    pub dispersion: Option<Dispersion>,
    /// For how many seconds of the fault window it does not show all that is bad yet: it must hold without them too.
    pub onset_seconds: f64,
}

/// What a run can show.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Forecast {
    /// Chance that the run ends in `held` when nothing is wrong, as if the metrics were independent.
    pub held: f64,
    /// Metric by metric.
    pub metrics: Vec<MetricForecast>,
}

/// What a run can show by one metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MetricForecast {
    /// Its name.
    pub name: String,
    /// How bad is still acceptable.
    pub tolerance: Tolerance,
    /// The largest acceptable share; nothing when it is relative to a share that is not known.
    pub tolerated: Option<f64>,
    /// Share of bad events when nothing is wrong, if it is known.
    pub rate: Option<f64>,
    /// Events a second.
    pub traffic: f64,
    /// Dispersion at the end of the fault window.
    pub dispersion: Dispersion,
    /// Where the dispersion comes from.
    pub dispersion_source: Source,
    /// Chance to be held when nothing is wrong. The best case when the usual share is not known.
    pub held: f64,
    /// The smallest effect that is found with a chance of 80 %. Nothing when not even a complete failure is, or the
    /// tolerated share is not known.
    pub detectable: Option<Effect>,
    /// What would happen at multiples of the tolerated share, and when everything fails.
    pub effects: Vec<Effect>,
    /// What would give an even chance to hold. Nothing when the chance is even or better already.
    pub needed: Option<Outlook>,
}

/// What a share of bad events under the fault would do.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Effect {
    /// Share of bad events while the fault is in place.
    pub rate: f64,
    /// The same as a multiple of the usual share, if that is known and not zero.
    pub factor: Option<f64>,
    /// The same as a multiple of the tolerated share.
    pub beyond: f64,
    /// Chance that the run refutes.
    pub found: f64,
    /// Seconds after which half of such runs have been stopped. Nothing: the fault lasts to its planned end.
    pub stop_seconds: Option<f64>,
    /// Bad events beyond the usual until then.
    pub cost: f64,
}

impl Outset {
    /// Looks ahead.
    #[must_use]
    pub fn forecast(&self) -> Forecast {
        self.looking_at(None)
    }

    /// Looks ahead at this one share of bad events under the fault, instead of multiples of the tolerated share.
    #[must_use]
    pub fn forecast_at(&self, share: f64) -> Forecast {
        self.looking_at(Some(share))
    }

    fn looking_at(&self, share: Option<f64>) -> Forecast {
        let metrics: Vec<_> = self.metrics.iter().map(|metric| self.metric(metric, share)).collect();
        Forecast { held: metrics.iter().map(|metric| metric.held).product(), metrics }
    }

    fn metric(&self, prospect: &Prospect, share: Option<f64>) -> MetricForecast {
        let odds = self.odds(prospect, prospect.rate.unwrap_or(0.0));
        let tolerated = match (prospect.tolerance, prospect.rate) {
            (Tolerance::Absolute(rate), _) => Some(rate),
            (Tolerance::Relative(rho), rate) => {
                rate.map(|rate| (rho * rate).min(1.0)).filter(|&rate| rate > 0.0)
            }
        };
        let held = match (prospect.tolerance, prospect.rate) {
            (Tolerance::Relative(_), None) => self.best(prospect),
            (_, rate) => self.settled_odds(prospect, rate.unwrap_or(0.0)).held(),
        };
        let estimate = odds.estimate();
        let effect = |rate: f64, tolerated: f64| self.effect(&odds, prospect, rate, tolerated);
        let effects = tolerated.map_or(vec![], |tolerated| match share {
            Some(share) => vec![effect(share, tolerated)],
            None => {
                let shares = EFFECTS.iter().map(|times| times * tolerated).filter(|&share| share < 1.0);
                shares.chain([1.0]).map(|share| effect(share, tolerated)).collect()
            }
        });
        MetricForecast {
            name: prospect.name.clone(),
            tolerance: prospect.tolerance,
            tolerated,
            rate: prospect.rate,
            traffic: prospect.traffic,
            dispersion: estimate.dispersion,
            dispersion_source: estimate.source,
            held,
            detectable: tolerated.and_then(|tolerated| {
                odds.detectable(tolerated, POWER).map(|share| effect(share, tolerated))
            }),
            effects,
            needed: (held < 0.5).then(|| self.needed(prospect, &odds)).flatten(),
        }
    }

    fn effect(&self, odds: &Odds, prospect: &Prospect, rate: f64, tolerated: f64) -> Effect {
        let usual = prospect.rate.unwrap_or(0.0);
        let stop_seconds = odds.stops_after(rate).map(|intervals| intervals as f64 * self.interval.seconds());
        let lasts = stop_seconds.unwrap_or(self.fault_seconds);
        Effect {
            rate,
            factor: (usual > 0.0).then(|| rate / usual),
            beyond: rate / tolerated,
            found: odds.found(rate),
            stop_seconds,
            cost: (rate - usual).max(0.0) * prospect.traffic * lasts,
        }
    }

    /// The best chance to hold over all usual shares, when the usual share is not known.
    fn best(&self, prospect: &Prospect) -> f64 {
        let mut best: f64 = 0.0;
        let mut rate = 1e-6;
        while rate < 0.5 {
            best = best.max(self.settled_odds(prospect, rate).held());
            rate *= 1.5;
        }
        best
    }

    fn needed(&self, prospect: &Prospect, odds: &Odds) -> Option<Outlook> {
        if prospect.control.is_some()
            || matches!((prospect.tolerance, prospect.rate), (Tolerance::Relative(_), None))
        {
            return None;
        }
        let rate = prospect.rate.unwrap_or(0.0);
        let events = prospect.traffic * (self.fault_seconds - prospect.onset_seconds).max(0.0);
        let test = EndTest {
            fault: Tally::new(rate * events, events),
            baseline: odds.baseline(events),
            tolerance: prospect.tolerance,
            dispersion: odds.estimate().dispersion.end,
        };
        (events > 0.0).then(|| {
            let levels = self.levels();
            Outlook::of(odds.learned(), &test, levels, self.fault_seconds, self.interval.seconds())
        })
    }

    fn odds(&self, prospect: &Prospect, rate: f64) -> Odds {
        self.odds_without(0.0, prospect, rate)
    }

    /// Without the time in which it does not show all that is bad yet.
    fn settled_odds(&self, prospect: &Prospect, rate: f64) -> Odds {
        self.odds_without(prospect.onset_seconds, prospect, rate)
    }

    fn odds_without(&self, left_out: f64, prospect: &Prospect, rate: f64) -> Odds {
        let baseline = Tally::new(rate * prospect.traffic, prospect.traffic).scaled(self.baseline_seconds);
        let learned = match &prospect.history {
            Some(history) if prospect.control.is_none() => {
                let mut metric =
                    Metric::new(&prospect.name, prospect.tolerance, Counts::default(), Counts::default());
                metric.history = Some(history.clone());
                metric.dispersion = prospect.dispersion;
                Learned::of(&metric, self.interval)
            }
            _ => Learned::expected(baseline, self.baseline_seconds, prospect.dispersion),
        };
        Odds::new(self, left_out, prospect, rate, baseline, learned)
    }

    fn levels(&self) -> Levels {
        Levels { harm: (1.0 - STOP_SHARE) * self.alpha, held: self.beta }
    }

    /// What the evidence of one metric must reach: it is averaged over all of them.
    fn threshold(&self) -> f64 {
        ln(self.metrics.len().max(1) as f64 / (STOP_SHARE * self.alpha))
    }
}
