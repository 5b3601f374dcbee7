//! What the documentation shows is true: its documents are read, its command lines are understood.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::disallowed_methods, reason = "a test starts the real program")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use steadfast_experiment::{ReadOptions, binding, read};
use steadfast_model::{Problems, yaml};

const FILE: &str = "experiment.yaml";

/// What a fragment leaves out, by the keys of `spec`.
const REST: [(&str, &str); 3] = [
    (
        "steadyState",
        "  steadyState:\n    - load: { name: payments, load: pay, tolerance: { absolute: 1% } }\n",
    ),
    ("load", "  load:\n    - http: { name: pay, service: gateway, rate: 100/s }\n"),
    (
        "method",
        "  method:\n    - inject: { fault: { processPause: {} }, into: { service: risk }, for: 15s }\n",
    ),
];

struct Block {
    line: usize,
    language: String,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

fn blocks(page: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    for (index, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => found.extend(open.take()),
            (Some(language), None) => {
                open = Some(Block { line: index + 1, language: language.to_owned(), text: String::new() });
            }
            (None, Some(block)) => block.text += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    found
}

/// A fragment below `spec`, in a document with all that it leaves out.
fn completed(fragment: &str) -> String {
    let mut document =
        "apiVersion: steadfast.dev/v1alpha1\nkind: Experiment\nmetadata: { name: shown }\nspec:\n".to_owned();
    fragment.lines().for_each(|line| document += &format!("  {line}\n"));
    let given = |key: &str| fragment.lines().any(|line| line.starts_with(&format!("{key}:")));
    REST.iter().filter(|(key, _)| !given(key)).for_each(|(_, text)| document += text);
    document
}

/// What is wrong with a document of any kind, or odd.
fn problems(source: &str) -> Problems {
    let environment = |name: &str| (name == "HOME").then(|| "/srv/somebody".to_owned());
    let options = ReadOptions { environment: &environment, ..ReadOptions::default() };
    if source.contains("kind: Policy") {
        return steadfast_host::policy::read(source).err().unwrap_or_default();
    }
    if source.contains("kind: Binding") {
        return binding::read(source).err().unwrap_or_default();
    }
    if source.contains("apiVersion: openslo/v1") {
        return steadfast_slo::read_slos(source).map_or_else(|problems| problems, |file| file.warnings);
    }
    read(source, FILE, &options).map_or_else(|problems| problems, |checked| checked.warnings)
}

#[test]
fn every_document_shown_is_accepted_without_a_warning() {
    let page = page("docs/experiment.md");
    let shown = blocks(&page);
    let documents: Vec<&Block> = shown.iter().filter(|block| block.language == "yaml").collect();
    assert!(documents.len() >= 10, "only {} documents", documents.len());
    for block in documents {
        let whole = block.text.contains("apiVersion:");
        let source = if whole { block.text.clone() } else { completed(&block.text) };
        let found = problems(&source);
        let told = yaml::render(&found, FILE, &source, false);
        assert!(found.all().is_empty(), "docs/experiment.md:{}\n{told}", block.line);
    }
}

#[test]
fn the_policy_shown_is_accepted() {
    let page = page("docs/policy.md");
    let shown = blocks(&page);
    let policies: Vec<&Block> = shown.iter().filter(|block| block.language == "yaml").collect();
    assert_eq!(policies.len(), 1);
    let found = problems(&policies[0].text);
    assert!(found.all().is_empty(), "{}", yaml::render(&found, FILE, &policies[0].text, false));
}

#[test]
fn problems_are_shown_as_the_page_says() {
    let page = page("docs/experiment.md");
    let shown = blocks(&page);
    let at = shown.iter().position(|block| block.language == "yaml wrong").unwrap();
    let source = &shown[at].text;
    let told = yaml::render(&problems(source), FILE, source, false);
    assert_eq!(shown[at + 1].text.trim(), told.trim(), "as the program says it:\n{told}");
}

/// The words of a command line, without its comment.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for letter in line.chars() {
        match (letter, quote) {
            ('\'' | '"', None) => quote = Some(letter),
            (letter, Some(open)) if letter == open => quote = None,
            ('#', None) if word.is_empty() => break,
            (' ', None) => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
            (letter, _) => word.push(letter),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// The arguments, when a command line is one of ours.
fn arguments(line: &str) -> Option<Vec<String>> {
    let mut words = words(line.trim_start_matches("$ "));
    let first = if words.is_empty() { return None } else { words.remove(0) };
    match first.as_str() {
        "steadfast" | "target/debug/steadfast" => Some(words),
        "./dev" if words.first().is_some_and(|word| word == "demo") => Some(words),
        _ => None,
    }
}

/// Command lines in blocks for a shell, and in the text between backticks.
fn command_lines(page: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for block in blocks(page).iter().filter(|block| ["sh", "console"].contains(&block.language.as_str())) {
        found.extend(block.text.lines().filter_map(arguments));
    }
    for line in page.lines().filter(|line| !line.starts_with("```")) {
        let inline = line.split('`').skip(1).step_by(2);
        found.extend(inline.filter(|text| text.starts_with("steadfast ")).filter_map(arguments));
    }
    found
}

#[test]
fn every_command_line_shown_is_one_the_program_understands() {
    let mut pages = vec!["README.md".to_owned()];
    for entry in fs::read_dir(root().join("docs")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        pages.extend(name.ends_with(".md").then(|| format!("docs/{name}")));
    }
    let mut tried = 0;
    for name in pages {
        for arguments in command_lines(&page(&name)) {
            let answer = Command::new(env!("CARGO_BIN_EXE_steadfast"))
                .args(&arguments)
                .arg("--help")
                .output()
                .unwrap();
            let told = String::from_utf8_lossy(&answer.stderr);
            assert!(answer.status.success(), "{name}: steadfast {}\n{told}", arguments.join(" "));
            tried += 1;
        }
    }
    assert!(tried >= 15, "only {tried} command lines");
}

#[test]
fn a_command_line_with_a_flag_that_is_not_there_is_refused() {
    let answer =
        Command::new(env!("CARGO_BIN_EXE_steadfast")).args(["run", "--no-such", "--help"]).output().unwrap();
    assert!(!answer.status.success());
}

#[test]
fn links_between_pages_lead_somewhere() {
    let pages = ["ci", "experiment", "load", "policy", "toxiproxy", "undo", "verdicts"]
        .map(|page| format!("docs/{page}.md"));
    for name in pages.iter().map(String::as_str).chain(["README.md"]) {
        let page = page(name);
        let folder = root().join(name).parent().unwrap().to_owned();
        for link in page.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap();
            let local = !link.contains("://") && !target.is_empty();
            assert!(!local || folder.join(target).exists(), "{name}: {link}");
        }
    }
}
