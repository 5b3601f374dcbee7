//! Being asked to end in the middle of a fault: revert, conclude, exit with 3.

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

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

/// Kills a run under a fault, and its reaper before it can do anything.
fn both_die(place: &Place, run: Running) {
    let lock = std::fs::read_to_string(place.state().join("reaper.lock")).unwrap();
    let lock: serde_json::Value = serde_json::from_str(&lock).unwrap();
    let reaper = lock["identity"]["pid"].as_u64().or_else(|| lock["pid"].as_u64()).unwrap();
    let reaper = Pid::from_raw(i32::try_from(reaper).unwrap()).unwrap();
    // A stopped run cannot start another reaper.
    run.signal(Signal::STOP);
    kill_process(reaper, Signal::KILL).unwrap();
    run.signal(Signal::KILL);
    drop(run);
}

#[test]
fn whoever_wants_everything_stopped_gets_it_also_when_nobody_is_left_to_ask() {
    for words in [&["stop", "--all"][..], &["stop", "nobody"], &["doctor"]] {
        let (place, service, sleeper) = (Place::new(), Service::new(), Sleeper::new());
        let into = format!("process: {{ pid: {} }}", sleeper.pid());
        let experiment = Experiment::new(&service.url("/"), "processPause: {}", &into).lasting("40s");
        let file = place.write("e.yaml", &experiment.text());
        let mut run = place.start(&["run", &file, "--yes"]);
        run.wait_for("Watching under the fault");
        both_die(&place, run);
        assert_eq!(sleeper.state(), 'T', "nobody is left to let it run");
        place.run(words).says("undid injection");
        assert_eq!(sleeper.state(), 'S', "{words:?}");
        place.assert_clean();
    }
}

#[test]
fn a_reader_that_does_not_read_holds_up_nothing() {
    use std::{io::Read as _, os::fd::AsFd as _, process::Stdio};

    let (place, service, sleeper) = (Place::new(), Service::new(), Sleeper::new());
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    let experiment = Experiment::new(&service.url("/"), "processPause: {}", &into).lasting("40s");
    let file = place.write("e.yaml", &experiment.text());
    let mut command = place.command(&["run", &file, "--yes", "--output", "json"]);
    let mut run = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut pipe = run.stdout.take().unwrap();
    // The smallest there is: a handful of events fill it, long before the fault.
    rustix::pipe::fcntl_setpipe_size(pipe.as_fd(), 4096).unwrap();
    wait_until("the fault is in place", Duration::from_secs(30), || sleeper.state() == 'T');
    kill_process(Pid::from_child(&run), Signal::TERM).unwrap();
    wait_until("it is taken away", Duration::from_secs(10), || sleeper.state() == 'S');
    wait_until("the run has concluded", Duration::from_secs(10), || {
        place.runs()[0]["outcome"] == serde_json::json!("stopped")
    });
    assert!(run.try_wait().unwrap().is_none(), "it still has something to say");
    let mut said = String::new();
    pipe.read_to_string(&mut said).unwrap();
    assert_eq!(run.wait().unwrap().code(), Some(3));
    let events = said.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    assert!(events.count() > 20, "nothing was lost: {said}");
    place.assert_clean();
}
