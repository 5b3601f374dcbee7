//! A world that does as a test says.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod eye;
mod keeping;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration as StdDuration,
};

use async_trait::async_trait;
use steadfast_engine::{
    Plan, RunEnd, Stage,
    guard::Guard,
    host::{Capability, Host, HostError, HostErrorKind, InjectionOrder, LoadReport, RevertError, Traffic},
    plan::{Injection, Item, Metric, Windows},
    replay, run, stop_switch,
};
use steadfast_faults::{FaultSpec, Preview};
use steadfast_model::{
    Duration, Event, InjectionId, Observation, ProcessIdentity, ResolvedTarget, RunId, Target,
    effect::Sighting,
    event::{Known, Tolerance},
    process::ProcessState,
    target::ResolvedProcess,
};
use steadfast_probes::load::HttpLoad;
use tokio::time::{Instant, sleep};

use eye::Eye;
use keeping::{Kept, TokioClock};

/// What the world does.
#[derive(Debug, Clone, Default)]
pub(crate) struct Script {
    /// Events an interval, and bad ones among them without and with the fault.
    pub(crate) traffic: u64,
    pub(crate) bad_under_fault: u64,
    /// The fault ends by itself, this long after it was put in place.
    pub(crate) vanishes_after: Option<StdDuration>,
    /// The probe does not answer under the fault.
    pub(crate) hangs_under_fault: bool,
    /// The probe fails always.
    pub(crate) blind: bool,
    /// The fault does nothing although the host says so.
    pub(crate) no_effect: bool,
    /// How long an injection takes.
    pub(crate) inject_takes: StdDuration,
    pub(crate) inject_fails: bool,
    /// What a target is not found for.
    pub(crate) unresolved: bool,
    pub(crate) revert_fails: u32,
    pub(crate) revert_abandoned: bool,
    pub(crate) revert_hangs: bool,
    /// Renewals that succeed before they fail.
    pub(crate) renewals: Option<u32>,
    pub(crate) renew_fails_with: Option<HostErrorKind>,
    /// The fault is still seen after it was taken away.
    pub(crate) sticks: bool,
    /// The event at which the history fails.
    pub(crate) journal_fails_at: Option<u64>,
    pub(crate) load_fails: bool,
    /// The verb of the host or load that panics.
    pub(crate) panics_in: &'static str,
    /// Share of bad looks of the guard's probe.
    pub(crate) guard_fails: bool,
    /// When somebody presses stop, and how often.
    pub(crate) stop_after: Option<StdDuration>,
    pub(crate) presses: u32,
    /// By how many seconds the wall clock is wrong, in turn, another value each second.
    pub(crate) wall_clock_wrong_by: Vec<i64>,
}

#[derive(Debug, Default)]
struct State {
    in_place: bool,
    log: Vec<String>,
    renewed: u32,
    reverts: u32,
    stopped_loads: u32,
}

/// A scene: script and what happened so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scene {
    script: Script,
    state: Arc<Mutex<State>>,
}

/// A run that is over.
pub(crate) struct Played {
    pub(crate) end: RunEnd,
    pub(crate) kept: Vec<Event>,
    pub(crate) seen: Vec<Event>,
    pub(crate) log: Vec<String>,
    pub(crate) in_place: bool,
    pub(crate) took: StdDuration,
    pub(crate) spool: tempfile::TempDir,
}

impl Played {
    pub(crate) fn ended(&self) -> String {
        let conclusion = &self.end.conclusion;
        format!(
            "{} {} {} {}",
            conclusion.outcome, conclusion.verdict, conclusion.reason.code, self.end.exit_code
        )
    }

    /// What every run must be, whatever happened.
    pub(crate) fn is_sound(&self) {
        let replayed = replay(&self.seen);
        assert!(replayed.agrees, "{:?}", replayed.differences);
        assert_eq!(replayed.conclusion.as_ref(), Some(&self.end.conclusion));
        let injected = self.log.iter().position(|line| line == "inject");
        let reverted = self.log.iter().rposition(|line| line == "revert");
        assert!(injected <= reverted, "taken away after it was put in place: {:?}", self.log);
        for (index, event) in self.seen.iter().enumerate() {
            assert_eq!(event.sequence, index as u64);
        }
        assert_eq!(self.kept.as_slice(), &self.seen[..self.kept.len()]);
    }

    pub(crate) fn has(&self, wanted: impl Fn(&Known) -> bool) -> bool {
        self.seen.iter().filter_map(|event| event.body.known()).any(wanted)
    }

    pub(crate) fn count(&self, line: &str) -> usize {
        self.log.iter().filter(|logged| *logged == line).count()
    }
}

/// Plays a scene to its end.
pub(crate) async fn play(script: Script) -> Played {
    play_with(script, |_| {}).await
}

/// Plays a scene whose spool file is elsewhere.
pub(crate) async fn play_into(script: Script, spool: &Path) -> Played {
    perform(script, |_| {}, Some(spool)).await
}

/// Plays a scene with another plan.
pub(crate) async fn play_with(script: Script, change: impl FnOnce(&mut Plan)) -> Played {
    perform(script, change, None).await
}

async fn perform(script: Script, change: impl FnOnce(&mut Plan), elsewhere: Option<&Path>) -> Played {
    let scene = Scene { script, state: Arc::default() };
    let mut plan = plan(&scene);
    change(&mut plan);
    let (switch, signal) = stop_switch();
    if let Some(after) = scene.script.stop_after {
        let (switch, presses) = (switch.clone(), scene.script.presses.max(1));
        tokio::spawn(async move {
            sleep(after).await;
            for _ in 0..presses {
                switch.press("interrupt");
                sleep(StdDuration::from_millis(5)).await;
            }
        });
    }
    let stage = Stage {
        host: Arc::new(scene.clone()),
        world: Arc::new(scene.clone()),
        traffic: Arc::new(scene.clone()),
        clock: Arc::new(TokioClock {
            began: Instant::now(),
            set_wrong_by: scene.script.wall_clock_wrong_by.clone(),
        }),
    };
    let mut journal = Kept { events: vec![], fails_at: scene.script.journal_fails_at };
    let spool = tempfile::tempdir().unwrap();
    let mut seen = vec![];
    let began = Instant::now();
    let end = run(
        plan,
        RunId::new(),
        stage,
        &mut journal,
        elsewhere.unwrap_or(&spool.path().join("spool.jsonl")),
        &mut |event| seen.push(event.clone()),
        signal,
    )
    .await;
    let took = began.elapsed();
    let state = scene.state();
    let (log, in_place) = (state.log.clone(), state.in_place);
    drop(state);
    Played { end, kept: journal.events, seen, log, in_place, took, spool }
}

/// One metric that may fail in 5 % of events; 10 s baseline, a fault of 10 s, 10 s recovery, intervals of 1 s.
fn plan(scene: &Scene) -> Plan {
    let fault: FaultSpec = serde_json::from_value(serde_json::json!({ "processPause": {} })).unwrap();
    let load = serde_json::json!({ "name": "pay", "url": "http://127.0.0.1:1/", "rate": "100/s" });
    Plan {
        name: "test".to_owned(),
        title: "A test".to_owned(),
        document_digest: "00".to_owned(),
        parameters: std::collections::BTreeMap::new(),
        metrics: vec![Metric {
            name: "pay".to_owned(),
            probe: Arc::new(Eye { scene: scene.clone(), guard: false }),
            tolerance: Tolerance::Absolute(0.05),
            onset: Duration::ZERO,
            traffic: None,
            earlier: None,
        }],
        loads: vec![serde_json::from_value::<HttpLoad>(load).unwrap()],
        steps: vec![
            Item::Inject(Box::new(Injection {
                id: InjectionId::new(),
                fault,
                target: Target::Service("risk".to_owned()),
                duration: Duration::from_secs(10),
                name: None,
            }))
            .into(),
        ],
        guards: vec![Guard::Probe {
            name: "alive".to_owned(),
            probe: Arc::new(Eye { scene: scene.clone(), guard: true }),
            failures: 2,
        }],
        windows: Windows {
            baseline: Duration::from_secs(10),
            recovery: Duration::from_secs(10),
            interval: Duration::from_secs(1),
        },
        alpha: 0.05,
        beta: 0.05,
        recovery_within: None,
    }
}

impl Scene {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn log(&self, line: &str) {
        assert!(line != self.script.panics_in, "as the script says");
        self.state().log.push(line.to_owned());
    }
}

fn process() -> ResolvedTarget {
    let identity = ProcessIdentity { pid: 4711, start_time: 1, boot_id: "test".to_owned() };
    ResolvedTarget::Process(ResolvedProcess::new(identity, "risk"))
}

fn error(kind: HostErrorKind, message: &str) -> HostError {
    HostError { kind, message: message.to_owned(), hint: None }
}

#[async_trait]
impl Host for Scene {
    async fn inventory(&self) -> Vec<Capability> {
        vec![]
    }

    async fn resolve(&self, _: &Target) -> Result<Vec<ResolvedTarget>, HostError> {
        self.log("resolve");
        if self.script.unresolved {
            return Err(error(HostErrorKind::NoTarget, "no process matches"));
        }
        Ok(vec![process()])
    }

    async fn preflight(&self, _: &FaultSpec, _: &[ResolvedTarget]) -> Result<Preview, HostError> {
        Ok(Preview { backend: "test".to_owned(), actions: vec![], keys: vec![], warnings: vec![] })
    }

    async fn inject(&self, _: &InjectionOrder) -> Result<(), HostError> {
        self.log("inject");
        sleep(self.script.inject_takes).await;
        if self.script.inject_fails {
            return Err(error(HostErrorKind::TargetGone, "the process is gone"));
        }
        self.state().in_place = true;
        if let Some(after) = self.script.vanishes_after {
            let scene = self.clone();
            tokio::spawn(async move {
                sleep(after).await;
                scene.state().in_place = false;
            });
        }
        Ok(())
    }

    async fn renew(&self, _: InjectionId) -> Result<(), HostError> {
        self.log("renew");
        let mut state = self.state();
        if self.script.renewals.is_some_and(|renewals| state.renewed >= renewals) {
            let kind = self.script.renew_fails_with.unwrap_or(HostErrorKind::NotLive);
            return Err(error(kind, "the injection is not live any more"));
        }
        state.renewed += 1;
        Ok(())
    }

    async fn revert(&self, _: InjectionId) -> Result<(), RevertError> {
        self.log("revert");
        if self.script.revert_hangs {
            std::future::pending::<()>().await;
        }
        let mut state = self.state();
        state.reverts += 1;
        if state.reverts <= self.script.revert_fails {
            let manual = vec!["kill -CONT 4711".to_owned()];
            let abandoned = self.script.revert_abandoned;
            return Err(RevertError { message: "the process does not run".to_owned(), abandoned, manual });
        }
        state.in_place = false;
        Ok(())
    }

    async fn observe(
        &self,
        _: &FaultSpec,
        _: &[ResolvedTarget],
        _: InjectionId,
    ) -> Result<Observation, HostError> {
        let ResolvedTarget::Process(ResolvedProcess { identity, .. }) = process() else { unreachable!() };
        let state = self.state();
        let ever = state.log.iter().any(|line| line == "inject");
        let stopped = !self.script.no_effect && (state.in_place || (self.script.sticks && ever));
        let state = if stopped { ProcessState::Stopped } else { ProcessState::Running };
        Ok(Observation { targets: vec![Sighting::Process { identity, state }] })
    }
}

#[async_trait]
impl Traffic for Scene {
    async fn start(&self, _: &HttpLoad) -> Result<(), HostError> {
        self.log("start load");
        if self.script.load_fails { Err(error(HostErrorKind::Other, "find the address")) } else { Ok(()) }
    }

    async fn stop(&self, _: &str) -> Option<LoadReport> {
        self.log("stop load");
        self.state().stopped_loads += 1;
        Some(LoadReport {
            due: 100,
            sent: 100,
            good: 99,
            latency_us: [1, 2, 3, 4],
            failures: BTreeMap::new(),
        })
    }
}
