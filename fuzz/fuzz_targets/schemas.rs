//! See `strapi_backup::fuzzing::schemas`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| strapi_backup::fuzzing::schemas(bytes));
