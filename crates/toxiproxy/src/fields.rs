//! What a request's body says.

use serde_json::{Map, Value};

use crate::refusal::Refusal;

/// The longest name of a proxy or toxic, in bytes.
const LONGEST_NAME: usize = 255;

/// The fields of a JSON object. As in Toxiproxy a field that is `null` is one that is not there, names may be written in
/// capitals, and fields that mean nothing to us are ignored: clients send back whole objects that they were given.
#[derive(Debug)]
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    /// One object.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Refusal> {
        Self::of(serde_json::from_slice(body).map_err(Refusal::body)?)
    }

    /// A list of objects.
    pub(crate) fn read_list(body: &[u8]) -> Result<Vec<Self>, Refusal> {
        match serde_json::from_slice(body).map_err(Refusal::body)? {
            Value::Array(list) => list.into_iter().map(Self::of).collect(),
            _ => Err(Refusal::body("it is not a list of proxies")),
        }
    }

    fn of(value: Value) -> Result<Self, Refusal> {
        match value {
            Value::Object(fields) => Ok(Self(fields)),
            _ => Err(Refusal::body("it is not an object")),
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        let any_case =
            || self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        self.0.get(name).or_else(any_case).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        let wrong = || Refusal::body(format!("`{name}` is not a text"));
        self.get(name).map(|value| value.as_str().ok_or_else(wrong)).transpose()
    }

    /// A text that names a proxy or toxic; an empty one counts as none.
    pub(crate) fn name(&self) -> Result<Option<&str>, Refusal> {
        let name = self.text("name")?.filter(|name| !name.is_empty());
        match name {
            Some(long) if long.len() > LONGEST_NAME => {
                Err(Refusal::body(format!("`name` has more than {LONGEST_NAME} bytes")))
            }
            // Nobody could ask for it: paths cannot hold the first, and the others mean other paths.
            Some(odd) if odd.contains(char::is_control) || odd == "." || odd == ".." => {
                Err(Refusal::body("`name` cannot be part of a path"))
            }
            other => Ok(other),
        }
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, Refusal> {
        let wrong = || Refusal::body(format!("`{name}` is neither true nor false"));
        self.get(name).map(|value| value.as_bool().ok_or_else(wrong)).transpose()
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<f64>, Refusal> {
        let wrong = || Refusal::body(format!("`{name}` is not a number"));
        self.get(name).map(|value| value.as_f64().ok_or_else(wrong)).transpose()
    }

    /// The entries of an object in a field.
    pub(crate) fn entries(&self, name: &str) -> Result<Vec<(&str, &Value)>, Refusal> {
        match self.get(name) {
            None => Ok(Vec::new()),
            Some(Value::Object(entries)) => {
                Ok(entries.iter().map(|(key, value)| (key.as_str(), value)).collect())
            }
            Some(_) => Err(Refusal::body(format!("`{name}` is not an object"))),
        }
    }
}
