//! The media library of a site: what its rows say of it, and how many files there really are.

use super::held::Held;
use super::rules::Rules;
use crate::error::{Error, Result};
use crate::model::{Asset, ConfigItem, Entity, Link, Schema, Stage};
use crate::remote::{RemoteSource, Site, Trouble};
use crate::transfer::{Filter, FilterOptions, Group, Sink, Source, Warning};
use std::io::{self, Read};
use std::path::PathBuf;
use std::time::Duration;

/// How often, and after how long, a site is looked at that may just be deleting its files.
const LOOKS: usize = 4;
const PAUSE: Duration = Duration::from_millis(500);

/// The files that a site had before a push.
#[derive(Debug)]
pub(super) struct Library {
    /// How many it had, or had at the least. `None` where nobody could look.
    before: Option<u64>,
    /// Whether the server tells how many are there. Strapi 4 tells nothing, and of files of other providers than its own
    /// disk the rows are counted.
    is_told: bool,
    /// Whether some lie elsewhere than on the server's own disk.
    pub is_elsewhere: bool,
    spool_folder: PathBuf,
}

impl Library {
    /// That of a site that held this.
    pub fn of(held: Option<&Held>, rules: Rules, spool_folder: PathBuf) -> Self {
        let is_elsewhere = held.is_some_and(|held| held.described.is_elsewhere);
        let is_told = !rules.is_fragile() && !is_elsewhere;
        let before = held.and_then(|held| match is_told {
            true => held.files,
            false => Some(held.described.rows),
        });
        Self {
            before,
            is_told,
            is_elsewhere,
            spool_folder,
        }
    }

    /// How many files there were, where the server told it.
    pub fn told(&self) -> Option<u64> {
        self.before.filter(|_| self.is_told)
    }

    /// Counts the files that are there: by reading all of them, where the server does not tell.
    fn count(&self, site: &Site) -> Result<Option<u64>> {
        match self.is_told {
            true => Held::count_files(site),
            false => self.read_all(site).map(Some),
        }
    }

    /// Whether all files are there that there were. `None` where nothing can tell.
    ///
    /// # Errors
    /// The site cannot be asked.
    pub fn is_whole(&self, site: &Site) -> Result<Option<bool>> {
        let Some(before) = self.before.filter(|before| *before > 0) else {
            return Ok(None);
        };
        let there = self.count(site)?;
        Ok(there.map(|there| there >= before))
    }

    /// The same of a site that may be about to delete them: looked at for a while.
    ///
    /// # Errors
    /// As [`is_whole`](Self::is_whole).
    pub fn stays_whole(&self, site: &Site) -> Result<Option<bool>> {
        for look in 0..LOOKS {
            if look > 0 {
                site.access().interrupt().stop()?;
                std::thread::sleep(PAUSE);
            }
            let is_whole = self.is_whole(site)?;
            if is_whole != Some(true) {
                return Ok(is_whole);
            }
            // Reading all of them takes its time as it is.
            if !self.is_told {
                break;
            }
        }
        Ok(Some(true))
    }

    /// Sees that the files are there again.
    ///
    /// # Errors
    /// They are not; the site cannot be asked.
    pub fn check(&self, site: &Site) -> Result<()> {
        // After a roll back rows may name places of before, whatever is there.
        if self.is_elsewhere {
            return Ok(());
        }
        let (Some(before), Some(there)) = (self.before, self.count(site)?) else {
            return Ok(());
        };
        match there < before {
            true => Err(Error::failed(format!(
                "{}: of {before} files {there} are there again",
                site.name()
            ))),
            false => Ok(()),
        }
    }

    /// Reads all files; where one is missing there are none that count.
    fn read_all(&self, site: &Site) -> Result<u64> {
        let filter = Filter::new(&FilterOptions {
            only: vec![Group::Files],
            ..FilterOptions::default()
        })?;
        let once = Site {
            retries: 0,
            ..site.clone()
        };
        let mut files = Files(0);
        match RemoteSource::new(once, &self.spool_folder).stream(&filter, &mut files) {
            Err(error) if matches!(Trouble::of(&error), Some(Trouble::Stage(_))) => Ok(0),
            done => done.map(|()| files.0),
        }
    }
}

/// Counts files.
struct Files(u64);

impl Sink for Files {
    fn stage(&mut self, _stage: Stage, _items: Option<u64>) -> Result<()> {
        Ok(())
    }

    fn schema(&mut self, _schema: &Schema) -> Result<()> {
        Ok(())
    }

    fn entity(&mut self, _entity: &Entity<'_>) -> Result<()> {
        Ok(())
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        io::copy(content, &mut io::sink()).map_err(|error| {
            Error::from_io(error, |error| {
                Error::failed(format!("cannot read {}: {error}", asset.filename))
            })
        })?;
        self.0 += 1;
        Ok(())
    }

    fn link(&mut self, _link: &Link<'_>) -> Result<()> {
        Ok(())
    }

    fn configuration(&mut self, _item: &ConfigItem<'_>) -> Result<()> {
        Ok(())
    }

    fn warn(&mut self, _warning: Warning) {}
}
