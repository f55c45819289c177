//! A server: who asks it, and what is said where it does not answer.

use super::credentials::{AuthHeader, Credentials, Login, Secret};
use super::exchange::{AT_WORK, Answered, PATIENCE, Request};
use super::{Endpoint, Path};
use crate::error::{Error, Result};
use crate::hiding;
use crate::store::{Access, Caller, Distrust, Headers};
use serde_json::json;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What stands in a text in place of a secret, and how long one is of which parts are looked for.
const HIDDEN: &str = "<secret>";
const LONG: usize = 8;
/// A running server.
pub struct Server {
    pub(super) endpoint: Endpoint,
    pub(super) caller: Arc<Caller>,
    credentials: Credentials,
    /// What holds the token.
    headers: Headers,
    /// What the last login gave.
    login: Mutex<Option<Secret>>,
}

impl Server {
    /// The server at an endpoint.
    ///
    /// # Errors
    /// Certificates or proxies cannot be used, or no header can hold the token.
    pub fn new(endpoint: &Endpoint, credentials: Credentials, access: &Access) -> Result<Self> {
        Ok(Self {
            endpoint: endpoint.clone(),
            caller: Arc::new(Caller::new(access, endpoint.is_plain(), None)?),
            headers: credentials.headers()?,
            credentials,
            login: Mutex::default(),
        })
    }

    /// Where it is.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The same server, where the user logs in to another namespace; without a user there is none to choose.
    pub fn of_namespace(&self, namespace: Option<u64>) -> Self {
        let mut credentials = self.credentials.clone();
        if let Some(login) = &mut credentials.login {
            login.namespace = namespace;
        }
        Self {
            endpoint: self.endpoint.clone(),
            caller: Arc::clone(&self.caller),
            headers: self.headers.clone(),
            credentials,
            login: Mutex::default(),
        }
    }

    /// The namespace that the user logs in to; `None` where nobody said which.
    pub fn login_namespace(&self) -> Option<u64> {
        self.credentials.login.as_ref()?.namespace
    }

    /// Whether the token is what a login gave, elsewhere: then it says of which namespace it is.
    pub fn has_access_token(&self) -> bool {
        let header = self.credentials.header;
        self.credentials.token.is_some() && header == Some(AuthHeader::XDgraphAccessToken)
    }

    /// Whether a user logs in.
    pub fn has_login(&self) -> bool {
        self.credentials.login.is_some()
    }

    /// What sends requests, for those that need no secrets.
    pub(in crate::dgraph) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Leaves it alone for so long.
    ///
    /// # Errors
    /// The user wants the run to stop.
    pub fn pause(&self, pause: Duration) -> Result<()> {
        self.caller.pause(pause)
    }

    /// Sends a request with what says who asks; once more where an access token was too old.
    pub(super) fn send(&self, request: &Request<'_>) -> Result<Answered> {
        let mut is_renewed = false;
        loop {
            let (headers, token) = self.headers(&request.headers)?;
            let asked = Request {
                headers,
                ..*request
            };
            if let Some(answered) = self.exchange(&asked)? {
                return Ok(answered);
            }
            if token.is_none() || is_renewed {
                return Err(self.denied("the access token is expired"));
            }
            is_renewed = true;
            // Somebody else may have logged in meanwhile.
            let mut login = self.logged_in();
            if *login == token {
                *login = None;
            }
        }
    }

    fn logged_in(&self) -> MutexGuard<'_, Option<Secret>> {
        self.login.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These headers, and what says who asks. Whoever has to log in does so first; the token of that is given as well.
    fn headers(&self, further: &Headers) -> Result<(Headers, Option<Secret>)> {
        let mut headers = further.clone();
        headers.take(&self.headers);
        let Some(login) = &self.credentials.login else {
            return Ok((headers, None));
        };
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
        Ok((headers, Some(token)))
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
        let answered = self.exchange(&Request {
            url: &self.endpoint.at(Path::Admin),
            headers: self.headers.clone(),
            body: body.as_bytes(),
            patience: PATIENCE,
            again: true,
            has_rows: false,
        })?;
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

    pub(super) fn denied(&self, said: &str) -> Error {
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

    pub(super) fn distrusted(&self, distrust: &Distrust) -> Error {
        let what = format!("{} cannot be trusted: {distrust}", self.endpoint);
        Error::failed(what).hint(distrust.advice("--ca-file"))
    }

    pub(super) fn unreachable(&self, why: &str) -> Error {
        Error::failed(format!("{}: {why}", self.endpoint))
            .hint("see that the server runs and that its HTTP port, 8080 as a rule, can be reached from here")
    }

    /// It took a request, and did not answer for so long.
    pub(super) fn silent(&self, patience: Duration) -> Error {
        let what = format!(
            "{} takes requests and does not answer: no answer came within {} s",
            self.endpoint,
            patience.as_secs()
        );
        Error::failed(what).hint(AT_WORK)
    }

    pub(super) fn lost(&self, why: &str) -> Error {
        Error::failed(format!("{}: the answer is lost: {why}", self.endpoint)).hint(AT_WORK)
    }
}
