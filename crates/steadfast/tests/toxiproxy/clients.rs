//! Clients that others wrote for Toxiproxy, from their registries, unchanged.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use steadfast_testkit::skip;

use crate::{network::echo, support::Api};

/// What the versions of the clients are that we know to be used.
const PYTHON: &str = "toxiproxy-python==0.1.1";
const NODE: &str = "toxiproxy-node-client@4.1.0";

#[test]
fn the_python_client_works_unchanged() {
    let test = "clients::the_python_client_works_unchanged";
    if !is_there("python3", &["-m", "pip", "--version"]) {
        return skip(test, "python3 with pip is not installed");
    }
    let client = installed("python", |folder| {
        let mut pip = Command::new("python3");
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-compile",
            "--target",
        ]);
        pip.arg(folder).arg(PYTHON);
        pip
    });
    let api = Api::new();
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", client).env("PYTHONDONTWRITEBYTECODE", "1").arg("-W").arg("ignore");
    python.arg(script("client.py")).arg(api.address.to_string()).arg(echo().to_string());
    assert_says_all_is_well(&python.output().unwrap());
}

#[test]
fn the_node_client_works_unchanged() {
    let test = "clients::the_node_client_works_unchanged";
    if !is_there("node", &["--version"]) || !is_there("npm", &["--version"]) {
        return skip(test, "node and npm are not installed");
    }
    let client = installed("node", |folder| {
        let mut npm = Command::new("npm");
        npm.args(["install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]);
        npm.arg(folder).arg(NODE);
        npm
    });
    let api = Api::new();
    let mut node = Command::new("node");
    // What is asked for modules need not be there itself.
    node.arg(script("client.mjs")).arg(client.join("any.js"));
    node.arg(api.address.to_string()).arg(echo().to_string());
    assert_says_all_is_well(&node.output().unwrap());
}

/// Where a client is installed, by this or an earlier run of the tests.
fn installed(name: &str, install: impl Fn(&Path) -> Command) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("toxiproxy-clients");
    let place = folder.join(name);
    if place.exists() {
        return place;
    }
    fs::create_dir_all(&folder).unwrap();
    // Half an installation must not pass for a whole one.
    let half = tempfile::tempdir_in(&folder).unwrap();
    let output = install(half.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::rename(half.path(), &place).unwrap();
    place
}

fn is_there(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/toxiproxy").join(name)
}

#[track_caller]
fn assert_says_all_is_well(output: &Output) {
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success() && said == "all calls as expected\n", "{said}\n{complained}");
}
