//! One exchange with a server: a request, again where that is sound, and what is to be made of its answer.

use super::Server;
use super::said::{phrases, without_values};
use crate::error::{Error, Result};
use crate::store::{Answer, Distrust, Headers, Unanswered};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::time::{Duration, Instant};
use url::Url;

/// How long an answer to a question may take. Servers wait with some for 3 seconds.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// How many bytes an answer may have: lists of signed URLs are long.
const LONGEST: usize = 16 << 20;
/// How often something is asked for, and how long it is waited after the first time; then twice as long each time.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(250);
/// How many of these may wait for an answer as long as a request may take: a server that takes requests and does not answer
/// ends a run after so often its patience.
const SILENCES: u32 = 2;
/// No server is left alone for longer by itself.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// What errors say where nobody may do what was asked for, in small letters.
const DENIALS: [&str; 8] = [
    "permissiondenied",
    "unauthenticated",
    "unauthorized",
    "no accessjwt",
    "only guardians",
    "invalid x-dgraph-authtoken",
    "invalid username or password",
    "unable to authenticate",
];
/// What they say of an access token whose time is over.
const EXPIRED: [&str; 2] = ["token is expired", "token has expired"];

/// An answer.
#[derive(Debug)]
pub enum Answered {
    /// What was asked for.
    Data(Map<String, Value>),
    /// Why it is not given, without secrets.
    Errors(Vec<String>),
    /// Nothing at this path answers as servers do.
    Nothing,
}

#[derive(Deserialize)]
struct Whole {
    #[serde(default)]
    data: Option<Map<String, Value>>,
    #[serde(default)]
    errors: Vec<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    message: String,
    #[serde(default)]
    extensions: Option<Extensions>,
}

#[derive(Deserialize)]
struct Extensions {
    #[serde(default)]
    code: Option<Value>,
}

/// What is to be made of an answer.
enum Judged {
    Fine(Answered),
    /// It may be otherwise the next time; after so long at the least.
    Passing(Error, Duration),
    /// The access token is too old.
    Expired,
}

/// A request.
pub(super) struct Request<'a> {
    /// Where it goes.
    pub url: &'a Url,
    /// What it says beside who asks.
    pub headers: Headers,
    /// Its content.
    pub body: &'a [u8],
    /// How long the answer may take, each time that it is sent.
    pub patience: Duration,
    /// Whether it may be sent again also where something may have come of it.
    pub again: bool,
    /// Whether it has rows, so that messages may repeat their values.
    pub has_rows: bool,
}

impl Server {
    /// Sends a request until there is an answer; with `again` also where something may have come of it. `None` where the
    /// access token is too old.
    pub(super) fn exchange(&self, request: &Request<'_>) -> Result<Option<Answered>> {
        let again = request.again;
        let (mut pause, mut tries, mut silences) = (PAUSE, 1, 0);
        loop {
            let (body, headers) = (request.body.to_vec(), &request.headers);
            let began = Instant::now();
            let asked =
                self.caller
                    .post_with(headers, request.url, body, request.patience, LONGEST);
            let (error, least) = match asked {
                Err(Unanswered::Stopped(error)) => return Err(error),
                Err(Unanswered::Unsent(why)) => match Distrust::seen(&why) {
                    Some(distrust) => return Err(self.distrusted(&distrust)),
                    None => (self.unreachable(&why), Duration::ZERO),
                },
                Err(Unanswered::Lost(_)) if again && began.elapsed() >= request.patience => {
                    silences += 1;
                    if silences == SILENCES {
                        return Err(self.silent(request.patience));
                    }
                    (self.silent(request.patience), Duration::ZERO)
                }
                Err(Unanswered::Lost(why)) if again => (self.unreachable(&why), Duration::ZERO),
                Err(Unanswered::Lost(why)) => return Err(self.lost(&why)),
                Ok(answer) => match self.judge(&answer, request.has_rows)? {
                    Judged::Fine(answered) => return Ok(Some(answered)),
                    Judged::Passing(error, least) if again || answer.status == 429 => {
                        (error, least)
                    }
                    Judged::Passing(error, _) => return Err(error.also(AT_WORK)),
                    Judged::Expired => return Ok(None),
                },
            };
            if tries == TRIES {
                return Err(error);
            }
            tries += 1;
            self.pause(pause.max(least).min(LONGEST_PAUSE))?;
            pause *= 2;
        }
    }

    /// What an answer says.
    ///
    /// # Errors
    /// That whoever asks may not, or that nothing here knows what to make of it.
    fn judge(&self, answer: &Answer, has_rows: bool) -> Result<Judged> {
        let status = answer.status;
        let read = serde_json::from_slice::<Whole>(&answer.body);
        let read = read
            .ok()
            .filter(|it| it.data.is_some() || !it.errors.is_empty());
        let errors = read.as_ref().map_or(&[][..], |it| &it.errors);
        let said: Vec<String> = errors.iter().map(|it| self.clean(&it.message)).collect();
        let told = match said.is_empty() {
            _ if has_rows => {
                let known: Vec<&str> = DENIALS.iter().chain(&EXPIRED).copied().collect();
                let found = errors.iter().flat_map(|it| phrases(&it.message, &known));
                found.collect::<Vec<_>>().join("; ")
            }
            false => said.join("; "),
            true => self.clean(&String::from_utf8_lossy(&answer.body)),
        };
        let holds = |marks: &[&str]| {
            errors.iter().any(|it| {
                let text = match has_rows {
                    true => without_values(&it.message),
                    false => unquoted(&it.message).to_ascii_lowercase(),
                };
                marks.iter().any(|mark| text.contains(mark))
            })
        };
        if holds(&EXPIRED) {
            return Ok(Judged::Expired);
        }
        let is_code = errors.iter().any(|it| {
            let code = it.extensions.as_ref().and_then(|it| it.code.as_ref());
            code.is_some_and(|it| it == "ErrorUnauthorized")
        });
        if matches!(status, 401 | 403) || is_code || holds(&DENIALS) {
            return Err(match told.is_empty() {
                true => self.denied(&format!("it answers with {status}")),
                false => self.denied(&told),
            });
        }
        let least = answer.retry_after.unwrap_or_default();
        let what = match told.is_empty() {
            true => format!("{} answers with {status}", self.endpoint),
            false => format!("{} answers with {status}: {told}", self.endpoint),
        };
        let error = Error::failed(what);
        match (status, read) {
            (200..300 | 400, Some(read)) => Ok(Judged::Fine(match said.is_empty() {
                false => Answered::Errors(said),
                true => Answered::Data(read.data.unwrap_or_default()),
            })),
            (429 | 500.., _) => Ok(Judged::Passing(
                error.hint("see what the server's log says, and run it again"),
                least,
            )),
            (300..400, _) => Err(error.hint(
                "it sends elsewhere, and no key is sent there; give the URL that it leads to, with https://",
            )),
            // It was cut, or is too deep; what pages say begins otherwise.
            (200..300, None) if is_json(&answer.body) => Ok(Judged::Passing(
                Error::failed(format!(
                    "{} answers with what cannot be read: {} bytes that are no JSON of a server",
                    self.endpoint,
                    answer.body.len()
                ))
                .hint("see what stands between here and the server, and what its log says"),
                least,
            )),
            (413, _) => Err(error.hint("see what the proxy in front of the server lets through")),
            _ => Ok(Judged::Fine(Answered::Nothing)),
        }
    }
}

/// What is said where an answer is lost.
pub(super) const AT_WORK: &str =
    "the server may be at work all the same: see what its log says before it is run again";

/// Whether an answer may have been meant as JSON.
fn is_json(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"{")
}

/// A message without what stands in quotes, which says nothing of who asks.
fn unquoted(message: &str) -> String {
    message.split('"').step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dgraph::server::{Credentials, Endpoint};
    use crate::store::{Access, Interrupt};
    use std::io::Read as _;
    use std::net::TcpListener;
    use std::sync::mpsc::channel;
    use std::thread;

    #[test]
    fn a_server_that_takes_requests_and_never_answers_is_left_after_its_patience() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (taken, requests) = channel();
        thread::spawn(move || {
            let mut held = Vec::new();
            for client in listener.incoming().flatten() {
                let mut byte = [0];
                let _ = (&client).read(&mut byte);
                held.push(client);
                let _ = taken.send(());
            }
        });
        let endpoint = Endpoint::parse(&format!("http://127.0.0.1:{port}")).expect("a URL");
        let interrupt = Interrupt::new(Default::default());
        let access = Access::new(Default::default(), interrupt);
        let server = Server::new(&endpoint, Credentials::default(), &access).expect("a server");
        let asked = server.exchange(&Request {
            url: &endpoint.at(crate::dgraph::server::Path::Mutate),
            headers: Headers::default(),
            body: b"{ set { } }",
            patience: Duration::from_millis(200),
            again: true,
            has_rows: true,
        });
        let error = asked.expect_err("no answer").to_string();
        assert!(error.contains("does not answer"), "{error}");
        assert!(requests.try_iter().count() <= SILENCES as usize);
    }
}
