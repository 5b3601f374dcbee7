//! What libFuzzer says, in numbers.

/// What a search came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) executions: u64,
    /// Edges of the code that were reached.
    pub(super) coverage: u64,
    /// Inputs kept because each reaches something new.
    pub(super) inputs: u64,
    /// What was found, and where the input is.
    pub(super) finding: Option<String>,
}

impl Said {
    /// Reads all it said. A search that ended badly found something; one that tried nothing is a finding too.
    pub(super) fn read(text: &str, ended_well: bool) -> Self {
        let after = |line: &str, word: &str| {
            let rest = line.split_once(word)?.1;
            rest.trim_start().split(|letter: char| !letter.is_ascii_digit()).next()?.parse::<u64>().ok()
        };
        let last = |word: &str| text.lines().rev().find_map(|line| after(line, word)).unwrap_or(0);
        let executions = last("stat::number_of_executed_units:").max(last("Done "));
        let (coverage, inputs) = (last(" cov: "), last(" corp: "));
        let finding = match (ended_well, executions) {
            (true, 1..) if coverage > 0 => None,
            (true, _) => Some("nothing was tried, so nothing can be said".to_owned()),
            (false, _) => Some(cause(text)),
        };
        Self { executions, coverage, inputs, finding }
    }

    /// A row of the table.
    pub(super) fn line(&self, name: &str, seconds: u32) -> String {
        let rate = self.executions / u64::from(seconds.max(1));
        let findings = usize::from(self.finding.is_some());
        format!(
            "{name:10} {:>12} {rate:>9} {:>9} {:>8} {findings:>9}",
            self.executions, self.coverage, self.inputs
        )
    }
}

/// The lines that say what was found: the panic or the sanitizer's error, and where the input is.
fn cause(text: &str) -> String {
    let mut lines = text.lines();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if line.contains("panicked at") {
            found.push(line.trim());
            found.extend(lines.next().map(str::trim));
        } else if line.contains("ERROR: ") || line.contains("SUMMARY: ") {
            found.push(line.trim());
        } else if let Some((_, place)) = line.split_once("Test unit written to ") {
            found.push(place.trim());
        }
    }
    if found.is_empty() {
        found.extend(text.lines().last());
    }
    found.iter().map(|line| line.chars().take(400).collect::<String>()).collect::<Vec<_>>().join("\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "#2\tINITED cov: 12 ft: 30 corp: 1/1b exec/s: 0 rss: 30Mb\n\
        #90\tREDUCE cov: 345 ft: 800 corp: 17/99b lim: 4 exec/s: 0 rss: 31Mb\n\
        Done 1234 runs in 60 second(s)\nstat::number_of_executed_units: 1234\n";

    #[test]
    fn a_search_without_a_finding_is_counted() {
        let said = Said::read(GOOD, true);
        assert_eq!(said, Said { executions: 1234, coverage: 345, inputs: 17, finding: None });
        assert!(said.line("x", 60).contains(" 20 "), "{}", said.line("x", 60));
    }

    #[test]
    fn a_search_that_tried_nothing_is_not_a_good_one() {
        assert!(Said::read("", true).finding.is_some());
    }

    #[test]
    fn a_finding_says_what_and_where() {
        let text = "#9\tNEW cov: 5 corp: 2/2b\nthread '<unnamed>' panicked at src/a.rs:1:2:\nbeyond its line\n\
            ==1== ERROR: libFuzzer: deadly signal\nartifact_prefix='x/'; Test unit written to x/crash-1\n";
        let finding = Said::read(text, false).finding.unwrap();
        for part in ["src/a.rs:1:2", "beyond its line", "deadly signal", "x/crash-1"] {
            assert!(finding.contains(part), "{finding}");
        }
        assert!(Said::read("Killed", false).finding.unwrap().contains("Killed"));
    }
}
