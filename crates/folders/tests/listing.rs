//! From folders on disk to code.

use std::{fs, path::Path};

use steadfast_folders::{Collection, FoldersError, list};

const FAULTS: Collection = Collection {
    root: "src/faults",
    item: "crate::Fault",
    noun: "fault",
    spec: "FaultSpec",
    entry: "FaultKind",
    registry: "FAULTS",
};

fn add(root: &Path, name: &str) {
    let folder = root.join(name);
    fs::create_dir(&folder).expect("a fresh folder can be written");
    fs::write(folder.join("mod.rs"), "").expect("a fresh folder can be written");
    fs::write(folder.join("README.md"), format!("# {name}\n\nDoes \"{name}\". More.\n"))
        .expect("a fresh folder can be written");
    fs::write(folder.join("example.yaml"), "").expect("a fresh folder can be written");
}

#[test]
fn folders_come_by_name_whatever_the_order_on_disk() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for (root, names) in [(&one, ["tcp_down", "http_delay"]), (&other, ["http_delay", "tcp_down"])] {
        names.iter().for_each(|name| add(root.path(), name));
        fs::create_dir(root.path().join("notes")).unwrap();
        let found: Vec<String> = list(root.path()).unwrap().into_iter().map(|folder| folder.name).collect();
        assert_eq!(found, ["http_delay", "tcp_down"]);
    }
}

#[test]
fn the_code_names_every_folder_once_in_each_place() {
    let root = tempfile::tempdir().unwrap();
    add(root.path(), "http_delay");
    let folders = list(root.path()).unwrap();
    let code = FAULTS.render(&folders);
    for line in [
        "pub mod http_delay;",
        "    #[doc = \"Does \\\"http_delay\\\".\"]",
        "    #[serde(rename = \"httpDelay\")]",
        "    HttpDelay(http_delay::HttpDelay),",
        "            Self::HttpDelay(fault) => fault,",
        "            Self::HttpDelay(_) => \"httpDelay\",",
        "pub static FAULTS: &[FaultKind] = &[",
        "        kind: \"httpDelay\",",
    ] {
        assert_eq!(code.lines().filter(|found| *found == line).count(), 1, "{line}\nin\n{code}");
    }
    assert_eq!(code, FAULTS.render(&folders));
}

#[test]
fn an_incomplete_or_badly_named_folder_is_an_error_that_names_it() {
    for (break_it, expected) in [
        (
            Box::new(|folder: &Path| fs::remove_file(folder.join("README.md"))) as Box<dyn Fn(&Path) -> _>,
            "README.md",
        ),
        (Box::new(|folder: &Path| fs::remove_file(folder.join("example.yaml"))), "example.yaml"),
        (Box::new(|folder: &Path| fs::write(folder.join("README.md"), "# title\n")), "first sentence"),
        (Box::new(|folder: &Path| fs::rename(folder, folder.with_file_name("Http-Delay"))), "Http-Delay"),
    ] {
        let root = tempfile::tempdir().unwrap();
        add(root.path(), "http_delay");
        break_it(&root.path().join("http_delay")).unwrap();
        let error = list(root.path()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn no_folders_at_all_are_an_error() {
    let root = tempfile::tempdir().unwrap();
    assert!(matches!(list(root.path()), Err(FoldersError::Empty { .. })));
    assert!(matches!(list(&root.path().join("missing")), Err(FoldersError::File { .. })));
}
