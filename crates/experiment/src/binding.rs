//! The Binding document: what names stand for on one machine.

use std::collections::HashSet;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::json;
use steadfast_model::{
    API_VERSION, Problems,
    binding::{Binding, BoundConnection, BoundService},
    problem::Path,
    yaml::{self, Place, decode_most, suggest},
};
use steadfast_probes::address;

use crate::{Metadata, envelope};

/// `kind` of this document.
pub const KIND: &str = "Binding";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "apiVersion")]
    _api_version: IgnoredAny,
    #[serde(rename = "kind")]
    _kind: IgnoredAny,
    #[serde(rename = "metadata")]
    _metadata: Option<Metadata>,
    spec: Binding,
}

/// Reads a binding and checks that what it names fits together.
///
/// # Errors
/// Everything that is wrong, in the order of the text.
pub fn read(source: &str) -> Result<Binding, Problems> {
    let tree = envelope::open(source, KIND)?;
    let top = Place::top(&tree);
    let mut problems = Problems::new();
    let document: Option<Document> = decode_most(&top, &mut problems);
    if let Some(document) = &document {
        check(&document.spec, &Path::default().key("spec"), &mut problems);
    }
    top.locate(&mut problems);
    problems.sort();
    match document {
        Some(document) if !problems.has_errors() => Ok(document.spec),
        _ => Err(problems),
    }
}

/// A binding as text that reads back the same.
#[must_use]
pub fn print(name: &str, binding: &Binding) -> String {
    let metadata = json!({ "name": name });
    yaml::print(&json!({ "apiVersion": API_VERSION, "kind": KIND, "metadata": metadata, "spec": binding }))
}

/// Notes everything that does not fit together, with paths below `at`.
pub fn check(binding: &Binding, at: &Path, problems: &mut Problems) {
    problems.below(at.clone(), |problems| check_entries(binding, problems));
    let mut seen = HashSet::new();
    for (index, connection) in binding.connections.iter().enumerate() {
        problems.below(at.key("connections").index(index), |problems| {
            check_connection(connection, binding, problems);
            if !seen.insert((&connection.from, &connection.to)) {
                problems.error(&[], "this connection is given twice", Some("keep one of them"));
            }
        });
    }
}

fn check_entries(binding: &Binding, problems: &mut Problems) {
    for (name, service) in &binding.services {
        check_service(name, service, problems);
    }
    for (name, proxy) in &binding.proxies {
        if !proxy.control.is_absolute() {
            let hint = Some("write the whole path, beginning with /");
            problems.error(&["proxies", name, "control"], "the path of a socket must be absolute", hint);
        }
    }
}

fn check_connection(connection: &BoundConnection, binding: &Binding, problems: &mut Problems) {
    for (key, service) in [("from", &connection.from), ("to", &connection.to)] {
        if !binding.services.contains_key(service) {
            let hint = suggest(service, binding.services.keys().map(String::as_str));
            problems.error(&[key], format!("there is no service `{service}`"), hint.as_deref());
        }
    }
    if !binding.proxies.contains_key(&connection.proxy) {
        let hint = suggest(&connection.proxy, binding.proxies.keys().map(String::as_str));
        problems.error(&["proxy"], format!("there is no proxy `{}`", connection.proxy), hint.as_deref());
    }
}

fn check_service(name: &str, service: &BoundService, problems: &mut Problems) {
    if let Some(process) = &service.process {
        let at = problems.base().key("services").key(name).key("process");
        problems.below(at, |problems| process.check(problems));
    }
    for (key, url) in [("url", &service.url), ("metrics", &service.metrics)] {
        if let Some(Err(wrong)) = url.as_deref().map(address::parse) {
            problems.error(
                &["services", name, key],
                wrong,
                Some("write something like http://127.0.0.1:7000"),
            );
        }
    }
    if *service == BoundService::default() {
        let hint = Some("give at least one of `process`, `url` and `metrics`");
        problems.error(&["services", name], "nothing is known about this service", hint);
    }
}

#[cfg(test)]
mod tests;
