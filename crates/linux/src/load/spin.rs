//! Computing for a share of the time.

use std::{
    hint::black_box,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use rustix::time::ClockId;

use super::{sleep, time};

/// The share is kept over each of these: 100 ms, shorter than people notice and longer than the kernel's own slices.
const PERIOD: Duration = Duration::from_millis(100);
/// Steps of computing between two looks at the clock, some tens of microseconds.
const STEPS: u64 = 20_000;

/// Computes for that share of every period until told to stop.
///
/// What counts is the CPU time of this thread, so that one that was kept waiting makes up for it within its period.
pub(super) fn spin(share: f64, stop: &AtomicBool) {
    let busy = PERIOD.mul_f64(share.clamp(0.0, 1.0));
    let mut number = 1;
    while !stop.load(Ordering::Relaxed) {
        let (begun, ran) = (time(ClockId::Monotonic), time(ClockId::ThreadCPUTime));
        let passed = || time(ClockId::Monotonic).saturating_sub(begun);
        while time(ClockId::ThreadCPUTime).saturating_sub(ran) < busy && passed() < PERIOD {
            number = compute(number);
        }
        if share < 1.0 {
            sleep(PERIOD.saturating_sub(passed()));
        }
    }
}

/// Integer arithmetic in which every step needs the one before.
fn compute(mut number: u64) -> u64 {
    for _ in 0..STEPS {
        number = black_box(number).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    }
    number
}
