//! A connection that a thread has while it writes rows, so that the next ones can be made meanwhile.

use crate::error::{Error, Result};
use crate::threads::start;
use std::thread::JoinHandle;

/// What a thread may have for a while.
pub(super) struct Lent<T>(State<T>);

enum State<T> {
    Here(T),
    Away(JoinHandle<(T, Result<()>)>),
    /// Only while it changes, or after the system gave no thread.
    Nowhere,
}

impl<T: Send + 'static> Lent<T> {
    pub fn new(own: T) -> Self {
        Self(State::Here(own))
    }

    /// The thing itself, once the thread that had it is done.
    ///
    /// # Errors
    /// That failed, which is told once.
    pub fn here(&mut self) -> Result<&mut T> {
        if let State::Away(_) = &self.0 {
            let State::Away(thread) = std::mem::replace(&mut self.0, State::Nowhere) else {
                return Err(lost());
            };
            let (own, outcome) = thread
                .join()
                .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            self.0 = State::Here(own);
            outcome?;
        }
        match &mut self.0 {
            State::Here(own) => Ok(own),
            _ => Err(lost()),
        }
    }

    /// Has a thread do this with it, after what an earlier one was asked to do.
    ///
    /// # Errors
    /// That failed, or the system gives no thread.
    pub fn lend(&mut self, work: impl FnOnce(&mut T) -> Result<()> + Send + 'static) -> Result<()> {
        self.here()?;
        let State::Here(mut own) = std::mem::replace(&mut self.0, State::Nowhere) else {
            return Err(lost());
        };
        let thread = start(move || {
            let outcome = work(&mut own);
            (own, outcome)
        })?;
        self.0 = State::Away(thread);
        Ok(())
    }
}

fn lost() -> Error {
    Error::failed("the connection to the database is gone")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_done_in_its_order() {
        let mut lent = Lent::new(Vec::new());
        for number in 0..100 {
            let add = move |list: &mut Vec<i32>| {
                list.push(number);
                Ok(())
            };
            lent.lend(add).expect("a thread");
        }
        assert_eq!(*lent.here().expect("done"), Vec::from_iter(0..100));
    }

    #[test]
    fn a_failure_is_told_once_and_by_whatever_comes_next() {
        let fail = |_: &mut i32| Err(Error::failed("no"));
        let mut lent = Lent::new(1);
        lent.lend(fail).expect("a thread");
        assert_eq!(lent.lend(|_| Ok(())).expect_err("failed").to_string(), "no");
        lent.lend(fail).expect("a thread");
        assert_eq!(lent.here().expect_err("failed").to_string(), "no");
        assert_eq!(*lent.here().expect("told"), 1);
    }
}
