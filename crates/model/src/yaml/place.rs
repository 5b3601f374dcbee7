//! A node together with the way to it.

use crate::problem::{Path, Problem, Problems, Severity, Span, Step};

use super::{Entry, Node, Value};

/// A node, its path, and where its key stands.
#[derive(Debug, Clone)]
pub struct Place<'a> {
    /// The node.
    pub node: &'a Node,
    /// Its path from the top of the document.
    pub path: Path,
    /// Where its key stands, when it is a map's value.
    pub key_span: Option<Span>,
}

impl<'a> Place<'a> {
    /// The top of a document.
    #[must_use]
    pub fn top(node: &'a Node) -> Self {
        Self { node, path: Path::default(), key_span: None }
    }

    /// The value of a key, when this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Self> {
        self.node.entry(key).map(|entry| self.of(entry))
    }

    /// The place a path leads to.
    #[must_use]
    pub fn at(&self, path: &Path) -> Option<Self> {
        path.0.iter().try_fold(self.clone(), |place, step| place.step(step))
    }

    /// The keys and values of a map; nothing for anything else.
    pub fn entries(&self) -> impl Iterator<Item = (&'a Entry, Self)> + '_ {
        let entries: &'a [Entry] = match &self.node.value {
            Value::Map(entries) => entries,
            _ => &[],
        };
        entries.iter().map(|entry| (entry, self.of(entry)))
    }

    /// The values of a list; nothing for anything else.
    pub fn items(&self) -> impl Iterator<Item = Self> + '_ {
        let items: &'a [Node] = match &self.node.value {
            Value::List(items) => items,
            _ => &[],
        };
        items.iter().enumerate().map(|(index, node)| Self {
            node,
            path: self.path.index(index),
            key_span: None,
        })
    }

    /// Where to point for this place: at the value when it is on one line, else at its key.
    #[must_use]
    pub fn span(&self) -> Span {
        match (&self.node.value, self.key_span) {
            (Value::Scalar(_), _) if self.node.span.length > 0 => self.node.span,
            (_, Some(key)) => key,
            _ => self.node.span,
        }
    }

    /// An error about this place.
    #[must_use]
    pub fn problem(&self, message: impl Into<String>, hint: Option<String>) -> Problem {
        Problem {
            severity: Severity::Error,
            path: self.path.clone(),
            message: message.into(),
            hint,
            span: Some(self.span()),
        }
    }

    /// Gives every problem at or below this place without a span the span of its path, or of the part that exists.
    pub fn locate(&self, problems: &mut Problems) {
        for problem in problems.all_mut().iter_mut().filter(|problem| problem.span.is_none()) {
            let Some(steps) = problem.path.0.strip_prefix(self.path.0.as_slice()) else { continue };
            let mut place = self.clone();
            for step in steps {
                match place.step(step) {
                    Some(next) => place = next,
                    None => break,
                }
            }
            problem.span = Some(place.span());
        }
    }

    fn of(&self, entry: &'a Entry) -> Self {
        Self { node: &entry.value, path: self.path.key(&entry.key), key_span: Some(entry.key_span) }
    }

    fn step(&self, step: &Step) -> Option<Self> {
        match (step, &self.node.value) {
            (Step::Key(key), _) => self.get(key),
            (Step::Index(index), Value::List(items)) => {
                Some(Self { node: items.get(*index)?, path: self.path.index(*index), key_span: None })
            }
            _ => None,
        }
    }
}
