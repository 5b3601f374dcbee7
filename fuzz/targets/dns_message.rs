//! DNS messages: see `steadfast_properties::dns_message`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| steadfast_properties::dns_message::holds(bytes));
