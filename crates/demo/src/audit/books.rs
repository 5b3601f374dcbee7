//! What ledger, wallet and outbox have on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sqlx::SqlitePool;

use crate::database::open_reader;
use crate::error::DemoError;
use crate::services::wallet::OPENING;
use crate::services::{ledger, payments, wallet};
use crate::wire::Payment;

/// Payer, payee, amount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    payer: String,
    payee: String,
    amount: i64,
}

pub(super) struct Hold {
    row: Row,
    released: bool,
}

/// Everything that was written about money, by key or account.
#[derive(Default)]
pub(super) struct Books {
    pub transfers: BTreeMap<String, Row>,
    pub entries: BTreeMap<String, Vec<(String, i64)>>,
    pub balances: BTreeMap<String, i64>,
    pub holds: BTreeMap<String, Hold>,
    pub wallets: BTreeMap<String, i64>,
    pub outbox: BTreeSet<String>,
}

type Transfers = Vec<(String, String, String, i64)>;

impl Books {
    pub(super) async fn read(state_dir: &Path) -> Result<Self, DemoError> {
        let mut books = Self::default();
        // The outbox first: what leaves it while we read is found in the ledger.
        let path = state_dir.join(payments::OUTBOX_FILE);
        let outbox: Vec<(String,)> =
            rows(&path, |db| async move { sqlx::query_as("SELECT key FROM outbox").fetch_all(&db).await })
                .await?;
        books.outbox = outbox.into_iter().map(|(key,)| key).collect();
        books.read_ledger(&state_dir.join(ledger::FILE)).await?;
        books.read_wallet(&state_dir.join(wallet::FILE)).await?;
        Ok(books)
    }

    async fn read_ledger(&mut self, path: &Path) -> Result<(), DemoError> {
        let (transfers, entries, balances) = rows(path, |db| async move {
            // One transaction, so that the three tables are of one moment.
            let mut at_once = db.begin().await?;
            let transfers: Transfers = sqlx::query_as("SELECT key, payer, payee, amount FROM transfers")
                .fetch_all(&mut *at_once)
                .await?;
            let entries: Vec<(String, String, i64)> =
                sqlx::query_as("SELECT key, account, amount FROM entries").fetch_all(&mut *at_once).await?;
            let balances: Vec<(String, i64)> =
                sqlx::query_as("SELECT account, balance FROM balances").fetch_all(&mut *at_once).await?;
            Ok((transfers, entries, balances))
        })
        .await?;
        self.transfers = transfers
            .into_iter()
            .map(|(key, payer, payee, amount)| (key, Row { payer, payee, amount }))
            .collect();
        for (key, account, amount) in entries {
            self.entries.entry(key).or_default().push((account, amount));
        }
        self.balances = balances.into_iter().collect();
        Ok(())
    }

    async fn read_wallet(&mut self, path: &Path) -> Result<(), DemoError> {
        let (holds, wallets) = rows(path, |db| async move {
            let mut at_once = db.begin().await?;
            let holds: Vec<(String, String, String, i64, String)> =
                sqlx::query_as("SELECT key, payer, payee, amount, state FROM holds")
                    .fetch_all(&mut *at_once)
                    .await?;
            let wallets: Vec<(String, i64)> =
                sqlx::query_as("SELECT account, available FROM accounts").fetch_all(&mut *at_once).await?;
            Ok((holds, wallets))
        })
        .await?;
        self.holds = holds
            .into_iter()
            .map(|(key, payer, payee, amount, state)| {
                (key, Hold { row: Row { payer, payee, amount }, released: state == "released" })
            })
            .collect();
        self.wallets = wallets.into_iter().collect();
        Ok(())
    }

    pub(super) fn wrong_balances(&self) -> Vec<String> {
        let mut sums: BTreeMap<&String, i64> = self.balances.keys().map(|account| (account, 0)).collect();
        for (account, amount) in self.entries.values().flatten() {
            *sums.entry(account).or_default() += amount;
        }
        let wrong = |(account, sum): &(&String, i64)| self.balances.get(*account) != Some(sum);
        sums.into_iter().filter(wrong).map(|(account, _)| account.clone()).collect()
    }

    /// A hold that was not released needs its transfer, a transfer needs its hold.
    pub(super) fn unmatched_holds(&self) -> Vec<String> {
        let held = self.holds.iter().filter(|(_, hold)| !hold.released);
        let kept: BTreeMap<_, _> = held.map(|(key, hold)| (key, &hold.row)).collect();
        let keys: BTreeSet<_> = kept.keys().copied().chain(self.transfers.keys()).collect();
        keys.into_iter().filter(|key| kept.get(key).copied() != self.transfers.get(*key)).cloned().collect()
    }

    pub(super) fn wrong_wallets(&self) -> Vec<String> {
        let mut expected: BTreeMap<&String, i64> =
            self.wallets.keys().map(|account| (account, OPENING)).collect();
        for hold in self.holds.values().filter(|hold| !hold.released) {
            *expected.entry(&hold.row.payer).or_insert(OPENING) -= hold.row.amount;
        }
        let wrong = |(account, left): &(&String, i64)| self.wallets.get(*account) != Some(left);
        expected.into_iter().filter(wrong).map(|(account, _)| account.clone()).collect()
    }
}

impl Row {
    /// Exactly two entries: out of the payer, into the payee.
    pub(super) fn entries_match(&self, entries: &[(String, i64)]) -> bool {
        let (out, into) = ((&self.payer, -self.amount), (&self.payee, self.amount));
        matches!(entries, [(a, x), (b, y)] if [(a, *x), (b, *y)] == [out, into] || [(b, *y), (a, *x)] == [out, into])
    }
}

impl From<&Payment> for Row {
    fn from(payment: &Payment) -> Self {
        Self { payer: payment.from.clone(), payee: payment.to.clone(), amount: payment.amount }
    }
}

async fn rows<T, F>(path: &Path, read: impl FnOnce(SqlitePool) -> F) -> Result<T, DemoError>
where
    F: Future<Output = Result<T, sqlx::Error>>,
{
    let database = open_reader(path).await?;
    let read = read(database.clone()).await.map_err(DemoError::database("read", path));
    database.close().await;
    read
}
