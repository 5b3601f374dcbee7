//! Load on this machine: making it, seeing it, and how much room there is for it.
//!
//! CPU, memory and file systems. All of it is made by threads of one name in a process of its own, so that the end of that process is the way back,
//! and what the kernel counts of those threads is what can be seen from outside.

mod balloon;
pub(crate) mod cgroup;
mod churn;
mod filler;
mod room;
mod spin;
mod usage;

use std::{
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use steadfast_model::stress::Stress;

use crate::LinuxError;

pub use room::room;
pub use usage::{Usage, usage};

/// The name of the threads that make load: at most 15 bytes.
const THREAD: &str = "steadfast-load";

/// Threads that make load until this is dropped, or the process ends.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
}

impl Load {
    /// Begins. `lost` is called, on a thread of its own, when the load cannot be kept up.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn begin(
        stress: &Stress,
        lost: impl FnOnce(LinuxError) + Send + 'static,
    ) -> Result<Self, LinuxError> {
        let load = Self { stop: Arc::new(AtomicBool::new(false)) };
        let (stop, lost) = (load.stop.clone(), Lost::new(lost));
        match *stress {
            Stress::Cpu { workers, load: share } => {
                for _ in 0..workers {
                    let stop = stop.clone();
                    start(THREAD, &lost, move || {
                        spin::spin(share.fraction(), &stop);
                        Ok(())
                    })?;
                }
            }
            Stress::Memory { .. } => {
                let stress = stress.clone();
                start(THREAD, &lost, move || balloon::hold(&stress, &stop))?;
            }
            Stress::Fill { ref path, ref device, size, wholly } => {
                let filler = filler::Filler::new(path, device, size, wholly)?;
                start(THREAD, &lost, move || filler.hold(&stop))?;
            }
            Stress::Disk { ref path, ref device, size, readers, writers, rate } => {
                let churn = churn::Churn::new(path, device, size, rate)?;
                let lost_later = lost.clone();
                // Under another name: what is counted begins when there is something to read.
                start("steadfast-begin", &lost, move || {
                    churn.lay_out(&stop)?;
                    churn_on(&churn, readers, writers, &stop, &lost_later)
                })?;
            }
        }
        Ok(load)
    }
}

/// Tells once that the load is lost, whichever of its threads is the first to notice.
#[derive(Clone)]
struct Lost(Arc<Mutex<Option<Tell>>>);

type Tell = Box<dyn FnOnce(LinuxError) + Send>;

impl Lost {
    fn new(tell: impl FnOnce(LinuxError) + Send + 'static) -> Self {
        Self(Arc::new(Mutex::new(Some(Box::new(tell)))))
    }

    fn tell(&self, error: LinuxError) {
        let tell = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(tell) = tell {
            tell(error);
        }
    }
}

fn churn_on(
    churn: &churn::Churn,
    readers: u32,
    writers: u32,
    stop: &Arc<AtomicBool>,
    lost: &Lost,
) -> Result<(), LinuxError> {
    for (way, threads) in [(churn::Way::Read, readers), (churn::Way::Write, writers)] {
        for number in 0..threads {
            let (churn, stop) = (churn.clone(), stop.clone());
            start(THREAD, lost, move || churn.go_on(way, number, threads, &stop))?;
        }
    }
    Ok(())
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// Makes the kernel end this process before any other when memory runs out.
///
/// # Errors
/// When `/proc` cannot be written.
pub fn be_the_first_to_go() -> Result<(), LinuxError> {
    std::fs::write("/proc/self/oom_score_adj", "1000").map_err(|source| LinuxError::Call {
        what: "become the first to go when memory runs out".to_owned(),
        source,
    })
}

/// Lets a thread of this name work. When it cannot go on, the load is lost.
fn start(
    name: &str,
    lost: &Lost,
    work: impl FnOnce() -> Result<(), LinuxError> + Send + 'static,
) -> Result<(), LinuxError> {
    let lost = lost.clone();
    let told = move || {
        if let Err(error) = work() {
            lost.tell(error);
        }
    };
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(told);
    let failed = |source: io::Error| LinuxError::start("start a thread that makes load", source);
    started.map(drop).map_err(failed)
}

fn time(clock: ClockId) -> Duration {
    let now = clock_gettime(clock);
    let seconds = u64::try_from(now.tv_sec).expect("these clocks are never negative");
    let nanos = u32::try_from(now.tv_nsec).expect("a part of a second has nine digits");
    Duration::new(seconds, nanos)
}

/// For threads of a worker's own.
#[expect(clippy::disallowed_methods, reason = "this is a thread that makes load at a pace")]
pub(crate) fn sleep(length: Duration) {
    std::thread::sleep(length);
}
