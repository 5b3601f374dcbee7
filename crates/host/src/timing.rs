//! How long things may take. The defaults are the promise; tests use shorter ones.

use std::time::Duration;

/// The time limits of injections and reapers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// A fault is gone this long after the last renewal: 10 s.
    pub lease: Duration,
    /// A fault is gone this long after its planned end, whatever happens: 5 s.
    pub grace: Duration,
    /// How often an injector with live injections looks after its reaper: 1 s.
    pub watch: Duration,
    /// How often the reaper looks at leases and deadlines: 100 ms. The end of an injector wakes it at once.
    pub reaper_look: Duration,
    /// How long a reaper with nothing to do stays: 10 s.
    pub reaper_linger: Duration,
    /// How long an injector waits for its reaper, and anybody for the ledger's lock: 5 s.
    pub patience: Duration,
    /// How often a step back is tried before it is given up: 5.
    pub undo_tries: u32,
    /// The pause after the first try of an injector or a person, doubled after each: 200 ms, 3 s in all.
    pub undo_pause: Duration,
    /// The same for a reaper, which has time: 600 ms, 9 s in all.
    pub reaper_undo_pause: Duration,
    /// How long a proxy may take to answer: 1 s.
    pub proxy_answer: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(10),
            grace: Duration::from_secs(5),
            watch: Duration::from_secs(1),
            reaper_look: Duration::from_millis(100),
            reaper_linger: Duration::from_secs(10),
            patience: Duration::from_secs(5),
            undo_tries: 5,
            undo_pause: Duration::from_millis(200),
            reaper_undo_pause: Duration::from_millis(600),
            proxy_answer: Duration::from_secs(1),
        }
    }
}
