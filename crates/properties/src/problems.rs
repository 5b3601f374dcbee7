//! What is said about a document that cannot be read.

use steadfast_model::{Problems, problem::Severity, yaml};

/// The most bytes of a rendered list of problems: fifty, each with a line of the source.
const LONGEST_RENDERED: usize = 200_000;

/// A refusal says at least one error; everything said points into the text and can be shown.
pub(crate) fn assert_refusal(problems: &Problems, source: &str) {
    assert!(problems.has_errors(), "refused without an error");
    assert_said(problems, source);
}

/// Everything said points into the text and can be shown.
pub(crate) fn assert_said(problems: &Problems, source: &str) {
    let lines: Vec<&str> = source.lines().collect();
    for problem in problems.all() {
        assert!(!problem.message.trim().is_empty(), "a problem without a message");
        let Some(span) = problem.span else {
            assert!(
                source.trim().is_empty() || problem.severity == Severity::Warning || whole(&problem.message),
                "no place: {problem:?}"
            );
            continue;
        };
        assert!(span.line >= 1 && span.column >= 1, "{problem:?}");
        assert!(span.line <= lines.len() + 1, "beyond the text: {problem:?}");
        let length = lines.get(span.line - 1).map_or(0, |line| line.chars().count());
        assert!(span.column <= length + 1, "beyond its line of {length}: {problem:?}");
    }
    let shown = yaml::render(problems, "fuzzed", source, false);
    assert!(shown.len() < LONGEST_RENDERED, "{} bytes about {} bytes", shown.len(), source.len());
    let control = |letter: char| letter.is_control() && letter != '\n';
    assert!(!shown.contains(control), "a control character reaches the terminal: {shown:?}");
    assert_eq!(yaml::to_json(problems, "fuzzed").as_array().map(Vec::len), Some(problems.all().len()));
}

/// What is about the text as a whole has no place.
fn whole(message: &str) -> bool {
    message.contains("bytes; at most")
}
