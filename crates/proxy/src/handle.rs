//! Orders to a proxy from its own process.

use std::sync::Arc;

use steadfast_model::{
    InjectionId, Percent,
    proxy::{ProxyFault, ProxyStatus, RuleId},
};

use crate::{hub::Hub, traffic::Traffic};

/// A rule that the proxy's own process keeps in place. It has no deadline: it ends when it is removed, and else with the
/// proxy, so that it cannot outlive whoever asked for it.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptRule {
    /// What it does: a `tcp*` fault. One that does nothing is fine, as it may be changed.
    pub fault: ProxyFault,
    /// The share of connections it applies to.
    pub percent: Percent,
    /// Makes chance repeatable: with the same seed, connections of the same number are chosen.
    pub seed: u64,
}

/// Gives orders to a proxy in the same process.
#[derive(Clone)]
pub struct Handle(pub(crate) Arc<Hub>);

impl Handle {
    /// Puts a rule in place, for open connections as well as new ones.
    ///
    /// # Errors
    /// When there are too many rules or the fault makes no sense. A fragment after "failed to".
    pub fn keep(&self, rule: KeptRule) -> Result<RuleId, String> {
        let id = RuleId { injection: InjectionId::new(), number: 0 };
        self.0.change(|rules| rules.keep(id, rule))?;
        Ok(id)
    }

    /// Changes a rule. Which connections it chose stays as it was, as far as the share does; so does what it counted, and
    /// how many bytes of a connection it has let pass.
    ///
    /// # Errors
    /// When it is not in place or the fault makes no sense. A fragment after "failed to".
    pub fn alter(&self, id: RuleId, rule: KeptRule) -> Result<(), String> {
        self.0.change(|rules| rules.alter(id, rule))
    }

    /// Takes a rule away, also one that is not there.
    pub fn remove(&self, id: RuleId) {
        let never = self.0.change(|rules| Ok(rules.remove(id)));
        debug_assert!(never.is_ok(), "removing refuses nothing");
    }

    /// The proxy as it is now.
    #[must_use]
    pub fn status(&self) -> ProxyStatus {
        self.0.status()
    }

    /// Bytes that came and went so far.
    #[must_use]
    pub fn traffic(&self) -> Traffic {
        self.0.traffic.now()
    }
}
