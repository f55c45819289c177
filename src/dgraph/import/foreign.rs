//! Whether somebody else has put something into a server since an earlier run began.
//!
//! Of that run no request is known to be taken, and some may have been: their answers were lost. Up to the greatest uid of the
//! set all uids were leased for it, so that what others make has greater ones, unless they choose theirs.

use super::numbering::Way;
use super::occupied::{BLOCKS, TYPED, ask, is_askable, list};
use super::source::Source;
use super::survey::Survey;
use super::target::Target;
use crate::dgraph::row::{Node, TYPE, is_system, number, shown};
use crate::dgraph::server::text;
use crate::error::{Error, Result};
use serde_json::Value;

/// How many nodes of a predicate are looked at, beside those with greater uids than the set has.
const NODES: usize = 1_000;

/// Sees that all that a namespace holds may be of the set, whose nodes keep their uids.
///
/// # Errors
/// Something is not; or it does not answer, or the user wants the run to stop.
pub(super) fn see(target: &Target, source: &Source<'_>, survey: &Survey, way: Way) -> Result<()> {
    let Way::Kept(first) = way else {
        // Nobody else has the uids that its nodes got.
        return Ok(());
    };
    let named = first..first + (survey.table.count - survey.table.uids);
    let is_own = |uid: u64| -> Result<bool> {
        Ok(named.contains(&uid) || survey.table.rank(&Node::Uid(uid))?.is_some())
    };
    let last = survey.greatest.max(named.end.saturating_sub(1));
    let server = &target.server;
    let what = "the question what it holds";
    let within = |error| target.within(error);
    let foreign = |name: &str| {
        let what = format!(
            "earlier runs sent nothing that is known of, and the server holds what is not of the set: nodes with `{}`",
            shown(name)
        );
        Err(target.within(Error::failed(what).hint(
            "somebody else has loaded something since: empty the server and run it with --restart; or run it with --new-uids, \
             which adds the nodes of the set beside those that are there, or with --merge, which lets rows go to nodes with \
             the same uid",
        )))
    };
    let schema = ask(server, "schema { type }", what).map_err(within)?;
    let names = list(&schema, "schema").iter();
    let names = names.filter_map(|it| text(it, "predicate"));
    let names: Vec<&str> = names
        .filter(|it| !is_system(it) && is_askable(it))
        .collect();
    for names in names.chunks(BLOCKS) {
        let mut blocks = String::new();
        for (at, name) in names.iter().enumerate() {
            blocks.push_str(&format!(
                "q{at}(func: has(<{name}>), first: {NODES}) {{ uid }}\n\
                 r{at}(func: has(<{name}>), first: 1, after: {last:#x}) {{ uid }}\n"
            ));
        }
        let found = ask(server, &format!("{{ {blocks} }}"), what).map_err(within)?;
        for (at, name) in names.iter().enumerate() {
            let nodes = list(&found, &format!("q{at}"));
            let beyond = list(&found, &format!("r{at}"));
            if !beyond.is_empty() || !nodes.is_empty() && !source.may_have(target.from, name) {
                return foreign(name);
            }
            for uid in nodes
                .iter()
                .filter_map(|it| text(it, "uid").and_then(number))
            {
                if !is_own(uid)? {
                    return foreign(name);
                }
            }
        }
    }
    let query = format!(
        "{{ t(func: has({TYPE}), first: {TYPED}) {{ uid {TYPE} }}\n\
         u(func: has({TYPE}), first: {TYPED}, after: {last:#x}) {{ uid {TYPE} }} }}"
    );
    let typed = ask(server, &query, what).map_err(within)?;
    for node in list(&typed, "t").iter().chain(list(&typed, "u")) {
        let types = node.get(TYPE).and_then(Value::as_array);
        let mut types = types.into_iter().flatten().filter_map(Value::as_str);
        let own = types.find(|it| !is_system(it));
        if let (Some(name), Some(uid)) = (own, text(node, "uid").and_then(number))
            && !is_own(uid)?
        {
            return foreign(name);
        }
    }
    Ok(())
}
