//! Waits for due times and sends, on a thread of its own, so that neither holds up what else the program does.
//!
//! The thread runs everything of its load: no request is handed to another thread, and no lock is fought for. It sleeps in
//! the kernel until the next due time: the runtime's timers are 1 ms coarse, a descriptor of the kernel wakes within about
//! 0.1 ms, and nothing spins. Whatever is due by then is sent at once.

use std::{
    io,
    os::fd::OwnedFd,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use steadfast_model::{BootTime, Clock, Duration as Length};
use tokio::{
    io::unix::AsyncFd,
    runtime::{Builder, Runtime},
    sync::watch,
};

use super::{Load, due::DueTimes, lock, sender};

/// When the thread itself is later than this, it was held up, by suspend or a starved machine. What was due meanwhile
/// is not made up for, as a burst that nobody asked for, and the interval is a gap.
const LONGEST_LAG: Duration = Duration::from_secs(1);
/// So many are sent before answers are looked for, when more are due than can be sent.
const BURST: u32 = 32;

/// The thread that sends. Dropping `go_on` ends its pacing; it ends itself when nothing is unanswered any more, or what is
/// has been given up.
pub(super) struct Pacer {
    go_on: watch::Sender<()>,
    thread: JoinHandle<()>,
}

impl Pacer {
    /// Starts the thread.
    ///
    /// # Errors
    /// When there is no thread, runtime or timer to be had.
    pub(super) fn start(load: &Arc<Load>, due_times: DueTimes) -> Result<Self, String> {
        let failed = |cause: io::Error| format!("no thread for it: {cause}");
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (go_on, stopped) = watch::channel(());
        let load = Arc::clone(load);
        let work = move || runtime.block_on(pace(&load, due_times, stopped, &runtime));
        let thread = thread::Builder::new().name("load".to_owned()).spawn(work).map_err(failed)?;
        Ok(Self { go_on, thread })
    }

    /// Ends the pacing.
    pub(super) fn stop_pacing(self) -> JoinHandle<()> {
        drop(self.go_on);
        self.thread
    }
}

async fn pace(load: &Arc<Load>, due_times: DueTimes, mut stopped: watch::Receiver<()>, runtime: &Runtime) {
    let timer = match Timer::new() {
        Ok(timer) => timer,
        Err(cause) => return lock(&load.tally).at_fault(format!("there is no timer: {cause}")),
    };
    let pacing = send_when_due(load, due_times, &timer, runtime);
    tokio::select! {
        () = pacing => {}
        // The sender of the word was dropped.
        _ = stopped.changed() => {}
    }
    // Requests under way are answered on this thread, until they are all decided or given up.
    let mut given_up = load.given_up.subscribe();
    drop(given_up.wait_for(|given_up| *given_up).await);
}

async fn send_when_due(load: &Arc<Load>, due_times: DueTimes, timer: &Timer, runtime: &Runtime) {
    let start = load.clock.boot();
    let (mut held_up, mut burst): (Option<Duration>, u32) = (None, 0);
    for offset in due_times {
        let due = start.after(Duration::from_nanos(offset));
        let now = match wait_until(due, &*load.clock, timer, &mut burst).await {
            Ok(now) => now,
            Err(cause) => return lock(&load.tally).at_fault(format!("the timer failed: {cause}")),
        };
        let lag = now.since(due);
        if lag > LONGEST_LAG {
            held_up = Some(held_up.unwrap_or_default().max(lag));
            continue;
        }
        if let Some(lag) = held_up.take() {
            let lag = Length::from(Duration::from_millis(u64::try_from(lag.as_millis()).unwrap_or(u64::MAX)));
            lock(&load.tally).at_fault(format!("the sender was held up for {lag} on this machine"));
        }
        let number = lock(&load.tally).due(due, load.in_flight);
        if let Some(number) = number {
            runtime.spawn(sender::send(Arc::clone(load), number, due));
        }
    }
}

/// The time, once it is at least `due`.
async fn wait_until(
    due: BootTime,
    clock: &dyn Clock,
    timer: &Timer,
    burst: &mut u32,
) -> io::Result<BootTime> {
    loop {
        let now = clock.boot();
        if now < due {
            *burst = 0;
            timer.sleep(due.since(now)).await?;
            continue;
        }
        *burst += 1;
        if *burst > BURST {
            *burst = 0;
            tokio::task::yield_now().await;
        }
        return Ok(now);
    }
}

/// A timer of the kernel.
struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    #[expect(deprecated, reason = "its successor wants unsafe code; an `OwnedFd` stays the same and open")]
    fn new() -> io::Result<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        Ok(Self(AsyncFd::new(timerfd_create(TimerfdClockId::Boottime, flags)?)?))
    }

    async fn sleep(&self, length: Duration) -> io::Result<()> {
        // No time at all would switch the timer off.
        let nanos = length.max(Duration::from_nanos(1));
        let value = Timespec::try_from(nanos).map_err(io::Error::other)?;
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        timerfd_settime(
            self.0.get_ref(),
            TimerfdTimerFlags::empty(),
            &Itimerspec { it_interval: never, it_value: value },
        )?;
        loop {
            let mut ready = self.0.readable().await?;
            let mut count = [0; 8];
            match ready.try_io(|timer| Ok(rustix::io::read(timer.get_ref(), &mut count)?)) {
                Ok(read) => return read.map(drop),
                Err(_not_yet) => {}
            }
        }
    }
}
