//! Tests that cannot do their work on this machine say so, instead of passing in silence.

use std::{fs::OpenOptions, io::Write as _};

/// Notes that a test, or a part of it (`name (as root)`), cannot be run here. `cargo xtask test` fails unless
/// `xtask/expected-tests.txt` lists it.
///
/// # Panics
/// When the note cannot be written: the skip would be silent.
pub fn skip(test: &str, reason: &str) {
    let Some(file) = std::env::var_os("STEADFAST_SKIPPED_TESTS") else { return };
    let mut file = OpenOptions::new().create(true).append(true).open(&file).expect("the list can be opened");
    // One write a line, as tests run side by side.
    file.write_all(format!("{test}: {reason}\n").as_bytes()).expect("the list can be written");
}
