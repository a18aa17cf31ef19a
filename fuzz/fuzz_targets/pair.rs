//! See `transom_fuzz::pair::pair`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| transom_fuzz::pair::pair(data));
