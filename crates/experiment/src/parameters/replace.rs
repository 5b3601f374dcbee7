//! The replacing itself.

use steadfast_model::{
    Problems,
    problem::{Path, Problem, Severity, Span},
    yaml::{LONGEST_BYTES, Node, Scalar, Value, suggest},
};

use super::Values;

/// Replaces `${…}` in all values, apart from those that declare the parameters.
pub(crate) fn replace(top: &mut Node, values: &mut Values, problems: &mut Problems) {
    let mut work = Replacing { values, problems, left: LONGEST_BYTES };
    work.node(top, &Path::default());
}

struct Replacing<'a> {
    values: &'a mut Values,
    problems: &'a mut Problems,
    /// How many bytes may still be put in: a long value used often multiplies.
    left: usize,
}

enum Part<'t> {
    Text(&'t str),
    Name(&'t str),
}

impl Replacing<'_> {
    fn node(&mut self, node: &mut Node, path: &Path) {
        match &mut node.value {
            Value::Scalar(scalar) if scalar.text.contains("${") => self.scalar(scalar, node.span, path),
            Value::Scalar(_) => {}
            Value::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.node(item, &path.index(index));
                }
            }
            Value::Map(entries) => {
                for entry in entries {
                    let path = path.key(&entry.key);
                    if !declares(&path) {
                        self.node(&mut entry.value, &path);
                    }
                }
            }
        }
    }

    fn scalar(&mut self, scalar: &mut Scalar, span: Span, path: &Path) {
        let parts = match parts(&scalar.text) {
            Ok(parts) => parts,
            Err(message) => {
                let hint = "write ${name}, or $${ for a literal ${";
                self.note(message.to_owned(), Some(hint.to_owned()), span, path);
                self.values.unfilled.push(span);
                return;
            }
        };
        if let [Part::Name(name)] = parts.as_slice() {
            if let Some(value) = self.value(name, span, path) {
                let plain = value.plain && scalar.plain;
                *scalar = Scalar { plain, put_in: value.plain, text: value.text };
            }
            return;
        }
        let mut text = String::new();
        for part in parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Name(name) => match self.value(name, span, path) {
                    Some(value) => text.push_str(&value.text),
                    None => return,
                },
            }
        }
        *scalar = Scalar { text, plain: false, put_in: false };
    }

    fn value(&mut self, name: &str, span: Span, path: &Path) -> Option<Scalar> {
        let value = self.look_up(name, span, path);
        if value.is_none() {
            self.values.unfilled.push(span);
        }
        value
    }

    fn look_up(&mut self, name: &str, span: Span, path: &Path) -> Option<Scalar> {
        let Some(value) = self.values.values.get(name) else {
            if self.values.empty.contains(name) {
                self.values.used.insert(name.to_owned());
                return None;
            }
            let (message, hint) = match name.strip_prefix("env.") {
                Some(variable) => (
                    format!("the environment variable `{variable}` is not declared"),
                    Some(format!(
                        "add it to spec.environment: [{variable}]; secrets are {{ secret: {{ env: … }} }}"
                    )),
                ),
                None => (
                    format!("there is no parameter `{name}`"),
                    suggest(name, self.values.values.keys().map(String::as_str)).or_else(|| {
                        Some("declare it in spec.parameters, or write $${ for a literal ${".to_owned())
                    }),
                ),
            };
            self.note(message, hint, span, path);
            return None;
        };
        if value.text.len() > self.left {
            self.left = 0;
            self.note("parameters put in more than 1 MiB".to_owned(), None, span, path);
            return None;
        }
        self.left -= value.text.len();
        self.values.used.insert(name.to_owned());
        Some(value.clone())
    }

    fn note(&mut self, message: String, hint: Option<String>, span: Span, path: &Path) {
        if self.problems.all().len() < 100 {
            let severity = Severity::Error;
            self.problems.push(Problem { severity, path: path.clone(), message, hint, span: Some(span) });
        }
    }
}

/// Whether this is where parameters are declared.
fn declares(path: &Path) -> bool {
    let path = path.to_string();
    path == "spec.parameters" || path == "spec.environment"
}

fn parts(text: &str) -> Result<Vec<Part<'_>>, &'static str> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if at > 0 && rest.as_bytes()[at - 1] == b'$' {
            // `$${`: one of the two dollars goes.
            parts.push(Part::Text(&rest[..at - 1]));
            parts.push(Part::Text("${"));
            rest = &rest[at + 2..];
            continue;
        }
        if at > 0 {
            parts.push(Part::Text(&rest[..at]));
        }
        let end = rest[at..].find('}').ok_or("`${` without `}`")?;
        parts.push(Part::Name(&rest[at + 2..at + end]));
        rest = &rest[at + end + 1..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    Ok(parts)
}
