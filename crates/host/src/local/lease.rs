//! Keeping an injection alive: its lease, those of its rules, and the reaper.

use std::{sync::Arc, time::Duration};

use steadfast_engine::host::{HostError, HostErrorKind};
use steadfast_ledger::LedgerError;
use steadfast_linux::ProcessHandle;
use steadfast_model::{BootTime, InjectionId, files::Cover, proxy::ProxyRequest};
use tokio::sync::oneshot;

use super::{Inner, slot::Slot};
use crate::{
    control::{self, ControlError},
    error::{from_ledger, host_error},
    live::GivenRule,
    workshop::{GivenWorker, Health},
};

/// A worker is looked at again after this: 1 h.
const A_LONG_TIME: Duration = Duration::from_secs(3_600);

impl Inner {
    pub(super) async fn renew(&self, injection: InjectionId) -> Result<(), HostError> {
        let slot = self.slot(injection);
        let not_live =
            |why: &str| host_error(HostErrorKind::NotLive, format!("renew {injection}: {why}"), None);
        if let Some(lost) = slot.lost.get() {
            return Err(lost.clone());
        }
        let Some(live) = slot.live().clone() else { return Err(not_live("it is not live")) };
        let now = self.clock.boot();
        if now >= live.deadline {
            return Err(not_live("its deadline passed"));
        }
        // Before the lease: it would hide what the trouble is.
        if let Some(gone) = live.rules.iter().find_map(proxy_gone) {
            return Err(gone);
        }
        if now >= live.lease {
            return Err(not_live("its lease ran out"));
        }
        let lease = now.after(self.timing.lease);
        self.ledger.renew(injection, lease).map_err(|error| match error {
            LedgerError::NotLive { .. } => not_live("somebody else reverted it"),
            other => from_ledger(&other),
        })?;
        if let Some(live) = slot.live().as_mut() {
            live.lease = lease;
        }
        // One that cannot be renewed must not let the others run out.
        let mut trouble = None;
        for given in &live.rules {
            if let Err(error) = self.renew_rule(given, lease).await {
                trouble.get_or_insert(error);
            }
        }
        for worker in &live.workers {
            if let Err(error) = self.renew_worker(worker, lease).await {
                trouble.get_or_insert(error);
            }
        }
        self.keeper.ensure().await?;
        trouble.map_or(Ok(()), Err)
    }

    async fn renew_rule(&self, given: &GivenRule, lease: BootTime) -> Result<(), HostError> {
        let GivenRule { proxy, rule } = given;
        let request = ProxyRequest::Renew { id: *rule, lease };
        let asked =
            control::ask(&proxy.control, Some(&proxy.identity), &request, self.timing.proxy_answer).await;
        asked.map(drop).map_err(|error| {
            if let Some(gone) = proxy_gone(given) {
                return gone;
            }
            let kind = match error {
                ControlError::Refused { .. } => HostErrorKind::NotLive,
                // It lives and may be reached again.
                ControlError::Nobody { .. }
                | ControlError::Another { .. }
                | ControlError::NoAnswer { .. } => HostErrorKind::Other,
            };
            host_error(kind, format!("renew a rule of proxy {}: {error}", proxy.name), None)
        })
    }

    async fn renew_worker(&self, worker: &GivenWorker, lease: BootTime) -> Result<(), HostError> {
        let what = match worker.renew(lease, self.timing.proxy_answer).await {
            Health::Well => return Ok(()),
            Health::Ended => "ended too early",
            Health::Hung => "hung and was killed",
        };
        let message = format!("keep the fault in place: its worker {} {what}", worker.identity);
        Err(host_error(HostErrorKind::TargetGone, message, Some("see reaper.log in the state directory")))
    }

    /// Whoever uses a directory whose cover has lost its worker meets errors: it is taken away at once.
    pub(super) fn undo_without(
        self: &Arc<Self>,
        worker: &GivenWorker,
        cover: Cover,
        injection: InjectionId,
        slot: &Arc<Slot>,
    ) {
        let identity = worker.identity.clone();
        let (host, slot) = (Arc::downgrade(self), Arc::downgrade(slot));
        let (tell, ended) = oneshot::channel();
        let waited_for = identity.clone();
        // On a thread of its own, which holds up nothing when this process ends.
        std::thread::spawn(move || {
            while let Ok(Some(handle)) = ProcessHandle::open(&waited_for) {
                if handle.ends_within(A_LONG_TIME).is_err() {
                    return;
                }
            }
            // Nobody waits for it any more when this process ends.
            let _heard = tell.send(());
        });
        tokio::spawn(async move {
            if ended.await.is_err() {
                return;
            }
            let (Some(host), Some(slot)) = (host.upgrade(), slot.upgrade()) else { return };
            // Whoever reverts already has ended it.
            if slot.live().is_none() || slot.state.try_lock().is_err() {
                return;
            }
            let what = format!(
                "keep {} covered: worker {identity} ended too early, and everybody got their files back",
                cover.path.display()
            );
            let hint = Some("see reaper.log in the state directory");
            drop(slot.lost.set(host_error(HostErrorKind::TargetGone, what, hint)));
            // Failing here is told by the next revert, and at the lease's end the reaper goes on.
            drop(host.revert(injection).await);
        });
    }

    /// As long as the injection is live, a reaper that died is replaced.
    pub(super) fn keep_watch(self: &Arc<Self>, slot: &Arc<Slot>) {
        let (host, slot) = (Arc::downgrade(self), Arc::downgrade(slot));
        let pause = self.timing.watch;
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(pause).await;
                let (Some(host), Some(slot)) = (host.upgrade(), slot.upgrade()) else { return };
                if slot.live().is_none() {
                    return;
                }
                // Failing here is told by the next renewal; this tries again in a moment.
                drop(host.keeper.ensure().await);
            }
        });
    }
}

/// What to say of a rule whose proxy is no more.
fn proxy_gone(given: &GivenRule) -> Option<HostError> {
    let GivenRule { proxy, .. } = given;
    let died = matches!(ProcessHandle::open(&proxy.identity), Ok(None));
    let what = || {
        let what = format!("keep the fault in place: the proxy {} died, and the fault with it", proxy.name);
        host_error(HostErrorKind::TargetGone, what, Some("start it again, and see what ended it"))
    };
    died.then(what)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use steadfast_ledger::{Begun, Opening, StateDir};
    use steadfast_linux::own_identity;
    use steadfast_model::{
        Binding, Clock, ProcessIdentity, WallTime,
        proxy::{Protocol, RuleId},
        target::ResolvedProxy,
    };

    use super::*;
    use crate::{LocalHost, LocalHostOptions, Timing, local::slot::Live};

    #[tokio::test]
    async fn what_overstayed_cannot_be_renewed() {
        let directory = steadfast_testkit::durable_dir();
        let state = StateDir::open(directory.path()).unwrap();
        let (binding, timing) = (Binding::default(), Timing::default());
        let host = LocalHost::new(LocalHostOptions { state, binding, reaper: vec![], timing }).unwrap();
        let (past, future) = (BootTime(1), BootTime(u64::MAX));
        for (deadline, lease, part) in
            [(future, past, "lease"), (past, future, "deadline"), (future, future, "somebody")]
        {
            let injection = InjectionId::new();
            *host.inner.slot(injection).live() =
                Some(Live { deadline, lease, rules: Vec::new(), workers: Vec::new() });
            let refused = host.inner.renew(injection).await.unwrap_err();
            assert_eq!(refused.kind, HostErrorKind::NotLive);
            assert!(refused.message.contains(part), "{refused:?}");
        }
        assert_eq!(host.inner.renew(InjectionId::new()).await.unwrap_err().kind, HostErrorKind::NotLive);
    }

    fn rule_in(identity: ProcessIdentity, injection: InjectionId) -> GivenRule {
        let proxy = ResolvedProxy {
            name: "a-b".to_owned(),
            control: PathBuf::from("/nowhere/control.sock"),
            identity,
            listen: "127.0.0.1:1".to_owned(),
            upstream: "127.0.0.1:2".to_owned(),
            protocol: Protocol::Tcp,
        };
        GivenRule { proxy, rule: RuleId { injection, number: 0 } }
    }

    /// A host with one live injection, written down, that has one rule.
    fn with_a_rule(state: StateDir, lease: BootTime, proxy: ProcessIdentity) -> (LocalHost, InjectionId) {
        let (binding, timing) =
            (Binding::default(), Timing { patience: Default::default(), ..Timing::default() });
        let reaper = vec!["/bin/false".into()];
        let host = LocalHost::new(LocalHostOptions { state, binding, reaper, timing }).unwrap();
        let (injection, deadline) = (InjectionId::new(), BootTime(u64::MAX));
        let opening = Opening {
            injection,
            run: None,
            injector: own_identity().unwrap(),
            fault: "tcpDown".to_owned(),
            targets: vec![],
            keys: vec![],
            began: WallTime(0),
            deadline,
            lease,
        };
        let lock = host.inner.ledger.try_lock().unwrap().unwrap();
        assert!(matches!(host.inner.ledger.begin(&lock, &opening).unwrap(), Begun::New(_)));
        let rules = vec![rule_in(proxy, injection)];
        *host.inner.slot(injection).live() = Some(Live { deadline, lease, rules, workers: Vec::new() });
        (host, injection)
    }

    #[tokio::test]
    async fn a_lease_is_moved_even_where_a_rule_cannot_be_renewed() {
        let directory = steadfast_testkit::durable_dir();
        let state = StateDir::open(directory.path()).unwrap();
        let soon =
            steadfast_linux::SystemClock::new().unwrap().boot().after(std::time::Duration::from_secs(5));
        let (host, injection) = with_a_rule(state, soon, own_identity().unwrap());
        let refused = host.inner.renew(injection).await.unwrap_err();
        assert_eq!(refused.kind, HostErrorKind::Other, "{refused:?}");
        assert!(host.inner.slot(injection).live().as_ref().unwrap().lease > soon);
    }

    #[tokio::test]
    async fn a_proxy_that_died_is_told_of_at_once_and_for_as_long_as_it_is_asked_for() {
        let directory = steadfast_testkit::durable_dir();
        let state = StateDir::open(directory.path()).unwrap();
        let own = own_identity().unwrap();
        let dead = ProcessIdentity { start_time: own.start_time + 1, ..own };
        let past = BootTime(1);
        let (host, injection) = with_a_rule(state, past, dead);
        for _ in 0..2 {
            let refused = host.inner.renew(injection).await.unwrap_err();
            assert_eq!(refused.kind, HostErrorKind::TargetGone);
            assert!(refused.message.contains("the proxy a-b died, and the fault with it"), "{refused:?}");
        }
    }
}
