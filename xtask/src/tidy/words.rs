//! What should not be left in a file.

use super::{
    Finding, Tree,
    tree::{File, code_of},
};

/// Words of unfinished work, in code.
const LEFTOVERS: &[&str] = &["todo!", "unimplemented!", "dbg!"];
/// The same, anywhere in a source.
const NOTES: &[&str] = &["TODO", "FIXME", "XXX", "To be written"];
/// Where a path of one machine begins.
const MACHINE_PATHS: &[&str] = &["/home/", "/Users/", "/root/", "/work/"];
/// A home that belongs to nobody, for tests and docs.
const NOBODYS_HOME: &str = "/home/ada";
/// Hosts that packages are fetched from. Which one is up to who builds.
const REGISTRIES: &[&str] = &[
    "index.crates.io",
    "static.crates.io",
    "registry.npmjs.org",
    "proxy.golang.org",
    "pypi.org",
    "pythonhosted.org",
    "artifactory",
    "sonatype",
];
/// What every entry of the lock file comes from.
const LOCK_SOURCE: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
/// This file names what it looks for.
const THIS: &str = "xtask/src/tidy/words.rs";
/// Where a folder is a module with a `mod.rs`: the build script finds them by it.
const MOD_RS: &[&str] =
    &["crates/faults/src/faults/", "crates/probes/src/probes/", "crates/formats/src/formats/"];

pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files.iter().filter(|file| file.path != THIS).flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let is_source = file.path.ends_with(".rs");
    // Beside an integration test, only a mod.rs is not taken for a test of its own.
    let may_be_mod = file.path.contains("/tests/") || MOD_RS.iter().any(|root| file.path.starts_with(root));
    if file.path.ends_with("/mod.rs") && !may_be_mod {
        let remedy = "name the module's file after it, beside its folder";
        findings.push(Finding::new(
            &file.path,
            "words",
            "a mod.rs outside of the fault and probe folders",
            remedy,
        ));
    }
    for (number, line) in file.text.lines().enumerate() {
        let mut find = |what: String, remedy: &str| {
            findings.push(Finding::new(&file.path, "words", what, remedy).at(number + 1));
        };
        let leftover = is_source.then(|| leftover(line)).flatten();
        if let Some(word) = leftover {
            find(format!("`{word}` is unfinished work"), "finish it, or say in an issue what is missing");
        }
        if let Some(path) = MACHINE_PATHS.iter().find(|path| begins_a_path(line, path)) {
            find(
                format!("`{path}` is a path of one machine"),
                "find it from the repository's root or an environment variable",
            );
        }
        if file.path == "Cargo.lock" || file.path.ends_with("/Cargo.lock") {
            if line.starts_with("source = ") && line != LOCK_SOURCE {
                find(
                    "a dependency from somewhere else".to_owned(),
                    "take it from the public registry, by version",
                );
            }
        } else if let Some(host) = REGISTRIES.iter().find(|host| line.contains(**host)) {
            find(format!("`{host}` is a registry"), "leave it to the configuration of who builds");
        }
    }
    findings
}

fn leftover(line: &str) -> Option<&'static str> {
    let code = code_of(line);
    let in_code = LEFTOVERS.iter().find(|word| code.contains(**word));
    let note = |word: &&&str| {
        let apart =
            |letter: Option<char>| letter.is_none_or(|letter| !letter.is_alphanumeric() && letter != '_');
        line.match_indices(**word).any(|(at, word)| {
            apart(line[..at].chars().next_back()) && apart(line[at + word.len()..].chars().next())
        })
    };
    in_code.or_else(|| NOTES.iter().find(note)).copied()
}

/// Whether the path stands there from its root on, and goes on with a name.
fn begins_a_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + path.len()..].chars().next();
        !line[at..].starts_with(NOBODYS_HOME)
            && before.is_none_or(|letter| letter.is_whitespace() || "\"'`(=[:<".contains(letter))
            && after.is_some_and(|letter| letter.is_alphanumeric() || letter == '.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn unfinished_work_is_found() {
        for line in ["todo!()", "    dbg!(x);", "// TODO: later", "/// FIXME", "//! To be written."] {
            assert_eq!(found("crates/a/src/b.rs", line), 1, "{line}");
        }
        for line in ["let todos = 1;", "say(\"todo!\")", "const TODOS: u8 = 1;", "let x = XXXL;"] {
            assert_eq!(found("crates/a/src/b.rs", line), 0, "{line}");
        }
    }

    #[test]
    fn paths_of_one_machine_are_found() {
        for line in ["cd /home/me/x", "path = \"/root/.cargo\"", "see `/work/main`", "a=/Users/me"] {
            assert_eq!(found("docs/a.md", line), 1, "{line}");
        }
        for line in
            ["GET http://host/work/1", "/var/lib/steadfast", "src/root/x", "the /home/ folder", "/home/ada/x"]
        {
            assert_eq!(found("docs/a.md", line), 0, "{line}");
        }
    }

    #[test]
    fn registries_are_found_and_the_lock_file_knows_one_source() {
        assert_eq!(found("dev", "curl https://static.crates.io/x"), 1);
        assert_eq!(found("docs/a.md", "https://crates.io/crates/serde"), 0);
        assert_eq!(found("Cargo.lock", LOCK_SOURCE), 0);
        assert_eq!(found("Cargo.lock", "source = \"registry+https://mirror.example/index\""), 1);
        assert_eq!(found("fuzz/Cargo.lock", "source = \"git+https://github.com/a/b\""), 1);
    }

    #[test]
    fn a_mod_rs_is_found_outside_of_the_folders_that_need_one() {
        assert_eq!(found("crates/a/src/b/mod.rs", ""), 1);
        assert_eq!(found("crates/faults/src/faults/tcp_down/mod.rs", ""), 0);
        assert_eq!(found("crates/faults/src/world/mod.rs", ""), 1);
        assert_eq!(found("crates/a/tests/scene/mod.rs", ""), 0);
    }
}
