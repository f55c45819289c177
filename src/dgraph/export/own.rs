//! Exports of one's own servers: `/admin`, in the form that answers when the files are written, and in the one that gives
//! a task.

use super::asking::{Asking, Taken, texts};
use super::request::Request;
use super::waiting::wait;
use crate::dgraph::server::text;
use crate::dgraph::server::{Path, Server};
use crate::error::{Error, Result};
use serde_json::Value;

/// An export that a server has written.
pub(super) struct Written {
    /// The files, below the folder that it writes exports into, where it says so.
    pub files: Vec<String>,
    /// Whether it was told which namespaces, or needed not be.
    pub has_namespace: bool,
}

/// Starts an export and waits for it.
///
/// # Errors
/// The server refuses, fails or does not answer; or the user wants the run to stop.
pub(super) fn export(server: &Server, request: &Request) -> Result<Written> {
    let mut asking = Asking {
        verb: "mutation",
        name: "export",
        arguments: request.arguments(),
        is_wrapped: true,
        fields: vec![
            ("response", " { code message }"),
            ("exportedFiles", ""),
            ("taskId", ""),
        ],
    };
    let taken = asking.ask(server, Path::Admin, &mut |asking| {
        request.allows(asking)?;
        Ok(true)
    })?;
    let answer = match taken {
        Taken::Answer(answer) => answer,
        Taken::Refused(said) => return Err(server.refused("the export", &said)),
        Taken::Unknown => {
            let what = format!("{} knows no export", server.endpoint());
            return Err(Error::failed(what)
                .hint("servers from 20.07 on do; see that it is an alpha's HTTP port"));
        }
    };
    let response = answer.get("response").unwrap_or(&Value::Null);
    if text(response, "code").is_some_and(|it| !it.eq_ignore_ascii_case("success")) {
        let said = text(response, "message").unwrap_or_default();
        return Err(server.refused("the export", &[server.clean(said)]));
    }
    if let Some(id) = text(&answer, "taskId") {
        let mut task = Asking {
            verb: "query",
            name: "task",
            arguments: vec![("id", Value::from(id).to_string())],
            is_wrapped: true,
            fields: vec![("kind", ""), ("status", ""), ("lastUpdated", "")],
        };
        wait(server, Path::Admin, &mut task, &server.clean(id))?;
    }
    Ok(Written {
        files: texts(&answer, "exportedFiles"),
        has_namespace: request.namespace.is_none() || asking.has_argument("namespace"),
    })
}
