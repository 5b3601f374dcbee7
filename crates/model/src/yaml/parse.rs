//! Text to tree.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span as Range, StrInput};

use super::{Entry, Node, Scalar, Value};
use crate::problem::{Path, Problem, Problems, Severity, Span};

/// The longest text that is read, in bytes.
pub const LONGEST_BYTES: usize = 1024 * 1024;
/// The deepest nesting of maps and lists.
pub const NESTING: usize = 64;
/// How many values anchors and aliases may copy, all together.
pub const MOST_ALIASED: usize = 10_000;
/// How many bytes of text anchors and aliases may copy, all together.
const MOST_ALIASED_BYTES: usize = LONGEST_BYTES;
/// After this many problems no more are collected.
const MOST_PROBLEMS: usize = 100;

/// Reads the bytes of a file as a text.
///
/// # Errors
/// When they are too many or not UTF-8.
pub fn text(bytes: &[u8]) -> Result<&str, Problems> {
    if bytes.len() > LONGEST_BYTES {
        return Err(one(too_long(bytes.len())));
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        one(problem("this is not UTF-8 text", Some("save it as UTF-8"), position(&before)))
    })
}

/// Reads all documents of a text.
///
/// # Errors
/// Everything that is wrong: a text that is too long, nested too deep or multiplies itself through aliases; keys given
/// twice; what is not YAML. After a mistake in the syntax nothing more can be found.
pub fn parse(source: &str) -> Result<Vec<Node>, Problems> {
    if source.len() > LONGEST_BYTES {
        return Err(one(too_long(source.len())));
    }
    if let Some((at, character)) = source.char_indices().find(|(_, c)| forbidden(*c)) {
        let message = format!("the control character U+{:04X} is not allowed", u32::from(character));
        return Err(one(problem(message, None, position(&source[..at]))));
    }
    if let Some(at) = lone_return(source) {
        let hint = Some("end lines with LF or CR LF; in a text write \"\\r\"");
        let message = "a carriage return without a line feed is not allowed";
        return Err(one(problem(message, hint, position(&source[..at]))));
    }
    let mut builder = Builder {
        parser: Parser::new_from_str(source),
        lines: source.lines().map(|line| (line, line.trim_end().chars().count())).collect(),
        anchors: HashMap::new(),
        aliased: Size::default(),
        problems: Problems::new(),
    };
    let mut documents = Vec::new();
    match builder.documents(&mut documents) {
        Ok(()) if builder.problems.is_empty() => Ok(documents),
        Ok(()) => Err(builder.problems),
        Err(last) => {
            builder.problems.push(*last);
            Err(builder.problems)
        }
    }
}

/// A problem that ends the reading. Boxed, because it is large and rare.
type Fatal = Box<Problem>;

struct Builder<'a> {
    parser: Parser<'a, StrInput<'a>>,
    /// Every line and its length in characters, counted once: lines may be long and hold many values.
    lines: Vec<(&'a str, usize)>,
    anchors: HashMap<usize, (Node, Size)>,
    aliased: Size,
    problems: Problems,
}

/// How much a node holds.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    nodes: usize,
    bytes: usize,
    height: usize,
}

impl<'a> Builder<'a> {
    fn documents(&mut self, documents: &mut Vec<Node>) -> Result<(), Fatal> {
        loop {
            match self.next()? {
                (Event::StreamEnd, _) => return Ok(()),
                (Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing, _) => {}
                (event, range) => {
                    documents.push(self.node(event, range, 0)?.0);
                    self.anchors.clear();
                }
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Range), Fatal> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(Box::new(self.syntax(&error))),
            None => Ok((Event::StreamEnd, Range::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, range: Range, depth: usize) -> Result<(Node, Size), Fatal> {
        let span = self.span(range);
        if depth > NESTING {
            let message = format!("this is nested deeper than {NESTING} levels");
            return Err(Box::new(problem(message, None, span)));
        }
        let (value, anchor, size) = match event {
            Event::Alias(anchor) => return self.alias(anchor, span, depth),
            Event::Scalar(text, style, anchor, tag) => {
                let as_text = match tag.as_deref() {
                    None => false,
                    Some(tag) if tag.is_yaml_core_schema() && tag.suffix == "str" => true,
                    Some(tag) => return Err(Box::new(tagged(tag, span))),
                };
                let size = Size { nodes: 1, bytes: text.len(), height: 0 };
                let plain = style == ScalarStyle::Plain && !as_text;
                (Value::Scalar(Scalar { text: text.into_owned(), plain, put_in: false }), anchor, size)
            }
            Event::SequenceStart(_, Some(tag)) | Event::MappingStart(_, Some(tag)) => {
                return Err(Box::new(tagged(&tag, span)));
            }
            Event::SequenceStart(anchor, None) => {
                let (items, size) = self.list(depth)?;
                (Value::List(items), anchor, size)
            }
            Event::MappingStart(anchor, None) => {
                let (entries, size) = self.map(depth)?;
                (Value::Map(entries), anchor, size)
            }
            _ => return Err(Box::new(problem("this is not valid YAML: a value is missing", None, span))),
        };
        let span = match value {
            Value::Scalar(_) => span,
            Value::List(_) | Value::Map(_) => self.first_line(span),
        };
        let node = Node { value, span };
        if anchor > 0 {
            self.charge(size, span)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok((node, size))
    }

    fn list(&mut self, depth: usize) -> Result<(Vec<Node>, Size), Fatal> {
        let mut items = Vec::new();
        let mut size = Size { nodes: 1, bytes: 0, height: 1 };
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok((items, size)),
                (event, range) => {
                    let (node, part) = self.node(event, range, depth + 1)?;
                    size.add(part);
                    items.push(node);
                }
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<(Vec<Entry>, Size), Fatal> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut lines: HashMap<String, usize> = HashMap::new();
        let mut size = Size { nodes: 1, bytes: 0, height: 1 };
        loop {
            let (event, range) = self.next()?;
            if event == Event::MappingEnd {
                return Ok((entries, size));
            }
            let (key, _) = self.node(event, range, depth + 1)?;
            let key_span = key.span;
            let Value::Scalar(Scalar { text: key, .. }) = key.value else {
                return Err(Box::new(problem("a key must be a text, not a map or a list", None, key_span)));
            };
            if key == "<<" {
                let hint = "merge keys are not part of YAML 1.2; write the keys out";
                self.note(problem("the key `<<` is not supported", Some(hint), key_span));
            }
            let (event, range) = self.next()?;
            let (value, part) = self.node(event, range, depth + 1)?;
            size.add(part);
            size.bytes += key.len();
            if let Some(line) = lines.get(&key) {
                let hint = format!("it was given first on line {line}; keep one of them");
                self.note(problem(format!("the key `{key}` is given twice"), Some(&hint), key_span));
                continue;
            }
            lines.insert(key.clone(), key_span.line);
            entries.push(Entry { key, key_span, value });
        }
    }

    fn alias(&mut self, anchor: usize, span: Span, depth: usize) -> Result<(Node, Size), Fatal> {
        let Some(size) = self.anchors.get(&anchor).map(|(_, size)| *size) else {
            return Err(Box::new(problem("this alias stands inside of what it refers to", None, span)));
        };
        if depth + size.height > NESTING {
            let message = format!("with its aliases this is nested deeper than {NESTING} levels");
            return Err(Box::new(problem(message, None, span)));
        }
        self.charge(size, span)?;
        let mut node = self.anchors[&anchor].0.clone();
        node.span = span;
        Ok((node, size))
    }

    fn charge(&mut self, size: Size, span: Span) -> Result<(), Fatal> {
        self.aliased.add(size);
        if self.aliased.nodes > MOST_ALIASED || self.aliased.bytes > MOST_ALIASED_BYTES {
            let message = format!("anchors and aliases copy more than {MOST_ALIASED} values");
            return Err(Box::new(problem(message, Some("write the values out, or use fewer aliases"), span)));
        }
        Ok(())
    }

    fn note(&mut self, problem: Problem) {
        if self.problems.all().len() < MOST_PROBLEMS {
            self.problems.push(problem);
        }
    }

    fn span(&self, range: Range) -> Span {
        let (start, end) = (range.start, range.end);
        let length = match start.line() == end.line() {
            true => end.col().saturating_sub(start.col()),
            false => 0,
        };
        let span = Span { line: start.line().max(1), column: start.col() + 1, length };
        if start.line() == end.line() { span } else { self.first_line(span) }
    }

    /// From where a span begins to the end of that line.
    fn first_line(&self, span: Span) -> Span {
        let end = self.lines.get(span.line - 1).map_or(0, |(_, length)| *length);
        Span { length: (end + 1).saturating_sub(span.column), ..span }
    }

    fn syntax(&self, error: &ScanError) -> Problem {
        let marker = error.marker();
        let span = Span { line: marker.line().max(1), column: marker.col() + 1, length: 1 };
        let line = self.lines.get(span.line - 1).map_or("", |(line, _)| line);
        let indent = line.len() - line.trim_start().len();
        if let Some(tab) = line[..indent].find('\t') {
            let span = Span { column: tab + 1, ..span };
            return problem("tabs cannot indent YAML", Some("indent with spaces"), span);
        }
        // The parser looks ahead and may meet its own limit, 255, before ours.
        if error.info().contains("recursion limit") {
            return problem(format!("this is nested deeper than {NESTING} levels"), None, span);
        }
        let hint =
            line.contains("${").then_some("inside of { } and [ ] a parameter stands in quotes: '${name}'");
        problem(format!("this is not valid YAML: {}", error.info()), hint, span)
    }
}

impl Size {
    fn add(&mut self, part: Self) {
        self.nodes += part.nodes;
        self.bytes += part.bytes;
        self.height = self.height.max(part.height + 1);
    }
}

/// What YAML does not count as printable, apart from line breaks and tabs. A NUL would end the text unnoticed.
fn forbidden(character: char) -> bool {
    matches!(character, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\x7f' | '\u{80}'..='\u{84}' | '\u{86}'..='\u{9f}')
}

/// A CR that no LF follows: to YAML it ends a line, to editors and to whoever shows a line it does not.
fn lone_return(source: &str) -> Option<usize> {
    let bytes = source.as_bytes();
    source.match_indices('\r').map(|(at, _)| at).find(|at| bytes.get(at + 1) != Some(&b'\n'))
}

fn tagged(tag: &saphyr_parser::Tag, span: Span) -> Problem {
    let hint = "leave the tag out; quote a value that shall be a text";
    problem(format!("the tag `{tag}` is not supported"), Some(hint), span)
}

fn too_long(bytes: usize) -> Problem {
    let message = format!("the document has {bytes} bytes; at most {LONGEST_BYTES} are read");
    Problem { severity: Severity::Error, path: Path::default(), message, hint: None, span: None }
}

fn problem(message: impl Into<String>, hint: Option<&str>, span: Span) -> Problem {
    Problem {
        severity: Severity::Error,
        path: Path::default(),
        message: message.into(),
        hint: hint.map(str::to_owned),
        span: Some(span),
    }
}

fn one(problem: Problem) -> Problems {
    let mut problems = Problems::new();
    problems.push(problem);
    problems
}

/// The position right after a text.
fn position(before: &str) -> Span {
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    Span { line, column, length: 1 }
}
