//! Finding targets, and refusing those that must not be touched.

use std::net::TcpListener;

use steadfast_engine::host::{Host, HostErrorKind};
use steadfast_model::{Binding, ResolvedTarget, Target};
use steadfast_testkit::Sleeper;

use crate::stage::{Injector, Stage, fault, role_command};

fn target(json: &str) -> Target {
    serde_json::from_str(json).unwrap()
}

fn by_pid(pid: u32) -> Target {
    target(&format!(r#"{{"process":{{"pid":{pid}}}}}"#))
}

#[tokio::test]
async fn a_process_is_found_by_number_and_by_service() {
    let (stage, sleeper) = (Stage::new(), Sleeper::new());
    let binding: Binding = serde_json::from_value(serde_json::json!({
        "services": { "risk": { "process": { "pid": sleeper.pid() } }, "wallet": {} }
    }))
    .unwrap();
    let host = stage.host_with(binding, vec![]);
    for asked in [by_pid(sleeper.pid()), Target::Service("risk".to_owned())] {
        let found = host.resolve(&asked).await.unwrap();
        let [ResolvedTarget::Process(process)] = &found[..] else { panic!("{found:?}") };
        assert_eq!((process.identity.pid, process.command.as_str()), (sleeper.pid(), "sleep"));
        assert_eq!(process.service.is_some(), asked == Target::Service("risk".to_owned()));
        let preview = host.preflight(&fault(r#"{"processPause":{}}"#), &found).await.unwrap();
        assert!(preview.keys[0].starts_with("process:"));
    }
    assert!(sleeper.runs(), "looking changes nothing");
}

#[tokio::test]
async fn what_matches_nothing_is_told_with_a_hint() {
    let stage = Stage::new();
    let binding: Binding = serde_json::from_value(serde_json::json!({
        "services": { "risk": {}, "wallet": {} },
        "connections": [{ "from": "payments", "to": "risk", "proxy": "lost" }],
        "proxies": { "dead": { "control": "/nowhere/control.sock" } }
    }))
    .unwrap();
    let host = stage.host_with(binding, vec![]);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let cases = [
        (r#"{"process":{"pid":4194304000}}"#.to_owned(), "there is none"),
        (r#"{"process":{}}"#.to_owned(), "nothing says which"),
        (r#"{"process":{"user":"nobody-of-this-name"}}"#.to_owned(), "has no user"),
        (r#"{"process":{"executable":"/nowhere/*/java","select":"all"}}"#.to_owned(), "there is none"),
        (format!(r#"{{"process":{{"listening":{port}}}}}"#), "nothing listens there"),
        (r#"{"service":"rsik"}"#.to_owned(), "does not name it"),
        (r#"{"service":"wallet"}"#.to_owned(), "names no process"),
        (r#"{"connection":{"from":"risk","to":"payments"}}"#.to_owned(), "does not name it"),
        (r#"{"connection":{"from":"payments","to":"risk"}}"#.to_owned(), "find proxy lost"),
        (r#"{"proxy":{"name":"dead"}}"#.to_owned(), "reach the proxy"),
        (r#"{"proxy":{}}"#.to_owned(), "either `name` or `control`"),
    ];
    for (asked, part) in cases {
        let refused = host.resolve(&target(&asked)).await.unwrap_err();
        assert_eq!(refused.kind, HostErrorKind::NoTarget, "{asked}: {refused:?}");
        assert!(refused.message.contains(part), "{asked}: {refused:?}");
    }
}

#[tokio::test]
async fn steadfast_and_what_it_stands_on_are_never_targets() {
    let mut stage = Stage::new();
    stage.timing.reaper_linger = std::time::Duration::from_secs(30);
    let command = role_command("reaper", &stage.path(), stage.timing);
    let reaper = steadfast_host::ensure_reaper(&stage.state(), &command, stage.timing).await.unwrap();
    let host = stage.host();
    let own = std::process::id();
    let parent = steadfast_linux::ancestors(own).unwrap()[0];
    for pid in [own, parent, 1, reaper.pid] {
        let refused = host.resolve(&by_pid(pid)).await.unwrap_err();
        assert_eq!(refused.kind, HostErrorKind::Protected, "{pid}: {refused:?}");
    }
    // Through a port, too.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let refused =
        host.resolve(&target(&format!(r#"{{"process":{{"listening":{port}}}}}"#))).await.unwrap_err();
    assert_eq!(refused.kind, HostErrorKind::Protected);
}

#[tokio::test]
async fn an_injector_at_work_and_its_ancestors_are_never_targets() {
    let (stage, sleeper) = (Stage::new(), Sleeper::new());
    let injector = stage.injector(&sleeper, std::time::Duration::from_secs(60));
    let refused = stage.host().resolve(&by_pid(injector.handle().identity().pid)).await.unwrap_err();
    assert_eq!(refused.kind, HostErrorKind::Protected);
}

#[tokio::test]
async fn this_program_under_another_command_is_no_target_but_a_service_of_the_demo_is() {
    let stage = Stage::new();
    let host = stage.host();
    let commands = ["proxy", "reaper", "run", "demo", "demo-supervisor", "fault", "recover", "stop"];
    for command in commands {
        let mut process = Injector::start_with_words("idle", &stage, &[], &[command, "x"]);
        process.hear();
        let refused = host.resolve(&by_pid(process.handle().identity().pid)).await.unwrap_err();
        assert_eq!(refused.kind, HostErrorKind::Protected, "{command}: {refused:?}");
    }
    for words in [&["demo-service", "run"][..], &[]] {
        let mut process = Injector::start_with_words("idle", &stage, &[], words);
        process.hear();
        host.resolve(&by_pid(process.handle().identity().pid)).await.unwrap();
    }
}

#[tokio::test]
async fn a_run_that_announced_itself_is_no_target_and_neither_is_what_it_stands_on() {
    let (stage, sleeper) = (Stage::new(), Sleeper::new());
    let host = stage.host();
    let identity = steadfast_linux::identify(sleeper.pid()).unwrap().unwrap();
    let live = stage.state().path().join("live");
    std::fs::create_dir(&live).unwrap();
    let announce = |start_time: u64| {
        let process = serde_json::json!({
            "pid": identity.pid, "startTime": start_time, "bootId": identity.boot_id
        });
        let run = serde_json::json!({ "run": "r", "name": "a-123456", "process": process });
        std::fs::write(live.join("a.json"), run.to_string()).unwrap();
    };
    std::fs::write(live.join("b.json"), "{").unwrap();
    announce(identity.start_time - 1);
    host.resolve(&by_pid(sleeper.pid())).await.unwrap();
    announce(identity.start_time);
    let refused = host.resolve(&by_pid(sleeper.pid())).await.unwrap_err();
    assert_eq!(refused.kind, HostErrorKind::Protected, "{refused:?}");
    assert!(refused.message.contains("a run under way"), "{refused:?}");
}

#[tokio::test]
async fn what_was_found_before_is_refused_again_when_it_is_protected() {
    let stage = Stage::new();
    let identity = steadfast_linux::own_identity().unwrap();
    let process = steadfast_model::target::ResolvedProcess::new(identity, "x");
    let order = crate::stage::pause(ResolvedTarget::Process(process), std::time::Duration::from_secs(1));
    let refused = stage.host().inject(&order).await.unwrap_err();
    assert_eq!(refused.kind, HostErrorKind::Protected);
}

#[tokio::test]
async fn the_inventory_tells_what_works() {
    let stage = Stage::new();
    for capability in stage.host().inventory().await {
        assert!(capability.works && capability.hint.is_none(), "{capability:?}");
    }
    let host = stage.host_with(Binding::default(), vec!["/bin/false".into()]);
    crate::stage::eventually("the reaper leaves", || stage.reaper().is_none()).await;
    let reaper = host.inventory().await.into_iter().find(|capability| capability.name == "reaper").unwrap();
    assert!(!reaper.works && reaper.hint.is_some(), "{reaper:?}");
}
