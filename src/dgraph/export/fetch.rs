//! Fetches a file by a signed URL, and goes on where a connection broke.

use super::names::FileName;
use super::place::Place;
use super::whole::{Found, check};
use crate::checking::{Event, Watch};
use crate::dgraph::server::Server;
use crate::error::{Error, Result};
use crate::store::{Distrust, Interrupt, Rest, Unanswered};
use std::fs::File;
use std::io::{Seek, Write};
use std::time::Duration;
use url::Url;

/// How often a file is asked for that brings nothing new, and how long it is waited after the first time.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// A connection that brought so many bytes before it broke was worth it.
const MUCH: u64 = 1 << 20;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fetched {
    /// It is there to its last byte.
    Whole,
    /// Its URL holds no more.
    Expired,
}

/// Why a try was none.
enum Broken {
    /// It may come the next time; after so long at the least.
    Again(String, Duration),
    /// It will not.
    Last(Error),
    Expired,
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Last(error)
    }
}

/// A file as far as it is there.
struct Partial {
    file: File,
    /// How many bytes there are.
    at: u64,
    /// How many there will be, where that is known.
    length: Option<u64>,
    /// What says later whether it is the same.
    validator: Option<String>,
}

impl Partial {
    fn restart(&mut self) -> std::io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        (self.at, self.length, self.validator) = (0, None, None);
        Ok(())
    }
}

/// Fetches a file into a place.
///
/// # Errors
/// It cannot be fetched, or is never whole, or cannot be written; or the user wants the run to stop. No message holds the
/// URL, which is a secret.
pub(super) fn fetch(
    server: &Server,
    (name, url): (FileName, &Url),
    place: &Place,
    interrupt: &Interrupt,
    watch: &dyn Watch,
) -> Result<Fetched> {
    let host = url.host_str().unwrap_or_default();
    let mut partial = Partial {
        file: place.create(name)?,
        at: 0,
        length: None,
        validator: None,
    };
    let (mut pause, mut tries, mut reached) = (PAUSE, 1, 0);
    loop {
        let come = attempt(server, (name, url), &mut partial, place, watch);
        let has_come = come.is_ok();
        let (why, least) = match come.and_then(|()| whole(name, &mut partial, place, interrupt)) {
            Ok(()) => return Ok(Fetched::Whole),
            Err(Broken::Expired) => {
                place.remove(name)?;
                return Ok(Fetched::Expired);
            }
            Err(Broken::Last(error)) => return Err(error),
            Err(Broken::Again(why, least)) => (why, least),
        };
        if partial.at >= reached + MUCH {
            (pause, tries) = (PAUSE, 0);
        }
        reached = partial.at;
        if tries == TRIES {
            let what = format!("cannot fetch {name} from {host}: {why}");
            return Err(Error::failed(what).hint(match has_come {
                true => {
                    "all of it came, as the store has it: it may have been cut, unpacked or encrypted there; run it again for \
                     another export, and see what the log of the server says"
                }
                false => "see that the network is there, and run it again",
            }));
        }
        tries += 1;
        server.pause(pause.max(least).min(LONGEST_PAUSE))?;
        pause *= 2;
    }
}

/// Asks once for what is not there yet.
fn attempt(
    server: &Server,
    (name, url): (FileName, &Url),
    partial: &mut Partial,
    place: &Place,
    watch: &dyn Watch,
) -> Result<(), Broken> {
    let disk = |error| place.failed(name, error);
    let host = url.host_str().unwrap_or_default();
    let rest = partial.validator.clone().filter(|_| partial.at > 0);
    let rest = rest.map(|validator| Rest {
        from: partial.at,
        validator,
    });
    if rest.is_none() {
        partial.restart().map_err(disk)?;
    }
    let broken = |error| match error {
        Unanswered::Stopped(error) => Broken::Last(error),
        Unanswered::Unsent(why) | Unanswered::Lost(why) => match Distrust::seen(&why) {
            Some(distrust) => {
                let what = format!("cannot fetch {name}: {host} cannot be trusted: {distrust}");
                Broken::Last(Error::failed(what).hint(distrust.advice("--ca-file")))
            }
            None => Broken::Again(why, Duration::ZERO),
        },
    };
    let mut download = server.caller().get(url, rest.as_ref()).map_err(broken)?;
    let head = &download.head;
    let goes_on = rest.is_some()
        && head.status == 206
        && head.begins == partial.at
        && head.length == partial.length;
    match head.status {
        206 if goes_on => {}
        200 => {
            partial.restart().map_err(disk)?;
            partial.length = head.length;
            partial.validator = head.validator.clone();
        }
        206 | 416 => {
            // It is another file by now, or a server that counts otherwise.
            partial.restart().map_err(disk)?;
            return Err(Broken::Again(
                "its server does not go on in the middle".into(),
                Duration::ZERO,
            ));
        }
        401 | 403 | 410 => return Err(Broken::Expired),
        status => {
            let why = format!("its server answers with {status}");
            let least = head.retry_after.unwrap_or_default();
            return Err(match status {
                408 | 425 | 429 | 500.. => Broken::Again(why, least),
                _ => {
                    let what = format!("cannot fetch {name} from {host}: {why}");
                    Broken::Last(
                        Error::failed(what).hint("run it again: the server signs other URLs then"),
                    )
                }
            });
        }
    }
    while let Some(bytes) = download.next().map_err(broken)? {
        partial.file.write_all(&bytes).map_err(disk)?;
        partial.at += bytes.len() as u64;
        watch.on(Event::Advanced {
            items: 0,
            bytes: bytes.len() as u64,
        });
    }
    match partial.length.is_some_and(|length| partial.at < length) {
        true => Err(Broken::Again(
            "the connection ended early".into(),
            Duration::ZERO,
        )),
        false => Ok(()),
    }
}

/// Sees that a file is whole, and on disk. What is not is fetched anew.
fn whole(
    name: FileName,
    partial: &mut Partial,
    place: &Place,
    interrupt: &Interrupt,
) -> Result<(), Broken> {
    let disk = |error| place.failed(name, error);
    partial.file.sync_all().map_err(disk)?;
    let why = match check(place.read(name)?, name, interrupt) {
        Ok(Found::Whole) => return Ok(()),
        Ok(Found::Locked) => "what came is not compressed".to_owned(),
        Err(error) if error.kind() == crate::error::Kind::Interrupted => {
            return Err(Broken::Last(error));
        }
        Err(error) => error.to_string(),
    };
    partial.restart().map_err(disk)?;
    Err(Broken::Again(why, Duration::ZERO))
}
