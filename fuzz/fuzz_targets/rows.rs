//! See `strapi_backup::fuzzing::rows`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strapi_backup::fuzzing::rows(bytes));
