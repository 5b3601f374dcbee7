//! OpenSLO documents: see `steadfast_properties::openslo`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| steadfast_properties::openslo::holds(bytes));
