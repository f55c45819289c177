//! The proofs of `support/proofs.rs` with Strapi 4.
//!
//! Strapi is installed by `tests/strapi/install.sh 4 DIR` and found through `BACKUP_TEST_STRAPI4=DIR`.

#[path = "support/archive.rs"]
mod archive;
#[path = "support/canonical.rs"]
mod canonical;
#[path = "support/difference.rs"]
mod difference;
#[path = "support/exact.rs"]
mod exact;
#[path = "support/proofs.rs"]
mod proofs;
#[path = "support/servers.rs"]
mod servers;
#[path = "support/strapi.rs"]
mod strapi;

/// The Strapi that is the judge here.
static STRAPI: strapi::Version = strapi::Version {
    major: 4,
    variable: "BACKUP_TEST_STRAPI4",
    roles_of_users: "admin_users_roles_links",
    uses_of_files: "files_related_morphs",
    forgets: "UPDATE strapi_release_actions SET target_id = NULL, target_type = NULL",
    mysql_client: "mysql2",
    exports_logos: false,
};
