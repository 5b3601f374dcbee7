//! Unsafe code exists in `linux` only.

use super::{Finding, Metadata, Tree, tree::code_of};

/// The one package that may hold unsafe code.
const UNSAFE_MAY_BE_IN: &str = "crates/linux/";

/// Spellings of unsafe code; the word alone may stand in names.
const SPELLINGS: &[&str] =
    &["unsafe {", "unsafe fn", "unsafe impl", "unsafe trait", "unsafe extern", "unsafe(", "(unsafe_code)"];

pub(crate) fn check(tree: &Tree, metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    let root = tree.text("Cargo.toml").unwrap_or_default();
    if !section(root, "[workspace.lints.rust]").any(|line| line == "unsafe_code = \"forbid\"") {
        let remedy = "set unsafe_code = \"forbid\" in [workspace.lints.rust]";
        findings.push(Finding::new(
            "Cargo.toml",
            "safety",
            "the workspace does not forbid unsafe code",
            remedy,
        ));
    }
    for package in
        metadata.packages.iter().filter(|package| !package.manifest_path.starts_with(UNSAFE_MAY_BE_IN))
    {
        let manifest = tree.text(&package.manifest_path).unwrap_or_default();
        if !section(manifest, "[lints]").any(|line| line == "workspace = true") {
            let what = "the workspace's lints do not apply";
            findings.push(Finding::new(
                &package.manifest_path,
                "safety",
                what,
                "write [lints] and workspace = true",
            ));
        }
    }
    for file in tree.sources().filter(|file| !file.path.starts_with(UNSAFE_MAY_BE_IN)) {
        for (number, line) in file.text.lines().enumerate() {
            let code = code_of(line);
            if SPELLINGS.iter().any(|spelling| code.contains(spelling)) {
                let remedy = "move it to `linux`, or find a safe way";
                findings.push(Finding::new(&file.path, "safety", "unsafe code", remedy).at(number + 1));
            }
        }
    }
    findings
}

/// The lines of one section of a manifest.
fn section<'a>(manifest: &'a str, header: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = manifest.lines().map(str::trim).skip_while(move |line| *line != header).skip(1);
    lines.take_while(|line| !line.starts_with('['))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: (&str, &str) = ("Cargo.toml", "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n");

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let packages: Vec<_> = files.iter().filter(|(path, _)| path.ends_with("/Cargo.toml")).collect();
        let package = |(path, _): &&(&str, &str)| serde_json::json!({ "name": path, "manifest_path": path, "dependencies": [] });
        let packages: Vec<_> = packages.iter().map(package).collect();
        let metadata = serde_json::from_value(serde_json::json!({ "packages": packages })).unwrap();
        check(&Tree::of(files), &metadata).into_iter().map(|finding| finding.file).collect()
    }

    #[test]
    fn every_crate_but_linux_takes_the_lints_of_the_workspace() {
        let good = "[package]\n\n[lints]\nworkspace = true\n";
        assert_eq!(found(&[ROOT, ("crates/a/Cargo.toml", good)]), Vec::<String>::new());
        assert_eq!(found(&[ROOT, ("crates/linux/Cargo.toml", "[package]\n")]), Vec::<String>::new());
        assert_eq!(
            found(&[ROOT, ("crates/a/Cargo.toml", "[package]\nworkspace = true\n[lints]\n")]).len(),
            1
        );
        assert_eq!(
            found(&[("Cargo.toml", "[workspace.lints.rust]\nunsafe_code = \"warn\"\n")]),
            ["Cargo.toml"]
        );
    }

    #[test]
    fn unsafe_code_is_found_and_the_word_is_not() {
        for code in [
            "unsafe { f() }",
            "unsafe fn f() {}",
            "unsafe impl Send for X {}",
            "#[unsafe(no_mangle)]",
            "#![expect(unsafe_code)]",
        ] {
            assert_eq!(found(&[ROOT, ("crates/a/src/b.rs", code)]).len(), 1, "{code}");
            assert_eq!(found(&[ROOT, ("crates/linux/src/b.rs", code)]), Vec::<String>::new());
        }
        for code in ["// unsafe { f() }", "let a = \"unsafe {\";", "fn unsafe_paths() {}"] {
            assert_eq!(found(&[ROOT, ("crates/a/src/b.rs", code)]), Vec::<String>::new(), "{code}");
        }
    }
}
