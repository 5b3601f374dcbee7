//! What the test runner said.

use std::collections::BTreeMap;

/// Counts and skips.
#[derive(Default)]
pub(crate) struct Seen {
    /// All that did not fail, also those that found out while running that they cannot do their work here.
    pub(crate) run: usize,
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// Name and reason.
    pub(crate) skipped: BTreeMap<String, String>,
}

impl Seen {
    pub(crate) fn line(&mut self, line: &str) {
        if let Some(rest) = line.strip_prefix("test result: ") {
            let count = |word: &str| {
                let before = rest.split(word).next()?;
                before.split_whitespace().next_back()?.parse::<usize>().ok()
            };
            let passed = count(" passed").unwrap_or(0);
            self.run += passed;
            self.passed += passed;
            self.failed += count(" failed").unwrap_or(0);
        } else if let Some((name, state)) =
            line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... "))
            && state.starts_with("ignored")
        {
            let reason = state.trim_start_matches("ignored").trim_start_matches([',', ' ']);
            self.skipped.insert(name.to_owned(), reason.to_owned());
        }
    }

    /// Tests that found out while running that they cannot run here wrote `NAME: REASON`, one a line: `testkit::skip`.
    pub(crate) fn skipped_at_run_time(&mut self, text: &str) {
        for (name, reason) in text.lines().filter_map(|line| line.split_once(": ")) {
            self.skipped.insert(name.to_owned(), reason.to_owned());
            // The runner counted it as passed.
            self.passed = self.passed.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_runners_lines_are_counted() {
        let mut seen = Seen::default();
        seen.line(
            "test result: ok. 12 passed; 1 failed; 2 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        );
        seen.line("test a::b ... ok");
        seen.line("test a::c ... ignored, needs root");
        assert_eq!((seen.passed, seen.failed), (12, 1));
        assert_eq!(seen.skipped["a::c"], "needs root");
        seen.skipped_at_run_time("a::d: no user namespaces\n");
        assert_eq!((seen.run, seen.passed), (12, 11));
        assert_eq!(seen.skipped.len(), 2);
    }
}
