//! The reference page of a folder of folders, made from their READMEs and examples.

use std::fmt::Write as _;

use steadfast_folders::{key_of, summary};

use crate::{collections::Collection, tidy::Tree};

/// The page: a table of all, then each README one level deeper, with its example.
pub(crate) fn of(tree: &Tree, collection: &Collection) -> String {
    let Collection { root, noun, introduction, .. } = collection;
    let folders = tree.folders(root);
    let text = |folder: &str, file: &str| tree.text(&format!("{root}/{folder}/{file}")).unwrap_or_default();
    let mut page = format!(
        "<!-- Written by `cargo xtask codegen` from {root}. Change the READMEs there. -->\n\n{introduction}\n| {noun} | in one sentence |\n|---|---|\n"
    );
    let mut write = |part: String| page.push_str(&part);
    for folder in &folders {
        let key = key_of(folder);
        let summary = summary(text(folder, "README.md")).unwrap_or_default();
        write(format!("| [`{key}`](#{}) | {summary} |\n", key.to_lowercase()));
    }
    for folder in &folders {
        write(format!("\n{}\n", deeper(text(folder, "README.md")).trim_end()));
        write(format!("\n### Example\n\n```yaml\n{}\n```\n", text(folder, "example.yaml").trim_end()));
    }
    page
}

/// Markdown with every heading one level deeper.
fn deeper(markdown: &str) -> String {
    let (mut result, mut in_code) = (String::new(), false);
    for line in markdown.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        }
        let sign = if line.starts_with('#') && !in_code { "#" } else { "" };
        writeln!(result, "{sign}{line}").expect("writing to a String does not fail");
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_lists_all_and_shows_each_with_its_example() {
        let collection = Collection { root: "faults", noun: "fault", page: "", introduction: "# Faults\n" };
        let tree = Tree::of(&[
            (
                "faults/tcp_down/README.md",
                "# tcpDown\n\nCuts. More.\n\n## Limits\n\n```\n# a shell comment\n```\n",
            ),
            ("faults/tcp_down/example.yaml", "fault: { tcpDown: {} }\n"),
        ]);
        let expected = "<!-- Written by `cargo xtask codegen` from faults. Change the READMEs there. -->\n\n# Faults\n\n\
            | fault | in one sentence |\n|---|---|\n| [`tcpDown`](#tcpdown) | Cuts. |\n\n\
            ## tcpDown\n\nCuts. More.\n\n### Limits\n\n```\n# a shell comment\n```\n\n\
            ### Example\n\n```yaml\nfault: { tcpDown: {} }\n```\n";
        assert_eq!(of(&tree, &collection), expected);
    }
}
