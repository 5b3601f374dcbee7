//! Which rules are in place. Pure: time is an argument, nothing waits.

use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
};

use steadfast_model::{
    BootTime,
    proxy::{Protocol, ProxyRule, RuleId},
};

use crate::{
    check::{check_kept, check_rule},
    handle::KeptRule,
    rule::Rule,
};

/// The deadline of what stays until it is taken away.
const NEVER: BootTime = BootTime(u64::MAX);

/// The rules in place, oldest first, and the ids that will never be again.
pub(crate) struct Rules {
    protocol: Protocol,
    limit: usize,
    live: Vec<Lasting>,
    serial: u64,
    removed: Removed,
}

struct Lasting {
    rule: Arc<Rule>,
    lease: BootTime,
}

impl Lasting {
    fn ends(&self) -> BootTime {
        self.lease.min(self.rule.told.deadline)
    }
}

/// Whether anything is different now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Rules,
    Leases,
    Nothing,
}

impl Rules {
    pub(crate) fn new(protocol: Protocol, limit: usize, removed: usize) -> Self {
        Self { protocol, limit, live: Vec::new(), serial: 0, removed: Removed::new(removed) }
    }

    /// Puts a rule in place; nothing changes when one of that id is. Refused for good after its removal.
    pub(crate) fn apply(&mut self, told: ProxyRule, now: BootTime) -> Result<Change, String> {
        let RuleId { injection, number } = told.id;
        if self.live.iter().any(|lasting| lasting.rule.told.id == told.id) {
            return Ok(Change::Nothing);
        }
        if self.removed.contains(&told.id) {
            return Err(format!(
                "apply rule {number} of {injection}: it was removed, and a removed rule stays away"
            ));
        }
        let problems = check_rule(&told, self.protocol, now);
        if !problems.is_empty() {
            return Err(format!("apply rule {number} of {injection}: {}", problems.join("; ")));
        }
        self.insert(told).map_err(|why| format!("apply rule {number} of {injection}: {why}"))
    }

    /// Puts a rule of this process in place, which stays until it is removed.
    pub(crate) fn keep(&mut self, id: RuleId, kept: KeptRule) -> Result<Change, String> {
        let told = told(id, kept).map_err(|why| format!("keep a rule: {why}"))?;
        self.insert(told).map_err(|why| format!("keep a rule: {why}"))
    }

    /// Changes what a rule of this process does. What it has done to connections so far counts on.
    pub(crate) fn alter(&mut self, id: RuleId, kept: KeptRule) -> Result<Change, String> {
        let told = told(id, kept).map_err(|why| format!("change a rule: {why}"))?;
        let Some(lasting) = self.live.iter_mut().find(|lasting| lasting.rule.told.id == id) else {
            return Err("change a rule: it is not in place".to_owned());
        };
        self.serial += 1;
        lasting.rule = Arc::new(lasting.rule.changed(told, self.serial));
        Ok(Change::Rules)
    }

    fn insert(&mut self, told: ProxyRule) -> Result<Change, String> {
        if self.live.len() >= self.limit {
            return Err(format!("there are {} rules already", self.limit));
        }
        self.serial += 1;
        let lease = told.lease;
        self.live.push(Lasting { rule: Arc::new(Rule::new(told, self.serial)), lease });
        Ok(Change::Rules)
    }

    /// Moves a lease forward, never back and never past the deadline.
    pub(crate) fn renew(&mut self, id: RuleId, lease: BootTime) -> Result<Change, String> {
        let Some(lasting) = self.live.iter_mut().find(|lasting| lasting.rule.told.id == id) else {
            return Err(format!("renew rule {} of {}: it is not in place", id.number, id.injection));
        };
        lasting.lease = lasting.lease.max(lease.min(lasting.rule.told.deadline));
        Ok(Change::Leases)
    }

    /// Takes a rule away and remembers its id, also when it was never there.
    pub(crate) fn remove(&mut self, id: RuleId) -> Change {
        self.removed.insert(id);
        let before = self.live.len();
        self.live.retain(|lasting| lasting.rule.told.id != id);
        if self.live.len() == before { Change::Nothing } else { Change::Rules }
    }

    /// Takes away what has outlived its deadline or its lease.
    pub(crate) fn expire(&mut self, now: BootTime) -> Change {
        let over: Vec<RuleId> = self
            .live
            .iter()
            .filter(|lasting| lasting.ends() <= now)
            .map(|lasting| lasting.rule.told.id)
            .collect();
        for &id in &over {
            self.remove(id);
        }
        if over.is_empty() { Change::Nothing } else { Change::Rules }
    }

    /// When [`Rules::expire`] has something to do next.
    pub(crate) fn next_end(&self) -> Option<BootTime> {
        self.live.iter().map(Lasting::ends).filter(|end| *end != NEVER).min()
    }

    /// The rules in place, oldest first.
    pub(crate) fn live(&self) -> Vec<Arc<Rule>> {
        self.live.iter().map(|lasting| Arc::clone(&lasting.rule)).collect()
    }
}

fn told(id: RuleId, kept: KeptRule) -> Result<ProxyRule, String> {
    let KeptRule { fault, percent, seed } = kept;
    let problems = check_kept(&fault);
    if problems.is_empty() {
        Ok(ProxyRule { id, fault, percent, seed, deadline: NEVER, lease: NEVER })
    } else {
        Err(problems.join("; "))
    }
}

/// Ids that were removed, at most so many: the oldest is forgotten first.
struct Removed {
    limit: usize,
    ids: HashSet<RuleId>,
    order: VecDeque<RuleId>,
}

impl Removed {
    fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), ids: HashSet::new(), order: VecDeque::new() }
    }

    fn contains(&self, id: &RuleId) -> bool {
        self.ids.contains(id)
    }

    fn insert(&mut self, id: RuleId) {
        if !self.ids.insert(id) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > self.limit
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests;
