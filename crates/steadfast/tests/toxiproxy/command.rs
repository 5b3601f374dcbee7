//! How it is started, what it says, and how it ends.

use std::net::{TcpListener, TcpStream};

use serde_json::json;

use crate::{
    network::{connect, echo, ends, ping},
    support::{Api, run},
};

/// A file in the folder of this test program.
fn file(name: &str, text: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, text).unwrap();
    let path = path.display().to_string();
    (folder, path)
}

#[test]
fn proxies_of_a_file_are_there_from_the_start() {
    let server = echo();
    let list = json!([
        { "name": "redis", "listen": "127.0.0.1:0", "upstream": server.to_string() },
        { "name": "off", "upstream": server.to_string(), "enabled": false },
    ]);
    let (_folder, path) = file("proxies.json", &list.to_string());
    let api = Api::with(&["--config", &path, "--seed", "7"]);
    let proxy = api.get("/proxies/redis").expect(200).json();
    let listen = proxy["listen"].as_str().unwrap();
    assert_eq!(api.said[0], format!("redis: listening on {listen}, sending to {server}"));
    assert!(api.said[1].starts_with("off: disabled"), "{:?}", api.said);
    assert_eq!(api.said[2], format!("Toxiproxy's API on http://{}, seed 7", api.address));
    ping(&mut connect(listen.parse().unwrap()), b"a");
    assert_eq!(api.get("/proxies/off").json()["enabled"], false);
}

#[test]
fn a_file_that_makes_no_sense_is_a_bad_document_and_an_address_that_is_taken_a_failure() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let remote = json!([{ "name": "a", "upstream": "127.0.0.1:1", "listen": "0.0.0.0:0" }]).to_string();
    for (text, code, said) in [
        ("nonsense".to_owned(), 65, "bad request body"),
        ("{}".to_owned(), 65, "it is not a list of proxies"),
        ("[{}]".to_owned(), 65, "missing required field: name at proxy 1"),
        (
            json!([{ "name": "a", "upstream": "127.0.0.1:1", "listen": taken }]).to_string(),
            4,
            "already in use",
        ),
        (remote, 4, "--allow-remote"),
        (" ".repeat((1 << 20) + 1), 65, "more than 1048576 bytes"),
    ] {
        let (_folder, path) = file("proxies.json", &text);
        let ended = run(&["--toxiproxy-api", "127.0.0.1:0", "--config", &path]);
        assert_eq!(ended.code, Some(code), "{}", ended.stderr);
        assert!(ended.stderr.contains(said) && ended.stderr.contains("proxies.json"), "{}", ended.stderr);
    }
    let ended = run(&["--toxiproxy-api", "127.0.0.1:0", "--config", "/nowhere/proxies.json"]);
    assert_eq!(ended.code, Some(4), "{}", ended.stderr);
}

#[test]
fn other_machines_are_let_in_only_when_asked_for() {
    let ended = run(&["--toxiproxy-api", "0.0.0.0:0"]);
    assert_eq!(ended.code, Some(4));
    assert!(
        ended.stderr.contains("other machines could reach it") && ended.stderr.contains("--allow-remote")
    );
    let server = echo();
    let api = Api::new();
    for listen in ["", ":0"] {
        let name = format!("n{}", listen.len());
        let body = json!({ "name": name, "upstream": server.to_string(), "listen": listen });
        let made = api.post("/proxies", &body).expect(201).json();
        assert!(made["listen"].as_str().unwrap().starts_with("127.0.0.1:"), "{made}");
    }
    let api = Api::with(&["--allow-remote"]);
    for listen in ["", ":0", "0.0.0.0:0"] {
        let name = format!("n{}", listen.len());
        let body = json!({ "name": name, "upstream": server.to_string(), "listen": listen });
        let made = api.post("/proxies", &body).expect(201).json();
        assert!(made["listen"].as_str().unwrap().starts_with("0.0.0.0:"), "{made}");
    }
}

#[test]
fn what_makes_no_sense_is_a_usage_error_and_a_taken_address_a_failure() {
    for arguments in [
        &["--toxiproxy-api", "127.0.0.1"][..],
        &["--toxiproxy-api", "127.0.0.1:0", "--name", "p"],
        &["--toxiproxy-api", "127.0.0.1:0", "--upstream", "127.0.0.1:1"],
        &["--toxiproxy-api", "127.0.0.1:0", "--protocol", "tcp"],
        &["--toxiproxy-api", "127.0.0.1:0", "--seed", "-1"],
        &["--name", "p", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1", "--seed", "1"],
        &["--name", "p", "--listen", "127.0.0.1:0", "--upstream", "127.0.0.1:1", "--config", "x"],
        &["--name", "p", "--listen", "127.0.0.1:0"],
        &[],
    ] {
        let ended = run(arguments);
        assert_eq!(ended.code, Some(64), "{arguments:?}: {}", ended.stderr);
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let ended = run(&["--toxiproxy-api", &taken.local_addr().unwrap().to_string()]);
    assert_eq!(ended.code, Some(4));
    assert!(ended.stderr.contains("in use") && ended.stderr.contains("hint:"), "{}", ended.stderr);
}

#[test]
fn every_difference_in_the_docs_names_a_test_that_is_there() {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(here.join("../../docs/toxiproxy.md")).unwrap();
    let sources: String = std::fs::read_dir(here.join("tests/toxiproxy"))
        .unwrap()
        .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
        .collect();
    let differences = page.split("## Where we differ on purpose").nth(1).unwrap();
    let is_name = |word: &&str| word.matches('_').count() > 4;
    let names: Vec<&str> = differences.split('`').skip(1).step_by(2).filter(is_name).collect();
    assert!(names.len() >= 18, "{names:?}");
    for name in names {
        assert!(sources.contains(&format!("fn {name}()")), "{name}");
    }
    for row in differences.lines().filter(|line| line.starts_with("| ")).skip(1) {
        assert!(row.rsplit('|').nth(1).is_some_and(|cell| cell.contains('`')), "no test in: {row}");
    }
}

#[test]
fn everything_ends_with_the_program_however_it_ends() {
    let server = echo();
    for kill in [false, true] {
        let mut api = Api::new();
        let address = api.proxy(server);
        let mut open = connect(address);
        ping(&mut open, b"a");
        api.toxic("timeout", "downstream", json!({ "timeout": 0 }));
        let before = api.address;
        if kill {
            api.kill();
        } else {
            assert_eq!(api.end(), Some(0));
        }
        ends(&mut open);
        assert!(TcpStream::connect(address).is_err() && TcpStream::connect(before).is_err());
    }
}
