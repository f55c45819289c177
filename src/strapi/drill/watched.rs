//! A source whose stream a witness sees.

use super::rows;
use super::witness::Witness;
use crate::error::{Error, Kind, Result};
use crate::model::{Asset, ConfigItem, Entity, Link, Schema, Stage};
use crate::transfer::{Description, Filter, Sink, Source, Warning};
use sha2::{Digest, Sha256};
use std::io::{self, Read};

/// A source whose stream a witness sees.
pub(super) struct Watched<'a> {
    source: &'a mut dyn Source,
    witness: &'a mut Witness,
}

impl<'a> Watched<'a> {
    pub fn new(source: &'a mut dyn Source, witness: &'a mut Witness) -> Self {
        Self { source, witness }
    }
}

impl Source for Watched<'_> {
    fn name(&self) -> String {
        self.source.name()
    }

    fn describe(&mut self) -> Result<Description> {
        self.source.describe()
    }

    fn stream(&mut self, filter: &Filter, sink: &mut dyn Sink) -> Result<()> {
        let witness = &mut *self.witness;
        self.source.stream(filter, &mut Watching { witness, sink })
    }
}

/// What a restore refuses of an archive does not come back; what it cannot put anywhere has a cause outside of it.
fn refused(error: Error) -> Error {
    let is_of_the_archive =
        error.kind() == Kind::Failed && std::error::Error::source(&error).is_none();
    match is_of_the_archive {
        true => Error::archive(error.to_string()).hint(
            "it does not come back: change the value where the archive was made, and make another archive",
        ),
        false => error,
    }
}

/// Stands before a sink.
struct Watching<'a> {
    witness: &'a mut Witness,
    sink: &'a mut dyn Sink,
}

/// Hashes what is read.
struct Hashing<'a> {
    content: &'a mut dyn Read,
    digest: Sha256,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.content.read(buffer)?;
        self.digest.update(&buffer[..length]);
        Ok(length)
    }
}

impl Sink for Watching<'_> {
    fn stage(&mut self, stage: Stage, items: Option<u64>) -> Result<()> {
        self.sink.stage(stage, items)
    }

    fn schema(&mut self, schema: &Schema) -> Result<()> {
        self.sink.schema(schema)
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        self.sink.entity(entity).map_err(refused)?;
        rows::pass(self.witness, entity)
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        let mut hashing = Hashing {
            content,
            digest: Sha256::new(),
        };
        self.sink.asset(asset, &mut hashing)?;
        self.witness.file(&asset.filename, hashing.digest)
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        self.sink.link(link).map_err(refused)?;
        self.witness.link(link)
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        self.sink.configuration(item).map_err(refused)?;
        self.witness.setting(item)
    }

    fn warn(&mut self, warning: Warning) {
        self.sink.warn(warning);
    }

    fn damaged(&mut self, fault: Error) -> Result<()> {
        self.sink.damaged(fault)
    }

    fn stood_at(&mut self, place: &dyn Fn() -> String) {
        self.sink.stood_at(place);
    }
}
