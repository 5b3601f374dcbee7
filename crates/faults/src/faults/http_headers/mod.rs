//! Changes the headers of HTTP requests or responses.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Percent, Problems,
    proxy::{FRAMING_HEADERS, HttpMatch, Protocol, ProxyFault, Side},
};

use crate::{
    on_proxy::{Counts, ProxyRuled},
    settings::{check_header_name, check_header_value, check_match, check_share, everything, exchanges},
    world::NewRule,
};

/// Sets and removes headers of HTTP requests or responses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpHeaders {
    /// Headers that are there afterwards, once, each name with its value.
    #[serde(default)]
    pub set: BTreeMap<String, String>,
    /// Names of headers that are not there afterwards.
    #[serde(default)]
    pub remove: Vec<String>,
    /// Of what: of the `request`, before the server sees it, or of the `response`, before the client does.
    pub side: Side,
    /// Which requests; all of them when left out.
    #[serde(default, rename = "match")]
    pub matching: Box<HttpMatch>,
    /// The share of matching requests it applies to.
    #[serde(default = "everything")]
    pub percent: Percent,
    /// Makes chance repeatable: the same seed picks the same requests.
    #[serde(default)]
    pub seed: u64,
}

impl ProxyRuled for HttpHeaders {
    const KIND: &'static str = "httpHeaders";
    const NEEDS: Protocol = Protocol::Http;
    const COUNTS: Counts = Counts { things: "requests", done: "changed" };

    fn check(&self, problems: &mut Problems) {
        self.check_headers(problems);
        check_match(&self.matching, problems);
        check_share(self.percent, problems);
    }

    /// Without the values, which may be secret.
    fn does(&self) -> String {
        let mut parts = Vec::new();
        if !self.set.is_empty() {
            let names: Vec<&str> = self.set.keys().map(String::as_str).collect();
            parts.push(format!("set {}", names.join(", ")));
        }
        if !self.remove.is_empty() {
            parts.push(format!("remove {}", self.remove.join(", ")));
        }
        format!("{} in {}", parts.join(" and "), exchanges(self.side, self.percent, &self.matching))
    }

    fn holds(&self) -> &'static [&'static str] {
        &["http-headers"]
    }

    fn rule(&self) -> NewRule {
        let fault = ProxyFault::HttpHeaders {
            set: self.set.clone(),
            remove: self.remove.clone(),
            side: self.side,
            matching: (*self.matching).clone(),
        };
        NewRule { fault, percent: self.percent, seed: self.seed }
    }
}

/// The most headers one fault changes.
const MOST: usize = 32;

impl HttpHeaders {
    fn check_headers(&self, problems: &mut Problems) {
        if self.set.is_empty() && self.remove.is_empty() {
            let hint = Some("write `set: { NAME: VALUE }`, `remove: [NAME]` or both");
            problems.error(&[], "neither `set` nor `remove` names a header", hint);
        }
        if self.set.len() + self.remove.len() > MOST {
            let message = format!("{} headers are more than {MOST}", self.set.len() + self.remove.len());
            problems.error(&["set"], message, Some("change fewer headers"));
        }
        for (name, value) in &self.set {
            check_name(&["set", name], name, problems);
            check_header_value(&["set", name], value, problems);
            if self.remove.iter().any(|removed| removed.eq_ignore_ascii_case(name)) {
                problems.error(
                    &["set", name],
                    format!("`{name}` is removed too"),
                    Some("take it out of one of them"),
                );
            }
        }
        for name in &self.remove {
            check_name(&["remove"], name, problems);
            if name.eq_ignore_ascii_case("host") && self.side == Side::Request {
                let hint = Some("set it to another value instead");
                problems.error(&["remove"], "a request without `Host` is refused by every server", hint);
            }
        }
    }
}

fn check_name(at: &[&str], name: &str, problems: &mut Problems) {
    check_header_name(at, name, problems);
    if FRAMING_HEADERS.iter().any(|framing| framing.eq_ignore_ascii_case(name)) {
        let message = format!("`{name}` says where a message ends or belongs to one connection");
        problems.error(at, message, Some("leave it to the proxy; httpBody changes bodies with their length"));
    }
}

#[cfg(test)]
mod tests;
