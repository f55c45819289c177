//! The proofs of `support/proofs.rs` with Strapi 5.
//!
//! Strapi is installed by `tests/strapi/install.sh 5 DIR` and found through `BACKUP_TEST_STRAPI5=DIR`.

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
    major: 5,
    variable: "BACKUP_TEST_STRAPI5",
    roles_of_users: "admin_users_roles_lnk",
    uses_of_files: "files_related_mph",
    forgets: "",
    leaves_links_on_servers: false,
    mysql_client: "mysql",
    not_on_servers: None,
    exports_logos: true,
};
