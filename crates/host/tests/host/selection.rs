//! Finding several processes at once by what they are.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use serde_json::{Value, json};
use steadfast_engine::host::{Host, HostError, HostErrorKind, InjectionOrder};
use steadfast_host::LocalHost;
use steadfast_model::{InjectionId, ResolvedTarget, Target};
use steadfast_testkit::{Sleeper, copy_program, durable_dir};
use tempfile::TempDir;

use crate::stage::{Stage, fault};

/// Sleepers that run a file of their own, which tells them from everything else on this machine.
struct Herd {
    folder: TempDir,
    sleepers: Vec<Sleeper>,
}

impl Herd {
    fn new(count: usize) -> Self {
        let folder = durable_dir();
        let program = folder.path().join("grazing");
        copy_program("/bin/sleep", &program);
        let sleepers = (0..count).map(|_| Sleeper::running(&program)).collect();
        Self { folder, sleepers }
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("grazing")
    }

    fn pids(&self) -> BTreeSet<u32> {
        self.sleepers.iter().map(Sleeper::pid).collect()
    }

    /// Those found of it, by its file and whatever else is asked for.
    async fn found(&self, host: &LocalHost, more: Value) -> Result<BTreeSet<u32>, HostError> {
        let mut process = json!({ "executable": self.program() });
        process.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Ok(pids(&host.resolve(&target(process)).await?))
    }
}

fn target(process: Value) -> Target {
    serde_json::from_value(json!({ "process": process })).unwrap()
}

fn pids(targets: &[ResolvedTarget]) -> BTreeSet<u32> {
    let pid = |target: &ResolvedTarget| match target {
        ResolvedTarget::Process(process) => process.identity.pid,
        other => panic!("{other}"),
    };
    targets.iter().map(pid).collect()
}

#[tokio::test]
async fn processes_are_found_by_what_they_run_were_started_with_and_act_for() {
    let (stage, herd) = (Stage::new(), Herd::new(2));
    let host = stage.host();
    let user = rustix::process::geteuid().as_raw();
    for more in [
        json!({}),
        json!({ "commandLine": "*grazing 60" }),
        json!({ "user": user.to_string() }),
        json!({ "executable": herd.folder.path().join("*") }),
    ] {
        let mut more = more;
        more["select"] = json!("all");
        assert_eq!(herd.found(&host, more.clone()).await.unwrap(), herd.pids(), "{more}");
    }
    for more in [
        json!({ "commandLine": "*grazing 61" }),
        json!({ "user": (user + 1).to_string() }),
        json!({ "executable": herd.folder.path() }),
        json!({ "unit": "no-such-unit.service" }),
        json!({ "exclude": [{ "commandLine": "*grazing*" }] }),
    ] {
        let refused = herd.found(&host, more.clone()).await.unwrap_err();
        assert_eq!(refused.kind, HostErrorKind::NoTarget, "{more}: {refused:?}");
    }
}

#[tokio::test]
async fn as_many_are_taken_as_selected_and_the_same_for_the_same_seed() {
    let (stage, herd) = (Stage::new(), Herd::new(5));
    let host = stage.host();
    let refused = herd.found(&host, json!({})).await.unwrap_err();
    assert!(refused.message.contains("5 match") && refused.message.contains("(grazing)"), "{refused:?}");
    assert!(refused.hint.unwrap().contains("select: all"));
    for (select, count) in [
        (json!("one"), 1),
        (json!({ "count": 3 }), 3),
        (json!({ "percent": "50%" }), 3),
        (json!({ "max": 9 }), 5),
    ] {
        let chosen = herd.found(&host, json!({ "select": select, "seed": 7 })).await.unwrap();
        assert_eq!(chosen.len(), count, "{select}");
        assert!(chosen.is_subset(&herd.pids()));
        let again = herd.found(&host, json!({ "select": select, "seed": 7 })).await.unwrap();
        assert_eq!(chosen, again, "{select}");
    }
    let refused = herd.found(&host, json!({ "select": { "count": 6 } })).await.unwrap_err();
    assert!(refused.message.contains("6 are wanted and 5 match"), "{refused:?}");
    let first = herd.sleepers[0].pid();
    let others = herd.found(&host, json!({ "select": "all", "exclude": [{ "pid": first }] })).await.unwrap();
    assert_eq!((others.len(), others.contains(&first)), (4, false));
}

#[tokio::test]
async fn what_is_protected_is_not_among_those_that_a_description_finds() {
    let (stage, herd) = (Stage::new(), Herd::new(1));
    let host = stage.host();
    // This very process; others of this program play roles for other tests.
    let words: Vec<String> = std::env::args().collect();
    let own = json!({ "executable": std::env::current_exe().unwrap(), "commandLine": words.join(" ") });
    let refused = host.resolve(&target(own)).await.unwrap_err();
    assert_eq!(refused.kind, HostErrorKind::Protected, "{refused:?}");
    assert!(refused.message.contains("no other fits"), "{refused:?}");
    let user = rustix::process::geteuid().as_raw().to_string();
    let everything = target(json!({ "user": user, "select": "all" }));
    let found = pids(&host.resolve(&everything).await.unwrap());
    assert!(found.is_superset(&herd.pids()));
    let ancestors = steadfast_linux::ancestors(std::process::id()).unwrap();
    assert!(
        !found.contains(&std::process::id()) && ancestors.iter().all(|pid| !found.contains(pid)),
        "{found:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fault_into_several_is_in_all_of_them_and_gone_from_all() {
    let (stage, mut herd) = (Stage::new(), Herd::new(3));
    let host = stage.host();
    let targets =
        host.resolve(&target(json!({ "executable": herd.program(), "select": "all" }))).await.unwrap();
    let order = InjectionOrder {
        injection: InjectionId::new(),
        run: None,
        fault: fault(r#"{"processPause":{}}"#),
        targets,
        duration: Duration::from_secs(60),
    };
    host.inject(&order).await.unwrap();
    assert!(herd.sleepers.iter().all(|sleeper| sleeper.state() == Some('T')));
    // One that ends meanwhile keeps the others from nothing.
    herd.sleepers[1].end();
    host.revert(order.injection).await.unwrap();
    assert!(herd.sleepers[0].runs() && herd.sleepers[2].runs());
}
