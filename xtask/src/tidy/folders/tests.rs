use super::*;

const CODE: &str = "pub struct HttpDelay {\n}\n";
const README: &str = "# httpDelay\n\nHolds requests.\n\n## What it does\n\n## What it needs\n\n## Risks\n\n## How to see it works\n\n## Limits\n";
const EXAMPLE: &str = "fault: { httpDelay: { latency: 1s } }\n";

/// What is found in a fault folder with these files.
fn found(folder: &str, files: [(&str, &str); 3]) -> Vec<String> {
    let paths: Vec<String> =
        files.iter().map(|(name, _)| format!("crates/faults/src/faults/{folder}/{name}")).collect();
    let files: Vec<(&str, &str)> =
        paths.iter().zip(files).map(|(path, (_, text))| (path.as_str(), text)).collect();
    check(&Tree::of(&files)).into_iter().map(|finding| finding.to_string()).collect()
}

#[test]
fn a_complete_folder_is_fine() {
    let found = found("http_delay", [("mod.rs", CODE), ("README.md", README), ("example.yaml", EXAMPLE)]);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn each_missing_file_is_found() {
    for missing in ["mod.rs", "README.md", "example.yaml"] {
        let files = [("mod.rs", CODE), ("README.md", README), ("example.yaml", EXAMPLE)];
        let found = found(
            "http_delay",
            files.map(|(name, text)| if name == missing { (name, "") } else { (name, text) }),
        );
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(missing), "{found:?}");
    }
}

#[test]
fn other_names_are_found_in_all_three_files() {
    let found = found("http_wait", [("mod.rs", CODE), ("README.md", README), ("example.yaml", EXAMPLE)]);
    assert_eq!(found.len(), 3, "{found:?}");
}

#[test]
fn a_missing_heading_is_found() {
    let readme = README.replace("## Risks\n", "");
    let found = found("http_delay", [("mod.rs", CODE), ("README.md", &readme), ("example.yaml", EXAMPLE)]);
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn the_folders_of_this_repository_are_looked_at() {
    let tree = Tree::of_repository().unwrap();
    assert!(tree.folders(COLLECTIONS[0].root).len() >= 7);
}
