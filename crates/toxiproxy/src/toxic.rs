//! The toxics: what they are called, what they take, and which rule of a proxy does the same.

use std::time::Duration as StdDuration;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::Value;
use steadfast_model::{
    ByteRate, ByteSize, Duration, Percent,
    proxy::{ProxyFault, Stream},
};
use steadfast_proxy::KeptRule;

use crate::{fields::Fields, refusal::Refusal};

mod kind;

pub(crate) use kind::{Attribute, Kind};

/// One toxic of a proxy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Toxic {
    attributes: Attributes,
    pub(crate) name: String,
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(serialize_with = "lower")]
    stream: Stream,
    toxicity: f32,
}

/// The attributes of a kind, each with its value.
#[derive(Debug, Clone, PartialEq)]
struct Attributes(Vec<(&'static Attribute, u64)>);

impl Toxic {
    /// A new one, from the body of a request.
    pub(crate) fn read(fields: &Fields) -> Result<Self, Refusal> {
        let stream = match fields.text("stream")?.unwrap_or("downstream") {
            text if text.eq_ignore_ascii_case("downstream") => Stream::Downstream,
            text if text.eq_ignore_ascii_case("upstream") => Stream::Upstream,
            _ => {
                let error = "stream was invalid, can be either upstream or downstream";
                return Err(Refusal::new(axum::http::StatusCode::BAD_REQUEST, error));
            }
        };
        let kind = fields
            .text("type")?
            .and_then(Kind::called)
            .ok_or_else(|| Refusal::new(axum::http::StatusCode::BAD_REQUEST, "invalid toxic type"))?;
        let name = fields.name()?.map_or_else(|| format!("{}_{}", kind.name(), word(stream)), str::to_owned);
        let attributes = Attributes(kind.attributes().iter().map(|attribute| (attribute, 0)).collect());
        let mut toxic = Self { attributes, name, kind, stream, toxicity: 1.0 };
        toxic.merge(fields)?;
        Ok(toxic)
    }

    /// The same with what the body of a request changes: attributes it names, and its toxicity.
    pub(crate) fn changed(&self, fields: &Fields) -> Result<Self, Refusal> {
        let mut toxic = self.clone();
        toxic.merge(fields)?;
        Ok(toxic)
    }

    fn merge(&mut self, fields: &Fields) -> Result<(), Refusal> {
        if let Some(toxicity) = fields.number("toxicity")? {
            if !(0.0..=1.0).contains(&toxicity) {
                return Err(Refusal::body(format!("`toxicity: {toxicity}` is not from 0 to 1")));
            }
            #[expect(
                clippy::cast_possible_truncation,
                reason = "from 0 to 1, and Toxiproxy keeps no more digits"
            )]
            let narrow = toxicity as f32;
            self.toxicity = narrow.abs();
        }
        for (name, value) in fields.entries("attributes")? {
            self.attributes.set(self.kind, name, value)?;
        }
        self.check()
    }

    /// Whether the values make sense together.
    fn check(&self) -> Result<(), Refusal> {
        let value = |name| self.attributes.get(name);
        match self.kind {
            Kind::Latency if value("latency") + value("jitter") > kind::HOUR => {
                Err(Refusal::body("`latency` with `jitter` can be longer than an hour"))
            }
            Kind::Slicer if value("average_size") == 0 => {
                Err(Refusal::body("`average_size: 0` leaves no piece: give a size in bytes"))
            }
            Kind::Slicer if value("size_variation") > value("average_size") => {
                Err(Refusal::body("`size_variation` is more than `average_size`"))
            }
            _ => Ok(()),
        }
    }

    /// The rule that does the same; `None` when it does nothing and never will.
    pub(crate) fn rule(&self, seed: u64) -> Option<KeptRule> {
        let percent = Percent::new(f64::from(self.toxicity) * 100.0).unwrap_or(Percent::ALL);
        Some(KeptRule { fault: self.fault()?, percent, seed })
    }

    fn fault(&self) -> Option<ProxyFault> {
        let value = |name| self.attributes.get(name);
        let millis = |name| Duration::from_millis(value(name));
        let size = |name| ByteSize::new(value(name)).unwrap_or_default();
        let stream = self.stream;
        Some(match self.kind {
            Kind::Latency => {
                ProxyFault::TcpDelay { latency: millis("latency"), jitter: millis("jitter"), stream }
            }
            // A kilobyte has 1000 bytes. A rate of zero is none at all.
            Kind::Bandwidth => match ByteRate::bits_per_second(value("rate") * 8_000) {
                Some(rate) => ProxyFault::TcpBandwidth { rate, stream },
                None => ProxyFault::TcpHold { stream },
            },
            Kind::SlowClose => ProxyFault::TcpSlowClose { delay: millis("delay"), stream },
            Kind::Timeout => ProxyFault::TcpTimeout { after: millis("timeout"), stream },
            Kind::ResetPeer => ProxyFault::TcpCut { after: millis("timeout"), stream },
            Kind::Slicer => ProxyFault::TcpSlice {
                size: size("average_size"),
                variation: size("size_variation"),
                pause: StdDuration::from_micros(value("delay")).into(),
                stream,
            },
            Kind::LimitData => ProxyFault::TcpLimitData { limit: size("bytes"), stream },
            Kind::Noop => return None,
        })
    }
}

impl Attributes {
    fn get(&self, name: &str) -> u64 {
        self.0.iter().find(|(attribute, _)| attribute.name == name).map_or(0, |(_, value)| *value)
    }

    fn set(&mut self, kind: Kind, name: &str, value: &Value) -> Result<(), Refusal> {
        let found = self.0.iter_mut().find(|(attribute, _)| attribute.name.eq_ignore_ascii_case(name));
        let Some((attribute, old)) = found else {
            return Err(Refusal::body(format!("a `{}` toxic has no attribute `{name}`", kind.name())));
        };
        if value.is_null() {
            return Ok(());
        }
        let Attribute { name, most, unit } = attribute;
        let new = value.as_u64().filter(|value| value <= most).ok_or_else(|| {
            Refusal::body(format!("`{name}: {value}` is not a whole number of {unit} from 0 to {most}"))
        })?;
        *old = new;
        Ok(())
    }
}

impl Serialize for Attributes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (attribute, value) in &self.0 {
            map.serialize_entry(attribute.name, value)?;
        }
        map.end()
    }
}

fn word(stream: Stream) -> &'static str {
    if stream == Stream::Upstream { "upstream" } else { "downstream" }
}

fn lower<S: Serializer>(stream: &Stream, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(word(*stream))
}

#[cfg(test)]
mod tests;
