//! Waits for due times on a thread of its own: the runtime's timers are 1 ms coarse, a thread that sleeps in the kernel
//! wakes within about 0.1 ms, and nothing spins.

use std::{
    sync::{
        Arc,
        mpsc::{self, Receiver, RecvTimeoutError, TryRecvError},
    },
    thread,
    time::Duration,
};

use steadfast_model::{BootTime, Clock, Duration as Length};
use tokio::runtime::Handle;

use super::{Load, Pacer, due::DueTimes, lock, sender};

/// When the thread itself is later than this, it was held up, by suspend or a starved machine. What was due meanwhile
/// is not made up for, as a burst that nobody asked for, and the interval is a gap.
const LONGEST_LAG: Duration = Duration::from_secs(1);

/// Starts the thread. It ends when the load is dropped or `stop` is.
///
/// # Errors
/// When no thread can be started.
pub(super) fn start(load: &Arc<Load>, due_times: DueTimes) -> Result<Pacer, String> {
    let (stop, stopped) = mpsc::channel();
    let (load, runtime) = (Arc::clone(load), Handle::current());
    let thread = thread::Builder::new()
        .name("load".to_owned())
        .spawn(move || pace(&load, due_times, &stopped, &runtime))
        .map_err(|cause| format!("no thread for it: {cause}"))?;
    Ok(Pacer { stop, thread })
}

fn pace(load: &Arc<Load>, due_times: DueTimes, stopped: &Receiver<()>, runtime: &Handle) {
    let start = load.clock.boot();
    let mut held_up: Option<Duration> = None;
    for offset in due_times {
        let due = start.after(Duration::from_nanos(offset));
        let Some(now) = wait_until(due, &*load.clock, stopped) else { return };
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

/// The time, once it is at least `due`; nothing when it is time to stop.
fn wait_until(due: BootTime, clock: &dyn Clock, stopped: &Receiver<()>) -> Option<BootTime> {
    if stopped.try_recv() != Err(TryRecvError::Empty) {
        return None;
    }
    loop {
        let now = clock.boot();
        if now >= due {
            return Some(now);
        }
        if stopped.recv_timeout(due.since(now)) != Err(RecvTimeoutError::Timeout) {
            return None;
        }
    }
}
