//! The JSON that `steadfast verdict` judges: see `steadfast_properties::verdict`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| steadfast_properties::verdict::holds(bytes));
