use steadfast_model::ProcessIdentity;

use super::*;

fn seen(state: ProcessState) -> Observation {
    let identity = ProcessIdentity { pid: 7, start_time: 1, boot_id: "b".to_owned() };
    Observation { targets: vec![Sighting::Process { identity, state }] }
}

fn judge(before: ProcessState, now: ProcessState) -> Effect {
    ProcessPause {}.judge(&seen(before), &seen(now))
}

#[test]
fn a_stopped_process_that_ran_before_shows_the_effect() {
    assert!(matches!(judge(ProcessState::Running, ProcessState::Stopped), Effect::Active { .. }));
}

#[test]
fn a_process_that_was_stopped_before_shows_nothing() {
    assert!(matches!(judge(ProcessState::Stopped, ProcessState::Stopped), Effect::Unknown { .. }));
    assert!(matches!(judge(ProcessState::Running, ProcessState::Traced), Effect::Unknown { .. }));
}

#[test]
fn a_running_or_ended_process_is_not_paused() {
    for now in [ProcessState::Running, ProcessState::Dead, ProcessState::Gone] {
        assert!(matches!(judge(ProcessState::Running, now), Effect::Absent { .. }), "{now:?}");
    }
}
