//! Load on this machine and limits of CPU time, by hand and in a run: seen to be there and seen to be gone.

use steadfast_testkit::BusyCgroup;

use crate::support::{Experiment, Place, Service};

#[track_caller]
fn is_seen_and_gone(kind: &str, with: &str, said: &str) {
    let place = Place::new();
    let words = ["fault", "try", kind, "--with", with, "--into", "host: {}", "--for", "3s", "--yes"];
    place.run(&words).expect(0).says(said).says("in effect: worker").says("taken away; not in place: worker");
    place.assert_clean();
}

#[test]
fn cpu_stress_computes() {
    is_seen_and_gone(
        "cpuStress",
        "{ workers: 1, load: 30% }",
        "will compute in 1 thread for 30% of the time",
    );
}

#[test]
fn memory_stress_holds() {
    is_seen_and_gone("memoryStress", "{ size: 64MiB }", "will hold 64MiB of memory on machine");
}

#[test]
fn cpu_throttle_holds_back() {
    let Some(group) = BusyCgroup::new_or_skip("cpu_throttle_holds_back") else { return };
    let (place, into) = (Place::new(), format!("process: {{ pid: {} }}", group.pid()));
    let try_it = |with: &str| {
        place.run(&["fault", "try", "cpuThrottle", "--with", with, "--into", &into, "--for", "2s", "--yes"])
    };
    let tried = try_it("{ quota: 0.1 }").expect(0).says("at most 0.1 CPUs, in place of 0.30");
    tried.says("in effect: cgroup").says("was held back in").says("taken away; not in place: cgroup");
    assert_eq!(group.quota(), Some(BusyCgroup::QUOTA_MICROS));
    try_it("{ quota: 0.3 }").expect(64).says("leaves it 0.30 CPUs already").says("a smaller `quota`");
    try_it("{ quota: 0 }").expect(64).says("0.2 is a fifth of one");
    try_it("{ quota: 20% }").expect(64).says("quota");
    assert_eq!(group.quota(), Some(BusyCgroup::QUOTA_MICROS));
    place.assert_clean();
}

#[test]
fn what_does_not_fit_a_machine_is_refused_with_a_hint() {
    let place = Place::new();
    let attempt = |kind: &str, with: &str, into: &str| {
        place.run(&["fault", "try", kind, "--with", with, "--into", into, "--for", "1s", "--yes"])
    };
    attempt("memoryStress", "{ size: 1000TiB }", "host: {}").expect(64).says("is not a size");
    attempt("memoryStress", "{ size: 100000GiB }", "host: {}").expect(64).says("exhaust: true");
    attempt("memoryStress", "{}", "host: {}").expect(64).says("exactly one of `size` and `percent`");
    attempt("cpuStress", "{ workers: 0 }", "host: {}").expect(64).says("no workers do nothing");
    attempt("cpuStress", "{}", "host: { name: other }").expect(64).says("name");
    attempt("networkPartition", "{}", "host: {}").expect(64).says("for a `host` a stress fault");
    place.assert_untouched();
}

#[test]
fn a_run_under_load_ends_with_a_verdict_that_replays() {
    let (place, service) = (Place::new(), Service::new());
    let fault = "memoryStress: { size: 64MiB }";
    let experiment = Experiment::new(&service.url("/"), fault, "host: {}").lasting("6s");
    let file = place.write("e.yaml", &experiment.text());
    place.run(&["run", &file, "--yes"]).expect(0).says("holds 6").says("MiB of 64MiB").says("held");
    place.run(&["runs", "replay", place.runs()[0]["name"].as_str().unwrap()]).expect(0);
    place.assert_clean();
}
