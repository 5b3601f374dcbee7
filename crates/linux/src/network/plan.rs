//! From what a fault is narrowed to, to tables of nf_tables. Pure.
//!
//! Every chain narrows a little and leads on with `goto`, so that no packet meets a disturbance twice:
//! `ingress` and `egress` look at the peer, `ports` at protocol and ports, `disturb` counts and disturbs.

use steadfast_model::network::{Peer, Traffic, Transport};

use super::nft::{
    Chain, DISTURB, Family, HIT, Hook, QUEUED, Rule, SEEN, TOLD_CHAIN, Table,
    expression::{Expression, Header, Meta},
};

mod divert;

pub(super) use divert::{Diversion, diverting};

/// Loopback has this number in every network namespace.
const LOOPBACK: u32 = 1;
/// `ARPHRD_ETHER` of linux/if_arp.h.
const ETHERNET: u16 = 1;
/// The mark of packets that went through a device of ours and must pass now.
const RELEASED: u32 = 0x5fa5_7001;

const INET_INPUT: u32 = 1;
const INET_OUTPUT: u32 = 3;
const PREROUTING: u32 = 0;
const DEVICE_INGRESS: u32 = 0;
const DEVICE_EGRESS: u32 = 1;
/// `NF_IP_PRI_MANGLE` of linux/netfilter_ipv4.h.
const MANGLE: i32 = -150;

/// How packets are disturbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    /// All are dropped.
    Drop,
    /// All are refused: the sender is told.
    Refuse,
    /// So many of a million are dropped.
    Lose(u32),
    /// So many of a million, all of TCP, are answered with a reset.
    Reset(u32),
}

/// Which of the packets that match are led away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    /// All.
    All,
    /// So many of a million.
    Some(u32),
    /// All, and who counts those that are disturbed is not the kernel.
    AllUncounted,
    /// All but so many of a million of those whose turn it is, one of `every`. It is those that count as disturbed.
    AllBut { every: u32, million: u32 },
}

/// A device whose packets are held, and the device of ours they are led through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Detour {
    pub(super) device: String,
    pub(super) device_number: u32,
    pub(super) through: String,
    pub(super) through_number: u32,
}

/// Drops in the hooks of the devices, where no sender notices, or refuses in the hooks of the protocols.
pub(super) fn dropping(traffic: &Traffic, action: Action, devices: &[String]) -> Table {
    let (family, ingress, egress) = match action {
        Action::Refuse | Action::Reset(_) => (Family::Inet, INET_INPUT, INET_OUTPUT),
        Action::Drop | Action::Lose(_) => (Family::Netdev, DEVICE_INGRESS, DEVICE_EGRESS),
    };
    let devices = if family == Family::Netdev { devices.to_vec() } else { Vec::new() };
    let narrowing = Narrowing { traffic, family, suffix: "" };
    let mut chains = Vec::new();
    if traffic.direction.includes_ingress() {
        let hook = Hook { number: ingress, priority: 0, devices: devices.clone() };
        chains.push(narrowing.entry("ingress", hook, Side::Source));
    }
    if traffic.direction.includes_egress() {
        let hook = Hook { number: egress, priority: 0, devices };
        chains.push(narrowing.entry("egress", hook, Side::Destination));
    }
    chains.extend(narrowing.ports());
    let mut disturb = Vec::new();
    if family == Family::Inet {
        // Also the answers to what came in go out here.
        disturb.push(Rule::of(vec![is_transport(TCP), is_reset(), Expression::Accept]));
    }
    disturb.push(Rule::counting(SEEN, vec![Expression::Count]));
    disturb.extend(match action {
        Action::Drop => vec![hit(vec![], vec![Expression::Drop])],
        Action::Lose(million) => vec![hit(vec![Expression::Chance(million)], vec![Expression::Drop])],
        Action::Refuse => vec![
            hit(vec![is_transport(TCP)], vec![Expression::Reset]),
            hit(vec![], vec![Expression::Unreachable]),
        ],
        Action::Reset(million) => {
            vec![hit(vec![is_transport(TCP), Expression::Chance(million)], vec![Expression::Reset])]
        }
    });
    chains.push(Chain { name: DISTURB.to_owned(), hook: None, is_entry: false, rules: disturb });
    Table { family, chains }
}

/// Hands what comes in to a queue: one table for IPv4, one for IPv6.
pub(super) fn queueing(traffic: &Traffic, share: Share, queue: u16, native: bool) -> Vec<Table> {
    let table = |family| {
        let narrowing = Narrowing { traffic, family, suffix: "" };
        let hook = Hook { number: PREROUTING, priority: MANGLE, devices: Vec::new() };
        let mut chains = vec![narrowing.entry("ingress", hook, Side::Source)];
        chains.extend(narrowing.ports());
        let to_queue = if native { Expression::Queue(queue) } else { Expression::CompatQueue(queue) };
        let rules = share.leading(&format!("{QUEUED}{queue}"), vec![to_queue]);
        chains.push(Chain { name: DISTURB.to_owned(), hook: None, is_entry: false, rules });
        if share == Share::AllUncounted {
            chains.push(told());
        }
        Table { family, chains }
    };
    vec![table(Family::Ipv4), table(Family::Ipv6)]
}

/// Leads what goes out through devices of ours, and from there out as it was meant to.
pub(super) fn detouring(traffic: &Traffic, share: Share, detours: &[Detour]) -> Table {
    let released = || Expression::number_is(Meta::Mark, RELEASED);
    let mut chains = Vec::new();
    for (index, detour) in detours.iter().enumerate() {
        let suffix = index.to_string();
        let narrowing = Narrowing { traffic, family: Family::Netdev, suffix: &suffix };
        let hook = |device: &str, number| Hook { number, priority: 0, devices: vec![device.to_owned()] };
        let mut entry = narrowing.entry("egress", hook(&detour.device, DEVICE_EGRESS), Side::Destination);
        let other = Expression::MetaIsNot(Meta::OutType, ETHERNET.to_ne_bytes().to_vec());
        entry.rules.insert(0, Rule::of(vec![other, Expression::Accept]));
        entry.rules.insert(0, Rule::of(vec![released(), Expression::Accept]));
        chains.push(entry);
        chains.extend(narrowing.ports());
        let away = vec![Expression::SetMark(RELEASED), Expression::Forward(detour.through_number)];
        chains.push(Chain {
            name: format!("{DISTURB}{suffix}"),
            hook: None,
            is_entry: false,
            rules: share.leading(HIT, away),
        });
        chains.push(quiet(&suffix, &detour.through));
        chains.push(Chain {
            name: format!("back{suffix}"),
            hook: Some(hook(&detour.through, DEVICE_INGRESS)),
            is_entry: false,
            rules: vec![Rule::of(vec![
                Expression::SetMark(RELEASED),
                Expression::Forward(detour.device_number),
            ])],
        });
    }
    chains.push(told());
    Table { family: Family::Netdev, chains }
}

/// Sends what comes in or goes out once more: what goes out by the device itself, what comes in by a device of ours that
/// leads it to where it came in. The second one bears our mark and is passed over.
pub(super) fn duplicating(
    traffic: &Traffic,
    million: u32,
    devices: &[(String, u32)],
    loops: &[Detour],
) -> Table {
    let out = devices.iter().map(|(device, number)| (device, DEVICE_EGRESS, *number));
    let into = loops.iter().map(|each| (&each.device, DEVICE_INGRESS, each.through_number));
    let mut chains = Vec::new();
    for (index, (device, hook, by)) in out.chain(into).enumerate() {
        let suffix = index.to_string();
        let narrowing = Narrowing { traffic, family: Family::Netdev, suffix: &suffix };
        let (name, side) = match hook {
            DEVICE_EGRESS => ("egress", Side::Destination),
            _ => ("ingress", Side::Source),
        };
        let hook = Hook { number: hook, priority: 0, devices: vec![device.clone()] };
        let mut entry = narrowing.entry(name, hook, side);
        let mut second = vec![Expression::number_is(Meta::Mark, RELEASED)];
        if name == "ingress" {
            // Nobody set a mark yet on what comes in.
            second.push(Expression::SetMark(0));
        }
        second.push(Expression::Accept);
        entry.rules.insert(0, Rule::of(second));
        chains.push(entry);
        chains.extend(narrowing.ports());
        let again = vec![Expression::Duplicate { device: by, mark: RELEASED }];
        let rules = Share::Some(million).leading(HIT, again);
        chains.push(Chain { name: format!("{DISTURB}{suffix}"), hook: None, is_entry: false, rules });
    }
    chains.extend(loops.iter().enumerate().map(|(index, each)| quiet(&index.to_string(), &each.through)));
    Table { family: Family::Netdev, chains }
}

impl Share {
    /// Counts what matches, and leads the share away.
    fn leading(self, comment: &str, away: Vec<Expression>) -> Vec<Rule> {
        let seen = Rule::counting(SEEN, vec![Expression::Count]);
        let counted = |mut first: Vec<Expression>, then| {
            first.push(Expression::Count);
            first.extend(then);
            first
        };
        match self {
            Self::AllUncounted => vec![seen, Rule::of(away)],
            Self::All => vec![seen, Rule::counting(comment, counted(Vec::new(), away))],
            Self::Some(million) => {
                let chosen = counted(vec![Expression::Chance(million)], away);
                vec![seen, Rule::counting(comment, chosen)]
            }
            Self::AllBut { every, million } => {
                let turn = (every > 1).then_some(Expression::Every(every));
                let chosen = turn.into_iter().chain([Expression::Chance(million)]).collect();
                let ahead = Rule::counting(HIT, counted(chosen, vec![Expression::Accept]));
                vec![seen, ahead, Rule::of(away)]
            }
        }
    }
}

/// No packet comes here.
fn told() -> Chain {
    Chain { name: TOLD_CHAIN.to_owned(), hook: None, is_entry: false, rules: Vec::new() }
}

/// What the machine itself sends into a device of ours, to find neighbours, is nobody's.
fn quiet(suffix: &str, device: &str) -> Chain {
    let released = Expression::number_is(Meta::Mark, RELEASED);
    let hook = Hook { number: DEVICE_EGRESS, priority: 0, devices: vec![device.to_owned()] };
    let rules = vec![Rule::of(vec![released, Expression::Accept]), Rule::of(vec![Expression::Drop])];
    Chain { name: format!("quiet{suffix}"), hook: Some(hook), is_entry: false, rules }
}

const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;
/// The first and the last of the message types of RFC 4861 that find routers and neighbours.
const ROUTER_SOLICITATION: u8 = 133;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;

/// Where in a packet the peer's address stands.
#[derive(Debug, Clone, Copy)]
enum Side {
    Source,
    Destination,
}

struct Narrowing<'a> {
    traffic: &'a Traffic,
    family: Family,
    suffix: &'a str,
}

impl Narrowing<'_> {
    /// Passes loopback and, as ARP is no IP and passes too, neighbour discovery; leads on what comes from or goes to a peer.
    fn entry(&self, name: &str, hook: Hook, side: Side) -> Chain {
        let mut rules = Vec::new();
        if self.family != Family::Netdev {
            let device = match side {
                Side::Source => Meta::InDevice,
                Side::Destination => Meta::OutDevice,
            };
            rules.push(Rule::of(vec![Expression::number_is(device, LOOPBACK), Expression::Accept]));
        }
        if let Some(mut version) = self.version(false) {
            let finds_neighbours = Expression::Between {
                offset: 0,
                first: vec![ROUTER_SOLICITATION],
                last: vec![NEIGHBOUR_ADVERTISEMENT],
            };
            version.extend([is_transport(ICMPV6), finds_neighbours, Expression::Accept]);
            rules.push(Rule::of(version));
        }
        let narrows = self.traffic.protocol.is_some() || !self.traffic.ports.is_empty();
        let next = format!("{}{}", if narrows { "ports" } else { DISTURB }, self.suffix);
        let mut lead_on = |mut expressions: Vec<Expression>| {
            expressions.push(Expression::Goto(next.clone()));
            rules.push(Rule::of(expressions));
        };
        if self.traffic.peers.is_empty() {
            for is_v4 in [true, false] {
                if let Some(version) = self.version(is_v4) {
                    lead_on(version);
                }
            }
        }
        for peer in &self.traffic.peers {
            if let Some(mut version) = self.version(peer.address().is_ipv4()) {
                version.extend(address(*peer, side));
                lead_on(version);
            }
        }
        Chain { name: format!("{name}{}", self.suffix), hook: Some(hook), is_entry: true, rules }
    }

    /// What tells that a packet is of a version of IP; `None` in a table of the other.
    fn version(&self, is_v4: bool) -> Option<Vec<Expression>> {
        match (self.family, is_v4) {
            (Family::Ipv4, true) | (Family::Ipv6, false) => Some(Vec::new()),
            (Family::Ipv4, false) | (Family::Ipv6, true) => None,
            (Family::Inet, _) => {
                Some(vec![Expression::MetaIs(Meta::Family, vec![if is_v4 { 2 } else { 10 }])])
            }
            (Family::Netdev, _) => {
                let ether_type: u16 = if is_v4 { 0x0800 } else { 0x86dd };
                Some(vec![Expression::MetaIs(Meta::EtherType, ether_type.to_be_bytes().to_vec())])
            }
        }
    }

    /// Leads on what has the protocol and a port at either end; no chain when everything has.
    fn ports(&self) -> Option<Chain> {
        let Traffic { ports, protocol, .. } = self.traffic;
        let next = || Expression::Goto(format!("{DISTURB}{}", self.suffix));
        let numbers: &[u8] = match protocol {
            None if ports.is_empty() => return None,
            None => &[TCP, UDP],
            Some(Transport::Tcp) => &[TCP],
            Some(Transport::Udp) => &[UDP],
            Some(Transport::Icmp) => &[ICMP, ICMPV6],
        };
        let mut rules = Vec::new();
        for number in numbers {
            if ports.is_empty() {
                rules.push(Rule::of(vec![is_transport(*number), next()]));
            }
            for ports in ports {
                for offset in [0, 2] {
                    let [first, last] = [ports.first(), ports.last()].map(|port| port.to_be_bytes().to_vec());
                    let port = Expression::Between { offset, first, last };
                    rules.push(Rule::of(vec![is_transport(*number), port, next()]));
                }
            }
        }
        Some(Chain { name: format!("ports{}", self.suffix), hook: None, is_entry: false, rules })
    }
}

/// What tells that a packet comes from or goes to a peer. Nothing needs to be told of everybody.
fn address(peer: Peer, side: Side) -> Option<Expression> {
    let offset = match (peer.address().is_ipv4(), side) {
        (true, Side::Source) => 12,
        (true, Side::Destination) => 16,
        (false, Side::Source) => 8,
        (false, Side::Destination) => 24,
    };
    let whole = usize::from(peer.prefix()) == peer.bytes().len() * 8;
    let mask = (!whole).then(|| peer.mask());
    let header = Header::Network;
    (peer.prefix() > 0).then(|| Expression::HeaderIs { header, offset, value: peer.bytes(), mask })
}

/// `RST` among the flags of TCP.
fn is_reset() -> Expression {
    Expression::HeaderIs { header: Header::Transport, offset: 13, value: vec![4], mask: Some(vec![4]) }
}

/// As headers of IP name it. Of ICMP, that of IPv4.
pub(super) fn transport_number(transport: Transport) -> u8 {
    match transport {
        Transport::Tcp => TCP,
        Transport::Udp => UDP,
        Transport::Icmp => ICMP,
    }
}

fn is_transport(number: u8) -> Expression {
    Expression::MetaIs(Meta::Transport, vec![number])
}

fn hit(mut expressions: Vec<Expression>, then: Vec<Expression>) -> Rule {
    expressions.push(Expression::Count);
    expressions.extend(then);
    Rule::counting(HIT, expressions)
}

#[cfg(test)]
mod tests;
