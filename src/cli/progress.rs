//! Shows a transfer while it runs: bars on a terminal, plain lines elsewhere, both on stderr; or objects of JSON.

use super::terminal::Voice;
use super::{Cancellation, terminal};
use crate::prisma::{self, Watch};
use crate::transfer::summary::WarningFacts;
use crate::transfer::{Event, Observer, Phase, Warning};
use indicatif::{DecimalBytes, HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use serde::Serialize;
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a plain line is printed within a stage.
const PLAIN_EVERY: Duration = Duration::from_secs(10);
/// How often an object of JSON is printed within a stage.
const OBJECT_EVERY: Duration = Duration::from_secs(1);
/// How often a bar is drawn anew.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// How progress is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// As bars.
    Bars,
    /// As lines.
    Lines,
    /// As objects of JSON.
    Objects,
    /// Not at all.
    Hidden,
}

/// Progress as an object. docs/SCRIPTING.md describes them.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Object<'a> {
    Phase {
        phase: &'static str,
    },
    Progress {
        stage: &'static str,
        status: &'static str,
        items: u64,
        bytes: u64,
        total: Option<u64>,
        seconds: f64,
    },
    Warning(&'a WarningFacts),
}

/// Draws progress.
pub(super) struct Progress {
    cancelled: Arc<AtomicBool>,
    manner: Manner,
    verbose: bool,
    /// What is looked at before anything is changed.
    coming: &'static str,
    running: Mutex<Option<Running>>,
}

/// The stage that is on.
struct Running {
    stage: &'static str,
    bar: ProgressBar,
    started: Instant,
    shown: Instant,
    items: u64,
    bytes: u64,
    total: Option<u64>,
}

impl Running {
    fn new(stage: &'static str, items: Option<u64>, manner: Manner) -> Self {
        let bar = if manner == Manner::Bars {
            let template = match items {
                Some(_) => "{prefix:14} [{bar:24}] {human_pos}/{human_len}  {msg}",
                None => "{prefix:14} {spinner} {human_pos}  {msg}",
            };
            let style = ProgressStyle::with_template(template)
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> ");
            let bar = match items {
                Some(items) => ProgressBar::new(items),
                None => ProgressBar::new_spinner(),
            };
            bar.with_style(style).with_prefix(stage)
        } else {
            ProgressBar::hidden()
        };
        let now = Instant::now();
        Self {
            stage,
            bar,
            started: now,
            shown: now,
            items: 0,
            bytes: 0,
            total: items,
        }
    }

    fn object(&self, status: &'static str) -> Object<'static> {
        Object::Progress {
            stage: self.stage,
            status,
            items: self.items,
            bytes: self.bytes,
            total: self.total,
            seconds: (self.started.elapsed().as_secs_f64() * 1000.0).round() / 1000.0,
        }
    }

    fn rate(&self) -> String {
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        format!(
            "{}, {}/s",
            DecimalBytes(self.bytes),
            DecimalBytes((self.bytes as f64 / seconds) as u64)
        )
    }

    fn advance(&mut self, items: u64, bytes: u64, manner: Manner) {
        self.items += items;
        self.bytes += bytes;
        let every = match manner {
            Manner::Bars => DRAW_EVERY,
            Manner::Lines => PLAIN_EVERY,
            Manner::Objects => OBJECT_EVERY,
            Manner::Hidden => return,
        };
        if self.shown.elapsed() < every {
            return;
        }
        self.shown = Instant::now();
        match manner {
            Manner::Bars => {
                self.bar.set_message(self.rate());
                self.bar.set_position(self.items);
            }
            Manner::Objects => terminal::object(&self.object("running")),
            Manner::Lines | Manner::Hidden => terminal::tell(&format!(
                "{}: {} so far, {}",
                self.stage,
                HumanCount(self.items),
                self.rate()
            )),
        }
    }

    fn finish(self, manner: Manner, verbose: bool) {
        self.bar.finish_and_clear();
        match manner {
            Manner::Bars | Manner::Lines => {}
            Manner::Objects => return terminal::object(&self.object("finished")),
            Manner::Hidden => return,
        }
        let took = if verbose {
            format!(", {:.2} s", self.started.elapsed().as_secs_f64())
        } else if self.started.elapsed() >= Duration::from_secs(1) {
            format!(", {}", HumanDuration(self.started.elapsed()))
        } else {
            String::new()
        };
        terminal::tell(&format!(
            "{:14} {}, {}{took}",
            self.stage,
            HumanCount(self.items),
            DecimalBytes(self.bytes),
        ));
    }
}

impl Progress {
    /// Progress that stops the transfer when the user asks for it.
    pub fn new(cancellation: &Cancellation, verbose: bool) -> Self {
        Self {
            cancelled: Arc::clone(&cancellation.requested),
            manner: match terminal::voice() {
                Voice::Words if io::stderr().is_terminal() => Manner::Bars,
                Voice::Words => Manner::Lines,
                Voice::Quiet => Manner::Hidden,
                Voice::Json(_) => Manner::Objects,
            },
            verbose,
            coming: "the archive",
            running: Mutex::new(None),
        }
    }

    /// The same, where something else than an archive is looked at.
    #[must_use]
    pub fn checking(self, coming: &'static str) -> Self {
        Self { coming, ..self }
    }
}

/// Says something, above the bar if there is one.
fn above(running: Option<&Running>, say: impl FnOnce()) {
    match running {
        Some(running) => running.bar.suspend(say),
        None => say(),
    }
}

/// Says a warning: what makes the result incomplete is one, all else a note.
pub(super) fn warn(warning: &Warning) {
    match terminal::voice() {
        Voice::Json(_) => terminal::object(&Object::Warning(&WarningFacts::from(warning))),
        _ if warning.kind.is_incomplete() => terminal::alert(&format!("warning: {warning}")),
        _ => terminal::tell(&format!("note: {warning}")),
    }
}

/// Says what the transfer does next.
fn enter(phase: Phase, coming: &str) {
    let (phase, line) = match phase {
        Phase::Checking => ("checking", format!("checking {coming}")),
        Phase::Finishing => ("finishing", "finishing".to_owned()),
    };
    match terminal::voice() {
        Voice::Json(_) => terminal::object(&Object::Phase { phase }),
        _ => terminal::tell(&line),
    }
}

impl Progress {
    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, stage: &'static str, items: Option<u64>) {
        let started = Running::new(stage, items, self.manner);
        if self.manner == Manner::Objects {
            terminal::object(&started.object("started"));
        }
        *self.running() = Some(started);
    }

    fn advance(&self, items: u64, bytes: u64) {
        if let Some(running) = self.running().as_mut() {
            running.advance(items, bytes, self.manner);
        }
    }

    fn finish(&self) {
        if let Some(running) = self.running().take() {
            running.finish(self.manner, self.verbose);
        }
    }
}

impl Watch for Progress {
    fn on(&self, event: prisma::Event<'_>) {
        match event {
            prisma::Event::Began { what, items } => self.begin(what, items),
            prisma::Event::Advanced { items, bytes } => self.advance(items, bytes),
            prisma::Event::Ended => self.finish(),
            prisma::Event::Noted(text) => {
                above(self.running().as_ref(), || {
                    terminal::tell(&format!("note: {text}"))
                });
            }
        }
    }
}

impl Observer for Progress {
    fn on(&self, event: Event<'_>) {
        match event {
            Event::Entered(phase) => above(self.running().as_ref(), || enter(phase, self.coming)),
            Event::StageStarted { stage, items } => self.begin(stage.as_str(), items),
            Event::Advanced { items, bytes, .. } => self.advance(items, bytes),
            Event::StageFinished { .. } => self.finish(),
            Event::Warned(warning) => above(self.running().as_ref(), || warn(warning)),
        }
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}
