use super::*;

fn parse(settings: serde_json::Value) -> Result<ProcessKill, serde_json::Error> {
    serde_json::from_value(settings)
}

#[test]
fn the_signals_of_the_schema_are_exactly_those_that_pass_the_check() {
    let schema = schemars::schema_for!(ProcessKill).to_value();
    let allowed: Vec<&str> = schema["properties"]["signal"]["enum"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    for name in ["KILL", "TERM", "INT", "HUP", "QUIT", "ABRT", "STOP", "CONT"] {
        let mut problems = Problems::new();
        parse(serde_json::json!({ "signal": name })).unwrap().check(&mut problems);
        assert_eq!(problems.is_empty(), allowed.contains(&name), "{name}");
    }
}

#[test]
fn stopping_is_not_killing_and_the_hint_says_what_is() {
    let mut problems = Problems::new();
    ProcessKill { signal: Signal::Stop }.check(&mut problems);
    assert!(problems.all()[0].hint.as_deref().unwrap().contains("processPause"));
}

#[test]
fn a_process_that_was_dead_before_proves_nothing() {
    let seen = |state| Observation {
        targets: vec![Sighting::Process {
            identity: steadfast_model::ProcessIdentity { pid: 7, start_time: 1, boot_id: "b".to_owned() },
            state,
        }],
    };
    let judge = |before, now| ProcessKill::default().judge(&seen(before), &seen(now));
    assert!(matches!(judge(ProcessState::Running, ProcessState::Gone), Effect::Active { .. }));
    assert!(matches!(judge(ProcessState::Running, ProcessState::Dead), Effect::Active { .. }));
    assert!(matches!(judge(ProcessState::Gone, ProcessState::Gone), Effect::Unknown { .. }));
    assert!(matches!(judge(ProcessState::Running, ProcessState::Running), Effect::Absent { .. }));
}
