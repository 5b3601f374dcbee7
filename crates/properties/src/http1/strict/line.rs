//! Lines: the first and the headers.

use super::{Message, Stop, Wrong};

/// Reads a head with a first line of some kind; how many bytes it has.
pub(super) fn head(
    bytes: &[u8],
    first: fn(&[u8], &mut Message) -> Result<(), Wrong>,
) -> Result<(Message, usize), Stop> {
    let mut message = Message::default();
    let mut at = 0;
    let line = next(bytes, &mut at)?;
    first(line, &mut message)?;
    headers(bytes, &mut at, &mut message.headers)?;
    Ok((message, at))
}

/// Reads headers, or trailers, up to the empty line behind them.
pub(super) fn headers(
    bytes: &[u8],
    at: &mut usize,
    headers: &mut Vec<(String, Vec<u8>)>,
) -> Result<(), Stop> {
    loop {
        let line = next(bytes, at)?;
        match line.first() {
            None => return Ok(()),
            Some(b' ' | b'\t') => return Err(Some(Wrong::Folded)),
            Some(_) => headers.push(header(line)?),
        }
    }
}

/// The next line, without its CRLF.
pub(super) fn next<'a>(bytes: &'a [u8], at: &mut usize) -> Result<&'a [u8], Stop> {
    let rest = &bytes[*at..];
    let Some(end) = rest.iter().position(|byte| [b'\r', b'\n', 0].contains(byte)) else { return Err(None) };
    match rest.get(end..end + 2) {
        Some(b"\r\n") => {
            *at += end + 2;
            Ok(&rest[..end])
        }
        None if rest[end] == b'\r' => Err(None),
        _ => Err(Some(Wrong::LineEnd)),
    }
}

pub(super) fn request(line: &[u8], message: &mut Message) -> Result<(), Wrong> {
    let text = std::str::from_utf8(line).map_err(|_| Wrong::Start)?;
    let [method, target, version] = text.split(' ').collect::<Vec<_>>()[..] else { return Err(Wrong::Start) };
    let fine = !method.is_empty() && method.bytes().all(is_token) && is_target(target);
    message.minor = minor(version).filter(|_| fine).ok_or(Wrong::Start)?;
    (message.method, message.target) = (method.to_owned(), target.to_owned());
    Ok(())
}

pub(super) fn status(line: &[u8], message: &mut Message) -> Result<(), Wrong> {
    let (version, rest) = line.split_at_checked(8).ok_or(Wrong::Start)?;
    message.minor = std::str::from_utf8(version).ok().and_then(minor).ok_or(Wrong::Start)?;
    let [b' ', a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', b' ', reason @ ..] = rest else {
        return Err(Wrong::Start);
    };
    message.status = [a, b, c].into_iter().fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
    if reason.iter().all(|byte| is_text(*byte)) { Ok(()) } else { Err(Wrong::Start) }
}

fn header(line: &[u8]) -> Result<(String, Vec<u8>), Wrong> {
    let colon = line.iter().position(|byte| *byte == b':').ok_or(Wrong::Header)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if name.is_empty() || !name.iter().copied().all(is_token) || !value.iter().copied().all(is_text) {
        return Err(Wrong::Header);
    }
    Ok((String::from_utf8_lossy(name).into_owned(), value.trim_ascii().to_vec()))
}

fn minor(version: &str) -> Option<u8> {
    match version {
        "HTTP/1.0" => Some(0),
        "HTTP/1.1" => Some(1),
        _ => None,
    }
}

/// Also with what should have been encoded, as clients send it: no two readers disagree on where it ends.
fn is_target(target: &str) -> bool {
    !target.is_empty() && target.bytes().all(|byte| byte > b' ' && byte != b'#')
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Visible, blank, tab or beyond ASCII.
fn is_text(byte: u8) -> bool {
    byte == b'\t' || byte >= b' ' && byte != 0x7f
}
