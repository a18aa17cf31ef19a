//! See `transom_fuzz::agent_conn::agent_conn`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::agent_conn::agent_conn(data));
