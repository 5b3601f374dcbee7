//! The checked-in list: how many tests there are, and which may be skipped.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

/// What `xtask/expected-tests.txt` says.
#[derive(Debug, Default)]
pub(super) struct Expected {
    /// Exactly this many tests are run, those included that find out while running that they cannot do their work here.
    exactly: usize,
    /// These may be skipped: name and reason.
    may_skip: BTreeMap<String, String>,
}

impl Expected {
    /// Reads lines `exactly N` and `may skip NAME: REASON`; `#` begins a comment.
    pub(super) fn read(text: &str) -> Result<Self> {
        let mut expected = Self::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
            if let Some(count) = line.strip_prefix("exactly ") {
                expected.exactly = count.trim().parse().with_context(|| format!("`{line}`"))?;
            } else if let Some(rest) = line.strip_prefix("may skip ") {
                let (name, reason) =
                    rest.split_once(": ").with_context(|| format!("`{line}` gives no reason"))?;
                expected.may_skip.insert(name.to_owned(), reason.to_owned());
            } else {
                bail!("`{line}` is neither `exactly N` nor `may skip NAME: REASON`");
            }
        }
        Ok(expected)
    }

    /// Whether this may be skipped.
    pub(super) fn may_skip(&self, name: &str) -> bool {
        self.may_skip.contains_key(name)
    }

    /// What is wrong with a run in which so many were run without failing and these were skipped.
    pub(super) fn compare(&self, run: usize, skipped: &BTreeMap<String, String>) -> Vec<String> {
        let mut problems = Vec::new();
        if run != self.exactly {
            let guess =
                if run < self.exactly { "did some vanish?" } else { "if some are new, write it down" };
            problems.push(format!(
                "{run} tests were run where {} are expected: {guess} (xtask/expected-tests.txt)",
                self.exactly
            ));
        }
        for (name, reason) in skipped {
            if !self.may_skip(name) {
                problems.push(format!(
                    "{name} was skipped ({reason}) but is not on the list (xtask/expected-tests.txt)"
                ));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_few_or_many_tests_and_unlisted_skips_are_problems() {
        let expected = Expected::read("# x\nexactly 10\nmay skip a::b: needs root\n").unwrap();
        let listed = BTreeMap::from([("a::b".to_owned(), String::new())]);
        assert!(expected.compare(10, &listed).is_empty());
        assert_eq!(expected.compare(9, &listed).len(), 1);
        assert_eq!(expected.compare(11, &listed).len(), 1);
        let unlisted = BTreeMap::from([("a::c".to_owned(), "no reason".to_owned())]);
        assert!(expected.compare(10, &unlisted)[0].contains("a::c"));
    }

    #[test]
    fn a_skip_without_a_reason_is_refused() {
        assert!(Expected::read("may skip a::b\n").is_err());
        assert!(Expected::read("whatever\n").is_err());
    }
}
