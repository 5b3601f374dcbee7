//! The limits of a machine's owner, as people meet them.

use crate::support::{Experiment, Output, Place, Service, Sleeper};

/// Types a command under one more policy.
#[track_caller]
fn under(place: &Place, spec: &str, arguments: &[&str]) -> Output {
    let text = format!("apiVersion: steadfast.dev/v1alpha1\nkind: Policy\nspec: {spec}\n");
    let policy = place.write("policy.yaml", &text);
    let mut command = place.command(arguments);
    command.env("STEADFAST_POLICY", policy);
    place.start_command(command).wait()
}

#[test]
fn a_run_that_a_policy_forbids_is_refused_before_it_begins() {
    let (place, service, sleeper) = (Place::new(), Service::new(), Sleeper::new());
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    let file = place.write("e.yaml", &Experiment::new(&service.url("/"), "processPause: {}", &into).text());
    for (spec, why) in [
        ("{ longestFault: 1ms }", "longer than the longest fault, 1ms"),
        ("{ targets: { forbid: [process: { command: sleep }] } }", "a process named sleep is forbidden"),
        ("{ longest: 1s }", "policy.yaml:3:9"),
    ] {
        under(&place, spec, &["run", &file, "--yes"]).expect(64).says(why);
        under(&place, spec, &["run", &file, "--dry-run"]).expect(64).says(why);
    }
    under(&place, "{ longestFault: 1ms }", &["run", &file, "--plan"]).expect(64).says("policy.yaml");
    let try_it = ["fault", "try", "processPause", "--into", &into, "--for", "2s", "--yes"];
    under(&place, "{ longestFault: 1s }", &try_it).expect(64).says("longer than the longest fault, 1s");
    assert_eq!(service.served(), 0);
    place.assert_untouched();
    under(&place, "{ longestFault: 1h }", &["run", &file, "--dry-run"])
        .expect(0)
        .says("faults of at most 1h");
}

#[test]
fn the_doctor_shows_the_policy_and_what_is_wrong_with_it() {
    let place = Place::new();
    under(&place, "{ mostFaults: 2 }", &["doctor"]).expect(0).says("at most 2 at once");
    under(&place, "{ mostFaults: two }", &["doctor"]).expect(4).says("policy.yaml:3:21");
    let mut command = place.command(&["doctor"]);
    command.env("STEADFAST_POLICY", "/nowhere/policy.yaml");
    place.start_command(command).wait().expect(4).says("/nowhere/policy.yaml");
}
