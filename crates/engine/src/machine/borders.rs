//! Increments that reach back over intervals with a gap, and over a border with it.
//!
//! A counter that could not be read for a while tells afterwards how much it counted meanwhile. Where a fault began or
//! ended meanwhile, nobody knows how much of it belongs to which side. Then it is a gap too: to book it on one side would
//! thin out harm, or blame a fault for what was before it.

use steadfast_model::{Phase, sample::MetricSample};

/// What is told apart: the phase, and which faults are in place.
pub(super) type Part = (Phase, Vec<bool>);

/// Where the parts of a run meet.
#[derive(Debug, Clone, Default)]
pub(super) struct Borders {
    part: Option<Part>,
    /// The first interval of this part.
    began: u64,
    /// For each metric, the first interval that was not counted yet.
    uncounted: Vec<u64>,
}

impl Borders {
    /// Takes the samples of an interval, and makes gaps of those that reach back into another part.
    pub(super) fn keep(&mut self, interval: u64, part: Part, samples: &mut [MetricSample]) {
        if self.part.as_ref() != Some(&part) {
            (self.part, self.began) = (Some(part), interval);
        }
        self.uncounted.resize(samples.len(), 0);
        for (uncounted, sample) in self.uncounted.iter_mut().zip(samples) {
            if sample.increment.is_none() {
                continue;
            }
            let from = std::mem::replace(uncounted, interval + 1);
            if std::mem::take(&mut sample.spans_gap) && from < self.began {
                sample.increment = None;
                let why = "what was counted is partly of the time before a fault began or ended";
                sample.note = Some(why.to_owned());
            }
        }
    }
}
