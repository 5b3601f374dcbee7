//! Keeping an injection alive: its lease, those of its rules, and the reaper.

use std::sync::Arc;

use steadfast_engine::host::{HostError, HostErrorKind};
use steadfast_ledger::LedgerError;
use steadfast_model::{BootTime, InjectionId, proxy::ProxyRequest};

use super::{Inner, slot::Slot};
use crate::{
    control::{self, ControlError},
    error::{from_ledger, host_error},
    live::GivenRule,
};

impl Inner {
    pub(super) async fn renew(&self, injection: InjectionId) -> Result<(), HostError> {
        let slot = self.slot(injection);
        let not_live =
            |why: &str| host_error(HostErrorKind::NotLive, format!("renew {injection}: {why}"), None);
        let Some(live) = slot.live().clone() else { return Err(not_live("it is not live")) };
        let now = self.clock.boot();
        if now >= live.deadline {
            return Err(not_live("its deadline passed"));
        }
        if now >= live.lease {
            return Err(not_live("its lease ran out"));
        }
        let lease = now.after(self.timing.lease);
        self.ledger.renew(injection, lease).map_err(|error| match error {
            LedgerError::NotLive { .. } => not_live("somebody else reverted it"),
            other => from_ledger(&other),
        })?;
        for given in &live.rules {
            self.renew_rule(given, lease).await?;
        }
        if let Some(live) = slot.live().as_mut() {
            live.lease = lease;
        }
        self.keeper.ensure().await.map(drop)
    }

    async fn renew_rule(&self, given: &GivenRule, lease: BootTime) -> Result<(), HostError> {
        let GivenRule { proxy, rule } = given;
        let request = ProxyRequest::Renew { id: *rule, lease };
        let asked =
            control::ask(&proxy.control, Some(&proxy.identity), &request, self.timing.proxy_answer).await;
        asked.map(drop).map_err(|error| {
            let kind = match error {
                ControlError::Nobody { .. } | ControlError::Another { .. } => HostErrorKind::TargetGone,
                ControlError::Refused { .. } => HostErrorKind::NotLive,
                ControlError::NoAnswer { .. } => HostErrorKind::Other,
            };
            host_error(kind, format!("renew a rule of proxy {}: {error}", proxy.name), None)
        })
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

#[cfg(test)]
mod tests {
    use steadfast_ledger::StateDir;
    use steadfast_model::Binding;

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
            *host.inner.slot(injection).live() = Some(Live { deadline, lease, rules: Vec::new() });
            let refused = host.inner.renew(injection).await.unwrap_err();
            assert_eq!(refused.kind, HostErrorKind::NotLive);
            assert!(refused.message.contains(part), "{refused:?}");
        }
        assert_eq!(host.inner.renew(InjectionId::new()).await.unwrap_err().kind, HostErrorKind::NotLive);
    }
}
