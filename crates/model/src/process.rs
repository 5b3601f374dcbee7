//! What makes a process the same process: its number alone is recycled.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A process of one boot of one machine. Two processes never share all three fields.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProcessIdentity {
    /// Process number.
    pub pid: u32,
    /// Start time in clock ticks after boot: field 22 of `/proc/PID/stat`.
    pub start_time: u64,
    /// The boot it belongs to.
    pub boot_id: String,
}

impl fmt::Display for ProcessIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.pid)
    }
}

/// What a process is doing, as far as faults care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ProcessState {
    /// It runs, sleeps or waits.
    Running,
    /// It is stopped by a signal (`T`).
    Stopped,
    /// A debugger holds it (`t`).
    Traced,
    /// It has ended but nobody has collected it yet (`Z`), or it is being torn down (`X`).
    Dead,
    /// There is no such process any more, or its number now belongs to another.
    Gone,
}

/// Signals a fault may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Signal {
    /// Ends the process at once; it cannot be refused.
    #[default]
    Kill,
    /// Asks the process to end.
    Term,
    /// As from a terminal's Ctrl-C.
    Int,
    /// As when a terminal closes.
    Hup,
    /// Ends with a core dump, where those are on.
    Quit,
    /// As from `abort()`.
    Abrt,
    /// Freezes the process.
    Stop,
    /// Thaws it.
    Cont,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "KILL",
            Self::Term => "TERM",
            Self::Int => "INT",
            Self::Hup => "HUP",
            Self::Quit => "QUIT",
            Self::Abrt => "ABRT",
            Self::Stop => "STOP",
            Self::Cont => "CONT",
        })
    }
}
