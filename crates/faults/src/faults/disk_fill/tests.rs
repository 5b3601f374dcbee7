use serde_json::json;
use steadfast_model::ProcessIdentity;

use super::*;
use crate::world::fake::{FakeWorld, at_once};

const GIB: u64 = 1 << 30;

fn fault(fill: &str) -> DiskFill {
    serde_json::from_value(json!({ "path": "/data", "fill": fill })).unwrap()
}

#[test]
fn all_problems_are_found_at_once() {
    let problems = |settings| {
        let mut problems = Problems::new();
        serde_json::from_value::<DiskFill>(settings).unwrap().check(&mut problems);
        problems.all().len()
    };
    assert_eq!(problems(json!({ "path": "/data", "fill": "90%" })), 0);
    assert_eq!(problems(json!({ "path": "/data", "fill": "1MiB" })), 0);
    assert_eq!(problems(json!({ "path": "data", "fill": "1kB" })), 2);
    assert_eq!(problems(json!({ "path": "/a/../b", "fill": "0%" })), 2);
    for nonsense in ["101%", "90", "x", "-1%", "2GiB%"] {
        let parsed = serde_json::from_value::<DiskFill>(json!({ "path": "/a", "fill": nonsense }));
        assert!(parsed.is_err(), "{nonsense}");
    }
}

#[test]
fn a_share_is_of_the_whole_and_a_size_is_what_is_taken() {
    // Of 100 GiB, 40 are in use.
    let volume = FakeWorld::new().volume();
    let taken = |fill: &str| match fault(fill).stress(&volume) {
        Ok(Stress::Fill { size, wholly, .. }) => Ok((size.bytes() / GIB, wholly)),
        Ok(other) => panic!("{other:?}"),
        Err(error) => Err(error.to_string()),
    };
    assert_eq!(taken("90%"), Ok((50, false)));
    assert_eq!(taken("2GiB"), Ok((2, false)));
    assert_eq!(taken("100%"), Ok((60, true)));
    assert_eq!(taken("40%"), Err("fill /data: 40.0% are in use already".to_owned()));
    assert_eq!(
        taken("61GiB"),
        Err("fill /data: 62464MiB are more than the 61440MiB that are left".to_owned())
    );
}

#[test]
fn the_file_system_of_the_ledger_is_never_filled() {
    let world = FakeWorld::new();
    let targets = [world.add_host("shop-1")];
    world.set_volume(Volume { holds_state: true, ..world.volume() });
    let refused = at_once(fault("50%").preflight(&world, &targets)).unwrap_err();
    assert!(refused.to_string().contains("what Steadfast keeps is on that file system"), "{refused}");
    let mut injection = world.injection(InjectionId::new());
    assert!(at_once(fault("50%").inject(&mut injection, &targets)).is_err());
    assert!(world.log().is_empty());
}

#[test]
fn a_preview_says_how_full_it_will_be_and_warns_of_nothing_left() {
    let world = FakeWorld::new();
    let targets = [world.add_host("shop-1")];
    let preview = |fill| at_once(fault(fill).preflight(&world, &targets)).unwrap();
    assert_eq!(
        preview("90%").actions,
        ["take 51200MiB on /data (ext4 of 102400MiB) of machine shop-1, of which 90.0% are then in use"]
    );
    assert!(preview("90%").warnings.is_empty());
    assert!(preview("100%").warnings[0].contains("nothing is left"));
    assert!(preview("90%").keys[0].ends_with("/disk-254:1"), "{:?}", preview("90%").keys);
}

fn seen(state: ProcessState, held: u64, free: u64, wholly: bool) -> Observation {
    let volume = FakeWorld::new().volume();
    let worker = StressWorker {
        identity: ProcessIdentity { pid: 7, start_time: 1, boot_id: "b".to_owned() },
        stress: Stress::Fill {
            path: "/data".into(),
            device: volume.device.clone(),
            size: ByteSize::new(60 * GIB).unwrap(),
            wholly,
        },
        state,
        age_nanos: 1,
        ran_nanos: 1,
        waited_nanos: 0,
        held_bytes: held * GIB,
        swapped_bytes: 0,
        read_bytes: 0,
        written_bytes: 0,
        usable_cpus: 2,
        cpu_limit: None,
    };
    let volume = Volume { free_bytes: free * GIB, available_bytes: free * GIB, ..volume };
    let status = StressStatus { boot_id: "b".to_owned(), workers: vec![worker], volume: Some(volume) };
    Observation { targets: vec![Sighting::Host(Box::new(status))] }
}

#[test]
fn what_was_asked_for_must_be_taken_and_nothing_left_where_that_was_asked_for() {
    let before = seen(ProcessState::Gone, 0, 60, false);
    let judge =
        |held, free, wholly| fault("100%").judge(&before, &seen(ProcessState::Running, held, free, wholly));
    let active = |effect: &Effect| matches!(effect, Effect::Active { .. });
    assert!(active(&judge(57, 3, false)));
    assert!(!active(&judge(56, 4, false)), "less than 95 % of it");
    assert!(active(&judge(60, 1, true)));
    let given_back = judge(60, 2, true);
    assert!(given_back.to_string().ends_with("others gave back what they had"), "{given_back}");
}

#[test]
fn it_is_gone_only_when_the_room_is_back() {
    let before = seen(ProcessState::Gone, 0, 60, false);
    let judge = |free| fault("100%").judge(&before, &seen(ProcessState::Gone, 0, free, false));
    assert!(matches!(judge(60), Effect::Absent { .. }));
    assert!(matches!(judge(31), Effect::Absent { .. }), "others may have taken some since");
    let kept = judge(0);
    assert!(matches!(&kept, Effect::Unknown { why } if why.starts_with("the room is not back")), "{kept}");
}
