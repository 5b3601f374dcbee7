//! How long files are.

use super::{Finding, Tree, tree::File};

/// A longer file does more than one thing.
const LONGEST: usize = 400;
/// The median source file has fewer lines.
const MEDIAN: usize = 160;

/// Files that may be longer, each with the reason why.
const MAY_BE_LONGER: &[(&str, &str)] = &[];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    check_against(tree, MAY_BE_LONGER)
}

fn check_against(tree: &Tree, may_be_longer: &[(&str, &str)]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.sources() {
        let lines = file.text.lines().count();
        let allowed = may_be_longer.iter().any(|(path, _)| *path == file.path);
        if lines > LONGEST && !allowed {
            let what = format!("{lines} lines are more than {LONGEST}");
            findings.push(Finding::new(&file.path, "sizes", what, "split it by what its parts are about"));
        } else if lines <= LONGEST && allowed {
            let remedy = "take it off the list in xtask/src/tidy/sizes.rs";
            findings.push(Finding::new(
                &file.path,
                "sizes",
                format!("{lines} lines need no exception"),
                remedy,
            ));
        }
    }
    for (path, _) in may_be_longer.iter().filter(|(path, _)| tree.text(path).is_none()) {
        findings.push(Finding::new(
            *path,
            "sizes",
            "there is no such file",
            "take it off the list in xtask/src/tidy/sizes.rs",
        ));
    }
    if let Some(median) = median(tree).filter(|median| *median >= MEDIAN) {
        let what = format!("the median source file has {median} lines, not below {MEDIAN}");
        findings.push(Finding::new("crates", "sizes", what, "split the files you touched"));
    }
    findings
}

/// Of the files under `src`; tests beside it do not count.
fn median(tree: &Tree) -> Option<usize> {
    let is_source = |file: &&File| file.path.contains("/src/");
    let mut lines: Vec<usize> =
        tree.sources().filter(is_source).map(|file| file.text.lines().count()).collect();
    lines.sort_unstable();
    lines.get(lines.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(count: usize) -> String {
        "x\n".repeat(count)
    }

    #[test]
    fn a_file_over_400_lines_is_found_unless_it_is_listed_with_a_reason() {
        let (short, long) = (lines(400), lines(401));
        let tree = Tree::of(&[
            ("crates/a/src/b.rs", &short),
            ("crates/a/src/c.rs", &long),
            ("crates/a/src/d.rs", ""),
        ]);
        let found = check_against(&tree, &[]);
        assert!(found.iter().any(|finding| finding.file == "crates/a/src/c.rs"), "{found:?}");
        assert_eq!(found.iter().filter(|finding| finding.file.ends_with(".rs")).count(), 1);
        let found = check_against(&tree, &[("crates/a/src/c.rs", "one table")]);
        assert!(!found.iter().any(|finding| finding.file.ends_with(".rs")), "{found:?}");
    }

    #[test]
    fn an_exception_that_is_not_needed_is_found() {
        let tree = Tree::of(&[("crates/a/src/b.rs", "")]);
        let found = check_against(
            &tree,
            &[("crates/a/src/b.rs", "once long"), ("crates/a/src/gone.rs", "once here")],
        );
        assert_eq!(found.len(), 2, "{found:?}");
    }

    #[test]
    fn a_median_of_160_lines_is_found() {
        let (below, at) = (lines(159), lines(160));
        assert_eq!(check(&Tree::of(&[("crates/a/src/b.rs", &below)])), []);
        assert_eq!(check(&Tree::of(&[("crates/a/src/b.rs", &at)])).len(), 1);
        assert_eq!(check(&Tree::of(&[("crates/a/src/b.rs", &below), ("crates/a/tests/c.rs", &at)])), []);
    }
}
