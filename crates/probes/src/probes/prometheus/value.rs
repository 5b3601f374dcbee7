//! Whether the value of a query is within its limits: one event a look, or one a step.

use std::collections::BTreeMap;

use async_trait::async_trait;
use steadfast_model::{Duration, sample::Increment};

use super::{
    Prometheus, QueryValue,
    answer::{Data, Point, Series, shown},
    api, promql,
};
use crate::{Counted, ProbeError, Watch, world::World};

/// The most steps of a look. A look after a long gap counts only the last of them.
const MOST_STEPS: i64 = 1_000;

pub(super) struct ValueWatch {
    probe: Prometheus,
    value: QueryValue,
    /// The newest moment of each series that the query reads, by its place in the query.
    seen: Option<BTreeMap<String, i64>>,
    /// The last step that was counted, in milliseconds since 1970.
    last_step: Option<i64>,
}

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
        let values = match self.value.every {
            None => self.at_this_moment(&mut notes, world).await,
            Some(every) => self.at_every_step(self.step_at(now), every, &mut notes, world).await,
        };
        let values = values?;
        self.seen = Some(seen);
        if first {
            return Ok(Counted { increment: Increment::default(), note: joined(notes), spans_gap: false });
        }
        let bad: Vec<f64> = values.iter().copied().filter(|value| !self.value.is_good(*value)).collect();
        if let Some(one) = bad.first() {
            notes.insert(0, format!("{one} is not {}", self.value.limits()));
        }
        let increment = Increment { bad: bad.len() as u64, total: values.len() as u64 };
        Ok(Counted { increment, note: joined(notes), spans_gap: false })
    }
}

impl ValueWatch {
    pub(super) fn new(probe: Prometheus, value: QueryValue) -> Self {
        Self { probe, value, seen: None, last_step: None }
    }

    /// What time it is there, and how new what the query reads is.
    async fn newest(
        &self,
        notes: &mut Vec<String>,
        world: &dyn World,
    ) -> Result<(i64, BTreeMap<String, i64>), ProbeError> {
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
        let moment = |series: &Series| {
            let index = series.labels.get("i").cloned().unwrap_or_default();
            Some((index, (series.points.first()?.value * 1_000.0).round() as i64))
        };
        Ok((now, all.iter().filter_map(moment).collect()))
    }

    /// Everything that the query reads is new since the last look and not too old: otherwise a value of long ago would
    /// pass for one of now.
    fn is_fresh(&self, now: i64, seen: &BTreeMap<String, i64>) -> Result<(), Gap> {
        let oldest =
            now.saturating_sub(i64::try_from(self.probe.max_age.std().as_millis()).unwrap_or(i64::MAX));
        for at in seen.values() {
            if *at < oldest {
                let cause = format!("a series it reads has no sample for {} s", (now - at) / 1_000);
                return Err((
                    cause,
                    Some("is the target scraped? look at /targets; `maxAge` says how old is too old"),
                ));
            }
        }
        for (index, last) in self.seen.iter().flatten() {
            match seen.get(index) {
                None => return Err(("series that it read before are gone".to_owned(), None)),
                Some(at) if at <= last => {
                    let hint = "make windows.interval at least twice as long as the time between two scrapes";
                    return Err(("there is no new sample since the last look".to_owned(), Some(hint)));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    /// The last step up to a moment.
    fn step_at(&self, now: i64) -> i64 {
        self.value.every.map_or(now, |every| now - now.rem_euclid(milliseconds(every)))
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
    ) -> Result<Vec<f64>, ProbeError> {
        let step = milliseconds(every);
        let Some(last) = self.last_step else {
            self.last_step = Some(end);
            return Ok(Vec::new());
        };
        let mut start = last + step;
        if start > end {
            return Ok(Vec::new());
        }
        if (end - start) / step >= MOST_STEPS {
            start = end - (MOST_STEPS - 1) * step;
            notes.push(format!("only the last {MOST_STEPS} steps are counted"));
        }
        let answer = api::range(&self.probe, &self.value.query, (start, end, every.std()), world).await?;
        notes.extend(answer.remarks);
        // These steps were looked at: what they do not have, they never will.
        self.last_step = Some(end);
        let values = self.steps(answer.data, start, end, step);
        values.map_err(|(cause, hint)| api::error(&self.probe, cause, hint))
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
    i64::try_from(every.std().as_millis()).unwrap_or(i64::MAX).max(1)
}

fn nothing(selectors: &[String]) -> String {
    let shown: Vec<&str> = selectors.iter().map(String::as_str).take(5).collect();
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
