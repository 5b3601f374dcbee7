//! What Prometheus answers: the JSON of its HTTP API.
//!
//! <https://prometheus.io/docs/prometheus/latest/querying/api/>

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::MOST_SERIES;
use crate::world::HttpAnswer;

/// More remarks and warnings than this are not kept.
const MOST_REMARKS: usize = 20;

/// Labels of a series.
pub(super) type Labels = BTreeMap<String, String>;

/// One sample: milliseconds since 1970, and any float, so also NaN and infinities.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) at: i64,
    pub(super) value: f64,
}

/// A series with its samples, in order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    pub(super) labels: Labels,
    pub(super) points: Vec<Point>,
}

/// What a query gives.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Data {
    Scalar(Point),
    /// Every series has exactly one sample.
    Vector(Vec<Series>),
    Matrix(Vec<Series>),
}

/// A sound answer and what Prometheus remarks about the query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer {
    pub(super) data: Data,
    pub(super) remarks: Vec<String>,
}

/// Why an answer cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unusable {
    pub(super) cause: String,
    pub(super) hint: Option<&'static str>,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    status: String,
    /// Read only once what is around it is sound, and then into what is needed of it and nothing else.
    #[serde(borrow)]
    data: Option<&'a RawValue>,
    #[serde(rename = "errorType")]
    error_type: Option<String>,
    error: Option<String>,
    #[serde(default)]
    warnings: AtMost<String, MOST_REMARKS>,
    #[serde(default)]
    infos: AtMost<String, MOST_REMARKS>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    result_type: String,
    #[serde(borrow)]
    result: &'a RawValue,
}

/// The first of a list, and whether there were more: those are read over and take no place.
struct AtMost<T, const MOST: usize> {
    all: Vec<T>,
    more: bool,
}

impl<T, const MOST: usize> Default for AtMost<T, MOST> {
    fn default() -> Self {
        Self { all: Vec::new(), more: false }
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for AtMost<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct First<T, const MOST: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for First<T, MOST> {
            type Value = AtMost<T, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut first = AtMost::default();
                while first.all.len() < MOST {
                    match list.next_element()? {
                        Some(one) => first.all.push(one),
                        None => return Ok(first),
                    }
                }
                while list.next_element::<IgnoredAny>()?.is_some() {
                    first.more = true;
                }
                Ok(first)
            }
        }
        deserializer.deserialize_seq(First(PhantomData))
    }
}

/// Seconds and the value as text, since JSON has no NaN.
#[derive(Deserialize)]
struct Pair(f64, String);

#[derive(Deserialize)]
struct WrittenSeries {
    #[serde(default)]
    metric: Labels,
    value: Option<Pair>,
    #[serde(default)]
    values: Vec<Pair>,
    histogram: Option<IgnoredAny>,
    histograms: Option<IgnoredAny>,
}

/// Reads an answer.
///
/// # Errors
/// When it is none of Prometheus, says that the query failed, or may not be complete.
pub(super) fn read(answer: &HttpAnswer) -> Result<Answer, Unusable> {
    let wrong = |cause: String, hint| Unusable { cause, hint };
    let envelope: Result<Envelope<'_>, _> = serde_json::from_slice(&answer.body);
    let envelope = match envelope {
        Ok(envelope) => envelope,
        Err(_) if matches!(answer.status, 401 | 403) => {
            let hint = Some("headers: { authorization: { secret: { env: NAME } } }");
            return Err(wrong(format!("the answer has status {}", answer.status), hint));
        }
        Err(_) if answer.body.trim_ascii_start().starts_with(b"<") => {
            let hint = Some("`url` is the address below which /api/v1 is: http://127.0.0.1:9090");
            return Err(wrong(
                format!("the answer (status {}) is a web page (HTML), not Prometheus", answer.status),
                hint,
            ));
        }
        Err(_) if answer.status != 200 => {
            let hint = Some("`url` is the address below which /api/v1 is: http://127.0.0.1:9090");
            return Err(wrong(format!("the answer has status {}", answer.status), hint));
        }
        Err(error) => return Err(wrong(format!("the answer cannot be read: {error}"), None)),
    };
    if envelope.status != "success" {
        let kind = shortened(envelope.error_type.as_deref().unwrap_or("error"));
        let error = shortened(envelope.error.as_deref().unwrap_or("no reason given"));
        let hint = (kind == "timeout").then_some("a simpler query, or a longer `timeout`");
        return Err(wrong(format!("Prometheus says {kind}: {error}"), hint));
    }
    // Before there was a list of their own, mere remarks stood among the warnings.
    let (mut remarks, warnings): (Vec<String>, Vec<String>) =
        envelope.warnings.all.into_iter().partition(|warning| warning.starts_with("PromQL info"));
    if let Some(first) = warnings.first() {
        let hint = Some("a warning means that the answer may not be complete or not be what was meant");
        return Err(wrong(format!("Prometheus warns: {}", shortened(first)), hint));
    }
    remarks.extend(envelope.infos.all);
    remarks.iter_mut().for_each(|remark| *remark = shortened(remark));
    let data = envelope.data.ok_or_else(|| wrong("the answer holds no data".to_owned(), None))?;
    Ok(Answer { data: data_of(data)?, remarks })
}

fn data_of(data: &RawValue) -> Result<Data, Unusable> {
    let written: Written<'_> = part(data)?;
    match written.result_type.as_str() {
        "scalar" => Ok(Data::Scalar(point(&part(written.result)?)?)),
        "string" => Err(Unusable { cause: "the query gives a text".to_owned(), hint: None }),
        "vector" => Ok(Data::Vector(series(part(written.result)?)?)),
        "matrix" => Ok(Data::Matrix(series(part(written.result)?)?)),
        other => {
            let cause = format!("the answer cannot be read: `{}` is no type of result", shortened(other));
            Err(Unusable { cause, hint: None })
        }
    }
}

fn part<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, Unusable> {
    serde_json::from_str(raw.get())
        .map_err(|error| Unusable { cause: format!("the answer cannot be read: {error}"), hint: None })
}

fn series(AtMost { all, more }: AtMost<WrittenSeries, MOST_SERIES>) -> Result<Vec<Series>, Unusable> {
    if more {
        let hint = Some("narrow it with label matchers");
        return Err(Unusable { cause: format!("these are more than {MOST_SERIES} series"), hint });
    }
    all.into_iter()
        .map(|written| {
            if written.histogram.is_some() || written.histograms.is_some() {
                let cause = format!("{} is a native histogram, not a number", shown(&written.metric));
                let hint = Some("value: { query: 'histogram_fraction(0, 0.3, sum(rate(NAME[1m])))' }");
                return Err(Unusable { cause, hint });
            }
            let pairs = written.value.iter().chain(&written.values);
            let points = pairs.map(point).collect::<Result<Vec<_>, _>>()?;
            if points.is_empty() || points.windows(2).any(|pair| pair[0].at >= pair[1].at) {
                let cause = format!("the samples of {} are not in order", shown(&written.metric));
                return Err(Unusable { cause, hint: None });
            }
            Ok(Series { labels: written.metric, points })
        })
        .collect()
}

fn point(Pair(seconds, value): &Pair) -> Result<Point, Unusable> {
    let unusable = |cause: String| Unusable { cause, hint: None };
    if !(0.0..1e11).contains(seconds) {
        return Err(unusable(format!("a sample is of the moment {seconds}")));
    }
    let parsed = value.parse().map_err(|_| unusable(format!("`{}` is no number", shortened(value))))?;
    Ok(Point { at: (seconds * 1_000.0).round() as i64, value: parsed })
}

/// A series as Prometheus writes it.
pub(super) fn shown(labels: &Labels) -> String {
    let name = labels.get("__name__").map_or("", String::as_str);
    let rest = labels.iter().filter(|(label, _)| *label != "__name__");
    let rest: Vec<String> = rest.map(|(label, value)| format!("{label}={value:?}")).collect();
    shortened(&format!("{name}{{{}}}", rest.join(",")))
}

pub(super) fn shortened(text: &str) -> String {
    const LONGEST: usize = 200;
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain("…".chars()).collect()
}
