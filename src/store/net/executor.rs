//! Waits for what is asynchronous.

use crate::error::{Error, Result};
use crate::store::Interrupt;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};

/// How many threads move bytes and sign requests.
const THREADS: usize = 2;
/// How often it is looked whether the user wants the run to stop.
pub(in crate::store) const GLANCE: Duration = Duration::from_millis(100);

/// Runs what is asynchronous. It ends without waiting for anything: a name that is looked up may take minutes.
pub(in crate::store) struct Executor(Option<Runtime>);

impl Executor {
    pub fn new() -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| {
            Error::failed(format!("cannot start a thread: {error}"))
                .hint("let this user have more processes (ulimit -u), and run it again")
        })?;
        Ok(Self(Some(runtime)))
    }

    pub fn handle(&self) -> &Handle {
        self.0
            .as_ref()
            .expect("it runs until it is dropped")
            .handle()
    }

    /// Waits for something, until the user wants the run to stop.
    pub fn run<T>(&self, interrupt: &Interrupt, work: impl Future<Output = T>) -> Result<T> {
        self.handle().block_on(async {
            let mut work = pin!(work);
            loop {
                match tokio::time::timeout(GLANCE, work.as_mut()).await {
                    Ok(done) => return Ok(done),
                    Err(_) => interrupt.stop()?,
                }
            }
        })
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
