//! Every fault and probe folder is complete and goes by one name.

use anyhow::{Context, Result};
use steadfast_folders::{FAULT_HEADINGS, headings, key_of, summary, variant_of};

use super::{Finding, Tree};
use crate::{
    collections::{COLLECTIONS, Collection},
    program::program,
};

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let each = COLLECTIONS.iter().flat_map(|collection| {
        tree.folders(collection.root).into_iter().map(move |folder| (collection, folder))
    });
    each.flat_map(|(collection, folder)| check_folder(tree, collection, folder)).collect()
}

fn check_folder(tree: &Tree, collection: &Collection, folder: &str) -> Vec<Finding> {
    let at = format!("{}/{folder}", collection.root);
    let mut findings = Vec::new();
    let mut expect = |holds: bool, file: &str, what: String, remedy: &str| {
        if !holds {
            findings.push(Finding::new(format!("{at}/{file}"), "folders", what, remedy));
        }
    };
    let (key, variant) = (key_of(folder), variant_of(folder));
    let mut text = |file: &str, remedy: &str| {
        let text = tree.text(&format!("{at}/{file}"));
        expect(text.is_some_and(|text| !text.trim().is_empty()), file, "missing or empty".to_owned(), remedy);
        text.unwrap_or_default()
    };
    let code = text("mod.rs", "write the struct and its trait");
    let readme = text("README.md", "say what it does, what it needs and where its limits are");
    let example = text("example.yaml", "write the smallest useful one");

    if !code.is_empty() {
        let line = format!("pub struct {variant} ");
        let remedy = "give folder, struct and key one name";
        expect(code.contains(&line), "mod.rs", format!("there is no `pub struct {variant}`"), remedy);
    }
    if !readme.is_empty() {
        let title = readme.lines().next().unwrap_or_default();
        let remedy = format!("begin with `# {key}`");
        expect(title == format!("# {key}"), "README.md", format!("the title is `{title}`"), &remedy);
        let remedy = "write one sentence after the title: lists show it";
        expect(summary(readme).is_some(), "README.md", "there is no first sentence".to_owned(), remedy);
        let found = headings(readme);
        if collection.noun == "fault" {
            let remedy = format!("write them in this order: {}", FAULT_HEADINGS.join(", "));
            expect(
                found == FAULT_HEADINGS,
                "README.md",
                format!("the headings are: {}", found.join(", ")),
                &remedy,
            );
        } else {
            let remedy = "write sections with `## `: what it needs, its limits";
            expect(!found.is_empty(), "README.md", "there are no headings".to_owned(), remedy);
        }
    }
    if !example.is_empty() {
        let remedy = format!("use `{key}:` in it");
        expect(
            example.contains(&format!("{key}:")),
            "example.yaml",
            format!("it does not use {key}"),
            &remedy,
        );
    }
    findings
}

/// Sources of a workspace of its own.
const APART: &str = "fuzz/";

/// `cargo fmt` follows `mod` lines and finds no folder whose line is written at build time, and no other workspace.
pub(crate) fn check_format(tree: &Tree) -> Result<Vec<Finding>> {
    let is_module = |path: &&str| {
        COLLECTIONS.iter().any(|all| path.starts_with(all.root)) && path.ends_with("/mod.rs")
            || path.starts_with(APART) && path.ends_with(".rs")
    };
    let modules: Vec<&str> = tree.files.iter().map(|file| file.path.as_str()).filter(is_module).collect();
    if modules.is_empty() {
        return Ok(Vec::new());
    }
    let mut arguments = vec!["--check", "--files-with-diff", "--edition", "2024"];
    arguments.extend(&modules);
    let output = program("rustfmt", &arguments).output().context("start rustfmt")?;
    if output.status.success() {
        return Ok(Vec::new());
    }
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    let unformatted = |path: &&str| listed.lines().any(|line| line.ends_with(*path));
    let mut findings: Vec<Finding> = Vec::new();
    let roots = COLLECTIONS.iter().map(|all| all.root).chain([APART]);
    for module in roots.flat_map(|root| tree.files.iter().filter(move |file| file.path.starts_with(root))) {
        if unformatted(&module.path.as_str()) {
            let remedy = format!("rustfmt --edition 2024 {}", module.path);
            findings.push(Finding::new(&module.path, "format", "not formatted", remedy));
        }
    }
    if findings.is_empty() {
        anyhow::bail!("rustfmt: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(findings)
}

#[cfg(test)]
mod tests;
