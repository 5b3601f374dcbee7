//! Text to SLOs.

use std::collections::BTreeMap;

use steadfast_model::{
    Problems,
    yaml::{self, Node, Place, Value, decode_lenient, suggest},
};

use crate::{
    API_VERSION, Indicator, IndicatorRef, Objective, Sli, Slo, Source,
    document::Location,
    shape,
    window::{self, warn},
};

/// The SLOs and SLIs of one or more files.
#[derive(Debug, Clone, Default)]
pub struct SloFile {
    /// The SLOs, in the order written.
    pub slos: Vec<Slo>,
    /// The SLIs that stand by themselves, by name.
    pub indicators: BTreeMap<String, Indicator>,
    /// What is odd.
    pub warnings: Problems,
}

impl SloFile {
    /// The SLO of this name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Slo> {
        self.slos.iter().find(|slo| slo.name == name)
    }

    /// A hint for a name that is not there.
    #[must_use]
    pub fn suggest(&self, name: &str) -> Option<String> {
        suggest(name, self.slos.iter().map(|slo| slo.name.as_str()))
    }

    /// Adds what another file holds. Names that are there already are kept as they are; the SLOs' are returned.
    pub fn merge(&mut self, other: Self) -> Vec<String> {
        let mut twice = Vec::new();
        for slo in other.slos {
            match self.find(&slo.name) {
                Some(_) => twice.push(slo.name),
                None => self.slos.push(slo),
            }
        }
        for (name, indicator) in other.indicators {
            self.indicators.entry(name).or_insert(indicator);
        }
        self.warnings.append(other.warnings);
        self.resolve();
        twice
    }

    /// Puts SLIs in the place of their names, where they are known by now.
    fn resolve(&mut self) {
        for slo in &mut self.slos {
            if let IndicatorRef::Named(name, _) = &slo.indicator
                && let Some(indicator) = self.indicators.get(name)
            {
                slo.indicator = IndicatorRef::Known(Box::new(indicator.clone()));
            }
        }
    }
}

/// Reads all SLOs and SLIs of a text; other kinds of OpenSLO documents are passed over.
///
/// # Errors
/// Everything that would make an SLO mean something else than it says, in the order of the text.
pub fn read_slos(source: &str) -> Result<SloFile, Problems> {
    let documents = yaml::parse(source)?;
    let mut file = SloFile::default();
    let mut problems = Problems::new();
    for node in &documents {
        let top = Place::top(node);
        let mut found = Problems::new();
        document(&top, &mut file, &mut found);
        top.locate(&mut found);
        problems.append(found);
    }
    file.resolve();
    problems.sort();
    if problems.has_errors() {
        return Err(problems);
    }
    file.warnings = problems;
    Ok(file)
}

/// Reads an SLO that stands in another document, such as an experiment. A key `tolerance` beside it is passed over.
pub fn read_inline(place: &Place<'_>, problems: &mut Problems) -> Option<Slo> {
    let value = match &place.node.value {
        Value::Map(entries) => {
            Value::Map(entries.iter().filter(|entry| entry.key != "tolerance").cloned().collect())
        }
        other => other.clone(),
    };
    let node = Node { value, span: place.node.span };
    let place = Place { node: &node, ..place.clone() };
    let mut found = Problems::new();
    let slo = slo(&place, &mut found);
    place.locate(&mut found);
    let failed = found.has_errors();
    problems.append(found);
    slo.filter(|_| !failed)
}

fn document(top: &Place<'_>, file: &mut SloFile, problems: &mut Problems) {
    let text = |key| top.get(key).and_then(|place| place.node.as_text().map(str::to_owned));
    let (version, kind) = (text("apiVersion").unwrap_or_default(), text("kind").unwrap_or_default());
    let version_place = top.get("apiVersion").unwrap_or_else(|| top.clone());
    if version != API_VERSION {
        let hint = match version.starts_with("openslo") {
            true => format!("only {API_VERSION} is read"),
            false => format!("this file holds documents of {API_VERSION}"),
        };
        problems.push(version_place.problem(format!("unknown apiVersion `{version}`"), Some(hint)));
        return;
    }
    match kind.as_str() {
        "SLO" => {
            let Some(slo) = slo(top, problems) else { return };
            if file.find(&slo.name).is_some() {
                let message = format!("there are two SLOs called `{}`", slo.name);
                problems
                    .push(slo.location.problem(message, Some("give one of them another name".to_owned())));
            }
            file.slos.push(slo);
        }
        "SLI" => {
            if let Some(indicator) = sli(top, problems)
                && let Some(name) = indicator.name.clone()
            {
                file.indicators.insert(name, indicator);
            }
        }
        "Service" | "DataSource" | "AlertPolicy" | "AlertCondition" | "AlertNotificationTarget" => {}
        _ => {
            let place = top.get("kind").unwrap_or_else(|| top.clone());
            let hint = suggest(&kind, ["SLO", "SLI"]);
            warn(&place, &format!("a document of kind `{kind}` is passed over"), hint.as_deref(), problems);
        }
    }
}

fn slo(top: &Place<'_>, problems: &mut Problems) -> Option<Slo> {
    let read: shape::SloDocument = decode_lenient(top, problems)?;
    let spec = top.get("spec")?;
    let metadata = top.get("metadata")?;
    let name = metadata.get("name").unwrap_or_else(|| metadata.clone());
    check_name(&read.metadata.name, &name, problems);
    let location = Location { path: name.path.clone(), span: name.span() };
    let own = read.spec.objectives.iter().any(|o| o.indicator.is_some() || o.indicator_ref.is_some());
    let indicator = indicator(&read.spec, &spec, own, problems);
    let objectives = objectives(&read.spec.objectives, &spec, problems);
    if spec.get("objectives").is_some_and(|list| list.items().next().is_none()) {
        problems.push(spec.problem("an SLO without objectives promises nothing", None));
    }
    let budgeting_method = window::method(read.spec.budgeting_method.as_deref(), &spec, problems);
    Some(Slo {
        name: read.metadata.name,
        display_name: read.metadata.display_name,
        description: read.spec.description,
        service: read.spec.service,
        indicator: indicator?,
        objectives: objectives?,
        time_window: window::time_window(read.spec.time_window, &spec, problems),
        budgeting_method,
        location,
    })
}

fn check_name(name: &str, place: &Place<'_>, problems: &mut Problems) {
    let label = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    if name.is_empty() {
        problems.push(place.problem("a name cannot be empty", None));
    } else if name.len() > 63 || !name.bytes().all(label) || name.starts_with('-') || name.ends_with('-') {
        let hint = "experiments refer to names of lower-case letters, digits and `-`, at most 63";
        warn(place, "this is no name by OpenSLO's rules", Some(hint), problems);
    }
}

fn indicator(
    read: &shape::SloSpec,
    spec: &Place<'_>,
    own: bool,
    problems: &mut Problems,
) -> Option<IndicatorRef> {
    match (&read.indicator, &read.indicator_ref) {
        (Some(_), Some(_)) => {
            let place = spec.get("indicatorRef").unwrap_or_else(|| spec.clone());
            problems.push(
                place.problem("both `indicator` and `indicatorRef` are given", Some("keep one".to_owned())),
            );
            None
        }
        (Some(_), None) => {
            let place = spec.get("indicator")?;
            indicator_at(&place, problems).map(|indicator| IndicatorRef::Known(Box::new(indicator)))
        }
        (None, Some(name)) => {
            let place = spec.get("indicatorRef")?;
            let location = Location { path: place.path.clone(), span: place.span() };
            Some(IndicatorRef::Named(name.clone(), location))
        }
        (None, None) if own => Some(IndicatorRef::Composite),
        (None, None) => {
            let hint = "write `indicator` with a ratioMetric or a thresholdMetric, or `indicatorRef`";
            problems
                .push(spec.problem("an SLO without an indicator measures nothing", Some(hint.to_owned())));
            None
        }
    }
}

/// A document of kind SLI.
fn sli(top: &Place<'_>, problems: &mut Problems) -> Option<Indicator> {
    let _: shape::SliDocument = decode_lenient(top, problems)?;
    indicator_at(top, problems)
}

/// An indicator whose shape was read already.
fn indicator_at(place: &Place<'_>, problems: &mut Problems) -> Option<Indicator> {
    let name = place.get("metadata").and_then(|metadata| metadata.get("name"));
    let spec = place.get("spec")?;
    let source = |metric: &Place<'_>, key: &str, problems: &mut Problems| {
        let source = metric.get(key)?.get("metricSource")?;
        Source::read(&source, problems)
    };
    let sli = match (spec.get("ratioMetric"), spec.get("thresholdMetric")) {
        (Some(ratio), None) => {
            let has = |key| ratio.get(key).is_some();
            match (has("good"), has("bad"), has("total"), has("raw")) {
                (true, false, true, false) => {
                    let (good, total) = (source(&ratio, "good", problems), source(&ratio, "total", problems));
                    Sli::GoodOfTotal { good: good?, total: total? }
                }
                (false, true, true, false) => {
                    let (bad, total) = (source(&ratio, "bad", problems), source(&ratio, "total", problems));
                    Sli::BadOfTotal { bad: bad?, total: total? }
                }
                (false, false, false, true) => Sli::Raw,
                _ => {
                    let hint = "write `total` and either `good` or `bad`";
                    problems.push(
                        ratio.problem("a ratio needs what is counted and of what", Some(hint.to_owned())),
                    );
                    return None;
                }
            }
        }
        (None, Some(_)) => Sli::Threshold { source: source(&spec, "thresholdMetric", problems)? },
        _ => {
            let hint = "write either `ratioMetric` or `thresholdMetric`";
            problems.push(spec.problem("an indicator has exactly one metric", Some(hint.to_owned())));
            return None;
        }
    };
    let name = name.and_then(|place| place.node.as_text().map(str::to_owned));
    Some(Indicator { name, sli, location: Location { path: spec.path.clone(), span: spec.span() } })
}

fn objectives(
    read: &[shape::Objective],
    spec: &Place<'_>,
    problems: &mut Problems,
) -> Option<Vec<Objective>> {
    let list = spec.get("objectives")?;
    let read: Vec<Option<Objective>> =
        read.iter().zip(list.items()).map(|(read, place)| objective(read, &place, problems)).collect();
    read.into_iter().collect()
}

fn objective(read: &shape::Objective, place: &Place<'_>, problems: &mut Problems) -> Option<Objective> {
    let (key, target) = match (read.target, read.target_percent) {
        (Some(target), None) => ("target", target),
        (None, Some(percent)) => ("targetPercent", percent / 100.0),
        (both, _) => {
            let message = match both {
                Some(_) => "both `target` and `targetPercent` are given",
                None => "neither `target` nor `targetPercent` is given",
            };
            problems
                .push(place.problem(message, Some("write target: 0.999 or targetPercent: 99.9".to_owned())));
            return None;
        }
    };
    let at = |key| place.get(key).unwrap_or_else(|| place.clone());
    if !(0.0..1.0).contains(&target) {
        let hint = match key {
            "target" if target > 1.0 => {
                format!("a target is a share: write {}, or targetPercent", target / 100.0)
            }
            _ => "a target is at least 0 and below 1: nothing never fails".to_owned(),
        };
        problems.push(at(key).problem("this cannot be promised", Some(hint)));
        return None;
    }
    if let Some(op) = &read.op
        && !["lt", "lte", "gt", "gte"].contains(&op.as_str())
    {
        problems
            .push(at("op").problem(format!("unknown op `{op}`"), suggest(op, ["lt", "lte", "gt", "gte"])));
        return None;
    }
    Some(Objective {
        display_name: read.display_name.clone(),
        op: read.op.clone(),
        value: read.value,
        target,
        location: Location { path: place.path.clone(), span: place.span() },
    })
}
