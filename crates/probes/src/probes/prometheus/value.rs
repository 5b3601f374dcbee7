//! Whether the value of a query is within its limits: one event a look, or one a step, and never more than there are
//! samples that no event was counted for yet.

use std::collections::BTreeMap;

use async_trait::async_trait;
use steadfast_model::{Duration, sample::Increment};

use super::{
    Prometheus, QueryValue,
    answer::{Data, Point, Series, shown},
    api,
    promql::{self, Read},
};
use crate::{Counted, ProbeError, Watch, world::World};

/// The most steps of a look. A look after a long gap counts only the last of them.
const MOST_STEPS: i64 = 1_000;

pub(super) struct ValueWatch {
    probe: Prometheus,
    value: QueryValue,
    /// What the query read when it was last fresh, by its place in the query.
    seen: Option<Seen>,
    /// The last step that was counted, in milliseconds since 1970.
    last_step: Option<i64>,
    /// When the last value was counted: one that reaches further back would tell of the same things.
    last_value: Option<i64>,
}

/// Of each selector of a query the newest moment of its series, and how many there are.
type Seen = BTreeMap<usize, (i64, u64)>;

type Gap = (String, Option<&'static str>);

#[async_trait]
impl Watch for ValueWatch {
    async fn look(&mut self, world: &dyn World) -> Result<Counted, ProbeError> {
        let mut notes = Vec::new();
        let (now, seen) = self.newest(&mut notes, world).await?;
        let first = self.seen.is_none();
        if let Err((cause, hint)) = self.is_fresh(now, &seen) {
            // Steps of that time would show what was known before it.
            self.last_step = self.last_step.map(|last| last.max(self.step_at(now)));
            return Err(api::error(&self.probe, cause, hint));
        }
        let (values, new) = match self.value.every {
            None => (self.at_this_moment(&mut notes, world).await?, self.is_due(now)),
            Some(every) => self.at_every_step(self.step_at(now), every, &mut notes, world).await?,
        };
        self.seen = Some(seen);
        if first {
            return Ok(Counted { increment: Increment::default(), note: joined(notes), spans_gap: false });
        }
        let bad: Vec<f64> = values.iter().copied().filter(|value| !self.value.is_good(*value)).collect();
        if let Some(one) = bad.first() {
            notes.insert(0, format!("{one} is not {}", self.value.limits()));
        }
        let increment = events(bad.len() as u64, values.len() as u64, new);
        if self.value.every.is_some() && increment.total < values.len() as u64 {
            let (steps, events) = (values.len(), increment.total);
            notes.push(format!("{steps} steps, but only {events} new samples: {events} events"));
        }
        Ok(Counted { increment, note: joined(notes), spans_gap: false })
    }
}

/// Events of steps, of which there are no more than new samples. Whatever was bad stays so.
fn events(bad: u64, steps: u64, new: u64) -> Increment {
    let total = steps.min(new);
    if total == steps || total == 0 {
        return Increment { bad: bad.min(total), total };
    }
    let share = (bad * total + steps / 2) / steps;
    Increment { bad: share.max(u64::from(bad > 0)), total }
}

impl ValueWatch {
    pub(super) fn new(probe: Prometheus, value: QueryValue) -> Self {
        Self { probe, value, seen: None, last_step: None, last_value: None }
    }

    /// What time it is there, and how new what the query reads is.
    async fn newest(&self, notes: &mut Vec<String>, world: &dyn World) -> Result<(i64, Seen), ProbeError> {
        let error = |cause: String| api::error(&self.probe, cause, None);
        let selectors = promql::read(&self.value.query).map_err(error)?.selectors;
        let answer = api::instant(&self.probe, &promql::newest(&selectors), world).await?;
        notes.extend(answer.remarks);
        let Data::Vector(all) = answer.data else {
            return Err(error("the moments of its samples are no numbers".to_owned()));
        };
        let Some(now) = all.first().and_then(|series| series.points.first()).map(|point| point.at) else {
            let hint = "try the query on the page of your Prometheus: is everything scraped?";
            return Err(api::error(&self.probe, nothing(&selectors), Some(hint)));
        };
        let value = |i: String| {
            let mut series = all.iter().filter(|series| series.labels.get("i") == Some(&i));
            Some(series.next()?.points.first()?.value)
        };
        let read = |(index, read): (usize, &Read)| {
            let ahead = read.offset.max(0);
            let at = ((value(index.to_string())? * 1_000.0).round() as i64).saturating_add(ahead);
            Some((index, (at, value(format!("{index}n"))? as u64)))
        };
        Ok((now, selectors.iter().enumerate().filter_map(read).collect()))
    }

    /// Everything that the query reads is new since the last look, not too old, and all there: otherwise a value of long
    /// ago would pass for one of now, and that of some series for that of all.
    fn is_fresh(&self, now: i64, seen: &Seen) -> Result<(), Gap> {
        let oldest =
            now.saturating_sub(i64::try_from(self.probe.max_age.std().as_millis()).unwrap_or(i64::MAX));
        for (at, _) in seen.values() {
            if *at < oldest {
                let cause = format!("a series it reads has no sample for {} s", (now - at) / 1_000);
                return Err((
                    cause,
                    Some("is the target scraped? look at /targets; `maxAge` says how old is too old"),
                ));
            }
        }
        for (index, (last, were)) in self.seen.iter().flatten() {
            match seen.get(index) {
                None => return Err(("series that it read before are gone".to_owned(), None)),
                Some((at, _)) if at <= last => {
                    let hint = "make windows.interval at least twice as long as the time between two scrapes";
                    return Err(("there is no new sample since the last look".to_owned(), Some(hint)));
                }
                Some((_, are)) if are < were && !self.value.series_may_vanish => {
                    let hint =
                        "is a target down? `seriesMayVanish: true` says that series come and go by design";
                    let cause = format!("{} of {were} series that it read before are gone", were - are);
                    return Err((cause, Some(hint)));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// Whether a value of this moment tells of other things than the last that was counted: one event, or none.
    fn is_due(&mut self, now: i64) -> u64 {
        let range = milliseconds(self.value.range());
        // Looks shiver.
        let due = self.last_value.is_none_or(|last| now.saturating_sub(last) >= range - range / 10);
        if due {
            self.last_value = Some(now);
        }
        u64::from(due)
    }

    /// The last step up to a moment.
    fn step_at(&self, now: i64) -> i64 {
        self.value.every.map_or(now, |every| now - now.rem_euclid(milliseconds(every).max(1)))
    }

    async fn at_this_moment(
        &self,
        notes: &mut Vec<String>,
        world: &dyn World,
    ) -> Result<Vec<f64>, ProbeError> {
        let answer = api::instant(&self.probe, &self.value.query, world).await?;
        notes.extend(answer.remarks);
        let point = match answer.data {
            Data::Scalar(point) => Ok(point),
            Data::Vector(all) | Data::Matrix(all) => {
                only(&all).map(|series| *series.points.last().expect("a series that was read has a sample"))
            }
        };
        let value = point.and_then(number).map_err(|(cause, hint)| api::error(&self.probe, cause, hint))?;
        Ok(vec![value])
    }

    async fn at_every_step(
        &mut self,
        end: i64,
        every: Duration,
        notes: &mut Vec<String>,
        world: &dyn World,
    ) -> Result<(Vec<f64>, u64), ProbeError> {
        let step = milliseconds(every).max(1);
        let Some(last) = self.last_step else {
            self.last_step = Some(end);
            return Ok((Vec::new(), 0));
        };
        let mut start = last + step;
        if start > end {
            return Ok((Vec::new(), 0));
        }
        if (end - start) / step >= MOST_STEPS {
            start = end - (MOST_STEPS - 1) * step;
            notes.push(format!("only the last {MOST_STEPS} steps are counted"));
        }
        let new = self.samples(end, end - (start - step), world).await?;
        if new == 0 {
            // Newer ones are of after the last step: these steps are counted with the next.
            return Ok((Vec::new(), 0));
        }
        let answer = api::range(&self.probe, &self.value.query, (start, end, every.std()), world).await?;
        notes.extend(answer.remarks);
        // These steps were looked at: what they do not have, they never will.
        self.last_step = Some(end);
        let values = self.steps(answer.data, start, end, step);
        let values = values.map_err(|(cause, hint)| api::error(&self.probe, cause, hint))?;
        Ok((values, new))
    }

    /// How many samples the slowest series has within so many milliseconds before a moment.
    async fn samples(&self, at: i64, range: i64, world: &dyn World) -> Result<u64, ProbeError> {
        let error = |cause: String| api::error(&self.probe, cause, None);
        let selectors = promql::read(&self.value.query).map_err(error)?.selectors;
        let answer = api::instant_at(&self.probe, &promql::samples(&selectors, range), at, world).await?;
        let Data::Vector(all) = answer.data else {
            return Err(error("the numbers of its samples are no numbers".to_owned()));
        };
        let numbers = all.iter().filter_map(|series| Some(series.points.first()?.value as u64));
        // Where a selector has none, it is not in the answer.
        Ok(if all.len() < selectors.len() { 0 } else { numbers.min().unwrap_or(0) })
    }

    fn steps(&self, data: Data, start: i64, end: i64, step: i64) -> Result<Vec<f64>, Gap> {
        let Data::Matrix(all) = data else {
            return Err(("there are no steps in the answer".to_owned(), None));
        };
        let series = only(&all)?;
        let wanted: Vec<i64> = (0..=(end - start) / step).map(|index| start + index * step).collect();
        let found: Vec<i64> = series.points.iter().map(|point| point.at).collect();
        if wanted != found {
            let (found, wanted) = (found.len(), wanted.len());
            return Err((format!("{found} of {wanted} steps have a value"), None));
        }
        series.points.iter().map(|point| number(*point)).collect()
    }
}

fn milliseconds(every: Duration) -> i64 {
    i64::try_from(every.std().as_millis()).unwrap_or(i64::MAX)
}

fn nothing(selectors: &[Read]) -> String {
    let shown: Vec<&str> = selectors.iter().map(|read| read.series.as_str()).take(5).collect();
    super::answer::shortened(&format!("nothing that it reads has a sample: {}", shown.join(", ")))
}

/// The only series of an answer.
fn only(all: &[Series]) -> Result<&Series, Gap> {
    match all {
        [one] => Ok(one),
        [] => Err(("the query gives no value".to_owned(), Some("try it on the page of your Prometheus"))),
        [first, ..] => {
            let cause = format!("the query gives {} values, such as {}", all.len(), shown(&first.labels));
            Err((cause, Some("make one of them: sum(…), max(…) or min(…)")))
        }
    }
}

fn number(point: Point) -> Result<f64, Gap> {
    if point.value.is_finite() {
        return Ok(point.value);
    }
    let hint = "a division by a rate of 0 gives NaN: without traffic there is no ratio";
    Err((format!("the value is {}", point.value), Some(hint)))
}

fn joined(notes: Vec<String>) -> Option<String> {
    (!notes.is_empty()).then(|| notes.join("; "))
}
