//! A run told from its events.

use serde::Serialize;
use steadfast_analysis::{Finding, MetricFinding};
use steadfast_model::{
    Event, Phase,
    event::{Conclusion, DatedHarm, FaultConclusion, Known, RunPlan},
    run::{RunSummary, SourceDocument},
    sample::Increment,
};

mod marks;

pub use marks::Teller;

/// Everything a report shows.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Story {
    /// What lists show.
    pub run: RunSummary,
    /// What was planned before anything was measured.
    pub plan: Option<RunPlan>,
    /// How it ended; `None` for a run whose writer died.
    pub conclusion: Option<Conclusion>,
    /// The analysis' finding, when there is one that this version can read.
    #[serde(skip)]
    pub finding: Option<Finding>,
    /// Seconds until the steady state was back; the inner `None`: not in time. The outer: not measured.
    pub recovery: Option<Option<f64>>,
    /// When harm began and ended, when the metrics showed any.
    pub harm: Option<DatedHarm>,
    /// One entry a metric, in the plan's order.
    pub series: Vec<Series>,
    /// The stretches of the run, in order.
    pub windows: Vec<Window>,
    /// What happened, in order.
    pub marks: Vec<Mark>,
    /// What it was made from.
    pub documents: Vec<SourceText>,
}

/// A document of the run, as text.
#[derive(Debug, Clone, Serialize)]
pub struct SourceText {
    /// `experiment`, `slo` or `binding`.
    pub role: String,
    /// The file it was read from.
    pub file: String,
    /// Its text.
    pub text: String,
}

/// One metric over the whole run.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Series {
    /// The metric's name.
    pub name: String,
    /// What counts and where it is read.
    pub describes: String,
    /// One entry an interval.
    pub points: Vec<Point>,
}

/// One interval of one metric.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// Seconds since the run began, at the end of the interval.
    pub at: f64,
    /// The phase it belongs to.
    pub phase: Phase,
    /// What was counted; `None` for a gap.
    pub increment: Option<Increment>,
    /// What was odd.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Point {
    /// The share of bad events; `None` for a gap and without traffic.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of one interval are far below 2^53")]
    pub fn share(&self) -> Option<f64> {
        let increment = self.increment?;
        (increment.total > 0).then(|| increment.bad as f64 / increment.total as f64)
    }
}

/// A stretch of the run in which one phase's samples were taken.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Window {
    /// The phase.
    pub phase: Phase,
    /// Seconds since the run began.
    pub from: f64,
    /// Seconds since the run began.
    pub to: f64,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    /// Seconds since the run began.
    pub at: f64,
    /// What, in words.
    pub what: String,
    /// Whether it belongs on the charts as well as in the list.
    pub on_charts: bool,
}

impl Story {
    /// Tells a run. Events this version does not know are counted, never an error.
    #[must_use]
    pub fn new(run: RunSummary, events: &[Event], documents: Vec<SourceDocument>) -> Self {
        let mut story = Self {
            run,
            plan: None,
            conclusion: None,
            finding: None,
            recovery: None,
            harm: None,
            series: Vec::new(),
            windows: Vec::new(),
            marks: Vec::new(),
            documents: documents.into_iter().map(SourceText::from).collect(),
        };
        let mut teller = Teller::default();
        for event in events {
            let at = seconds(event);
            if let Some(known) = event.body.known() {
                story.take(at, known);
            }
            story.marks.extend(teller.mark(at, &event.body));
        }
        story
    }

    /// What was found of a metric, by its place in the plan: once for every fault, with the fault's name when there are
    /// several.
    pub fn found(&self, metric: usize) -> impl Iterator<Item = (Option<&str>, &MetricFinding)> {
        let width = self.series.len().max(1);
        let found = self.finding.iter().flat_map(|finding| &finding.metrics).enumerate();
        found.filter(move |(index, _)| index % width == metric).map(move |(index, found)| {
            let fault = self.faults().get(index / width).map(|fault| fault.fault.as_str());
            (fault, found)
        })
    }

    /// What was shown about each fault, when there were several.
    #[must_use]
    pub fn faults(&self) -> &[FaultConclusion] {
        self.conclusion.as_ref().map_or(&[], |conclusion| &conclusion.faults)
    }

    /// The recorded run took this many seconds, at least one so that a chart has a width.
    #[must_use]
    pub fn length(&self) -> f64 {
        let marks = self.marks.last().map_or(0.0, |mark| mark.at);
        self.windows.last().map_or(0.0, |window| window.to).max(marks).max(1.0)
    }

    fn take(&mut self, at: f64, known: &Known) {
        match known {
            Known::RunStarted { plan, .. } => {
                self.series = plan
                    .metrics
                    .iter()
                    .map(|metric| Series {
                        name: metric.name.clone(),
                        describes: metric.describes.clone(),
                        points: Vec::new(),
                    })
                    .collect();
                self.plan = Some(plan.clone());
            }
            Known::Sampled { phase, metrics, .. } => {
                let interval = self.plan.as_ref().map_or(1.0, |plan| plan.interval.seconds());
                self.extend_window(*phase, at, interval);
                for sample in metrics {
                    if let Some(series) = self.series.iter_mut().find(|series| series.name == sample.metric) {
                        series.points.push(Point {
                            at,
                            phase: *phase,
                            increment: sample.increment,
                            note: sample.note.clone(),
                        });
                    }
                }
            }
            Known::RecoveryMeasured { seconds, harm, .. } => {
                (self.recovery, self.harm) = (Some(*seconds), harm.clone());
            }
            Known::Concluded(conclusion) => {
                self.finding = serde_json::from_value(conclusion.finding.clone()).ok();
                self.conclusion = Some((**conclusion).clone());
            }
            _ => {}
        }
    }

    fn extend_window(&mut self, phase: Phase, at: f64, interval: f64) {
        match self.windows.last_mut() {
            Some(window) if window.phase == phase => window.to = at,
            last => {
                let from = last.map_or((at - interval).max(0.0), |window| window.to);
                self.windows.push(Window { phase, from, to: at });
            }
        }
    }
}

impl From<SourceDocument> for SourceText {
    fn from(document: SourceDocument) -> Self {
        let text = String::from_utf8_lossy(&document.content).into_owned();
        Self { role: document.role, file: document.file, text }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a run is far shorter than 2^53 nanoseconds (104 days)")]
fn seconds(event: &Event) -> f64 {
    event.since_start as f64 / 1e9
}
