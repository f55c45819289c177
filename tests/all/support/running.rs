//! Runs that have begun, and that a test holds at a certain point or ends: nothing depends on how fast anything is.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command};

use super::cli::{Outcome, PLAIN, Project, run};

/// A run that has begun.
pub struct Running {
    child: Child,
    stderr: BufReader<ChildStderr>,
    said: String,
}

impl Running {
    /// Starts a run whose stderr is a pipe.
    pub fn start(mut command: Command) -> Running {
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Running {
            child,
            stderr,
            said: String::new(),
        }
    }

    /// Reads what the run says up to a line that begins with this.
    pub fn until(&mut self, beginning: &str) -> &mut Running {
        loop {
            let start = self.said.len();
            let read = self.stderr.read_line(&mut self.said).unwrap();
            assert!(read > 0, "it never says {beginning}\n{}", self.said);
            if self.said[start..].starts_with(beginning) {
                return self;
            }
        }
    }

    /// What the run has said as far as it was read.
    pub fn said(&self) -> &str {
        &self.said
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends the run a signal of this name.
    pub fn signal(&mut self, name: &str) {
        let process = self.child.id().to_string();
        run(Command::new("kill").args(["-s", name, &process])).ends_with(0);
    }

    /// Waits for the end, and gives all that was said.
    pub fn end(self) -> Outcome {
        let Running {
            child,
            mut stderr,
            mut said,
        } = self;
        stderr.read_to_string(&mut said).unwrap();
        let mut output = child.wait_with_output().unwrap();
        output.stderr = said.into_bytes();
        Outcome::of(output)
    }

    /// Kills the run, gives it no time to tidy up, and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Whether the run is over.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }
}

/// More files that are missing than their warnings fit into a pipe, several times over.
pub const MISSING: u32 = 900;

/// What makes a project whose export cannot end before its warnings are read.
pub fn miss_files() -> String {
    format!(
        "INSERT INTO files (document_id, name, hash, ext, mime, size, url, provider)
         WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {MISSING})
         SELECT n, n, concat('missing', n), '.txt', 'text/plain', 1, concat('/uploads/missing', n, '.txt'), 'local'
         FROM numbers"
    )
}

/// An export that waits in the middle of the files that are missing.
pub fn export_half_way(project: &Project) -> Running {
    let options = [&["-f", "site", "--overwrite"], &PLAIN[..]].concat();
    let mut running = Running::start(project.command("export", options));
    running.until("warning: plugin::upload.file ");
    running
}
