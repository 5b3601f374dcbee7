//! What kinds of toxics there are.

use serde::{Serialize, Serializer};

/// An hour in milliseconds: the longest that a proxy holds anything.
pub(crate) const HOUR: u64 = 60 * 60 * 1000;
/// The fastest rate of a proxy, 1 Tbit/s, in kilobytes a second.
const FASTEST: u64 = 125_000_000;
/// The largest amount of bytes that can be named: 1 PiB.
const LARGEST: u64 = 1 << 50;

/// A kind of toxic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Latency,
    Bandwidth,
    SlowClose,
    Timeout,
    ResetPeer,
    Slicer,
    LimitData,
    Noop,
}

/// A number that a kind of toxic takes, zero when it is not given.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) name: &'static str,
    pub(crate) most: u64,
    pub(crate) unit: &'static str,
}

const fn attribute(name: &'static str, most: u64, unit: &'static str) -> Attribute {
    Attribute { name, most, unit }
}

const fn millis(name: &'static str) -> Attribute {
    attribute(name, HOUR, "milliseconds")
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Latency,
        Self::Bandwidth,
        Self::SlowClose,
        Self::Timeout,
        Self::ResetPeer,
        Self::Slicer,
        Self::LimitData,
        Self::Noop,
    ];

    pub(crate) fn called(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Bandwidth => "bandwidth",
            Self::SlowClose => "slow_close",
            Self::Timeout => "timeout",
            Self::ResetPeer => "reset_peer",
            Self::Slicer => "slicer",
            Self::LimitData => "limit_data",
            Self::Noop => "noop",
        }
    }

    pub(crate) const fn attributes(self) -> &'static [Attribute] {
        const LATENCY: &[Attribute] = &[millis("latency"), millis("jitter")];
        const BANDWIDTH: &[Attribute] = &[attribute("rate", FASTEST, "KB/s")];
        const SLOW_CLOSE: &[Attribute] = &[millis("delay")];
        const TIMEOUT: &[Attribute] = &[millis("timeout")];
        const SLICER: &[Attribute] = &[
            attribute("average_size", LARGEST, "bytes"),
            attribute("size_variation", LARGEST, "bytes"),
            attribute("delay", HOUR * 1000, "microseconds"),
        ];
        const LIMIT_DATA: &[Attribute] = &[attribute("bytes", LARGEST, "bytes")];
        match self {
            Self::Latency => LATENCY,
            Self::Bandwidth => BANDWIDTH,
            Self::SlowClose => SLOW_CLOSE,
            Self::Timeout | Self::ResetPeer => TIMEOUT,
            Self::Slicer => SLICER,
            Self::LimitData => LIMIT_DATA,
            Self::Noop => &[],
        }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
