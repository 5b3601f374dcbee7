//! Slow connections, with and without what protects from them.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use steadfast_demo::System;

use crate::site::{Seen, Site, ask, load, metric};

async fn paid(site: &Site, connection: &str, delay_ms: u64) -> (Seen, System) {
    let system = Arc::new(System::start(&site.config).await.unwrap());
    load(&system, 20, Duration::from_millis(300), 0).await;
    site.delay(connection, delay_ms);
    let seen = load(&system, 30, Duration::from_millis(1500), 0).await;
    (seen, Arc::into_inner(system).unwrap())
}

#[tokio::test]
async fn a_slow_risk_is_not_felt_because_payments_decides_small_amounts_itself() {
    let site = Site::proxied(&[], &[]);
    let (seen, system) = paid(&site, "payments-risk", 600).await;
    assert_eq!(seen.failed(), 0);
    assert!(seen.quantile(0.5) >= Duration::from_millis(100), "the timeout is really waited for");
    assert!(seen.quantile(0.9) < Duration::from_millis(300), "{:?}", seen.quantile(0.9));
    assert!(metric(&system, "payments", "payments_risk_fallbacks_total").await >= 40.0);
    system.stop().await;
}

#[tokio::test]
async fn a_slow_risk_is_felt_when_the_timeout_is_taken_away() {
    let site = Site::proxied(&["risk-timeout"], &[]);
    let (seen, system) = paid(&site, "payments-risk", 600).await;
    assert_eq!(seen.failed(), 0);
    assert!(seen.quantile(0.1) > Duration::from_millis(550), "{:?}", seen.quantile(0.1));
    system.stop().await;
}

#[tokio::test]
async fn a_slow_ledger_is_felt_by_everybody() {
    let site = Site::proxied(&[], &[]);
    let (seen, system) = paid(&site, "payments-ledger", 2000).await;
    assert_eq!(seen.failed(), 0);
    assert!(seen.quantile(0.1) > Duration::from_millis(1900), "{:?}", seen.quantile(0.1));
    let report = site.audited().await;
    assert!(report.is_clean(), "{report}");
    system.stop().await;
}

#[tokio::test]
async fn with_the_fix_a_slow_ledger_gets_payments_later_and_every_one_once() {
    let site = Site::proxied(&[], &["ledger-timeout"]);
    let (seen, system) = paid(&site, "payments-ledger", 2000).await;
    assert_eq!(seen.failed(), 0);
    assert!(seen.with_status(202) >= 40, "{}", seen.with_status(202));
    assert!(seen.quantile(0.9) < Duration::from_millis(300), "{:?}", seen.quantile(0.9));
    let unfinished = format!("{}/unfinished", system.state().url("payments"));
    assert!(!ask(&unfinished, Method::GET, "").await.1.contains(r#""holds":0"#), "some are on their way");
    system.stop().await;
    // Another start delivers what the last one promised, even without the fix.
    let mut plain = site.config.clone();
    plain.switches = steadfast_demo::Switches::default();
    site.delay("payments-ledger", 0);
    let system = System::start(&plain).await.unwrap();
    let report = site.audited().await;
    assert!(report.is_clean(), "{report}");
    assert!(report.acknowledged >= seen.count() as u64);
    system.stop().await;
}
