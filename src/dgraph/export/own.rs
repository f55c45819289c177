//! Exports of one's own servers: `/admin`, in the form that answers when the files are written, and in the one that gives
//! a task.

use super::asking::{Asking, Taken, text, texts};
use super::request::Request;
use super::waiting::wait;
use crate::dgraph::server::{Answered, Path, Server};
use crate::error::{Error, Result};
use serde_json::Value;
use std::collections::BTreeSet;

/// What a cluster says of itself.
#[derive(Debug, Clone, Default)]
pub struct Cluster {
    /// Its version, where it says so.
    pub version: Option<String>,
    /// Its groups, where it says so: each writes files of its own.
    pub groups: BTreeSet<u32>,
}

/// An export that a server has written.
pub(super) struct Written {
    /// The files, below the folder that it writes exports into, where it says so.
    pub files: Vec<String>,
    /// Whether it was told which namespaces, or needed not be.
    pub has_namespace: bool,
}

/// What a cluster says of itself. Where it does not say, that is no error.
///
/// # Errors
/// It does not know who asks, or does not answer; or the user wants the run to stop.
pub(super) fn cluster(server: &Server) -> Result<Cluster> {
    let mut cluster = Cluster::default();
    let data = match server.query(Path::Admin, "query { health { instance group version } }") {
        Ok(Answered::Data(data)) => data,
        Ok(_) => return Ok(cluster),
        // Guardians of a namespace may export it, and need not see the cluster.
        Err(error) if error.is_denied() && server.has_login() => return Ok(cluster),
        Err(error) => return Err(error),
    };
    let instances = data.get("health").and_then(Value::as_array);
    for instance in instances.into_iter().flatten() {
        if text(instance, "instance") != Some("alpha") {
            continue;
        }
        let group: Option<u32> = match instance.get("group") {
            Some(Value::String(text)) => text.parse().ok(),
            Some(number) => number.as_u64().and_then(|it| it.try_into().ok()),
            None => None,
        };
        cluster.groups.extend(group.filter(|it| *it > 0));
        if cluster.version.is_none() {
            cluster.version = text(instance, "version").map(|it| server.clean(it));
        }
    }
    Ok(cluster)
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
