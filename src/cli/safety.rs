//! The safety copy: an archive of a running Strapi, made before a restore deletes what it holds.
//!
//! The protocol rolls back rows and not files, so this is the only way back for these. It holds password hashes of the
//! site's users: it is encrypted where anything gives a key, and else a file that its owner alone may read.

use super::environment::Environment;
use super::place::Place;
use super::progress::Progress;
use super::remote::named;
use super::terminal::{self, Voice};
use super::{Cancellation, report};
use crate::archive::{
    Archive, ArchiveDestination, ArchiveName, DEFAULT_SHARD_SIZE, Demands, Encryption, Level, Lock,
    Packing, Password, Unlock,
};
use crate::error::{Error, Result};
use crate::model::Stage;
use crate::remote::{Address, SafetyCopy};
use crate::store::{FileNames, FileTarget, Interrupt, Location, Receipt, check_folder, folder_of};
use crate::transfer::{
    Extent, Filter, FilterOptions, Group, Observer, OnFault, SchemaStrategy, Silent, Source,
    Transfer, VersionStrategy,
};
use clap::Args;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What is done so that the files of a running Strapi are not lost.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "A running Strapi")]
pub(super) struct SafetyArguments {
    /// Where the safety copy goes [default: safety-HOST-YYYYMMDDHHMMSS beside the archive, else here]
    ///
    /// Before anything is deleted in a running Strapi, all that it holds is pulled into this archive:
    /// should the transfer break, its files come back from there. It has the key of the archive that is
    /// restored, where that has one.
    #[arg(long, value_name = "FILE", conflicts_with = "no_safety_copy")]
    safety_copy: Option<PathBuf>,
    /// Keep the safety copy also after success
    #[arg(long, conflicts_with = "no_safety_copy")]
    keep_safety_copy: bool,
    /// Make no safety copy: files that are deleted cannot be brought back
    ///
    /// A token that may only push needs this, and the plan then has no counts.
    #[arg(long)]
    no_safety_copy: bool,
}

impl SafetyArguments {
    /// The options that were given.
    pub fn given(&self) -> Vec<&'static str> {
        named([
            ("--safety-copy", self.safety_copy.is_some()),
            ("--keep-safety-copy", self.keep_safety_copy),
            ("--no-safety-copy", self.no_safety_copy),
        ])
    }

    /// What these mean for a site; `beside` is the archive that is restored into it, where that is a file.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): the copy cannot lie where it should. Its folder is not there.
    pub fn plan(
        &self,
        address: &Address,
        beside: Option<&Path>,
        lock: SafetyLock,
        filter: &Filter,
        environment: &Environment,
        cancellation: &Cancellation,
    ) -> Result<SafetyPlan> {
        if self.no_safety_copy {
            return Ok(SafetyPlan::None);
        }
        let folder = beside.map(folder_of).unwrap_or(Path::new("."));
        let base = match &self.safety_copy {
            None => folder.join(default_name(address)),
            Some(given) => {
                let Location::Path(path) = Location::parse(given.as_os_str())? else {
                    return Err(Error::usage(
                        "--safety-copy names no file on this machine, from which files could be brought back at once",
                    )
                    .hint("name a file or a folder, or leave it out"));
                };
                match Place::is_folder(&path) {
                    true => path.join(default_name(address)),
                    false => path,
                }
            }
        };
        let packing = Packing {
            compression: Some(Level::default()),
            encryption: lock.encryption.clone(),
            interrupt: cancellation.interrupt(),
            ..Packing::default()
        };
        // What the push leaves alone is not lost, and a site may not be able to give it.
        let left_out = (!filter.includes(Stage::Assets)).then_some(Group::Files);
        let filter = Filter::new(&FilterOptions {
            exclude: left_out.into_iter().collect(),
            ..FilterOptions::default()
        })?;
        let path = ArchiveName::with_extensions(&base, &packing);
        check_folder(folder_of(&path))?;
        if path.symlink_metadata().is_ok() {
            return Err(Error::usage(format!("{} is there already", path.display()))
                .hint("choose another name with --safety-copy"));
        }
        Ok(SafetyPlan::Copy(Arc::new(SafetyArchive {
            path: std::path::absolute(&path)
                .map_err(|error| Error::io("find the folder", &path, error))?,
            packing,
            lock,
            filter,
            is_kept: self.keep_safety_copy,
            is_there: AtomicBool::default(),
            is_spent: AtomicBool::default(),
            is_incomplete: AtomicBool::default(),
            spool_folder: environment.temporary.clone(),
            cancellation: cancellation.clone(),
        })))
    }
}

/// What the copy of a site is called, without extension.
fn default_name(address: &Address) -> String {
    let host = address.host().chars();
    let host: String = host
        .map(
            |it| match it.is_ascii_alphanumeric() || it == '.' || it == '-' {
                true => it,
                false => '_',
            },
        )
        .collect();
    jiff::Zoned::now()
        .strftime(&format!("safety-{host}-%Y%m%d%H%M%S"))
        .to_string()
}

/// How a safety copy is encrypted, what opens it, and how that is told.
#[derive(Debug, Clone)]
pub(super) struct SafetyLock {
    encryption: Option<Encryption>,
    unlock: Option<Unlock>,
    told: &'static str,
}

impl SafetyLock {
    /// That of the archive that is restored, else what the key of the environment gives.
    pub fn of_archive(
        lock: Option<Lock>,
        unlock: Option<&Unlock>,
        otherwise: Option<Password>,
    ) -> Self {
        match (lock, unlock) {
            (Some(lock), Some(Unlock::Key(password))) => Self {
                encryption: Some(match lock.cipher() {
                    crate::archive::Cipher::Strapi => Encryption::Strapi(password.clone()),
                    crate::archive::Cipher::Age => Encryption::Passphrase(password.clone()),
                }),
                unlock: Some(Unlock::Key(password.clone())),
                told: "encrypted with the key of the archive",
            },
            (Some(_), Some(Unlock::Identities(identities))) => Self {
                encryption: Some(Encryption::Recipients(identities.recipients())),
                unlock: Some(Unlock::Identities(identities.clone())),
                told: "encrypted to the identity that opens the archive",
            },
            _ => Self::of_key(otherwise),
        }
    }

    /// That of a key, where there is one.
    pub fn of_key(key: Option<Password>) -> Self {
        match key {
            Some(key) => Self {
                encryption: Some(Encryption::Strapi(key.clone())),
                unlock: Some(Unlock::Key(key)),
                told: "encrypted with the key that is given",
            },
            None => Self {
                encryption: None,
                unlock: None,
                told: "not encrypted: only this user may read it (mode 600)",
            },
        }
    }
}

/// What is done before a site is emptied.
pub(super) enum SafetyPlan {
    /// Nothing.
    None,
    /// A copy is made.
    Copy(Arc<SafetyArchive>),
}

impl SafetyPlan {
    /// Says what is done, before it is asked whether it may.
    pub fn tell(&self) {
        match self {
            Self::None => terminal::tell(
                "safety copy: none; files that are deleted cannot be brought back (--no-safety-copy)",
            ),
            Self::Copy(copy) => terminal::tell(&format!(
                "safety copy: before anything is deleted, {} goes to {}, {}",
                copy.content(),
                copy.name(),
                copy.lock.told
            )),
        }
    }

    /// What a push makes it with.
    pub fn copy(&self) -> Option<Arc<dyn SafetyCopy>> {
        match self {
            Self::None => None,
            Self::Copy(copy) => Some(copy.clone()),
        }
    }

    /// Removes it after success, unless it is to stay, or the site was not seen to hold all that was sent to it; gives
    /// where it lies then.
    pub fn after_success(&self) -> Option<String> {
        let copy = self.made()?;
        let shown = copy.name();
        let is_incomplete = copy.is_incomplete.load(Ordering::Relaxed);
        if is_incomplete {
            terminal::alert(&format!(
                "safety copy: {shown} did not hold all of the site, and is not removed by itself"
            ));
        }
        if !copy.is_spent.load(Ordering::Relaxed) {
            terminal::alert(&format!(
                "safety copy: {shown} stays, because the site was not seen to hold all that was sent to it; remove it \
                 once you have looked at the site"
            ));
            return Some(shown);
        }
        if !copy.is_kept && !is_incomplete {
            match fs::remove_file(&copy.path) {
                Ok(()) => {
                    terminal::tell(&format!("safety copy: {shown} is removed"));
                    return None;
                }
                Err(error) => terminal::alert(&format!(
                    "note: the safety copy {shown} could not be removed: {error}"
                )),
            }
        }
        terminal::tell(&format!("safety copy: {shown} stays"));
        Some(shown)
    }

    /// Says where it lies after a failure, if it does.
    pub fn after_failure(&self) -> Option<String> {
        let made = self.made()?;
        let shown = made.name();
        terminal::alert(&format!(
            "safety copy: {shown} stays, with {}",
            made.content()
        ));
        Some(shown)
    }

    fn made(&self) -> Option<&SafetyArchive> {
        match self {
            Self::Copy(copy) if copy.is_there.load(Ordering::Relaxed) => Some(copy),
            _ => None,
        }
    }
}

/// An archive that a site is pulled into before it is emptied.
pub(super) struct SafetyArchive {
    path: PathBuf,
    packing: Packing,
    lock: SafetyLock,
    /// What of the site is in it.
    filter: Filter,
    is_kept: bool,
    /// Whether it has been made.
    is_there: AtomicBool,
    /// Whether the site holds all that was sent to it.
    is_spent: AtomicBool,
    /// Whether it lacks something.
    is_incomplete: AtomicBool,
    spool_folder: PathBuf,
    cancellation: Cancellation,
}

impl SafetyArchive {
    /// What is in it.
    fn content(&self) -> &'static str {
        match self.filter.includes(Stage::Assets) {
            true => "all that the site holds",
            false => "all that the site holds beside its files, which stay,",
        }
    }
}

impl SafetyCopy for SafetyArchive {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn make(&self, source: &mut dyn Source) -> Result<()> {
        let shown = self.name();
        terminal::tell(&format!(
            "safety copy: pulling {} into {shown}",
            self.content()
        ));
        let names = FileNames {
            complete: self.path.clone(),
            incomplete: self.path.clone(),
            overwrite: false,
        };
        let target =
            FileTarget::create(names, Receipt::default())?.called("safety copy", "--safety-copy");
        let destination =
            ArchiveDestination::packed(Box::new(target), &self.packing, DEFAULT_SHARD_SIZE)?;
        let progress = Progress::new(&self.cancellation, false);
        let observer: &dyn Observer = match terminal::voice() {
            Voice::Json(_) => &Silent,
            _ => &progress,
        };
        let mut transfer = Transfer {
            source,
            destination: Box::new(destination),
            filter: self.filter.clone(),
            extent: Extent::default(),
            versions: VersionStrategy::Ignore,
            schemas: SchemaStrategy::Ignore,
            on_fault: OnFault::Stop,
            observer,
        };
        let copied = transfer.plan().and_then(|plan| transfer.run(&plan));
        let report = copied.map_err(|error| error.within("safety copy"))?;
        self.is_there.store(true, Ordering::Relaxed);
        if let Some(shortfall) = report::shortfall(&report) {
            self.is_incomplete.store(true, Ordering::Relaxed);
            terminal::alert(&format!(
                "safety copy: {shown} does not hold all of the site: {shortfall}"
            ));
        }
        Ok(())
    }

    fn lock(&self) -> &str {
        self.lock.told
    }

    fn spent(&self) {
        self.is_spent.store(true, Ordering::Relaxed);
    }

    fn open(&self, interrupt: Interrupt) -> Result<Box<dyn Source>> {
        let archive = Archive::at(&self.path, &self.spool_folder)?;
        let demands = Demands {
            authentic: false,
            tolerant: false,
            interrupt,
            effort: Default::default(),
        };
        Ok(Box::new(
            archive.open_with(self.lock.unlock.clone(), demands)?,
        ))
    }
}
