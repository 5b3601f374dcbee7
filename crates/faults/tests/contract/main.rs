//! What every fault folder must keep, and that breaking it is noticed: the suite also runs against faults that are
//! sabotaged on purpose.

mod folder;
mod stage;
mod subject;
mod terms;

use folder::example;
use stage::Stage;
use steadfast_faults::{
    FAULTS, Fault as _, FaultError, FaultSpec,
    world::fake::{Trouble, at_once},
};
use steadfast_model::{Effect, Problems, ResolvedTarget, process::ProcessState, proxy::Protocol};
use subject::{Sabotage, Subject};
use terms::{TERMS, broken_terms};

/// Fewer than these would mean that the registry lost one.
const AT_LEAST: usize = 25;

#[test]
fn every_folder_is_complete_and_its_names_agree() {
    assert!(FAULTS.len() >= AT_LEAST, "{} faults", FAULTS.len());
    for kind in FAULTS {
        assert_eq!(folder::problems(kind), Vec::<String>::new(), "{}", kind.kind);
    }
}

#[test]
fn every_example_parses_and_checks_clean() {
    for kind in FAULTS {
        let example = example(kind);
        let mut problems = Problems::new();
        example.fault.as_fault().check(&mut problems);
        assert!(problems.is_empty(), "{}: {problems:?}", kind.kind);
        assert_eq!(example.fault.kind(), kind.kind);
        assert!(example.length.seconds() > 0.0, "{}", kind.kind);
    }
}

#[test]
fn every_fault_keeps_the_contract() {
    for kind in FAULTS {
        let example = example(kind);
        let broken = broken_terms(&example, Sabotage::None);
        assert!(broken.is_empty(), "{}: {broken:#?}", kind.kind);
    }
}

#[test]
fn a_fault_that_injects_nothing_breaks_the_contract() {
    for kind in FAULTS {
        let broken = broken_terms(&example(kind), Sabotage::InjectsNothing);
        let effect = broken.iter().find(|(term, _)| *term == "injecting takes effect");
        assert!(effect.is_some(), "{}: {broken:#?}", kind.kind);
    }
}

#[test]
fn every_other_sabotage_breaks_the_contract() {
    for kind in FAULTS {
        for sabotage in Sabotage::ALL {
            let broken = broken_terms(&example(kind), sabotage);
            assert!(!broken.is_empty(), "{} with {sabotage:?} kept all {} terms", kind.kind, TERMS.len());
        }
    }
}

#[test]
fn faults_that_would_mask_each_other_share_a_key_and_others_do_not() {
    let keys = |stage: &Stage, settings: serde_json::Value| {
        let spec: FaultSpec = serde_json::from_value(settings).unwrap();
        at_once(spec.as_fault().preflight(&stage.world, &stage.targets[..1])).unwrap().keys
    };
    let proxy = Stage::with_proxies(Protocol::Http);
    let down = keys(&proxy, serde_json::json!({ "tcpDown": {} }));
    let slow_http = keys(&proxy, serde_json::json!({ "httpDelay": { "latency": "1s" } }));
    let slow_tcp = keys(&proxy, serde_json::json!({ "tcpDelay": { "latency": "1s" } }));
    assert!(slow_http.iter().all(|key| down.contains(key)));
    assert!(slow_tcp.iter().all(|key| down.contains(key)));
    assert!(slow_tcp.iter().all(|key| !slow_http.contains(key)));

    let abort = keys(&proxy, serde_json::json!({ "httpAbort": {} }));
    let some_abort = keys(&proxy, serde_json::json!({ "httpAbort": { "match": { "every": 2 } } }));
    let body = serde_json::json!({ "httpBody": { "change": { "replace": "" }, "side": "response" } });
    let body = keys(&proxy, body);
    assert!(slow_http.iter().chain(&body).all(|key| abort.contains(key) && !some_abort.contains(key)));
    assert!(slow_tcp.iter().all(|key| !abort.contains(key)), "bytes are delayed all the same");
    let silent = keys(&proxy, serde_json::json!({ "tcpTimeout": {} }));
    assert!(slow_http.iter().chain(&slow_tcp).all(|key| silent.contains(key)));
    let narrow = keys(&proxy, serde_json::json!({ "tcpBandwidth": { "rate": "1Mbit/s" } }));
    assert!(slow_tcp.iter().all(|key| !narrow.contains(key)), "a slow and narrow line is possible");

    let process = Stage::with_processes();
    let kill = keys(&process, serde_json::json!({ "processKill": {} }));
    assert_eq!(kill, keys(&process, serde_json::json!({ "processPause": {} })));
}

#[test]
fn every_proxy_fault_is_masked_by_a_connection_that_is_down() {
    let stage = Stage::with_proxies(Protocol::Http);
    let keys = |spec: &FaultSpec| {
        at_once(spec.as_fault().preflight(&stage.world, &stage.targets)).map(|preview| preview.keys).ok()
    };
    let down = keys(&serde_json::from_value(serde_json::json!({ "tcpDown": {} })).unwrap()).unwrap();
    for kind in FAULTS {
        for key in keys(&example(kind).fault).unwrap_or_default() {
            assert!(down.contains(&key), "{}: tcpDown does not hold {key}", kind.kind);
        }
    }
}

#[test]
fn a_count_that_no_request_reaches_is_no_effect() {
    let stage = Stage::with_proxies(Protocol::Http);
    let rare: FaultSpec =
        serde_json::from_value(serde_json::json!({ "httpAbort": { "match": { "every": 1000 } } })).unwrap();
    let fault = rare.as_fault();
    let before = stage.observe(fault);
    stage.inject(fault).unwrap();
    stage.world.send_traffic(999);
    assert!(matches!(stage.effect_since(&before, fault), Effect::Idle { .. }));
    stage.world.send_traffic(1);
    assert!(matches!(stage.effect_since(&before, fault), Effect::Active { .. }));
}

#[test]
fn a_process_of_somebody_else_is_refused_before_anything_is_touched() {
    for kind in FAULTS.iter().filter(|kind| kind.kind.starts_with("process")) {
        let stage = Stage::with_processes();
        stage.world.make_trouble(Trouble::Denied);
        let fault = example(kind).fault;
        let result = at_once(fault.as_fault().preflight(&stage.world, &stage.targets));
        assert!(matches!(result, Err(FaultError::Denied { .. })), "{}: {result:?}", kind.kind);
    }
}

#[test]
fn a_stopped_or_traced_process_is_not_paused_again() {
    for state in [ProcessState::Stopped, ProcessState::Traced] {
        let stage = Stage::with_processes();
        let ResolvedTarget::Process(process) = &stage.targets[1] else { unreachable!("these are processes") };
        stage.world.set_process(&process.identity, state);
        let pause: FaultSpec = serde_json::from_value(serde_json::json!({ "processPause": {} })).unwrap();
        let result = at_once(pause.as_fault().preflight(&stage.world, &stage.targets));
        assert!(matches!(result, Err(FaultError::Unsupported { .. })), "{state:?}: {result:?}");
    }
}

#[test]
fn an_http_fault_does_not_fit_a_proxy_that_carries_plain_tcp() {
    for kind in FAULTS.iter().filter(|kind| kind.kind.starts_with("http")) {
        let stage = Stage::with_proxies(Protocol::Tcp);
        let subject = Subject::new(example(kind).fault, Sabotage::None, &stage.world);
        let error = at_once(subject.preflight(&stage.world, &stage.targets)).unwrap_err();
        assert!(error.hint().is_some_and(|hint| hint.contains("tcpDelay")), "{}: {error}", kind.kind);
    }
}
