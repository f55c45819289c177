//! The proofs of `proofs.rs` with Strapi 5.
//!
//! Strapi is installed by `tests/strapi/install.sh 5 DIR` and found through `BACKUP_TEST_STRAPI5=DIR`.

use std::sync::OnceLock;

use crate::proofs::proofs;
use crate::support::strapi::Version;

/// The Strapi that is the judge here.
pub static STRAPI: Version = Version {
    major: 5,
    release: "5",
    variable: "BACKUP_TEST_STRAPI5",
    roles_of_users: "admin_users_roles_lnk",
    uses_of_files: "files_related_mph",
    forgets: "",
    leaves_links_on_servers: false,
    mysql_client: "mysql",
    not_on_servers: None,
    exports_logos: true,
    harness: OnceLock::new(),
    worlds: [const { OnceLock::new() }; 3],
};

proofs!(crate::strapi5::STRAPI);

// What a recovery leaves hangs on us more than on Strapi: one version is enough.
proofs! { crate::strapi5::STRAPI =>
    strapi_starts_on_what_is_left_of_a_restore_that_was_killed: sqlite;
    strapi_starts_on_what_is_left_of_a_restore_whose_commit_was_not_answered: postgres;
}
