//! What a host answers to orders, repeated, premature and impossible ones included.

use std::time::Duration;

use steadfast_engine::host::{Host, HostErrorKind};
use steadfast_ledger::State;
use steadfast_model::InjectionId;
use steadfast_testkit::Sleeper;

use crate::stage::{Stage, pause, target_of};

const LONG: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn orders_may_be_repeated() {
    let (stage, target) = (Stage::new(), Sleeper::new());
    let host = stage.host();
    let order = pause(target_of(&target), LONG);
    let (first, second) = tokio::join!(host.inject(&order), host.inject(&order));
    assert_eq!((first, second), (Ok(()), Ok(())));
    assert_eq!(target.state(), Some('T'));
    host.renew(order.injection).await.unwrap();
    let (first, second) = tokio::join!(host.revert(order.injection), host.revert(order.injection));
    assert_eq!((first, second), (Ok(()), Ok(())));
    assert!(target.runs());
    assert_eq!(host.inject(&order).await, Ok(()), "the first answer");
    assert_eq!(stage.host().inject(&order).await, Ok(()), "the first answer, from the ledger");
    assert!(target.runs(), "and no second injection");
    assert_eq!(host.renew(order.injection).await.unwrap_err().kind, HostErrorKind::NotLive);
    let known = stage.ledger().find(order.injection).unwrap().unwrap();
    assert_eq!((known.state, known.records.len()), (State::Reverted, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_reverted_before_it_began_never_begins() {
    let (stage, target) = (Stage::new(), Sleeper::new());
    let host = stage.host();
    let order = pause(target_of(&target), LONG);
    host.revert(order.injection).await.unwrap();
    assert_eq!(host.inject(&order).await.unwrap_err().kind, HostErrorKind::NotLive);
    assert!(target.runs());
    host.revert(InjectionId::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_goes_away_leaves_nothing_half_done() {
    let (stage, target) = (Stage::new(), Sleeper::new());
    let host = stage.host();
    let order = pause(target_of(&target), LONG);
    drop(tokio::time::timeout(Duration::from_millis(1), host.inject(&order)).await);
    host.revert(order.injection).await.unwrap();
    assert!(target.runs());
    assert!(stage.status().injections.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn two_injections_never_hold_the_same_target() {
    let (stage, target) = (Stage::new(), Sleeper::new());
    let (one, other) = (stage.host(), stage.host());
    let orders = [pause(target_of(&target), LONG), pause(target_of(&target), LONG)];
    let (first, second) = tokio::join!(one.inject(&orders[0]), other.inject(&orders[1]));
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    let refused = first.and(second).unwrap_err();
    // Whoever looks late enough sees that it is stopped already.
    assert!(matches!(refused.kind, HostErrorKind::Conflict | HostErrorKind::Unsupported), "{refused:?}");
    let refused =
        one.preflight(&crate::stage::fault(r#"{"processKill":{}}"#), &orders[0].targets).await.unwrap_err();
    assert_eq!(refused.kind, HostErrorKind::Conflict);
    assert!(refused.message.contains("processPause") && refused.hint.is_some(), "{refused:?}");
    one.revert(orders[0].injection).await.unwrap();
    other.revert(orders[1].injection).await.unwrap();
    assert!(target.runs());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_reaper_nothing_is_injected() {
    let (mut stage, target) = (Stage::new(), Sleeper::new());
    stage.timing.patience = Duration::from_millis(500);
    for command in ["/bin/false", "/nowhere/at/all"] {
        let host = stage.host_with(Default::default(), vec![command.into()]);
        let refused = host.inject(&pause(target_of(&target), LONG)).await.unwrap_err();
        assert!(refused.message.contains("start"), "{refused:?}");
        assert!(target.runs());
        assert!(stage.status().injections.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_before_an_error_is_undone_before_the_answer() {
    let (stage, target, mut dead) = (Stage::new(), Sleeper::new(), Sleeper::new());
    let host = stage.host();
    let mut order = pause(target_of(&target), LONG);
    order.targets.push(target_of(&dead));
    dead.end();
    let refused = host.inject(&order).await.unwrap_err();
    assert_eq!(refused.kind, HostErrorKind::TargetGone);
    assert!(target.runs());
    assert_eq!(host.inject(&order).await.unwrap_err(), refused);
    assert!(stage.status().injections.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_cannot_be_written_refuses_before_any_change() {
    let (stage, target) = (Stage::new(), Sleeper::new());
    let host = stage.host();
    let ledger = stage.state().ledger();
    let aside = ledger.with_extension("aside");
    std::fs::rename(&ledger, &aside).unwrap();
    std::fs::write(&ledger, "in the way").unwrap();
    let refused = host.inject(&pause(target_of(&target), LONG)).await.unwrap_err();
    assert_eq!(refused.kind, HostErrorKind::NotRecorded, "{refused:?}");
    assert!(target.runs());
    std::fs::remove_file(&ledger).unwrap();
    std::fs::rename(&aside, &ledger).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_stays_killed_and_is_known() {
    let (stage, target) = (Stage::new(), Sleeper::new());
    let host = stage.host();
    let mut order = pause(target_of(&target), LONG);
    order.fault = crate::stage::fault(r#"{"processKill":{}}"#);
    host.inject(&order).await.unwrap();
    crate::stage::eventually("it ends", || target.state() == Some('Z')).await;
    assert!(stage.status().injections.is_empty(), "nothing is held");
    host.revert(order.injection).await.unwrap();
    assert_eq!(stage.host().inject(&order).await, Ok(()), "the first answer, from the ledger");
    let known = stage.ledger().find(order.injection).unwrap().unwrap();
    assert!(known.records[0].manual.contains("nothing to undo: KILL sent"), "{known:?}");
}
