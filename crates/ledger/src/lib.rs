//! Undo records on disk: what was changed, by whom, until when, and the way back.
//!
//! One append-only file per injection. A record is durable before the change it undoes, so that any Steadfast process
//! of this boot, or nobody at all after a reboot, can put things right. This crate writes and reads; it never carries
//! an undo out, never signals a process and never decides that something is abandoned.
//!
//! - [`state_dir`]: where it all lives, and what makes a directory unfit;
//! - [`ledger`]: all injections of a state directory: begin one, list them, find one;
//! - [`page`]: one injection's file, held under its lock, to be written;
//! - [`account`]: what one file says, with everything in it that cannot be understood;
//! - [`entry`]: the lines;
//! - [`lease`]: the one value that changes, kept beside the file.
//!
//! # On disk
//!
//! ```text
//! <state dir>/                     0700, never on tmpfs
//! ├── ledger/
//! │   ├── lock                     held while looking for conflicts and beginning
//! │   ├── <injection>.jsonl        live, or abandoned
//! │   ├── <injection>.lease
//! │   └── closed/<injection>.jsonl undone; the newest 1,000 are kept
//! ├── reaper.lock                  held by the reaper, with its identity inside
//! └── reaper.log
//! ```

pub mod account;
pub mod entry;
pub mod error;
pub mod lease;
pub mod ledger;
mod line;
pub mod page;
pub mod private_file;
pub mod state_dir;

pub use account::Account;
pub use entry::{Opening, State, UndoRecord};
pub use error::LedgerError;
pub use ledger::{Begun, GlobalLock, Held, Ledger, Listed};
pub use page::Page;
pub use state_dir::StateDir;
