//! Imports into services that do not hold what earlier runs sent any more, or hold what nobody knows of.

use serde_json::{Value, json};

use crate::support::cli::run;
use crate::support::prisma_service::data::{Place, comment, link, post};
use crate::support::prisma_service::runs::{import, imports};
use crate::support::prisma_service::PrismaService;


#[test]
fn links_of_a_file_of_links_alone_are_not_sent_again_where_they_are_there() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let nodes = [vec![post("p", "T"), comment("c"), comment("d")]];
    // The same link is told from its other end.
    let turned = json!([link("p", "c")[1], link("p", "c")[0]]);
    let links: Vec<Value> = vec![turned, link("p", "d")];
    let data = place.write("data", [&nodes, &[], &[links]]);
    run(&mut import(&place, &data.join("nodes/000001.json"))).ends_with(0);
    let file = data.join("relations/000001.json");
    service.hold(|held| held.relations.push(link("p", "c")));
    service.seen();
    for options in [&["--dry-run"][..], &[], &["--restart"]] {
        let outcome = run(import(&place, &file).args(options)).ends_with(1).says([
            "the service holds these links",
            "  000001.json, element 1: ",
            "Post `p`",
            "Comment `c`",
        ]);
        assert!(!outcome.all().contains("element 2"), "{}", outcome.all());
    }
    assert_eq!(imports(&service), 0);
    service.hold(|held| held.relations.clear());
    run(&mut import(&place, &file)).ends_with(0);
    run(import(&place, &file).arg("--restart")).ends_with(1);
    assert_eq!(service.held().relations.len(), 2);
}
