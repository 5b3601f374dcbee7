//! What faults on network namespaces have in common.

use steadfast_model::{
    Duration, Effect, InjectionId, Observation, Percent, Problems, ResolvedTarget,
    effect::Sighting,
    network::{Backend, MOST_WAITING, NetworkFault, NetworkStatus, Traffic, Transport},
    target::ResolvedNamespace,
};

use crate::{
    FaultError, Preview,
    effects::judge_each,
    settings::check_share,
    world::{Injection, World},
};

/// No packet waits longer.
pub(crate) const LONGEST_WAIT: std::time::Duration = std::time::Duration::from_secs(60);
/// More peers or ports than these are refused: every packet is compared with each.
const MOST: usize = 64;
/// One packet of a million.
const SMALLEST: f64 = 1e-6;
/// When no more packets a second find room to wait, that is said.
const FEW: f64 = 100_000.0;

/// What a fault meets, as people call it.
pub(crate) struct Unit {
    /// One key a namespace for all faults that disturb the same: a partition would hide what a delay does.
    pub(crate) key: &'static str,
    /// All of them.
    pub(crate) many: &'static str,
    /// Those that the fault is about, among what it sees.
    pub(crate) that_match: &'static str,
    /// What did not come, when none did.
    pub(crate) none: &'static str,
}

const PACKETS: Unit =
    Unit { key: "packets", many: "packets", that_match: " that match", none: "packet that matches came by" };

/// A fault that disturbs what network namespaces send and receive. [`packet_fault`] makes a [`crate::Fault`] of it.
pub(crate) trait PacketFault: Send + Sync {
    /// The fault's key.
    const KIND: &'static str;
    /// Whether it is to happen to each packet that matches.
    const TO_ALL: bool = false;
    /// What it meets.
    const UNIT: Unit = PACKETS;

    /// What is wrong beside peers, ports, protocol and backend.
    fn check_settings(&self, problems: &mut Problems);

    /// What is done, as the beginning of a sentence: `drop packets`.
    fn does(&self) -> String;

    /// What happened to a packet then: `dropped`.
    fn done(&self) -> &'static str;

    /// Which packets.
    fn traffic(&self) -> Traffic;

    /// The same in words, after what is done.
    fn which(&self) -> String {
        which(&self.traffic())
    }

    /// What happens to them.
    fn fault(&self) -> NetworkFault;

    /// What people should know.
    fn warnings(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Makes a [`crate::Fault`] of a [`PacketFault`]. Proxies have a blanket implementation for it; there can be only one.
macro_rules! packet_fault {
    ($fault:ty) => {
        #[async_trait::async_trait]
        impl $crate::Fault for $fault {
            fn check(&self, problems: &mut steadfast_model::Problems) {
                $crate::on_network::check(self, problems);
            }

            async fn preflight(
                &self,
                world: &dyn $crate::world::World,
                targets: &[steadfast_model::ResolvedTarget],
            ) -> Result<$crate::Preview, $crate::FaultError> {
                $crate::on_network::preflight(self, world, targets).await
            }

            async fn inject(
                &self,
                world: &mut dyn $crate::world::Injection,
                targets: &[steadfast_model::ResolvedTarget],
            ) -> Result<(), $crate::FaultError> {
                $crate::on_network::inject(self, world, targets).await
            }

            async fn observe(
                &self,
                world: &dyn $crate::world::World,
                targets: &[steadfast_model::ResolvedTarget],
                injection: steadfast_model::InjectionId,
            ) -> Result<steadfast_model::Observation, $crate::FaultError> {
                $crate::on_network::observe(world, targets, injection).await
            }

            fn judge(
                &self,
                before: &steadfast_model::Observation,
                now: &steadfast_model::Observation,
            ) -> steadfast_model::Effect {
                $crate::on_network::judge(self, before, now)
            }

            fn is_for_whole_namespace(&self) -> bool {
                true
            }
        }
    };
}
pub(crate) use packet_fault;

/// All problems of such a fault.
pub(crate) fn check<T: PacketFault>(fault: &T, problems: &mut Problems) {
    fault.check_settings(problems);
    let traffic = fault.traffic();
    check_traffic(&traffic, problems);
    check_backend(&traffic, &fault.fault(), problems);
}

/// A share of packets that the kernel can draw.
pub(crate) fn check_packets(percent: Percent, problems: &mut Problems) {
    check_share(percent, problems);
    if percent.fraction() > 0.0 && percent.fraction() < SMALLEST {
        let message = format!("{percent} is less than one packet of a million");
        problems.error(&["percent"], message, Some("write at least 0.0001%"));
    }
}

/// How much traffic finds room to wait for so long, where that may be too little, and what happens then.
pub(crate) fn room(latency: Duration, otherwise: &str) -> Vec<String> {
    let fits = f64::from(MOST_WAITING) / latency.seconds();
    let warning = || {
        format!("at most {MOST_WAITING} packets wait at once: above {fits:.0} packets a second {otherwise}")
    };
    if fits < FEW { vec![warning()] } else { Vec::new() }
}

/// Peers, ports and protocol that packets can have.
fn check_traffic(traffic: &Traffic, problems: &mut Problems) {
    let Traffic { peers, ports, protocol, .. } = traffic;
    for (field, count) in [("peers", peers.len()), ("ports", ports.len())] {
        if count > MOST {
            let hint = "write networks such as 10.0.0.0/8, and ports in a row such as 8000-8010";
            problems.error(&[field], format!("{count} are more than {MOST}"), Some(hint));
        }
    }
    if let Some(peer) = peers.iter().find(|peer| peer.touches_loopback()) {
        problems.error(
            &["peers"],
            format!("{peer} is the machine itself: loopback is never disturbed"),
            Some("write addresses of others, or take a tcp or http fault on a proxy"),
        );
    }
    if !ports.is_empty() && *protocol == Some(Transport::Icmp) {
        problems.error(
            &["ports"],
            "ICMP has no ports",
            Some("leave `ports` out, or write protocol: tcp or udp"),
        );
    }
}

/// What netem cannot do is not asked of it.
fn check_backend(traffic: &Traffic, fault: &NetworkFault, problems: &mut Problems) {
    if fault.backend() == Backend::Netem
        && let Some((setting, must_be)) = fault.netem_cannot(traffic)
    {
        let hint = format!("for netem `{setting}` is {must_be}; or leave `backend` out");
        problems.error(&["backend"], format!("netem cannot do it with this `{setting}`"), Some(&hint));
    }
}

/// The namespaces of the targets, in their order: a process stands for the one it is in.
async fn namespaces(
    kind: &str,
    world: &dyn World,
    targets: &[ResolvedTarget],
) -> Result<Vec<ResolvedNamespace>, FaultError> {
    if targets.is_empty() {
        return Err(FaultError::Unsupported {
            what: format!("put {kind} into nothing: there are no targets"),
            hint: None,
        });
    }
    let mut found: Vec<ResolvedNamespace> = Vec::new();
    for target in targets {
        let namespace = match target {
            ResolvedTarget::Netns(namespace) => {
                world.network().check(namespace).await?;
                namespace.clone()
            }
            ResolvedTarget::Process(process) => world.network().of_process(process).await?,
            ResolvedTarget::Proxy(_) | ResolvedTarget::Host(_) => {
                return Err(FaultError::Unsupported {
                    what: format!("put {kind} into {target}: it is no network namespace"),
                    hint: Some(format!(
                        "{kind} goes `into` a `netns`, or a `process` or `service` in one of its own; for a `connection` or a `proxy` take a tcp or http fault, for a `host` a stress fault"
                    )),
                });
            }
        };
        if found.iter().any(|earlier| earlier.identity == namespace.identity) {
            return Err(FaultError::Unsupported {
                what: format!("put {kind} into {target}: another target is in the same network namespace"),
                hint: Some("name only one of them: the fault is for the whole namespace".to_owned()),
            });
        }
        found.push(namespace);
    }
    Ok(found)
}

/// Looks at every namespace, and says what would be done.
pub(crate) async fn preflight<T: PacketFault>(
    fault: &T,
    world: &dyn World,
    targets: &[ResolvedTarget],
) -> Result<Preview, FaultError> {
    let (does, traffic, disturbance) = (fault.does(), fault.traffic(), fault.fault());
    let mut preview =
        Preview { backend: String::new(), actions: Vec::new(), keys: Vec::new(), warnings: fault.warnings() };
    for (namespace, target) in namespaces(T::KIND, world, targets).await?.iter().zip(targets) {
        preview.backend = world.network().backend(namespace, &traffic, &disturbance).await?;
        preview.actions.push(format!("{does}{} at {target}", fault.which()));
        // And one of the target, as others look for it.
        preview.keys.push(format!("netns:{}/{}", namespace.identity, T::UNIT.key));
        if !matches!(target, ResolvedTarget::Netns(_)) {
            preview.keys.push(format!("{}/{}", target.key(), T::UNIT.key));
            let whole = "and everything else in the same network namespace, not this process alone";
            preview.warnings.push(format!("{target} {whole}"));
        }
    }
    Ok(preview)
}

/// Disturbs every namespace.
pub(crate) async fn inject<T: PacketFault>(
    fault: &T,
    world: &mut dyn Injection,
    targets: &[ResolvedTarget],
) -> Result<(), FaultError> {
    let (traffic, disturbance) = (fault.traffic(), fault.fault());
    for namespace in namespaces(T::KIND, world.world(), targets).await? {
        world.disturb_network(&namespace, &traffic, &disturbance).await?;
    }
    Ok(())
}

/// The counters of what this injection has put into every namespace.
pub(crate) async fn observe(
    world: &dyn World,
    targets: &[ResolvedTarget],
    injection: InjectionId,
) -> Result<Observation, FaultError> {
    let mut seen = Observation::default();
    for target in targets {
        seen.targets.push(match target {
            ResolvedTarget::Netns(namespace) => look_at(world, namespace, injection).await,
            ResolvedTarget::Process(process) => match world.network().of_process(process).await {
                Ok(namespace) => look_at(world, &namespace, injection).await,
                Err(FaultError::TargetGone { .. }) => {
                    let state = world.processes().state(&process.identity).await?;
                    Sighting::Process { identity: process.identity.clone(), state }
                }
                Err(error) => Sighting::Unseen { why: error.to_string() },
            },
            ResolvedTarget::Proxy(_) | ResolvedTarget::Host(_) => {
                Sighting::Unseen { why: format!("{target} is no network namespace") }
            }
        });
    }
    Ok(seen)
}

async fn look_at(world: &dyn World, namespace: &ResolvedNamespace, injection: InjectionId) -> Sighting {
    match world.network().status(namespace, injection).await {
        Ok(status) => Sighting::Network(Box::new(status)),
        Err(FaultError::TargetGone { .. }) => {
            Sighting::NamespaceGone { namespace: namespace.identity.clone() }
        }
        Err(error) => Sighting::Unseen { why: error.to_string() },
    }
}

/// Whether the tables are there, and whether their counters have grown since.
pub(crate) fn judge<T: PacketFault>(fault: &T, before: &Observation, now: &Observation) -> Effect {
    judge_each(before, now, |before, now| match now {
        Sighting::Network(now) => {
            let earlier = before.and_then(|seen| match seen {
                Sighting::Network(status) if status.namespace == now.namespace => Some(&**status),
                _ => None,
            });
            judge_counters(&T::UNIT, fault.done(), T::TO_ALL, earlier, now)
        }
        Sighting::NamespaceGone { namespace } => {
            Effect::Absent { evidence: format!("network namespace {namespace} is gone") }
        }
        Sighting::Process { identity, .. } => {
            // Others may live on in its namespace, where nobody can look for want of a way in.
            Effect::Unknown {
                why: format!("process {identity}, which led to the network namespace, has ended"),
            }
        }
        Sighting::Unseen { why } => Effect::Unknown { why: why.clone() },
        other => {
            Effect::Unknown { why: format!("{} was seen in place of a network namespace", other.thing()) }
        }
    })
}

/// `done` is what happens to packets, or what else they are; `all` says that it is to happen to each that matches.
fn judge_counters(
    unit: &Unit,
    done: &str,
    all: bool,
    before: Option<&NetworkStatus>,
    now: &NetworkStatus,
) -> Effect {
    let namespace = &now.namespace;
    if now.disturbances.is_empty() {
        let evidence = format!("network namespace {namespace} has no table of this injection");
        return Effect::Absent { evidence };
    }
    let (mut hits, mut seen) = (0, 0);
    for one in &now.disturbances {
        let earlier =
            before.and_then(|status| status.disturbances.iter().find(|each| each.table == one.table));
        hits += one.hits.saturating_sub(earlier.map_or(0, |each| each.hits));
        seen += one.seen.saturating_sub(earlier.map_or(0, |each| each.seen));
    }
    // Hits are counted a moment after what was seen.
    if all && hits > 0 && seen.saturating_sub(hits) > seen / 20 + 64 {
        let why = format!(
            "only {hits} of {seen} packets of network namespace {namespace} were {done}: at most {MOST_WAITING} wait, the rest goes on at once"
        );
        return Effect::Idle { why };
    }
    if hits > 0 {
        let (all, many) = (seen.max(hits), unit.many);
        let evidence = format!("network namespace {namespace}: {hits} of {all} {many} {done}");
        Effect::Active { evidence }
    } else if seen > 0 {
        let Unit { many, that_match, .. } = unit;
        let why =
            format!("none of the {seen} {many} of network namespace {namespace}{that_match} was {done}");
        Effect::Idle { why }
    } else {
        Effect::Idle { why: format!("no {} in network namespace {namespace}", unit.none) }
    }
}

/// ` on their way in from 10.0.0.0/8, port 5432 (tcp)`; only what narrows.
fn which(traffic: &Traffic) -> String {
    use steadfast_model::network::Direction::{Both, Egress, Ingress};
    let list = |items: Vec<String>| items.join(", ");
    let peers = list(traffic.peers.iter().map(ToString::to_string).collect());
    let ports = list(traffic.ports.iter().map(ToString::to_string).collect());
    let mut text = match (traffic.direction, peers.is_empty()) {
        (Ingress, true) => " on their way in".to_owned(),
        (Egress, true) => " on their way out".to_owned(),
        (Both, true) => " both ways".to_owned(),
        (Ingress, false) => format!(" from {peers}"),
        (Egress, false) => format!(" to {peers}"),
        (Both, false) => format!(" from and to {peers}"),
    };
    if !ports.is_empty() {
        text += &format!(", port {ports}");
    }
    match traffic.protocol {
        None => text,
        Some(Transport::Tcp) => text + ", TCP only",
        Some(Transport::Udp) => text + ", UDP only",
        Some(Transport::Icmp) => text + ", ICMP only",
    }
}
