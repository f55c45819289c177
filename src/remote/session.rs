//! A transfer of a running Strapi: requests, their answers, and what the server says beside.
//!
//! Nothing is ever sent twice: a message that arrived and was not answered may have done its work.

use super::Site;
use super::address::Direction;
use super::socket::{Socket, Stopped};
use super::trouble::Trouble;
use super::wire::{Action, Answer, Cargo, Diagnostic, Frame, Request, Restore};
use super::words;
use crate::error::{Error, Result};
use crate::model::Stage;
use serde::Deserialize;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How many frames of stages may wait while an answer is waited for: a server sends one of each and waits then.
const MOST_WAITING: usize = 8;
/// How many warnings of a server are kept; of the others the number is.
const MOST_DIAGNOSTICS: usize = 1000;

/// How long is waited for a Strapi.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For the answer to the upgrade. A site on SQLite gives none while somebody pushes into it.
    pub connect: Duration,
    /// For the answer to a request.
    pub answer: Duration,
    /// For the answer to one that may take as long as its data are large: the deletion of what is replaced, the
    /// confirmation, the end of the files, the start of files that are pulled (Strapi's own client: 64 minutes).
    pub long: Duration,
    /// For anything at all, answers to pings as well, while no long answer is waited for.
    pub silence: Duration,
    /// Until a ping is sent, so that proxies keep a connection on which nothing comes.
    pub ping: Duration,
    /// For the end of a connection.
    pub leave: Duration,
    /// For the answers at the end of a pull, when all has come: nothing depends on them.
    pub farewell: Duration,
    /// For a site that was left in the middle of a push and has to start again, whatever else is said of retries: its
    /// files wait for it.
    pub back: Duration,
    /// Before what broke is begun again for the first time; each pause is twice as long as the one before it.
    pub pause: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        Self {
            connect: minutes(1),
            answer: minutes(10),
            long: minutes(120),
            silence: minutes(5),
            ping: Duration::from_secs(20),
            leave: Duration::from_millis(1500),
            farewell: Duration::from_secs(3),
            back: minutes(3),
            pause: Duration::from_secs(1),
        }
    }
}

/// A request that was sent.
struct Pending {
    uuid: String,
    /// What it is called in messages.
    name: String,
    is_long: bool,
}

/// A transfer.
pub struct Session {
    site: Site,
    direction: Direction,
    /// There until it is left.
    socket: Option<Socket>,
    transfer: String,
    checksums: bool,
    base64: bool,
    pending: VecDeque<Pending>,
    waiting: VecDeque<Cargo>,
    diagnostics: Vec<Diagnostic>,
    more_diagnostics: u64,
    backup: Option<String>,
}

/// What came.
enum Event {
    Answer(String, Result<Answer, Trouble>),
    Cargo(Cargo),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Initialised {
    #[serde(rename = "transferID")]
    transfer: String,
    #[serde(default)]
    checksums: Option<bool>,
    #[serde(default)]
    asset_encoding: Option<String>,
}

impl Session {
    /// Connects and starts a transfer: a push where it is said what to replace.
    pub(super) fn open(site: &Site, restore: Option<&Restore>) -> Result<Self> {
        let (direction, request) = match restore {
            None => (Direction::Pull, Request::InitPull),
            Some(restore) => (Direction::Push, Request::InitPush(restore)),
        };
        let socket = Socket::open(site, direction).map_err(|stopped| match stopped {
            Stopped::Here(error) => error,
            Stopped::There(trouble) => trouble.error(site, None),
        })?;
        let mut session = Self {
            site: site.clone(),
            direction,
            socket: Some(socket),
            transfer: String::new(),
            checksums: false,
            base64: false,
            pending: VecDeque::new(),
            waiting: VecDeque::new(),
            diagnostics: Vec::new(),
            more_diagnostics: 0,
            backup: None,
        };
        let answer = session.ask(request)?;
        let name = words::of_request(&request);
        let initialised = answer.read::<Initialised>(&name);
        let initialised = initialised.map_err(|trouble| session.error(trouble, None))?;
        session.transfer = initialised.transfer;
        session.checksums = initialised.checksums.unwrap_or(false);
        session.base64 = initialised.asset_encoding.as_deref() == Some("base64");
        Ok(session)
    }

    /// Whether files come, or go, with checksums: both sides know them.
    pub fn has_checksums(&self) -> bool {
        self.checksums
    }

    /// Whether a push may send chunks in base64. Where not, they go as `{"type":"Buffer","data":[...]}`.
    pub fn takes_base64(&self) -> bool {
        self.base64
    }

    /// The site at the other end.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// The id of the transfer, which [`Request::End`] wants.
    pub fn transfer(&self) -> &str {
        &self.transfer
    }

    /// Sends a request and waits for its answer. Those that were sent before must have been answered.
    ///
    /// # Errors
    /// The server answers with an error or with nothing, the connection broke, or the user wants the run to stop. The
    /// [`Trouble`] is kept in the error.
    pub fn ask(&mut self, request: Request<'_>) -> Result<Answer> {
        debug_assert!(self.pending.is_empty(), "answers come in order");
        self.send(request)?;
        self.answer()
    }

    /// Sends a request. Its answer is waited for with [`answer`](Self::answer).
    ///
    /// # Errors
    /// It is too large, the connection broke, or the user wants the run to stop.
    pub fn send(&mut self, request: Request<'_>) -> Result<()> {
        let uuid = uuid()?;
        let frame = request.frame(&uuid, &self.transfer);
        let name = words::of_request(&request);
        let is_long = match request {
            Request::Action(Action::BeforeTransfer) | Request::Start(Stage::Assets) => true,
            // Those of a pull do nothing.
            Request::Action(Action::Bootstrap | Action::Close)
            | Request::EndStage(Stage::Assets) => self.direction == Direction::Push,
            _ => false,
        };
        let sent = self.socket()?.send(frame);
        sent.map_err(|stopped| self.stopped(stopped, Some(&name)))?;
        self.pending.push_back(Pending {
            uuid,
            name,
            is_long,
        });
        Ok(())
    }

    /// Ends a pull of which all has come. What is not answered within a short time does no harm.
    pub(super) fn farewell(mut self) {
        let within = self.site.patience().farewell;
        let mut ask = |request: Request<'_>| {
            self.send(request)?;
            self.answer_within(within, within)
        };
        if ask(Request::Action(Action::Close)).is_ok() {
            let transfer = self.transfer.clone();
            let end = self.send(Request::End(&transfer));
            let _ = end.and_then(|()| self.answer_within(within, within));
        }
    }

    /// How many requests were sent and not answered yet.
    pub fn in_flight(&self) -> usize {
        self.pending.len()
    }

    /// Waits for the answer to the first request that has none.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn answer(&mut self) -> Result<Answer> {
        let patience = self.site.patience();
        let is_long = self.pending.front().is_some_and(|it| it.is_long);
        match is_long {
            true => self.answer_within(patience.long, patience.long),
            false => self.answer_within(patience.answer, patience.silence),
        }
    }

    /// Sends a request, and waits for its answer for this time at the most.
    ///
    /// # Errors
    /// As [`ask`](Self::ask).
    pub fn ask_within(&mut self, request: Request<'_>, time: Duration) -> Result<Answer> {
        self.send(request)?;
        self.answer_within(time, time)
    }

    fn answer_within(&mut self, whole: Duration, silence: Duration) -> Result<Answer> {
        let Some(pending) = self.pending.front() else {
            return Err(Error::failed("no request is waiting for an answer"));
        };
        let name = pending.name.clone();
        let until = Instant::now() + whole;
        loop {
            match self.event(until, silence, &name)? {
                Event::Answer(uuid, result) => {
                    let place = self.pending.iter().position(|own| own.uuid == uuid);
                    match (place, result) {
                        (Some(0), result) => {
                            self.pending.pop_front();
                            return result.map_err(|trouble| self.error(trouble, Some(&name)));
                        }
                        (Some(_), _) => {
                            let why = "it answers requests in another order than they were sent";
                            return Err(self.error(Trouble::malformed(why), Some(&name)));
                        }
                        // Of what had no id that it could read.
                        (None, Err(trouble)) if uuid.is_empty() => {
                            return Err(self.error(trouble, Some(&name)));
                        }
                        (None, _) => {}
                    }
                }
                Event::Cargo(cargo) => {
                    if self.waiting.len() >= MOST_WAITING {
                        let why = "it sends more before it is asked for it";
                        return Err(self.error(Trouble::malformed(why), Some(&name)));
                    }
                    self.waiting.push_back(cargo);
                }
            }
        }
    }

    /// Waits for the next frame of a stage that is pulled. `during` says what is done, for messages.
    ///
    /// # Errors
    /// The connection broke, nothing comes, or the user wants the run to stop.
    pub(super) fn cargo(&mut self, during: &str) -> Result<Cargo> {
        if let Some(cargo) = self.waiting.pop_front() {
            return Ok(cargo);
        }
        let patience = self.site.patience();
        let until = Instant::now() + patience.long;
        loop {
            match self.event(until, patience.silence, during)? {
                Event::Cargo(cargo) => return Ok(cargo),
                Event::Answer(_, Err(trouble)) => return Err(self.error(trouble, Some(during))),
                Event::Answer(_, Ok(_)) => {}
            }
        }
    }

    /// Says that a frame of a stage has come, so that the next one is sent.
    ///
    /// # Errors
    /// The connection broke, or the user wants the run to stop.
    pub(super) fn acknowledge(&mut self, cargo: &Cargo, during: &str) -> Result<()> {
        let mut frame = String::from("{\"uuid\":");
        crate::model::json::write_string(&mut frame, &cargo.uuid);
        frame.push('}');
        let sent = self.socket()?.send(frame);
        sent.map_err(|stopped| self.stopped(stopped, Some(during)))
    }

    /// Sends a sign of life where nothing was said for long: for whoever is busy with what came. Where that fails, the next
    /// message finds it out.
    pub(super) fn keep(&mut self) {
        if let Some(socket) = &mut self.socket {
            let _ = socket.keep();
        }
    }

    /// What the server said beside its answers since this was last asked, but for information; and how much more there
    /// was that was not kept.
    pub fn warnings(&mut self) -> (Vec<Diagnostic>, u64) {
        (
            std::mem::take(&mut self.diagnostics),
            std::mem::take(&mut self.more_diagnostics),
        )
    }

    /// The folder of the server that a push has put the old files into, where the server says it.
    pub fn backup(&self) -> Option<&str> {
        self.backup.as_deref()
    }

    /// Closes the connection politely, within a short time, also where the user wants the run to stop. A session that is
    /// dropped closes it as well.
    pub fn leave(self) {}

    /// An error of this session, from what is wrong.
    pub(super) fn error(&self, trouble: Trouble, during: Option<&str>) -> Error {
        trouble.error(&self.site, during)
    }

    fn stopped(&self, stopped: Stopped, during: Option<&str>) -> Error {
        match stopped {
            Stopped::Here(error) => error,
            Stopped::There(trouble) => self.error(trouble, during),
        }
    }

    fn socket(&mut self) -> Result<&mut Socket> {
        let socket = self.socket.as_mut();
        socket.ok_or_else(|| Error::failed("the connection was left"))
    }

    /// Waits for an answer or cargo, and keeps what else comes.
    fn event(&mut self, until: Instant, silence: Duration, during: &str) -> Result<Event> {
        loop {
            let received = self.socket()?.receive(until, silence);
            let text = received.map_err(|stopped| self.stopped(stopped, Some(during)))?;
            let frame = Frame::parse(text).map_err(|trouble| self.error(trouble, Some(during)))?;
            match frame {
                Frame::Answer { uuid, result } => return Ok(Event::Answer(uuid, result)),
                Frame::Cargo(cargo) => return Ok(Event::Cargo(cargo)),
                Frame::Backup(folder) => self.backup = Some(self.site.token().fit(&folder)),
                Frame::Diagnostic(None) | Frame::Other => {}
                Frame::Diagnostic(Some(mut said)) => {
                    if self.diagnostics.len() < MOST_DIAGNOSTICS {
                        said.message = self.site.token().fit(&said.message);
                        self.diagnostics.push(said);
                    } else {
                        self.more_diagnostics += 1;
                    }
                }
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Some(socket) = self.socket.take() {
            socket.close();
        }
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Session")
            .field("site", &self.site)
            .finish_non_exhaustive()
    }
}

/// A fresh id of a request: a UUID of version 4.
fn uuid() -> Result<String> {
    let mut bytes = crate::random::bytes::<16>()?;
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = crate::hashing::hexadecimal(&bytes);
    let (a, b, c, d, e) = (
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    );
    Ok(format!("{a}-{b}-{c}-{d}-{e}"))
}
