//! Bodies and how long they are.

use super::{Message, Stop, Wrong, line};

/// What says where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Length(usize),
    Chunks,
    /// The end of the connection.
    End,
}

/// What the headers say, if they say anything.
pub(super) fn framing(message: &Message) -> Result<Option<Framing>, Wrong> {
    let (lengths, encodings) = (message.values("content-length"), message.values("transfer-encoding"));
    match (&lengths[..], encodings.last()) {
        ([], None) => Ok(None),
        ([], Some(last)) => {
            let last = last.rsplit(|byte| *byte == b',').next().unwrap_or_default();
            let chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
            if chunked && message.minor == 1 { Ok(Some(Framing::Chunks)) } else { Err(Wrong::Encoding) }
        }
        ([length], None) => {
            let digits = !length.is_empty() && length.iter().all(u8::is_ascii_digit);
            let number =
                std::str::from_utf8(length).ok().filter(|_| digits).and_then(|text| text.parse().ok());
            number.map(|number| Some(Framing::Length(number))).ok_or(Wrong::Length)
        }
        ([first, others @ ..], None) => {
            // Some readers take one of equal ones. The strictest does not.
            Err(if others.iter().all(|other| other == first) { Wrong::Length } else { Wrong::LengthsDiffer })
        }
        (_, Some(_)) => Err(if message.minor == 1 { Wrong::TwoLengths } else { Wrong::Encoding }),
    }
}

/// Reads the body; how many bytes it has with its framing.
pub(super) fn read(message: &mut Message, bytes: &[u8], framing: Framing) -> Result<usize, Stop> {
    match framing {
        Framing::End => {
            message.body = bytes.to_vec();
            Ok(bytes.len())
        }
        Framing::Length(length) => {
            message.body = bytes.get(..length).ok_or(None)?.to_vec();
            Ok(length)
        }
        Framing::Chunks => chunks(message, bytes),
    }
}

fn chunks(message: &mut Message, bytes: &[u8]) -> Result<usize, Stop> {
    let mut at = 0;
    loop {
        let size = std::str::from_utf8(line::next(bytes, &mut at)?).map_err(|_| Wrong::Chunk)?;
        let digits = !size.is_empty() && size.len() <= 8 && size.bytes().all(|byte| byte.is_ascii_hexdigit());
        let size = usize::from_str_radix(size, 16).ok().filter(|_| digits).ok_or(Wrong::Chunk)?;
        if size == 0 {
            line::headers(bytes, &mut at, &mut Vec::new())?;
            return Ok(at);
        }
        message.body.extend_from_slice(bytes.get(at..at + size).ok_or(None)?);
        at += size;
        if !line::next(bytes, &mut at)?.is_empty() {
            return Err(Some(Wrong::Chunk));
        }
    }
}
