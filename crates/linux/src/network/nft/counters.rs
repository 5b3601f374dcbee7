//! What rules of ours have counted.

use std::collections::BTreeMap;

use rustix::io::Errno;

use super::{
    super::netlink::{Attributes, Message, Netlink, attribute, attributes, text},
    ASKED, EARLY, GET_RULE, HIT, QUEUED, SEEN, SLOWED,
};
use crate::LinuxError;

/// The counters of one name of tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::network) struct Counted {
    /// Packets that matched.
    pub(in crate::network) seen: u64,
    /// Packets that were disturbed.
    pub(in crate::network) hits: u64,
    /// Packets that were sent to a queue, whether anybody listened there or not.
    pub(in crate::network) queued: u64,
    /// Packets counted among the disturbed that could not wait and went on at once.
    pub(in crate::network) early: u64,
    /// That queue, if there is one.
    pub(in crate::network) queue: Option<u16>,
}

/// The counters of all tables of this thread's namespace whose names begin so.
pub(in crate::network) fn counted(prefix: &str) -> Result<BTreeMap<String, Counted>, LinuxError> {
    let mut socket = Netlink::open()?;
    let message = Message { kind: GET_RULE, flags: 0, family: 0, resource: 0, attributes: Attributes::new() };
    let rules = match socket.dump(message) {
        Ok(rules) => rules,
        // A kernel without nf_tables has no rules.
        Err(Errno::INVAL | Errno::OPNOTSUPP | Errno::PROTONOSUPPORT) => Vec::new(),
        Err(errno) => return Err(LinuxError::call("list nf_tables rules", errno)),
    };
    let mut found = BTreeMap::new();
    for rule in &rules {
        let Some((table, one)) = rule_of_ours(rule, prefix) else { continue };
        let all: &mut Counted = found.entry(table).or_default();
        all.seen = all.seen.saturating_add(one.seen);
        all.hits = all.hits.saturating_add(one.hits);
        all.queued = all.queued.saturating_add(one.queued);
        all.early = all.early.saturating_add(one.early);
        all.queue = all.queue.or(one.queue);
    }
    Ok(found)
}

/// The table and the counters of a rule, when it is one that counts.
fn rule_of_ours(rule: &[u8], prefix: &str) -> Option<(String, Counted)> {
    let table = text(attribute(rule, 1)?);
    if !table.starts_with(prefix) {
        return None;
    }
    let comment = attribute(rule, 7).map(comment).unwrap_or_default();
    if let Some(packets) = comment.strip_prefix(EARLY) {
        return Some((table, Counted { early: packets.parse().ok()?, ..Counted::default() }));
    }
    if let Some(questions) = comment.strip_prefix(ASKED) {
        return Some((table, Counted { seen: questions.parse().ok()?, ..Counted::default() }));
    }
    if let Some(packets) = comment.strip_prefix(SLOWED) {
        return Some((table, Counted { hits: packets.parse().ok()?, ..Counted::default() }));
    }
    let packets =
        attributes(attribute(rule, 4)?).find_map(|(_, expression)| packets(expression)).unwrap_or(0);
    let nothing = Counted::default();
    let one = match (comment.as_str(), comment.strip_prefix(QUEUED)) {
        (SEEN, _) => Counted { seen: packets, ..nothing },
        (HIT, _) => Counted { hits: packets, ..nothing },
        (_, Some(queue)) => Counted { queued: packets, queue: queue.parse().ok(), ..nothing },
        _ => return None,
    };
    Some((table, one))
}

/// A rule's comment, as the nft program writes it.
fn comment(data: &[u8]) -> String {
    match data {
        [0, length, rest @ ..] => text(rest.get(..usize::from(*length)).unwrap_or_default()),
        _ => String::new(),
    }
}

/// The packets a `counter` has counted.
fn packets(expression: &[u8]) -> Option<u64> {
    if text(attribute(expression, 1)?) != "counter" {
        return None;
    }
    let packets = attribute(attribute(expression, 2)?, 2)?;
    Some(u64::from_be_bytes(*packets.first_chunk::<8>()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_a_rule_looks_like_it_is_read_without_a_panic(bytes: Vec<u8>) {
            prop_assert!(rule_of_ours(&bytes, "steadfast_").is_none_or(|(table, _)| table.starts_with("steadfast_")));
            let _: String = comment(&bytes);
            let _: Option<u64> = packets(&bytes);
        }
    }

    #[test]
    fn a_comment_that_is_cut_short_is_none() {
        assert_eq!(comment(&[0, 5, b's', b'e', b'e', b'n', 0]), "seen");
        assert_eq!(comment(&[0, 9, b's']), "");
        assert_eq!(comment(&[1, 5, b's', b'e', b'e', b'n', 0]), "");
    }
}
