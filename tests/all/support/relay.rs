//! A TCP proxy on loopback: passes on what comes, looks at it, and does what a network does now and then.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// Which way bytes go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// From whoever asks.
    Request,
    /// Back to them.
    Answer,
}

/// What happens to bytes that come.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// They go on.
    Pass,
    /// The connection is cut, and they are lost.
    Cut,
    /// They are lost, and so is all that comes after them, on all connections; none of these is cut.
    Hold,
    /// They are lost, and so is all that comes after them this way on the same connection, which is not cut.
    Mute,
}

/// Decides on bytes that come.
type Judge = Box<dyn FnMut(Way, &[u8]) -> Verdict + Send>;

/// The proxy.
pub struct Relay {
    pub port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

struct State {
    judge: Judge,
    heads: String,
    holds: bool,
}

impl Relay {
    /// One in front of a port, which asks `judge` about all that comes.
    pub fn new(behind: u16, judge: impl FnMut(Way, &[u8]) -> Verdict + Send + 'static) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new((
            Mutex::new(State {
                judge: Box::new(judge),
                heads: String::new(),
                holds: false,
            }),
            Condvar::new(),
        ));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                let client = client.unwrap();
                let Ok(server) = TcpStream::connect(("127.0.0.1", behind)) else {
                    continue;
                };
                let ends = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let (one, other) = (Arc::clone(&shared), Arc::clone(&shared));
                thread::spawn(move || pass_on(ends.0, ends.1, Way::Request, &one));
                thread::spawn(move || pass_on(server, client, Way::Answer, &other));
            }
        });
        Relay { port, state }
    }

    /// Waits until bytes are held.
    pub fn wait(&self) {
        let (state, changed) = &*self.state;
        let _held = changed
            .wait_while(state.lock().unwrap(), |state| !state.holds)
            .unwrap();
    }

    /// The heads of the requests that came, in small letters.
    pub fn heads(&self) -> String {
        self.state.0.lock().unwrap().heads.clone()
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, way: Way, shared: &(Mutex<State>, Condvar)) {
    let mut buffer = [0; 1 << 16];
    let mut is_mute = false;
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..length];
        let verdict = {
            let mut state = shared.0.lock().unwrap();
            if way == Way::Request
                && let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n")
            {
                let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
                state.heads.push_str(&head);
                state.heads.push('\n');
            }
            let verdict = match state.holds {
                true => Verdict::Hold,
                false if is_mute => Verdict::Mute,
                false => (state.judge)(way, bytes),
            };
            is_mute = verdict == Verdict::Mute;
            if verdict == Verdict::Hold {
                state.holds = true;
                shared.1.notify_all();
            }
            verdict
        };
        match verdict {
            Verdict::Pass if to.write_all(bytes).is_ok() => {}
            Verdict::Hold | Verdict::Mute => {}
            Verdict::Pass | Verdict::Cut => break,
        }
    }
    for end in [from, to] {
        let _ = end.shutdown(Shutdown::Both);
    }
}

/// Passes on so many bytes that go this way, over all connections, and then does this, once.
pub fn after(bytes: usize, on: Way, then: Verdict) -> impl FnMut(Way, &[u8]) -> Verdict + Send {
    let mut passed = 0;
    let mut done = false;
    move |way, piece| {
        if way == on {
            passed += piece.len();
        }
        if done || passed <= bytes {
            return Verdict::Pass;
        }
        done = true;
        then
    }
}

/// Does this when an answer has held this text so many times, and once; afterwards, and on all connections, `rest`.
pub fn at_text(
    text: &str,
    times: usize,
    then: Verdict,
    rest: Verdict,
) -> impl FnMut(Way, &[u8]) -> Verdict + Send + use<> {
    let text = text.as_bytes().to_vec();
    let mut tail: Vec<u8> = Vec::new();
    let mut left = times;
    move |way, piece| {
        if left == 0 {
            return rest;
        }
        if way == Way::Answer {
            tail.extend(piece);
            let found = tail.windows(text.len()).position(|it| it == text);
            // A text may come in two pieces.
            let kept = found.map_or(tail.len().saturating_sub(text.len()), |at| at + text.len());
            tail.drain(..kept);
            left -= usize::from(found.is_some());
        }
        match left {
            0 => then,
            _ => Verdict::Pass,
        }
    }
}
