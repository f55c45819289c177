//! The requests of a server.

use super::exchange::{Answered, PATIENCE, Request};
use super::{Path, Server};
use crate::error::Result;
use crate::store::Headers;
use serde_json::json;
use std::time::Duration;

/// How long a change of the schema may take: what is there already is indexed anew, and servers answer once that is done.
/// Whoever asks again meanwhile is told to (`errIndexingInProgress`), so that a longer one goes on from run to run.
const ALTERING: Duration = Duration::from_secs(10 * 60);
/// How long a change of data may take, a thousand rows at the most.
const WRITING: Duration = Duration::from_secs(3 * 60);

impl Server {
    /// Asks in GraphQL, again where that fails.
    ///
    /// # Errors
    /// It does not answer, or does not know who asks; or the user wants the run to stop.
    pub fn query(&self, path: Path, query: &str) -> Result<Answered> {
        self.graphql(path, query, PATIENCE, true)
    }

    /// Has it do something, with GraphQL; it is asked again only where nothing can have come of it. The answer may take
    /// so long.
    ///
    /// # Errors
    /// As [`query`](Self::query). Where it may be at work all the same, the advice says so.
    pub fn mutate(&self, path: Path, query: &str, patience: Duration) -> Result<Answered> {
        self.graphql(path, query, patience, false)
    }

    fn graphql(
        &self,
        path: Path,
        query: &str,
        patience: Duration,
        again: bool,
    ) -> Result<Answered> {
        let body = json!({ "query": query }).to_string();
        self.send(&Request {
            url: &self.endpoint.at(path),
            headers: Headers::default(),
            body: body.as_bytes(),
            patience,
            again,
            has_rows: false,
        })
    }

    /// Asks in DQL, again where that fails. As JSON: the name of the other type of content differs between versions.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn dql(&self, query: &str) -> Result<Answered> {
        self.query(Path::Query, query)
    }

    /// Changes the schema: a text with a statement a line, or JSON that drops something. What is asked for twice is done
    /// once, so that it is asked again where an answer is lost.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn alter(&self, body: &str) -> Result<Answered> {
        self.write(Path::Alter, "application/rdf", body.as_bytes(), ALTERING)
    }

    /// Sets the GraphQL schema, again where that fails.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn set_graphql(&self, schema: &str) -> Result<Answered> {
        let kind = "application/graphql";
        self.write(Path::GraphQl, kind, schema.as_bytes(), ALTERING)
    }

    fn write(
        &self,
        path: Path,
        kind: &'static str,
        body: &[u8],
        patience: Duration,
    ) -> Result<Answered> {
        self.send(&Request {
            url: &self.endpoint.at(path),
            headers: Headers::default().plain("content-type", kind),
            body,
            patience,
            again: true,
            has_rows: false,
        })
    }

    /// Changes data in a transaction of its own: RDF in `{ set { .. } }` or `upsert { .. }`, as gzip. It must be one that may
    /// come twice: it is sent again where an answer is lost.
    ///
    /// # Errors
    /// As [`query`](Self::query).
    pub fn write_rows(&self, packed: &[u8]) -> Result<Answered> {
        let mut url = self.endpoint.at(Path::Mutate);
        url.set_query(Some("commitNow=true"));
        let headers = Headers::default().plain("content-type", "application/rdf");
        self.send(&Request {
            url: &url,
            headers: headers.plain("content-encoding", "gzip"),
            body: packed,
            patience: WRITING,
            again: true,
            has_rows: true,
        })
    }
}
