//! HTTP/1.1, by a real proxy between a real client and a real server: see `steadfast_properties::http1`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| steadfast_properties::http1::holds(bytes));
