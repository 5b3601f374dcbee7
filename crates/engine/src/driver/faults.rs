//! What is done with one injection: found, put in place, kept alive, looked at, taken away. Each runs by itself and
//! says what came of it through the inbox, so that nothing slow holds up anything else.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use steadfast_model::{Effect, InjectionId, Observation, ResolvedTarget};
use tokio::{
    sync::{mpsc, watch},
    time::{Instant, sleep, timeout},
};

use super::{Message, freshness::Freshness};
use crate::{
    host::{Host, HostError, HostErrorKind, InjectionOrder},
    machine::Input,
    plan::Injection,
    reason::Reason,
};

/// Longest time for finding targets and looking at what would be done.
const PREPARING: Duration = Duration::from_secs(30);
/// Longest time for putting a fault in place.
const INJECTING: Duration = Duration::from_secs(20);
/// How long taking away waits for an injection under way to answer.
const SETTLING: Duration = Duration::from_secs(2);
/// Longest time for one attempt at taking a fault away.
const REVERTING: Duration = Duration::from_secs(10);
/// Longest time for one look.
const LOOKING: Duration = Duration::from_secs(2);
/// Time between two looks while an effect is awaited.
const POLL: Duration = Duration::from_millis(200);
/// Time between two looks once it was seen.
const WATCH: Duration = Duration::from_secs(1);
/// Time between two renewals, and how long a lease lasts.
const RENEW: Duration = Duration::from_secs(3);
const LEASE: Duration = Duration::from_secs(10);

/// One injection at work.
#[derive(Clone)]
pub(super) struct Fault {
    pub(super) injection: Arc<Injection>,
    pub(super) host: Arc<dyn Host>,
    pub(super) inbox: mpsc::UnboundedSender<Message>,
    pub(super) targets: Vec<ResolvedTarget>,
    pub(super) before: Observation,
    /// Set once it is to be taken away: nothing renews its lease or looks for its effect any more.
    pub(super) ending: Arc<AtomicBool>,
    /// Whether the order to inject was answered.
    pub(super) answered: watch::Sender<bool>,
    pub(super) attempts: u32,
}

impl Fault {
    fn id(&self) -> InjectionId {
        self.injection.id
    }

    fn tell(&self, message: impl Into<Message>) {
        // Nobody listening means that the run is over.
        drop(self.inbox.send(message.into()));
    }

    /// Finds the targets and asks what would be done.
    pub(super) async fn resolve(self) {
        let target = self.injection.target.clone();
        let work = async {
            let resolved =
                self.host.resolve(&target).await.map_err(|error| not_found(&target.to_string(), error))?;
            let preview = self.host.preflight(&self.injection.fault, &resolved).await;
            let preview = preview.map_err(|error| not_possible(&target.to_string(), error))?;
            Ok((resolved, preview))
        };
        let slow = || {
            let why = format!("there was no answer within {} s", PREPARING.as_secs());
            Reason::TargetNotFound { target: target.to_string(), why, hint: None }
        };
        match timeout(PREPARING, work).await.unwrap_or_else(|_| Err(slow())) {
            Ok((resolved, preview)) => {
                let preview = serde_json::to_value(preview).expect("previews are plain data");
                let injection = self.id();
                self.tell(Message::Resolved { injection, targets: resolved.clone() });
                self.tell(Input::TargetsResolved { injection, target, resolved, preview });
            }
            Err(reason) => self.tell(Input::SetupFailed { reason: reason.into() }),
        }
    }

    /// Puts the fault in place, then keeps its lease until it is to be taken away.
    pub(super) async fn inject(self, order: InjectionOrder) {
        let id = self.id();
        if let Ok(Ok(before)) = timeout(LOOKING, self.observe()).await {
            self.tell(Message::Before { injection: id, before });
        }
        let began = Instant::now();
        let done = timeout(INJECTING, self.host.inject(&order)).await.unwrap_or_else(|_| {
            let message = format!("there was no answer within {} s", INJECTING.as_secs());
            Err(HostError { kind: HostErrorKind::Other, message, hint: None })
        });
        self.answered.send_replace(true);
        match done {
            Ok(()) => {
                self.tell(Input::FaultInjected { injection: id });
                if self.injection.fault.as_fault().reversible() {
                    self.keep(began).await;
                }
            }
            Err(error) => {
                let target = self.injection.target.to_string();
                let reason = Reason::InjectionFailed { target, why: error.message }.into();
                self.tell(Input::InjectionFailed { injection: id, reason });
            }
        }
    }

    /// Renews the lease. One that is not live any more, or whose target is gone, is lost at once; other trouble may pass
    /// until the lease ends.
    async fn keep(&self, began: Instant) {
        let mut renewed = began;
        loop {
            sleep(RENEW).await;
            if self.ending.load(Ordering::SeqCst) {
                return;
            }
            let asked = Instant::now();
            let answer = timeout(RENEW, self.host.renew(self.id())).await;
            let why = match answer {
                Ok(Ok(())) => {
                    renewed = asked;
                    continue;
                }
                Ok(Err(error))
                    if matches!(error.kind, HostErrorKind::NotLive | HostErrorKind::TargetGone) =>
                {
                    error.message
                }
                Ok(Err(error)) if renewed.elapsed() >= LEASE => error.message,
                Err(_) if renewed.elapsed() >= LEASE => "there was no answer".to_owned(),
                Ok(Err(_)) | Err(_) => continue,
            };
            if !self.ending.load(Ordering::SeqCst) {
                self.tell(Input::LeaseLost { injection: self.id(), why });
            }
            return;
        }
    }

    /// Looks for the effect until the fault is to be taken away.
    pub(super) async fn observe_effect(self) {
        let mut last = None;
        let mut freshness = Freshness::new(self.injection.duration.std());
        while !self.ending.load(Ordering::SeqCst) {
            let effect = match self.look().await {
                Ok(now) => freshness.judge(self.injection.fault.as_fault(), &self.before, now),
                Err(why) => Effect::Unknown { why },
            };
            let seen = matches!(effect, Effect::Active { .. });
            let kind = std::mem::discriminant(&effect);
            if last.replace(kind) != Some(kind) && !self.ending.load(Ordering::SeqCst) {
                self.tell(Input::EffectObserved { injection: self.id(), effect });
            }
            if seen && !self.injection.fault.as_fault().reversible() {
                return;
            }
            sleep(if seen { WATCH } else { POLL }).await;
        }
    }

    /// Looks until the fault is gone.
    pub(super) async fn observe_gone(self) {
        let mut last = None;
        loop {
            let effect = self.effect().await;
            let gone = matches!(effect, Effect::Absent { .. });
            let kind = std::mem::discriminant(&effect);
            if last.replace(kind) != Some(kind) {
                self.tell(Input::GoneObserved { injection: self.id(), effect });
            }
            if gone || self.inbox.is_closed() {
                return;
            }
            sleep(POLL).await;
        }
    }

    /// Takes the fault away; later attempts wait a little first.
    pub(super) async fn revert(self) {
        if self.attempts > 1 {
            sleep(POLL * 2_u32.saturating_pow(self.attempts.min(6) - 1)).await;
        }
        let mut answered = self.answered.subscribe();
        // A host may be asked to take away what it is putting in place, but to wait makes it easier for all.
        drop(timeout(SETTLING, answered.wait_for(|answered| *answered)).await);
        let injection = self.id();
        match timeout(REVERTING, self.host.revert(injection)).await {
            Ok(Ok(())) => self.tell(Input::FaultReverted { injection }),
            Ok(Err(error)) => self.tell(Input::RevertFailed {
                injection,
                why: error.message,
                abandoned: error.abandoned,
                manual: error.manual,
            }),
            Err(_) => {
                let why = format!("there was no answer within {} s", REVERTING.as_secs());
                self.tell(Input::RevertFailed { injection, why, abandoned: false, manual: vec![] });
            }
        }
    }

    async fn observe(&self) -> Result<Observation, HostError> {
        self.host.observe(&self.injection.fault, &self.targets, self.id()).await
    }

    async fn effect(&self) -> Effect {
        match self.look().await {
            Ok(now) => self.injection.fault.as_fault().judge(&self.before, &now),
            Err(why) => Effect::Unknown { why },
        }
    }

    async fn look(&self) -> Result<Observation, String> {
        match timeout(LOOKING, self.observe()).await {
            Ok(Ok(now)) => Ok(now),
            Ok(Err(error)) => Err(error.message),
            Err(_) => Err(format!("there was no answer within {} s", LOOKING.as_secs())),
        }
    }
}

fn not_found(target: &str, error: HostError) -> Reason {
    match error.kind {
        HostErrorKind::NoTarget => {
            Reason::TargetNotFound { target: target.to_owned(), why: error.message, hint: error.hint }
        }
        _ => not_possible(target, error),
    }
}

fn not_possible(target: &str, error: HostError) -> Reason {
    let kind = match error.kind {
        HostErrorKind::NoTarget => "noTarget",
        HostErrorKind::Protected => "protected",
        HostErrorKind::Conflict => "conflict",
        HostErrorKind::Denied => "denied",
        HostErrorKind::Unsupported => "unsupported",
        HostErrorKind::TargetGone => "targetGone",
        HostErrorKind::NotRecorded => "notRecorded",
        HostErrorKind::NotLive => "notLive",
        HostErrorKind::Abandoned => "abandoned",
        HostErrorKind::Other => "other",
    };
    Reason::NotPossible {
        target: target.to_owned(),
        kind: kind.to_owned(),
        why: error.message,
        hint: error.hint,
    }
}
