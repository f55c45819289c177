//! What another system takes, as an archive of a Strapi.

use super::super::key;
use super::super::length;
use super::super::place::{Begun, Place};
use super::super::prompt::Prompt;
use super::super::terminal::{self, Reports, safe};
use super::beside::Beside;
use super::from::{find, schemas_folder};
use super::schemas::{Schemas, Shown};
use super::{Arguments, Format, Room};
use crate::archive::{Cipher, DEFAULT_SHARD_SIZE, Encryption, Level, Packing, Password};
use crate::error::{Error, Result};
use crate::transfer::summary::Summary;
use crate::transfer::{Destination, Nowhere};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

impl Arguments {
    /// Makes an archive of what another system takes; gives the exit code.
    pub(super) fn to_strapi(&self, room: &Room<'_>, summary: &mut Summary) -> Result<u8> {
        if self.dialect.is_some() {
            return Err(Error::usage("--dialect is for --as dgraph").hint("leave it out"));
        }
        let is_unpacked = match self.format {
            None | Some(Format::Tar) => false,
            Some(Format::Dir) => true,
            Some(Format::Zip) => {
                return Err(Error::usage(
                    "an archive of a Strapi is a tar or a folder, and no zip",
                )
                .hint("leave --format out"));
            }
        };
        if is_unpacked && !self.no_encrypt {
            return Err(
                Error::usage("an unpacked archive (--format dir) cannot be encrypted")
                    .hint("add --no-encrypt, or leave --format out"),
            );
        }
        let location = Place::parse(Some(&self.to), is_unpacked)?;
        let form = length::Form {
            unpacked: is_unpacked,
            compressed: true,
            cipher: (!self.no_encrypt).then_some(Cipher::Strapi),
            summary: false,
        };
        Place::check(&location, form)?;
        let mut origin = find(self, room)?;
        let schemas = match origin.schema_files() {
            Some(files) => {
                let folder = schemas_folder(self)?;
                Some((Schemas::write(files, &folder, self.overwrite)?, folder))
            }
            None => None,
        };
        let interrupt = room.cancellation.interrupt();
        let key = match self.no_encrypt || self.dry_run {
            true => None,
            false => Some(
                match self.key.source().given(room.environment, &interrupt)? {
                    Some(key) => key,
                    None => key::ask_new(&Prompt::new(interrupt.clone()))?,
                },
            ),
        };
        let packing = Packing {
            compression: Some(Level::default()),
            encryption: key.map(|key| Encryption::Strapi(Password::new(key))),
            effort: room.effort.clone(),
            interrupt,
        };
        let place = Place::at(location, is_unpacked, &packing);
        if self.dry_run {
            let report = room.transfer(origin.source(), Box::<Nowhere>::default(), summary)?;
            return Ok(self.conclude(room, &report, Reports::Stdout, "The archive", &self.to));
        }
        let kept = (self.overwrite, self.alone.wants_summary());
        let Begun {
            destination,
            shown,
            reports,
            receipt,
        } = place.begin(&packing, DEFAULT_SHARD_SIZE, kept, room.environment)?;
        let beside: Arc<Mutex<Option<Shown>>> = Arc::default();
        let destination: Box<dyn Destination> = match schemas {
            None => Box::new(destination),
            Some((files, folder)) => {
                let beside = Arc::clone(&beside);
                let show = move || {
                    let shown = files.show(&folder)?;
                    *held(&beside) = Some(shown);
                    Ok(())
                };
                Box::new(Beside::new(destination, Box::new(show)))
            }
        };
        let transferred = room.transfer(origin.source(), destination, summary);
        let schemas = held(&beside).take();
        let report = match (transferred, schemas) {
            (Ok(report), None) => report,
            (Ok(report), Some(schemas)) => {
                let folder = safe(&schemas.folder.display().to_string());
                terminal::tell(&format!(
                    "the schema.json files of the content types are in {folder}"
                ));
                if let Some(left) = schemas.kept() {
                    terminal::alert(&safe(&left));
                }
                report
            }
            (Err(error), None) => return Err(error),
            (Err(error), Some(schemas)) => return Err(schemas.undone(error)),
        };
        let shown = receipt.written().map_or(shown, |written| written.location);
        summary.archive = place.facts(&receipt, &packing);
        Ok(self.conclude(room, &report, reports, "The archive", Path::new(&shown)))
    }
}

/// What is shared with the destination; it is whole whatever panicked.
fn held(beside: &Mutex<Option<Shown>>) -> MutexGuard<'_, Option<Shown>> {
    beside.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An error of what writes archives, which advises to use an option that this command does not have: TO is the name, and
/// shards are as large as they may be.
pub(super) fn in_own_words(error: Error) -> Error {
    let own = match error.advice() {
        Some(advice) if advice.contains(" with --file") => advice.replace(" with --file", ""),
        Some(advice) if advice.contains("--max-size-jsonl") => {
            "make it shorter in the data: no shard is larger than that".to_owned()
        }
        _ => return error,
    };
    error.hint(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_advice_names_an_option_that_is_not_there() {
        for advice in [
            "allow larger shards with --max-size-jsonl",
            "choose another name with --file, or replace it with --overwrite",
        ] {
            let error = in_own_words(Error::failed("it is wrong").hint(advice));
            let told = error.advice().unwrap_or_default();
            assert!(
                !told.contains("--max-size") && !told.contains("--file"),
                "{told}"
            );
        }
    }
}
