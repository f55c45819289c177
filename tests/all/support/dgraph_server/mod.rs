//! A server of Dgraph, modelled: no real one is at hand, and Dgraph Cloud is gone. It keeps to what servers built from
//! v20.11.3, v21.03.2 and v25.3.0 were seen to answer, and for `/admin/slash` to the documents of Cloud and its command
//! line; docs/DGRAPH.md says which is which. It fails on request.
//!
//! It takes what is loaded, holds it and exports it again. Each path is answered in one place: `serving` says where.

mod admin;
mod blows;
mod changes;
mod dql;
mod files;
mod graphql;
pub mod held;
mod http;
pub mod rdf;
pub mod runs;
pub mod schema;
mod serving;
pub mod sets;
pub mod values;

pub use blows::{Blow, Blows, Kept};
pub use files::Fault;
pub use held::Held;

use super::files::listing;
use serving::start;
use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The folder that it writes an export into, below its own.
pub const RUN: &str = "dgraph.r91.u1120.1541";

/// The folder of an export that somebody else has asked for since.
const LATER: &str = "dgraph.r99.u1120.1542";

/// Which servers it is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `/admin/slash` of the first years: signed URLs at once.
    CloudAtOnce,
    /// The later one: a task.
    CloudTask,
    /// `/admin` of 20.07: nothing is said of the files.
    V2007,
    /// Of 20.11: the files are listed.
    V2011,
    /// Of 21.03: there are namespaces.
    V2103,
    /// Of 21.12, and from 23.1 on: a task.
    V2503,
}

impl Form {
    /// Whether it is of the time before namespaces.
    pub fn is_old(self) -> bool {
        matches!(self, Form::V2007 | Form::V2011 | Form::CloudAtOnce)
    }

    /// What it says that it is.
    fn version(self) -> &'static str {
        match self {
            Form::V2007 => "v20.07.3",
            Form::V2011 | Form::CloudAtOnce => "v20.11.3",
            Form::V2103 | Form::CloudTask => "v21.03.2",
            Form::V2503 => "v25.3.0",
        }
    }

    fn is_cloud(self) -> bool {
        matches!(self, Form::CloudAtOnce | Form::CloudTask)
    }

    /// The arguments that its export has.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Form::CloudAtOnce => &[],
            Form::CloudTask => &["format", "namespace"],
            Form::V2007 | Form::V2011 => &["input.format"],
            Form::V2103 | Form::V2503 => &["input.format", "input.namespace"],
        }
    }

    /// The fields of its answer.
    fn fields(self) -> &'static [&'static str] {
        match self {
            Form::CloudAtOnce => &["response", "signedUrls"],
            Form::CloudTask => &["response", "exportId", "taskId"],
            Form::V2007 => &["response"],
            Form::V2011 | Form::V2103 => &["response", "exportedFiles"],
            Form::V2503 => &["response", "taskId"],
        }
    }
}

/// What it holds, what happens to it, and what came.
pub struct State {
    pub form: Form,
    /// The folder with the files that it exports, of one group.
    pub set: PathBuf,
    /// Its groups, and the folders that they write into.
    pub groups: Vec<u32>,
    pub folders: Vec<PathBuf>,
    /// The header that it knows who asks by, and what has to stand in it.
    pub token: Option<(&'static str, String)>,
    /// Whether a proxy in front of it lets nobody ask for what it does not know.
    pub is_guarded: bool,
    /// Whether it repeats what it was sent.
    pub repeats: bool,
    /// User, password and namespace.
    pub login: Option<(&'static str, &'static str, Option<&'static str>)>,
    /// The namespaces that users log in to; none for the one that `login` names.
    pub tenants: Vec<u64>,
    /// For how many requests an access token is good.
    pub lifetime: u32,
    /// Access tokens: their namespaces, and for how many requests they are good.
    tokens: BTreeMap<String, (u64, u32)>,
    /// Whether another export, that somebody else has asked for, is being written when this one is done.
    pub is_shared: bool,
    /// What the next tasks are told to be; then they are done.
    pub statuses: VecDeque<&'static str>,
    /// What the next exports are refused with.
    pub refusals: VecDeque<String>,
    /// What happens to the next downloads.
    pub faults: VecDeque<Option<Fault>>,
    /// How often signed URLs were taken back, and files changed.
    generation: u32,
    changes: u32,
    /// Whoever asks is sent SIGINT when it asks for a task so often.
    pub interrupts: Option<u32>,
    format: String,
    /// How many exports and logins there were.
    pub exports: u32,
    pub logins: u32,
    /// Format and namespace of the last export.
    pub asked: (Option<String>, Option<String>),
    /// Names of files that were asked for, and from where.
    pub downloads: Vec<(String, Option<String>)>,
    victim: Option<u32>,
    /// How often it was emptied.
    epoch: u32,
    /// What was loaded.
    pub held: Held,
    /// What happens to requests on their way.
    pub blows: Blows,
    /// Whether answers are held back no longer.
    pub is_released: bool,
    /// How many answers are held back.
    pub held_back: usize,
    /// A text that no request with rows may hold, and what is said of one that does.
    pub refused: Option<(String, String)>,
    /// What the next requests are answered with that have this text in their path or body: an error with these words.
    pub says: VecDeque<(&'static str, String)>,
    /// What the next requests are answered with that have this text in their path or body, word by word.
    pub answers: VecDeque<(&'static str, String)>,
    /// What the next schema is refused with, of which all is taken but the predicate that comes last.
    pub takes_in_part: Option<String>,
    /// Whether `/admin` hands out uids.
    pub assigns: bool,
    /// Methods and paths of requests, in order, but for those for files.
    pub came: Vec<String>,
    /// How many rows requests had that were read.
    pub rows_sent: Vec<usize>,
    /// How many transactions were committed.
    pub commits: u64,
}

impl State {
    /// What a file has that is exported, by its name.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        let others = match self.format.as_str() {
            "json" => ".rdf.gz",
            _ => ".json.gz",
        };
        let names = listing(&self.set).into_iter();
        let names = names.filter(|it| it.starts_with('g') && !it.ends_with(others));
        names
            .map(|name| {
                let bytes = fs::read(self.set.join(&name)).expect("read");
                (name, bytes)
            })
            .collect()
    }

    fn signature(&self) -> String {
        format!("X-Amz-Signature=never-to-be-printed-{}", self.generation)
    }

    fn signed(&self, port: u16) -> Vec<String> {
        let names = self.files().into_iter();
        names
            .map(|(name, _)| {
                format!(
                    "http://127.0.0.1:{port}/bucket/{RUN}/{name}?{}",
                    self.signature()
                )
            })
            .collect()
    }

    fn status(&mut self) -> &'static str {
        self.statuses.pop_front().unwrap_or("Success")
    }
}

/// A running server.
pub struct DgraphServer {
    port: u16,
    zero: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl DgraphServer {
    /// One that exports this set, to everybody.
    pub fn new(form: Form, set: &Path) -> DgraphServer {
        let (listener, port) = listener();
        let state = State {
            form,
            set: set.to_owned(),
            groups: vec![1],
            folders: Vec::new(),
            token: None,
            is_guarded: false,
            repeats: false,
            login: None,
            tenants: Vec::new(),
            lifetime: u32::MAX,
            tokens: BTreeMap::new(),
            is_shared: false,
            statuses: VecDeque::new(),
            refusals: VecDeque::new(),
            faults: VecDeque::new(),
            generation: 0,
            changes: 0,
            interrupts: None,
            format: "json".into(),
            exports: 0,
            logins: 0,
            asked: (None, None),
            downloads: Vec::new(),
            victim: None,
            epoch: 0,
            held: Held::new(form),
            blows: Blows::default(),
            is_released: false,
            held_back: 0,
            refused: None,
            says: VecDeque::new(),
            answers: VecDeque::new(),
            takes_in_part: None,
            assigns: matches!(form, Form::V2103 | Form::V2503),
            came: Vec::new(),
            rows_sent: Vec::new(),
            commits: 0,
        };
        let state = Arc::new((Mutex::new(state), Condvar::new()));
        start(listener, port, &state, false);
        let (listener, zero) = self::listener();
        start(listener, zero, &state, true);
        DgraphServer { port, zero, state }
    }

    /// One that holds nothing, for everybody.
    pub fn empty(form: Form) -> DgraphServer {
        DgraphServer::new(form, Path::new(""))
    }

    /// Has it export what it holds, in this format; the files lie in a folder that is made.
    pub fn exports(&self, folder: &Path, format: &str) {
        let mut state = self.state();
        state.held.export(folder, format);
        state.set = folder.to_owned();
    }

    /// What it holds, as it is now.
    pub fn held(&self) -> Held {
        self.state().held.clone()
    }

    /// Empties it; uids that were leased stay so. What is still on its way to it comes to nothing.
    pub fn empties(&self) {
        let mut state = self.state();
        let lease = state.held.lease;
        state.held = Held::new(state.form);
        state.held.lease = lease;
        state.epoch += 1;
        state.rows_sent.clear();
    }

    /// Where Zero is.
    pub fn zero(&self) -> String {
        format!("http://127.0.0.1:{}", self.zero)
    }

    /// Waits until an answer is held back.
    pub fn holds_back(&self) {
        let state = self.state();
        drop(self.state.1.wait_while(state, |it| it.held_back == 0));
    }

    /// Lets answers go that were held back, and all others.
    pub fn releases(&self) {
        self.state().is_released = true;
        self.state.1.notify_all();
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// What it holds, what happens to it, and what came.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This process is interrupted or killed where that is asked for.
    pub fn interrupts(&self, process: u32) {
        self.state().victim = Some(process);
        self.state.1.notify_all();
    }
}

fn listener() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    (listener, port)
}
