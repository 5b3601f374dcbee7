//! Forecasts in words.

use super::{Forecast, HOPELESS, MetricForecast};
use crate::reason::words::{count, duration, factor, percent};
use crate::{Source, Tolerance};

impl Forecast {
    /// What must be said before a run that cannot end in `held`: one sentence for each metric in the way. Empty when
    /// it can.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        self.metrics.iter().filter(|metric| metric.held < HOPELESS).map(MetricForecast::warning).collect()
    }
}

impl MetricForecast {
    fn warning(&self) -> String {
        let mut text = match (self.tolerance, self.rate) {
            (_, Some(rate)) => format!(
                "{}: this run cannot end in held: at {} events a second, {} of them bad as usual, it shows that at \
                 most {} are bad with a chance of {}.",
                self.name,
                factor(self.traffic),
                percent(rate),
                self.allowed(),
                percent(self.held),
            ),
            (Tolerance::Absolute(_), None) => format!(
                "{}: this run cannot end in held: {} events a second are too few to show that at most {} are bad, \
                 even if none is.",
                self.name,
                factor(self.traffic),
                self.allowed(),
            ),
            (Tolerance::Relative(_), None) => format!(
                "{}: this run cannot end in held: however many of its {} events a second are bad before the fault, \
                 it shows that at most {} are under the fault with a chance of at most {}.",
                self.name,
                factor(self.traffic),
                self.allowed(),
                percent(self.held),
            ),
        };
        if let Some(needed) = &self.needed {
            match needed.extra_seconds {
                Some(seconds) => {
                    text.push_str(&format!(" {} more of the fault would do.", duration(seconds)))
                }
                None => text.push_str(" No longer fault would do."),
            }
            match needed.tolerance {
                Some(Tolerance::Absolute(rate)) => {
                    text.push_str(&format!(" Or a tolerance of {}.", percent(rate)));
                }
                Some(Tolerance::Relative(rho)) => {
                    text.push_str(&format!(" Or a tolerance of {} times the baseline.", factor(rho)));
                }
                None => {}
            }
        }
        if matches!(self.dispersion_source, Source::Assumed { .. }) {
            let caution = count((self.dispersion.end * 10.0).round() / 10.0);
            text.push_str(&format!(
                " Without 15 minutes of history a cautious dispersion of {caution} is assumed."
            ));
        }
        text
    }

    fn allowed(&self) -> String {
        match (self.tolerated, self.tolerance) {
            (Some(share), _) | (None, Tolerance::Absolute(share)) => percent(share),
            (None, Tolerance::Relative(rho)) => format!("{} times as many", factor(rho)),
        }
    }
}
