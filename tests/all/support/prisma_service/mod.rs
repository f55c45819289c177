//! A service of Prisma 1 as far as its two requests go: it keeps what is uploaded, and gives it back page by page. It
//! fails on request, as servers and networks do.

pub mod data;
pub mod generated;
mod held;
mod http;
pub mod judge;
pub mod runs;

pub use held::Held;

use generated::Generated;
use http::Request;
use rustix::process::Signal;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::io::Read as _;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// The path of the service.
pub const PATH: &str = "/svc/dev";
/// How many characters a page has.
pub const PAGE: usize = 1_000_000;

/// How much of a request is kept before it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    Nothing,
    Half,
    All,
}

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is answered with this status.
    Status(u16, Kept),
    /// The connection ends without an answer.
    Cut(Kept),
    /// The connection ends without an answer, and the server stays at work: all of it is there once exports were answered
    /// so often since.
    Late(u32),
    /// It is answered with 200 and errors.
    Errors(Kept),
    /// It is answered with this status and this text, in which `TOKEN` stands for the token of whoever asks.
    Repeats(u16, &'static str),
    /// Whoever asks is killed; the answer reaches nobody.
    Kill(Kept),
    /// Whoever asks is sent SIGINT, and waits for an answer that does not come.
    Interrupt(Kept),
    /// The same, and SIGTERM at once behind it.
    InterruptTwice(Kept),
}

impl Fault {
    fn kept(self) -> Kept {
        match self {
            Self::Status(_, kept)
            | Self::Cut(kept)
            | Self::Errors(kept)
            | Self::Kill(kept)
            | Self::Interrupt(kept)
            | Self::InterruptTwice(kept) => kept,
            Self::Late(_) | Self::Repeats(..) => Kept::Nothing,
        }
    }
}

/// A request that was answered, or not.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The last part of its path: `import`, `export`, ...
    pub what: String,
    pub body: String,
    pub token: Option<String>,
}

/// What is done to what a service holds.
type Change = Box<dyn FnOnce(&mut Held) + Send>;

#[derive(Default)]
struct State {
    held: Held,
    seen: Vec<Seen>,
    /// What happens to the imports and exports that come: the first of these to the first. `None` is nothing.
    imports: VecDeque<Option<Fault>>,
    exports: VecDeque<Option<Fault>>,
    /// What the server is still at work on, and for how many exports.
    late: Option<(u32, Value)>,
    /// Nodes of which one comes with each export that follows a lost import.
    growing: VecDeque<Value>,
    /// What somebody else does just before the next import.
    intruder: Option<Change>,
    /// What is raised before so many more requests of this kind are answered.
    alarm: Option<(&'static str, u32, Arc<AtomicBool>)>,
    /// How many exports are answered before the cursors lead round in a circle.
    circle: Option<u32>,
    /// Whether they lead further and further then, and never to an end.
    is_endless: bool,
    /// The answer to all requests, whatever they are.
    turned_away: Option<(u16, &'static str)>,
    secret: Option<String>,
    page: usize,
    generated: Option<Generated>,
    /// The process that is killed on request.
    victim: Option<u32>,
}

/// A running service.
pub struct PrismaService {
    port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

fn lock(state: &(Mutex<State>, Condvar)) -> MutexGuard<'_, State> {
    state.0.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PrismaService {
    /// One with nothing in it, for everybody.
    pub fn new() -> PrismaService {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let state = State {
            page: PAGE,
            ..State::default()
        };
        let state = Arc::new((Mutex::new(state), Condvar::new()));
        let own = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let state = Arc::clone(&own);
                thread::spawn(move || serve(&client, &state));
            }
        });
        PrismaService { port, state }
    }

    /// The same, which knows who asks by a token made from this.
    pub fn with_secret(self, secret: &str) -> PrismaService {
        lock(&self.state).secret = Some(secret.to_owned());
        self
    }

    /// The same, with pages of so many characters.
    pub fn with_pages(self, characters: usize) -> PrismaService {
        lock(&self.state).page = characters;
        self
    }

    /// The same, which makes what it gives.
    pub fn generated(self, generated: Generated) -> PrismaService {
        lock(&self.state).generated = Some(generated);
        self
    }

    /// What came to such a service.
    pub fn came(&self) -> Option<Generated> {
        lock(&self.state).generated.clone()
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}{PATH}", self.port)
    }

    /// What happens to the next imports.
    pub fn fail_imports(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        lock(&self.state).imports = faults.into_iter().collect();
    }

    /// What happens to the next exports.
    pub fn fail_exports(&self, faults: impl IntoIterator<Item = Option<Fault>>) {
        lock(&self.state).exports = faults.into_iter().collect();
    }

    /// One of these nodes is there more each time that the service is read, once an import was lost.
    pub fn grow(&self, nodes: impl IntoIterator<Item = Value>) {
        lock(&self.state).growing = nodes.into_iter().collect();
    }

    /// Somebody else does this just before the next import.
    pub fn intrudes(&self, change: impl FnOnce(&mut Held) + Send + 'static) {
        lock(&self.state).intruder = Some(Box::new(change));
    }

    /// Raises this before the import or export of this number is answered, from 1.
    pub fn raises(&self, flag: &Arc<AtomicBool>, what: &'static str, number: u32) {
        lock(&self.state).alarm = Some((what, number, Arc::clone(flag)));
    }

    /// After so many exports the cursors lead from the first row to the second and back.
    pub fn circle(&self, after: u32) {
        lock(&self.state).circle = Some(after);
    }

    /// After so many exports there are pages without elements, one behind the other, and no last one.
    pub fn endless(&self, after: u32) {
        let mut state = lock(&self.state);
        state.circle = Some(after);
        state.is_endless = true;
    }

    /// Whatever comes is answered with this.
    pub fn turn_away(&self, status: u16, body: &'static str) {
        lock(&self.state).turned_away = Some((status, body));
    }

    /// This process is killed where a fault says so.
    pub fn kills(&self, process: u32) {
        lock(&self.state).victim = Some(process);
        self.state.1.notify_all();
    }

    /// What it holds.
    pub fn held(&self) -> Held {
        lock(&self.state).held.clone()
    }

    /// Has it hold this.
    pub fn hold(&self, change: impl FnOnce(&mut Held)) {
        change(&mut lock(&self.state).held);
    }

    /// The requests so far; they are forgotten.
    pub fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut lock(&self.state).seen)
    }
}

/// What comes of a request.
enum Answer {
    Text(u16, String),
    /// The connection ends.
    Cut,
    /// There is none, until whoever asks does not wait any more.
    Never,
}

fn serve(client: &TcpStream, state: &(Mutex<State>, Condvar)) {
    let Ok(mut reader) = client.try_clone().map(std::io::BufReader::new) else {
        return;
    };
    while let Some(request) = Request::read(&mut reader) {
        match answer(&request, state) {
            Answer::Text(status, body) => {
                if http::write(client, status, &body).is_err() {
                    return;
                }
            }
            Answer::Cut => {
                let _ = client.shutdown(std::net::Shutdown::Both);
                return;
            }
            Answer::Never => {
                let _ = reader.read_to_end(&mut Vec::new());
                return;
            }
        }
    }
}

/// A page without elements, whose cursor leads to the first row or the second, whichever it does not come from; or to the
/// next row.
fn round(body: &Value, is_endless: bool) -> String {
    let row = match body["cursor"]["row"].as_u64().unwrap_or_default() {
        row if is_endless => row + 1,
        1 => 2,
        _ => 1,
    };
    let cursor = json!({"table": 0, "row": row, "field": 0, "array": 0});
    json!({"out": {"jsonElements": [], "size": 0}, "cursor": cursor, "isFull": false}).to_string()
}

fn answer(request: &Request, state: &(Mutex<State>, Condvar)) -> Answer {
    let what = request
        .path
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned();
    let mut own = lock(state);
    if what == "management" {
        let info = json!({"data": {"serverInfo": {"version": "1.34.12", "commit": "", "primaryConnector": "postgres"}}});
        return Answer::Text(200, info.to_string());
    }
    if request.path != format!("{PATH}/{what}") {
        return Answer::Text(404, String::new());
    }
    if own.generated.is_none() {
        own.seen.push(Seen {
            what: what.clone(),
            body: request.body.clone(),
            token: request.token.clone(),
        });
    }
    if let Some((status, body)) = own.turned_away {
        return Answer::Text(status, body.to_owned());
    }
    if let Some(secret) = own.secret.clone()
        && !request
            .token
            .as_ref()
            .is_some_and(|token| http::is_signed(token, &secret))
    {
        let error = json!({"errors": [{"message": "Your token is invalid. It might have expired or you might be using a token from a different project."}]});
        return Answer::Text(200, error.to_string());
    }
    if let Some((_, left, flag)) = own.alarm.as_mut().filter(|alarm| alarm.0 == what) {
        *left = left.saturating_sub(1);
        if *left == 0 {
            flag.store(true, Ordering::Relaxed);
        }
    }
    let fault = match what.as_str() {
        "import" => own.imports.pop_front().flatten(),
        _ => own.exports.pop_front().flatten(),
    };
    let kept = fault.map_or(Kept::All, Fault::kept);
    if let Some(mut generated) = own.generated.take() {
        let page = own.page;
        let done = match what.as_str() {
            "export" => generated.export(&serde_json::from_str(&request.body).expect("JSON"), page),
            _ => generated.import(&request.body),
        };
        own.generated = Some(generated);
        return Answer::Text(200, done);
    }
    let done = match (what.as_str(), serde_json::from_str::<Value>(&request.body)) {
        ("import", Ok(body)) => {
            if let Some(change) = own.intruder.take() {
                change(&mut own.held);
            }
            let done = own.held.import(&body, kept);
            if let Some(Fault::Late(exports)) = fault {
                own.late = Some((exports, body));
            }
            done
        }
        ("export", Ok(body)) => {
            match own.late.take() {
                Some((0, late)) => drop(own.held.import(&late, Kept::All)),
                late => own.late = late.map(|(exports, late)| (exports - 1, late)),
            }
            if own.imports.is_empty()
                && own.seen.iter().any(|seen| seen.what == "import")
                && let Some(node) = own.growing.pop_front()
            {
                own.held
                    .import(&json!({"valueType": "nodes", "values": [node]}), Kept::All);
            }
            let page = own.page;
            match own.circle {
                Some(0) => round(&body, own.is_endless),
                after => {
                    own.circle = after.map(|after| after - 1);
                    own.held.export(&body, page)
                }
            }
        }
        // A monitor is told that the run begins.
        ("start", _) => String::new(),
        _ => return Answer::Text(400, String::new()),
    };
    match fault {
        None => Answer::Text(200, done),
        Some(Fault::Status(status, _)) => Answer::Text(status, "it is busy".into()),
        Some(Fault::Cut(_) | Fault::Late(_)) => Answer::Cut,
        Some(Fault::Repeats(status, text)) => {
            let token = request.token.as_deref().unwrap_or_default();
            Answer::Text(status, text.replace("TOKEN", token))
        }
        Some(Fault::Errors(_)) => Answer::Text(
            200,
            json!({"errors": [{"message": "Whoops. Looks like an internal server error."}]})
                .to_string(),
        ),
        Some(Fault::Kill(_) | Fault::Interrupt(_) | Fault::InterruptTwice(_)) => {
            // Whoever has started it says so as soon as it runs.
            let waited = state.1.wait_while(own, |own| own.victim.is_none());
            let mut own = waited.unwrap_or_else(PoisonError::into_inner);
            let victim = own
                .victim
                .take()
                .and_then(|it| rustix::process::Pid::from_raw(it as i32));
            let (signals, answer): (&[Signal], _) = match fault {
                Some(Fault::Kill(_)) => (&[Signal::KILL], Answer::Cut),
                Some(Fault::InterruptTwice(_)) => (&[Signal::INT, Signal::TERM], Answer::Never),
                _ => (&[Signal::INT], Answer::Never),
            };
            for signal in signals {
                rustix::process::kill_process(victim.expect("a process"), *signal).expect("sent");
            }
            answer
        }
    }
}
