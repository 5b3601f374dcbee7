//! Waiting for something outside of us.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Asks until the answer is yes or the time is over. Returns whether it was yes.
#[expect(clippy::disallowed_methods, reason = "waits for other processes, which no clock of ours moves")]
pub(crate) fn until(limit: Duration, mut ask: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    loop {
        if ask() {
            return true;
        }
        if begun.elapsed() >= limit {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
}
