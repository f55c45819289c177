//! Ctrl-C at a service that answers so quickly that nobody waits for it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::Value;
use strapi_backup::error::{Error, Kind};
use strapi_backup::prisma::Silent;
use strapi_backup::prisma::export::{Pages, fetch};
use strapi_backup::prisma::import::{Import, Imported, Manner, State, places};
use strapi_backup::prisma::ndf::DataSet;
use strapi_backup::prisma::sdl::DataModel;
use strapi_backup::prisma::service::{Endpoint, Service};
use strapi_backup::prisma::verify::verify;
use strapi_backup::store::{Access, Interrupt};

use crate::support::prisma_service::data::{Place, comment, link, post, tags};
use crate::support::prisma_service::{Fault, Kept, PrismaService};

/// How many requests of a kind a service has seen since it was asked last.
fn seen(service: &PrismaService, what: &str) -> usize {
    let seen = service.seen().into_iter();
    seen.filter(|it| it.what == what).count()
}

fn client(service: &PrismaService, flag: &Arc<AtomicBool>) -> (Endpoint, Service) {
    let endpoint = Endpoint::parse(&service.endpoint()).expect("an endpoint");
    let access = Access::new(BTreeMap::new(), Interrupt::new(Arc::clone(flag)));
    let client = Service::new(&endpoint, None, &access).expect("a client");
    (endpoint, client)
}

/// The data model of a project.
fn model(place: &Place) -> DataModel {
    let text = fs::read_to_string(place.path("datamodel.prisma")).expect("read");
    DataModel::parse(&text, "datamodel.prisma").expect("a data model")
}

/// An import that is to stop once the flag is raised.
fn import(
    service: &PrismaService,
    place: &Place,
    data: &Path,
    flag: &Arc<AtomicBool>,
) -> Result<Imported, Error> {
    let (endpoint, client) = client(service, flag);
    let model = model(place);
    // What is read of the data set does not look whether it is to stop: only what is sent does.
    let mut set = DataSet::open(data, &Interrupt::default()).expect("a data set");
    let scratch = place.path("");
    let verdict = verify(&mut set, Some(&model), &scratch, &Silent).expect("read");
    let places = places(data, &verdict, &endpoint, None);
    let state = State::open(&places, &verdict, &endpoint).expect("a state");
    let manner = Manner {
        settle: Duration::ZERO,
        scratch: &scratch,
    };
    let watch = &Silent;
    let import = Import::new(&mut set, &verdict, &model, &client, state, manner, watch);
    import.expect("whole").run()
}

/// A service, and a data set of a request of nodes, one of lists and one of relations.
fn small() -> (PrismaService, Place, std::path::PathBuf) {
    let service = PrismaService::new();
    let place = Place::new(&service.endpoint());
    let nodes = [vec![post("p", "T"), comment("c")]];
    let data = place.write(
        "data",
        [&nodes, &[vec![tags("p", &["a"])]], &[vec![link("p", "c")]]],
    );
    (service, place, data)
}

#[test]
fn nothing_is_sent_after_ctrl_c_where_the_service_answers_at_once() {
    let (service, place, data) = small();
    let flag = Arc::new(AtomicBool::new(false));
    service.raises(&flag, "export", 1);
    let error = import(&service, &place, &data, &flag).expect_err("stopped");
    assert_eq!(error.kind(), Kind::Interrupted, "{error}");
    assert_eq!(seen(&service, "import"), 0);
}

#[test]
fn requests_that_were_not_sent_after_ctrl_c_are_not_in_doubt() {
    let (service, place, data) = small();
    let flag = Arc::new(AtomicBool::new(false));
    service.raises(&flag, "import", 1);
    let error = import(&service, &place, &data, &flag).expect_err("stopped");
    assert_eq!(error.kind(), Kind::HalfWay, "{error}");
    let told = error.to_string();
    assert!(
        told.contains("1 of 3 requests are in the service; "),
        "{told}"
    );
    assert_eq!(seen(&service, "import"), 1);
    let flag = Arc::default();
    let done = import(&service, &place, &data, &flag).expect("done");
    assert_eq!((done.requests, done.earlier, done.found), (2, 1, 0));
}

#[test]
fn reading_back_ends_at_ctrl_c_between_pages_that_come_at_once() {
    let service = PrismaService::new().with_pages(1);
    let place = Place::new(&service.endpoint());
    let nodes: Vec<Value> = (0..50).map(|at| post(&format!("p{at}"), "T")).collect();
    let data = place.write("data", [&[nodes], &[], &[]]);
    let flag = Arc::new(AtomicBool::new(false));
    service.fail_imports([Some(Fault::Cut(Kept::All))]);
    // The first one says who is there; the next ones read back.
    service.raises(&flag, "export", 3);
    let error = import(&service, &place, &data, &flag).expect_err("stopped");
    assert_eq!(error.kind(), Kind::HalfWay, "{error}");
    assert_eq!(seen(&service, "export"), 3);
}

#[test]
fn an_export_ends_at_ctrl_c_between_pages_that_come_at_once() {
    let service = PrismaService::new().with_pages(1);
    let place = Place::new(&service.endpoint());
    service.hold(|held| {
        let nodes = (0..50).map(|at| (format!("p{at}"), post(&format!("p{at}"), "T")));
        held.nodes.extend(nodes);
    });
    let flag = Arc::new(AtomicBool::new(false));
    let (endpoint, client) = client(&service, &flag);
    let mut pages = Pages::open(place.path("pages"), &endpoint, false, &Interrupt::default())
        .expect("a folder");
    service.raises(&flag, "export", 4);
    let error = fetch(&client, &mut pages, &Silent).expect_err("stopped");
    assert_eq!(error.kind(), Kind::Interrupted, "{error}");
    assert_eq!(seen(&service, "export"), 4);
}
