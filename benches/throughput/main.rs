//! How fast the hot parts are, and whole exports, checks and restores:
//!
//! ```sh
//! cargo bench
//! cargo bench -- packing
//! ```
//!
//! `scripts/compare` measures the program beside others.

mod lines;
mod packing;
mod project;
mod site;

use criterion::{criterion_group, criterion_main};

criterion_group!(benches, lines::lines, packing::packing, project::project);
criterion_main!(benches);
