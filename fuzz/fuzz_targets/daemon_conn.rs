//! See `transom_fuzz::daemon_conn::daemon_conn`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::daemon_conn::daemon_conn(data));
