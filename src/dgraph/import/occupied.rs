//! What a server holds already, and whether it still holds what earlier runs sent.

use super::marker::Marker;
use super::numbering::{Numbering, Way};
use super::state::State;
use super::survey::Sample;
use super::target::Target;
use crate::dgraph::row::{TYPE, is_system, number, shown};
use crate::dgraph::server::text;
use crate::dgraph::server::{Answered, Path, Server};
use crate::error::{Error, Result};
use serde_json::{Map, Value};

/// How many questions are asked at once.
pub(super) const BLOCKS: usize = 50;
/// How many nodes with types are looked at: those of access control are few.
pub(super) const TYPED: usize = 1_000;
/// How many rows are named that are gone.
const NAMED: usize = 20;

/// Asks in DQL.
pub(super) fn ask(server: &Server, query: &str, what: &str) -> Result<Map<String, Value>> {
    match server.dql(query)? {
        Answered::Data(data) => Ok(data),
        Answered::Errors(said) => Err(server.refused(what, &said)),
        Answered::Nothing => {
            let what = format!("{} has no {}", server.endpoint(), Path::Query.as_str());
            Err(Error::failed(what).hint(
                "give the URL of an alpha's HTTP port (8080), or of a backend of Dgraph Cloud",
            ))
        }
    }
}

/// The members of a list in an answer.
pub(super) fn list<'a>(data: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    let list = data.get(name).and_then(Value::as_array);
    list.map_or(&[], Vec::as_slice)
}

/// Whether a name can stand between `<` and `>` in a question.
pub(super) fn is_askable(name: &str) -> bool {
    !name.is_empty() && !name.contains(|it: char| it.is_control() || "<>\"\\ {}".contains(it))
}

/// What a namespace holds.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// The name of a predicate or a type that a node has that is not the server's own.
    pub name: Option<String>,
    /// The uids of the server's own nodes: users, groups and their rules.
    pub system: Vec<u64>,
}

/// What the namespace holds.
///
/// # Errors
/// It does not answer, or does not know who asks; or the user wants the run to stop.
pub(super) fn held(target: &Target) -> Result<Held> {
    let server = &target.server;
    let what = "the question what it holds";
    let within = |error| target.within(error);
    let schema = ask(server, "schema { type }", what).map_err(within)?;
    let names = list(&schema, "schema").iter();
    let names = names.filter_map(|it| text(it, "predicate"));
    let names: Vec<&str> = names
        .filter(|it| !is_system(it) && is_askable(it))
        .collect();
    for names in names.chunks(BLOCKS) {
        let blocks = names.iter().enumerate();
        let blocks: String = blocks
            .map(|(at, name)| format!("q{at}(func: has(<{name}>), first: 1) {{ uid }}\n"))
            .collect();
        let found = ask(server, &format!("{{ {blocks} }}"), what).map_err(within)?;
        let mut all = names.iter().enumerate();
        let one = all.find(|(at, _)| !list(&found, &format!("q{at}")).is_empty());
        if let Some((_, name)) = one {
            return Ok(Held {
                name: Some(shown(name).into_owned()),
                system: Vec::new(),
            });
        }
    }
    let query = format!("{{ t(func: has({TYPE}), first: {TYPED}) {{ uid {TYPE} }} }}");
    let typed = ask(server, &query, what).map_err(within)?;
    let mut held = Held::default();
    for node in list(&typed, "t") {
        let types = node.get(TYPE).and_then(Value::as_array);
        let types = types.into_iter().flatten().filter_map(Value::as_str);
        match types.into_iter().find(|it| !is_system(it)) {
            Some(own) => held.name = Some(shown(own).into_owned()),
            None => held.system.extend(text(node, "uid").and_then(number)),
        }
    }
    Ok(held)
}

/// Asks the server whether rows of requests that it took are still there. One that was emptied has the same address, and an
/// import that goes on there would leave out what it takes to be there.
///
/// # Errors
/// They are not; or it does not answer, or the user wants the run to stop.
pub(super) fn see(
    state: &State,
    numbering: &Numbering<'_>,
    marker: &Marker,
    targets: &[Target],
) -> Result<()> {
    let samples = &numbering.survey.samples;
    let mut missing = Vec::new();
    let mut looked = 0;
    // Nodes that the server made are known by their marker, which is in the first namespace alone.
    let asked = match numbering.way {
        Way::Made => 1,
        Way::Kept(_) | Way::Leased(_) => targets.len(),
    };
    for (at, target) in targets.iter().take(asked).enumerate() {
        let of = |it: &&Sample| {
            it.target == at && state.is_taken(it.request) && !state.is_refused(it.place)
        };
        let own: Vec<&Sample> = samples
            .iter()
            .filter(of)
            .filter(|it| is_askable(&it.predicate))
            .collect();
        looked += own.len();
        for samples in own.chunks(BLOCKS) {
            let mut blocks = String::new();
            for (at, sample) in samples.iter().enumerate() {
                let node = match numbering.way {
                    // The markers may be gone already: then any node has to do.
                    Way::Made if state.is_sent() => {
                        format!("has(<{}>), first: 1", sample.predicate)
                    }
                    Way::Made => marker.function(&sample.node),
                    Way::Kept(_) | Way::Leased(_) => {
                        format!("uid({:#x})", numbering.uid(&sample.node)?)
                    }
                };
                let predicate = &sample.predicate;
                blocks.push_str(&format!(
                    "q{at}(func: {node}) @filter(has(<{predicate}>)) {{ uid }}\n"
                ));
            }
            let what = "the question what is there of earlier runs";
            let found = ask(&target.server, &format!("{{ {blocks} }}"), what);
            let found = found.map_err(|it| target.within(it))?;
            for (at, sample) in samples.iter().enumerate() {
                if list(&found, &format!("q{at}")).is_empty() {
                    missing.push(format!("{} {}", sample.node, shown(&sample.predicate)));
                }
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let what = format!(
        "{} of {looked} rows that earlier runs sent, and that were looked for, are not in the server any more:",
        missing.len()
    );
    if missing.len() > NAMED {
        let more = missing.len() - NAMED;
        missing.truncate(NAMED);
        missing.push(format!("and {more} more"));
    }
    let place = state.path().display();
    Err(Error::failed(what).listing(missing).hint(format!(
        "if it was emptied since, begin anew with --restart; else see that it is the server that is meant: {place} says what \
         was sent"
    )))
}
