//! Lines of bounded length.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt};

/// The longest line either side takes, in bytes: room for the largest body of an answer with every byte escaped.
pub const LONGEST_LINE: usize = 512 * 1024;

/// What was read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line, without its end.
    Whole,
    /// The line was longer than allowed and has been skipped.
    TooLong,
    /// There is no more.
    End,
}

/// Reads the next line into `line`, replacing what is there. A last line without its end counts as none.
pub(super) async fn read_line<R: AsyncBufRead + Unpin>(
    reader: &mut R,
    line: &mut Vec<u8>,
) -> io::Result<Line> {
    line.clear();
    let mut too_long = false;
    loop {
        let bytes = reader.fill_buf().await?;
        if bytes.is_empty() {
            return Ok(Line::End);
        }
        let end = bytes.iter().position(|&byte| byte == b'\n');
        let part = &bytes[..end.unwrap_or(bytes.len())];
        too_long |= line.len() + part.len() > LONGEST_LINE;
        if !too_long {
            line.extend_from_slice(part);
        }
        let taken = end.map_or(bytes.len(), |end| end + 1);
        reader.consume(taken);
        if end.is_some() {
            return Ok(if too_long { Line::TooLong } else { Line::Whole });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_line_that_is_too_long_is_skipped_whole() {
        let mut input = b"first\n".to_vec();
        input.extend(std::iter::repeat_n(b'x', LONGEST_LINE + 1));
        input.extend(b"\n\nlast\nwithout end");
        let mut reader = tokio::io::BufReader::with_capacity(1000, &input[..]);
        let mut line = Vec::new();
        let mut lines = Vec::new();
        loop {
            match read_line(&mut reader, &mut line).await.unwrap() {
                Line::End => break,
                read => lines.push((read, String::from_utf8(line.clone()).unwrap())),
            }
        }
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0], (Line::Whole, "first".to_owned()));
        assert_eq!(lines[1].0, Line::TooLong);
        assert_eq!(lines[2], (Line::Whole, String::new()));
        assert_eq!(lines[3], (Line::Whole, "last".to_owned()));
    }
}
