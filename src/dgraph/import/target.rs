//! Which namespaces go where.
//!
//! Over HTTP a request goes into the namespace of its login (`x.AttachAccessJwt` of the handlers, as its source has it), and
//! without access control into that with the number 0. So there is a login for each namespace.

use super::source::Source;
use crate::dgraph::export::Namespace;
use crate::dgraph::row::GALAXY;
use crate::dgraph::server::Server;
use crate::error::{Error, Result};

/// A namespace of the set, and what takes it.
pub struct Target {
    /// Its number in the set.
    pub from: u64,
    /// Its number in the server.
    pub into: u64,
    pub(super) server: Server,
}

impl Target {
    /// Says of an error which namespace it is about, where there may be several.
    pub(super) fn within(&self, error: Error) -> Error {
        match self.into {
            GALAXY => error,
            number => error.within(format!("namespace {number:#x}")).also(
                "a namespace cannot be made with a number of one's choice: --into-namespace moves rows to one that is there",
            ),
        }
    }
}

/// The namespaces that are sent, `wanted` of those of the set, and what takes them. One of them may go `into` another.
///
/// # Errors
/// Kind [`Usage`](crate::error::Kind::Usage): there is no such namespace, or the server has no way into it.
pub fn targets(
    source: &Source<'_>,
    server: &Server,
    wanted: Option<Namespace>,
    into: Option<u64>,
) -> Result<Vec<Target>> {
    let there = source.namespaces();
    let listed = || {
        let listed: Vec<String> = there.iter().map(u64::to_string).collect();
        listed.join(", ")
    };
    let chosen: Vec<u64> = match wanted {
        Some(Namespace::One(number)) if !there.contains(&number) => {
            let what = format!("the set has no namespace {number}; it has {}", listed());
            return Err(Error::usage(what).hint("choose one of these with --namespace, or all"));
        }
        Some(Namespace::One(number)) => vec![number],
        Some(Namespace::All) | None if there.is_empty() => vec![GALAXY],
        Some(Namespace::All) | None => there.iter().copied().collect(),
    };
    let [one] = chosen.as_slice() else {
        if into.is_some() {
            let what = format!("several namespaces cannot go into one: {}", listed());
            return Err(Error::usage(what).hint("choose one with --namespace"));
        }
        if !server.has_login() {
            let what = format!(
                "the set has several namespaces ({}), and without a login everything goes into one",
                listed()
            );
            return Err(Error::usage(what).hint(
                "where access control is on, give --user; else load one of them, with --namespace N --into-namespace 0",
            ));
        }
        let target = |from: u64| Target {
            from,
            into: from,
            server: server.of_namespace((from != GALAXY).then_some(from)),
        };
        return Ok(chosen.iter().copied().map(target).collect());
    };
    let (from, to) = (*one, into.unwrap_or(*one));
    Ok(vec![Target {
        from,
        into: to,
        server: leads_into(server, to)?,
    }])
}

/// The server for whoever sends rows into this namespace of it.
///
/// # Errors
/// Kind [`Usage`](crate::error::Kind::Usage): whoever asks has no way into it.
pub fn leads_into(server: &Server, to: u64) -> Result<Server> {
    let wrong = |what: String, option: u64| {
        let hint = format!("say so with --into-namespace {option}");
        Err(Error::usage(what).hint(hint))
    };
    Ok(if server.has_access_token() {
        // It says itself of which namespace it is.
        server.of_namespace(None)
    } else if server.has_login() {
        match server.login_namespace() {
            Some(login) if login != to => {
                let what = format!(
                    "the rows are of namespace {to}, and with a login to {login} they go into that"
                );
                return wrong(what, login);
            }
            Some(login) => server.of_namespace(Some(login)),
            None => server.of_namespace((to != GALAXY).then_some(to)),
        }
    } else if to == GALAXY {
        server.of_namespace(None)
    } else {
        let what = format!(
            "the rows are of namespace {to}, and without a login (--user) they go into namespace 0"
        );
        return wrong(what, GALAXY);
    })
}
