//! Brings every payment to its end: delivers the outbox, settles holds the ledger has confirmed, and takes up what was
//! left half done. Completing is safe because the ledger knows the key: a transfer it has is not written again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::sleep;

use super::ledger::LedgerCaller;
use super::wallet::WalletCaller;
use crate::wire::{Payment, Posting, Refusal, Unfinished};

const SETTLE_EVERY: Duration = Duration::from_millis(100);
const DELIVER_EVERY: Duration = Duration::from_millis(100);
const TAKE_UP_EVERY: Duration = Duration::from_secs(1);
/// A hold open for longer than the gateway waits for an answer has nobody working on it.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(12);
const LARGEST_BATCH: u32 = 500;
const WAITING: usize = 10_000;
const ROUNDS: usize = 200;

pub(super) struct Finish {
    wallet: Arc<WalletCaller>,
    ledger: Arc<LedgerCaller>,
    settling: mpsc::Sender<String>,
}

impl Finish {
    /// Starts the three tasks.
    pub(super) fn start(wallet: Arc<WalletCaller>, ledger: Arc<LedgerCaller>) -> Arc<Self> {
        let (settling, waiting) = mpsc::channel(WAITING);
        let finish = Arc::new(Self { wallet, ledger, settling });
        tokio::spawn(settle(finish.wallet.clone(), waiting));
        let (delivering, taking_up) = (finish.clone(), finish.clone());
        tokio::spawn(async move {
            loop {
                // A full batch means there is more; anything else can wait a moment. Failures are tried again.
                if !matches!(delivering.deliver().await, Ok(n) if n == LARGEST_BATCH as usize) {
                    sleep(DELIVER_EVERY).await;
                }
            }
        });
        tokio::spawn(async move {
            loop {
                sleep(TAKE_UP_EVERY).await;
                taking_up.take_up(FORGOTTEN_AFTER).await.ok();
            }
        });
        finish
    }

    /// The ledger has it. If the queue is full or this process dies, the hold is taken up later.
    pub(super) fn settle_soon(&self, key: &str) {
        self.settling.try_send(key.to_owned()).ok();
    }

    /// Delivers and takes up everything now, whatever its age.
    pub(super) async fn now(&self) -> Result<(), Refusal> {
        // Bounded, because under load there is always one more.
        for _ in 0..ROUNDS {
            if self.deliver().await? + self.take_up(Duration::ZERO).await? == 0 {
                break;
            }
        }
        Ok(())
    }

    pub(super) async fn unfinished(&self) -> Result<Unfinished, Refusal> {
        let outbox = self.ledger.outbox.waiting().await?;
        let holds = self.wallet.open(Duration::ZERO).await.map_err(failed("wallet"))?.open;
        Ok(Unfinished { outbox, holds })
    }

    /// Sends the oldest of the outbox to the ledger and answers how many it confirmed.
    async fn deliver(&self) -> Result<usize, Refusal> {
        let letters = self.ledger.outbox.oldest(LARGEST_BATCH).await?;
        let keys: Vec<_> = letters.iter().map(|p| p.key.clone()).collect();
        let confirmed = self.complete(letters).await?;
        if confirmed > 0 {
            self.ledger.outbox.delivered(keys).await?;
        }
        Ok(confirmed)
    }

    /// Completes holds nobody is working on any more.
    async fn take_up(&self, age: Duration) -> Result<usize, Refusal> {
        let forgotten = self.wallet.open(age).await.map_err(failed("wallet"))?.payments;
        self.complete(forgotten).await
    }

    /// Posts all of them, then settles or releases their holds.
    async fn complete(&self, payments: Vec<Payment>) -> Result<usize, Refusal> {
        if payments.is_empty() {
            return Ok(0);
        }
        let keys: Vec<_> = payments.iter().map(|p| p.key.clone()).collect();
        let answers = self.ledger.post_batch(payments).await.map_err(failed("ledger"))?.postings;
        let count = keys.len();
        let (refused, posted): (Vec<_>, Vec<_>) =
            keys.into_iter().zip(answers).partition(|(_, posting)| *posting == Posting::Conflict);
        let only_keys = |list: Vec<(String, Posting)>| list.into_iter().map(|(key, _)| key).collect();
        self.wallet.settle(only_keys(posted)).await.map_err(failed("wallet"))?;
        self.wallet.release(only_keys(refused)).await.map_err(failed("wallet"))?;
        Ok(count)
    }
}

async fn settle(wallet: Arc<WalletCaller>, mut waiting: mpsc::Receiver<String>) {
    let mut keys = Vec::new();
    while waiting.recv_many(&mut keys, LARGEST_BATCH as usize).await > 0 {
        // What cannot be settled now is taken up later.
        wallet.settle(std::mem::take(&mut keys)).await.ok();
        sleep(SETTLE_EVERY).await;
    }
}

fn failed(who: &'static str) -> impl FnOnce(crate::client::CallError) -> Refusal {
    move |error| Refusal::unavailable(format!("{who}: {error}"))
}
