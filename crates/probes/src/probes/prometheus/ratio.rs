//! Compares counters from one look to the next, by their raw samples.

use async_trait::async_trait;
use steadfast_model::sample::Increment;

use super::{
    CounterRatio, Prometheus,
    answer::{Data, Series},
    api, promql,
    raw::{Counts, Newest, named, newest, twice},
};
use crate::{Counted, ProbeError, Watch, world::World};

/// How far back each look reads, at least, in milliseconds: longer than two scrapes of most.
const SHORTEST_RANGE: i64 = 120_000;

pub(super) struct RatioWatch {
    probe: Prometheus,
    ratio: Option<CounterRatio>,
    part: Counts,
    total: Counts,
    /// Up to which moment each target of the whole has been read.
    read: Option<Newest>,
    /// When each target was scraped last, whether it had series for us or not.
    scraped: Newest,
    /// Looks since the last that counted, this one included.
    uncounted: u32,
    /// Part events that are more than the whole.
    ahead: u64,
    /// The part's metric was seen with the part's labels: that it finds nothing means none happened.
    part_known: bool,
}

/// What a look got to know.
struct Known {
    now: i64,
    scraped: Newest,
    part: Vec<Series>,
    total: Vec<Series>,
    notes: Vec<String>,
}

#[async_trait]
impl Watch for RatioWatch {
    async fn look(&mut self, world: &dyn World) -> Result<Counted, ProbeError> {
        self.uncounted = self.uncounted.saturating_add(1);
        let known = self.ask(world).await?;
        let part_known = self.knows(&known, world).await?;
        self.part_known |= part_known;
        self.count(known).map_err(|(cause, hint)| api::error(&self.probe, cause, hint))
    }
}

type Gap = (String, Option<&'static str>);

impl RatioWatch {
    pub(super) fn new(probe: Prometheus, ratio: Option<CounterRatio>) -> Self {
        let (part, total) = (Counts::default(), Counts::default());
        Self {
            probe,
            ratio,
            part,
            total,
            read: None,
            scraped: Newest::new(),
            uncounted: 0,
            ahead: 0,
            part_known: false,
        }
    }

    async fn ask(&self, world: &dyn World) -> Result<Known, ProbeError> {
        let said = self.ratio.as_ref().and_then(|ratio| Some((ratio.part()?.0, &ratio.total)));
        let (part, total) =
            said.ok_or_else(|| api::error(&self.probe, "the probe says nothing to count".to_owned(), None))?;
        let now = api::now(&self.probe, world).await?;
        let mut notes = Vec::new();
        // In this order: whatever scrape is known to one, the next knows too.
        let mut up = self.samples(&promql::up(&total.to_string()), &mut notes, world).await?;
        up.iter_mut().for_each(|series| series.points.retain(|point| point.value == 1.0));
        let scraped = newest(&up);
        let total = self.samples(&total.to_string(), &mut notes, world).await?;
        let part = self.samples(&part.to_string(), &mut notes, world).await?;
        Ok(Known { now, scraped, part, total, notes })
    }

    /// Whether the part's metric was seen with the part's labels. A name or a label that is nowhere may be a wrong one: no
    /// events would then be nobody's finding.
    async fn knows(&self, known: &Known, world: &dyn World) -> Result<bool, ProbeError> {
        let Some(ratio) = &self.ratio else { return Ok(false) };
        let Some((part, good)) = ratio.part() else { return Ok(false) };
        // Without the whole there is nothing to be counted either.
        if self.part_known || !known.part.is_empty() || known.total.is_empty() {
            return Ok(self.part_known || !known.part.is_empty());
        }
        let which = if good { "good" } else { "bad" };
        let error = |why: &str, hint| {
            Err(api::error(&self.probe, format!("`{which}` cannot be counted: {why}"), Some(hint)))
        };
        let lazy = "if it appears only with the first such event, say so with `absentIsZero: true`; otherwise compare the selector with the page of your Prometheus";
        let labels: Vec<&str> = part.needed_labels().collect();
        let Some(query) = promql::named(&part.to_string(), &ratio.total.to_string(), &labels) else {
            return if ratio.absent_is_zero {
                Ok(false)
            } else {
                error("it finds nothing and names no metric", lazy)
            };
        };
        let Data::Vector(found) = api::instant(&self.probe, &query, world).await?.data else {
            return error("the numbers of its series are no numbers", lazy);
        };
        // An empty label is none at all.
        let has = |i: &str| found.iter().any(|it| it.labels.get("i").map_or("", String::as_str) == i);
        if !has("") {
            let why = format!("there is no metric `{}` where `total` is", part.name().unwrap_or_default());
            return if ratio.absent_is_zero { Ok(false) } else { error(&why, lazy) };
        }
        match labels.iter().find(|label| !has(label)) {
            Some(label) => error(
                &format!("no series of that name has a label `{label}`"),
                "a matcher for a label that is not there never finds anything",
            ),
            None => Ok(true),
        }
    }

    async fn samples(
        &self,
        selector: &str,
        notes: &mut Vec<String>,
        world: &dyn World,
    ) -> Result<Vec<Series>, ProbeError> {
        let range = self.max_age().max(SHORTEST_RANGE);
        let answer = api::instant(&self.probe, &format!("{selector}[{range}ms]"), world).await?;
        notes.extend(answer.remarks);
        let Data::Matrix(series) = answer.data else {
            return Err(api::error(&self.probe, format!("`{selector}` gave no samples"), None));
        };
        if let Some(replica) = twice(&series) {
            let cause = format!("`{selector}` finds the same series several times, by the label `{replica}`");
            let hint = "it would be counted twice: add a matcher, such as replica=\"0\"";
            return Err(api::error(&self.probe, cause, Some(hint)));
        }
        Ok(series)
    }

    fn count(&mut self, known: Known) -> Result<Counted, Gap> {
        let Known { now, scraped, part, total, mut notes } = known;
        let mut until = newest(&total);
        if total.is_empty() && self.read.as_ref().is_none_or(Newest::is_empty) {
            return self.nothing_yet(now, scraped, notes);
        }
        self.is_fresh(now, &mut until, &mut notes)?;
        // What was scraped without these series will show all that they count.
        let before = self.read.as_ref().map(|read| {
            let mut before = self.scraped.clone();
            before.extend(read.clone());
            before
        });
        let before = before.as_ref();
        // Both or none: a gap leaves everything for the next look.
        let (mut next_part, mut next_total) = (self.part.clone(), self.total.clone());
        let hint = Some("compare the selectors with the page of your Prometheus");
        let whole = next_total.advance(&total, before, &until).map_err(|cause| (cause, hint))?;
        let some = next_part.advance(&part, before, &until).map_err(|cause| (cause, hint))?;
        let first = before.is_none();
        (self.part, self.total) = (next_part, next_total);
        (self.read, self.scraped) = (Some(until), scraped);
        let gaps = std::mem::take(&mut self.uncounted).saturating_sub(1);
        if first {
            return Ok(counted(0, 0, notes));
        }
        if gaps > 0 {
            let intervals = if gaps == 1 { "interval" } else { "intervals" };
            notes.push(format!("covers {gaps} {intervals} more that could not be counted"));
        }
        if whole.resets > 0 || some.resets > 0 {
            notes.push("a counter began again: what it counted after its last scrape is lost".to_owned());
        }
        if whole.strangers > 0 {
            notes.push(
                "a target is new: what it had counted before its first scrape is not counted".to_owned(),
            );
        }
        let bad = self.bad(some.events, whole.events, &mut notes)?;
        Ok(Counted { spans_gap: gaps > 0, ..counted(bad, whole.events, notes) })
    }

    /// There are no series yet. Whether there ever will be is not known, but no event was counted: that is no traffic.
    fn nothing_yet(&mut self, now: i64, scraped: Newest, mut notes: Vec<String>) -> Result<Counted, Gap> {
        let newest = scraped.values().copied().max();
        if newest.is_none_or(|newest| newest < now.saturating_sub(self.max_age())) {
            let hint = "look at /targets, and try `total` on the page of your Prometheus";
            return Err((
                "there are no series that `total` names, and no target that is up".to_owned(),
                Some(hint),
            ));
        }
        notes.push(
            "no series that `total` names has a sample yet; it may appear with the first event".to_owned(),
        );
        (self.read, self.scraped, self.uncounted) = (Some(Newest::new()), scraped, 0);
        Ok(counted(0, 0, notes))
    }

    fn max_age(&self) -> i64 {
        i64::try_from(self.probe.max_age.std().as_millis()).unwrap_or(i64::MAX)
    }

    /// Every target that was read has been scraped since, and not too long ago. One that has been silent for longer than
    /// `maxAge` is gone, as long as there are others.
    fn is_fresh(&self, now: i64, until: &mut Newest, notes: &mut Vec<String>) -> Result<(), Gap> {
        let oldest = now.saturating_sub(self.max_age());
        let newest = until.values().copied().max().unwrap_or(i64::MIN);
        if newest < oldest {
            let cause = if newest == i64::MIN {
                "the series have no samples any more".to_owned()
            } else {
                format!("what Prometheus knows is {} s old", (now - newest) / 1_000)
            };
            return Err((
                cause,
                Some("is the target scraped? look at /targets; `maxAge` says how old is too old"),
            ));
        }
        let Some(read) = &self.read else { return Ok(()) };
        for (target, last) in read {
            let at = until.get(target).copied().unwrap_or(*last);
            if at > *last {
                continue;
            }
            if at < oldest {
                // The last moment stays known, so that it is no stranger when it comes back.
                until.insert(target.clone(), at);
                notes.push(format!("nothing new of {} for long: it is not waited for", named(target)));
                continue;
            }
            let cause = format!("{} was not scraped since the last look", named(target));
            let hint = "make windows.interval at least twice as long as the time between two scrapes";
            return Err((cause, Some(hint)));
        }
        Ok(())
    }

    fn bad(&mut self, some: u64, whole: u64, notes: &mut Vec<String>) -> Result<u64, Gap> {
        let part_is_good = self.ratio.as_ref().and_then(CounterRatio::part).is_some_and(|(_, good)| good);
        let word = if part_is_good { "good" } else { "bad" };
        // Both are of the same scrapes, where a service may count one a moment before the other.
        let some = some.saturating_add(std::mem::take(&mut self.ahead));
        let ahead = some.saturating_sub(whole);
        if ahead > 10 && ahead > whole / 20 {
            let hint = "does `total` name all the events that it names?";
            return Err((format!("`{word}` counted {some} events, `total` only {whole}"), Some(hint)));
        }
        self.ahead = ahead;
        if ahead > 0 {
            notes.push(format!("{ahead} {word} events more than all: kept for the next interval"));
        }
        let some = some.min(whole);
        Ok(if part_is_good { whole - some } else { some })
    }
}

fn counted(bad: u64, total: u64, mut notes: Vec<String>) -> Counted {
    notes.dedup();
    let note = (!notes.is_empty()).then(|| notes.join("; "));
    Counted { increment: Increment { bad, total }, note, spans_gap: false }
}
