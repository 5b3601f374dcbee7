//! HTTP/2, by a real proxy between a real client and a real server: see `steadfast_properties::http2`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| steadfast_properties::http2::holds(bytes));
