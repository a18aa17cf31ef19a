//! See `transom_fuzz::decode::daemon`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::decode::daemon(data));
