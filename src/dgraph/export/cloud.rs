//! Exports of Dgraph Cloud: `/admin/slash`, in the form that gives signed URLs at once, and in the later one that gives a
//! task.
//!
//! Cloud is gone, and its server was never open: this is made after its documents and its command line.

use super::asking::{Asking, Taken, texts};
use super::names::FileName;
use super::request::Request;
use super::waiting::wait;
use crate::dgraph::server::text;
use crate::dgraph::server::{Path, Server};
use crate::error::{Error, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use url::Url;

/// An export that is there to be fetched.
pub(super) struct Signed {
    /// Its files, and their URLs, which are secrets for as long as they hold.
    pub files: BTreeMap<FileName, Url>,
    /// What asks for the URLs once more, where there is a task.
    again: Option<(Asking, String)>,
    /// Whether the server was told in which format.
    pub has_format: bool,
    /// Whether it was told which namespaces, or needed not be.
    pub has_namespace: bool,
}

/// Starts an export and waits for it; `None` where nothing of the kind is there.
///
/// # Errors
/// The server refuses, fails or does not answer; or the user wants the run to stop.
pub(super) fn begin(server: &Server, request: &Request) -> Result<Option<Signed>> {
    let mut asking = Asking {
        verb: "mutation",
        name: "export",
        arguments: request.arguments(),
        is_wrapped: false,
        fields: vec![
            ("response", " { code message }"),
            ("signedUrls", ""),
            ("exportId", ""),
            ("taskId", ""),
        ],
    };
    let taken = asking.ask(server, Path::Slash, &mut |asking| {
        request.allows(asking)?;
        Ok(asking.has_field("signedUrls") || asking.has_field("exportId"))
    })?;
    let answer = match taken {
        Taken::Answer(answer) => answer,
        Taken::Refused(said) => return Err(server.refused("the export", &said)),
        Taken::Unknown => return Ok(None),
    };
    let signed = |urls: &[String], again| {
        Ok(Some(Signed {
            files: named(server, urls)?,
            again,
            has_format: asking.has_argument("format"),
            has_namespace: request.namespace.is_none() || asking.has_argument("namespace"),
        }))
    };
    let urls = texts(&answer, "signedUrls");
    if !urls.is_empty() {
        return signed(&urls, None);
    }
    let ids = ["exportId", "taskId"].into_iter();
    let ids: Vec<(&'static str, String)> = ids
        .filter_map(|name| Some((name, Value::from(text(&answer, name)?).to_string())))
        .collect();
    let Some((_, id)) = ids.last() else {
        let response = answer.get("response");
        let said = response
            .and_then(|it| text(it, "message"))
            .unwrap_or_default();
        let what = format!(
            "{} gives neither URLs nor a task: {}",
            server.endpoint(),
            server.clean(said)
        );
        return Err(Error::failed(what)
            .hint("run it again; if it stays so, see what the console of the server says"));
    };
    let id = server.clean(id.trim_matches('"'));
    let mut status = Asking {
        verb: "query",
        name: "exportStatus",
        arguments: ids,
        is_wrapped: false,
        fields: vec![
            ("kind", ""),
            ("lastUpdated", ""),
            ("signedUrls", ""),
            ("status", ""),
        ],
    };
    let answer = wait(server, Path::Slash, &mut status, &id)?;
    signed(&texts(&answer, "signedUrls"), Some((status, id)))
}

impl Signed {
    /// Asks once more for the URLs of the same export. Gives whether there are others now.
    ///
    /// # Errors
    /// The server fails or does not answer; or the user wants the run to stop.
    pub fn renew(&mut self, server: &Server) -> Result<bool> {
        let Some((asking, id)) = &mut self.again else {
            return Ok(false);
        };
        let answer = wait(server, Path::Slash, asking, id)?;
        let files = named(server, &texts(&answer, "signedUrls"))?;
        let is_same_set = files.keys().eq(self.files.keys());
        let is_renewed = is_same_set && files.iter().all(|(name, url)| self.files[name] != *url);
        if is_renewed {
            self.files = files;
        }
        Ok(is_renewed)
    }
}

/// URLs by the names of the files that they lead to.
fn named(server: &Server, urls: &[String]) -> Result<BTreeMap<FileName, Url>> {
    let fail = |what: String| {
        Error::failed(format!("{}: {what}", server.endpoint()))
            .hint("nothing was fetched; see what the console of the server offers")
    };
    let mut files = BTreeMap::new();
    for text in urls {
        let url = Url::parse(text).ok();
        let url = url.filter(|it| matches!(it.scheme(), "http" | "https") && it.has_host());
        let url = url.ok_or_else(|| fail("what should be a signed URL is none".into()))?;
        if url.scheme() == "http" && !server.endpoint().is_plain() {
            return Err(fail("a signed URL is not encrypted (http://)".into()));
        }
        let path = url.path().to_owned();
        let last = server.clean(path.rsplit('/').next().unwrap_or_default());
        let name = FileName::parse(&last).ok_or_else(|| {
            fail(format!(
                "a signed URL leads to {last}, which is no file of a set"
            ))
        })?;
        if files.insert(name, url).is_some() {
            return Err(fail(format!(
                "two signed URLs lead to a file called {name}"
            )));
        }
    }
    match files.is_empty() {
        true => Err(fail("the export is done, and has no files".into())),
        false => Ok(files),
    }
}
