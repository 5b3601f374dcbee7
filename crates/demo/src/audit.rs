//! Was any payment lost or doubled? Answered from the files on disk alone: what the gateway acknowledged against what
//! the ledger and the wallet have.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

mod books;
mod promises;

use books::{Books, Row};

use crate::error::DemoError;
use crate::wire::Payment;

/// What an audit found. Lists hold the idempotency keys of the payments concerned.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditReport {
    /// Payments the gateway said yes to.
    pub acknowledged: u64,
    /// Transfers in the ledger.
    pub posted: u64,
    /// Acknowledged and neither in the ledger nor on the way to it.
    pub lost: Vec<String>,
    /// Acknowledged and still in the outbox; drain first.
    pub waiting: Vec<String>,
    /// Moved money more than once.
    pub doubled: Vec<String>,
    /// In the ledger with other accounts or another amount than acknowledged.
    pub altered: Vec<String>,
    /// Transfers whose two entries are not there or do not sum to zero, and entries without a transfer.
    pub unbalanced: Vec<String>,
    /// Accounts whose balance is not the sum of their entries.
    pub wrong_balances: Vec<String>,
    /// Holds that are kept without a transfer, or transfers without a hold.
    pub unmatched_holds: Vec<String>,
    /// Wallet accounts where what is available and what is held do not add up.
    pub wrong_wallets: Vec<String>,
    /// Cents by which all entries together miss zero.
    pub sum: i64,
    /// Lines of the acknowledgement log that nobody can read.
    pub unreadable: u64,
}

/// Audits the files in `state_dir`, with the services running or not. Let [`crate::drain`] finish first: payments on
/// their way count against a clean report.
///
/// Fails if a file is missing or cannot be read: nothing audited is not a clean audit.
pub async fn audit(state_dir: &Path) -> Result<AuditReport, DemoError> {
    // Promises first: whatever is promised while we read is not in the list, so it cannot look lost.
    let (promised, unreadable) = promises::read(state_dir)?;
    let books = Books::read(state_dir).await?;
    let mut report = compare(&promised, &books);
    report.unreadable = unreadable;
    Ok(report)
}

impl AuditReport {
    /// Every acknowledged payment is in the ledger exactly once, everything balances, and there was something to audit.
    pub fn is_clean(&self) -> bool {
        self.acknowledged > 0 && self.problems().is_empty()
    }

    /// One sentence for each kind of problem, with the first few keys.
    pub fn problems(&self) -> Vec<String> {
        let lists = [
            (&self.lost, "acknowledged payments are lost"),
            (&self.waiting, "acknowledged payments are not yet in the ledger"),
            (&self.doubled, "payments moved money twice"),
            (&self.altered, "payments are not in the ledger as acknowledged"),
            (&self.unbalanced, "transfers do not balance"),
            (&self.wrong_balances, "balances differ from their entries"),
            (&self.unmatched_holds, "wallet holds do not match the ledger"),
            (&self.wrong_wallets, "wallet accounts do not add up"),
        ];
        let mut problems: Vec<_> = lists
            .into_iter()
            .filter(|(keys, _)| !keys.is_empty())
            .map(|(keys, what)| {
                let first: Vec<_> = keys.iter().take(3).map(String::as_str).collect();
                format!("{} {what}, for example {}", keys.len(), first.join(", "))
            })
            .collect();
        if self.sum != 0 {
            problems.push(format!("all entries together sum to {} cents instead of zero", self.sum));
        }
        if self.unreadable > 0 {
            problems.push(format!("{} lines of the acknowledgement log are unreadable", self.unreadable));
        }
        problems
    }
}

impl fmt::Display for AuditReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let problems = self.problems();
        if !problems.is_empty() {
            return f.write_str(&problems.join("; "));
        }
        match self.acknowledged {
            0 => f.write_str("no payment was acknowledged, so there was nothing to audit"),
            n => write!(
                f,
                "{n} payments acknowledged, each of them in the ledger exactly once; 0 lost, 0 doubled"
            ),
        }
    }
}

fn compare(promised: &BTreeMap<String, Payment>, books: &Books) -> AuditReport {
    let mut report = AuditReport {
        acknowledged: promised.len() as u64,
        posted: books.transfers.len() as u64,
        sum: books.entries.values().flatten().map(|(_, amount)| amount).sum(),
        ..AuditReport::default()
    };
    for (key, payment) in promised {
        match books.transfers.get(key) {
            Some(row) if *row != Row::from(payment) => report.altered.push(key.clone()),
            Some(_) => {}
            None if books.outbox.contains(key) => report.waiting.push(key.clone()),
            None => report.lost.push(key.clone()),
        }
    }
    let keys: BTreeSet<_> = books.transfers.keys().chain(books.entries.keys()).collect();
    for key in keys {
        let entries = books.entries.get(key).map_or(&[][..], Vec::as_slice);
        match books.transfers.get(key) {
            Some(row) if row.entries_match(entries) => {}
            Some(_) if entries.len() > 2 => report.doubled.push(key.clone()),
            _ => report.unbalanced.push(key.clone()),
        }
    }
    report.wrong_balances = books.wrong_balances();
    report.unmatched_holds = books.unmatched_holds();
    report.wrong_wallets = books.wrong_wallets();
    report
}
