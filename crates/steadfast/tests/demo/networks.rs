//! Packets are disturbed in network namespaces of the demo's own, by somebody without privileges, where that is allowed.

use std::{
    io::{BufRead, BufReader},
    thread,
    time::Duration,
};

use rustix::process::{Signal, kill_process};

use crate::{
    place::{Place, text},
    verdicts::assert_verdict,
};

/// The demo says that it has no namespaces, and the test that it could not see what it is there for.
pub(crate) fn left_out(test: &str, said: &str) {
    steadfast_testkit::skip(test, "this machine gives no network namespaces without root");
    assert!(said.contains("the demo gets no network namespaces of its own (failed to "), "{said}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "killed processes are waited for")]
fn a_demo_that_is_killed_takes_its_networks_along_and_the_next_command_closes_the_file() {
    let test = "a_demo_that_is_killed_takes_its_networks_along_and_the_next_command_closes_the_file";
    let place = Place::for_no_load("killed");
    let demo = ["demo", "--only", "risk-far"];
    if !place.gives_networks() {
        let output = place.run(&demo);
        assert_eq!(output.status.code(), Some(77), "{}", text(&output));
        return left_out(test, &text(&output));
    }
    let mut running = place.start(&demo);
    let mut lines = BufReader::new(running.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut said = String::new();
    while !said.contains("in effect: network namespace") {
        said += &lines.next().unwrap_or_else(|| panic!("it ended: {said}"));
        said.push('\n');
    }
    // Frozen first, so that only the next command can close what is open.
    let reaper = place.reaper().unwrap();
    kill_process(reaper, Signal::STOP).unwrap();
    running.kill().unwrap();
    running.wait().unwrap();
    kill_process(reaper, Signal::KILL).unwrap();
    // Nothing leads to a namespace without a name but a process in it.
    for _ in 0..100 {
        if place.left_over().is_empty() {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    assert!(place.left_over().is_empty(), "{:?}", place.left_over());
    let output = place.run(&["recover"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    assert!(text(&output).contains("undid injection"), "{}", text(&output));
    let status = text(&place.run(&["status"]));
    assert!(status.contains("Nothing is injected."), "{status}");
}

#[test]
fn without_network_namespaces_the_demo_says_so_and_goes_on_with_proxies() {
    let place = Place::for_no_load("without-ns");
    // In a user namespace where no other may be made, as somebody without capabilities: none of it reaches outside.
    let inside = "echo 0 > /proc/sys/user/max_user_namespaces && \
                  exec setpriv --bounding-set=-all --inh-caps=-all \"$@\"";
    let by: &[&str] = match place.gives_networks() {
        true => &["unshare", "--user", "--map-root-user", "sh", "-c", inside, "sh"],
        false => &[],
    };
    // In there this user is called root, whose usual place for state is not this user's.
    let state = place.state().display().to_string();
    let run = |words: &[&str]| place.run_by(by, &[&["--state-dir", &state], words].concat());
    let output = run(&["demo", "--only", "no-traffic"]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("the demo gets no network namespaces of its own (failed to "), "{said}");
    assert!(said.contains("the proxies disturb connections"), "{said}");
    assert_verdict(&said, "no-traffic", "inconclusive");

    let output = run(&["demo", "--only", "risk-far"]);
    assert_eq!(output.status.code(), Some(77), "{}", text(&output));
    assert!(text(&output).contains("`risk-far` disturbs packets"), "{}", text(&output));

    let doctor = text(&run(&["doctor"]));
    assert!(doctor.contains("no network namespaces of its own (failed to "), "{doctor}");
}

#[test]
fn a_policy_is_never_lost_on_the_way_into_a_user_namespace() {
    let place = Place::for_no_load("policy-ns");
    let policy = place.root().join("policy.yaml").display().to_string();
    let by = ["env", &format!("STEADFAST_POLICY={policy}")];
    let output = place.run_by(&by, &["demo", "--only", "risk-far"]);
    assert_eq!(output.status.code(), Some(77), "{}", text(&output));
    assert!(text(&output).contains("there is a policy"), "{}", text(&output));
    if place.gives_networks() {
        // In there root's files seem to belong to nobody, so who wrote the policy cannot be told.
        let by = ["env", "STEADFAST_POLICY=/etc/passwd"];
        // This user is called root in there, whose usual place for state is not this user's.
        let state = place.state().display().to_string();
        let output = place.run_by(&by, &["--state-dir", &state, "demo", "--apart", "--only", "risk-far"]);
        assert!(!output.status.success(), "{}", text(&output));
        assert!(text(&output).contains("neither root nor this user"), "{}", text(&output));
    }
}

#[test]
fn a_policy_that_forbids_the_delay_leaves_the_other_experiments_alone() {
    let place = Place::for_no_load("forbidden");
    let policy = place.root().join("policy.yaml");
    let document =
        "apiVersion: steadfast.dev/v1alpha1\nkind: Policy\nspec: { faults: { forbid: [networkDelay] } }\n";
    std::fs::write(&policy, document).unwrap();
    let by = ["env", &format!("STEADFAST_POLICY={}", policy.display())];
    let output = place.run_by_this_user(&by, &["demo", "--only", "no-traffic"]);
    let said = text(&output);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(said.contains("faults on packets are left out"), "{said}");
    assert_verdict(&said, "no-traffic", "inconclusive");
}
