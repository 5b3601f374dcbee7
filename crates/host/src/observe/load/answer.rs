//! Reads an answer of HTTP/1.1 (RFC 9112) as it arrives, and keeps none of it but the status. Pure.

use steadfast_probes::load::LONGEST_ANSWER;

use chunks::Chunks;

mod chunks;
#[cfg(test)]
mod tests;

/// The longest head of an answer: 64 KiB.
const LONGEST_HEAD: usize = 64 * 1024;
/// The most headers of an answer.
const MOST_HEADERS: usize = 128;

/// An answer that is being read.
pub(super) struct Answer {
    /// Whether only the head was asked for.
    head_only: bool,
    status: u16,
    keeps: bool,
    body: Body,
    /// Bytes of the body so far.
    length: u64,
}

/// What is still to come.
enum Body {
    /// The head, too.
    Unknown,
    Exactly(u64),
    Chunked(Chunks),
    UntilClosed,
}

impl Answer {
    /// Nothing of it has been read.
    pub(super) fn new(head_only: bool) -> Self {
        Self { head_only, status: 0, keeps: false, body: Body::Unknown, length: 0 }
    }

    /// Takes in what it understands from the front, and says how much that is. What is left is to be given again, with
    /// more; once the answer is whole, it belongs to nobody.
    ///
    /// # Errors
    /// Why this is no answer, or none that is read.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<usize, String> {
        let mut taken = 0;
        while !self.is_whole() {
            let step = self.step(&bytes[taken..])?;
            if step == 0 {
                break;
            }
            taken += step;
        }
        Ok(taken)
    }

    fn step(&mut self, bytes: &[u8]) -> Result<usize, String> {
        let step = match &mut self.body {
            Body::Unknown => return self.head(bytes),
            Body::UntilClosed => bytes.len(),
            Body::Exactly(left) => {
                let step = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                *left -= step as u64;
                step
            }
            Body::Chunked(chunks) => {
                let (step, data) = chunks.take(bytes)?;
                return self.count(data).map(|()| step);
            }
        };
        self.count(step as u64).map(|()| step)
    }

    fn count(&mut self, more: u64) -> Result<(), String> {
        self.length += more;
        if self.length > LONGEST_ANSWER as u64 {
            return Err(format!("the answer is longer than {LONGEST_ANSWER} bytes"));
        }
        Ok(())
    }

    /// The head, once it is there as a whole.
    fn head(&mut self, bytes: &[u8]) -> Result<usize, String> {
        let wrong = |why: &dyn std::fmt::Display| format!("the answer is not HTTP: {why}");
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut head = httparse::Response::new(&mut headers);
        let length = match head.parse(bytes).map_err(|error| wrong(&error))? {
            httparse::Status::Complete(length) => length,
            httparse::Status::Partial if bytes.len() > LONGEST_HEAD => {
                return Err(format!("the head of the answer is longer than {LONGEST_HEAD} bytes"));
            }
            httparse::Status::Partial => return Ok(0),
        };
        let status = head.code.unwrap_or_default();
        if (100..200).contains(&status) && status != 101 {
            // What is meant as an answer is still to come.
            return Ok(length);
        }
        let mut framing = Framing { keeps: head.version == Some(1), length: None, chunked: false };
        for header in head.headers.iter() {
            framing.read(header.name, header.value).map_err(|why| wrong(&why))?;
        }
        self.status = status;
        self.keeps = framing.keeps && status != 101;
        let empty = self.head_only || status < 200 || [204, 304].contains(&status);
        self.body = match framing.length {
            _ if empty => Body::Exactly(0),
            _ if framing.chunked => Body::Chunked(Chunks::default()),
            Some(length) => Body::Exactly(length),
            None => Body::UntilClosed,
        };
        Ok(length)
    }

    /// Whether all of it has been read.
    pub(super) fn is_whole(&self) -> bool {
        match &self.body {
            Body::Exactly(left) => *left == 0,
            Body::Chunked(chunks) => chunks.is_whole(),
            Body::Unknown | Body::UntilClosed => false,
        }
    }

    /// Whether it is whole now that the connection was closed.
    pub(super) fn is_whole_when_closed(&self) -> bool {
        matches!(self.body, Body::UntilClosed) || self.is_whole()
    }

    /// Its status, once the head has been read.
    pub(super) fn status(&self) -> u16 {
        self.status
    }

    /// Whether another request may follow on the same connection.
    pub(super) fn keeps(&self) -> bool {
        self.keeps && !matches!(self.body, Body::UntilClosed)
    }
}

/// What the headers say about where the answer ends.
struct Framing {
    keeps: bool,
    length: Option<u64>,
    chunked: bool,
}

impl Framing {
    fn read(&mut self, name: &str, value: &[u8]) -> Result<(), &'static str> {
        let value = value.trim_ascii();
        if name.eq_ignore_ascii_case("content-length") {
            let digits = Some(value).filter(|value| value.iter().all(u8::is_ascii_digit));
            let length = digits.and_then(|value| std::str::from_utf8(value).ok()?.parse().ok());
            let length = length.ok_or("its content-length is no number")?;
            if self.length.is_some_and(|other| other != length) {
                return Err("it has two lengths");
            }
            self.length = Some(length);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if !value.eq_ignore_ascii_case(b"chunked") || self.chunked {
                return Err("its transfer-encoding is not chunked alone");
            }
            self.chunked = true;
        } else if name.eq_ignore_ascii_case("connection") {
            let says = |word: &[u8]| {
                value.split(|byte| *byte == b',').any(|part| part.trim_ascii().eq_ignore_ascii_case(word))
            };
            self.keeps = (self.keeps || says(b"keep-alive")) && !says(b"close");
        }
        Ok(())
    }
}
