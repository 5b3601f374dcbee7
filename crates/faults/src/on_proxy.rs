//! What faults that are a rule in a proxy have in common.

use async_trait::async_trait;
use steadfast_model::{
    Effect, InjectionId, Observation, Problems, ResolvedTarget,
    effect::Sighting,
    process::ProcessState,
    proxy::{Protocol, ProxyStatus},
    target::ResolvedProxy,
};

use crate::{
    Fault, FaultError, Preview,
    effects::judge_each,
    world::{Injection, NewRule, World},
};

/// What a rule may hold of a proxy. Two rules that share one would mask each other.
pub(crate) const ALL_ASPECTS: &[&str] = &[
    "grpc-status",
    "http-abort",
    "http-body",
    "http-delay",
    "http-headers",
    "http-status",
    "tcp-bandwidth",
    "tcp-delay",
    "tcp-down",
    "tcp-limit-data",
    "tcp-reset",
    "tcp-slice",
    "tcp-slow-close",
    "tcp-timeout",
];

/// Those of them that are about requests.
pub(crate) const HTTP_ASPECTS: &[&str] =
    &["grpc-status", "http-abort", "http-body", "http-delay", "http-headers", "http-status"];

/// What a rule's counters count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    /// What comes by: `requests`.
    pub(crate) things: &'static str,
    /// What happens to it: `delayed`.
    pub(crate) done: &'static str,
}

/// A fault that is one rule in each proxy: what makes it a [`Fault`] is the same for all of them.
pub(crate) trait ProxyRuled: Send + Sync {
    /// The fault's key.
    const KIND: &'static str;
    /// What the proxy must understand.
    const NEEDS: Protocol;
    /// What the rule's counters count.
    const COUNTS: Counts;

    /// As [`Fault::check`].
    fn check(&self, problems: &mut Problems);

    /// What is done, as the beginning of a sentence: `hold every request for 300ms`.
    fn does(&self) -> String;

    /// Which of [`ALL_ASPECTS`] are held.
    fn holds(&self) -> &'static [&'static str];

    /// The rule that every proxy is given.
    fn rule(&self) -> NewRule;

    /// Why a proxy that understands enough does not fit all the same, and what to try.
    fn misfit(&self, _: &ResolvedProxy) -> Option<(&'static str, &'static str)> {
        None
    }
}

#[async_trait]
impl<T: ProxyRuled> Fault for T {
    fn check(&self, problems: &mut Problems) {
        ProxyRuled::check(self, problems);
    }

    async fn preflight(&self, world: &dyn World, targets: &[ResolvedTarget]) -> Result<Preview, FaultError> {
        let mut preview = Preview {
            backend: "proxy".to_owned(),
            actions: Vec::new(),
            keys: Vec::new(),
            warnings: Vec::new(),
        };
        for (proxy, target) in proxies(self, targets)?.into_iter().zip(targets) {
            let status = world.proxies().status(proxy).await?;
            if T::NEEDS == Protocol::Http && status.unreadable > 0 && status.requests == 0 {
                return Err(unreadable::<T>(target, &status));
            }
            preview.actions.push(format!("{} at {target}", self.does()));
            preview.keys.extend(self.holds().iter().map(|aspect| format!("{}/{aspect}", target.key())));
        }
        Ok(preview)
    }

    async fn inject(&self, world: &mut dyn Injection, targets: &[ResolvedTarget]) -> Result<(), FaultError> {
        for proxy in proxies(self, targets)? {
            world.apply_rule(proxy, self.rule()).await?;
        }
        Ok(())
    }

    /// The counters of every proxy, with the rules of this injection alone.
    async fn observe(
        &self,
        world: &dyn World,
        targets: &[ResolvedTarget],
        injection: InjectionId,
    ) -> Result<Observation, FaultError> {
        let mut seen = Observation::default();
        for target in targets {
            seen.targets.push(match target {
                ResolvedTarget::Proxy(proxy) => look_at(world, proxy, injection).await,
                ResolvedTarget::Process(_) | ResolvedTarget::Netns(_) | ResolvedTarget::Host(_) => {
                    Sighting::Unseen { why: format!("{target} is no proxy") }
                }
            });
        }
        Ok(seen)
    }

    /// Whether the rule is listed, and whether its counter has grown since.
    fn judge(&self, before: &Observation, now: &Observation) -> Effect {
        judge_each(before, now, |before, now| match now {
            Sighting::Proxy(now) => {
                let earlier = before
                    .and_then(|seen| if let Sighting::Proxy(status) = seen { Some(&**status) } else { None });
                judge_rules(T::COUNTS, T::NEEDS, earlier, now)
            }
            Sighting::Process { identity, state: ProcessState::Dead | ProcessState::Gone } => {
                Effect::Absent {
                    evidence: format!("proxy process {identity} is gone, and its rules with it"),
                }
            }
            Sighting::Unseen { why } => Effect::Unknown { why: why.clone() },
            other => Effect::Unknown { why: format!("{} was seen in place of a proxy", other.thing()) },
        })
    }
}

fn unreadable<T: ProxyRuled>(target: &ResolvedTarget, status: &ProxyStatus) -> FaultError {
    FaultError::Unsupported {
        what: format!(
            "put {} into {target}: all it has carried is TLS, which it cannot read ({})",
            T::KIND,
            connections(status.unreadable)
        ),
        hint: Some(
            "give the proxy a certificate (`--tls-certificate`, `--tls-key`), or take tcpDelay, tcpReset or another tcp fault"
                .to_owned(),
        ),
    }
}

fn connections(count: u64) -> String {
    if count == 1 { "1 connection".to_owned() } else { format!("{count} connections") }
}

/// The proxies among the targets, which must be all of them and understand enough.
fn proxies<'a, T: ProxyRuled>(
    fault: &T,
    targets: &'a [ResolvedTarget],
) -> Result<Vec<&'a ResolvedProxy>, FaultError> {
    let kind = T::KIND;
    if targets.is_empty() {
        return Err(FaultError::Unsupported {
            what: format!("put {kind} into nothing: there are no targets"),
            hint: None,
        });
    }
    let proxy = |target: &'a ResolvedTarget| match target {
        ResolvedTarget::Proxy(proxy) if T::NEEDS == Protocol::Tcp || proxy.protocol == Protocol::Http => {
            match fault.misfit(proxy) {
                None => Ok(proxy),
                Some((why, hint)) => Err(FaultError::Unsupported {
                    what: format!("put {kind} into {target}: {why}"),
                    hint: Some(hint.to_owned()),
                }),
            }
        }
        ResolvedTarget::Proxy(_) => Err(FaultError::Unsupported {
            what: format!("put {kind} into {target}: it carries plain TCP and knows no requests"),
            hint: Some(
                "take tcpDelay, tcpReset or another tcp fault, or start the proxy with protocol http"
                    .to_owned(),
            ),
        }),
        ResolvedTarget::Process(_) | ResolvedTarget::Netns(_) | ResolvedTarget::Host(_) => {
            Err(FaultError::Unsupported {
                what: format!("put {kind} into {target}: it is no proxy"),
                hint: Some(format!(
                    "{kind} goes `into` a `connection` or a `proxy`; for a `process` take processPause or processKill, for a `netns` a network fault, for a `host` a stress fault"
                )),
            })
        }
    };
    targets.iter().map(proxy).collect()
}

async fn look_at(world: &dyn World, proxy: &ResolvedProxy, injection: InjectionId) -> Sighting {
    let error = match world.proxies().status(proxy).await {
        Ok(mut status) => {
            status.rules.retain(|rule| rule.id.injection == injection);
            return Sighting::Proxy(Box::new(status));
        }
        Err(error) => error,
    };
    // A silent socket alone proves nothing; rules live in the proxy's memory and are gone for sure once it has ended.
    match world.processes().state(&proxy.identity).await {
        Ok(state @ (ProcessState::Dead | ProcessState::Gone)) => {
            Sighting::Process { identity: proxy.identity.clone(), state }
        }
        _ => Sighting::Unseen { why: error.to_string() },
    }
}

fn judge_rules(
    Counts { things, done }: Counts,
    needs: Protocol,
    before: Option<&ProxyStatus>,
    now: &ProxyStatus,
) -> Effect {
    let name = &now.name;
    if now.rules.is_empty() {
        return Effect::Absent { evidence: format!("proxy {name} has no rule of this injection") };
    }
    let (mut hits, mut seen) = (0, 0);
    for rule in &now.rules {
        let earlier = before.and_then(|status| status.rules.iter().find(|earlier| earlier.id == rule.id));
        hits += rule.hits.saturating_sub(earlier.map_or(0, |rule| rule.hits));
        seen += rule.seen.saturating_sub(earlier.map_or(0, |rule| rule.seen));
    }
    if hits > 0 {
        Effect::Active { evidence: format!("proxy {name}: {hits} of {} {things} {done}", seen.max(hits)) }
    } else if seen > 0 {
        Effect::Idle {
            why: format!(
                "none of the {seen} {things} through proxy {name} was {done}: chance, counting or another fault spared them"
            ),
        }
    } else {
        Effect::Idle {
            why: format!("no {things} that match came through proxy {name}{}", others(needs, before, now)),
        }
    }
}

/// What came by that a rule about requests did not match, or could not.
fn others(needs: Protocol, before: Option<&ProxyStatus>, now: &ProxyStatus) -> String {
    if needs == Protocol::Tcp {
        return String::new();
    }
    let requests = now.requests.saturating_sub(before.map_or(now.requests, |before| before.requests));
    let among = match requests {
        0 => String::new(),
        1 => ", among 1 request".to_owned(),
        requests => format!(", among {requests} requests"),
    };
    match now.unreadable {
        0 => among,
        unreadable => format!("{among}; unreadable: TLS, in {} so far", connections(unreadable)),
    }
}
