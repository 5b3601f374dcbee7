//! The limits of the machine's owner, at the last gate.

use std::{fs, os::unix::fs::PermissionsExt, time::Duration};

use steadfast_engine::host::{Host, HostErrorKind, InjectionOrder};
use steadfast_host::{LocalHost, Policies};
use steadfast_model::{InjectionId, ResolvedTarget};
use steadfast_testkit::{NetnsPair, Sleeper};

use crate::stage::{Stage, eventually, fault, pause, target_of};

/// A machine with this policy.
fn host(stage: &Stage, spec: &str) -> LocalHost {
    let file = stage.directory.path().join("policy.yaml");
    fs::write(&file, format!("apiVersion: steadfast.dev/v1alpha1\nkind: Policy\nspec: {spec}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    stage.host().with_policies(Policies::default().of_another_machine_for_tests(file))
}

async fn inject(host: &LocalHost, targets: &[ResolvedTarget], seconds: u64) -> Result<(), String> {
    let [target] = targets else { panic!("one target") };
    host.inject(&pause(target.clone(), Duration::from_secs(seconds))).await.map_err(|error| {
        assert_eq!(error.kind, HostErrorKind::Unsupported, "{error}");
        error.message
    })
}

#[tokio::test]
async fn what_the_policy_forbids_is_not_injected_and_leaves_no_trace() {
    let (stage, sleeper) = (Stage::new(), Sleeper::new());
    let targets = [target_of(&sleeper)];
    let by_name = "{ targets: { forbid: [process: { command: sleep }] } }";
    for (spec, why) in [
        ("{ longestFault: 10s }", "longer than the longest fault, 10s"),
        ("{ faults: { forbid: [processPause] } }", "processPause is forbidden"),
        ("{ faults: { allow: [tcpDelay] } }", "not among the allowed faults (tcpDelay)"),
        (by_name, "a process named sleep is forbidden"),
        ("{ targets: { allow: [proxy: {}] } }", "not among the allowed targets (any proxy)"),
        ("{ longestFault: 10 }", "policy.yaml:3:23"),
    ] {
        let refused = inject(&host(&stage, spec), &targets, 60).await.unwrap_err();
        assert!(refused.contains(why) && refused.contains("policy.yaml"), "{spec}: {refused}");
        assert!(sleeper.runs(), "{spec}");
    }
    assert!(stage.ledger().live().unwrap().is_empty());
    let host = host(&stage, by_name);
    let refused = host.preflight(&fault(r#"{"processPause":{}}"#), &targets).await.unwrap_err();
    assert!(refused.message.contains("a process named sleep is forbidden"), "also before a run: {refused}");
}

#[tokio::test]
async fn what_is_live_counts_and_what_is_gone_does_not() {
    let stage = Stage::new();
    let sleepers = [Sleeper::new(), Sleeper::new()];
    let targets = sleepers.each_ref().map(target_of);
    let host = host(&stage, "{ mostFaults: 1, longestFault: 1m }");
    let first = pause(targets[0].clone(), Duration::from_secs(60));
    host.inject(&first).await.unwrap();
    let refused = inject(&host, &targets[1..], 60).await.unwrap_err();
    assert!(refused.contains("1 faults are in place, and no more than 1 may be"), "{refused}");
    assert!(sleepers[1].runs());
    host.revert(first.injection).await.unwrap();
    inject(&host, &targets[1..], 60).await.unwrap();
    assert!(!sleepers[1].runs(), "once the first is gone there is room");
}

#[tokio::test]
async fn a_policy_that_turns_bad_does_not_hold_up_the_way_back() {
    let (stage, sleeper) = (Stage::new(), Sleeper::new());
    let host = host(&stage, "{ longestFault: 2m }");
    let order = pause(target_of(&sleeper), Duration::from_secs(60));
    host.inject(&order).await.unwrap();
    fs::write(stage.directory.path().join("policy.yaml"), "nonsense").unwrap();
    let capabilities = host.inventory().await;
    let policy = capabilities.iter().find(|capability| capability.name == "policy").unwrap();
    assert!(!policy.works && policy.detail.contains("policy.yaml:1:1"), "{policy:?}");
    host.revert(order.injection).await.unwrap();
    assert!(sleeper.runs());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_fault_into_a_process_is_judged_by_the_namespace_it_is_in() {
    let test = "a_network_fault_into_a_process_is_judged_by_the_namespace_it_is_in";
    let Some(pair) = NetnsPair::new_or_skip(test) else { return };
    let sleeper = Sleeper::inside(&pair.a);
    eventually("it is in the namespace", || {
        let comm = fs::read_to_string(format!("/proc/{}/comm", sleeper.pid())).unwrap_or_default();
        comm.trim() == "sleep"
    })
    .await;
    let stage = Stage::new();
    let order = InjectionOrder {
        injection: InjectionId::new(),
        run: None,
        fault: fault(r#"{"networkLoss":{"percent":1}}"#),
        targets: vec![target_of(&sleeper)],
        duration: Duration::from_secs(60),
    };
    let named = |list: &str, name: &str| format!("{{ targets: {{ {list}: [netns: {{ name: {name} }}] }} }}");
    for (spec, why) in [
        (named("forbid", &pair.a), "the network namespace it is in"),
        ("{ targets: { forbid: [netns: {}] } }".to_owned(), "any network namespace is forbidden"),
        (named("allow", &pair.b), "the network namespace it is in: it is not among the allowed"),
        ("{ targets: { allow: [process: {}] } }".to_owned(), "not among the allowed targets (any process)"),
        ("{ targets: { forbid: [process: { command: sleep }] } }".to_owned(), "a process named sleep"),
    ] {
        let host = host(&stage, &spec);
        let looked = host.preflight(&order.fault, &order.targets).await.unwrap_err();
        let refused = host.inject(&order).await.unwrap_err();
        for error in [looked, refused] {
            assert!(
                error.kind == HostErrorKind::Unsupported && error.message.contains(why),
                "{spec}: {error}"
            );
        }
    }
    assert!(stage.ledger().live().unwrap().is_empty());
    for spec in [named("allow", &pair.a), named("forbid", &pair.b)] {
        let host = host(&stage, &spec);
        let order = InjectionOrder { injection: InjectionId::new(), ..order.clone() };
        host.inject(&order).await.unwrap_or_else(|error| panic!("{spec}: {error}"));
        host.revert(order.injection).await.unwrap();
    }
    // Its process alone is not its namespace.
    inject(&host(&stage, &named("forbid", &pair.a)), &order.targets, 60).await.unwrap();
}
