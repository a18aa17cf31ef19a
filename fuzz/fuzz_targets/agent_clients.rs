//! See `transom_fuzz::agent_clients::agent_clients`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::agent_clients::agent_clients(data));
