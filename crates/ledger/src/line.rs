//! One line: JSON with the checksum of what it carries. `{"crc32":"1c291ca3","entry":{…}}` and a line break.
//!
//! The checksum is taken over the exact bytes of the entry. A line without its break was cut short by a crash and was
//! never durable; a complete line with a wrong checksum was damaged, which is another matter.

const HEAD: &str = "{\"crc32\":\"";
const MIDDLE: &str = "\",\"entry\":";
const PREFIX: usize = HEAD.len() + 8 + MIDDLE.len();

/// A line with its break. `json` is one value without line breaks.
pub(crate) fn encode(json: &str) -> Vec<u8> {
    format!("{HEAD}{:08x}{MIDDLE}{json}}}\n", crc32fast::hash(json.as_bytes())).into_bytes()
}

/// The JSON inside a line without its break; `None` when it is damaged or something else.
pub(crate) fn decode(line: &[u8]) -> Option<&[u8]> {
    let inside = line.get(PREFIX..line.len().checked_sub(1)?)?;
    let expected = format!("{HEAD}{:08x}{MIDDLE}", crc32fast::hash(inside));
    (line.starts_with(expected.as_bytes()) && line.ends_with(b"}")).then_some(inside)
}

/// The complete lines of a file, each without its break, and how many bytes they take.
pub(crate) fn complete_lines(bytes: &[u8]) -> (Vec<&[u8]>, usize) {
    let durable = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let mut lines: Vec<&[u8]> = bytes[..durable].split(|byte| *byte == b'\n').collect();
    // What follows the last break is empty here.
    lines.pop();
    (lines, durable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back_and_is_json() {
        let line = encode(r#"{"a":1}"#);
        assert_eq!(line.last(), Some(&b'\n'));
        let text = &line[..line.len() - 1];
        assert_eq!(decode(text), Some(&br#"{"a":1}"#[..]));
        assert!(serde_json::from_slice::<serde_json::Value>(text).unwrap()["entry"]["a"] == 1);
    }

    #[test]
    fn a_change_of_any_byte_is_noticed() {
        let line = encode(r#"{"verb":{"resumeProcess":{"pid":4711}}}"#);
        let line = &line[..line.len() - 1];
        for at in 0..line.len() {
            for flip in [1, 0x20, 0x80] {
                let mut changed = line.to_vec();
                changed[at] ^= flip;
                assert_eq!(decode(&changed), None, "byte {at}");
            }
        }
    }

    #[test]
    fn every_prefix_is_refused_without_a_panic() {
        let line = encode(r#"{"a":1}"#);
        for length in 0..line.len() - 1 {
            assert_eq!(decode(&line[..length]), None);
        }
    }

    #[test]
    fn what_follows_the_last_break_was_never_durable() {
        assert_eq!(complete_lines(b""), (vec![], 0));
        assert_eq!(complete_lines(b"torn"), (vec![], 0));
        assert_eq!(complete_lines(b"one\ntwo\nto"), (vec![&b"one"[..], b"two"], 8));
        assert_eq!(complete_lines(b"\n\n"), (vec![&b""[..], b""], 2));
    }
}
