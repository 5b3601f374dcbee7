//! What is told to people.

/// One line, on standard output.
#[expect(clippy::print_stdout, reason = "tells people how far it is and what was found")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}
