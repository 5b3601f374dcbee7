//! Changes the bodies of HTTP requests or responses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    Percent, Problems,
    proxy::{BodyChange, HttpMatch, Protocol, ProxyFault, Side},
};

use crate::{
    on_proxy::{Counts, ProxyRuled},
    settings::{check_body, check_match, check_share, everything, exchanges},
    world::NewRule,
};

/// Replaces, cuts short or corrupts the bodies of HTTP requests or responses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpBody {
    /// What happens to a body: `replace: TEXT`, `truncate: SIZE` or `corrupt: PERCENT`.
    pub change: BodyChange,
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

impl ProxyRuled for HttpBody {
    const KIND: &'static str = "httpBody";
    const NEEDS: Protocol = Protocol::Http;
    const COUNTS: Counts = Counts { things: "requests", done: "changed" };

    fn check(&self, problems: &mut Problems) {
        match &self.change {
            BodyChange::Replace(text) => check_body(&["change", "replace"], text, problems),
            BodyChange::Corrupt(share) if share.fraction() <= 0.0 => problems.error(
                &["change", "corrupt"],
                "0% corrupts nothing",
                Some("write the share of bytes to corrupt, such as 0.1%"),
            ),
            BodyChange::Corrupt(_) | BodyChange::Truncate(_) => {}
        }
        check_match(&self.matching, problems);
        check_share(self.percent, problems);
    }

    fn does(&self) -> String {
        let what = exchanges(self.side, self.percent, &self.matching);
        match &self.change {
            BodyChange::Replace(text) => format!("replace the body of {what} by {} bytes", text.len()),
            BodyChange::Truncate(size) => format!("cut the body of {what} to {size}"),
            BodyChange::Corrupt(share) => format!("flip a bit in {share} of the bytes of the body of {what}"),
        }
    }

    fn holds(&self) -> &'static [&'static str] {
        &["http-body"]
    }

    fn rule(&self) -> NewRule {
        let fault = ProxyFault::HttpBody {
            change: self.change.clone(),
            side: self.side,
            matching: (*self.matching).clone(),
        };
        NewRule { fault, percent: self.percent, seed: self.seed }
    }
}

#[cfg(test)]
mod tests;
