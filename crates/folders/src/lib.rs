//! Turns a folder of folders into modules, one enum and a registry, at build time.
//!
//! Adding a fault or a probe touches one folder and no list. A build script describes the [`Collection`] and calls
//! [`Collection::generate`]; the crate includes what it wrote. Nothing here is used at run time, and nothing is ever
//! written outside the build's output directory.
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let faults = steadfast_folders::Collection {
//!         root: "src/faults",
//!         item: "crate::Fault",
//!         noun: "fault",
//!         spec: "FaultSpec",
//!         entry: "FaultKind",
//!         registry: "FAULTS",
//!     };
//!     Ok(faults.generate("faults.rs")?)
//! }
//! ```
//!
//! ```text
//! // src/faults.rs
//! include!(concat!(env!("OUT_DIR"), "/faults.rs"));
//! ```

mod collection;
mod folder;
mod names;
mod readme;

pub use collection::Collection;
pub use folder::{Folder, FoldersError, list};
pub use names::{key_of, variant_of};
pub use readme::{FAULT_HEADINGS, headings, summary};
