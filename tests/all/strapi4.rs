//! The proofs of `proofs.rs` with Strapi 4.
//!
//! Strapi is installed by `tests/strapi/install.sh 4 DIR` and found through `BACKUP_TEST_STRAPI4=DIR`.

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::proofs::proofs;
use crate::support::archive::Archive;
use crate::support::cli::PLAIN;
use crate::support::exact::assert_equal;
use crate::support::servers::Server;
use crate::support::strapi::Version;

/// The Strapi that is the judge here.
pub static STRAPI: Version = Version {
    major: 4,
    release: "4",
    variable: "BACKUP_TEST_STRAPI4",
    roles_of_users: "admin_users_roles_links",
    uses_of_files: "files_related_morphs",
    forgets: "UPDATE strapi_release_actions SET target_id = NULL, target_type = NULL",
    leaves_links_on_servers: true,
    mysql_client: "mysql2",
    // It shortens no name. MySQL refuses those over 64 characters. PostgreSQL cuts them to 63 bytes, and Strapi does not
    // look for what it cut: some indexes get the name of their table and are refused, links and values in columns are
    // lost, and a table is made a second time when the schema changes. Only a first start is sure to succeed.
    not_on_servers: Some("src/api/weather-observation-of-the-northern-magnetic-expeditions"),
    exports_logos: false,
    harness: OnceLock::new(),
    worlds: [const { OnceLock::new() }; 3],
};

proofs!(crate::strapi4::STRAPI);

/// Strapi 4 exports nothing from columns whose names were cut, so the database has the last word here.
#[test]
fn names_that_postgres_cut_are_found_in_its_catalogue() {
    let server = Server::Postgres;
    let Some(harness) = STRAPI.harness().filter(|_| server.is_there()) else {
        return;
    };
    let empty = harness.new_project("with-names-that-are-cut", Some(server));
    empty.add("cut");
    empty.seed("boot");
    let project = empty.copy("with-rows-under-names-that-are-cut");
    // PostgreSQL cuts these as it cut Strapi's.
    let sighting = "sighting_of_land_that_was_not_on_any_chart_of_the_polar_ocean";
    let text = "what_the_captain_wrote_down_in_the_logbook_on_the_evening_of_that_very_day_and_why";
    let reading = "components_panels_an_instrument_reading_with_a_name_longer_than_any_identifier";
    let uid = sighting.replace('_', "-");
    let uid = format!("api::{uid}.{uid}");
    let component = "panels.an-instrument-reading-with-a-name-longer-than-any-identifier";
    project.sql(&format!(
        "INSERT INTO crew_members (id, name) VALUES (4, 'Hjalmar');
        INSERT INTO sightings (id, place, {text}) VALUES (7, 'NE', 'land'), (8, 'N', 'a cloud');
        INSERT INTO sightings_observers_links ({sighting}_id, crew_member_id, crew_member_order)
            VALUES (7, 4, 1), (8, 4, 2);
        INSERT INTO sightings_confirms_links ({sighting}_id, inv_{sighting}_id, {sighting}_order)
            VALUES (8, 7, 3);
        INSERT INTO {reading} (id, the_scale_on_which_the_reading_was_made_and_its_maker)
            VALUES (5, 'Celsius');
        INSERT INTO sightings_components (entity_id, component_id, component_type, field, \"order\")
            VALUES (7, 5, '{component}', 'readings', 1);"
    ));
    let archive = project.our_export("names-that-are-cut", &PLAIN, ".tar");
    let exported = Archive::open(&archive, None);
    let entities = exported.jsonl("entities");
    let land = entities.iter().find(|row| row["type"] == uid).unwrap();
    let text = "whatTheCaptainWroteDownInTheLogbookOnTheEveningOfThatVeryDayAndWhy";
    assert_eq!(land["data"][text], "land");
    assert_eq!(
        land["data"]["readings"],
        json!([{"id": 5, "theScaleOnWhichTheReadingWasMadeAndItsMaker": "Celsius"}])
    );
    let ends = |link: &Value| {
        json!([
            link["left"]["ref"],
            link["left"]["pos"],
            link["right"]["ref"]
        ])
    };
    let links = exported.jsonl("links");
    let of = links.iter().filter(|link| link["left"]["type"] == uid);
    let of: Vec<Value> = of.map(ends).collect();
    assert_eq!(of, [json!([7, 1, 4]), json!([8, 2, 4]), json!([8, 3, 7])]);

    empty.our_import(&archive, &[]);
    let again = empty.our_export("names-that-are-cut-again", &PLAIN, ".tar");
    assert_equal(&exported, &Archive::open(&again, None), false);
}
