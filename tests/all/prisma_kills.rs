//! Imports that are interrupted and killed, and go on.

use std::fs;
use std::path::{Path, PathBuf};

use strapi_backup::prisma::Silent;
use strapi_backup::prisma::import::places;
use strapi_backup::prisma::ndf::DataSet;
use strapi_backup::prisma::sdl::DataModel;
use strapi_backup::prisma::service::Endpoint;
use strapi_backup::prisma::verify::verify;
use strapi_backup::store::Interrupt;

use crate::support::cli::run;
use crate::support::dice::Dice;
use crate::support::prisma_service::data::{Place, comment, expected, link, post, tags};
use crate::support::prisma_service::runs::{import, imports, killed, large, states};
use crate::support::prisma_service::{Fault, Held, Kept, PrismaService};
use crate::support::strace::{can_trace, injected, killed_at};

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

/// Where the state of an import lies that has not begun.
fn coming(place: &Place, data: &Path, service: &PrismaService) -> PathBuf {
    let text = fs::read_to_string(place.path("datamodel.prisma")).expect("read");
    let model = DataModel::parse(&text, "datamodel.prisma").expect("a data model");
    let mut set = DataSet::open(data, &Interrupt::default()).expect("a data set");
    let verdict = verify(&mut set, Some(&model), &place.path(""), &Silent).expect("read");
    let endpoint = Endpoint::parse(&service.endpoint()).expect("an endpoint");
    let data = fs::canonicalize(data).expect("a path");
    places(&data, &verdict, &endpoint, None).beside
}

#[test]
fn a_second_signal_ends_an_import_that_is_half_way_with_the_code_of_that() {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let data = large(&place);
    service.fail_imports([None, Some(Fault::InterruptTwice(Kept::Half))]);
    killed(&service, &mut import(&place, &data)).ends_with(13);
    run(&mut import(&place, &data)).ends_with(0);
    service.held().is_same(&expected(&data), "two signals");
}

#[test]
fn an_import_that_is_killed_while_it_writes_its_state_goes_on() {
    if !can_trace() {
        return;
    }
    // Calls are counted in each thread. The first one writes the head, and others that a request is sent and was taken.
    let whole = [("write", 1), ("write", 2), ("fdatasync", 1)];
    // The folder of the state, its entry, and the folder of that.
    let made = [("fsync", 1), ("fsync", 2), ("fsync", 3)];
    // Several rows of one list go one after the other: all of it is written by one thread, to the line that ends it.
    let serial = [
        ("write", 2),
        ("write", 3),
        ("write", 4),
        ("fdatasync", 1),
        ("fdatasync", 2),
    ];
    let moments = whole.iter().map(|at| (at, true, false));
    let moments = moments.chain(made.iter().map(|at| (at, false, false)));
    for ((call, number), is_of_state, is_serial) in
        moments.chain(serial.iter().map(|at| (at, true, true)))
    {
        let told = format!("{call} {number}, serial {is_serial}");
        let service = PrismaService::new();
        let place = Place::new(&service.endpoint());
        let nodes = [vec![post("p", "T"), comment("c")]];
        let lists = [vec![tags("p", &["a", "b"]), tags("p", &["c"])]];
        let rows = if is_serial { 2 } else { 1 };
        let lists = [lists[0][..rows].to_vec()];
        let links = [vec![link("p", "c")]];
        let links = if is_serial { &links[..0] } else { &links };
        let all = place.write("data", [&nodes, &lists, links]);
        // Its state comes to lie in the same folder.
        let expected = expected(&all);
        let (data, requests) = match is_serial {
            true => (all.join("lists/000001.json"), 1),
            false => (all.clone(), 3),
        };
        if is_serial {
            let held = nodes[0].iter().map(|node| {
                let id = node["id"].as_str().expect("an id");
                (id.to_owned(), node.clone())
            });
            service.hold(|own| own.nodes.extend(held));
        }
        let state = coming(&place, &data, &service);
        let again = || {
            let mut import = import(&place, &data);
            import.current_dir(place.path(""));
            import
        };
        let mut traced = match is_of_state {
            true => killed_at(&again(), &state, call, *number),
            false => injected(&again(), call, &format!("signal=KILL:when={number}")),
        };
        let outcome = run(&mut traced);
        assert_eq!(outcome.code, None, "{told}: {}", outcome.all());
        let sent = imports(&service);
        let outcome = run(&mut again());
        // That all was taken is known as soon as it is written.
        let is_over = is_serial && (*call, *number) == ("fdatasync", 2);
        let code = if is_over { 2 } else { 0 };
        assert_eq!(outcome.code, Some(code), "{told}: {}", outcome.all());
        service.held().is_same(&expected, &told);
        assert_eq!(sent + imports(&service), requests, "{told}");
    }
}

#[test]
fn an_import_that_is_killed_does_not_go_on_into_a_service_that_was_emptied() {
    let mut dice = Dice::new();
    let seed = dice.seed;
    let place = Place::new("http://127.0.0.1:1/");
    let data = large(&place);
    for before in [5, 7 + dice.below(4)] {
        let service = PrismaService::new();
        place.points_to(&service.endpoint());
        let last = Some(Fault::Kill(kept(&mut dice)));
        service.fail_imports((0..before).map(|_| None).chain([last]));
        killed(&service, &mut import(&place, &data));
        service.hold(|held| *held = Held::default());
        service.seen();
        let outcome = run(&mut import(&place, &data));
        let told = format!("seed {seed}, after {before}: {}", outcome.all());
        let is_refused = outcome.code == Some(1) && outcome.all().contains("--restart");
        assert!(is_refused, "{told}");
        assert_eq!(imports(&service), 0, "{told}");
        run(import(&place, &data).arg("--restart")).ends_with(0);
        service.held().is_same(&expected(&data), &told);
    }
}
