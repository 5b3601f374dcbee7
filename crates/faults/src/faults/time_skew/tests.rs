use steadfast_model::{ProcessIdentity, skew::ClockStatus};

use super::*;

fn fault(settings: serde_json::Value) -> TimeSkew {
    serde_json::from_value(settings).unwrap()
}

fn problems(settings: serde_json::Value) -> Vec<String> {
    let mut problems = Problems::new();
    fault(settings).check(&mut problems);
    problems.all().iter().map(|problem| problem.message.clone()).collect()
}

fn seen(told: Option<u64>) -> Observation {
    let identity = ProcessIdentity { pid: 7, start_time: 1, boot_id: "b".to_owned() };
    Observation { targets: vec![Sighting::Clocks(Box::new(ClockStatus { identity, told }))] }
}

#[test]
fn an_offset_of_nothing_is_refused_and_so_is_a_clock_that_stands_still() {
    assert_eq!(problems(serde_json::json!({})), ["nothing is changed"]);
    assert_eq!(problems(serde_json::json!({ "offset": "0" })), ["nothing is changed"]);
    assert_eq!(problems(serde_json::json!({ "offset": "-1h" })), Vec::<String>::new());
    assert_eq!(problems(serde_json::json!({ "drift": 50.5 })), Vec::<String>::new());
    assert_eq!(
        problems(serde_json::json!({ "drift": -1_000_000 })),
        ["-1000000 is outside -900000 to 9000000 millionths"]
    );
    assert_eq!(problems(serde_json::json!({ "offset": "1s", "clocks": [] })), ["no clock is named"]);
    let twice = serde_json::json!({ "offset": "1s", "clocks": ["realtime", "realtime"] });
    assert_eq!(problems(twice), ["a clock is named twice"]);
}

#[test]
fn a_process_that_does_not_read_its_clocks_shows_nothing() {
    let judge = |before, now| {
        fault(serde_json::json!({ "offset": "-1h", "drift": 20 })).judge(&seen(before), &seen(now))
    };
    assert!(matches!(judge(None, None), Effect::Absent { .. }));
    assert!(matches!(judge(None, Some(0)), Effect::Idle { .. }));
    assert!(matches!(judge(Some(3), Some(3)), Effect::Idle { .. }));
    assert!(matches!(judge(Some(3), None), Effect::Absent { .. }));
    let active = judge(None, Some(3)).to_string();
    assert_eq!(active, "in effect: process 7 read its clocks 3 times, -1h off, 20 ppm faster");
}
