//! Experiment and Binding documents: see `steadfast_properties::document`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| steadfast_properties::document::holds(bytes));
