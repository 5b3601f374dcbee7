//! What is made from other files is up to date.

use super::{Finding, Tree};
use crate::codegen;

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings: Vec<Finding> =
        codegen::stale(tree, codegen::pages(tree)).into_iter().map(finding).collect();
    match codegen::printed(tree) {
        Ok(files) => findings.extend(codegen::stale(tree, files).into_iter().map(finding)),
        Err(error) => {
            let remedy = "make `cargo xtask codegen` work";
            findings.push(Finding::new("docs/reference", "generated", format!("{error:#}"), remedy));
        }
    }
    findings
}

fn finding(file: codegen::Generated) -> Finding {
    Finding::new(file.path, "generated", "out of date", "run `cargo xtask codegen`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_does_not_follow_its_readme_is_found() {
        let readme = ("crates/faults/src/faults/tcp_down/README.md", "# tcpDown\n\nCuts.\n");
        let tree = Tree::of(&[readme]);
        let found = check(&tree);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].file, "docs/reference/faults.md");

        let text = codegen::pages(&tree).remove(0).text;
        assert_eq!(check(&Tree::of(&[readme, ("docs/reference/faults.md", &text)])), []);
        let changed = Tree::of(&[(readme.0, "# tcpDown\n\nRefuses.\n"), ("docs/reference/faults.md", &text)]);
        assert_eq!(check(&changed).len(), 1);
    }
}
