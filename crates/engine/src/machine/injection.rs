//! Where one injection stands.

use std::mem::discriminant;

use steadfast_model::{Effect, InjectionId, event::PlannedInjection};

use super::schedule::Due;
use crate::reason::Reason;

/// Whether a fault may be in place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// Never ordered.
    Untouched,
    /// Ordered, no answer yet: it may be in place.
    Ordered,
    /// In place.
    Injected,
    /// Being taken away.
    Reverting,
    /// Taken away.
    Reverted,
    /// Could not be taken away; nothing more is tried here.
    GivenUp,
}

/// One injection of the run.
#[derive(Debug, Clone)]
pub(super) struct Injection {
    pub(super) id: InjectionId,
    pub(super) target: String,
    pub(super) reversible: bool,
    pub(super) due: Due,
    /// Length in intervals.
    pub(super) intervals: u64,
    pub(super) resolved: bool,
    pub(super) place: Place,
    /// Whether the order to inject was answered.
    pub(super) answered: bool,
    /// Length of the fault window when it was ordered and when it was in place.
    pub(super) ordered_at: u64,
    pub(super) injected_at: u64,
    /// Length of the fault window when it was ordered away.
    pub(super) removed_at: u64,
    /// Intervals of the run when it came to where it is.
    pub(super) since: u64,
    /// Whether it was in place for as long as planned.
    pub(super) complete: bool,
    /// What was seen of it last.
    pub(super) effect: Option<Effect>,
    /// Whether it was seen in effect.
    pub(super) active: bool,
    /// Intervals that were judged while it was in place, and those among them in which it was seen in effect.
    pub(super) judged: u64,
    pub(super) effective: u64,
    /// What was seen when it was not in effect any more.
    pub(super) lost: Option<String>,
    /// What was seen of it last, after it was taken away.
    pub(super) after: Option<Effect>,
    /// Whether it is seen to be gone; nothing before that is known.
    pub(super) gone: Option<bool>,
    /// Failed attempts to take it away.
    pub(super) failures: u32,
}

impl Injection {
    pub(super) fn new(planned: &PlannedInjection, due: Due, intervals: u64) -> Self {
        Self {
            id: planned.injection,
            target: planned.target.to_string(),
            reversible: planned.reversible,
            due,
            intervals,
            resolved: false,
            place: Place::Untouched,
            answered: false,
            ordered_at: 0,
            injected_at: 0,
            removed_at: 0,
            since: 0,
            complete: false,
            effect: None,
            active: false,
            judged: 0,
            effective: 0,
            lost: None,
            after: None,
            gone: None,
            failures: 0,
        }
    }

    /// Whether it may be in place now.
    pub(super) fn may_be_in_place(&self) -> bool {
        matches!(self.place, Place::Ordered | Place::Injected | Place::Reverting)
    }

    /// Whether it is over: nothing is in place, and it was looked whether that is so.
    pub(super) fn settled(&self) -> bool {
        match self.place {
            Place::Reverted => self.gone.is_some(),
            Place::GivenUp => true,
            Place::Untouched | Place::Ordered | Place::Injected | Place::Reverting => false,
        }
    }

    /// Takes note of what was seen while it should be in place. True when that is news.
    pub(super) fn see(&mut self, effect: &Effect) -> bool {
        let news = self.effect.as_ref().is_none_or(|before| discriminant(before) != discriminant(effect));
        match effect {
            Effect::Active { .. } => self.active = true,
            Effect::Absent { evidence } if self.active && self.lost.is_none() => {
                self.lost = Some(evidence.clone());
            }
            _ => {}
        }
        self.effect = Some(effect.clone());
        news
    }

    /// Takes note of an interval that is judged.
    pub(super) fn judge(&mut self) {
        if self.place == Place::Injected {
            self.judged += 1;
            // What was killed stays killed.
            let seen = matches!(self.effect, Some(Effect::Active { .. })) || !self.reversible && self.active;
            self.effective += u64::from(seen);
        }
    }

    /// Whether it was in effect for most of the intervals that are to tell about it. Looks lag by up to an interval.
    pub(super) fn mostly_effective(&self) -> bool {
        self.effective * 2 + 1 >= self.judged
    }

    /// Why it did not put the hypothesis to the test.
    pub(super) fn untested(&self) -> Option<Reason> {
        let target = self.target.clone();
        let show = |effect: &Option<Effect>| effect.as_ref().map(ToString::to_string);
        if !self.active {
            return Some(Reason::NoEffect { target, saw: show(&self.effect) });
        }
        if let Some(saw) = self.lost.clone() {
            return Some(Reason::EffectLost { target, saw });
        }
        if !self.mostly_effective() {
            let (intervals, of) = (self.effective, self.judged);
            return Some(Reason::EffectSeldom { target, intervals, of, saw: show(&self.effect) });
        }
        (self.gone != Some(true)).then(|| Reason::StillThere { target, saw: show(&self.after) })
    }

    /// Takes note of what was seen after it was taken away. True when that is news.
    pub(super) fn see_after(&mut self, effect: &Effect) -> bool {
        let news = self.after.as_ref().is_none_or(|before| discriminant(before) != discriminant(effect));
        if matches!(effect, Effect::Absent { .. }) {
            self.gone = Some(true);
        }
        self.after = Some(effect.clone());
        news
    }
}
