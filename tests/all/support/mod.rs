//! What the tests lean on. Nothing here tests the program itself; a few tests make sure that the comparisons see what
//! they have to.

pub mod archive;
pub mod canonical;
pub mod cli;
pub mod databases;
pub mod difference;
pub mod exact;
pub mod restore;
pub mod servers;
pub mod strapi;
pub mod tarball;
pub mod world;
