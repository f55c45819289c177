//! The tests from outside: they run the program, or use the library as a program would. One binary, so that what they
//! share is built once. A file here is a room of tests; `support` is what they lean on.
//!
//! ```sh
//! cargo test                                   # those that need nothing but this repository
//! ./scripts/servers cargo test databases::     # one room, with PostgreSQL and MariaDB
//! ./scripts/test                               # everything, with real Strapi as well
//! ./scripts/test-long                          # what takes too long for that
//! ```
//!
//! A test that lacks what it needs calls [`support::skip`], and ends. A test that takes long has a short form among the
//! others, and is marked `#[ignore = "long: ..."]`.

mod prisma_doubts;
mod prisma_kills;
mod prisma_runs;
mod prisma_stop;
mod support;

mod age;
mod alone;
mod any_rows;
mod archive_names;
mod bad_archives;
mod bad_input;
mod cloud_exports;
mod cloud_media;
mod cloud_others;
mod cloud_restores;
mod column_rules;
mod convert;
mod convert_hostile;
mod convert_notes;
mod convert_plain;
mod convert_strapi;
mod convert_wrong;
mod custom_fields;
mod database_bulk;
mod database_columns;
mod database_connections;
mod database_failures;
mod database_locks;
mod database_snapshot;
mod database_transactions;
mod database_values;
mod databases;
mod dgraph_convert;
mod dgraph_export;
mod dgraph_import;
mod dgraph_import_answers;
mod dgraph_import_memory;
mod dgraph_import_proofs;
mod dgraph_kills;
mod dgraph_plain;
mod dgraph_verify;
mod diff;
mod doctor;
mod drill;
mod environments;
mod extract;
mod fixture;
mod flips;
mod hostile_lines;
mod inspect;
mod interrupted;
mod keeping;
mod keys;
mod kills;
mod leftovers;
mod limits;
mod locks;
mod lost_commits;
mod man;
mod media;
mod media_moves;
mod models;
mod moments;
mod names;
mod odd_places;
mod odd_rows;
mod odd_values;
mod old_strapis;
mod operations;
mod options;
mod outside;
mod packages;
mod pages;
mod partial;
mod pieces;
mod power;
mod prisma_export;
mod prisma_gone;
mod prisma_import;
mod prisma_judge;
mod prisma_large;
mod prompts;
mod proofs;
mod remote_cuts;
mod remote_memory;
mod remote_model;
mod remote_proofs;
mod remote_pull;
mod remote_push;
mod remote_two;
mod rewritten;
mod round_trip;
mod schedule;
mod staying;
mod stores;
mod strapi4;
mod strapi5;
mod strategies;
mod syncs;
mod transfers;
mod verify;
mod without_sidecars;
mod zoo;
