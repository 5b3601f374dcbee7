//! The tasks of a run. They end when this is dropped.

use std::{
    collections::HashMap,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{FutureExt, future::join_all};
use steadfast_model::{Effect, InjectionId, Observation, ResolvedTarget, RunId};
use tokio::{
    sync::{mpsc, watch},
    task::{AbortHandle, JoinSet},
    time::timeout,
};

use super::{Message, Stage, faults::Fault, sampling::sample_for_ever};
use crate::{
    host::InjectionOrder,
    machine::{Action, Input},
    plan::Plan,
    reason::Reason,
};

/// Longest time for one load to start, and to stop and report.
const STARTING: Duration = Duration::from_secs(10);
const STOPPING: Duration = Duration::from_secs(20);
/// What is said of a task of ours that panicked.
const BROKEN: &str = "there was an internal error";

pub(super) struct Work {
    plan: Arc<Plan>,
    run: RunId,
    stage: Stage,
    inbox: mpsc::UnboundedSender<Message>,
    faults: HashMap<InjectionId, Fault>,
    sampling: Option<AbortHandle>,
    /// The programs of the method that were started.
    commands: Vec<AbortHandle>,
    /// Whether all loads have been started, or were tried to.
    loads: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Work {
    pub(super) fn new(
        plan: Arc<Plan>,
        run: RunId,
        stage: Stage,
        inbox: mpsc::UnboundedSender<Message>,
    ) -> Self {
        let fault = |injection: &crate::plan::Injection| {
            let fault = Fault {
                injection: Arc::new(injection.clone()),
                host: stage.host.clone(),
                inbox: inbox.clone(),
                targets: vec![],
                before: Observation::default(),
                ending: Arc::new(AtomicBool::new(false)),
                // Until it is ordered there is nothing to wait for.
                answered: watch::channel(true).0,
                attempts: 0,
            };
            (injection.id, fault)
        };
        let faults = plan.injections().map(fault).collect();
        let loads = watch::channel(false).0;
        Self {
            plan,
            run,
            stage,
            inbox,
            faults,
            sampling: None,
            commands: vec![],
            loads,
            tasks: JoinSet::new(),
        }
    }

    pub(super) fn resolved(&mut self, injection: InjectionId, targets: Vec<ResolvedTarget>) {
        if let Some(fault) = self.faults.get_mut(&injection) {
            fault.targets = targets;
        }
    }

    pub(super) fn before(&mut self, injection: InjectionId, before: Observation) {
        if let Some(fault) = self.faults.get_mut(&injection) {
            fault.before = before;
        }
    }

    /// Starts what the machine asks for.
    pub(super) fn start(&mut self, action: Action) {
        // Ended tasks are let go of, so that a long run does not collect them.
        while self.tasks.try_join_next().is_some() {}
        match action {
            Action::Resolve(id) => {
                let fault = self.fault(id).clone();
                let target = fault.injection.target.to_string();
                let reason = Reason::TargetNotFound { target, why: BROKEN.to_owned(), hint: None }.into();
                self.spawn(fault.resolve(), vec![Input::SetupFailed { reason }]);
            }
            Action::Inject(id) => self.inject(id),
            Action::ObserveEffect(id) => {
                let fault = self.fault(id).clone();
                let effect = Effect::Unknown { why: BROKEN.to_owned() };
                self.spawn(fault.observe_effect(), vec![Input::EffectObserved { injection: id, effect }]);
            }
            Action::Revert(id) => {
                let fault = self.fault(id);
                fault.ending.store(true, Ordering::SeqCst);
                fault.attempts += 1;
                let (fault, why) = (fault.clone(), BROKEN.to_owned());
                let failed = Input::RevertFailed { injection: id, why, abandoned: false, manual: vec![] };
                self.spawn(fault.revert(), vec![failed]);
            }
            Action::ObserveGone(id) => {
                let fault = self.fault(id).clone();
                let effect = Effect::Unknown { why: BROKEN.to_owned() };
                self.spawn(fault.observe_gone(), vec![Input::GoneObserved { injection: id, effect }]);
            }
            Action::StartLoads => self.start_loads(),
            Action::StartSampling => self.start_sampling(),
            Action::StopSampling => {
                if let Some(sampling) = self.sampling.take() {
                    sampling.abort();
                }
            }
            Action::Run(index) => self.run(index),
            Action::StopCommands => self.commands.drain(..).for_each(|command| command.abort()),
            Action::StopLoads => self.stop_loads(),
            Action::Emit(_) | Action::Finish(_) => unreachable!("the driver does these itself"),
        }
    }

    fn fault(&mut self, id: InjectionId) -> &mut Fault {
        self.faults.get_mut(&id).expect("the machine only knows the injections of its plan")
    }

    /// Starts a task. Should it panic, the machine is told `broken`: it must never wait for an answer for ever.
    fn spawn(&mut self, work: impl Future<Output = ()> + Send + 'static, broken: Vec<Input>) -> AbortHandle {
        let inbox = self.inbox.clone();
        self.tasks.spawn(async move {
            if AssertUnwindSafe(work).catch_unwind().await.is_err() {
                for input in broken {
                    drop(inbox.send(input.into()));
                }
            }
        })
    }

    fn inject(&mut self, id: InjectionId) {
        let run = Some(self.run);
        let fault = self.fault(id);
        let order = InjectionOrder {
            injection: id,
            run,
            fault: fault.injection.fault.clone(),
            targets: fault.targets.clone(),
            duration: fault.injection.duration.std(),
        };
        fault.answered.send_replace(false);
        let fault = fault.clone();
        let target = fault.injection.target.to_string();
        let reason = Reason::InjectionFailed { target, why: BROKEN.to_owned() }.into();
        // Whichever fits: the same task injects and then keeps the lease.
        let broken = vec![
            Input::InjectionFailed { injection: id, reason },
            Input::LeaseLost { injection: id, why: BROKEN.to_owned() },
        ];
        self.spawn(fault.inject(order), broken);
    }

    fn run(&mut self, index: usize) {
        let (plan, world, inbox) = (self.plan.clone(), self.stage.world.clone(), self.inbox.clone());
        let ended = move |done: Result<String, String>| {
            let succeeded = done.is_ok();
            Input::CommandEnded { command: index, succeeded, how: done.unwrap_or_else(|why| why) }
        };
        let broken = ended(Err(BROKEN.to_owned()));
        let work = async move {
            let done = match plan.commands().nth(index) {
                Some(command) => command.run(&*world).await,
                None => Err("it is not in the plan".to_owned()),
            };
            drop(inbox.send(ended(done).into()));
        };
        let command = self.spawn(work, vec![broken]);
        self.commands.push(command);
    }

    fn start_loads(&mut self) {
        let (plan, traffic) = (self.plan.clone(), self.stage.traffic.clone());
        let (inbox, ready) = (self.inbox.clone(), self.loads.clone());
        let failed = |load: &str, why: String| {
            let reason = Reason::LoadNotStarted { load: load.to_owned(), why }.into();
            Input::SetupFailed { reason }
        };
        let broken = failed("any", BROKEN.to_owned());
        let work = async move {
            for load in &plan.loads {
                let why = match timeout(STARTING, traffic.start(load)).await {
                    Ok(Ok(())) => continue,
                    Ok(Err(error)) => error.message,
                    Err(_) => format!("there was no answer within {} s", STARTING.as_secs()),
                };
                drop(inbox.send(failed(&load.name, why).into()));
                return;
            }
            ready.send_replace(true);
        };
        self.spawn(work, vec![broken]);
    }

    fn start_sampling(&mut self) {
        let (plan, world, inbox) = (self.plan.clone(), self.stage.world.clone(), self.inbox.clone());
        let mut ready = self.loads.subscribe();
        let work = async move {
            if ready.wait_for(|ready| *ready).await.is_ok() {
                sample_for_ever(plan, world, inbox).await;
            }
        };
        // Without samples nothing would ever end by itself.
        let broken = Input::StopRequested { by: format!("sampling: {BROKEN}") };
        self.sampling = Some(self.spawn(work, vec![broken]));
    }

    fn stop_loads(&mut self) {
        let (plan, traffic, inbox) = (self.plan.clone(), self.stage.traffic.clone(), self.inbox.clone());
        let work = async move {
            let stop = |name: String| {
                let traffic = traffic.clone();
                async move { (timeout(STOPPING, traffic.stop(&name)).await.ok().flatten(), name) }
            };
            let reports = join_all(plan.loads.iter().map(|load| stop(load.name.clone()))).await;
            for (report, load) in reports {
                if let Some(report) = report {
                    let crate::host::LoadReport { due, sent, good, latency_us, failures } = report;
                    let reported = Input::LoadReported { load, due, sent, good, latency_us, failures };
                    drop(inbox.send(reported.into()));
                }
            }
            drop(inbox.send(Input::LoadsStopped.into()));
        };
        self.spawn(work, vec![Input::LoadsStopped]);
    }
}
