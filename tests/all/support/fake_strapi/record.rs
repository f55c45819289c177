//! All that came to the modelled server, so that a test can say what was never to come.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex};

use serde_json::Value;

use super::names::name;

/// What came, in its order.
#[derive(Default)]
pub struct Record {
    seen: Mutex<Vec<Seen>>,
    changed: Condvar,
}

/// Something that came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which socket it came on, counted from 0 over all requests for one.
    pub socket: usize,
    /// What came.
    pub what: What,
}

/// What can come.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A request for a socket, its head.
    Upgrade(String),
    /// A frame. Long texts in it are cut.
    Message(Value),
    /// A ping.
    Ping,
    /// The socket was closed as the protocol wants it.
    Closed,
    /// The connection was cut.
    Cut,
}

/// No text in a record is longer than that.
const LONGEST: usize = 4096;

impl Record {
    pub(super) fn add(&self, socket: usize, what: What) {
        let what = match what {
            What::Message(message) => What::Message(cut(message)),
            other => other,
        };
        self.seen.lock().unwrap().push(Seen { socket, what });
        self.changed.notify_all();
    }

    /// All of it.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// Waits until a request of this name has come.
    pub fn wait_for(&self, request: &str) {
        let came = |seen: &[Seen]| {
            seen.iter().any(|seen| match &seen.what {
                What::Message(message) => name(message) == Some(request),
                _ => false,
            })
        };
        let _seen = self
            .changed
            .wait_while(self.seen.lock().unwrap(), |seen| !came(seen))
            .unwrap();
    }

    /// How many pings have come.
    pub fn pings(&self) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|seen| seen.what == What::Ping).count()
    }

    /// The names of the requests that came, socket by socket, without acknowledgements and the `stream` ones told apart.
    pub fn requests(&self) -> Vec<Vec<&'static str>> {
        let mut sockets: Vec<Vec<&'static str>> = Vec::new();
        for seen in self.seen() {
            sockets.resize(sockets.len().max(seen.socket + 1), Vec::new());
            if let What::Message(message) = &seen.what {
                sockets[seen.socket].extend(name(message));
            }
        }
        sockets
    }

    /// How many requests of this name came.
    pub fn count(&self, request: &str) -> usize {
        let all = self.requests();
        all.into_iter()
            .flatten()
            .filter(|name| *name == request)
            .count()
    }

    /// The frames with a request.
    pub fn messages(&self) -> Vec<Value> {
        let all = self.seen().into_iter();
        all.filter_map(|seen| match seen.what {
            What::Message(message) if message.get("type").is_some() => Some(message),
            _ => None,
        })
        .collect()
    }

    /// Fails when a request came twice, a transfer was ended that had not been closed, or something came that belongs to
    /// the administrators. What holds for every session.
    #[track_caller]
    pub fn is_clean(&self) {
        self.nothing_came_twice();
        self.nothing_ended_before_it_closed();
        self.nothing_of_administrators_came();
    }

    /// Fails when a request came twice.
    #[track_caller]
    pub fn nothing_came_twice(&self) {
        let mut known = BTreeSet::new();
        for message in self.messages() {
            let uuid = message["uuid"].as_str().expect("a request with a uuid");
            assert!(!uuid.is_empty());
            assert!(known.insert(uuid.to_owned()), "it came twice: {message}");
        }
    }

    /// Fails when a transfer was ended that had not been closed on the same socket.
    #[track_caller]
    pub fn nothing_ended_before_it_closed(&self) {
        for requests in self.requests() {
            let place = |name: &str| requests.iter().position(|request| *request == name);
            if let Some(end) = place("end") {
                let close = place("close");
                assert!(
                    close.is_some_and(|close| close < end),
                    "`end` without `close`: {requests:?}"
                );
            }
        }
    }

    /// Fails when a row or a link came that belongs to the administrators.
    #[track_caller]
    pub fn nothing_of_administrators_came(&self) {
        for message in self.messages() {
            if message["action"] != "stream" {
                continue;
            }
            for item in message["data"].as_array().into_iter().flatten() {
                for of in [&item["type"], &item["left"]["type"], &item["right"]["type"]] {
                    let of = of.as_str().unwrap_or_default();
                    assert!(!of.starts_with("admin::"), "it was pushed: {item}");
                }
            }
        }
    }
}

fn cut(value: Value) -> Value {
    match value {
        Value::String(text) if text.len() > LONGEST => format!("({} bytes)", text.len()).into(),
        Value::Array(list) => list.into_iter().map(cut).collect(),
        Value::Object(members) => {
            let members = members.into_iter();
            Value::Object(members.map(|(name, value)| (name, cut(value))).collect())
        }
        other => other,
    }
}
