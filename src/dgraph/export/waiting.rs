//! Waits for a task of a server.

use super::asking::{Asking, Taken};
use crate::dgraph::row::shown;
use crate::dgraph::server::text;
use crate::dgraph::server::{Path, Server};
use crate::error::{Error, Result};
use serde_json::Value;
use std::time::Duration;

/// How long it is waited before it is asked for the first time, and at most; each pause is half as long again.
const PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How long it is waited in all. Servers do not say how far a task is, only that it runs, whatever it takes; and one whose
/// status changes no more cannot be told from one that is at work.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// What the status of a task begins with that ends without an export, in small letters.
const ENDS: [&str; 4] = ["fail", "cancel", "abort", "error"];
/// How often a server may say that it does not know the task. Right after the start it may not know it yet.
const UNKNOWN: u32 = 5;

/// Waits until a task is done. Gives the last answer.
///
/// # Errors
/// It fails, or the server knows nothing of it, or does not answer; or the user wants the run to stop.
pub(super) fn wait(server: &Server, path: Path, asking: &mut Asking, id: &str) -> Result<Value> {
    let (mut pause, mut unknown, mut waited) = (PAUSE, 0, Duration::ZERO);
    let place = format!("{}, task {id}", server.endpoint());
    let fail = |what: &str| Error::failed(format!("{place}: {what}"));
    loop {
        let answer = match asking.ask(server, path, &mut |_| Ok(true))? {
            Taken::Answer(answer) => answer,
            Taken::Refused(said) => return Err(server.refused("to say how far it is", &said)),
            Taken::Unknown => {
                return Err(
                    fail("it started the export, and has no way to say how far it is")
                        .hint("see what the server's log says"),
                );
            }
        };
        let status = text(&answer, "status").unwrap_or_default();
        match status.to_ascii_lowercase().as_str() {
            "success" => return Ok(answer),
            end if ENDS.iter().any(|it| end.starts_with(it)) => {
                let what = format!("the export failed there: its status is {}", shown(status));
                return Err(fail(&what).hint(
                    "see what the log of the server says, such as a full disk, and run it again",
                ));
            }
            "unknown" | "" if unknown == UNKNOWN => {
                return Err(fail("the server does not know it").hint(
                    "see what the log of the server says; it forgets its tasks where its disk was replaced",
                ));
            }
            "unknown" | "" => unknown += 1,
            _ if waited >= LONGEST => {
                let what = format!(
                    "after {} hours its status is {}",
                    LONGEST.as_secs() / 3_600,
                    shown(status)
                );
                return Err(fail(&what).hint(
                    "see what the log of the server says; a server that is started again ends its tasks",
                ));
            }
            _ => {}
        }
        server.pause(pause)?;
        waited += pause;
        pause = LONGEST_PAUSE.min(pause * 3 / 2);
    }
}
