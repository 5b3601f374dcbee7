//! Whole runs: what they conclude, and what they leave behind.

use std::time::Duration;

use crate::support::{Experiment, Place, Service, Sleeper, get, quickest};

#[test]
fn a_service_that_tolerates_a_little_delay_is_held() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let experiment = Experiment::new(&proxy.url(), "httpDelay: { latency: 20ms }", &proxy.target());
    let file = place.write("e.yaml", &experiment.text());
    place.run(&["run", &file, "--yes"]).expect(0).says("held");
    place.assert_clean();
    let took = quickest(proxy.address);
    assert!(took < Duration::from_millis(20), "{took:?}");
}

#[test]
fn errors_refute_and_end_the_run_early() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let experiment =
        Experiment::new(&proxy.url(), "httpStatus: { status: 503 }", &proxy.target()).lasting("30s");
    let file = place.write("e.yaml", &experiment.text());
    let begun = std::time::Instant::now();
    place.run(&["run", &file, "--yes"]).expect(1).says("refuted").says("Harm is shown by answers");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    place.assert_clean();
    assert_eq!(get(proxy.address, "/").unwrap().0, 200);
}

#[test]
fn a_fault_that_nobody_meets_proves_nothing() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let experiment =
        Experiment::new(&service.url("/"), "httpDelay: { latency: 500ms }", &proxy.target()).lasting("2s");
    let file = place.write("e.yaml", &experiment.text());
    place.run(&["run", &file, "--yes"]).expect(2).says("inconclusive");
    let runs = place.runs();
    assert_eq!(runs[0]["verdict"], "inconclusive", "{runs:?}");
    place.assert_clean();
}

#[test]
fn a_dry_run_touches_nothing() {
    let (place, service, sleeper) = (Place::new(), Service::new(), Sleeper::new());
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    let file = place.write("e.yaml", &Experiment::new(&service.url("/"), "processPause: {}", &into).text());
    place.run(&["run", &file, "--dry-run"]).expect(0).says("takes").says("Nothing was touched");
    assert_eq!(sleeper.state(), 'S');
    assert_eq!(service.served(), 0);
    place.assert_untouched();
}

#[test]
fn without_a_terminal_somebody_must_have_agreed() {
    let (place, service, sleeper) = (Place::new(), Service::new(), Sleeper::new());
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    let file = place.write("e.yaml", &Experiment::new(&service.url("/"), "processPause: {}", &into).text());
    place.run(&["run", &file]).expect(64).says("--yes");
    assert_eq!(sleeper.state(), 'S');
    place.assert_untouched();
}

#[test]
fn json_output_is_one_event_a_line_and_ends_with_the_conclusion() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let experiment =
        Experiment::new(&proxy.url(), "httpDelay: { latency: 20ms }", &proxy.target()).lasting("2s");
    let file = place.write("e.yaml", &experiment.text());
    let output = place.run(&["run", &file, "--yes", "--output", "json"]).expect(0);
    let lines: Vec<serde_json::Value> =
        output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.len() > 15, "{}", output.stdout);
    let last = lines.last().unwrap().to_string();
    assert!(last.contains("\"held\""), "{last}");
    let samples = lines.iter().filter(|line| line.to_string().contains("sampled")).count();
    assert!(samples >= 18, "5 s of 250 ms intervals: {samples}");
}

#[test]
fn a_guard_that_trips_ends_the_run_and_proves_nothing() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let mut experiment =
        Experiment::new(&proxy.url(), "httpStatus: { status: 503, percent: 60% }", &proxy.target())
            .lasting("30s");
    experiment.steady = experiment.steady.replace("10%", "90%");
    experiment.guards = "[{ metric: { name: answers, above: 20%, for: 500ms } }]".to_owned();
    let file = place.write("e.yaml", &experiment.text());
    place.run(&["run", &file, "--yes"]).expect(2).says("inconclusive").says("guard");
    place.assert_clean();
    assert_eq!(get(proxy.address, "/").unwrap().0, 200);
}

#[test]
fn parameters_take_values_from_the_command_line() {
    let (place, service, sleeper) = (Place::new(), Service::new(), Sleeper::new());
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    let mut experiment = Experiment::new(&service.url("/"), "processPause: {}", &into).lasting("'${time}'");
    experiment.rest = "  parameters: { time: 3s }\n".to_owned();
    let file = place.write("e.yaml", &experiment.text());
    place.run(&["run", &file, "--dry-run"]).expect(0).says("for 3s");
    place.run(&["run", &file, "--dry-run", "--set", "time=7s"]).expect(0).says("for 7s");
    place.run(&["run", &file, "--dry-run", "--set", "time=seven"]).expect(65).says("seven");
    place.run(&["run", &file, "--dry-run", "--set", "tim=7s"]).expect(65).says("did you mean `time`");
    place.assert_untouched();
}

#[test]
fn two_runs_do_not_share_a_target() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let experiment =
        Experiment::new(&proxy.url(), "httpDelay: { latency: 20ms }", &proxy.target()).lasting("40s");
    let file = place.write("e.yaml", &experiment.text());
    let mut first = place.start(&["run", &file, "--yes"]);
    first.wait_for("Watching under the fault");
    let status = place.run(&["status", "--output", "json"]).expect(0).json();
    let holder = status["injections"][0]["injection"].as_str().unwrap();
    place.run(&["run", &file, "--yes"]).expect(4).says(holder).says("httpDelay");
    first.signal(rustix::process::Signal::HUP);
    first.wait().expect(3);
    assert_eq!(place.runs().len(), 1);
    place.assert_clean();
}
