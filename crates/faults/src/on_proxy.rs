//! What faults that are a rule in a proxy have in common.

use steadfast_model::{
    Effect, InjectionId, Observation, ResolvedTarget,
    effect::Sighting,
    process::ProcessState,
    proxy::{Protocol, ProxyStatus},
    target::ResolvedProxy,
};

use crate::{
    FaultError, Preview,
    effects::judge_each,
    world::{Injection, NewRule, World},
};

/// What a rule may hold of a proxy. Two rules that share one would mask each other.
pub(crate) const ALL_ASPECTS: &[&str] = &["http-delay", "http-status", "tcp-delay", "tcp-down", "tcp-reset"];

/// What a fault is about to do to proxies.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    /// The fault's key.
    pub(crate) kind: &'a str,
    /// What the proxy must understand.
    pub(crate) needs: Protocol,
    /// What is done, as the beginning of a sentence: `delay every request by 300ms`.
    pub(crate) does: String,
    /// Which of [`ALL_ASPECTS`] are held.
    pub(crate) holds: &'a [&'a str],
    /// What people should know.
    pub(crate) warnings: Vec<String>,
}

/// What a rule's counters count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counts {
    /// What comes by: `requests`.
    pub(crate) things: &'static str,
    /// What happens to it: `delayed`.
    pub(crate) done: &'static str,
}

/// The proxies among the targets, which must be all of them and understand enough.
fn proxies<'a>(
    kind: &str,
    needs: Protocol,
    targets: &'a [ResolvedTarget],
) -> Result<Vec<&'a ResolvedProxy>, FaultError> {
    if targets.is_empty() {
        return Err(FaultError::Unsupported {
            what: format!("put {kind} into nothing: there are no targets"),
            hint: None,
        });
    }
    let proxy = |target: &'a ResolvedTarget| match target {
        ResolvedTarget::Proxy(proxy) if needs == Protocol::Tcp || proxy.protocol == Protocol::Http => {
            Ok(proxy)
        }
        ResolvedTarget::Proxy(_) => Err(FaultError::Unsupported {
            what: format!("put {kind} into {target}: it carries plain TCP and knows no requests"),
            hint: Some(
                "take tcpDelay, tcpReset or tcpDown, or start the proxy with protocol http".to_owned(),
            ),
        }),
        ResolvedTarget::Process(_) | ResolvedTarget::Netns(_) => Err(FaultError::Unsupported {
            what: format!("put {kind} into {target}: it is no proxy"),
            hint: Some(format!(
                "{kind} goes `into` a `connection` or a `proxy`; for a `process` take processPause or processKill, for a `netns` a network fault"
            )),
        }),
    };
    targets.iter().map(proxy).collect()
}

/// Asks every proxy for its status, and says what would be done.
pub(crate) async fn preflight(
    plan: Plan<'_>,
    world: &dyn World,
    targets: &[ResolvedTarget],
) -> Result<Preview, FaultError> {
    let mut preview = Preview {
        backend: "proxy".to_owned(),
        actions: Vec::new(),
        keys: Vec::new(),
        warnings: plan.warnings,
    };
    for (proxy, target) in proxies(plan.kind, plan.needs, targets)?.into_iter().zip(targets) {
        world.proxies().status(proxy).await?;
        preview.actions.push(format!("{} at {target}", plan.does));
        preview.keys.extend(plan.holds.iter().map(|aspect| format!("{}/{aspect}", target.key())));
    }
    Ok(preview)
}

/// Gives every proxy the rule.
pub(crate) async fn inject(
    kind: &str,
    needs: Protocol,
    rule: NewRule,
    world: &mut dyn Injection,
    targets: &[ResolvedTarget],
) -> Result<(), FaultError> {
    for proxy in proxies(kind, needs, targets)? {
        world.apply_rule(proxy, rule.clone()).await?;
    }
    Ok(())
}

/// The counters of every proxy, with the rules of this injection alone.
pub(crate) async fn observe(
    world: &dyn World,
    targets: &[ResolvedTarget],
    injection: InjectionId,
) -> Result<Observation, FaultError> {
    let mut seen = Observation::default();
    for target in targets {
        seen.targets.push(match target {
            ResolvedTarget::Proxy(proxy) => look_at(world, proxy, injection).await,
            ResolvedTarget::Process(_) | ResolvedTarget::Netns(_) => {
                Sighting::Unseen { why: format!("{target} is no proxy") }
            }
        });
    }
    Ok(seen)
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

/// Whether the rule is listed, and whether its counter has grown since.
pub(crate) fn judge(counts: Counts, before: &Observation, now: &Observation) -> Effect {
    judge_each(before, now, |before, now| match now {
        Sighting::Proxy(now) => {
            let earlier = before
                .and_then(|seen| if let Sighting::Proxy(status) = seen { Some(&**status) } else { None });
            judge_rules(counts, earlier, now)
        }
        Sighting::Process { identity, state: ProcessState::Dead | ProcessState::Gone } => {
            Effect::Absent { evidence: format!("proxy process {identity} is gone, and its rules with it") }
        }
        Sighting::Process { identity, .. } => {
            Effect::Unknown { why: format!("process {identity} was seen in place of a proxy") }
        }
        Sighting::Network(_) | Sighting::NamespaceGone { .. } => {
            Effect::Unknown { why: "a network namespace was seen in place of a proxy".to_owned() }
        }
        Sighting::Unseen { why } => Effect::Unknown { why: why.clone() },
    })
}

fn judge_rules(Counts { things, done }: Counts, before: Option<&ProxyStatus>, now: &ProxyStatus) -> Effect {
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
            why: format!("none of the {seen} {things} through proxy {name} was {done}: chance spared them"),
        }
    } else {
        Effect::Idle { why: format!("no {things} that match came through proxy {name}") }
    }
}
