//! The text of a metrics page: see `steadfast_properties::scrape`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| steadfast_properties::scrape::holds(bytes));
