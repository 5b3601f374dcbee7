//! Being asked to end in the middle of a fault: revert, conclude, exit with 3.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Experiment, Place, Proxy, Running, Service, Sleeper, get, quickest, wait_until};

/// A run whose fault, a slow proxy, has been seen to work.
fn under_a_fault(place: &Place, service: &Service) -> (Proxy, Running) {
    let proxy = place.proxy(service.address);
    let experiment =
        Experiment::new(&proxy.url(), "httpDelay: { latency: 60ms }", &proxy.target()).lasting("40s");
    let file = place.write("e.yaml", &experiment.text());
    let mut run = place.start(&["run", &file, "--yes"]);
    run.wait_for("Watching under the fault");
    let (_, took) = get(proxy.address, "/").unwrap();
    assert!(took >= Duration::from_millis(60), "{took:?}");
    (proxy, run)
}

#[track_caller]
fn ended_well(place: &Place, proxy: &Proxy, run: Running) {
    run.wait().expect(3).says("Taking the fault away").says("inconclusive (stopped)");
    let took = quickest(proxy.address);
    assert!(took < Duration::from_millis(60), "{took:?}");
    place.assert_clean();
    let runs = place.runs();
    assert_eq!((runs.len(), &runs[0]["outcome"]), (1, &"stopped".into()), "{runs:?}");
}

#[test]
fn an_interrupt_reverts_and_concludes() {
    let (place, service) = (Place::new(), Service::new());
    let (proxy, run) = under_a_fault(&place, &service);
    run.signal(Signal::INT);
    ended_well(&place, &proxy, run);
}

#[test]
fn pressing_twice_loses_nothing() {
    let (place, service) = (Place::new(), Service::new());
    let (proxy, run) = under_a_fault(&place, &service);
    for _ in 0..5 {
        run.signal(Signal::INT);
        std::thread::sleep(Duration::from_millis(2));
    }
    ended_well(&place, &proxy, run);
}

#[test]
fn a_request_to_terminate_reverts_and_concludes() {
    let (place, service) = (Place::new(), Service::new());
    let (proxy, run) = under_a_fault(&place, &service);
    run.signal(Signal::TERM);
    ended_well(&place, &proxy, run);
}

#[test]
fn another_terminal_stops_a_run_by_its_name() {
    let (place, service) = (Place::new(), Service::new());
    let (proxy, run) = under_a_fault(&place, &service);
    place.run(&["stop", "nobody"]).expect(64).says("no run called `nobody`").says("short-");
    let status = place.run(&["status", "--output", "json"]).expect(0).json();
    let name = status["runs"][0]["name"].as_str().unwrap().to_owned();
    assert_eq!(status["injections"][0]["fault"], "httpDelay", "{status:#}");
    place.run(&["stop", &name]).expect(0).says(&format!("{name} stopped"));
    ended_well(&place, &proxy, run);
}

#[test]
fn another_terminal_stops_all_runs() {
    let (place, service) = (Place::new(), Service::new());
    place.run(&["stop", "--all"]).expect(0).says("No run is under way");
    let (proxy, run) = under_a_fault(&place, &service);
    place.run(&["stop", "--all"]).expect(0).says("stopped");
    ended_well(&place, &proxy, run);
}

#[test]
fn a_paused_process_runs_again_after_an_interrupt() {
    let (place, service, sleeper) = (Place::new(), Service::new(), Sleeper::new());
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    let experiment = Experiment::new(&service.url("/"), "processPause: {}", &into).lasting("40s");
    let file = place.write("e.yaml", &experiment.text());
    let mut run = place.start(&["run", &file, "--yes"]);
    run.wait_for("Watching under the fault");
    assert_eq!(sleeper.state(), 'T');
    run.signal(Signal::INT);
    run.wait().expect(3);
    assert_eq!(sleeper.state(), 'S');
    place.assert_clean();
}

#[test]
fn before_the_fault_there_is_nothing_to_revert_and_the_target_is_never_touched() {
    let (place, service, sleeper) = (Place::new(), Service::new(), Sleeper::new());
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    let experiment = Experiment::new(&service.url("/"), "processPause: {}", &into);
    let file = place.write("e.yaml", &experiment.text());
    let mut run = place.start(&["run", &file, "--yes"]);
    run.wait_for("Measuring the steady state");
    run.signal(Signal::INT);
    run.wait().expect(3).never_says("Taking the fault away");
    assert_eq!(sleeper.state(), 'S');
    place.assert_clean();
}

#[test]
fn the_reaper_reverts_when_the_injector_is_killed() {
    let (place, service, sleeper) = (Place::new(), Service::new(), Sleeper::new());
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    let experiment = Experiment::new(&service.url("/"), "processPause: {}", &into).lasting("40s");
    let file = place.write("e.yaml", &experiment.text());
    let mut run = place.start(&["run", &file, "--yes"]);
    run.wait_for("Watching under the fault");
    assert_eq!(sleeper.state(), 'T');
    run.signal(Signal::KILL);
    wait_until("the reaper lets it run again", Duration::from_secs(2), || sleeper.state() == 'S');
    drop(run);
    place.assert_clean();
    assert_eq!(place.runs()[0]["verdict"], serde_json::Value::Null);
    place.run(&["runs", "replay", "--all"]).expect(0).says("unfinished");
}
