//! What happens to requests on their way, and to whoever sends them.

use super::http::{Request, Response};
use super::{State, changes};
use std::collections::VecDeque;

/// Whether a transaction is committed before its request fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Nothing,
    All,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// The transaction is in conflict with another.
    Abort,
    /// It is answered with this status, as proxies do it.
    Status(u16, Kept),
    /// The connection ends without an answer.
    Cut(Kept),
    /// The connection ends before the request is read.
    CutRequest,
    /// As [`Cut`](Blow::Cut), and the request comes to the server once so many others have come.
    Late(u32),
    /// It is answered when the test says so.
    HeldBack,
    /// Whoever asks is killed; the answer reaches nobody.
    Kill(Kept),
    /// Whoever asks is sent SIGINT, and gets no answer.
    Interrupt(Kept),
    /// The same, and SIGTERM at once behind it.
    InterruptTwice(Kept),
}

impl Blow {
    /// Whether the request is answered as if nothing were wrong, whatever becomes of the answer.
    pub fn is_done(self) -> bool {
        match self {
            Blow::Abort | Blow::CutRequest | Blow::Late(_) => false,
            Blow::HeldBack => true,
            Blow::Status(_, kept)
            | Blow::Cut(kept)
            | Blow::Kill(kept)
            | Blow::Interrupt(kept)
            | Blow::InterruptTwice(kept) => kept == Kept::All,
        }
    }
}

/// What is to happen.
#[derive(Default)]
pub struct Blows {
    /// What happens to the next mutations: the first of these to the first. `None` is nothing.
    pub mutations: VecDeque<Option<Blow>>,
    /// What happens to each mutation of such a number: every third, every tenth.
    pub every: Option<(u32, Blow)>,
    /// What happens to one request, whatever it asks for, behind so many others.
    pub any: Option<(u32, Blow)>,
    /// Mutations so far.
    mutated: u32,
    /// Requests that have not come yet, in which namespace, and for how many others they wait.
    late: Vec<(u32, Request, u64)>,
}

impl Blows {
    /// What happens to this request.
    pub fn next(&mut self, request: &Request) -> Option<Blow> {
        if let Some((left, blow)) = &mut self.any {
            let blow = *blow;
            match left.checked_sub(1) {
                Some(fewer) => *left = fewer,
                None => {
                    self.any = None;
                    return Some(blow);
                }
            }
        }
        if !request.path.starts_with("/mutate") {
            return None;
        }
        self.mutated += 1;
        let every = self.every.filter(|it| self.mutated.is_multiple_of(it.0));
        self.mutations
            .pop_front()
            .flatten()
            .or(every.map(|it| it.1))
    }

    /// Keeps a request back until so many others have come.
    pub fn delay(&mut self, requests: u32, request: Request, namespace: u64) {
        self.late.push((requests, request, namespace));
    }
}

/// Lets requests come whose time it is.
pub fn arrive(state: &mut State) {
    let late = std::mem::take(&mut state.blows.late);
    for (left, request, namespace) in late {
        match left.checked_sub(1) {
            Some(fewer) => state.blows.late.push((fewer, request, namespace)),
            None => drop(changes::mutate(state, &request, namespace)),
        }
    }
}

/// What servers say of a transaction that is in conflict with another.
pub fn aborted() -> Response {
    changes::invalid("Transaction has been aborted. Please retry")
}
