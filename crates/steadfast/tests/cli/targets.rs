//! Targets that are not there, and targets that must not be touched.

use rustix::process::Signal;

use crate::support::{Experiment, Nobody, Output, Place, Service, Sleeper, wait_until};

/// Runs `processPause` into a target; it must be refused with 64, before anything is recorded.
#[track_caller]
fn refused(place: &Place, service: &Service, into: &str) -> Output {
    let file = place.write("e.yaml", &Experiment::new(&service.url("/"), "processPause: {}", into).text());
    let output = place.run(&["run", &file, "--yes"]).expect(64);
    assert_eq!(service.served(), 0);
    place.assert_untouched();
    output
}

#[test]
fn a_target_that_matches_nothing_is_refused() {
    let (place, service) = (Place::new(), Service::new());
    refused(&place, &service, "process: { pid: 4194303 }").says("there is none");
    refused(&place, &service, "process: { listening: 1 }").says("nothing listens there");
    refused(&place, &service, "service: nobody").says("nobody");
    refused(&place, &service, "connection: { from: a, to: b }").says("a");
    refused(&place, &service, "proxy: { name: nobody }").says("nobody");
    refused(&place, &service, "proxy: { control: /nowhere/p.sock }").says("/nowhere/p.sock");
}

#[test]
fn steadfast_spares_its_ancestors_and_the_first_process() {
    let (place, service) = (Place::new(), Service::new());
    let own = format!("process: {{ pid: {} }}", std::process::id());
    refused(&place, &service, &own).says("an ancestor of Steadfast");
    // The service is a thread of this test.
    let port = format!("process: {{ listening: {} }}", service.address.port());
    refused(&place, &service, &port).says("an ancestor of Steadfast");
    let try_it = ["fault", "try", "processKill", "--into", "process: { pid: 1 }", "--for", "1s", "--yes"];
    place.run(&try_it).expect(64).says("failed to disturb process 1: it is");
}

#[test]
fn steadfast_spares_itself() {
    let (place, service) = (Place::new(), Service::new());
    let text = Experiment::new(&service.url("/"), "processPause: {}", "process: { pid: 7654321 }").text();
    let file = place.write("template.yaml", &text);
    // The shell writes its own number into the document and then becomes the program.
    let script = r#"sed "s/7654321/$$/" "$1" > own.yaml && exec "$2" run own.yaml --yes"#;
    let mut command = place.bare("sh");
    command.env("STEADFAST_STATE_DIR", place.state());
    command.args(["-c", script, "sh", &file, env!("CARGO_BIN_EXE_steadfast")]);
    place.start_command(command).wait().expect(64).says("it is Steadfast itself");
    place.assert_untouched();
}

#[test]
fn a_proxy_of_the_binding_is_no_target_for_a_process_fault() {
    let (place, service) = (Place::new(), Service::new());
    let proxy = place.proxy(service.address);
    let control = proxy.control.display();
    place.write(
        "binding.yaml",
        &format!(
            "apiVersion: steadfast.dev/v1alpha1\nkind: Binding\nmetadata: {{ name: b }}\nspec:\n  proxies: {{ p: {{ control: '{control}' }} }}\n"
        ),
    );
    let into = format!("process: {{ pid: {} }}", proxy.process.pid());
    refused(&place, &service, &into).says("a fault proxy, which must take orders");
}

#[test]
fn the_reaper_and_an_injector_at_work_are_spared() {
    let (place, service, sleeper) = (Place::new(), Service::new(), Sleeper::new());
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    let mut holder = place.start(&["fault", "try", "processPause", "--into", &into, "--for", "30s", "--yes"]);
    holder.wait_for("injected");
    let status = place.run(&["status", "--output", "json"]).expect(0).json();
    let reaper = status["reaper"]["pid"].as_u64().unwrap_or_else(|| panic!("{status:#}"));
    let attempt = |pid: u64| {
        let into = format!("process: {{ pid: {pid} }}");
        place.run(&["fault", "try", "processPause", "--into", &into, "--for", "2s", "--yes"]).expect(64)
    };
    attempt(reaper).says("the reaper");
    attempt(holder.pid().into()).says("an injector at work");
    holder.signal(Signal::INT);
    holder.wait().expect(3);
    assert_eq!(sleeper.state(), 'S');
    assert_eq!(service.served(), 0);
    place.assert_clean();
}

#[test]
fn a_process_that_is_stopped_already_is_no_target_for_a_pause() {
    let (place, sleeper) = (Place::new(), Sleeper::new());
    sleeper.signal(Signal::STOP);
    wait_until("it stops", std::time::Duration::from_secs(2), || sleeper.state() == 'T');
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    let output = place.run(&["fault", "try", "processPause", "--into", &into, "--for", "1s", "--yes"]);
    assert_ne!(output.code, Some(0), "{output:?}");
    output.says("stopped");
    assert_eq!(sleeper.state(), 'T', "whoever stopped it still wants it stopped");
    place.assert_clean();
}

#[test]
fn somebody_elses_process_needs_a_privilege() {
    let place = Place::new();
    let Some(nobody) = Nobody::new("targets::somebody_elses_process_needs_a_privilege") else {
        // Only root can become somebody else. For others, process 1 is somebody else's, and spared as an ancestor.
        let try_it = ["fault", "try", "processKill", "--into", "process: { pid: 1 }", "--for", "1s", "--yes"];
        place.run(&try_it).expect(64);
        return;
    };
    let sleeper = Sleeper::new();
    let into = format!("process: {{ pid: {} }}", sleeper.pid());
    for kind in ["processPause", "processKill"] {
        let words = ["fault", "try", kind, "--into", &into, "--for", "1s", "--yes"];
        nobody.run(&place, &words, true).expect(77).says("run as the user the process belongs to");
        assert_eq!(sleeper.state(), 'S');
    }
}
