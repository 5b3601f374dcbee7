//! Every example is run, against the sample system.

use std::{fs, path::PathBuf};

use crate::place::{Place, text};

/// The sample system, up until the test ends.
struct Up(Place);

impl Up {
    fn new() -> Self {
        let place = Place::new("examples");
        let output = place.run(&["demo", "up"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        Self(place)
    }

    /// Runs an example and returns its verdict and everything that was said.
    fn run(&self, example: &str, set: &[&str]) -> (String, String) {
        let file =
            self.0.copy(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example));
        let binding = self.0.state().join("demo/documents/binding.yaml").display().to_string();
        let mut arguments = vec!["run", &file, "--yes", "--binding", &binding];
        for value in set {
            arguments.extend(["--set", value]);
        }
        let output = self.0.run(&arguments);
        let verdict =
            String::from_utf8_lossy(&output.stdout).split_whitespace().next().unwrap_or_default().to_owned();
        (verdict, text(&output))
    }

    /// Address and port of the gateway, from the status.
    fn gateway(&self) -> (String, String) {
        let output = self.0.run(&["demo", "status", "--output", "json"]);
        let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let port = status["state"]["services"]["gateway"]["port"].to_string();
        (format!("http://127.0.0.1:{port}"), port)
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        drop(self.0.run(&["demo", "down"]));
    }
}

#[test]
fn every_example_reaches_the_verdict_it_should_and_leaves_nothing_behind() {
    let up = Up::new();
    let (url, port) = up.gateway();
    let own = [format!("url={url}"), format!("port={port}"), "path=/healthz".into(), "baseline=6s".into()];
    let own: Vec<&str> = own.iter().map(String::as_str).collect();

    let (verdict, said) = up.run("http-basic.yaml", &own);
    assert_eq!(verdict, "refuted", "{said}");
    let (verdict, said) = up.run("process-pause.yaml", &["baseline=6s", "hold=15s"]);
    assert_eq!(verdict, "held", "{said}");
    // prometheus.yaml is run beside a real one, in its own test.
    let (verdict, said) = up.run("proxy-delay.yaml", &["baseline=6s", "hold=12s"]);
    assert_eq!(verdict, "held", "{said}");

    let (verdict, said) = up.run("ramp.yaml", &["baseline=6s", "hold=9s"]);
    assert_eq!(verdict, "refuted", "{said}");
    assert!(
        said.contains("held httpDelay in connection payments -> ledger with jitter 100ms, latency 1s"),
        "{said}"
    );
    assert!(said.contains("before it was the turn"), "{said}");

    let status = text(&up.0.run(&["status"]));
    assert!(status.contains("Nothing is injected."), "{status}");
    let examples = fs::read_dir(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples")).unwrap();
    assert_eq!(examples.count(), 5, "a new example belongs into this test");
}
