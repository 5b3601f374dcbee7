//! Taking a fault away.

use std::{sync::Arc, time::Duration};

use steadfast_engine::host::RevertError;
use steadfast_ledger::{Held, Page};
use steadfast_linux::ProcessHandle;
use steadfast_model::{BootTime, InjectionId};

use super::{
    Inner,
    slot::{Slot, SlotState},
};
use crate::revert::{Leftover, Persistence, Undone};

const BETWEEN_TRIES: Duration = Duration::from_millis(5);

impl Inner {
    pub(super) async fn revert(self: Arc<Self>, injection: InjectionId) -> Result<(), RevertError> {
        let slot = self.slot(injection);
        let mut state = slot.state.lock().await;
        if let Some(mut straggler) = state.straggler.take() {
            let Ok(finished) = tokio::time::timeout(self.timing.watch, &mut straggler).await else {
                state.straggler = Some(straggler);
                return state.reverted.clone().unwrap_or(Ok(()));
            };
            state.reverted = Some(finished.unwrap_or_else(|error| Err(failed(error.to_string()))));
        }
        if let Some(Ok(())) = &state.reverted {
            return Ok(());
        }
        let answer = match self.hold(injection).await {
            Err(error) => Err(error),
            Ok(None) => Ok(()),
            Ok(page) => answer(self.undo_here(page, &slot, &mut state, "the injector was asked to").await),
        };
        state.reverted = Some(answer.clone());
        answer
    }

    /// The page of an injection of ours, or of one whose injector is gone. `None` when there is nothing to revert.
    async fn hold(&self, injection: InjectionId) -> Result<Option<Box<Page>>, RevertError> {
        let mut waited = Duration::ZERO;
        while waited < self.timing.patience {
            match self.ledger.try_page(injection).map_err(|error| failed(error.with_causes()))? {
                Held::Closed => return Ok(None),
                Held::Page(page) => {
                    let injector = page.account().injector().filter(|injector| **injector != self.own);
                    if let Some(Ok(Some(other))) = injector.map(ProcessHandle::open) {
                        let pid = other.identity().pid;
                        return Err(failed(format!(
                            "revert {injection}: process {pid} injects it and lives"
                        )));
                    }
                    return Ok(Some(page));
                }
                Held::Busy => tokio::time::sleep(BETWEEN_TRIES).await,
            }
            waited += BETWEEN_TRIES;
        }
        Err(failed(format!("revert {injection}: another process is at it")))
    }

    /// Undoes with this process's persistence. What may heal is gone on with in the background, until half the
    /// grace before the deadline is left: at the deadline the reaper would end this process.
    pub(super) async fn undo_here(
        self: &Arc<Self>,
        mut page: Option<Box<Page>>,
        slot: &Arc<Slot>,
        state: &mut SlotState,
        why: &str,
    ) -> Undone {
        let deadline = page.as_ref().and_then(|page| page.account().deadline()).unwrap_or(BootTime(0));
        let how = Persistence { pause: self.timing.undo_pause, until: None, renews: true };
        let undone = self.undoer.undo(&mut page, why, how).await;
        if !matches!(undone, Undone::NotYet(_)) {
            *slot.live() = None;
            return undone;
        }
        let margin = u64::try_from(self.timing.grace.as_nanos() / 2).unwrap_or(0);
        let how = Persistence { until: Some(BootTime(deadline.0.saturating_sub(margin))), ..how };
        let (inner, slot) = (self.clone(), slot.clone());
        state.straggler = Some(tokio::spawn(async move {
            let undone = inner.undoer.undo(&mut page, "going on", how).await;
            *slot.live() = None;
            answer(undone)
        }));
        undone
    }
}

fn answer(undone: Undone) -> Result<(), RevertError> {
    let error = |leftover: Leftover, abandoned| RevertError {
        message: leftover.problems.join("; "),
        abandoned,
        manual: leftover.manual,
    };
    match undone {
        Undone::Entirely => Ok(()),
        Undone::NotYet(leftover) => Err(error(leftover, false)),
        Undone::Abandoned(leftover) => Err(error(leftover, true)),
    }
}

fn failed(message: String) -> RevertError {
    RevertError { message, abandoned: false, manual: vec!["steadfast recover".to_owned()] }
}
