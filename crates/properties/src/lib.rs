//! What holds for every input of every parser, whatever the input is. For tests and fuzzing only.
//!
//! A property takes bytes and panics when it does not hold. The fuzz targets in `fuzz/` feed it what a fuzzer finds, a
//! test on the stable toolchain feeds it the seeds and changed seeds. Nothing here knows who calls.
//!
//! | module | what is read |
//! |---|---|
//! | [`document`] | Experiment and Binding documents |
//! | [`dns_message`] | questions to DNS servers, and the answers to them |
//! | [`openslo`] | OpenSLO documents |
//! | [`scrape`] | the text of a `/metrics` page |
//! | [`http1`] | HTTP/1.1, by a real proxy between a real client and a real server |
//! | [`http2`] | HTTP/2, in the same way |
//! | [`verdict`] | the JSON that `steadfast verdict` judges |

pub mod dns_message;
pub mod document;
pub mod http1;
pub mod http2;
pub mod openslo;
mod problems;
pub mod scrape;
mod seeds;
pub mod verdict;

pub use seeds::seeds;

/// A parser and what holds for it.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is also the name of its fuzz target.
    pub name: &'static str,
    /// Panics when a property does not hold for these bytes.
    pub holds: fn(&[u8]),
}

/// All of them.
pub const TARGETS: [Target; 7] = [
    Target { name: "document", holds: document::holds },
    Target { name: "openslo", holds: openslo::holds },
    Target { name: "scrape", holds: scrape::holds },
    Target { name: "http1", holds: http1::holds },
    Target { name: "http2", holds: http2::holds },
    Target { name: "verdict", holds: verdict::holds },
    Target { name: "dns_message", holds: dns_message::holds },
];
