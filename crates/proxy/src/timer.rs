//! Waiting to the microsecond: tokio's own timers know whole milliseconds only.
//!
//! All waits of a proxy share one `timerfd`, which the kernel fires from a high-resolution timer without the slack
//! that `epoll_wait` and `futex` time-outs have. Times are nanoseconds of `CLOCK_MONOTONIC`.

use std::{
    collections::BTreeMap,
    io,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use tokio::io::{Interest, unix::AsyncFd};

/// Nanoseconds of `CLOCK_MONOTONIC` now.
#[must_use]
pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    let (seconds, nanos) = (u64::try_from(time.tv_sec), u64::try_from(time.tv_nsec));
    // The monotonic clock starts at zero with the boot and only grows.
    seconds.unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(nanos.unwrap_or(0))
}

/// `time` moved into the future, saturating.
#[must_use]
pub(crate) fn later(time: u64, by: Duration) -> u64 {
    time.saturating_add(u64::try_from(by.as_nanos()).unwrap_or(u64::MAX))
}

/// All that wait. Somebody must poll [`Timers::drive`].
#[derive(Debug)]
pub(crate) struct Timers {
    descriptor: AsyncFd<OwnedFd>,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// By time, then by number, as many may wait for the same instant.
    wakers: BTreeMap<(u64, u64), Waker>,
    next: u64,
    /// What the descriptor is set to; zero when it is off.
    armed: u64,
}

impl Timers {
    /// New timers, bound to the tokio runtime this is called in.
    ///
    /// # Errors
    /// When the kernel gives no descriptor.
    pub(crate) fn new() -> io::Result<Arc<Self>> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe for types that may swap descriptors; `OwnedFd` cannot"
        )]
        let descriptor = AsyncFd::with_interest(timer, Interest::READABLE)?;
        Ok(Arc::new(Self { descriptor, waiting: Mutex::default() }))
    }

    /// Wakes whoever's time has come, until the descriptor fails.
    ///
    /// # Errors
    /// When the descriptor cannot be read: nothing would be woken any more.
    pub(crate) async fn drive(&self) -> io::Result<()> {
        let mut due = Vec::new();
        loop {
            let mut ready = self.descriptor.readable().await?;
            let mut expirations = [0_u8; 8];
            match rustix::io::read(self.descriptor.get_ref(), &mut expirations) {
                Ok(_) => {}
                Err(rustix::io::Errno::AGAIN) => ready.clear_ready(),
                Err(errno) => return Err(errno.into()),
            }
            {
                let mut waiting = self.lock();
                let now = now();
                while let Some(entry) = waiting.wakers.first_entry()
                    && entry.key().0 <= now
                {
                    due.push(entry.remove());
                }
                waiting.armed = 0;
                self.arm(&mut waiting);
            }
            due.drain(..).for_each(Waker::wake);
        }
    }

    fn insert(&self, time: u64, waker: Waker) -> (u64, u64) {
        let mut waiting = self.lock();
        waiting.next += 1;
        let key = (time, waiting.next);
        waiting.wakers.insert(key, waker);
        self.arm(&mut waiting);
        key
    }

    fn remove(&self, key: (u64, u64)) {
        // The descriptor may now fire for nobody, once: cheaper than setting it for every wait given up.
        drop(self.lock().wakers.remove(&key));
    }

    /// Sets the descriptor to the first in line, if it would fire later than that or not at all.
    fn arm(&self, waiting: &mut Waiting) {
        let Some((&(first, _), _)) = waiting.wakers.first_key_value() else { return };
        if waiting.armed != 0 && waiting.armed <= first {
            return;
        }
        // All zeros would turn the timer off.
        let first = first.max(1);
        let value = Timespec {
            tv_sec: i64::try_from(first / 1_000_000_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(first % 1_000_000_000).expect("less than a billion"),
        };
        let interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        timerfd_settime(
            self.descriptor.get_ref(),
            TimerfdTimerFlags::ABSTIME,
            &Itimerspec { it_interval: interval, it_value: value },
        )
        .expect("an own timer descriptor takes every time that is not negative");
        waiting.armed = first;
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One wait at a time. Dropping it gives the wait up.
#[derive(Debug)]
pub(crate) struct Alarm {
    timers: Arc<Timers>,
    set: Option<((u64, u64), Waker)>,
}

impl Alarm {
    /// An alarm that is not set.
    #[must_use]
    pub(crate) fn new(timers: &Arc<Timers>) -> Self {
        Self { timers: Arc::clone(timers), set: None }
    }

    /// Ready from `time` on; before, the task is woken then.
    pub(crate) fn poll_at(&mut self, cx: &mut Context<'_>, time: u64) -> Poll<()> {
        if now() >= time {
            self.clear();
            return Poll::Ready(());
        }
        let waits =
            self.set.as_ref().is_some_and(|(key, waker)| key.0 == time && waker.will_wake(cx.waker()));
        if !waits {
            self.clear();
            self.set = Some((self.timers.insert(time, cx.waker().clone()), cx.waker().clone()));
        }
        Poll::Pending
    }

    /// Gives up waiting.
    pub(crate) fn clear(&mut self) {
        if let Some((key, _)) = self.set.take() {
            self.timers.remove(key);
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests;
