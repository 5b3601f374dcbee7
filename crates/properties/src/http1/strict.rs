//! The strictest reader of HTTP/1.1 (RFC 9112): what it reads, every other reads the same way.

use std::collections::BTreeSet;

mod body;
mod line;

/// A request or an answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Message {
    /// Of a request.
    pub method: String,
    /// Of a request.
    pub target: String,
    /// Of an answer.
    pub status: u16,
    /// In their order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Without its framing.
    pub body: Vec<u8>,
    /// The digit after `HTTP/1.`.
    pub minor: u8,
}

/// What the first bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Read {
    /// A message, and how many bytes it has.
    Whole(Message, usize),
    /// The beginning of one, if it goes on well.
    Part,
    /// No message.
    Not(Wrong),
}

/// Why two readers may disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// The first line.
    Start,
    /// A line does not end with CRLF, or a CR or LF stands alone.
    LineEnd,
    /// A header goes on in the next line (obs-fold).
    Folded,
    /// A header's name or value.
    Header,
    /// Both `Content-Length` and `Transfer-Encoding`.
    TwoLengths,
    /// Several `Content-Length`.
    LengthsDiffer,
    /// A `Content-Length` that is no number.
    Length,
    /// A `Transfer-Encoding` that does not end in `chunked`, or in HTTP/1.0.
    Encoding,
    /// A chunk.
    Chunk,
}

impl Message {
    /// All names, in lower case.
    pub fn names(&self) -> impl Iterator<Item = String> + use<> {
        self.headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect::<BTreeSet<_>>().into_iter()
    }

    /// All values of a name, in their order.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<&[u8]> {
        let same = |(other, _): &&(String, Vec<u8>)| other.eq_ignore_ascii_case(name);
        self.headers.iter().filter(same).map(|(_, value)| &**value).collect()
    }
}

/// Headers about framing and about one connection: who carries a message writes his own.
#[must_use]
pub fn frames(name: &str) -> bool {
    ["content-length", "transfer-encoding", "connection", "keep-alive", "trailer", "te", "upgrade"]
        .contains(&name)
}

/// Reads a request.
#[must_use]
pub fn request(bytes: &[u8]) -> Read {
    let read = || {
        let (mut message, at) = line::head(bytes, line::request)?;
        let framing = body::framing(&message)?.unwrap_or(body::Framing::Length(0));
        let length = body::read(&mut message, &bytes[at..], framing)?;
        Ok((message, at + length))
    };
    finish(read())
}

/// Reads an answer to a request of this method.
#[must_use]
pub fn response(bytes: &[u8], method: &str) -> Read {
    let read = || {
        let (mut message, at) = line::head(bytes, line::status)?;
        let bodiless = method == "HEAD" || message.status < 200 || [204, 304].contains(&message.status);
        let framing = if bodiless {
            body::Framing::Length(0)
        } else {
            body::framing(&message)?.unwrap_or(body::Framing::End)
        };
        let length = body::read(&mut message, &bytes[at..], framing)?;
        Ok((message, at + length))
    };
    finish(read())
}

/// `None` when more bytes are needed.
type Stop = Option<Wrong>;

fn finish(read: Result<(Message, usize), Stop>) -> Read {
    match read {
        Ok((message, length)) => Read::Whole(message, length),
        Err(None) => Read::Part,
        Err(Some(wrong)) => Read::Not(wrong),
    }
}

#[cfg(test)]
mod tests;
