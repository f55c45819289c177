//! Shows a transfer while it runs: bars on a terminal, plain lines elsewhere, both on stderr.

use super::{Cancellation, terminal};
use crate::model::Stage;
use crate::transfer::{Event, Observer, Phase, Warning};
use indicatif::{DecimalBytes, HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often a plain line is printed within a stage.
const PLAIN_EVERY: Duration = Duration::from_secs(10);
/// How often a bar is drawn anew.
const DRAW_EVERY: Duration = Duration::from_millis(100);

/// Draws progress.
pub(super) struct Progress {
    cancelled: Arc<AtomicBool>,
    drawing: bool,
    verbose: bool,
    running: Mutex<Option<Running>>,
}

/// The stage that is on.
struct Running {
    stage: Stage,
    bar: ProgressBar,
    started: Instant,
    shown: Instant,
    items: u64,
    bytes: u64,
}

impl Running {
    fn new(stage: Stage, items: Option<u64>, drawing: bool) -> Self {
        let bar = if drawing {
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
            bar.with_style(style).with_prefix(stage.as_str())
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

    fn advance(&mut self, items: u64, bytes: u64, drawing: bool) {
        self.items += items;
        self.bytes += bytes;
        let every = if drawing { DRAW_EVERY } else { PLAIN_EVERY };
        if self.shown.elapsed() < every {
            return;
        }
        self.shown = Instant::now();
        if drawing {
            self.bar.set_message(self.rate());
            self.bar.set_position(self.items);
        } else {
            terminal::tell(&format!(
                "{}: {} so far, {}",
                self.stage,
                HumanCount(self.items),
                self.rate()
            ));
        }
    }

    fn finish(self, verbose: bool) {
        self.bar.finish_and_clear();
        let took = if verbose {
            format!(", {:.2} s", self.started.elapsed().as_secs_f64())
        } else if self.started.elapsed() >= Duration::from_secs(1) {
            format!(", {}", HumanDuration(self.started.elapsed()))
        } else {
            String::new()
        };
        terminal::tell(&format!(
            "{:14} {}, {}{took}",
            self.stage.as_str(),
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
            drawing: io::stderr().is_terminal(),
            verbose,
            running: Mutex::new(None),
        }
    }
}

/// Prints a line, above the bar if there is one.
fn line(running: Option<&Running>, text: &str) {
    match running {
        Some(running) => running.bar.suspend(|| terminal::tell(text)),
        None => terminal::tell(text),
    }
}

/// A warning as a line: what makes the result incomplete is a warning, all else a note.
fn worded(warning: &Warning) -> String {
    let label = if warning.kind.is_incomplete() {
        "warning"
    } else {
        "note"
    };
    format!("{label}: {warning}")
}

impl Observer for Progress {
    fn on(&self, event: Event<'_>) {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Entered(Phase::Checking) => line(running.as_ref(), "checking the archive"),
            Event::Entered(Phase::Finishing) => line(running.as_ref(), "finishing"),
            Event::StageStarted { stage, items } => {
                *running = Some(Running::new(stage, items, self.drawing));
            }
            Event::Advanced { items, bytes, .. } => {
                if let Some(running) = running.as_mut() {
                    running.advance(items, bytes, self.drawing);
                }
            }
            Event::StageFinished { .. } => {
                if let Some(running) = running.take() {
                    running.finish(self.verbose);
                }
            }
            Event::Warned(warning) => line(running.as_ref(), &worded(warning)),
        }
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}
