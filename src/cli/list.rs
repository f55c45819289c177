//! `backup list`: what archives lie at a place.

use super::Cancellation;
use super::columns::Columns;
use super::environment::Environment;
use super::key::KeyArguments;
use super::printing::Out;
use super::terminal::{self, Reports, safe};
use crate::archive::Keys;
use crate::error::{Error, Result};
use crate::inventory::{Inventory, Look, Stocked};
use crate::model::Stage;
use crate::store::{Location, Shelf, shelf};
use crate::transfer::summary::StockedFacts;
use clap::Args;
use indicatif::DecimalBytes;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

/// A place where archives lie, and how they are looked at.
#[derive(Debug, Args)]
pub(super) struct PlaceArguments {
    /// The place: a folder, or a prefix such as s3://bucket/backups/
    #[arg(value_name = "LOCATION")]
    location: PathBuf,
    #[command(flatten)]
    key: KeyArguments,
}

impl PlaceArguments {
    /// Opens the place, and does something with it.
    ///
    /// # Errors
    /// It cannot be opened; or `then` fails.
    pub fn open<T>(
        &self,
        environment: &Environment,
        cancellation: &Cancellation,
        then: impl FnOnce(&dyn Shelf, &Look<'_>) -> Result<T>,
    ) -> Result<T> {
        if self.key.require_authentication {
            return Err(Error::usage(
                "--require-authentication takes archives that are read to their end",
            )
            .hint("check them one by one with backup verify"));
        }
        let location = Location::parse(self.location.as_os_str())?;
        let keys = self.key.if_given(environment, &cancellation.interrupt())?;
        at(&location, keys, environment, cancellation, then)
    }
}

/// Opens the place at a location, and does something with it.
///
/// # Errors
/// It cannot be opened; or `then` fails.
pub(super) fn at<T>(
    location: &Location,
    keys: Keys,
    environment: &Environment,
    cancellation: &Cancellation,
    then: impl FnOnce(&dyn Shelf, &Look<'_>) -> Result<T>,
) -> Result<T> {
    let interrupt = cancellation.interrupt();
    let access = environment.access(interrupt.clone());
    let shelf = shelf(location, &access, &environment.temporary)?;
    let look = Look {
        zone: TimeZone::system(),
        now: Timestamp::now(),
        keys,
        needs_summaries: matches!(location, Location::Object(_)),
        spool_folder: &environment.temporary,
        interrupt,
    };
    then(shelf.as_ref(), &look)
}

/// List the archives that lie in a folder or under a prefix of an object store
///
/// Says of each when it was made, how large it is, of which version of Strapi, what it holds, and
/// whether it is complete. Needs no key: what is not known from the summary beside an archive
/// (export --summary, and always in object stores) or from the archive itself is taken from its name,
/// and last from the time of the file; the column From says which. Unpacked archives are left out.
#[derive(Debug, Args)]
#[command(mut_arg("require_authentication", |arg| arg.hide(true)))]
#[command(after_help = "Examples:
  backup list /backups
  backup list s3://bucket/backups/
  backup list /backups --json

With a key or an identity encrypted archives that have no summary are opened as well.")]
pub(super) struct Arguments {
    #[command(flatten)]
    place: PlaceArguments,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Lists; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        let cancellation = Cancellation::listen()?;
        let listed = self.place.open(environment, &cancellation, |shelf, look| {
            let inventory = Inventory::take(shelf, look)?;
            Ok((shelf.name(), inventory, look.now))
        });
        let (name, inventory, now) =
            listed.map_err(|it| it.interrupted_with("nothing was listed"))?;
        if self.json {
            let archives: Vec<StockedFacts> =
                inventory.archives.iter().map(Stocked::facts).collect();
            let list = json!({"location": name, "archives": archives, "others": inventory.others});
            Out::print(&list.to_string())?;
            return Ok(0);
        }
        if inventory.archives.is_empty() {
            terminal::tell(&format!("there are no archives in {name}"));
            return Ok(0);
        }
        let mut columns = Columns::new(
            [
                "Made", "Size", "Strapi", "Rows", "Files", "State", "From", "Name",
            ],
            [false, true, false, true, true, false, false, false],
            7,
        );
        for archive in &inventory.archives {
            let count = |stage: Stage| {
                let count = archive.counts.get(stage.as_str());
                count.map_or("-".into(), u64::to_string)
            };
            columns.add([
                made(archive),
                size(archive.size),
                archive.strapi.clone().unwrap_or("-".into()),
                count(Stage::Entities),
                count(Stage::Assets),
                state(archive).to_owned(),
                archive.told_by.as_str().to_owned(),
                archive.name.clone(),
            ]);
        }
        Out::print(&columns.text(Reports::Stdout.width()))?;
        tell_future(&inventory.archives, now);
        Ok(0)
    }
}

/// Says which archives are dated in the future.
pub(super) fn tell_future<'a>(archives: impl IntoIterator<Item = &'a Stocked>, now: Timestamp) {
    let future = archives.into_iter();
    for archive in future.filter(|archive| archive.is_of_the_future(now)) {
        terminal::tell(&format!(
            "note: {} is dated in the future ({}): a clock was wrong; it stays, and counts for nothing, until you remove it",
            safe(&archive.name),
            made(archive)
        ));
    }
}

/// When an archive was made, for people.
pub(super) fn made(archive: &Stocked) -> String {
    archive.made.strftime("%Y-%m-%d %H:%M").to_string()
}

/// Whether an archive is complete, in a word.
pub(super) fn state(archive: &Stocked) -> &'static str {
    match archive.is_complete {
        true => "complete",
        false => "incomplete",
    }
}

/// A number of bytes: for people, or for programs.
pub(super) fn size(bytes: u64) -> String {
    match io::stdout().is_terminal() {
        true => DecimalBytes(bytes).to_string(),
        false => bytes.to_string(),
    }
}
