//! Ends what a connection waits for, when the run is to stop: a server can keep a statement waiting for
//! as long as somebody else holds a lock.

use crate::error::{Error, Result};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How often a watch looks.
pub(crate) const GLANCE: Duration = Duration::from_millis(200);

/// How long a database may take to end a statement before that is said.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long a database may take to answer before that is said.
pub(crate) const SLOW: Duration = Duration::from_secs(10);

/// Whether a run is to stop. All clones are one. What was asked for once stays asked for.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Nothing where nobody can ask for it.
    requested: Option<Arc<AtomicBool>>,
    shut_out: Arc<Mutex<bool>>,
    when_shut_out: Hook,
    when_kept_waiting: Hook,
    when_slow: Listener,
    /// Whether it was said that it takes long.
    told: Arc<AtomicBool>,
}

/// Somebody who wants to know.
#[derive(Clone, Default)]
struct Hook(Option<Arc<dyn Fn() + Send + Sync>>);

/// Somebody who wants to hear something.
#[derive(Clone, Default)]
struct Listener(Option<Arc<Hear>>);

type Hear = dyn Fn(&str) + Send + Sync;

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").field(&self.0.is_some()).finish()
    }
}

impl Hook {
    fn call(&self) {
        if let Some(hook) = &self.0 {
            hook();
        }
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hook").field(&self.0.is_some()).finish()
    }
}

impl Stop {
    /// Asked for by setting `requested`.
    pub fn new(requested: Arc<AtomicBool>) -> Self {
        Self {
            requested: Some(requested),
            ..Self::default()
        }
    }

    /// Calls this once it is shut out, before anything is done that must not be stopped.
    #[must_use]
    pub fn when_shut_out(self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            when_shut_out: Hook(Some(Arc::new(hook))),
            ..self
        }
    }

    /// Calls this, once at most, where it was asked for and a database goes on for more than a second
    /// all the same, as one does that does not answer any more.
    #[must_use]
    pub fn when_kept_waiting(self, hook: impl Fn() + Send + Sync + 'static) -> Self {
        Self {
            when_kept_waiting: Hook(Some(Arc::new(hook))),
            ..self
        }
    }

    /// Calls this with words for what a database was asked, where it does not answer for ten seconds.
    #[must_use]
    pub fn when_slow(self, listener: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self {
            when_slow: Listener(Some(Arc::new(listener))),
            ..self
        }
    }

    /// Says that something takes long.
    pub(crate) fn tell_slow(&self, what: &str) {
        if let Some(listener) = &self.when_slow.0 {
            listener(what);
        }
    }

    /// Whether it can be asked for.
    pub fn is_possible(&self) -> bool {
        self.requested.is_some()
    }

    /// Whether it was asked for, in time.
    pub fn is_requested(&self) -> bool {
        self.is_asked() && !*self.is_shut_out()
    }

    /// Does not hear it any more: what comes now is done to its end.
    ///
    /// # Errors
    /// Kind [`Interrupted`](crate::error::Kind::Interrupted): it was asked for before.
    pub fn shut_out(&self) -> Result<()> {
        let mut shut_out = self.is_shut_out();
        if *shut_out {
            return Ok(());
        }
        if self.is_asked() {
            return Err(Error::interrupted());
        }
        *shut_out = true;
        drop(shut_out);
        self.when_shut_out.call();
        Ok(())
    }

    fn is_asked(&self) -> bool {
        let requested = self.requested.as_ref();
        requested.is_some_and(|requested| requested.load(Ordering::Relaxed))
    }

    fn is_shut_out(&self) -> MutexGuard<'_, bool> {
        self.shut_out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says later that it takes long, unless `ended` is set by then.
    fn tell_later(&self, ended: &Arc<AtomicBool>) {
        let (stop, ended) = (self.clone(), Arc::clone(ended));
        let tell = move || {
            thread::sleep(PATIENCE);
            if !ended.load(Ordering::Relaxed) && !stop.told.swap(true, Ordering::Relaxed) {
                stop.when_kept_waiting.call();
            }
        };
        // Without a thread it is not said.
        let _ = thread::Builder::new().spawn(tell);
    }
}

/// The error for a statement that a server gave up because it was told to: the user's wish, where that was asked for,
/// else somebody else's, which the server words as `reason`.
pub(super) fn cancelled(target: &str, action: &str, is_asked: bool, reason: &str) -> Error {
    if is_asked {
        return Error::interrupted();
    }
    Error::failed(format!(
        "cannot {action} {target}: somebody else cancelled the statement, or a limit of the server did: {reason}"
    ))
    .hint("nothing was changed; ask who looks after the server, and run it again")
}

/// A thread that stops the statements of a connection, again and again, once that is asked for. It ends
/// with the value.
pub(super) struct Watch {
    stop: Stop,
    ended: Arc<AtomicBool>,
    asked: Asked,
    thread: Thread,
}

/// What the database was asked, and when, until it answers.
type Asked = Arc<Mutex<Option<(Instant, String)>>>;

/// Something that the database was asked. It has answered when this goes.
pub(super) struct Question(Asked);

impl Drop for Question {
    fn drop(&mut self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// What there is to say of a question that waits for its answer, once.
fn overdue(asked: &Asked) -> Option<String> {
    let mut asked = asked.lock().unwrap_or_else(PoisonError::into_inner);
    match asked.take() {
        Some((since, what)) if since.elapsed() >= SLOW => Some(what),
        waiting => {
            *asked = waiting;
            None
        }
    }
}

impl Watch {
    /// Watches `stop`, and calls `cancel` to stop the statement that runs, if there is one. Nobody
    /// watches where nobody can ask for it.
    pub fn start(stop: &Stop, mut cancel: impl FnMut() + Send + 'static) -> Option<Self> {
        let stop = stop.is_possible().then(|| stop.clone())?;
        let ended = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&ended);
        let own = stop.clone();
        let asked = Asked::default();
        let waiting = Arc::clone(&asked);
        let watch = move || {
            let mut is_first = true;
            while !seen.load(Ordering::Relaxed) {
                if let Some(what) = overdue(&waiting) {
                    stop.tell_slow(&what);
                }
                // What is asked for in time is never shut out: so no statement after that can be hit, and
                // nobody has to wait until a server hears of it.
                if stop.is_requested() {
                    if std::mem::take(&mut is_first) {
                        stop.tell_later(&seen);
                    }
                    cancel();
                }
                thread::park_timeout(GLANCE);
            }
        };
        let handle = thread::Builder::new().spawn(watch).ok()?;
        Some(Self {
            stop: own,
            ended,
            asked,
            thread: handle.thread().clone(),
        })
    }
}

/// Whether a statement that was stopped was so because this run is to stop, and not by somebody else.
pub(super) fn is_asked(watch: &Option<Watch>) -> bool {
    watch.as_ref().is_some_and(|it| it.stop.is_requested())
}

/// The longest text of a statement that is told.
const TOLD: usize = 100;

/// Notes that a database is asked something, in words or SQL without values, until what this gives goes.
pub(super) fn ask(watch: &Option<Watch>, target: &str, what: &str) -> Option<Question> {
    let watch = watch.as_ref()?;
    let mut what: String = what.chars().take(TOLD).collect();
    what.insert_str(0, &format!("{target} does not answer yet: "));
    let mut asked = watch.asked.lock().unwrap_or_else(PoisonError::into_inner);
    *asked = Some((Instant::now(), what));
    Some(Question(Arc::clone(&watch.asked)))
}

/// What tells that this run is to stop, for threads.
pub(super) fn stop_of(watch: &Option<Watch>) -> Stop {
    watch.as_ref().map(|it| it.stop.clone()).unwrap_or_default()
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        self.thread.unpark();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use std::sync::mpsc;

    #[test]
    fn what_is_asked_for_after_it_was_shut_out_is_not_heard() {
        let requested = Arc::new(AtomicBool::new(false));
        let (sender, told) = mpsc::channel();
        let tell = move || sender.send(()).expect("a listener");
        let stop = Stop::new(Arc::clone(&requested)).when_shut_out(tell);
        stop.clone().shut_out().expect("nobody asked");
        requested.store(true, Ordering::Relaxed);
        assert!(!stop.is_requested());
        stop.shut_out().expect("nobody asked in time");
        drop(stop);
        assert_eq!(told.iter().count(), 1);
    }

    #[test]
    fn what_was_asked_for_is_not_shut_out() {
        let stop = Stop::new(Arc::new(AtomicBool::new(true)));
        let stop = stop.when_shut_out(|| panic!("somebody asked"));
        let error = stop.shut_out().expect_err("somebody asked");
        assert_eq!(error.kind(), Kind::Interrupted);
        let (sender, calls) = mpsc::channel();
        let watch = Watch::start(&stop, move || {
            let _ = sender.send(());
        });
        // Again and again: the first one may come before there is anything to stop.
        calls.iter().take(2).for_each(drop);
        drop(watch);
    }

    #[test]
    fn a_server_that_does_not_answer_keeps_nobody_waiting_who_wants_to_stop() {
        let (sender, told) = mpsc::channel();
        let tell = move || sender.send(()).expect("a listener");
        let stop = Stop::new(Arc::new(AtomicBool::new(true))).when_kept_waiting(tell);
        let (cancelling, begun) = mpsc::channel();
        let (answer, server) = mpsc::channel::<()>();
        let watch = Watch::start(&stop, move || {
            let _ = cancelling.send(());
            let _ = server.recv();
        });
        begun.recv().expect("it is cancelled");
        let error = stop.shut_out().expect_err("somebody asked");
        assert_eq!(error.kind(), Kind::Interrupted);
        told.recv().expect("it is said that it takes long");
        drop((answer, watch));
    }

    #[test]
    fn a_question_that_waits_long_is_told_once() {
        let stop = Stop::new(Arc::new(AtomicBool::new(false)));
        let watch = Watch::start(&stop, || {});
        let asked = Arc::clone(&watch.as_ref().expect("a watch").asked);
        let question = ask(&watch, "the database", "SELECT 1").expect("a question");
        assert_eq!(overdue(&asked), None);
        let words = "the database does not answer yet: SELECT 1".to_owned();
        let since = Instant::now().checked_sub(SLOW).expect("a time");
        let held = asked.lock().expect("free").replace((since, words.clone()));
        assert_eq!(held.map(|(_, words)| words).as_ref(), Some(&words));
        // The watch may be faster.
        let told = overdue(&asked);
        assert!(told.is_none_or(|told| told == words));
        assert_eq!(overdue(&asked), None);
        drop(question);
        assert!(asked.lock().expect("free").is_none());
    }

    #[test]
    fn nobody_watches_where_nobody_can_ask() {
        assert!(Watch::start(&Stop::default(), || ()).is_none());
        assert!(!Stop::default().is_requested());
    }
}
