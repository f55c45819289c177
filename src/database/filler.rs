//! Adds rows by way of a thread of its own, while those that follow are made.

mod batch;

use super::references;
use super::{Connection, Inserter, Value};
use crate::effort::{Effort, Work};
use crate::error::{Error, Result};
use crate::threads::start;
use batch::{Batch, Job, Table, Task, length};
use std::fmt::{Display, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

/// How many bytes of values go to the thread at once.
const BATCH: usize = 64 << 10;

/// How many batches may wait for it: about as much as a server gets at once, so that neither waits for the other.
const WAITING: usize = 32;

/// How many bytes the values of a row may have to be copied; the thread is waited for where they have
/// more.
const COPIED: usize = 128 << 10;

/// A connection that adds rows in a thread of its own, in the order in which they were given.
///
/// What goes wrong with a row may be told with a later one, or with [`flush`](Self::flush), and names
/// the place that was [said](Self::place) before the row. Nothing more is added after that.
pub struct Filler {
    effort: Effort,
    state: State,
    tables: Vec<Arc<Table>>,
    batch: Batch,
    /// What the rows are of that are given now.
    place: String,
    /// Whether rows were given that are of it.
    is_begun: bool,
    /// Whether the batch says what its last rows are of.
    is_said: bool,
    has_failed: bool,
}

enum State {
    Here(Hand),
    Away(Thread),
    /// Only while it changes.
    Nowhere,
}

/// The connection, and what it prepared, by number.
struct Hand {
    connection: Box<dyn Connection>,
    prepared: Vec<(Arc<Table>, Inserter)>,
}

/// The thread that has it.
struct Thread {
    batches: SyncSender<Batch>,
    handle: JoinHandle<(Hand, Result<()>)>,
    /// Whether what waits is not to be done any more.
    is_abandoned: Arc<AtomicBool>,
}

impl Filler {
    /// Adds rows to what is behind `connection`, in the transaction that it is in. `effort` collects how long that
    /// takes.
    pub fn new(connection: Box<dyn Connection>, effort: &Effort) -> Self {
        Self {
            effort: effort.clone(),
            state: State::Here(Hand {
                connection,
                prepared: Vec::new(),
            }),
            tables: Vec::new(),
            batch: Batch::default(),
            place: String::new(),
            is_begun: true,
            is_said: true,
            has_failed: false,
        }
    }

    /// The connection, once all rows were handed to it.
    ///
    /// # Errors
    /// One of them breaks a rule.
    pub fn connection(&mut self) -> Result<&mut dyn Connection> {
        self.send()?;
        self.wait()?;
        match &mut self.state {
            State::Here(hand) => Ok(hand.connection.as_mut()),
            _ => Err(lost()),
        }
    }

    /// Gives the connection back, once all rows were handed to it.
    ///
    /// # Errors
    /// One of them breaks a rule.
    pub fn into_connection(mut self) -> Result<Box<dyn Connection>> {
        self.connection()?;
        match std::mem::replace(&mut self.state, State::Nowhere) {
            State::Here(hand) => Ok(hand.connection),
            _ => Err(lost()),
        }
    }

    /// Says what the rows that follow are of, for messages.
    pub fn place(&mut self, place: &dyn Display) {
        self.place.clear();
        write!(self.place, "{place}").expect("writing to memory does not fail");
        (self.is_begun, self.is_said) = (false, false);
    }

    /// Prepares to add rows, as [`Connection::inserter`] does, whose errors come later.
    pub fn inserter(&mut self, table: &str, columns: Vec<String>) -> Inserter {
        let name = table.to_owned();
        let table = Table { name, columns };
        let known = self.tables.iter().position(|known| **known == table);
        Inserter(known.unwrap_or_else(|| {
            let table = Arc::new(table);
            self.say_place();
            self.batch.jobs.push(Job::Prepare(Arc::clone(&table)));
            self.tables.push(table);
            self.tables.len() - 1
        }))
    }

    /// Adds rows, as [`Connection::insert`] does.
    ///
    /// # Errors
    /// This row or one before it breaks a rule of its table.
    pub fn insert(&mut self, inserter: Inserter, values: &[Value<'_>]) -> Result<()> {
        self.add(Task::Insert(inserter.0), values)
    }

    /// Gives the row with this id new values in all columns of the inserter but the first, as
    /// [`Connection::update_row`] does.
    ///
    /// # Errors
    /// This row or one before it breaks a rule of its table.
    pub fn update_row(&mut self, inserter: Inserter, id: i64, values: &[Value<'_>]) -> Result<()> {
        self.add(Task::Update(inserter.0, id), values)
    }

    /// Gives columns of a row new values by a statement of its own. The last value is the row's id.
    ///
    /// # Errors
    /// This row or one before it breaks a rule of its table.
    pub fn set(&mut self, table: &str, columns: &[&str], values: &[Value<'_>]) -> Result<()> {
        let name = table.to_owned();
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        self.add(Task::Set(Box::new(Table { name, columns })), values)
    }

    /// Writes all rows. Errors name them.
    ///
    /// # Errors
    /// A row breaks a rule of its table.
    pub fn flush(&mut self) -> Result<()> {
        let effort = self.effort.clone();
        let connection = self.connection()?;
        effort.time(Work::Database, || connection.flush())
    }

    /// Puts a task into the batch, or does it at once where its values are long.
    fn add(&mut self, task: Task, values: &[Value<'_>]) -> Result<()> {
        if values.iter().map(length).sum::<usize>() >= COPIED {
            self.connection()?;
            let State::Here(hand) = &mut self.state else {
                return Err(lost());
            };
            if !std::mem::replace(&mut self.is_begun, true) {
                hand.connection.flush_if_full()?;
            }
            let perform = || hand.perform(&task, values);
            let done = self.effort.time(Work::Database, perform);
            self.has_failed = done.is_err();
            return done.map_err(|error| error.within(&self.place));
        }
        self.say_place();
        values.iter().for_each(|value| self.batch.keep(value));
        self.batch.jobs.push(Job::Task(task, values.len()));
        self.send_if_full()
    }

    /// Lets the batch say what the rows that follow are of, unless it does.
    fn say_place(&mut self) {
        if !std::mem::replace(&mut self.is_said, true) {
            let text = self.batch.text(&self.place);
            let is_new = !std::mem::replace(&mut self.is_begun, true);
            self.batch.jobs.push(Job::Place { text, is_new });
        }
    }

    fn send_if_full(&mut self) -> Result<()> {
        match self.batch.size() {
            0..BATCH => Ok(()),
            _ => self.send(),
        }
    }

    /// Hands the batch over to the thread, which is started where there is none.
    fn send(&mut self) -> Result<()> {
        if self.has_failed {
            return Err(lost());
        }
        if self.batch.jobs.is_empty() {
            return Ok(());
        }
        let batch = std::mem::take(&mut self.batch);
        // What follows may be of the same place.
        self.is_said = false;
        self.state = match std::mem::replace(&mut self.state, State::Nowhere) {
            State::Here(hand) => State::Away(Thread::start(hand, &self.effort)?),
            state => state,
        };
        let effort = self.effort.clone();
        let give =
            |thread: &Thread| effort.time(Work::Waiting, || thread.batches.send(batch).is_ok());
        match &self.state {
            State::Away(thread) if give(thread) => Ok(()),
            // It has ended, and says why.
            State::Away(_) => self.wait().and_then(|()| Err(lost())),
            _ => Err(lost()),
        }
    }

    /// Waits for the thread to do what it was given.
    fn wait(&mut self) -> Result<()> {
        let state = std::mem::replace(&mut self.state, State::Nowhere);
        let State::Away(thread) = state else {
            self.state = state;
            return Ok(());
        };
        drop(thread.batches);
        let (hand, outcome) = self
            .effort
            .time(Work::Waiting, || thread.handle.join())
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        self.state = State::Here(hand);
        self.has_failed = outcome.is_err();
        outcome
    }
}

impl Drop for Filler {
    fn drop(&mut self) {
        if let State::Away(thread) = std::mem::replace(&mut self.state, State::Nowhere) {
            thread.is_abandoned.store(true, Ordering::Relaxed);
            drop(thread.batches);
            // The connection ends there, or here.
            let _ = thread.handle.join();
        }
    }
}

fn lost() -> Error {
    Error::failed("rows were to be added after that had failed")
}

impl Thread {
    fn start(mut hand: Hand, effort: &Effort) -> Result<Self> {
        let (batches, waiting) = sync_channel(WAITING);
        let is_abandoned = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&is_abandoned);
        let effort = effort.clone();
        let work = move || {
            let outcome = hand.run_all(&waiting, &seen, &effort);
            (hand, outcome)
        };
        let handle = start(work)?;
        Ok(Self {
            batches,
            handle,
            is_abandoned,
        })
    }
}

impl Hand {
    fn run_all(
        &mut self,
        batches: &Receiver<Batch>,
        is_abandoned: &AtomicBool,
        effort: &Effort,
    ) -> Result<()> {
        for batch in batches {
            if is_abandoned.load(Ordering::Relaxed) {
                break;
            }
            effort.time(Work::Rows, || self.run(&batch))?;
        }
        Ok(())
    }

    fn run(&mut self, batch: &Batch) -> Result<()> {
        let mut place = "";
        let mut cells = batch.cells.iter();
        let mut values = Vec::new();
        for job in &batch.jobs {
            match job {
                Job::Place { text, is_new } => {
                    // Not amid what is of one place: its rows come after those they refer to, table by
                    // table.
                    if *is_new {
                        self.connection.flush_if_full()?;
                    }
                    place = &batch.texts[text.clone()];
                }
                Job::Prepare(table) => {
                    let inserter = self.connection.inserter(&table.name, &table.columns);
                    let inserter = inserter.map_err(|error| error.within(place))?;
                    self.prepared.push((Arc::clone(table), inserter));
                }
                Job::Task(task, count) => {
                    values.clear();
                    values.extend(cells.by_ref().take(*count).map(|cell| batch.value(cell)));
                    self.perform(task, &values)
                        .map_err(|error| error.within(place))?;
                }
            }
        }
        Ok(())
    }

    fn perform(&mut self, task: &Task, values: &[Value<'_>]) -> Result<()> {
        match task {
            Task::Insert(table) => {
                let (_, inserter) = self.prepared.get(*table).ok_or_else(lost)?;
                self.connection.insert(*inserter, values)
            }
            Task::Update(table, id) => {
                let (table, _) = self.prepared.get(*table).ok_or_else(lost)?;
                let columns = &table.columns[1..];
                self.connection
                    .update_row(&table.name, columns, *id, values)
            }
            Task::Set(table) => {
                let columns = &table.columns;
                let sql = references::update_of_row(&*self.connection, &table.name, columns);
                self.connection.execute(&sql, values).map(drop)
            }
        }
    }
}

#[cfg(test)]
mod tests;
