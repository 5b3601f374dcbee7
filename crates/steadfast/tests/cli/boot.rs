//! The unit that undoes at boot.

use std::process::Command;

use steadfast_testkit::skip;

use crate::support::Place;

#[test]
fn the_unit_runs_this_very_program_before_the_network() {
    let unit = Place::new().run(&["recover", "--print-unit"]).expect(0).stdout;
    let lines: Vec<&str> = unit.lines().filter(|line| !line.starts_with('#')).collect();
    let start =
        format!("ExecStart={} --state-dir /var/lib/steadfast recover", env!("CARGO_BIN_EXE_steadfast"));
    for wanted in [
        "[Unit]",
        "After=local-fs.target",
        "Before=network-pre.target multi-user.target shutdown.target",
        "[Service]",
        "Type=oneshot",
        start.as_str(),
        "[Install]",
        "WantedBy=multi-user.target",
    ] {
        assert!(lines.contains(&wanted), "{wanted} in\n{unit}");
    }
}

#[test]
fn systemd_takes_the_unit() {
    let place = Place::new();
    let unit = place.run(&["recover", "--print-unit"]).expect(0).stdout;
    let file = place.write("steadfast-recover.service", &unit);
    let Ok(verified) = Command::new("systemd-analyze").args(["verify", "--man=no", &file]).output() else {
        return skip("systemd_takes_the_unit", "systemd-analyze is not installed");
    };
    let said = String::from_utf8_lossy(&verified.stderr).into_owned();
    // It also looks at the units of this machine that ours waits for, which are none of our business.
    let about_ours: Vec<&str> = said.lines().filter(|line| line.contains("steadfast")).collect();
    assert!(about_ours.is_empty(), "{said}");
    let broken = place.write("steadfast-broken.service", &unit.replace("Type=oneshot", "Type=sometimes"));
    let verified = Command::new("systemd-analyze").args(["verify", "--man=no", &broken]).output().unwrap();
    assert!(String::from_utf8_lossy(&verified.stderr).contains("steadfast-broken"), "what is wrong is seen");
}
