//! One change of data or schema, again where a server asks for that, with an end to it.

use crate::dgraph::server::{Answered, Path, Server, phrases, without_values};
use crate::error::{Error, Result};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Map, Value};
use std::io::Write as _;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

/// How often a change is tried that the server asks for again, and how long it is waited after the first time; then twice
/// as long each time, up to the longest.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// The same for what concerns the GraphQL schema: a server that has just been started is not ready for some seconds more.
const GRAPHQL_TRIES: u32 = 20;
/// After so many tries a change goes while no other does: of transactions that are in each other's way one is taken.
const TOGETHER: u32 = 3;
/// How many tries one counts for whose uids are not leased: the server waits three seconds itself before it says so
/// (`verifyUid`, as its source has it).
const UNLEASED: u32 = 3;
/// What servers say where the same may be taken later, in small letters, as their source has it.
const PASSING: [&str; 15] = [
    "transaction has been aborted",
    "predicate move",
    "transaction is too old",
    "please retry",
    "retry again",
    "not ready to accept",
    "server not ready",
    "should retry",
    "errindexinginprogress",
    "is already running",
    "server overloaded",
    "draining mode",
    "deadline exceeded",
    "no connection exists",
    "code = unavailable",
];

/// What a server makes of a change.
pub(super) enum Outcome {
    /// It was taken, with this answer.
    Taken(Map<String, Value>),
    /// It was not, and will not be; in its words.
    Refused(String),
}

/// Sends changes, from several threads at once.
#[derive(Default)]
pub(super) struct Writer {
    alone: RwLock<()>,
}

impl Writer {
    /// Changes data: a transaction that may come twice.
    ///
    /// # Errors
    /// The server does not answer, or asks for it again without an end; or the user wants the run to stop.
    pub fn rows(&self, server: &Server, text: &[u8]) -> Result<Outcome> {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        let packed = packed.write_all(text).and_then(|()| packed.finish());
        let packed = packed.map_err(|error| Error::failed(format!("gzip: {error}")))?;
        persist(server, "transaction", &mut |tries| {
            let alone = &self.alone;
            if tries > TOGETHER {
                let _guard = alone.write().unwrap_or_else(PoisonError::into_inner);
                return server.write_rows(&packed);
            }
            let _guard = alone.read().unwrap_or_else(PoisonError::into_inner);
            server.write_rows(&packed)
        })
    }
}

/// Changes a schema.
///
/// # Errors
/// As [`Writer::rows`] says it.
pub(super) fn alter(server: &Server, body: &str) -> Result<Outcome> {
    persist(server, "change of the schema", &mut |_| server.alter(body))
}

/// Sets a GraphQL schema.
///
/// # Errors
/// As [`Writer::rows`] says it.
pub(super) fn set_graphql(server: &Server, schema: &str) -> Result<Outcome> {
    let what = "GraphQL schema";
    let outcome = until(server, what, GRAPHQL_TRIES, &mut |_| {
        server.set_graphql(schema)
    });
    changed(server, what, outcome?)
}

/// Asks in GraphQL, where administrators do; `None` where the server has no such place.
///
/// # Errors
/// As [`Writer::rows`] says it.
pub(super) fn ask_admin(server: &Server, query: &str) -> Result<Option<Outcome>> {
    until(server, "question", GRAPHQL_TRIES, &mut |_| {
        server.query(Path::Admin, query)
    })
}

fn persist(
    server: &Server,
    what: &str,
    ask: &mut dyn FnMut(u32) -> Result<Answered>,
) -> Result<Outcome> {
    changed(server, what, until(server, what, TRIES, ask)?)
}

/// Sees that a server says that it has changed something: what else has answered took nothing.
fn changed(server: &Server, what: &str, outcome: Option<Outcome>) -> Result<Outcome> {
    match outcome {
        Some(Outcome::Taken(data)) if data.get("code").is_none_or(|it| it != "Success") => {
            let what = format!(
                "{} answers a {what} without saying that it took it",
                server.endpoint()
            );
            Err(Error::failed(what)
                .hint("see what stands between here and the server, and what its log says"))
        }
        Some(outcome) => Ok(outcome),
        None => Err(nowhere(server, what)),
    }
}

fn nowhere(server: &Server, what: &str) -> Error {
    let what = format!("{} takes no {what}: nothing is there", server.endpoint());
    Error::failed(what)
        .hint("give the URL of an alpha's HTTP port (8080), or of a backend of Dgraph Cloud")
}

/// Asks until there is an answer that stays, so often at the most; `None` where nothing is there to answer.
fn until(
    server: &Server,
    what: &str,
    most: u32,
    ask: &mut dyn FnMut(u32) -> Result<Answered>,
) -> Result<Option<Outcome>> {
    let (mut pause, mut tries) = (PAUSE, 1);
    loop {
        let said = match ask(tries)? {
            Answered::Data(data) => return Ok(Some(Outcome::Taken(data))),
            Answered::Errors(said) => said,
            Answered::Nothing => return Ok(None),
        };
        let Some(weight) = said.iter().find_map(|it| passing(it)) else {
            return Ok(Some(Outcome::Refused(said.join("; "))));
        };
        if tries + weight > most {
            let what = format!(
                "{} did not take a {what}, however often it was sent: {}",
                server.endpoint(),
                said.iter()
                    .map(|it| told(it))
                    .collect::<Vec<_>>()
                    .join("; ")
            );
            return Err(Error::failed(what).hint(match weight {
                UNLEASED => "--zero names who leases uids, and --new-uids gives the nodes others",
                _ => "see who else writes to the server, and what its log says",
            }));
        }
        tries += weight;
        server.pause(pause)?;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// For how many tries a refusal counts that is none for ever.
fn passing(said: &str) -> Option<u32> {
    if is_unleased(said) {
        return Some(UNLEASED);
    }
    let text = without_values(said);
    PASSING.iter().any(|it| text.contains(it)).then_some(1)
}

/// Whether it is said that the lease does not reach as far as a uid: `Uid: [5] cannot be greater than lease: [0]`.
fn is_unleased(said: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let numbers = said.split_once("Uid: [").and_then(|(front, rest)| {
        let (uid, rest) = rest.split_once("] cannot be greater than lease: [")?;
        let (lease, _) = rest.split_once(']')?;
        (!front.contains(['[', '"'])).then_some((uid, lease))
    });
    numbers.is_some_and(|(uid, lease)| number(uid) && number(lease))
}

/// What can be told of what is said of a change: rows may be in it.
fn told(said: &str) -> String {
    match is_unleased(said) {
        true => "a uid cannot be greater than the lease".to_owned(),
        false => phrases(said, &PASSING).join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_servers_want_again_is_told_from_what_they_refuse() {
        for (said, weight) in [
            ("Transaction has been aborted. Please retry", Some(1)),
            (
                "Commits on predicate name are blocked due to predicate move",
                Some(1),
            ),
            ("Unavailable: Server not ready.", Some(1)),
            (
                "resolving updateGQLSchema failed because succeeded in saving GraphQL schema but failed to alter Dgraph \
                 schema (you should retry)",
                Some(1),
            ),
            ("Uid: [5] cannot be greater than lease: [0]", Some(UNLEASED)),
            (
                "strconv.ParseInt: parsing \"please retry\": invalid syntax",
                None,
            ),
            (
                "could not insert duplicate value [please retry later] for predicate [p]",
                None,
            ),
            (
                "could not insert duplicate value [Uid: [5] cannot be greater than lease: [0]] for predicate [p]",
                None,
            ),
            (
                "Cannot mutate graphql reserved predicate dgraph.graphql.schema",
                None,
            ),
        ] {
            assert_eq!(passing(said), weight, "{said}");
        }
    }
}
