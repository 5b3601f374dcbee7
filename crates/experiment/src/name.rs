//! Names.

use steadfast_model::Problems;

/// The longest name, in characters.
const LONGEST: usize = 63;

/// A label of RFC 1123: lower-case letters, digits and `-`, not at the ends, at most 63.
pub(crate) fn is_label(name: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=LONGEST).contains(&name.len())
        && name.bytes().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// Notes when a name is no label.
pub(crate) fn check(path: &[&str], name: &str, problems: &mut Problems) {
    if !is_label(name) {
        let hint = "use lower-case letters, digits and `-`, at most 63, such as risk-slow";
        problems.error(path, format!("`{}` is no name", shortened(name)), Some(hint));
    }
}

/// Long texts are not repeated in full.
pub(crate) fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST + 1) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// A name used by a program: a letter or `_`, then letters, digits, `_` and (for parameters) `-`.
pub(crate) fn is_identifier(name: &str, dashes: bool) -> bool {
    (1..=LONGEST).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || (dashes && b == b'-'))
        && !name.starts_with(|c: char| c.is_ascii_digit() || c == '-')
}
