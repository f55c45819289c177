//! What a running Strapi says of itself: its version and its schemas.

use super::super::session::Session;
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
        let metadata = metadata(answer.data());
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

fn metadata(data: &str) -> Result<Metadata, Trouble> {
    let metadata = serde_json::from_str::<Metadata>(data);
    let metadata = metadata.map_err(|_| Trouble::malformed("it does not tell its version"))?;
    let texts = [Some(&metadata.strapi.version), metadata.created_at.as_ref()];
    let is_fine = |text: &&String| text.len() <= LONGEST_VERSION && !text.is_empty();
    match texts.iter().flatten().all(is_fine) {
        true => Ok(metadata),
        false => Err(Trouble::malformed("it does not tell its version")),
    }
}
