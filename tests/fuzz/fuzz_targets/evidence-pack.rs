//! The target `evidence-pack` under libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| fuzz::run("evidence-pack", data));
