//! The files of the repository, as text.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::program::{program, root};

/// All files that are tracked or would be, by path.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
}

/// One file.
#[derive(Debug)]
pub(crate) struct File {
    /// From the repository's root, with `/`.
    pub(crate) path: String,
    /// Empty when it is not UTF-8.
    pub(crate) text: String,
}

impl Tree {
    /// What git tracks, and what it neither tracks nor ignores.
    pub(crate) fn of_repository() -> Result<Self> {
        let list = program("git", &["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .output()
            .context("start git")?;
        ensure!(list.status.success(), "git ls-files: {}", String::from_utf8_lossy(&list.stderr));
        let mut files = Vec::new();
        for path in String::from_utf8(list.stdout)?.split_terminator('\0') {
            // A file that was deleted and not yet committed is still listed.
            if let Ok(bytes) = fs::read(root().join(path)) {
                files
                    .push(File { path: path.to_owned(), text: String::from_utf8(bytes).unwrap_or_default() });
            }
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { files })
    }

    /// The text of one file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }

    /// All Rust sources.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    /// The folders directly under `root`, by name. Files there do not count.
    pub(crate) fn folders(&self, root: &str) -> Vec<&str> {
        let below = self.files.iter().filter_map(|file| file.path.strip_prefix(root)?.strip_prefix('/'));
        let mut folders: Vec<&str> =
            below.filter_map(|rest| rest.split_once('/')).map(|(name, _)| name).collect();
        folders.dedup();
        folders
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file = |(path, text): &(&str, &str)| File { path: (*path).to_owned(), text: (*text).to_owned() };
        let mut files: Vec<File> = files.iter().map(file).collect();
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Self { files }
    }
}

/// The code of a line of Rust: without what stands in its strings and after `//`. A string over several lines is taken
/// for code, which errs on the side of finding too much.
pub(crate) fn code_of(line: &str) -> String {
    let mut code = String::new();
    let mut letters = line.chars().peekable();
    let mut quoted = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' if quoted => drop(letters.next()),
            // A quotation mark as a character does not begin a string.
            '\'' if !quoted && letters.peek() == Some(&'"') => drop((letters.next(), letters.next())),
            '"' => quoted = !quoted,
            '/' if !quoted && letters.peek() == Some(&'/') => break,
            _ if quoted => {}
            _ => code.push(letter),
        }
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_and_comments_are_no_code() {
        assert_eq!(code_of("let a = \"b \\\" c\"; // d"), "let a = ; ");
        assert_eq!(code_of("//! all of it"), "");
        assert_eq!(code_of("x('\"', \"y\", z)"), "x(, , z)");
        assert_eq!(code_of("let url = \"http://here\" + more;"), "let url =  + more;");
    }

    #[test]
    fn folders_are_listed_once_and_files_are_not() {
        let tree = Tree::of(&[("a/b/x", ""), ("a/b/y", ""), ("a/c/z", ""), ("a/d", ""), ("ab/e/f", "")]);
        assert_eq!(tree.folders("a"), ["b", "c"]);
    }
}
