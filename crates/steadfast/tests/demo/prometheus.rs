//! A belief about the sample system, judged by what a real Prometheus knows.

use std::{fs, path::Path, thread, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use steadfast_testkit::Prometheus;

use crate::place::{Place, text};

/// The sample system with a Prometheus that scrapes its gateway.
struct Watched {
    place: Place,
    prometheus: Prometheus,
}

impl Watched {
    fn new(name: &str) -> Self {
        let place = Place::new(name);
        let output = place.run(&["demo", "up"]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
        let output = place.run(&["demo", "status", "--output", "json"]);
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        let port = &status["state"]["services"]["gateway"]["port"];
        let prometheus = Prometheus::start(&[("gateway", format!("127.0.0.1:{port}"))]).unwrap();
        Self { place, prometheus }
    }

    /// Runs an experiment in which one connection is slow; answers the exit code and all that was said.
    fn run(&self, steady: &str, to: &str) -> (Option<i32>, String) {
        self.run_for(steady, to, "12s")
    }

    fn run_for(&self, steady: &str, to: &str, hold: &str) -> (Option<i32>, String) {
        let document = format!(
            "apiVersion: steadfast.dev/v1alpha1
kind: Experiment
metadata: {{ name: by-prometheus }}
spec:
  steadyState:
    - prometheus: {{ name: known, url: '{url}', {steady} }}
  load:
    - http: {{ name: pay, service: gateway, method: POST, path: /pay, rate: 100/s, timeout: 1s, body: '{{\"from\":\"any\",\"to\":\"any\",\"amount\":1250}}' }}
  method:
    - inject: {{ fault: {{ httpDelay: {{ latency: 2s }} }}, into: {{ connection: {{ from: payments, to: {to} }} }}, for: {hold} }}
  windows: {{ baseline: 8s, recovery: 4s, interval: 1s }}
",
            url = self.prometheus.url(),
        );
        let file = self.place.state().join("by-prometheus.yaml");
        fs::write(&file, document).unwrap();
        self.run_file(&file, &[])
    }

    fn run_file(&self, file: &Path, set: &[String]) -> (Option<i32>, String) {
        let binding = self.place.state().join("demo/documents/binding.yaml").display().to_string();
        let file = self.place.copy(file);
        let mut arguments = vec!["run", &file, "--yes", "--binding", &binding];
        set.iter().for_each(|value| arguments.extend(["--set", value]));
        let output = self.place.run(&arguments);
        (output.status.code(), format!("{}{}", text(&output), self.notes()))
    }

    /// What was odd about the intervals of the last run.
    fn notes(&self) -> String {
        let list = self.place.run(&["runs", "list", "--limit", "1", "--output", "json"]);
        let list: Value = serde_json::from_slice(&list.stdout).unwrap();
        let Some(run) = list[0]["name"].as_str() else { return String::new() };
        let shown = self.place.run(&["runs", "show", run, "--output", "json"]);
        let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
        let samples = shown["events"].as_array().unwrap().iter();
        let samples = samples.map(|event| &event["body"]["sampled"]["metrics"][0]).filter(|it| !it.is_null());
        samples.map(|sample| format!("{sample}\n")).collect()
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        drop(self.place.run(&["demo", "down"]));
    }
}

/// Payments that took longer than half a second, by the gateway's own histogram.
const FAST: &str = r#"ratio: { good: 'http_request_duration_seconds_bucket{job="gateway",route="/pay",le="0.5"}',
          total: 'http_request_duration_seconds_count{job="gateway",route="/pay"}' }, tolerance: { absolute: 5% }"#;

#[test]
fn a_belief_about_the_sample_system_is_held_or_refuted_by_promql() {
    let watched = Watched::new("promql");
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/prometheus.yaml");
    let set = [format!("prometheus={}", watched.prometheus.url()), "baseline=8s".into(), "hold=12s".into()];
    let (code, said) = watched.run_file(&example, &set);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("held"), "{said}");

    let (code, said) = watched.run(FAST, "ledger");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("refuted"), "{said}");

    let rate = "value: { query: 'histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket{job=\"gateway\",route=\"/pay\"}[1s])))',
          atMost: 0.5, every: 1s }, tolerance: { absolute: 80% }";
    // One event a second: it takes a while to know.
    let (code, said) = watched.run_for(rate, "risk", "45s");
    assert_eq!(code, Some(0), "{said}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the fault has to be in place for some time")]
fn a_prometheus_that_dies_under_the_fault_lets_nothing_be_held() {
    let watched = Watched::new("promdies");
    let pid = i32::try_from(watched.prometheus.pid()).ok().and_then(Pid::from_raw).unwrap();
    let (code, said) = thread::scope(|scope| {
        let run = scope.spawn(|| watched.run(FAST, "risk"));
        thread::sleep(Duration::from_secs(12));
        kill_process(pid, Signal::KILL).unwrap();
        run.join().unwrap()
    });
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("inconclusive") && said.contains("connection refused"), "{said}");
}

#[test]
fn without_its_prometheus_nothing_is_concluded() {
    let mut watched = Watched::new("noprom");
    watched.prometheus.end();
    let (code, said) = watched.run(FAST, "risk");
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("connection refused"), "{said}");
}
