//! Containers of a real Podman as targets: by label, name, image and id.

use std::{fs, net::UdpSocket, time::Duration};

use steadfast_linux::network::Namespace;
use steadfast_testkit::{NetnsPair, Podman};

use crate::support::{Place, wait_until};

fn state(pid: u32) -> char {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(") ").next().unwrap().chars().next().unwrap()
}

#[test]
fn containers_are_disturbed_from_outside_and_nothing_is_left_in_them() {
    let test = "containers_are_disturbed_from_outside_and_nothing_is_left_in_them";
    let (Some(pair), Some(podman)) = (NetnsPair::new_or_skip(test), Podman::new_or_skip(test)) else {
        return;
    };
    podman.run("pay-1", "app=payments", Some(&pair.a));
    podman.run("pay-2", "app=payments", None);
    podman.run("risk-1", "app=risk", None);
    let names = ["pay-1", "pay-2", "risk-1"];
    let before = names.map(|name| podman.processes(name));
    let files = names.map(|name| podman.changes(name));
    assert!(before.iter().all(|pids| pids.len() == 2), "{before:?}");

    let (place, socket) = (Place::new(), podman.socket());
    let into = |by: &str| format!("container: {{ {by}, socket: {} }}", socket.display());
    let words = |kind: &str, with: &str, into: &str| {
        ["fault", "try", kind, "--with", with, "--into", into, "--for", "1500ms", "--yes"].map(str::to_owned)
    };
    let try_it = |kind: &str, with: &str, into: &str| {
        place.run(&words(kind, with, into).each_ref().map(String::as_str))
    };

    // Every process of every container with that label, and no other.
    let all = into("label: app=payments, select: all, processes: all");
    let mut pausing = place.start(&words("processPause", "{}", &all).each_ref().map(String::as_str));
    pausing.wait_for("in effect");
    let stopped = |pid: &u32| state(*pid) == 'T';
    assert!(before[0].iter().chain(&before[1]).all(stopped) && !before[2].iter().any(stopped));
    pausing.wait().expect(0).says("will stop container pay-1").says("taken away");
    assert!(!before.iter().flatten().any(stopped));

    // The first process stands for control groups and network.
    try_it("cpuThrottle", "{ quota: 0.1 }", &into("name: pay-1"))
        .expect(0)
        .says("of container pay-1 (process")
        .says("was held back in")
        .says("taken away; not in place: cgroup");
    let at = |netns: &str, address| {
        let namespace = Namespace::named(netns).unwrap().unwrap();
        let socket = namespace.inside(|| UdpSocket::bind((address, 7000)).unwrap()).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
        socket
    };
    let (inside, outside) = (at(&pair.a, NetnsPair::ADDRESS_A), at(&pair.b, NetnsPair::ADDRESS_B));
    let carries = || {
        outside.send_to(b"x", inside.local_addr().unwrap()).unwrap();
        inside.recv(&mut [0; 8]).is_ok()
    };
    assert!(carries());
    let partition = words("networkPartition", "{}", &into("image: localhost/steadfast-*, name: pay-1"));
    let mut cut = place.start(&partition.each_ref().map(String::as_str));
    cut.wait_for("injected");
    wait_until("nothing gets through", Duration::from_secs(2), || !carries());
    cut.wait().expect(0).says("in effect");
    assert!(carries());

    // By its id no engine is asked.
    let groups = fs::read_to_string(format!("/proc/{}/cgroup", before[2][0])).unwrap();
    let id = groups.lines().find_map(|line| line.split_once("/libpod-")?.1.get(..64)).unwrap().to_owned();
    let by_id = format!("container: {{ id: {} }}", &id[..12]);
    try_it("processPause", "{}", &by_id).expect(0).says(&format!("process {}", before[2][0]));

    assert_eq!(names.map(|name| podman.processes(name)), before);
    assert_eq!(names.map(|name| podman.changes(name)), files);
    try_it("processPause", "{}", &into("name: pay-*")).expect(64).says("2 match: pay-1, pay-2");
    try_it("processPause", "{}", &into("label: app=billing")).expect(64).says("none is running");
    place.assert_clean();
}

#[test]
fn an_engine_that_does_not_answer_is_said() {
    let place = Place::new();
    let try_it = |into: &str| {
        place.run(&["fault", "try", "processPause", "--into", into, "--for", "1s", "--yes"]).expect(64)
    };
    try_it("container: { name: pay-1, socket: /nowhere/api.sock }").says("/nowhere/api.sock");
    try_it("container: { id: 0123456789ab }").says("no process is in a control group");
    try_it("container: { id: '0123' }").says("too short to be sure of");
    place.assert_untouched();
}
