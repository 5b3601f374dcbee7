//! Everything that is wrong with an input, with where it is and what to try.

use std::fmt;

use serde::Serialize;

/// A step from a value to a part of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Step {
    /// Into a map.
    Key(String),
    /// Into a list.
    Index(usize),
}

/// Where in a document: `spec.method[0].inject.for`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Path(pub Vec<Step>);

impl Path {
    /// This path and one key more.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Key(key.to_owned()));
        Self(steps)
    }

    /// This path and one index more.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut steps = self.0.clone();
        steps.push(Step::Index(index));
        Self(steps)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if position == 0 => write!(f, "{key}")?,
                Step::Key(key) => write!(f, ".{key}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A place in a text. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    /// Line of the first character.
    pub line: usize,
    /// Column of the first character.
    pub column: usize,
    /// Characters on that line.
    pub length: usize,
}

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Severity {
    /// Nothing can be done with this input.
    Error,
    /// It works, but probably not as meant.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// How bad.
    pub severity: Severity,
    /// The value it is about.
    pub path: Path,
    /// What is wrong, as a sentence without its full stop.
    pub message: String,
    /// What to try.
    pub hint: Option<String>,
    /// Where it is, once known.
    pub span: Option<Span>,
}

/// Collects problems: checking finds all of them, not just the first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Problems {
    found: Vec<Problem>,
    #[serde(skip)]
    base: Path,
}

impl Problems {
    /// No problems yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes an error at a path below where the collector stands.
    pub fn error(&mut self, path: &[&str], message: impl Into<String>, hint: Option<&str>) {
        let mut at = self.base.clone();
        for key in path {
            at = at.key(key);
        }
        self.push(Problem {
            severity: Severity::Error,
            path: at,
            message: message.into(),
            hint: hint.map(str::to_owned),
            span: None,
        });
    }

    /// Notes a warning at a path below where the collector stands.
    pub fn warning(&mut self, path: &[&str], message: impl Into<String>, hint: Option<&str>) {
        self.error(path, message, hint);
        if let Some(last) = self.found.last_mut() {
            last.severity = Severity::Warning;
        }
    }

    /// Notes a problem with its full path.
    pub fn push(&mut self, problem: Problem) {
        self.found.push(problem);
    }

    /// Takes over what another collector found.
    pub fn append(&mut self, other: Self) {
        self.found.extend(other.found);
    }

    /// Runs `check` with every path below `base`.
    pub fn below<T>(&mut self, base: Path, check: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.base, base);
        let result = check(self);
        self.base = outer;
        result
    }

    /// Where the collector stands.
    #[must_use]
    pub fn base(&self) -> Path {
        self.base.clone()
    }

    /// Whether there is at least one error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Whether nothing at all was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Keeps only some of them.
    pub fn retain(&mut self, keep: impl FnMut(&Problem) -> bool) {
        self.found.retain(keep);
    }

    /// Puts them in the order of the text; what has no place comes first.
    pub fn sort(&mut self) {
        self.found.sort_by_key(|problem| problem.span.map(|span| (span.line, span.column)));
    }

    /// All of them, in the order found.
    #[must_use]
    pub fn all(&self) -> &[Problem] {
        &self.found
    }

    /// All of them, to be changed.
    pub fn all_mut(&mut self) -> &mut [Problem] {
        &mut self.found
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.found.iter().enumerate() {
            let line_break = if position == 0 { "" } else { "\n" };
            write!(f, "{line_break}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.0.is_empty() {
            write!(f, "{}", self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}
