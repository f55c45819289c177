//! Content models of our own, filled at random by `tests/strapi/fill.js`, with real Strapi as the judge.
//!
//! `orchard` holds everything there is under plain names, also relations whose two sides both say `inversedBy`, and some
//! that say it of themselves; `lexikon` holds names that are not ASCII, and such as are longer than any identifier.

use std::path::Path;

use crate::proofs::{mysql, postgres, sqlite};
use crate::support::archive::Archive;
use crate::support::canonical::without_links_to_nothing;
use crate::support::cli::PLAIN;
use crate::support::exact::assert_equal;
use crate::support::models::{project, with_each_link_once};
use crate::support::servers::Server;
use crate::support::strapi::Version;
use crate::{strapi4, strapi5};

macro_rules! models {
    ($($name:ident: $model:literal $strapi:ident $database:ident;)+) => {
        $(#[test]
        fn $name() {
            goes_both_ways(&$strapi::STRAPI, $model, $database());
        })+
    };
}

models! {
    an_orchard_of_strapi_5_goes_both_ways: "orchard" strapi5 sqlite;
    an_orchard_of_strapi_5_goes_both_ways_on_postgres: "orchard" strapi5 postgres;
    an_orchard_of_strapi_5_goes_both_ways_on_mysql: "orchard" strapi5 mysql;
    an_orchard_of_strapi_4_goes_both_ways: "orchard" strapi4 sqlite;
    an_orchard_of_strapi_4_goes_both_ways_on_postgres: "orchard" strapi4 postgres;
    an_orchard_of_strapi_4_goes_both_ways_on_mysql: "orchard" strapi4 mysql;
    a_lexikon_of_strapi_5_goes_both_ways: "lexikon" strapi5 sqlite;
    a_lexikon_of_strapi_4_goes_both_ways: "lexikon" strapi4 sqlite;
}

/// Our export is Strapi's, but for links that it repeats; a project that we restored from Strapi's is exported by Strapi as
/// the original was; and our own round trip changes nothing.
fn goes_both_ways(strapi: &'static Version, model: &str, server: Option<Server>) {
    if server.is_some_and(|server| !server.is_there()) {
        return;
    }
    let Some(harness) = strapi.harness() else {
        return;
    };
    let in_order = |archive: &Archive| match server {
        None => archive.with_members_in_order(),
        Some(_) => archive.in_order_of_ids(),
    };
    let open = |path: &Path| in_order(&Archive::open(path, None));
    let empty = project(harness, model, server);
    empty.seed("boot");
    let filled = empty.copy("filled");
    filled.fill(&format!("{model} of Strapi {}", strapi.major));
    let by_strapi = filled.strapi_export("by-strapi", None);
    let mut strapis = Archive::open(&by_strapi, None);
    if strapi.leaves_links_on_servers && server.is_some() {
        strapis = without_links_to_nothing(&strapis).0;
    }
    let (once, repeated) = with_each_link_once(&strapis);
    assert_ne!(repeated, 0, "no link of both sides among those of {model}");

    let by_us = filled.our_export("by-us", &PLAIN, ".tar");
    assert_equal(&in_order(&once), &open(&by_us), false);

    let mut scopes: Vec<&[&str]> = vec![&[]];
    if model == "orchard" && strapi.major == 5 {
        // Links between rows that stay and rows that come back stay as well, in Strapi 5.
        scopes.push(&["--only-content-types", "api::gardener.gardener"]);
        scopes.push(&["--only-content-types", "api::tool.tool"]);
    }
    for scope in scopes {
        filled.our_import(&by_us, scope);
        let again = open(&filled.our_export("by-us-again", &PLAIN, ".tar"));
        assert_equal(
            &open(&by_us).in_order_of_ids(),
            &again.in_order_of_ids(),
            false,
        );
    }

    empty.our_import(&by_strapi, &[]);
    let restored = empty.strapi_export("restored", None);
    assert_equal(&in_order(&strapis), &open(&restored), true);
}

/// Both sides of a relation say `inversedBy`; Strapi uses one of the two tables that it makes.
#[test]
fn rows_that_strapi_left_in_a_table_that_it_uses_no_more_are_no_links() {
    let Some(harness) = strapi5::STRAPI.harness() else {
        return;
    };
    let project = project(harness, "orchard", None);
    project.seed("boot");
    project.sql(
        "INSERT INTO gardeners (id, document_id, name) VALUES (1, 'g1', 'one'), (2, 'g2', 'two');
        INSERT INTO tools (id, document_id, name) VALUES (1, 't1', 'rake'), (2, 't2', 'hoe');
        INSERT INTO tools_gardeners_lnk (tool_id, gardener_id, gardener_ord, tool_ord) VALUES (1, 2, 1, 1);
        INSERT INTO gardeners_tools_lnk (gardener_id, tool_id, tool_ord, gardener_ord)
            VALUES (1, 1, 1, 1), (1, 2, 2, 1);",
    );
    let strapis = project.strapi_export("with-stale-rows-by-strapi", None);
    let (archive, said) = project.our_export_that_ends_with(0, "with-stale-rows", &PLAIN, ".tar");
    for part in ["gardeners_tools_lnk", "its rows are no links (2)"] {
        assert!(said.contains(part), "no {part} in:\n{said}");
    }
    let (once, repeated) = with_each_link_once(&Archive::open(&strapis, None));
    assert_eq!(repeated, 1);
    assert_equal(&once, &Archive::open(&archive, None), false);

    project.our_import(&strapis, &[]);
    let rows =
        project.rows(|table| ["gardeners_tools_lnk", "tools_gardeners_lnk"].contains(&table));
    let counts: Vec<usize> = rows.values().map(Vec::len).collect();
    assert_eq!(counts, [0, 1]);
}
