//! See `strapi_backup::fuzzing::frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strapi_backup::fuzzing::frames(bytes));
