//! Methods of more than one fault: ramps, repetitions, faults beside each other, programs.

use std::{fs, time::Duration};

use rustix::process::Signal;

use crate::support::{Experiment, Output, Place, Proxy, Service, quickest, wait_until};

/// A service behind a proxy, with requests that must be answered within 200 ms.
struct Scene {
    place: Place,
    proxy: Proxy,
    _service: Service,
}

impl Scene {
    fn new() -> Self {
        let (place, service) = (Place::new(), Service::new());
        let proxy = place.proxy(service.address);
        Self { place, proxy, _service: service }
    }

    fn write(&self, steps: &str) -> String {
        let steps = steps.replace("PROXY", &self.proxy.target());
        let experiment = Experiment::new(&self.proxy.url(), "", "").doing(&steps);
        self.place.write("e.yaml", &experiment.text())
    }

    #[track_caller]
    fn run(&self, steps: &str, code: i32) -> Output {
        let output = self.place.run(&["run", &self.write(steps), "--yes"]).expect(code);
        self.place.assert_clean();
        assert!(quickest(self.proxy.address) < Duration::from_millis(20), "everything is gone");
        output
    }

    /// The name of the only run.
    fn last(&self) -> String {
        self.place.runs()[0]["name"].as_str().unwrap().to_owned()
    }

    /// The lines in which the last run was told, fault by fault.
    fn faults(&self) -> Vec<String> {
        let shown = self.place.run(&["runs", "show", &self.last(), "--output", "json"]).expect(0).json();
        let events = shown["events"].as_array().unwrap();
        let faults = events.last().unwrap()["body"]["concluded"]["faults"].as_array().unwrap();
        let told = |fault: &serde_json::Value| {
            format!("{} {}", fault["verdict"].as_str().unwrap(), fault["fault"].as_str().unwrap())
        };
        faults.iter().map(told).collect()
    }
}

#[test]
fn a_ramp_says_how_much_the_system_bears() {
    let scene = Scene::new();
    let output = scene.run(
        "    - inject:
        fault: { httpDelay: { latency: 1ms } }
        into: { PROXY }
        for: 3s
        ramp: [{ latency: 5ms }, { latency: 10ms }, { latency: 400ms }, { latency: 1s }]",
        1,
    );
    output.says("held httpDelay in").says("latency 10ms").says("before it was the turn");
    let told = scene.faults();
    let verdicts: Vec<&str> = told.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(verdicts, ["held", "held", "refuted", "inconclusive"], "{told:?}");
    assert!(told[2].ends_with("latency 400ms"), "{told:?}");
    let report =
        scene.place.run(&["runs", "report", &scene.last(), "--format", "junit", "--file", "-"]).expect(0);
    report.says("metric answers under httpDelay in").says("latency 400ms");
}

#[test]
fn faults_beside_each_other_are_felt_together_and_judged_each() {
    let scene = Scene::new();
    let output = scene.run(
        "    - parallel:
        - inject: { fault: { httpDelay: { latency: 20ms } }, into: { PROXY }, for: 4s }
        - inject: { fault: { tcpSlice: { size: 20B, pause: 1ms } }, into: { PROXY }, for: 3s, after: 500ms }",
        0,
    );
    output.says("held httpDelay in").says("held tcpSlice in");
}

#[test]
fn a_fault_is_repeated_and_judged_over_all_its_times() {
    let scene = Scene::new();
    let output = scene.run(
        "    - inject:
        fault: { httpDelay: { latency: 20ms } }
        into: { PROXY }
        for: 1500ms
        repeat: { times: 2, pause: 1s }",
        0,
    );
    assert_eq!(output.stderr.matches("The fault is in place").count(), 2, "{}", output.stderr);
    output.says("held");
}

#[test]
fn a_program_runs_before_a_fault_and_beside_it() {
    let scene = Scene::new();
    let file = scene.place.path().join("said");
    let write = |word: &str| {
        format!(
            "run: {{ argv: [sh, -c, 'echo {word} $SECRET >> {}'], env: {{ SECRET: hush }} }}",
            file.display()
        )
    };
    let steps = format!(
        "    - {}
    - parallel:
        - inject: {{ fault: {{ httpDelay: {{ latency: 20ms }} }}, into: {{ PROXY }}, for: 3s }}
        - {}
    - {}",
        write("before"),
        write("beside"),
        write("after"),
    );
    let output = scene.run(&steps, 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), "before hush\nbeside hush\nafter hush\n");
    output.says("`sh …` is done: exit code 0").never_says("hush");
}

#[test]
fn a_program_that_fails_ends_the_run_and_says_what_it_said() {
    let scene = Scene::new();
    let output = scene.run(
        "    - parallel:
        - inject: { fault: { httpDelay: { latency: 20ms } }, into: { PROXY }, for: 30s }
        - run: { argv: [sh, -c, 'echo no such cluster >&2; exit 3'], after: 1s }",
        4,
    );
    output.says("exit code 3; it says: no such cluster").says("inconclusive (failed)");
}

#[test]
fn a_program_that_does_not_end_is_ended_with_all_it_started() {
    let scene = Scene::new();
    let file = scene.place.path().join("pid");
    let program = format!("sleep 300 & echo $! > {}; wait", file.display());
    let steps = format!(
        "    - run: {{ argv: [sh, -c, '{program}'], deadline: DEADLINE }}
    - inject: {{ fault: {{ httpDelay: {{ latency: 20ms }} }}, into: {{ PROXY }}, for: 3s }}"
    );
    let ended = |file: &std::path::Path| {
        let pid = fs::read_to_string(file).unwrap();
        wait_until("the sleeper is gone", Duration::from_secs(5), || {
            !std::path::Path::new("/proc").join(pid.trim()).exists()
        });
    };
    scene.run(&steps.replace("DEADLINE", "2s"), 4).says("it did not end within 2s");
    ended(&file);
    fs::remove_file(&file).unwrap();
    // The same when the run is stopped.
    let document = scene.write(&steps.replace("DEADLINE", "5m"));
    let run = scene.place.start(&["run", &document, "--yes"]);
    wait_until("the program runs", Duration::from_secs(20), || {
        fs::read_to_string(&file).is_ok_and(|pid| pid.ends_with('\n'))
    });
    run.signal(Signal::INT);
    run.wait().expect(3);
    ended(&file);
    scene.place.assert_clean();
}

#[test]
fn what_a_method_cannot_do_is_said_where_it_stands() {
    let scene = Scene::new();
    for (steps, says) in [
        (
            "    - parallel: [{ inject: { fault: { httpDelay: { latency: 1s } }, into: { PROXY }, for: 3s } }]",
            "from 2 to 20",
        ),
        (
            "    - inject: { fault: { httpDelay: { latency: 1s } }, into: { PROXY }, for: 3s, ramp: [{ latencie: 1s }] }",
            "unknown field `latencie`",
        ),
        (
            "    - inject: { fault: { httpDelay: { latency: 1s } }, into: { PROXY }, for: 3s, ramp: [{ latency: 0s }] }",
            "e.yaml:",
        ),
        (
            "    - inject: { fault: { httpDelay: { latency: 1s } }, into: { PROXY }, for: 3s, repeat: { times: 1 } }",
            "2 to 100 times",
        ),
        (
            "    - inject: { fault: { httpDelay: { latency: 1s } }, into: { PROXY }, for: 3s, ramp: [{ latency: 1s }, { latency: 2s }], repeat: { times: 60 } }",
            "120 injections",
        ),
        ("    - run: { argv: [] }", "no program is named"),
        ("    - run: { argv: [ls], exitCodes: [300] }", "300 is no exit code"),
    ] {
        scene.place.run(&["run", &scene.write(steps), "--yes"]).expect(65).says(says).says("e.yaml:");
    }
}
