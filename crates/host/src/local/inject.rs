//! Putting a fault in place.

use std::{sync::Arc, time::Duration};

use steadfast_engine::host::{HostError, HostErrorKind, InjectionOrder};
use steadfast_ledger::{Account, Begun, GlobalLock, Opening, Page, State};

use super::{
    Inner,
    slot::{Live, Slot, SlotState},
};
use crate::{
    error::{from_fault, from_ledger, host_error},
    live::LiveInjection,
    revert::Undone,
};

const BETWEEN_TRIES: Duration = Duration::from_millis(5);
/// How often a reaper may leave in the moment between our look and our lock.
const ATTEMPTS: u32 = 5;

impl Inner {
    pub(super) async fn inject(self: Arc<Self>, order: InjectionOrder) -> Result<(), HostError> {
        let slot = self.slot(order.injection);
        let mut state = slot.state.lock().await;
        if let Some(answer) = &state.answer {
            return answer.clone();
        }
        let answer = if state.reverted.is_some() {
            let message = format!("inject {}: it was reverted before it began", order.injection);
            Err(host_error(HostErrorKind::NotLive, message, None))
        } else {
            self.put_in_place(&order, &slot, &mut state).await
        };
        state.answer = Some(answer.clone());
        answer
    }

    async fn put_in_place(
        self: &Arc<Self>,
        order: &InjectionOrder,
        slot: &Arc<Slot>,
        state: &mut SlotState,
    ) -> Result<(), HostError> {
        if let Some(known) = self.ledger.find(order.injection).map_err(|error| from_ledger(&error))? {
            return first_answer(&known);
        }
        self.policies.load()?.check_fault(order.fault.kind(), order.duration)?;
        let preview = self.check(&order.fault, &order.targets).await?;
        let lock = self.lock_with_reaper().await?;
        // The last gate. Under the lock, so that what is counted does not change.
        let limits = self.policies.load()?;
        limits.check_fault(order.fault.kind(), order.duration)?;
        limits.check_targets(&order.fault, &order.targets)?;
        limits.check_room(self.live_now()?, order.targets.len())?;
        let now = self.clock.boot();
        let opening = Opening {
            injection: order.injection,
            run: order.run,
            injector: self.own.clone(),
            fault: order.fault.kind().to_owned(),
            targets: order.targets.iter().map(ToString::to_string).collect(),
            keys: preview.keys,
            began: self.clock.wall(),
            deadline: now.after(order.duration).after(self.timing.grace),
            lease: now.after(self.timing.lease),
        };
        let page = match self.begin(lock, opening.clone()).await? {
            Begun::New(page) => page,
            Begun::Known(known) => return first_answer(&known),
        };
        let Opening { deadline, lease, .. } = opening;
        *slot.live() = Some(Live { deadline, lease, rules: Vec::new(), workers: Vec::new() });
        self.keep_watch(slot);
        let mut injection = LiveInjection {
            world: self.world.clone(),
            timing: self.timing,
            page: Some(page),
            injection: order.injection,
            deadline: opening.deadline,
            lease: opening.lease,
            rules: Vec::new(),
            workshop: self.workshop.clone(),
            stress_workshop: self.stress_workshop.clone(),
            file_workshop: self.file_workshop.clone(),
            workers: Vec::new(),
            covers: Vec::new(),
        };
        let injected = order.fault.as_fault().inject(&mut injection, &order.targets).await;
        let LiveInjection { mut page, rules, workers, covers, .. } = injection;
        if injected.is_ok() && !order.fault.as_fault().reversible() {
            // Nothing is held and nothing can be taken back, so there is nothing to keep a lease for. It was done, whether
            // or not that can be written.
            drop(page.as_mut().map(|page| page.state(State::Active, None, vec![])));
            self.undo_here(page, slot, state, "nothing of it can be taken back").await;
            return Ok(());
        }
        let error = match (injected, page.as_mut()) {
            (Err(error), _) => from_fault(&error),
            (Ok(()), None) => host_error(HostErrorKind::Other, "inject: its file was lost", None),
            (Ok(()), Some(page)) => match page.state(State::Active, None, vec![]) {
                Ok(()) => {
                    *slot.live() = Some(Live { deadline, lease, rules, workers });
                    for (cover, worker) in covers {
                        self.undo_without(&worker, cover, order.injection, slot);
                    }
                    return Ok(());
                }
                Err(error) => from_ledger(&error),
            },
        };
        Err(self.take_back(page, slot, state, error).await)
    }

    /// Undoes what was done before an error.
    async fn take_back(
        self: &Arc<Self>,
        page: Option<Box<Page>>,
        slot: &Arc<Slot>,
        state: &mut SlotState,
        mut error: HostError,
    ) -> HostError {
        let why = format!("failed to {}", error.message);
        let undone = self.undo_here(page, slot, state, &why).await;
        if matches!(undone, Undone::Abandoned(_)) {
            error.kind = HostErrorKind::Abandoned;
        }
        if let Undone::NotYet(leftover) | Undone::Abandoned(leftover) = undone {
            error.message = format!("{}; and then to {}", error.message, leftover.problems.join("; "));
            error.hint = Some(format!("type: {}", leftover.manual.join("; ")));
        }
        error
    }

    /// The lock on the whole ledger while a reaper sits. A reaper leaves only under that lock, so it stays.
    async fn lock_with_reaper(&self) -> Result<GlobalLock, HostError> {
        for _ in 0..ATTEMPTS {
            self.keeper.ensure().await?;
            let lock = self.lock().await?;
            if self.keeper.sits().is_some() {
                return Ok(lock);
            }
        }
        Err(host_error(
            HostErrorKind::Other,
            "keep a reaper: each one left at once",
            Some("see `steadfast doctor`"),
        ))
    }

    async fn lock(&self) -> Result<GlobalLock, HostError> {
        let mut waited = Duration::ZERO;
        while waited < self.timing.patience {
            if let Some(lock) = self.ledger.try_lock().map_err(|error| from_ledger(&error))? {
                return Ok(lock);
            }
            tokio::time::sleep(BETWEEN_TRIES).await;
            waited += BETWEEN_TRIES;
        }
        let message =
            format!("lock {}: another Steadfast process holds it", self.ledger.dir().lock().display());
        Err(host_error(HostErrorKind::NotRecorded, message, Some("is one stopped? see `fuser` on that file")))
    }

    /// On a thread that may wait for the disk.
    async fn begin(&self, lock: GlobalLock, opening: Opening) -> Result<Begun, HostError> {
        let ledger = self.ledger.clone();
        let begun = tokio::task::spawn_blocking(move || ledger.begin(&lock, &opening)).await;
        let broken =
            |error| host_error(HostErrorKind::NotRecorded, format!("write the undo record: {error}"), None);
        begun.map_err(broken)?.map_err(|error| from_ledger(&error))
    }
}

/// What another process, or this one in an earlier life of its host, answered to the same order.
fn first_answer(known: &Account) -> Result<(), HostError> {
    if known.became_active {
        return Ok(());
    }
    let (kind, why) = match known.state {
        State::Opened | State::Active => {
            (HostErrorKind::Other, "it is being put in place elsewhere".to_owned())
        }
        State::Abandoned => {
            (HostErrorKind::Abandoned, known.note.clone().unwrap_or_else(|| "it was given up".to_owned()))
        }
        _ => (HostErrorKind::NotLive, known.note.clone().unwrap_or_else(|| "it was taken back".to_owned())),
    };
    Err(host_error(kind, format!("inject {}: {why}", known.injection), None))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use steadfast_ledger::{Held, StateDir};
    use steadfast_linux::own_identity;
    use steadfast_model::{Binding, BootTime, InjectionId, WallTime};

    use super::*;
    use crate::{LocalHost, LocalHostOptions, Timing};

    fn opening(injection: InjectionId) -> Opening {
        Opening {
            injection,
            run: None,
            injector: own_identity().unwrap(),
            fault: "processPause".to_owned(),
            targets: vec![],
            keys: vec![],
            began: WallTime(0),
            deadline: BootTime(u64::MAX),
            lease: BootTime(u64::MAX),
        }
    }

    /// What comes of taking back an injection whose file has `extra` at its end, and what its file says then.
    async fn taken_back(extra: &str) -> (HostError, Option<Account>) {
        let directory = steadfast_testkit::durable_dir();
        let state = StateDir::open(directory.path()).unwrap();
        let (binding, timing) = (Binding::default(), Timing::default());
        let options = LocalHostOptions { state: state.clone(), binding, reaper: vec![], timing };
        let host = LocalHost::new(options).unwrap().inner;
        let injection = InjectionId::new();
        let lock = host.lock().await.unwrap();
        drop(host.begin(lock, opening(injection)).await.unwrap());
        let path = state.ledger().join(format!("{injection}.jsonl"));
        let mut file = std::fs::OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(extra.as_bytes()).unwrap();
        let page = loop {
            match host.ledger.try_page(injection).unwrap() {
                Held::Page(page) => break page,
                Held::Busy => tokio::task::yield_now().await,
                Held::Closed => panic!("closed"),
            }
        };
        let slot = host.slot(injection);
        let mut state = slot.state.lock().await;
        let cause = host_error(HostErrorKind::TargetGone, "find process 7", None);
        let error = host.take_back(Some(page), &slot, &mut state, cause).await;
        (error, host.ledger.find(injection).unwrap())
    }

    #[tokio::test]
    async fn an_injection_that_failed_and_was_taken_back_says_why_it_failed() {
        let (error, known) = taken_back("").await;
        assert_eq!(error, host_error(HostErrorKind::TargetGone, "find process 7", None));
        assert_eq!(known.unwrap().state, State::Reverted);
    }

    #[tokio::test]
    async fn an_injection_that_failed_and_could_not_be_taken_back_says_that_a_person_must_act() {
        let (error, known) = taken_back("a line that nobody understands\n").await;
        assert_eq!(error.kind, HostErrorKind::Abandoned, "{error:?}");
        assert!(error.message.starts_with("find process 7; and then to "), "{error:?}");
        assert!(error.hint.is_some_and(|hint| hint.contains("steadfast recover --forget")));
        let known = known.unwrap();
        assert_eq!(known.state, State::Abandoned);
        assert_eq!(first_answer(&known).unwrap_err().kind, HostErrorKind::Abandoned);
    }
}
