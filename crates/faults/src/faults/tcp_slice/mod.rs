//! Cuts bytes into small pieces.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use steadfast_model::{
    ByteSize, Duration, Percent, Problems,
    proxy::{Protocol, ProxyFault, Stream},
    target::ResolvedProxy,
};

use crate::{
    on_proxy::{Counts, ProxyRuled},
    settings::{bytes_of, check_hold, check_share, everything, share_of},
    world::NewRule,
};

/// Cuts chunks of bytes into small pieces, with pauses between them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TcpSlice {
    /// How large a piece is on average: 1B to 64KiB.
    pub size: ByteSize,
    /// Plus or minus up to so many bytes, evenly spread; less than `size`.
    #[serde(default)]
    pub variation: ByteSize,
    /// The time between two pieces, at most 1h; none when left out.
    #[serde(default)]
    pub pause: Duration,
    /// Which half of a connection: `upstream` (to the server), `downstream` (to the client) or `both`.
    #[serde(default)]
    pub stream: Stream,
    /// The share of connections it applies to.
    #[serde(default = "everything")]
    pub percent: Percent,
    /// Makes chance repeatable: the same seed picks the same connections.
    #[serde(default)]
    pub seed: u64,
}

impl ProxyRuled for TcpSlice {
    const KIND: &'static str = "tcpSlice";
    const NEEDS: Protocol = Protocol::Tcp;
    const COUNTS: Counts = Counts { things: "chunks of bytes", done: "cut" };

    fn check(&self, problems: &mut Problems) {
        if self.size == ByteSize::ZERO || self.size.bytes() > LARGEST_PIECE {
            let message = format!("pieces of {} are not between 1B and 64KiB", self.size);
            problems.error(&["size"], message, Some("write a size such as 100B"));
        }
        if self.variation >= self.size && self.variation > ByteSize::ZERO {
            let message =
                format!("a variation of {} is not less than the size of {}", self.variation, self.size);
            problems.error(
                &["variation"],
                message,
                Some("a piece has at least one byte: write less than `size`"),
            );
        }
        check_hold("pause", self.pause, problems);
        check_share(self.percent, problems);
    }

    fn does(&self) -> String {
        let whose = share_of(self.percent, "connection", "connections");
        let size = match self.variation {
            ByteSize::ZERO => self.size.to_string(),
            variation => format!("{} ± {variation}", self.size),
        };
        format!("cut {} on {whose} into pieces of {size}, {} apart", bytes_of(self.stream), self.pause)
    }

    fn holds(&self) -> &'static [&'static str] {
        &["tcp-slice"]
    }

    fn rule(&self) -> NewRule {
        let Self { size, variation, pause, stream, percent, seed } = *self;
        NewRule { fault: ProxyFault::TcpSlice { size, variation, pause, stream }, percent, seed }
    }

    fn misfit(&self, proxy: &ResolvedProxy) -> Option<(&'static str, &'static str)> {
        let reads_itself = proxy.protocol == Protocol::Http && self.stream != Stream::Downstream;
        reads_itself.then_some((
            "it reads requests itself and would put their pieces together again",
            "take `stream: downstream`, or start the proxy with protocol tcp",
        ))
    }
}

/// The largest piece, in bytes: what a proxy reads at once.
const LARGEST_PIECE: u64 = 64 * 1024;

#[cfg(test)]
mod tests;
