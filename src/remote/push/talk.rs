//! One push, from its first message to its last: rows in batches, files in pieces, several messages in flight
//! where the server handles them one after the other. Nothing is sent twice.

use super::chunk;
use super::reached::Reached;
use crate::error::{Error, Result};
use crate::hashing::hexadecimal;
use crate::model::{Asset, Fields, Stage, json};
use crate::remote::wire::{Action, Request, Restore};
use crate::remote::{Session, Site};
use crate::store::Interrupt;
use crate::transfer::Description;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::io::{self, Read};
use std::time::Duration;

/// How many bytes of rows, or of files, go into a message: the server holds it whole, and says nothing before
/// it has written all of it. Strapi's own client sends 512 KiB on 5.x and 1 MiB before.
const MESSAGE: usize = 768 << 10;
/// How many rows go into a message: servers write about a hundred entities a second, and several thousand
/// links.
const ENTITIES: usize = 100;
const LINKS: usize = 2000;
/// How many messages wait for their answers, and how many bytes they have together at the most.
const IN_FLIGHT: usize = 4;
const IN_FLIGHT_BYTES: usize = 8 << 20;

/// How long is waited for the answer to what needs none.
const FAREWELL: Duration = Duration::from_secs(3);

/// One push.
pub(super) struct Push {
    session: Session,
    reached: Reached,
    /// The bytes of each message that was not answered yet.
    in_flight: VecDeque<usize>,
    most_in_flight: usize,
    lane: Option<Lane>,
    /// When it began, as the server's clock says: milliseconds since 1970.
    began: Option<i64>,
}

/// The stage that is being sent.
struct Lane {
    stage: Stage,
    /// A JSON array without its end.
    batch: String,
    items: usize,
    /// How many items were sent, files counted once.
    sent: u64,
}

impl Push {
    /// Connects and starts a push that is going to replace this. Nothing is deleted, but a site on SQLite
    /// answers nobody else from here on.
    ///
    /// # Errors
    /// It cannot be reached, or refuses it.
    pub fn open(site: &Site, restore: &Restore) -> Result<Self> {
        let mut session = site.push(restore)?;
        session.ask(Request::Action(Action::Bootstrap))?;
        // Servers of 4.x handle messages side by side.
        let most_in_flight = match session.has_checksums() {
            true => IN_FLIGHT,
            false => 1,
        };
        Ok(Self {
            session,
            reached: Reached::Opened,
            in_flight: VecDeque::new(),
            most_in_flight,
            lane: None,
            began: None,
        })
    }

    /// How far it came.
    pub fn reached(&self) -> Reached {
        self.reached
    }

    /// The folder that the server put its old files into, as far as it tells.
    pub fn backup(&self) -> Option<&str> {
        self.session.backup()
    }

    /// When it began, as the server's clock says: milliseconds since 1970.
    pub fn began(&self) -> Option<i64> {
        self.began
    }

    /// The conversation itself, to ask what stands outside the order of a push.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// Remembers what the server says of its clock.
    pub fn note_clock(&mut self, description: &Description) {
        let metadata = description.metadata.as_ref();
        let created = metadata.and_then(|it| it.created_at.as_deref());
        let time = created.and_then(|text| text.parse::<jiff::Timestamp>().ok());
        self.began = time.map(jiff::Timestamp::as_millisecond);
    }

    /// Has the server delete what is to be replaced. From here on the files are gone.
    ///
    /// # Errors
    /// It fails, or the connection breaks; what is deleted then is not known.
    pub fn clear(&mut self) -> Result<()> {
        self.reached = Reached::Clearing;
        self.session.ask(Request::Action(Action::BeforeTransfer))?;
        self.reached = Reached::Cleared;
        Ok(())
    }

    /// Starts a stage, after the one before it was ended.
    ///
    /// # Errors
    /// The server refuses it, or did not take all of the stage before.
    pub fn start(&mut self, stage: Stage) -> Result<()> {
        self.finish()?;
        if stage == Stage::Assets {
            self.reached = self.reached.max(Reached::Files);
        }
        self.session.ask(Request::Start(stage))?;
        self.lane = Some(Lane {
            stage,
            batch: String::from("["),
            items: 0,
            sent: 0,
        });
        Ok(())
    }

    /// Sends a row.
    ///
    /// # Errors
    /// The server refuses one that was sent before, or the connection breaks.
    pub fn row(&mut self, line: &str) -> Result<()> {
        let Some(lane) = &mut self.lane else {
            return Err(Error::failed("a row came outside of its stage"));
        };
        let most = match lane.stage {
            Stage::Entities => ENTITIES,
            _ => LINKS,
        };
        if lane.items > 0 && (lane.items == most || lane.batch.len() + line.len() > MESSAGE) {
            self.flush()?;
        }
        self.item(|batch| batch.push_str(line));
        self.count(1);
        Ok(())
    }

    /// Sends a file whose row was sent; with `row`, as one of that row. `tell` hears of each piece.
    ///
    /// # Errors
    /// It cannot be read, or has another length than it says; the server refuses it, or the connection breaks.
    pub fn file(
        &mut self,
        asset: &Asset,
        row: Option<i64>,
        content: &mut dyn Read,
        interrupt: &Interrupt,
        tell: &dyn Fn(u64),
    ) -> Result<()> {
        let id = crate::random::digits()?;
        let sidecar = match row {
            None => asset.sidecar.clone(),
            Some(row) => with_id(&asset.sidecar, row).ok_or_else(|| {
                Error::archive(format!("the sidecar of {} is none", asset.filename))
            })?,
        };
        let base64 = self.session.takes_base64();
        self.item(|batch| chunk::start(batch, &id, asset, &sidecar));
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; chunk::LENGTH];
        let mut length = 0_u64;
        loop {
            interrupt.stop()?;
            let read = fill(content, &mut buffer).map_err(|error| {
                Error::from_io(error, |error| {
                    Error::failed(format!("cannot read {}: {error}", asset.filename))
                })
            })?;
            if read == 0 {
                break;
            }
            length += read as u64;
            if length > asset.size {
                break;
            }
            hasher.update(&buffer[..read]);
            self.item(|batch| chunk::piece(batch, &id, &buffer[..read], base64));
            self.flush_if_full()?;
            tell(read as u64);
        }
        if length != asset.size {
            return Err(Error::archive(format!(
                "{} has another length than the {} bytes that it should have",
                asset.filename, asset.size
            )));
        }
        let has_checksums = self.session.has_checksums();
        let digest = has_checksums.then(|| hexadecimal(&hasher.finalize()));
        self.item(|batch| chunk::end(batch, &id, digest.as_deref()));
        self.count(1);
        self.flush_if_full()
    }

    /// Ends the stage that is being sent, and compares what the server took with what was sent.
    ///
    /// # Errors
    /// It did not take all of it, or the connection breaks.
    pub fn finish(&mut self) -> Result<()> {
        if self.lane.is_none() {
            return Ok(());
        }
        self.flush()?;
        self.settle(0)?;
        let Some(lane) = self.lane.take() else {
            return Ok(());
        };
        let is_of_files = lane.stage == Stage::Assets;
        if is_of_files {
            self.reached = Reached::FilesEnding;
        }
        let answer = self.session.ask(Request::EndStage(lane.stage))?;
        if is_of_files {
            self.reached = Reached::FilesKept;
        }
        let stats = answer.stats(self.session.has_checksums());
        let stats = stats.map_err(|trouble| self.session.error(trouble, None))?;
        match stats {
            Some(stats) if stats.started != lane.sent || stats.finished != lane.sent => {
                let site = self.session.site().name();
                Err(Error::failed(format!(
                    "{site}: of {} items of the {} it began {} and finished {}",
                    lane.sent, lane.stage, stats.started, stats.finished
                ))
                .hint("look into the log of that Strapi"))
            }
            _ => Ok(()),
        }
    }

    /// Has the server commit, and ends the push. The answer comes when the commit is asked for, and not when it is
    /// done.
    ///
    /// # Errors
    /// The answer does not come, and it is not known whether the server committed; or what follows it fails.
    pub fn commit(&mut self) -> Result<()> {
        self.finish()?;
        // Whoever wants to stop can do so until here.
        self.session.site().access().interrupt().stop()?;
        self.reached = Reached::Closing;
        self.session.ask(Request::Action(Action::Close))?;
        self.reached = Reached::Committed;
        let id = self.session.transfer().to_owned();
        // It is committed; whether the server forgets the transfer now or with the connection is all one.
        let _ = self.session.ask_within(Request::End(&id), FAREWELL);
        Ok(())
    }

    /// Sends what was gathered, and waits for all answers, so that the server has nothing in its hands.
    ///
    /// # Errors
    /// The server refuses something, or the connection breaks.
    pub fn rest(&mut self) -> Result<()> {
        self.flush()?;
        self.settle(0)
    }

    /// What the server said beside its answers, and how much more.
    pub fn warnings(&mut self) -> (Vec<String>, u64) {
        let (said, more) = self.session.warnings();
        (said.into_iter().map(|it| it.message).collect(), more)
    }

    /// Closes the connection: what is not committed is rolled back.
    pub fn leave(self) {
        self.session.leave();
    }

    fn count(&mut self, items: u64) {
        if let Some(lane) = &mut self.lane {
            lane.sent += items;
        }
    }

    fn item(&mut self, write: impl FnOnce(&mut String)) {
        if let Some(lane) = &mut self.lane {
            if lane.items > 0 {
                lane.batch.push(',');
            }
            write(&mut lane.batch);
            lane.items += 1;
        }
    }

    fn flush_if_full(&mut self) -> Result<()> {
        match self
            .lane
            .as_ref()
            .is_some_and(|lane| lane.batch.len() >= MESSAGE)
        {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Sends the items that were gathered, once there is room for them.
    fn flush(&mut self) -> Result<()> {
        let Some(lane) = &mut self.lane else {
            return Ok(());
        };
        if lane.items == 0 {
            return Ok(());
        }
        lane.items = 0;
        let mut batch = std::mem::replace(&mut lane.batch, String::from("["));
        let stage = lane.stage;
        batch.push(']');
        while self.in_flight.len() >= self.most_in_flight
            || (!self.in_flight.is_empty()
                && self.in_flight.iter().sum::<usize>() + batch.len() > IN_FLIGHT_BYTES)
        {
            self.settle(self.in_flight.len() - 1)?;
        }
        self.session.send(Request::Stream(stage, &batch))?;
        self.in_flight.push_back(batch.len());
        // A server that handles messages side by side has none but this one.
        match self.most_in_flight {
            1 => self.settle(0),
            _ => Ok(()),
        }
    }

    /// Waits until no more than so many messages have no answer.
    fn settle(&mut self, left: usize) -> Result<()> {
        while self.in_flight.len() > left {
            self.session.answer()?;
            self.in_flight.pop_front();
        }
        Ok(())
    }
}

/// A sidecar of another row.
fn with_id(sidecar: &str, row: i64) -> Option<String> {
    let fields = Fields::parse_with_any_names(sidecar).ok()?;
    let mut id = String::new();
    json::write_i64(&mut id, row);
    fields.get("id")?;
    Some(fields.with(&|name, _| (name == "id").then(|| id.clone())))
}

/// Reads until the buffer is full or there is no more.
fn fill(content: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match content.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
