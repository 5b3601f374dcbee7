//! Waits for due times and sends, on a thread of its own, so that neither holds up what else the program does.
//!
//! The thread runs everything of its load: no request is handed to another thread, and no lock is fought for. It sleeps in
//! the kernel until the next due time: the runtime's timers are 1 ms coarse, a descriptor of the kernel wakes within about
//! 0.1 ms, and nothing spins. Whatever is due by then is sent at once.

use std::{
    io,
    iter::Peekable,
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

/// The thread that sends. The word of when to stop, or its loss, ends its pacing; it ends itself when nothing is unanswered
/// any more, or what is has been given up.
pub(super) struct Pacer {
    stop_at: watch::Sender<Option<BootTime>>,
    /// Closed when nothing will be due any more.
    paced: watch::Receiver<()>,
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
        let (stop_at, stopped) = watch::channel(None);
        let (pacing, paced) = watch::channel(());
        let load = Arc::clone(load);
        let work = move || runtime.block_on(pace(&load, due_times, stopped, pacing, &runtime));
        let thread = thread::Builder::new().name("load".to_owned()).spawn(work).map_err(failed)?;
        Ok(Self { stop_at, paced, thread })
    }

    /// Ends the pacing with what is due by now; whether that was over within `longest`.
    pub(super) async fn stop_pacing(mut self, now: BootTime, longest: Duration) -> (JoinHandle<()>, bool) {
        self.stop_at.send_replace(Some(now));
        let over = tokio::time::timeout(longest, self.paced.changed()).await.is_ok();
        (self.thread, over)
    }
}

async fn pace(
    load: &Arc<Load>,
    due_times: DueTimes,
    mut stopped: watch::Receiver<Option<BootTime>>,
    pacing: watch::Sender<()>,
    runtime: &Runtime,
) {
    let timer = match Timer::new() {
        Ok(timer) => timer,
        Err(cause) => return lock(&load.tally).at_fault(format!("there is no timer: {cause}")),
    };
    let (start, due_times) = (load.clock.boot(), due_times.peekable());
    let mut sending = Sending { load, due_times, timer, runtime, start, held_up: false, burst: 0 };
    let stopped_in_time = tokio::select! {
        () = sending.send_until(None) => false,
        // No word of a time: it is abandoned.
        word = stopped.changed() => word.is_ok(),
    };
    if stopped_in_time {
        let end = *stopped.borrow();
        sending.send_until(end).await;
    }
    drop(pacing);
    // Requests under way are answered on this thread, until they are all decided or given up.
    let mut given_up = load.given_up.subscribe();
    drop(given_up.wait_for(|given_up| *given_up).await);
}

/// What is due next, and how the thread keeps up.
struct Sending<'a> {
    load: &'a Arc<Load>,
    /// In nanoseconds from the start.
    due_times: Peekable<DueTimes>,
    timer: Timer,
    runtime: &'a Runtime,
    start: BootTime,
    held_up: bool,
    burst: u32,
}

impl Sending<'_> {
    /// Sends what is due, up to the end if there is one. It may be left at any time and taken up again.
    async fn send_until(&mut self, end: Option<BootTime>) {
        while let Some(offset) = self.due_times.peek() {
            let due = self.start.after(Duration::from_nanos(*offset));
            if end.is_some_and(|end| due > end) {
                return;
            }
            let now = match wait_until(due, &*self.load.clock, &self.timer, &mut self.burst).await {
                Ok(now) => now,
                Err(cause) => return lock(&self.load.tally).at_fault(format!("the timer failed: {cause}")),
            };
            self.due_times.next();
            self.send(due, now.since(due));
        }
    }

    fn send(&mut self, due: BootTime, lag: Duration) {
        let late = lag > LONGEST_LAG;
        // Said at once, as what comes first is the latest: nobody may be left to say it later.
        if late && !self.held_up {
            let lag = Length::from(Duration::from_millis(u64::try_from(lag.as_millis()).unwrap_or(u64::MAX)));
            lock(&self.load.tally).at_fault(format!("the sender was held up for {lag} on this machine"));
        }
        self.held_up = late;
        if late {
            return;
        }
        let number = lock(&self.load.tally).due(due, self.load.in_flight);
        if let Some(number) = number {
            self.runtime.spawn(sender::send(Arc::clone(self.load), number, due));
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
