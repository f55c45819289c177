//! Pushes.
mod files;
mod fitting;
mod losses;
mod numbers;
mod rules;
