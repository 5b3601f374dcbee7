//! Programs that probes run: what they say decides, and nothing of them stays.

use std::{fs, path::PathBuf, time::Duration};

use rustix::process::Signal;

use crate::support::{Experiment, Output, Place, Proxy, Running, Service, wait_until};

/// A service behind a proxy that nobody cares about is slow, and a probe that runs a script.
struct Scripted {
    place: Place,
    service: Service,
    proxy: Proxy,
    script: PathBuf,
}

impl Scripted {
    fn new(script: &str) -> Self {
        let (place, service) = (Place::new(), Service::new());
        let proxy = place.proxy(service.address);
        let script = place.write("check.sh", &format!("#!/bin/sh\n{script}\n")).into();
        Self { place, service, proxy, script }
    }

    fn start(&self, more: &str, time: &str) -> Running {
        let script = self.script.display();
        let steady = format!(
            "command: {{ name: script, argv: [sh, '{script}', '{}'], {more}, tolerance: {{ absolute: 90% }} }}",
            self.service.url("/")
        );
        let mut experiment =
            Experiment::new(&self.proxy.url(), "httpDelay: { latency: 20ms }", &self.proxy.target());
        experiment.steady = steady;
        let file = self.place.write("e.yaml", &experiment.lasting(time).text());
        self.place.start(&["run", &file, "--yes"])
    }

    fn run(&self, more: &str) -> Output {
        let output = self.start(more, "6s").wait();
        self.place.assert_clean();
        output
    }

    /// Processes whose command line names the script's folder, but for the proxy and reaper.
    fn left(&self) -> Vec<String> {
        let needle = format!("{}/mark", self.place.path().display());
        let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
        let lines = lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " "));
        lines.filter(|line| line.contains(&needle)).collect()
    }
}

/// A program that cannot be mistaken for another, and sleeps on.
fn sleeper(place: &str) -> String {
    format!("sh -c 'sleep 300; : {place}/mark'")
}

#[test]
fn an_exit_code_or_a_number_decides() {
    Scripted::new("exit 0").run("expect: { exitCode: [0] }").expect(0).says("held");
    Scripted::new("echo 3").run("expect: { number: { atMost: 5 } }").expect(0).says("held");
    let json = "expect: { json: { pointer: /lag, atMost: 5 } }";
    Scripted::new("echo '{\"lag\": 7}'").run(json).expect(2).says("inconclusive").never_says("held");
}

#[test]
fn a_program_that_says_nothing_is_never_held() {
    Scripted::new("echo lots").run("expect: { number: { atMost: 5 } }").expect(2).says("no number");
    Scripted::new("kill -9 $$").run("timeout: 1s").expect(2).says("signal 9").never_says("held");
    Scripted::new("yes").run("timeout: 1s").expect(2).says("printed more than").never_says("held");
    Scripted::new("/no/such/program").run("timeout: 1s").expect(2).says("exit code 127").never_says("held");
}

#[test]
fn its_environment_holds_what_the_document_says_and_no_other_secret() {
    let scripted = Scripted::new("[ \"$TOKEN\" = s3cret ] && [ -z \"$OTHER\" ] && [ -z \"$FROM\" ]");
    let steady = format!(
        "command: {{ name: script, argv: [sh, '{}'], env: {{ TOKEN: {{ secret: {{ env: FROM }} }} }}, tolerance: {{ absolute: 90% }} }}",
        scripted.script.display()
    );
    let mut experiment =
        Experiment::new(&scripted.proxy.url(), "httpDelay: { latency: 20ms }", &scripted.proxy.target());
    experiment.steady = steady;
    let file = scripted.place.write("e.yaml", &experiment.lasting("6s").text());
    let mut command = scripted.place.command(&["run", &file, "--yes"]);
    command.env("FROM", "s3cret").env("OTHER", "x");
    scripted.place.start_command(command).wait().expect(0).says("held").never_says("s3cret");
}

#[test]
fn what_a_program_leaves_behind_is_gone_whoever_dies() {
    let place_of = Scripted::new("");
    let place = place_of.place.path().display().to_string();
    // One in its group, one that moved away into a session of its own, and the program itself, which hangs.
    let (one, other) = (sleeper(&place), sleeper(&place));
    let script = format!("#!/bin/sh\n{one} &\nsetsid {other} </dev/null >/dev/null 2>&1 &\nexec {one}\n");
    fs::write(&place_of.script, script).unwrap();

    let mut run = place_of.start("timeout: 20s", "60s");
    run.wait_for("Measuring the steady state");
    let patience = Duration::from_secs(10);
    wait_until("all of it runs", patience, || place_of.left().len() >= 3);
    run.signal(Signal::KILL);
    wait_until("nothing is left after kill -9", patience, || place_of.left().is_empty());
    drop(run);

    let mut run = place_of.start("timeout: 20s", "60s");
    run.wait_for("Measuring the steady state");
    wait_until("all of it runs again", patience, || place_of.left().len() >= 3);
    run.signal(Signal::INT);
    run.wait();
    wait_until("nothing is left after a stop", patience, || place_of.left().is_empty());

    let mut run = place_of.start("timeout: 300ms", "60s");
    run.wait_for("Measuring the steady state");
    wait_until("it runs once more", patience, || !place_of.left().is_empty());
    wait_until("its deadline ends all of it", patience, || place_of.left().is_empty());
    run.signal(Signal::INT);
    run.wait();
    place_of.place.assert_clean();
}
