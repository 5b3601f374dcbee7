//! Tables of nf_tables that vanish with the socket that made them (`flags owner`, Linux 5.12).

use std::os::fd::{AsFd, BorrowedFd};

use rustix::io::Errno;

use super::netlink::{ACK, APPEND, Attributes, CREATE, EXCLUSIVE, Message, Netlink};
use crate::LinuxError;

pub(super) mod counters;
pub(super) mod expression;

use expression::Expression;

/// The name of the chain that disturbs what reaches it.
pub(super) const DISTURB: &str = "disturb";
/// Comments of the rules that count: packets that matched, packets that were disturbed, and packets that were sent to
/// the queue whose number follows.
pub(super) const SEEN: &str = "seen";
pub(super) const HIT: &str = "hit";
pub(super) const QUEUED: &str = "hit queue ";

/// Comments of the rules that tell how many packets could not wait and went on at once, how many had to wait or were
/// dropped, and how many questions came, as this process counts them; and the chain they stand in.
pub(super) const EARLY: &str = "early ";
pub(super) const ASKED: &str = "asked ";
pub(super) const SLOWED: &str = "slowed ";
pub(super) const TOLD_CHAIN: &str = "told";

const SUBSYSTEM: u16 = 10;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const NEW_TABLE: u16 = SUBSYSTEM << 8;
const NEW_CHAIN: u16 = SUBSYSTEM << 8 | 3;
const NEW_RULE: u16 = SUBSYSTEM << 8 | 6;
const GET_RULE: u16 = SUBSYSTEM << 8 | 7;
const OWNER: u32 = 2;

/// The kernel's families of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Inet = 1,
    Ipv4 = 2,
    Netdev = 5,
    Ipv6 = 10,
}

/// One table to be made.
#[derive(Debug, Clone)]
pub(super) struct Table {
    pub(super) family: Family,
    pub(super) chains: Vec<Chain>,
}

/// One chain; without a hook it is reached by `goto` only.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    pub(super) name: String,
    pub(super) hook: Option<Hook>,
    /// Whether packets enter the disturbance here.
    pub(super) is_entry: bool,
    pub(super) rules: Vec<Rule>,
}

/// Where packets enter a chain.
#[derive(Debug, Clone)]
pub(super) struct Hook {
    pub(super) number: u32,
    pub(super) priority: i32,
    /// For [`Family::Netdev`].
    pub(super) devices: Vec<String>,
}

/// One rule: expressions in order, and a comment that people see with `nft list ruleset`.
#[derive(Debug, Clone, Default)]
pub(super) struct Rule {
    pub(super) expressions: Vec<Expression>,
    pub(super) comment: Option<String>,
}

/// Tables in place. They vanish when this is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(super) struct OwnedTables {
    socket: Netlink,
    name: String,
    entries: Vec<(Family, String)>,
    /// The family of the table that has a chain for what is told.
    tells: Option<Family>,
}

impl AsFd for OwnedTables {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl OwnedTables {
    /// Makes all tables at once, or none. All have the same name.
    pub(super) fn make(name: &str, tables: &[Table]) -> Result<Self, LinuxError> {
        Self::make_either(name, tables, &[])
    }

    /// Makes the tables, or the others where this kernel does not offer what is needed. By one socket: closing one would
    /// wait for what failed to be cleared away.
    pub(super) fn make_either(name: &str, tables: &[Table], or: &[Table]) -> Result<Self, LinuxError> {
        let mut socket = Netlink::open()?;
        let mut made = tables;
        let mut tried = carry_out(&mut socket, making(name, tables)).map_err(refused);
        if let (Err(LinuxError::Missing { .. }), false) = (&tried, or.is_empty()) {
            made = or;
            tried = carry_out(&mut socket, making(name, or)).map_err(refused);
        }
        tried?;
        let entries = |table: &Table| {
            let of_table = table.chains.iter().filter(|chain| chain.is_entry);
            of_table.map(|chain| (table.family, chain.name.clone())).collect::<Vec<_>>()
        };
        let has_told = |table: &&Table| table.chains.iter().any(|chain| chain.name == TOLD_CHAIN);
        let tells = made.iter().find(has_told).map(|table| table.family);
        let entries = made.iter().flat_map(entries).collect();
        Ok(Self { socket, name: name.to_owned(), entries, tells })
    }

    /// Tells whoever looks that something has happened to so many packets more. It stands in the table as it dies with us,
    /// and what was told before stays: deleting rules makes the kernel wait, and packets with it.
    pub(super) fn tell(&mut self, what: &str, packets: u64) -> Result<(), LinuxError> {
        let Some(family) = self.tells else { return Ok(()) };
        let rule = Rule::counting(&format!("{what}{packets}"), Vec::new());
        let attributes = rule.encode(&self.name, TOLD_CHAIN);
        carry_out(&mut self.socket, vec![message(family, NEW_RULE, CREATE | APPEND, attributes)])
            .map_err(|errno| LinuxError::call("add an nf_tables rule", errno))
    }

    /// Lets no more packets in, and keeps all else: taking a hook away would drop what waits in a queue. A rule is put
    /// before the others; deleting those would make the kernel wait twice until nobody uses them, now and at the end.
    pub(super) fn close(&mut self) -> Result<(), LinuxError> {
        let pass = Rule::of(vec![Expression::Accept]);
        let passing = |(family, chain): &(Family, String)| {
            message(*family, NEW_RULE, CREATE, pass.encode(&self.name, chain))
        };
        let messages = self.entries.iter().map(passing).collect();
        carry_out(&mut self.socket, messages)
            .map_err(|errno| LinuxError::call("add an nf_tables rule", errno))
    }
}

fn refused(errno: Errno) -> LinuxError {
    match errno {
        // A hook, an expression or the owner flag that this kernel does not know.
        Errno::NOENT | Errno::OPNOTSUPP | Errno::PROTONOSUPPORT | Errno::AFNOSUPPORT => {
            LinuxError::Missing { what: format!("make nf_tables rules ({errno})") }
        }
        other => LinuxError::call("make nf_tables rules", other),
    }
}

/// All of it at once, or nothing.
fn carry_out(socket: &mut Netlink, messages: Vec<Message>) -> Result<(), Errno> {
    let edge =
        |kind| Message { kind, flags: 0, family: 0, resource: SUBSYSTEM, attributes: Attributes::new() };
    let count = u32::try_from(messages.len()).expect("a batch is short");
    let mut batch: Vec<Message> =
        std::iter::once(edge(BATCH_BEGIN)).chain(messages).chain([edge(BATCH_END)]).collect();
    // The last one alone: as many answers as messages could be more than the socket has room for. What fails is
    // answered unasked.
    if let [.., last, _] = &mut batch[1..] {
        last.flags |= ACK;
    }
    let first = socket.send(&batch)?;
    match count {
        0 => Ok(()),
        _ => socket.acknowledged(first, first.wrapping_add(count)),
    }
}

fn message(family: Family, kind: u16, flags: u16, attributes: Attributes) -> Message {
    Message { kind, flags, family: family as u8, resource: 0, attributes }
}

fn making(name: &str, tables: &[Table]) -> Vec<Message> {
    let mut messages = Vec::new();
    for table in tables {
        let message = |kind, flags, attributes| message(table.family, kind, CREATE | flags, attributes);
        let attributes = Attributes::new().text(1, name).number(2, OWNER);
        messages.push(message(NEW_TABLE, EXCLUSIVE, attributes));
        // All chains first: a rule may lead to a chain that comes later.
        for chain in &table.chains {
            messages.push(message(NEW_CHAIN, EXCLUSIVE, chain.encode(name)));
        }
        for chain in &table.chains {
            for rule in &chain.rules {
                messages.push(message(NEW_RULE, APPEND, rule.encode(name, &chain.name)));
            }
        }
    }
    messages
}

impl Chain {
    fn encode(&self, table: &str) -> Attributes {
        let attributes = Attributes::new().text(1, table).text(3, &self.name);
        let Some(hook) = &self.hook else { return attributes };
        let mut encoded = Attributes::new().number(1, hook.number).bytes(2, &hook.priority.to_be_bytes());
        if !hook.devices.is_empty() {
            let list = hook.devices.iter().fold(Attributes::new(), |list, device| list.text(1, device));
            encoded = encoded.nest(4, list);
        }
        let redirects =
            |rule: &Rule| rule.expressions.iter().any(|each| matches!(each, Expression::Redirect(_)));
        let kind = if self.rules.iter().any(redirects) { "nat" } else { "filter" };
        attributes.nest(4, encoded).text(7, kind)
    }
}

impl Rule {
    /// A rule without a comment.
    pub(super) fn of(expressions: Vec<Expression>) -> Self {
        Self { expressions, comment: None }
    }

    /// A rule that counts.
    pub(super) fn counting(comment: &str, expressions: Vec<Expression>) -> Self {
        Self { expressions, comment: Some(comment.to_owned()) }
    }

    fn encode(&self, table: &str, chain: &str) -> Attributes {
        let steps = self.expressions.iter().flat_map(Expression::steps);
        let list = steps.fold(Attributes::new(), |list, (name, inner)| {
            list.nest(1, Attributes::new().text(1, name).nest(2, inner))
        });
        let attributes = Attributes::new().text(1, table).text(2, chain).nest(4, list);
        match &self.comment {
            None => attributes,
            Some(comment) => {
                // As the nft program writes them: kind 0, length, text with a zero byte.
                let length = u8::try_from(comment.len() + 1).expect("comments of ours are short");
                let mut bytes = vec![0, length];
                bytes.extend_from_slice(comment.as_bytes());
                bytes.push(0);
                attributes.bytes(7, &bytes)
            }
        }
    }
}
