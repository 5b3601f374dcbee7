//! The documents as serde reads them: everything optional, so that what is missing can be told in our own words.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SloDocument {
    #[serde(rename = "apiVersion")]
    pub(crate) _api_version: Option<IgnoredAny>,
    #[serde(rename = "kind")]
    pub(crate) _kind: Option<IgnoredAny>,
    pub(crate) metadata: Metadata,
    pub(crate) spec: SloSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SliDocument {
    #[serde(rename = "apiVersion")]
    pub(crate) _api_version: Option<IgnoredAny>,
    #[serde(rename = "kind")]
    pub(crate) _kind: Option<IgnoredAny>,
    #[serde(rename = "metadata")]
    pub(crate) _metadata: Option<Metadata>,
    #[serde(rename = "spec")]
    pub(crate) _spec: SliSpec,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) name: String,
    pub(crate) display_name: Option<String>,
    #[serde(rename = "labels", default)]
    pub(crate) _labels: BTreeMap<String, Value>,
    #[serde(rename = "annotations", default)]
    pub(crate) _annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SloSpec {
    pub(crate) description: Option<String>,
    pub(crate) service: Option<String>,
    pub(crate) indicator: Option<SliDocument>,
    pub(crate) indicator_ref: Option<String>,
    pub(crate) time_window: Option<Vec<TimeWindow>>,
    pub(crate) budgeting_method: Option<String>,
    pub(crate) objectives: Vec<Objective>,
    #[serde(rename = "alertPolicies")]
    pub(crate) _alert_policies: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TimeWindow {
    pub(crate) duration: String,
    #[serde(default)]
    pub(crate) is_rolling: bool,
    pub(crate) calendar: Option<Calendar>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Calendar {
    pub(crate) start_time: String,
    pub(crate) time_zone: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Objective {
    pub(crate) display_name: Option<String>,
    pub(crate) op: Option<String>,
    pub(crate) value: Option<f64>,
    pub(crate) target: Option<f64>,
    pub(crate) target_percent: Option<f64>,
    #[serde(rename = "timeSliceTarget")]
    pub(crate) _time_slice_target: Option<f64>,
    #[serde(rename = "timeSliceWindow")]
    pub(crate) _time_slice_window: Option<IgnoredAny>,
    pub(crate) indicator: Option<IgnoredAny>,
    pub(crate) indicator_ref: Option<String>,
    #[serde(rename = "compositeWeight")]
    pub(crate) _composite_weight: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SliSpec {
    #[serde(rename = "description")]
    pub(crate) _description: Option<String>,
    #[serde(rename = "thresholdMetric")]
    pub(crate) _threshold_metric: Option<Metric>,
    #[serde(rename = "ratioMetric")]
    pub(crate) _ratio_metric: Option<Ratio>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ratio {
    #[serde(rename = "counter")]
    pub(crate) _counter: Option<bool>,
    #[serde(rename = "good")]
    pub(crate) _good: Option<Metric>,
    #[serde(rename = "bad")]
    pub(crate) _bad: Option<Metric>,
    #[serde(rename = "total")]
    pub(crate) _total: Option<Metric>,
    #[serde(rename = "raw")]
    pub(crate) _raw: Option<Metric>,
    #[serde(rename = "rawType")]
    pub(crate) _raw_type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metric {
    #[serde(rename = "metricSource")]
    pub(crate) _metric_source: MetricSource,
}

/// Its `spec` is read by itself: it depends on the type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MetricSource {
    #[serde(rename = "metricSourceRef")]
    pub(crate) _metric_source_ref: Option<String>,
    #[serde(rename = "type")]
    pub(crate) _kind: Option<String>,
    #[serde(rename = "spec")]
    pub(crate) _spec: Option<IgnoredAny>,
}
