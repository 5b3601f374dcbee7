//! `cargo xtask codegen`: writes what is made from other files. `--check` writes nothing and says what is out of date.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::{
    collections::COLLECTIONS,
    program::{program, root, steadfast},
    say::say,
    tidy::Tree,
};

mod page;

/// The schemas of documents, as `steadfast schema KIND` prints them.
const SCHEMAS: [(&str, &str); 2] = [
    ("experiment", "docs/reference/experiment.schema.json"),
    ("policy", "docs/reference/policy.schema.json"),
];

/// A file as it should be.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Generated {
    /// From the repository's root.
    pub(crate) path: &'static str,
    pub(crate) text: String,
}

/// Writes every file that is not as it should be; with `check`, fails instead.
pub(crate) fn codegen(check: bool) -> Result<()> {
    let tree = Tree::of_repository()?;
    let mut outdated = bring_up_to_date(&stale(&tree, pages(&tree)), check)?;
    outdated += bring_up_to_date(&stale(&tree, printed(&tree)?), check)?;
    if check && outdated > 0 {
        bail!("run `cargo xtask codegen`");
    }
    Ok(())
}

/// Writes files, or with `check` only names them. Returns how many.
fn bring_up_to_date(files: &[Generated], check: bool) -> Result<usize> {
    for Generated { path, text } in files {
        if check {
            say(&format!("{path} is out of date"));
        } else {
            let file = root().join(path);
            fs::create_dir_all(file.parent().context("a file lies in a folder")?)?;
            fs::write(&file, text).with_context(|| format!("write {path}"))?;
            say(&format!("wrote {path}"));
        }
    }
    Ok(files.len())
}

/// The pages made from the READMEs.
pub(crate) fn pages(tree: &Tree) -> Vec<Generated> {
    let exist = COLLECTIONS.iter().filter(|collection| !tree.folders(collection.root).is_empty());
    exist.map(|collection| Generated { path: collection.page, text: page::of(tree, collection) }).collect()
}

/// What the program prints about itself, once it can.
pub(crate) fn printed(tree: &Tree) -> Result<Vec<Generated>> {
    if !has_schema_command(tree) {
        return Ok(Vec::new());
    }
    SCHEMAS.into_iter().map(|(kind, path)| Ok(Generated { path, text: schema(kind)? })).collect()
}

/// Those that are not in the tree as they should be.
pub(crate) fn stale(tree: &Tree, files: Vec<Generated>) -> Vec<Generated> {
    files.into_iter().filter(|file| tree.text(file.path) != Some(&file.text)).collect()
}

/// One command is one file; before that file exists there is no schema to print.
fn has_schema_command(tree: &Tree) -> bool {
    tree.sources()
        .any(|file| file.path.starts_with("crates/steadfast/src/") && file.path.ends_with("/schema.rs"))
}

fn schema(kind: &str) -> Result<String> {
    let binary = steadfast()?;
    let output = program(binary.to_str().context("the path is UTF-8")?, &["schema", kind]).output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "steadfast schema {kind}: {}",
            said.lines().find(|line| line.starts_with("error")).unwrap_or(&said)
        );
    }
    String::from_utf8(output.stdout).context("the schema is UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_changed_files_are_stale_and_equal_ones_are_not() {
        let file = |path, text: &str| Generated { path, text: text.to_owned() };
        let tree = Tree::of(&[("a", "1"), ("b", "2")]);
        let stale = stale(&tree, vec![file("a", "1"), file("b", "3"), file("c", "4")]);
        assert_eq!(stale, [file("b", "3"), file("c", "4")]);
    }

    #[test]
    fn the_schema_is_asked_for_once_the_command_has_a_file() {
        assert!(has_schema_command(&Tree::of(&[("crates/steadfast/src/commands/schema.rs", "")])));
        assert!(!has_schema_command(&Tree::of(&[("crates/model/src/schema.rs", "")])));
    }
}
