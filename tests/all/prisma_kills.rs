//! Imports that are interrupted and killed, and go on.

use std::fs;

use crate::support::cli::run;
use crate::support::dice::Dice;
use crate::support::prisma_service::data::{Place, expected, post};
use crate::support::prisma_service::runs::{import, killed, large, states};
use crate::support::prisma_service::{Fault, Held, Kept, PrismaService};

#[test]
fn an_import_that_was_interrupted_says_how_to_go_on_and_goes_on() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let data = large(&place);
    service.fail_imports([None, None, None, Some(Fault::Interrupt(Kept::Half))]);
    let outcome = killed(&service, &mut import(&place, &data));
    outcome.ends_with(13).says([
        "interrupted",
        "requests are in the service",
        "run the same command again",
        "--restart",
    ]);
    assert_eq!(states(&place).len(), 1);
    let outcome = run(&mut import(&place, &data))
        .ends_with(0)
        .says(["going on: "]);
    assert!(
        outcome.stdout.contains("of earlier runs"),
        "{}",
        outcome.all()
    );
    service
        .held()
        .is_same(&expected(&data), "after an interruption");
}

#[test]
fn an_interruption_does_not_say_that_nothing_was_sent_where_an_earlier_run_sent_something() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let data = large(&place);
    service.fail_imports([None, Some(Fault::Interrupt(Kept::Half))]);
    killed(&service, &mut import(&place, &data)).ends_with(13);
    // The next one is stopped before it knows that there was another: while its monitor is told.
    service.fail_exports([Some(Fault::Interrupt(Kept::Nothing))]);
    let mut again = import(&place, &data);
    again.args(["--ping-url", &service.endpoint()]);
    let outcome = killed(&service, &mut again).ends_with(130);
    let told = outcome.all();
    assert!(
        told.contains("interrupted: this run sent nothing") && !told.contains("nothing was sent"),
        "{told}"
    );
    run(&mut import(&place, &data)).ends_with(0);
    service.held().is_same(&expected(&data), "both interrupted");
}

#[test]
fn an_import_that_was_interrupted_goes_on_with_a_data_set_that_was_renamed() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let data = large(&place);
    service.fail_imports([None, None, None, Some(Fault::Kill(Kept::Half))]);
    killed(&service, &mut import(&place, &data));
    let renamed = place.path("renamed");
    fs::rename(&data, &renamed).expect("renamed");
    run(&mut import(&place, &renamed))
        .ends_with(0)
        .says(["going on: "]);
    service
        .held()
        .is_same(&expected(&renamed), "under another name");
}

#[test]
fn requests_of_earlier_runs_are_counted_once_wherever_the_next_one_pauses() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let nodes = (0..14).map(|at| post(&format!("p{at}"), &"x".repeat(600_000)));
    let data = place.write("data", [&[nodes.collect()], &[], &[]]);
    // So many are in doubt that the run stops to clear them up; others that were on their way are there.
    service.fail_imports((0..8).map(|_| Some(Fault::Cut(Kept::Nothing))));
    service.fail_exports([None, Some(Fault::Kill(Kept::All))]);
    killed(&service, &mut import(&place, &data));
    let state = fs::read_to_string(place.path(&states(&place)[0])).expect("read");
    let lines = state.lines().filter(|line| line.contains("\"taken\""));
    let taken = lines.count();
    let outcome = run(&mut import(&place, &data)).ends_with(0);
    let told = format!("after {taken} of earlier runs");
    let is_told = outcome.stdout.contains(&told) || taken == 0;
    assert!(is_told, "{told}: {}", outcome.all());
    service.held().is_same(&expected(&data), "after both runs");
}

/// How much of a request is there when it fails.
fn kept(dice: &mut Dice) -> Kept {
    [Kept::Nothing, Kept::Half, Kept::All][dice.below(3)]
}

/// What happens to the requests of a run that is killed: some answers to imports are lost, and one import or one export
/// is its last.
fn fate(dice: &mut Dice) -> [Vec<Option<Fault>>; 2] {
    // A whole run takes 12 imports, unless something is lost.
    let before = dice.below(12);
    let mut imports: Vec<Option<Fault>> = (0..before)
        .map(|_| (dice.below(4) == 0).then(|| Fault::Cut(kept(dice))))
        .collect();
    let last = Some(Fault::Kill(kept(dice)));
    let mut exports = Vec::new();
    match dice.below(3) {
        // The first exports look what is there already; the others read back what was lost.
        0 => {
            exports = vec![None; dice.below(5)];
            exports.push(last);
        }
        _ => imports.push(last),
    }
    [imports, exports]
}

/// Kills imports at so many random moments, some of them twice or thrice; each is run again until it ends.
fn kill(times: usize) {
    let mut dice = Dice::new();
    let seed = dice.seed;
    let source = Place::new("http://127.0.0.1:1/");
    let data = large(&source);
    // The service is not empty.
    let others = |held: &mut Held| held.nodes.insert("other".into(), post("other", "T"));
    let mut expected = expected(&data);
    others(&mut expected);
    let mut kills = 0;
    while kills < times {
        let service = PrismaService::new();
        service.hold(|held| drop(others(held)));
        source.points_to(&service.endpoint());
        for _ in 0..=dice.below(3) {
            let [imports, exports] = fate(&mut dice);
            service.fail_imports(imports);
            service.fail_exports(exports);
            let outcome = killed(&service, &mut import(&source, &data));
            let place = format!("seed {seed}, kill {kills}: {}", outcome.all());
            // What it was to be killed at may not have come.
            assert!(matches!(outcome.code, None | Some(0)), "{place}");
            if outcome.code == Some(0) {
                break;
            }
            kills += 1;
        }
        service.fail_imports([]);
        service.fail_exports([]);
        let outcome = run(&mut import(&source, &data));
        let place = format!("seed {seed}, kill {kills}: {}", outcome.all());
        assert!(matches!(outcome.code, Some(0 | 2)), "{place}");
        service.held().is_same(&expected, &place);
    }
}

#[test]
fn after_kills_at_random_moments_every_element_is_there_once() {
    kill(6);
}

#[test]
#[ignore = "long: 50 kills"]
fn after_kills_at_fifty_random_moments_every_element_is_there_once() {
    kill(50);
}
