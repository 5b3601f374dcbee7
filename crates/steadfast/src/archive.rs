//! Runs as a file: one JSON value a line, to be kept elsewhere or taken to another machine.
//!
//! Every run ends with the digest of its lines and the file with that of all lines, so that what was cut off, changed or
//! mixed up is refused. A digest is no signature: it shows accidents, and whoever wants to deceive can write it anew.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use steadfast_api::RunRecord;
use steadfast_model::{
    Event, digest,
    event::{EventBody, Known},
    run::{RunSummary, SourceDocument},
    text::{harmless_lines, is_harmful},
};

#[cfg(test)]
mod tests;

/// The format that this version writes and reads.
const FORMAT: u32 = 1;

/// The longest file that is read, in bytes.
pub(crate) const LONGEST: u64 = 1024 * 1024 * 1024;

/// Why a file is no archive, or not one to be trusted: a whole sentence without its full stop.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub(crate) struct ArchiveError {
    /// Which line, from 1.
    pub(crate) line: usize,
    /// What is wrong with it.
    pub(crate) message: String,
}

/// One line: a map with one key.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
enum Line {
    Archive(Head),
    Run(Box<RunSummary>),
    Document(Document),
    Event(Box<Event>),
    RunEnd(RunEnd),
    ArchiveEnd(ArchiveEnd),
}

/// The first line.
#[derive(Serialize, Deserialize)]
struct Head {
    format: u32,
    program: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    role: String,
    file: String,
    content: Content,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Content {
    Text(String),
    Bytes(Vec<u8>),
}

/// Ends a run: how much belongs to it, and the SHA-256 of its lines before this one.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RunEnd {
    documents: usize,
    events: usize,
    digest: String,
}

/// Ends the file: how many runs are in it, and the SHA-256 of all lines before this one.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct ArchiveEnd {
    runs: usize,
    digest: String,
}

/// Writes runs.
///
/// # Errors
/// When a number is not finite, which JSON cannot hold.
pub(crate) fn write(records: &[RunRecord]) -> Result<String, serde_json::Error> {
    let mut out = String::new();
    let program = concat!("steadfast ", env!("CARGO_PKG_VERSION")).to_owned();
    push(&mut out, &Line::Archive(Head { format: FORMAT, program }))?;
    for record in records {
        let start = out.len();
        push(&mut out, &Line::Run(Box::new(record.summary.clone())))?;
        for document in &record.documents {
            push(&mut out, &Line::Document(document.clone().into()))?;
        }
        for event in &record.events {
            push(&mut out, &Line::Event(Box::new(event.clone())))?;
        }
        let digest = digest::of_bytes(&out.as_bytes()[start..]);
        let (documents, events) = (record.documents.len(), record.events.len());
        push(&mut out, &Line::RunEnd(RunEnd { documents, events, digest }))?;
    }
    let digest = digest::of_bytes(out.as_bytes());
    push(&mut out, &Line::ArchiveEnd(ArchiveEnd { runs: records.len(), digest }))?;
    Ok(out)
}

fn push(out: &mut String, line: &Line) -> Result<(), serde_json::Error> {
    *out += &serde_json::to_string(line)?;
    out.push('\n');
    Ok(())
}

/// Reads runs, all of them or none.
///
/// # Errors
/// When anything is not as it was written.
pub(crate) fn read(text: &str) -> Result<Vec<RunRecord>, ArchiveError> {
    let mut reader = Reader::default();
    let mut at = 0;
    for (index, raw) in text.split_inclusive('\n').enumerate() {
        reader.line = index + 1;
        reader.take(raw, at, text)?;
        at += raw.len();
    }
    match (reader.ended, reader.line) {
        (true, _) => Ok(reader.records),
        (false, 0) => Err(ArchiveError { line: 1, message: "the file is empty".to_owned() }),
        (false, _) => reader.wrong("the file ends here, in the middle: a part of it is missing"),
    }
}

/// What has been read so far.
#[derive(Default)]
struct Reader {
    line: usize,
    begun: bool,
    ended: bool,
    records: Vec<RunRecord>,
    /// The run that is being read and where its first line begins.
    open: Option<(RunRecord, usize)>,
}

impl Reader {
    fn take(&mut self, raw: &str, at: usize, text: &str) -> Result<(), ArchiveError> {
        if self.ended {
            return self.wrong("something follows the end of the archive");
        }
        if !self.begun {
            return self.head(raw);
        }
        let line: Line = match serde_json::from_str(raw) {
            // A document is what its digest says; the words of all else are shown.
            Ok(Line::Document(document)) => Line::Document(document),
            Ok(line) => match harmless(raw) {
                Some(Ok(line)) => line,
                Some(Err(error)) => return self.wrong(format!("this cannot be read: {error}")),
                None => line,
            },
            Err(error) => return self.wrong(format!("this cannot be read: {error}")),
        };
        match (line, &mut self.open) {
            (Line::Run(summary), None) => {
                let record = RunRecord { summary: *summary, events: Vec::new(), documents: Vec::new() };
                self.open = Some((record, at));
                Ok(())
            }
            (Line::Document(document), Some((record, _))) if record.events.is_empty() => {
                record.documents.push(document.into());
                Ok(())
            }
            (Line::Event(event), Some((record, _))) => {
                record.events.push(*event);
                Ok(())
            }
            (Line::RunEnd(end), Some(_)) => self.end_run(&end, at, text),
            (Line::ArchiveEnd(end), None) => {
                if end.digest != digest::of_bytes(&text.as_bytes()[..at]) {
                    return self.wrong("the digest does not agree: the file was changed or damaged");
                }
                if end.runs != self.records.len() {
                    return self.wrong(format!(
                        "{} runs are here, {} were written",
                        self.records.len(),
                        end.runs
                    ));
                }
                self.ended = true;
                Ok(())
            }
            _ => self.wrong("this line does not belong here"),
        }
    }

    fn head(&mut self, raw: &str) -> Result<(), ArchiveError> {
        match serde_json::from_str(raw) {
            Ok(Line::Archive(Head { format: FORMAT, .. })) => {
                self.begun = true;
                Ok(())
            }
            Ok(Line::Archive(Head { format, program })) => {
                let program: String = program.chars().take(60).collect();
                self.wrong(format!(
                    "this is format {format}, written by {program}; this program reads {FORMAT}"
                ))
            }
            _ => self.wrong("this is no archive of runs: `steadfast runs export` writes one"),
        }
    }

    fn end_run(&mut self, end: &RunEnd, at: usize, text: &str) -> Result<(), ArchiveError> {
        let Some((record, start)) = self.open.take() else { return Ok(()) };
        let name = &record.summary.name;
        if end.digest != digest::of_bytes(&text.as_bytes()[start..at]) {
            return self.wrong(format!("the digest of {name} does not agree: it was changed or damaged"));
        }
        if (end.documents, end.events) != (record.documents.len(), record.events.len()) {
            return self.wrong(format!("a part of {name} is missing"));
        }
        if let Err(message) = agrees(&record) {
            return self.wrong(format!("{name}: {message}"));
        }
        self.records.push(record);
        Ok(())
    }

    fn wrong<T>(&self, message: impl Into<String>) -> Result<T, ArchiveError> {
        Err(ArchiveError { line: self.line, message: message.into() })
    }
}

/// A line in whose texts nothing is left that a terminal would obey; nothing when there was nothing to change.
fn harmless(raw: &str) -> Option<serde_json::Result<Line>> {
    fn clean(value: &mut Value) -> bool {
        match value {
            Value::String(text) if text.contains(is_harmful) => {
                let clean = harmless_lines(text);
                let changed = clean != *text;
                *text = clean;
                changed
            }
            Value::Array(all) => all.iter_mut().fold(false, |changed, one| clean(one) | changed),
            Value::Object(all) => all.values_mut().fold(false, |changed, one| clean(one) | changed),
            _ => false,
        }
    }
    let mut value: Value = serde_json::from_str(raw).ok()?;
    clean(&mut value).then(|| serde_json::from_value(value))
}

/// Whether what lists show of a run is what its events say.
fn agrees(record: &RunRecord) -> Result<(), &'static str> {
    let summary = &record.summary;
    if record.events.iter().zip(0..).any(|(event, sequence)| event.sequence != sequence) {
        return Err("its events are not in order");
    }
    let known = |event: &Event| match &event.body {
        EventBody::Known(known) => Some((**known).clone()),
        EventBody::Unknown(_) => None,
    };
    match record.events.first().and_then(known) {
        Some(Known::RunStarted { run, name, experiment, document_digest, .. }) => {
            if (run, &name, &experiment, &document_digest)
                != (summary.id, &summary.name, &summary.experiment, &summary.digest)
            {
                return Err("its first event is of another run");
            }
        }
        _ => return Err("it does not begin with its start"),
    }
    let concluded = record.events.iter().rev().find_map(|event| match known(event)? {
        Known::Concluded(conclusion) => Some((event.at, conclusion)),
        _ => None,
    });
    let says = concluded.map(|(at, conclusion)| {
        (Some(at), Some(conclusion.outcome), Some(conclusion.verdict), Some(conclusion.reason.sentence))
    });
    let shows = (summary.ended_at, summary.outcome, summary.verdict, summary.reason.clone());
    if says.unwrap_or((None, None, None, None)) == shows {
        Ok(())
    } else {
        Err("the list shows another verdict than the events")
    }
}

impl From<SourceDocument> for Document {
    fn from(document: SourceDocument) -> Self {
        let content = match String::from_utf8(document.content) {
            Ok(text) => Content::Text(text),
            Err(error) => Content::Bytes(error.into_bytes()),
        };
        Self { role: document.role, file: document.file, content }
    }
}

impl From<Document> for SourceDocument {
    fn from(document: Document) -> Self {
        let content = match document.content {
            Content::Text(text) => text.into_bytes(),
            Content::Bytes(bytes) => bytes,
        };
        Self { role: document.role, file: document.file, content }
    }
}
