//! The two requests of a service.
//!
//! Reading is asked for again when it fails. Sending is not, unless nothing can have come of it: the server only adds, and
//! an answer that is lost says nothing.

use super::super::ndf::ValueType;
use super::super::project::Secret;
use super::Endpoint;
use super::token::token;
use crate::error::{Error, Result};
use crate::hiding::Hiding;
use crate::store::{Access, Answer, Caller, Distrust, Interrupt, Unanswered};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::time::Duration;

/// How long a page may take, and what was sent.
const READING: Duration = Duration::from_secs(120);
const SENDING: Duration = Duration::from_secs(300);
/// How many bytes an answer may have: pages have a million characters, unless a single element is longer.
const LONGEST_PAGE: usize = 64 << 20;
const LONGEST_ANSWER: usize = 16 << 20;
/// How often something is asked for, and how long it is waited after the first time; then twice as long each time.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(250);
/// No server is left alone for longer by itself.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How much of a text of the service's is looked at, in bytes.
const LOOKED: usize = 16 << 10;
/// How much of an answer stands in messages, in bytes.
const SHOWN: usize = 300;
/// What separates messages of several rows in one of the server's.
const BETWEEN: &str = "-@-";

/// Where an export goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The type, list or relation, by its number; -1 at the end.
    pub table: i64,
    /// How many of its rows are through.
    pub row: i64,
    /// Without meaning.
    pub field: i64,
    /// Without meaning.
    pub array: i64,
}

impl Cursor {
    /// The beginning.
    pub const START: Self = Self {
        table: 0,
        row: 0,
        field: 0,
        array: 0,
    };

    /// Whether nothing comes behind it, as Prisma's own command line takes it.
    pub fn is_end(&self) -> bool {
        self.table
            .saturating_add(self.row)
            .saturating_add(self.field)
            .saturating_add(self.array)
            < 0
    }

    /// Whether an export that is here gets further with `next`. Servers count rows of a table, and then tables.
    fn leads_to(&self, next: Self) -> bool {
        next.is_end() || (next.table, next.row) > (self.table, self.row)
    }
}

/// A page of an export.
#[derive(Debug)]
pub struct Exported {
    /// Its elements.
    pub elements: Vec<Box<RawValue>>,
    /// Where the next one begins.
    pub next: Cursor,
}

/// What became of a request that was sent to `/import`.
#[derive(Debug)]
pub enum Outcome {
    /// All of it is there.
    Taken,
    /// Nothing has come of it.
    Unsent(Error),
    /// It is not known what has come of it.
    Lost(Error),
    /// The server lists what it did not take.
    Refused(Vec<String>),
}

/// A running service.
pub struct Service {
    endpoint: Endpoint,
    caller: Caller,
    /// What hides the token and the secret in whatever the service says.
    hidings: Vec<Hiding>,
    /// Whether the user wants the run to stop; a service that answers at once is never waited for.
    interrupt: Interrupt,
}

#[derive(Deserialize)]
struct PageAnswer {
    out: Out,
    cursor: Cursor,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Out {
    json_elements: Vec<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Failures {
    errors: Vec<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    message: Option<String>,
}

impl Service {
    /// The service at an endpoint, asked with a token made from `secret`, or without one.
    ///
    /// # Errors
    /// Certificates or proxies cannot be used.
    pub fn new(endpoint: &Endpoint, secret: Option<&Secret>, access: &Access) -> Result<Self> {
        let token = secret.map(|secret| token(secret, endpoint, Timestamp::now()));
        let hidden = token.iter().map(|token| Hiding::new(token, "<token>"));
        let secrets = secret.iter();
        let secrets = secrets.map(|secret| Hiding::new(secret.reveal(), "<secret>"));
        Ok(Self {
            endpoint: endpoint.clone(),
            caller: Caller::new(access, endpoint.is_plain(), token.as_deref())?,
            hidings: hidden.chain(secrets).collect(),
            interrupt: access.interrupt().clone(),
        })
    }

    /// Where it is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Sees that it is there, and knows who asks. Gives whether it holds any nodes.
    ///
    /// # Errors
    /// It is not, or does not; or the user wants the run to stop.
    pub fn greet(&self) -> Result<bool> {
        let page = self.ask(ValueType::Nodes, Cursor::START)?;
        Ok(!page.elements.is_empty() || !page.next.is_end())
    }

    /// Fails once the user wants the run to stop.
    ///
    /// # Errors
    /// Kind [`Interrupted`](crate::error::Kind::Interrupted).
    pub fn stop(&self) -> Result<()> {
        self.interrupt.stop()
    }

    /// Leaves it alone for so long.
    ///
    /// # Errors
    /// The user wants the run to stop.
    pub fn pause(&self, pause: Duration) -> Result<()> {
        self.caller.pause(pause)
    }

    /// Asks for a page, again and again where that fails.
    ///
    /// # Errors
    /// It does not answer, or not with a page, or with one that leads back; or the user wants the run to stop.
    pub(super) fn export(&self, kind: ValueType, cursor: Cursor) -> Result<Exported> {
        let place = format!("{kind}, from row {} of number {}", cursor.row, cursor.table);
        let page = self
            .ask(kind, cursor)
            .map_err(|error| error.within(place))?;
        if !cursor.leads_to(page.next) {
            let what = format!(
                "{} gives the same pages of {kind} again and again",
                self.endpoint
            );
            return Err(Error::failed(what).hint("see what the server's log says"));
        }
        Ok(page)
    }

    fn ask(&self, kind: ValueType, cursor: Cursor) -> Result<Exported> {
        let url = self.endpoint.request("export");
        let body = serde_json::json!({"fileType": kind.as_str(), "cursor": cursor}).to_string();
        let mut pause = PAUSE;
        let mut tries = 1;
        loop {
            self.interrupt.stop()?;
            let asked = self
                .caller
                .post(&url, body.clone().into_bytes(), READING, LONGEST_PAGE);
            let (error, least) = match asked {
                Ok(answer) if is_passing(answer.status) => {
                    let least = answer.retry_after.unwrap_or_default();
                    (self.unexpected(&answer), least)
                }
                Ok(answer) if took_nothing(answer.status) => return Err(self.unexpected(&answer)),
                Ok(answer) => match self.page(&answer) {
                    Ok(page) => return Ok(page),
                    // A page that is cut short or has errors in it may come whole the next time.
                    Err(error) => (error, Duration::ZERO),
                },
                Err(Unanswered::Stopped(error)) => return Err(error),
                Err(Unanswered::Unsent(why) | Unanswered::Lost(why)) => {
                    if let Some(distrust) = Distrust::seen(&why) {
                        return Err(self.distrusted(&distrust));
                    }
                    (self.failed(&why), Duration::ZERO)
                }
            };
            if tries == TRIES || error.is_denied() {
                return Err(error);
            }
            tries += 1;
            self.caller.pause(pause.max(least).min(LONGEST_PAUSE))?;
            pause *= 2;
        }
    }

    /// Sends elements, which are the body of a file. It is tried again only where nothing can have come of it.
    ///
    /// # Errors
    /// The user wants the run to stop; something may have come of it.
    pub fn import(&self, body: &str) -> Result<Outcome> {
        let url = self.endpoint.request("import");
        let mut pause = PAUSE;
        let mut tries = 1;
        loop {
            if let Err(stopped) = self.interrupt.stop() {
                return Ok(Outcome::Unsent(stopped));
            }
            let asked = self
                .caller
                .post(&url, body.as_bytes().to_vec(), SENDING, LONGEST_ANSWER);
            let (error, least) = match asked {
                Ok(answer) if answer.status == 429 => {
                    let least = answer.retry_after.unwrap_or_default();
                    (self.unexpected(&answer), least)
                }
                Ok(answer) => return Ok(self.taken(&answer)),
                Err(Unanswered::Stopped(error)) => return Err(error),
                Err(Unanswered::Lost(why)) => return Ok(Outcome::Lost(self.failed(&why))),
                Err(Unanswered::Unsent(why)) => match Distrust::seen(&why) {
                    Some(distrust) => return Ok(Outcome::Unsent(self.distrusted(&distrust))),
                    None => (self.failed(&why), Duration::ZERO),
                },
            };
            if tries == TRIES {
                return Ok(Outcome::Unsent(error));
            }
            tries += 1;
            if let Err(stopped) = self.caller.pause(pause.max(least).min(LONGEST_PAUSE)) {
                return Ok(Outcome::Unsent(stopped));
            }
            pause *= 2;
        }
    }

    fn taken(&self, answer: &Answer) -> Outcome {
        let unexpected = || {
            let error = self.unexpected(answer);
            match took_nothing(answer.status) || denies(answer) {
                true => Outcome::Unsent(error),
                false => Outcome::Lost(error),
            }
        };
        if answer.status != 200 {
            return unexpected();
        }
        let Ok(texts) = serde_json::from_slice::<Vec<String>>(&answer.body) else {
            return unexpected();
        };
        let mut refused: Vec<String> = texts
            .iter()
            .flat_map(|text| text.split(BETWEEN))
            .map(|text| self.said(text))
            .filter(|text| !text.is_empty())
            .collect();
        if refused.is_empty() && !texts.is_empty() {
            refused.push("(it does not say why)".to_owned());
        }
        match refused.is_empty() {
            true => Outcome::Taken,
            false => Outcome::Refused(refused),
        }
    }

    fn page(&self, answer: &Answer) -> Result<Exported> {
        if answer.status != 200 {
            return Err(self.unexpected(answer));
        }
        let read: PageAnswer =
            serde_json::from_slice(&answer.body).map_err(|_| self.unexpected(answer))?;
        Ok(Exported {
            elements: read.out.json_elements,
            next: read.cursor,
        })
    }

    /// A text of the service's as it is told: without what says who asks.
    fn said(&self, text: &str) -> String {
        let looked = text[..text.floor_char_boundary(LOOKED)].to_owned();
        let said = self.hidings.iter().fold(looked, |text, it| it.hide(&text));
        said.trim().to_owned()
    }

    fn distrusted(&self, distrust: &Distrust) -> Error {
        let what = format!("{} cannot be trusted: {distrust}", self.endpoint);
        Error::failed(what).hint(distrust.advice("AWS_CA_BUNDLE or SSL_CERT_FILE"))
    }

    fn failed(&self, why: &str) -> Error {
        let why = self.said(why);
        Error::failed(format!("{}: {why}", self.endpoint))
            .hint("see that the service runs and can be reached from here")
    }

    /// An answer that is none of those that are expected.
    fn unexpected(&self, answer: &Answer) -> Error {
        let status = answer.status;
        let errors = serde_json::from_slice::<Failures>(&answer.body);
        let said = match errors {
            Ok(Failures { errors }) => {
                let texts = errors.into_iter().filter_map(|it| it.message);
                texts.collect::<Vec<_>>().join("; ")
            }
            Err(_) => String::from_utf8_lossy(&answer.body).into_owned(),
        };
        let said = self.said(&said);
        let said = &said[..said.floor_char_boundary(SHOWN)];
        let place = &self.endpoint;
        if matches!(status, 401 | 403) || denies(answer) {
            return Error::failed(format!("{place} does not know who asks: {said}"))
                .hint("see that the secret is the one that the service was deployed with")
                .denied();
        }
        if is_redirect(status) {
            let to = answer.location.as_deref().unwrap_or("nowhere");
            let what = format!(
                "{place} answers with {status}, and sends whoever asks to {}",
                self.said(to)
            );
            return Error::failed(what).hint("give the endpoint that it leads to, if that is yours: no token is sent to where an answer says");
        }
        let what = match (status, said.is_empty()) {
            (200, _) => format!("{place} answers with something else than was asked for: {said}"),
            (_, true) => format!("{place} answers with {status}"),
            (_, false) => format!("{place} answers with {status}: {said}"),
        };
        let error = Error::failed(what);
        match status {
            404 => {
                error.hint("see that the endpoint is that of a service, with its name and stage")
            }
            413 => error
                .hint("see that the proxy in front of the service lets requests of 1 MB through"),
            _ => error.hint("see what the server's log says"),
        }
    }
}

/// Whether an answer says that the request was turned away at the door.
fn took_nothing(status: u16) -> bool {
    is_redirect(status) || matches!(status, 401 | 403 | 404 | 405 | 411 | 413 | 414 | 415)
}

fn is_redirect(status: u16) -> bool {
    (300..400).contains(&status)
}

/// Whether it is what a service says to whoever it does not know, as its one error: of other errors, texts of the data
/// may be a part.
fn denies(answer: &Answer) -> bool {
    let errors = serde_json::from_slice::<Failures>(&answer.body);
    let errors = errors.map(|it| it.errors).unwrap_or_default();
    let said = match &errors[..] {
        [
            Failure {
                message: Some(said),
            },
        ] => said,
        _ => return false,
    };
    answer.status < 500
        && ["Your token is invalid", "Insufficient Permissions"]
            .iter()
            .any(|own| said.starts_with(own))
}

/// Whether it may be otherwise the next time.
fn is_passing(status: u16) -> bool {
    status == 429 || status >= 500
}

#[cfg(test)]
mod tests;
