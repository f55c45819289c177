//! The names of tables and columns, with Strapi's own code as the judge.

use std::process::Command;

use strapi_backup::strapi::identifiers::{Naming, global_id, snake_case};

use crate::support::files::repository;
use crate::support::skip;

/// How many names are tried, and from which seed they come.
const NAMES: usize = 20_000;
const SEED: u32 = 9;

#[test]
fn thousands_of_foreign_names_are_those_that_lodash_and_strapi_make() {
    let Some(installed) = std::env::var_os("BACKUP_TEST_STRAPI5") else {
        return skip("BACKUP_TEST_STRAPI5 is not set; ./scripts/test sets it");
    };
    let modules = std::path::Path::new(&installed).join("node_modules");
    let output = Command::new("node")
        .arg(repository("tests/strapi/names.js"))
        .args([
            modules.as_os_str(),
            SEED.to_string().as_ref(),
            NAMES.to_string().as_ref(),
        ])
        .output()
        .expect("node runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "names.js: {said}");
    let lines = String::from_utf8(output.stdout).expect("text");
    let mut tried = 0;
    for line in lines.lines() {
        let theirs: [String; 6] = serde_json::from_str(line).expect("six texts");
        let [one, other, ..] = &theirs;
        let naming = Naming::V5;
        let ours = [
            one.clone(),
            other.clone(),
            snake_case(one),
            global_id(one),
            naming.column(one),
            naming.link_table(one, other),
        ];
        assert_eq!(ours, theirs, "{one:?} and {other:?}");
        tried += 1;
    }
    assert_eq!(tried, NAMES);
}
