//! The requests of a server.

use super::credentials::{AuthHeader, Credentials, Login, Secret};
use super::{Endpoint, Path};
use crate::error::{Error, Result};
use crate::hiding;
use crate::store::{Access, Answer, Caller, Distrust, Headers, Unanswered};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long an answer to a question may take. Servers wait with some for 3 seconds.
const PATIENCE: Duration = Duration::from_secs(60);
/// How many bytes an answer may have: lists of signed URLs are long.
const LONGEST: usize = 16 << 20;
/// How often something is asked for, and how long it is waited after the first time; then twice as long each time.
const TRIES: u32 = 6;
const PAUSE: Duration = Duration::from_millis(250);
/// No server is left alone for longer by itself.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// What stands in a text in place of a secret, and how long one is of which parts are looked for.
const HIDDEN: &str = "<secret>";
const LONG: usize = 8;
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

/// An answer to GraphQL.
#[derive(Debug)]
pub enum Answered {
    /// What was asked for.
    Data(Map<String, Value>),
    /// Why it is not given, without secrets.
    Errors(Vec<String>),
    /// Nothing at this path speaks GraphQL.
    Nothing,
}

/// A running server.
pub struct Server {
    endpoint: Endpoint,
    caller: Caller,
    credentials: Credentials,
    /// What holds the token.
    headers: Headers,
    /// What the last login gave.
    login: Mutex<Option<Secret>>,
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

impl Server {
    /// The server at an endpoint.
    ///
    /// # Errors
    /// Certificates or proxies cannot be used, or no header can hold the token.
    pub fn new(endpoint: &Endpoint, credentials: Credentials, access: &Access) -> Result<Self> {
        Ok(Self {
            endpoint: endpoint.clone(),
            caller: Caller::new(access, endpoint.is_plain(), None)?,
            headers: credentials.headers()?,
            credentials,
            login: Mutex::default(),
        })
    }

    /// Where it is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Whether a user logs in.
    pub fn has_login(&self) -> bool {
        self.credentials.login.is_some()
    }

    /// What sends requests, for those that need no secrets.
    pub(in crate::dgraph) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Asks in GraphQL, again where that fails.
    ///
    /// # Errors
    /// It does not answer, or does not know who asks; or the user wants the run to stop.
    pub fn query(&self, path: Path, query: &str) -> Result<Answered> {
        self.ask(path, json!({ "query": query }), PATIENCE, true)
    }

    /// Has it do something, with GraphQL; it is asked again only where nothing can have come of it. The answer may take
    /// so long.
    ///
    /// # Errors
    /// As [`query`](Self::query). Where it may be at work all the same, the advice says so.
    pub fn mutate(&self, path: Path, query: &str, patience: Duration) -> Result<Answered> {
        self.ask(path, json!({ "query": query }), patience, false)
    }

    fn ask(&self, path: Path, body: Value, patience: Duration, again: bool) -> Result<Answered> {
        let body = body.to_string();
        let mut is_renewed = false;
        loop {
            let headers = self.headers()?;
            if let Some(answered) = self.exchange(path, &headers, &body, patience, again)? {
                return Ok(answered);
            }
            if self.credentials.login.is_none() || is_renewed {
                return Err(self.denied("the access token is expired"));
            }
            is_renewed = true;
            *self.logged_in() = None;
        }
    }

    /// Sends a request until there is an answer; with `again` also where something may have come of it. `None` where the
    /// access token is too old.
    fn exchange(
        &self,
        path: Path,
        headers: &Headers,
        body: &str,
        patience: Duration,
        again: bool,
    ) -> Result<Option<Answered>> {
        let url = self.endpoint.at(path);
        let (mut pause, mut tries) = (PAUSE, 1);
        loop {
            let body = body.as_bytes().to_vec();
            let asked = self
                .caller
                .post_with(headers, &url, body, patience, LONGEST);
            let (error, least) = match asked {
                Err(Unanswered::Stopped(error)) => return Err(error),
                Err(Unanswered::Unsent(why)) => match Distrust::seen(&why) {
                    Some(distrust) => return Err(self.distrusted(&distrust)),
                    None => (self.unreachable(&why), Duration::ZERO),
                },
                Err(Unanswered::Lost(why)) if again => (self.unreachable(&why), Duration::ZERO),
                Err(Unanswered::Lost(why)) => return Err(self.lost(&why)),
                Ok(answer) => match self.judge(&answer)? {
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

    /// Leaves it alone for so long.
    ///
    /// # Errors
    /// The user wants the run to stop.
    pub fn pause(&self, pause: Duration) -> Result<()> {
        self.caller.pause(pause)
    }

    fn logged_in(&self) -> MutexGuard<'_, Option<Secret>> {
        self.login.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What says who asks. Whoever has to log in does so first.
    fn headers(&self) -> Result<Headers> {
        let mut headers = self.headers.clone();
        if let Some(login) = &self.credentials.login {
            let known = self.logged_in().clone();
            let token = match known {
                Some(token) => token,
                None => {
                    let token = self.login(login)?;
                    *self.logged_in() = Some(token.clone());
                    token
                }
            };
            headers.secret(AuthHeader::XDgraphAccessToken.as_str(), token.reveal())?;
        }
        Ok(headers)
    }

    /// An access token. Name and password are variables: messages of servers repeat the text of a query.
    fn login(&self, login: &Login) -> Result<Secret> {
        let mut variables = json!({"user": login.user, "password": login.password.reveal()});
        let (declared, given) = match login.namespace {
            None => ("", ""),
            Some(namespace) => {
                variables["namespace"] = json!(namespace);
                (", $namespace: Int", ", namespace: $namespace")
            }
        };
        let query = format!(
            "mutation ($user: String!, $password: String!{declared}) {{ login(userId: $user, password: $password{given}) {{ \
             response {{ accessJWT }} }} }}"
        );
        let body = json!({"query": query, "variables": variables}).to_string();
        let answered = self.exchange(Path::Admin, &self.headers, &body, PATIENCE, true)?;
        let answered = answered.ok_or_else(|| self.denied("the login is expired"))?;
        let token = match &answered {
            Answered::Data(data) => data
                .get("login")
                .and_then(|it| it.pointer("/response/accessJWT")?.as_str())
                .filter(|token| !token.is_empty()),
            Answered::Errors(said) => {
                let what = format!("{}: the login fails: {}", self.endpoint, said.join("; "));
                return Err(Error::failed(what)
                    .hint("see that user, password and namespace are right, and that access control is on there")
                    .denied());
            }
            Answered::Nothing => None,
        };
        token.map(Secret::new).ok_or_else(|| {
            let what = format!("{} gives no access token to a login", self.endpoint);
            Error::failed(what).hint("leave --user out where access control is off")
        })
    }

    /// What an answer says.
    ///
    /// # Errors
    /// That whoever asks may not, or that nothing here knows what to make of it.
    fn judge(&self, answer: &Answer) -> Result<Judged> {
        let status = answer.status;
        let read = serde_json::from_slice::<Whole>(&answer.body);
        let read = read
            .ok()
            .filter(|it| it.data.is_some() || !it.errors.is_empty());
        let errors = read.as_ref().map_or(&[][..], |it| &it.errors);
        let said: Vec<String> = errors.iter().map(|it| self.clean(&it.message)).collect();
        let told = match said.is_empty() {
            false => said.join("; "),
            true => self.clean(&String::from_utf8_lossy(&answer.body)),
        };
        let holds = |marks: &[&str]| {
            errors.iter().any(|it| {
                let text = it.message.to_ascii_lowercase();
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
            return Err(self.denied(&told));
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
            (413, _) => Err(error.hint("see what the proxy in front of the server lets through")),
            _ => Ok(Judged::Fine(Answered::Nothing)),
        }
    }

    /// A text of the server without secrets.
    pub(in crate::dgraph) fn clean(&self, text: &str) -> String {
        let login = self.logged_in().clone();
        let access = login.as_ref().map(Secret::reveal);
        let secrets: Vec<&str> = self.credentials.secrets().chain(access).collect();
        let short = secrets
            .iter()
            .filter(|it| (1..LONG).contains(&it.len()))
            .fold(text.trim().to_owned(), |text, it| text.replace(it, HIDDEN));
        hiding::fit(&short, secrets, HIDDEN)
    }

    /// What it refuses to do.
    pub(in crate::dgraph) fn refused(&self, what: &str, said: &[String]) -> Error {
        let message = format!("{} refuses {what}: {}", self.endpoint, said.join("; "));
        Error::failed(message).hint("see what the server's log says")
    }

    fn denied(&self, said: &str) -> Error {
        let hint = match self.credentials.is_empty() {
            true => {
                "give a token with --token-file, or a user with --user; docs/DGRAPH.md says which servers take what"
            }
            false => {
                "see that the token is one for administrators and goes in the right header (--auth-header), that the user \
                 is one of the group guardians, and that the server lets this address through"
            }
        };
        let what = format!(
            "{} does not let whoever asks do that: {said}",
            self.endpoint
        );
        Error::failed(what).hint(hint).denied()
    }

    fn distrusted(&self, distrust: &Distrust) -> Error {
        let what = format!("{} cannot be trusted: {distrust}", self.endpoint);
        Error::failed(what).hint(distrust.advice("--ca-file"))
    }

    fn unreachable(&self, why: &str) -> Error {
        Error::failed(format!("{}: {why}", self.endpoint))
            .hint("see that the server runs and that its HTTP port, 8080 as a rule, can be reached from here")
    }

    fn lost(&self, why: &str) -> Error {
        Error::failed(format!("{}: the answer is lost: {why}", self.endpoint)).hint(AT_WORK)
    }
}

/// What is said where an answer is lost.
const AT_WORK: &str =
    "the server may be at work all the same: see what its log says before it is run again";
