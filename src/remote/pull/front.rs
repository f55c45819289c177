//! What a running Strapi says of itself: its version and its schemas.

use super::super::session::Session;
use super::super::token::Token;
use super::super::trouble::Trouble;
use super::super::wire::{Action, Request};
use super::super::words;
use super::fault::Fault;
use crate::error::Error;
use crate::model::limits::{LONGEST_NAME, LONGEST_SCHEMAS, MOST_PARTS};
use crate::model::{Fields, Metadata, Schema, Schemas};

/// How long a version, or a moment, may be, in bytes.
const LONGEST_VERSION: usize = 100;

/// The version and the schemas of a Strapi.
#[derive(Debug, Clone)]
pub(in crate::remote) struct Front {
    pub metadata: Metadata,
    pub schemas: Schemas,
}

impl Front {
    /// Gets a session ready, and asks for both.
    pub(super) fn ask(session: &mut Session) -> Result<Self, Fault> {
        let ready = Request::Action(Action::Bootstrap);
        session.ask(ready).map_err(Fault::there)?;
        Self::read(session).map_err(Fault::there)
    }

    /// Asks for both, in a session that is ready: a pull or a push.
    ///
    /// # Errors
    /// The server does not answer, or not as it should.
    pub(in crate::remote) fn read(session: &mut Session) -> Result<Self, Error> {
        let request = Request::Action(Action::GetMetadata);
        let answer = session.ask(request)?;
        let metadata = metadata(answer.data(), session.site().token());
        let name = words::of_request(&request);
        let metadata = metadata.map_err(|trouble| session.error(trouble, Some(&name)))?;
        let request = Request::Action(Action::GetSchemas);
        let answer = session.ask(request)?;
        let schemas = Self::schemas(answer.data());
        let name = words::of_request(&request);
        let schemas = schemas.map_err(|trouble| session.error(trouble, Some(&name)))?;
        Ok(Self { metadata, schemas })
    }

    /// Reads schemas by uid.
    pub(super) fn schemas(data: &str) -> Result<Schemas, Trouble> {
        let malformed = |why: &str| Trouble::malformed(format!("of its schemas, {why}"));
        if data.len() as u64 > LONGEST_SCHEMAS {
            let why = format!("all have more than the {LONGEST_SCHEMAS} bytes that they may have");
            return Err(malformed(&why));
        }
        let by_uid = Fields::parse(data).map_err(|_| malformed("none can be read"))?;
        let mut schemas = Schemas::default();
        let mut parts = 0;
        for (uid, text) in by_uid.0 {
            let schema = Schema::parse(text);
            let schema = schema.map_err(|why| malformed(&format!("that of {uid}: {why}")))?;
            let names = schema.attributes.iter().map(|(name, _)| name);
            if schema.uid != *uid || names.into_iter().any(|name| name.len() > LONGEST_NAME) {
                return Err(malformed(&format!("that of {uid} is not as it should be")));
            }
            parts += schema.parts();
            if parts > MOST_PARTS {
                return Err(malformed("there are more than an archive may hold"));
            }
            schemas.push(schema);
        }
        match schemas.is_empty() {
            true => Err(malformed("there are none")),
            false => Ok(schemas),
        }
    }

    /// Whether the site is the one that it was.
    pub(super) fn is_as(&self, other: &Self) -> bool {
        let lines = |front: &Self| {
            let lines = front.schemas.iter().map(Schema::to_line);
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        self.metadata.strapi.version == other.metadata.strapi.version && lines(self) == lines(other)
    }
}

/// Reads the version. It is printed, compared and put into archives, so it is one, and nothing else.
fn metadata(data: &str, token: &Token) -> Result<Metadata, Trouble> {
    let odd = || Trouble::malformed("it does not tell its version");
    let mut metadata = serde_json::from_str::<Metadata>(data).map_err(|_| odd())?;
    // Only old exports list plugins.
    metadata.strapi.plugins = None;
    let is_fine = |text: &str, others: &[u8]| {
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || others.contains(&byte);
        text.len() <= LONGEST_VERSION
            && text.starts_with(|first: char| first.is_ascii_digit())
            && text.bytes().all(is_known)
            && token.is_absent_in(text)
    };
    let created_at = metadata.created_at.as_deref();
    match is_fine(&metadata.strapi.version, b".-+")
        && created_at.is_none_or(|at| is_fine(at, b".-+:"))
    {
        true => Ok(metadata),
        false => Err(odd()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_one_and_holds_neither_the_token_nor_control_characters() {
        let token = Token::new("0123456789abcdef0123456789abcdef").expect("a token");
        let read = |at: &str, version: &str| {
            let data = serde_json::json!({"createdAt": at, "strapi": {"version": version}});
            metadata(&data.to_string(), &token)
        };
        let now = "2026-11-21T10:53:26.531Z";
        for version in ["4.26.2", "5.54.0", "5.0.0-rc.30", "5.1.0+build"] {
            assert!(read(now, version).is_ok(), "{version}");
        }
        for version in [
            "",
            "five",
            "5.54.0\u{1b}[31m",
            "5.54.0\n",
            "5.54.0 x",
            "5.54.0-0123456789abcdef0123",
        ] {
            let trouble = read(now, version).expect_err("no version");
            assert!(trouble.to_string().contains("its version"), "{version}");
        }
        for at in [
            "now",
            "2026-11-21\u{1b}[31m",
            "0123456789abcdef0123456789abcdef",
        ] {
            assert!(read(at, "5.54.0").is_err(), "{at}");
        }
        assert!(metadata(r#"{"strapi":{"version":"5.54.0"}}"#, &token).is_ok());
    }
}
