//! Tree to typed value, with all problems.
//!
//! serde stops at the first error. So a value that does not fit is noted, replaced by a stand-in that fits any type, and
//! the whole is read again, until nothing new is found. Nothing that was read with a stand-in is ever returned.

use std::{cell::RefCell, collections::HashSet, marker::PhantomData};

use serde::de::{DeserializeOwned, DeserializeSeed};

use crate::problem::{Problem, Problems, Severity};

use super::{Entry, Node, Place, Value, suggest};
use error::{Error, Kind};
use reader::Reader;
use standin::StandIn;

mod error;
mod reader;
mod standin;

/// After this many problems with one value no more are looked for.
const MOST_PROBLEMS: usize = 100;

/// Reads a value; every problem with it is noted with its place. A key the type does not know is an error.
///
/// `None` exactly when an error was noted.
pub fn decode<T: DeserializeOwned>(place: &Place<'_>, problems: &mut Problems) -> Option<T> {
    let (value, failed) = decode_with(place, Severity::Error, problems);
    if failed { None } else { value }
}

/// Like [`decode`], but a value that only has unknown keys is returned beside those errors, so that more can be checked
/// about it. Whoever calls this asks [`Problems::has_errors`] in the end.
pub fn decode_most<T: DeserializeOwned>(place: &Place<'_>, problems: &mut Problems) -> Option<T> {
    decode_with(place, Severity::Error, problems).0
}

/// Like [`decode`], but a key the type does not know is a warning.
pub fn decode_lenient<T: DeserializeOwned>(place: &Place<'_>, problems: &mut Problems) -> Option<T> {
    decode_with(place, Severity::Warning, problems).0
}

fn decode_with<T: DeserializeOwned>(
    place: &Place<'_>,
    unknown: Severity,
    problems: &mut Problems,
) -> (Option<T>, bool) {
    let context = Context::default();
    let mut errors = Problems::new();
    let mut value = None;
    for _ in 0..MOST_PROBLEMS {
        match context.feed(PhantomData::<T>, place.node) {
            Ok(read) => {
                value = (!errors.has_errors()).then_some(read);
                break;
            }
            Err(error) if error.kind == Kind::Hopeless => break,
            Err(error) => {
                errors.push(error.problem(place));
                if !context.repair(&error, place.node) {
                    break;
                }
            }
        }
    }
    for stray in context.strays.into_inner() {
        errors.push(stray.problem(place, unknown));
    }
    let failed = errors.has_errors();
    problems.append(errors);
    (value, failed)
}

/// What was found so far in reading one value.
#[derive(Default)]
struct Context {
    /// Values that do not fit: a stand-in is read in their place.
    unfit: RefCell<HashSet<*const Node>>,
    /// Keys that are missing: a stand-in is added.
    missing: RefCell<Vec<(*const Node, &'static str)>>,
    /// Keys that no type knows.
    strays: RefCell<Vec<Stray>>,
    seen_strays: RefCell<HashSet<*const Node>>,
}

/// A key that the type does not know.
struct Stray {
    value: *const Node,
    known: &'static [&'static str],
}

impl Context {
    /// Reads one node, or a stand-in for it, and makes sure that an error knows where it happened.
    fn feed<'de, S: DeserializeSeed<'de>>(&self, seed: S, node: &'de Node) -> Result<S::Value, Error> {
        if self.unfit.borrow().contains(&std::ptr::from_ref(node)) {
            return seed.deserialize(StandIn::new()).map_err(Error::hopeless);
        }
        seed.deserialize(Reader { node, context: self }).map_err(|error| error.at(node))
    }

    /// Prepares the next reading; `false` when that would not find anything new.
    fn repair(&self, error: &Error, top: &Node) -> bool {
        let Some(node) = error.unfit else { return false };
        if let Kind::Missing(key) = error.kind {
            let mut missing = self.missing.borrow_mut();
            if !missing.contains(&(node, key)) {
                missing.push((node, key));
                return true;
            }
        }
        node != std::ptr::from_ref(top) && self.unfit.borrow_mut().insert(node)
    }

    /// The entries of a map that a struct with these fields knows; the others are noted.
    fn known<'de>(&self, entries: &'de [Entry], known: &'static [&'static str]) -> Vec<&'de Entry> {
        let (fit, stray): (Vec<_>, Vec<_>) = entries.iter().partition(|e| known.contains(&e.key.as_str()));
        for entry in stray {
            let value = std::ptr::from_ref(&entry.value);
            let mut strays = self.strays.borrow_mut();
            if strays.len() < MOST_PROBLEMS && self.seen_strays.borrow_mut().insert(value) {
                strays.push(Stray { value, known });
            }
        }
        fit
    }

    fn missing(&self, node: &Node) -> Vec<&'static str> {
        let node = std::ptr::from_ref(node);
        self.missing.borrow().iter().filter(|(at, _)| *at == node).map(|(_, key)| *key).collect()
    }
}

impl Stray {
    fn problem(&self, top: &Place<'_>, severity: Severity) -> Problem {
        let place = find(top, self.value).unwrap_or_else(|| top.clone());
        let key = match place.path.0.last() {
            Some(crate::problem::Step::Key(key)) => key.as_str(),
            _ => "",
        };
        let siblings: Vec<&str> = self.known.to_vec();
        Problem {
            severity,
            message: format!("unknown key `{key}`"),
            hint: suggest(key, siblings),
            span: place.key_span.or(Some(place.node.span)),
            path: place.path.clone(),
        }
    }
}

/// The place of a node below `top`.
fn find<'a>(top: &Place<'a>, node: *const Node) -> Option<Place<'a>> {
    if std::ptr::from_ref(top.node) == node {
        return Some(top.clone());
    }
    match &top.node.value {
        Value::Scalar(_) => None,
        Value::List(_) => top.items().find_map(|item| find(&item, node)),
        Value::Map(_) => top.entries().find_map(|(_, value)| find(&value, node)),
    }
}
