//! The parts of a README that other places show.

/// The headings every fault's README has, in this order.
pub const FAULT_HEADINGS: [&str; 5] =
    ["What it does", "What it needs", "Risks", "How to see it works", "Limits"];

/// The first sentence after the title: what lists and tables say about a folder. `None` when there is none.
#[must_use]
pub fn summary(readme: &str) -> Option<String> {
    let paragraph: Vec<&str> = readme
        .lines()
        .map(str::trim)
        .skip_while(|line| line.is_empty() || line.starts_with('#'))
        .take_while(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    let text = paragraph.join(" ");
    let sentence = text.split_once(". ").map_or(text.as_str(), |(first, _)| first).trim_end_matches('.');
    (!sentence.is_empty()).then(|| format!("{sentence}."))
}

/// The second-level headings, in their order.
#[must_use]
pub fn headings(readme: &str) -> Vec<&str> {
    let mut in_code = false;
    readme
        .lines()
        .filter_map(|line| {
            if line.starts_with("```") {
                in_code = !in_code;
            }
            line.strip_prefix("## ").filter(|_| !in_code).map(str::trim)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_the_first_sentence_even_over_two_lines() {
        let readme = "# networkDelay\n\nHolds every packet\nfor a while. Then more.\n\n## Needs\n";
        assert_eq!(summary(readme).as_deref(), Some("Holds every packet for a while."));
    }

    #[test]
    fn a_readme_without_text_has_no_summary() {
        assert_eq!(summary("# networkDelay\n\n## Needs\nroot\n").as_deref(), Some("root."));
        assert_eq!(summary("# networkDelay\n"), None);
        assert_eq!(summary(""), None);
    }

    #[test]
    fn headings_in_code_are_not_headings() {
        assert_eq!(headings("# a\n## b\n```\n## c\n```\n### d\n## e \n"), ["b", "e"]);
    }
}
