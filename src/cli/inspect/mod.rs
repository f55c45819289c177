//! `backup inspect`: what an archive is, and what is in it.

mod out;
mod words;

use super::environment::Environment;
use super::key::KeyArguments;
use super::printing::{Out, unprinted};
use super::progress::Progress;
use super::terminal::{self, Reports, Voice, safe};
use super::verify::print_faults;
use super::{Cancellation, exit_code, locate_archive};
use crate::archive::{ArchiveSource, Demands, Lock};
use crate::error::{Error, Kind, Result};
use crate::inventory::Outside;
use crate::portrait::{PlaceFacts, Portrait, html};
use crate::store::{Access, Location, folder_of, shelf};
use crate::transfer::{
    Chosen, Description, EntityLines, Event, Extent, Observer, OnFault, Onlooker, SchemaStrategy,
    Source, Transfer, VersionStrategy,
};
use clap::Args;
use jiff::tz::TimeZone;
use out::Page;
use serde_json::json;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

/// Tell what an archive is and what is in it
///
/// Reads all of it once and says what it was made from, how much it holds of each stage and type, what is
/// missing, and what is largest. What is wrong with it is listed; but it is `backup verify` that gives a
/// verdict. Needs no project and changes nothing. Of an encrypted archive whose key nobody gives it tells
/// what shows from outside: length, dates, and what the summary beside it says.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup inspect site.tar.gz.enc --key-file /etc/backup/key
  backup inspect site.tar.gz.enc --no-key
  backup inspect site.tar.gz --html site.html
  backup inspect site.tar.gz --type api::article.article | jq -r .data.title
  backup inspect site.tar.gz --entries | head
  backup inspect s3://bucket/backups/site-2026-11-20 --json | jq .stages.entities

Exit codes: 0 told, also of an archive that is incomplete, or of which no more shows without the key;
2 there is no such type; 6 damaged, after as much as could be told; 12 wrong key.")]
pub(super) struct Arguments {
    /// The archive: a file, a folder that holds an unpacked one, s3://, gs:// or az://, or - for stdin
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    #[command(flatten)]
    key: KeyArguments,
    /// Ask for no key, and tell what shows without it
    #[arg(long, conflicts_with_all = ["key", "key_file", "key_command", "identity", "require_authentication", "entries", "content_type"])]
    no_key: bool,
    /// List the entries instead, in their order, a line each: kind, bytes, name
    #[arg(long, conflicts_with_all = ["content_type", "html"])]
    entries: bool,
    /// Print the entities of this content type instead, as the lines of JSON that the archive holds
    #[arg(long = "type", id = "content_type", value_name = "UID", conflicts_with_all = ["json", "html"])]
    content_type: Option<String>,
    /// Write a page for browsers to this file instead, or to stdout (-)
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Replace the page that has that name. Nothing but a page of inspect is replaced
    #[arg(long, requires = "html")]
    overwrite: bool,
    /// Print one line of JSON, or one an entry
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Tells; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        if self.json || self.html.is_some() {
            terminal::speak(Voice::Quiet);
        }
        let cancellation = Cancellation::listen()?;
        let told = self.tell(environment, &cancellation);
        told.map_err(|error| error.interrupted_with("not everything was looked at"))
    }

    fn tell(&self, environment: &Environment, cancellation: &Cancellation) -> Result<u8> {
        let page = Page::of(self, environment)?;
        let (archive, prompt) = locate_archive(&self.archive, cancellation, environment)?;
        let access = environment.access(cancellation.interrupt());
        let outside = self.outside(&archive.name(), &access, environment)?;
        let place = PlaceFacts::new(&archive.name(), &outside);
        let unlock = match self.no_key {
            true => None,
            false => self.key.if_answered(&archive, &prompt, environment)?,
        };
        if let (Some(lock), None) = (archive.lock()?, &unlock) {
            self.check_keyless(&archive.name(), lock)?;
            let place = place.sealed(archive.length(), lock);
            return self.show(&Portrait::sealed(place, outside), page);
        }
        let mut source = archive.open_with(
            unlock,
            Demands {
                authentic: self.key.require_authentication,
                tolerant: true,
                interrupt: cancellation.interrupt(),
                ..Demands::default()
            },
        )?;
        if self.entries {
            return self.list(&mut source);
        }
        let watch = Aside {
            progress: Progress::new(cancellation, false),
            shows: io::stderr().is_terminal() && self.content_type.is_none(),
        };
        if let Some(uid) = &self.content_type {
            return self.print_type(uid, &mut source, &watch);
        }
        let place = place.opened(&source);
        let portrait = Portrait::read(place, &mut source, &watch)?;
        self.show(&portrait, page)
    }

    /// What is known of the archive without opening it.
    fn outside(&self, found: &str, access: &Access, environment: &Environment) -> Result<Outside> {
        let named = Location::parse(self.archive.as_os_str())?;
        let (place, name) = match &named {
            Location::Stream => return Ok(Outside::default()),
            Location::Object(object) => {
                let name = found.rsplit('/').next().unwrap_or_default().to_owned();
                (Location::Object(object.with_name("")), name)
            }
            Location::Path(_) => {
                // Its extensions may have been left out.
                let found = Path::new(found);
                let name = found.file_name().unwrap_or_default();
                if !found.is_file() {
                    return Ok(Outside::default());
                }
                let folder = Location::Path(folder_of(found).to_owned());
                (folder, name.to_string_lossy().into_owned())
            }
        };
        let shelf = shelf(&place, access, &environment.temporary)?;
        Outside::of(shelf.as_ref(), &name, &TimeZone::system())
    }

    /// Refuses what an archive does not show without its key.
    fn check_keyless(&self, archive: &str, lock: Lock) -> Result<()> {
        let wants = [
            (self.entries, "--entries"),
            (self.content_type.is_some(), "--type"),
            (self.key.require_authentication, "--require-authentication"),
        ];
        let Some((_, option)) = wants.iter().find(|(is_given, _)| *is_given) else {
            return Ok(());
        };
        let (what, hint) = match lock {
            Lock::Key(_) => (
                "its key",
                "give it with --key-file or in the variable BACKUP_KEY",
            ),
            Lock::Identity => (
                "an identity of one of its recipients",
                "give it with --identity or in the variable BACKUP_IDENTITY",
            ),
        };
        let why = format!("{archive} is encrypted, and {option} needs {what}");
        Err(Error::usage(why).hint(hint))
    }

    /// Lists the entries.
    fn list(&self, source: &mut ArchiveSource) -> Result<u8> {
        let mut out = Out::default();
        let json = self.json;
        let listed = source.each_entry(&mut |entry| {
            let kind = entry.kind.as_str();
            let line = match json {
                true => {
                    let object = json!({"kind": kind, "bytes": entry.length, "name": entry.name});
                    object.to_string()
                }
                false => format!("{kind:<14}  {:>12}  {}", entry.length, safe(entry.name)),
            };
            out.line(&line)
        });
        // What came before what is damaged is printed as well.
        let flushed = out.end(Ok(()))?;
        match (flushed, listed) {
            (None, _) => Ok(0),
            (_, Err(error)) => Err(error),
            (_, Ok(faults)) => {
                faults.iter().for_each(terminal::tell_fault);
                Ok(match faults.is_empty() {
                    true => 0,
                    false => exit_code(Kind::Archive),
                })
            }
        }
    }

    /// Prints the entities of a content type.
    fn print_type(&self, uid: &str, source: &mut ArchiveSource, watch: &Aside) -> Result<u8> {
        let (description, damage) = described(source)?;
        let chosen = Chosen::of(&[uid.to_owned()], &description);
        // What is left of the content types says nothing of the others.
        let chosen = chosen.map_err(|error| damage.unwrap_or(error))?;
        let mut out = Out::default();
        let mut lines = EntityLines::new(&chosen, &mut out, &unprinted);
        let planned = Transfer {
            source,
            destination: Box::new(Onlooker(&mut lines)),
            filter: chosen.filter()?,
            extent: Extent::default(),
            versions: VersionStrategy::default(),
            schemas: SchemaStrategy::default(),
            on_fault: OnFault::GoOn,
            observer: watch,
        }
        .plan();
        let count = lines.count();
        let Some(plan) = out.end(planned)? else {
            return Ok(0);
        };
        if count == 0 {
            terminal::tell(&format!("the archive holds no entities of {uid}"));
        }
        print_faults(&plan);
        Ok(match plan.faults.is_empty() {
            true => 0,
            false => exit_code(Kind::Archive),
        })
    }

    /// Shows a portrait as it was asked for; gives the exit code.
    fn show(&self, portrait: &Portrait, page: Option<Page>) -> Result<u8> {
        if let Some(page) = &page
            && let Some(path) = page.write(&html::page(portrait))?
        {
            terminal::alert(&format!("the page is in {}", path.display()));
        }
        // To print is the work here: that nobody takes it is a failure.
        if self.json {
            Out::print(&serde_json::to_string(portrait).expect("texts and numbers serialise"))?;
        } else if page.is_none() {
            Out::print(&words::text(portrait, Reports::Stdout.width()))?;
        }
        words::print_faults(portrait);
        Ok(match portrait.is_damaged() {
            true => exit_code(Kind::Archive),
            false => 0,
        })
    }
}

/// What an archive says of itself; or what is left of that, and what is wrong with it.
fn described(source: &mut ArchiveSource) -> Result<(Description, Option<Error>)> {
    match source.describe() {
        Ok(description) => Ok((description, None)),
        Err(error) if error.kind() == Kind::Archive => {
            source.make_do();
            Ok((source.describe()?, Some(error)))
        }
        Err(error) => Err(error),
    }
}

/// Shows whoever looks how far it is, and nothing else: what there is to tell stands in the portrait.
struct Aside {
    progress: Progress,
    shows: bool,
}

impl Observer for Aside {
    fn on(&self, event: Event<'_>) {
        if self.shows && !matches!(event, Event::Warned(_)) {
            self.progress.on(event);
        }
    }

    fn is_cancelled(&self) -> bool {
        self.progress.is_cancelled()
    }
}
