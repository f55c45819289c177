//! Shows a transfer while it runs: bars on a terminal, plain lines elsewhere, both on stderr.

use super::{Cancellation, terminal};
use crate::transfer::{Observer, Stage, Warning, WarningKind};
use indicatif::{DecimalBytes, HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
    running: RefCell<Option<Running>>,
    items: Cell<u64>,
    bytes: Cell<u64>,
}

/// The stage that is on.
struct Running {
    stage: Stage,
    bar: ProgressBar,
    started: Instant,
    shown: Instant,
}

impl Progress {
    /// Progress that stops the transfer when the user asks for it.
    pub fn new(cancellation: &Cancellation, verbose: bool) -> Self {
        Self {
            cancelled: Arc::clone(&cancellation.requested),
            drawing: io::stderr().is_terminal(),
            verbose,
            running: RefCell::new(None),
            items: Cell::new(0),
            bytes: Cell::new(0),
        }
    }

    /// Prints a line, above the bar if there is one.
    fn line(&self, text: &str) {
        match &*self.running.borrow() {
            Some(running) => running.bar.suspend(|| terminal::tell(text)),
            None => terminal::tell(text),
        }
    }

    fn rate(&self, running: &Running) -> String {
        let seconds = running.started.elapsed().as_secs_f64().max(0.001);
        let bytes = self.bytes.get();
        format!(
            "{}, {}/s",
            DecimalBytes(bytes),
            DecimalBytes((bytes as f64 / seconds) as u64)
        )
    }
}

impl Observer for Progress {
    fn stage_started(&self, stage: Stage, items: Option<u64>) {
        self.items.set(0);
        self.bytes.set(0);
        let bar = if self.drawing {
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
        *self.running.borrow_mut() = Some(Running {
            stage,
            bar,
            started: now,
            shown: now,
        });
    }

    fn advanced(&self, _stage: Stage, items: u64, bytes: u64) {
        self.items.set(self.items.get() + items);
        self.bytes.set(self.bytes.get() + bytes);
        let mut running = self.running.borrow_mut();
        let Some(running) = running.as_mut() else {
            return;
        };
        let every = if self.drawing {
            DRAW_EVERY
        } else {
            PLAIN_EVERY
        };
        if running.shown.elapsed() < every {
            return;
        }
        running.shown = Instant::now();
        if self.drawing {
            running.bar.set_message(self.rate(running));
            running.bar.set_position(self.items.get());
        } else {
            terminal::tell(&format!(
                "{}: {} so far, {}",
                running.stage,
                HumanCount(self.items.get()),
                self.rate(running)
            ));
        }
    }

    fn stage_finished(&self, _stage: Stage) {
        let Some(running) = self.running.borrow_mut().take() else {
            return;
        };
        running.bar.finish_and_clear();
        let took = if self.verbose {
            format!(", {:.2} s", running.started.elapsed().as_secs_f64())
        } else if running.started.elapsed() >= Duration::from_secs(1) {
            format!(", {}", HumanDuration(running.started.elapsed()))
        } else {
            String::new()
        };
        terminal::tell(&format!(
            "{:14} {}, {}{took}",
            running.stage.as_str(),
            HumanCount(self.items.get()),
            DecimalBytes(self.bytes.get()),
        ));
    }

    fn warned(&self, warning: &Warning) {
        let label = match warning.kind {
            WarningKind::Notice => "note",
            _ => "warning",
        };
        self.line(&format!("{label}: {warning}"));
    }

    fn noted(&self, note: &str) {
        self.line(note);
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}
