//! The GraphQL schema of a namespace, which goes behind the rows: set where the server says that it has none.

use super::shown_long;
use super::target::Target;
use super::writing::{Outcome, ask_admin, set_graphql};
use crate::dgraph::server::Path;
use crate::error::{Error, Result};
use serde_json::Value;

/// Sets the GraphQL schema of a namespace; gives why not, where the server does not take it. One that is there and is
/// another stays, and so does one that may be there.
///
/// # Errors
/// As [`there`] says it.
pub(super) fn set(target: &Target, schema: Option<&str>) -> Result<Option<Error>> {
    let Some(schema) = schema else {
        return Ok(None);
    };
    let refused = |what: String, hint: &str| {
        let error = Error::failed(what).hint(hint);
        Ok(Some(target.within(error)))
    };
    match there(target)? {
        // It is set again: a server may have kept it, and failed at what that makes of its own schema.
        GraphQl::Schema(there) if there.trim() == schema.trim() => {}
        GraphQl::Schema(_) => {
            return refused(
                "the server has a GraphQL schema, and keeps it: that of the set is another".into(),
                "put both together, and give the result to /admin/schema of the server",
            );
        }
        GraphQl::Unknown(why) => {
            return refused(
                format!(
                    "the server does not say whether it has a GraphQL schema, and keeps what it has: {}",
                    shown_long(&why)
                ),
                "run it again, which tries this again; or give the schema to /admin/schema of the server. All else is there",
            );
        }
        GraphQl::Nothing => {}
    }
    let outcome = set_graphql(&target.server, schema);
    match outcome.map_err(|it| target.within(it))? {
        Outcome::Taken(_) => Ok(None),
        Outcome::Refused(said) => refused(
            format!(
                "the server refuses the GraphQL schema: {}",
                shown_long(&said)
            ),
            "change it for this version, and give it to /admin/schema of the server; all else is there",
        ),
    }
}

/// What the server says of its GraphQL schema.
enum GraphQl {
    /// It has none.
    Nothing,
    /// It has this one.
    Schema(String),
    /// It does not say, and why.
    Unknown(String),
}

/// The GraphQL schema that is there. Only a server that says so has none.
///
/// # Errors
/// It does not answer, or does not know who asks, or is not ready for long; or the user wants the run to stop.
fn there(target: &Target) -> Result<GraphQl> {
    let query = "query { getGQLSchema { schema } }";
    let asked = ask_admin(&target.server, query).map_err(|it| target.within(it))?;
    Ok(match asked {
        Some(Outcome::Taken(data)) => match data.get("getGQLSchema") {
            Some(Value::Null) => GraphQl::Nothing,
            Some(there) => match there.get("schema") {
                Some(Value::String(schema)) if !schema.trim().is_empty() => {
                    GraphQl::Schema(schema.clone())
                }
                // It was dropped.
                Some(Value::String(_) | Value::Null) => GraphQl::Nothing,
                _ => GraphQl::Unknown("the answer has no schema".into()),
            },
            None => GraphQl::Unknown("the answer has no schema".into()),
        },
        Some(Outcome::Refused(said)) => GraphQl::Unknown(said),
        None => GraphQl::Unknown(format!("nothing is at {}", Path::Admin.as_str())),
    })
}
