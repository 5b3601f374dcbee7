//! The strengths and weaknesses of the services, in one place. A switch changes what a service does; nothing else
//! reads it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::{DemoError, nearest};

/// Payments gives risk 100 ms and then decides small amounts itself.
pub const RISK_TIMEOUT: &str = "risk-timeout";
/// Payments retries the wallet with jitter, within a budget.
pub const WALLET_RETRIES: &str = "wallet-retries";
/// Payments gives the ledger 150 ms and then delivers from its outbox.
pub const LEDGER_TIMEOUT: &str = "ledger-timeout";
/// The queue towards notifications has an end.
pub const NOTIFICATION_QUEUE: &str = "notification-queue";

/// Whether the system is built with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SwitchKind {
    /// Protects the system unless taken away with `--without`.
    Strength,
    /// Is missing unless added with `--fix`.
    Weakness,
}

/// One protection a service has, or lacks.
#[derive(Debug, Clone, Copy)]
pub struct Switch {
    /// The word on the command line.
    pub name: &'static str,
    /// Present or missing by default.
    pub kind: SwitchKind,
    /// What the service does with it, and without.
    pub describes: &'static str,
}

/// All of them.
pub const SWITCHES: [Switch; 4] = [
    Switch {
        name: RISK_TIMEOUT,
        kind: SwitchKind::Strength,
        describes: "payments waits 100 ms for risk, then approves small amounts itself; without it, it waits 30 s",
    },
    Switch {
        name: WALLET_RETRIES,
        kind: SwitchKind::Strength,
        describes: "payments retries the wallet with jitter and a budget; without it, the first error is the answer",
    },
    Switch {
        name: LEDGER_TIMEOUT,
        kind: SwitchKind::Weakness,
        describes: "payments waits for the ledger for ever; fixed, it waits 150 ms, answers 202 and delivers from a \
                    durable outbox",
    },
    Switch {
        name: NOTIFICATION_QUEUE,
        kind: SwitchKind::Weakness,
        describes: "the queue towards notifications grows without end; fixed, it holds 1000 and drops with a counter",
    },
];

/// Which strengths are taken away and which weaknesses are fixed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switches {
    without: BTreeSet<String>,
    fix: BTreeSet<String>,
}

impl Switches {
    /// Checks both lists of names; answers every name that is wrong, not only the first.
    pub fn new(without: &[String], fix: &[String]) -> Result<Self, Vec<DemoError>> {
        let problems: Vec<_> =
            unknown(without, SwitchKind::Strength).chain(unknown(fix, SwitchKind::Weakness)).collect();
        if !problems.is_empty() {
            return Err(problems);
        }
        Ok(Self { without: without.iter().cloned().collect(), fix: fix.iter().cloned().collect() })
    }

    /// Does the protection of this name work now?
    pub fn protects(&self, name: &str) -> bool {
        SWITCHES.iter().find(|s| s.name == name).is_some_and(|switch| match switch.kind {
            SwitchKind::Strength => !self.without.contains(name),
            SwitchKind::Weakness => self.fix.contains(name),
        })
    }
}

fn unknown(names: &[String], kind: SwitchKind) -> impl Iterator<Item = DemoError> {
    let (what, other) = match kind {
        SwitchKind::Strength => ("strength", "--fix"),
        SwitchKind::Weakness => ("weakness", "--without"),
    };
    let known: Vec<_> = SWITCHES.iter().filter(|s| s.kind == kind).map(|s| s.name).collect();
    names.iter().filter(move |name| !known.contains(&name.as_str())).map({
        let known: Vec<_> = SWITCHES.iter().filter(|s| s.kind == kind).map(|s| s.name).collect();
        move |name| DemoError::Unknown {
            what,
            name: name.clone(),
            hint: if SWITCHES.iter().any(|s| s.name == name) {
                format!("{name:?} goes with {other}")
            } else {
                nearest(name, &known)
            },
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn strengths_protect_unless_taken_away_and_weaknesses_only_when_fixed() {
        let plain = Switches::default();
        assert!(plain.protects(RISK_TIMEOUT) && plain.protects(WALLET_RETRIES));
        assert!(!plain.protects(LEDGER_TIMEOUT) && !plain.protects(NOTIFICATION_QUEUE));
        let turned = Switches::new(&names(&[RISK_TIMEOUT]), &names(&[LEDGER_TIMEOUT])).unwrap();
        assert!(!turned.protects(RISK_TIMEOUT) && turned.protects(LEDGER_TIMEOUT));
    }

    #[test]
    fn every_unknown_name_is_reported_with_the_nearest() {
        let problems =
            Switches::new(&names(&["risk-timout", "ledger-timeout"]), &names(&["zzz"])).unwrap_err();
        let hints: Vec<_> = problems.iter().map(|p| p.hint().unwrap()).collect();
        assert_eq!(hints.len(), 3);
        assert!(hints[0].contains("did you mean \"risk-timeout\"?"), "{}", hints[0]);
        assert!(hints[1].contains("goes with --fix"), "{}", hints[1]);
        assert_eq!(hints[2], "known: ledger-timeout, notification-queue");
    }
}
