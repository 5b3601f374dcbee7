//! Services that die under load.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use steadfast_demo::System;
use tokio::time::sleep;

use crate::site::{ANY, Site, eventually, load, pay};

pub(crate) fn signal(pid: u32, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(pid).unwrap()).unwrap(), signal).unwrap();
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_when_every_service_is_killed_under_load() {
    let site = Site::proxied(&[], &[]);
    let system = Arc::new(System::start(&site.config).await.unwrap());
    let ports =
        |system: &System| system.state().processes().map(|(n, p)| (n.clone(), p.port)).collect::<Vec<_>>();
    let before = ports(&system);
    // Half of the clients repeat with the same key, half give up: what was promised to either must be kept.
    let clients = [8, 0].map(|retries| {
        let system = system.clone();
        tokio::spawn(async move { load(&system, 25, Duration::from_secs(7), retries).await })
    });
    let names = ["wallet", "ledger", "payments", "payments-ledger", "risk", "notifications", "gateway"];
    for name in names {
        sleep(Duration::from_millis(900)).await;
        let state = system.state();
        let (_, process) = state.processes().find(|(n, _)| *n == name).unwrap();
        signal(process.process.expect("it runs").pid, Signal::KILL);
    }
    let [patient, impatient] = clients;
    let (patient, impatient) = (patient.await.unwrap(), impatient.await.unwrap());
    assert!(impatient.failed() > 0, "the crashes were felt");
    assert_eq!(patient.failed(), 0, "but not by those who repeat");
    eventually("a payment succeeds again", async || pay(&system, ANY).await.0 == 201).await;
    assert_eq!(ports(&system), before, "everybody is back where it was");
    for name in names {
        let state = system.state();
        assert!(state.processes().any(|(n, p)| n == name && p.restarts > 0), "{name} was started again");
    }
    let report = site.audited().await;
    assert!(report.is_clean(), "{report}");
    let succeeded = patient.count() + impatient.count() - impatient.failed();
    assert!(report.acknowledged > succeeded as u64, "{} of {succeeded}", report.acknowledged);
    println!("{} of {} impatient clients got no yes; {report}", impatient.failed(), impatient.count());
    Arc::into_inner(system).unwrap().stop().await;
}

#[tokio::test]
async fn without_retries_a_dead_wallet_is_felt_and_with_them_less_so() {
    let failed = async |without: &[&str]| {
        let site = Site::proxied(without, &[]);
        let system = Arc::new(System::start(&site.config).await.unwrap());
        let paying = tokio::spawn({
            let system = system.clone();
            async move { load(&system, 40, Duration::from_secs(3), 0).await }
        });
        sleep(Duration::from_secs(1)).await;
        signal(system.state().services["wallet"].process.unwrap().pid, Signal::KILL);
        let seen = paying.await.unwrap();
        assert!(seen.quantile(0.5) < Duration::from_millis(300));
        Arc::into_inner(system).unwrap().stop().await;
        seen.failed()
    };
    let (with, without) = (failed(&[]).await, failed(&["wallet-retries"]).await);
    println!("failed with retries {with}, without {without}");
    assert!(without > 5, "an outage was there: {without}");
    assert!(with < without, "{with} < {without}");
}
