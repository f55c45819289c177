//! A large service: everything goes through in flat memory.

use std::env;
use std::io::{self, Write as _};
use std::time::Instant;

use crate::limits::measured;
use crate::support::prisma_service::PrismaService;
use crate::support::prisma_service::data::Place;
use crate::support::prisma_service::generated::Generated;

/// What each run may take, in bytes: as an archive may.
const MEMORY: u64 = crate::limits::MEMORY;

/// Exports so many nodes, verifies and imports them.
fn go_through(nodes: usize) {
    let service = PrismaService::new().generated(Generated::new(nodes));
    // It is not empty: what it holds is read before anything is sent.
    let other = PrismaService::new().generated(Generated::new(nodes).of_others());
    let place = Place::new(&service.endpoint());
    let [project, data, model] =
        ["", "data.zip", "datamodel.prisma"].map(|name| place.path(name).display().to_string());
    let endpoint = other.endpoint();
    let runs: [&[&str]; 3] = [
        &["prisma", "export", "--project", &project, "--file", &data],
        &["prisma", "verify", &data, "--datamodel", &model],
        &[
            "prisma",
            "import",
            "--data",
            &data,
            "--project",
            &project,
            "--endpoint",
            &endpoint,
        ],
    ];
    for arguments in runs {
        let began = Instant::now();
        let Some((outcome, peak)) = measured(arguments.iter().copied()) else {
            return;
        };
        let seconds = began.elapsed().as_secs_f64();
        // scripts/compare-prisma reads it; nothing else hangs on it.
        let _ = writeln!(
            io::stderr(),
            "{} of {nodes} nodes: {seconds:.1} s, {} MB at the peak",
            arguments[1],
            peak >> 20
        );
        assert_eq!(outcome.code, Some(0), "{}", outcome.all());
        assert!(peak <= MEMORY, "{}: {} MB", arguments[1], peak >> 20);
    }
    assert!(other.came().is_some_and(|it| it.is_whole()));
}

#[test]
fn many_nodes_go_through_in_flat_memory() {
    go_through(60_000);
}

#[test]
#[ignore = "long: a million nodes"]
fn a_million_nodes_go_through_in_flat_memory() {
    let nodes = env::var("BACKUP_TEST_NODES");
    go_through(nodes.map_or(1_000_000, |it| it.parse().expect("how many nodes")));
}
