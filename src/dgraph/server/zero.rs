//! Leases of uids, which Zero gives: at its own port, or from 21.03 on through `/admin`.

use super::{Answered, Endpoint, Path, Server};
use crate::error::{Error, Result};
use crate::store::{Access, Caller, Distrust, Unanswered};
use serde_json::Value;
use std::time::Duration;

/// How often it is asked, and how long it is waited after the first time; then twice as long each time.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(250);
/// What servers say that lease none, and where that stays so, in small letters: those before 21.03 have no such field, and
/// namespaces have a limit (`uid-lease`). All else passes, such as a change of leader (`AssignIds` of its source).
const NONE: [&str; 2] = ["cannot query field", "greater than allowed"];
/// How many bytes an answer may have.
const LONGEST: usize = 64 << 10;

/// Uids that nobody else is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The first of them.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// A Zero, by its HTTP port.
pub struct Zero {
    endpoint: Endpoint,
    caller: Caller,
}

impl Zero {
    /// The one at an endpoint.
    ///
    /// # Errors
    /// Certificates or proxies cannot be used.
    pub fn new(endpoint: &Endpoint, access: &Access) -> Result<Self> {
        Ok(Self {
            endpoint: endpoint.clone(),
            caller: Caller::new(access, endpoint.is_plain(), None)?,
        })
    }

    /// Leases so many uids. What is leased twice is not used, and does no harm.
    ///
    /// # Errors
    /// It does not answer, or leases none; or the user wants the run to stop.
    pub fn lease(&self, count: u64) -> Result<Lease> {
        let mut url = self.endpoint.at(Path::Assign);
        url.set_query(Some(&format!("what=uids&num={count}")));
        let (mut pause, mut tries) = (PAUSE, 1);
        loop {
            let why = match self.ask(&url) {
                Ok(body) => {
                    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
                    match lease(&answer) {
                        Some(lease) => return Ok(lease),
                        None if tries == TRIES || said(&answer).is_none() => {
                            return Err(self.none(&answer));
                        }
                        // A leader may be on its way.
                        None => "it leases none".to_owned(),
                    }
                }
                Err(Unanswered::Stopped(error)) => return Err(error),
                Err(Unanswered::Unsent(why) | Unanswered::Lost(why)) => why,
            };
            if let Some(distrust) = Distrust::seen(&why) {
                let what = format!("{} cannot be trusted: {distrust}", self.endpoint);
                return Err(Error::failed(what).hint(distrust.advice("--ca-file")));
            }
            if tries == TRIES {
                return Err(Error::failed(format!("{}: {why}", self.endpoint)).hint(
                    "see that --zero names the HTTP port of a Zero, 6080 as a rule, and that it can be reached from here",
                ));
            }
            tries += 1;
            self.caller.pause(pause)?;
            pause *= 2;
        }
    }

    fn ask(&self, url: &url::Url) -> Result<Vec<u8>, Unanswered> {
        let mut download = self.caller.get(url, None)?;
        let mut body = Vec::new();
        while let Some(bytes) = download.next()? {
            if body.len() + bytes.len() > LONGEST {
                return Err(Unanswered::Lost("the answer is no lease".into()));
            }
            body.extend_from_slice(&bytes);
        }
        Ok(body)
    }

    fn none(&self, answer: &Value) -> Error {
        let said = said(answer).map_or_else(String::new, |it| format!(": {it}"));
        Error::failed(format!("{} leases no uids{said}", self.endpoint)).hint(
            "see that --zero names the HTTP port of a Zero, 6080 as a rule, and what its log says",
        )
    }
}

impl Server {
    /// Leases so many uids; or says why it does not do that, or not for whoever asks. What is leased twice is not used, and
    /// does no harm.
    ///
    /// # Errors
    /// It does not answer, or cannot now; or the user wants the run to stop.
    pub fn lease(&self, count: u64) -> Result<Result<Lease, String>> {
        let query = format!(
            "mutation {{ assign(input: {{what: UID, num: {count}}}) {{ response {{ startId endId }} }} }}"
        );
        let (mut pause, mut tries) = (PAUSE, 1);
        loop {
            let answered = match self.query(Path::Admin, &query) {
                Err(error) if error.is_denied() => return Ok(Err(error.to_string())),
                answered => answered?,
            };
            let said = match answered {
                Answered::Data(data) => {
                    let response = data.get("assign").and_then(|it| it.get("response"));
                    match response.and_then(lease) {
                        Some(lease) => return Ok(Ok(lease)),
                        None => "the answer has no lease".to_owned(),
                    }
                }
                Answered::Errors(said) => said.join("; "),
                Answered::Nothing => {
                    return Ok(Err(format!("{} knows no leases", self.endpoint)));
                }
            };
            let text = said.to_ascii_lowercase();
            if NONE.iter().any(|it| text.contains(it)) {
                return Ok(Err(said));
            }
            if tries == TRIES {
                let what = format!("{} leases no uids now: {said}", self.endpoint);
                return Err(Error::failed(what).hint(
                    "run it again once Zero has a leader; see what the logs of server and Zero say, or name a Zero with --zero",
                ));
            }
            tries += 1;
            self.pause(pause)?;
            pause *= 2;
        }
    }
}

/// Why there is no lease in an answer, where it says so.
fn said(answer: &Value) -> Option<&str> {
    answer.pointer("/errors/0/message").and_then(Value::as_str)
}

/// The lease in an answer: Zero writes numbers of 64 bits as texts.
fn lease(answer: &Value) -> Option<Lease> {
    let number = |name: &str| match answer.get(name)? {
        Value::String(text) => text.parse::<u64>().ok(),
        other => other.as_u64(),
    };
    let (first, last) = (number("startId")?, number("endId")?);
    (first > 0 && last >= first).then_some(Lease { first, last })
}
