//! Where a project keeps the files of its media library, behind [`Uploads`]: its own folder (the
//! `local` upload provider), a bucket, or somebody who serves them by URL.

mod aside;
mod beneath;
mod bucket;
mod cloud;
mod held;
mod journal;
mod library;
mod local;
mod paths;
mod provider;
mod remote;
mod staged;
mod writer;

pub(super) use aside::{pending_aside, sweep_aside};
pub(super) use held::Held;
pub(super) use library::Library;
pub use library::MediaOptions;
pub(super) use local::LocalUploads;
pub(super) use paths::LONGEST_NAME;
pub(super) use provider::FileAt;

use crate::effort::Effort;
use crate::error::Result;
use crate::model::Asset;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

/// The name of the provider that keeps files in the project's own folder.
pub(super) const LOCAL_PROVIDER: &str = "local";

/// Which links in the upload folder are followed. The folder itself may always be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Links {
    /// Those that stay in the folder.
    #[default]
    Inside,
    /// All of them.
    Followed,
}

/// The files of a media library.
pub(super) trait Uploads: Send + Sync {
    /// Where they are, for messages.
    fn place(&self) -> String;

    /// Sees that they can be read at all: a place that cannot be read would look like an empty one.
    ///
    /// # Errors
    /// It cannot.
    fn check(&self) -> Result<()>;

    /// Opens a file.
    ///
    /// # Errors
    /// Nothing can be opened any more. Within: why this file cannot be had, as half a sentence.
    fn open(&self, file: &FileAt) -> Result<Result<Opened, String>>;

    /// The path below this place of the file that `provider` serves at `url`, where it lies here.
    fn path(&self, provider: &str, url: &str) -> Option<String>;

    /// The provider of files that are put here, and the url of the one at this path.
    fn served(&self, path: &str) -> (String, String);

    /// How many files there are at these paths.
    fn count(&self, paths: &BTreeSet<String>) -> u64;

    /// Sees that files of the media library can be put here at all.
    ///
    /// # Errors
    /// The project keeps them elsewhere.
    fn check_takes_files(&self) -> Result<()>;

    /// The path that a new file gets whose name in an archive is this.
    fn path_for(&self, name: &str) -> String {
        name.to_owned()
    }

    /// What the place is called in sentences.
    fn called(&self) -> String {
        "the upload folder".into()
    }

    /// Whether files that come are put where the provider has no part in it: rows keep the urls that they have.
    fn keeps_urls(&self) -> bool {
        false
    }

    /// Starts to take files. With [`Staged::Counted`] they are read, and not kept. `effort` collects how long
    /// writing them takes; what has to wait on this machine waits in `folder`.
    fn stage(&self, how: Staged, folder: &Path, effort: &Effort) -> Box<dyn StagedUploads>;

    /// Keeps other runs, also on other machines, away from what is left of restores until that is dropped.
    ///
    /// # Errors
    /// Kind [`Locked`](crate::error::Kind::Locked): one of these restores has not ended.
    fn hold(&self) -> Result<Vec<Held>>;

    /// Swaps that were begun and did not end.
    ///
    /// # Errors
    /// They cannot be read.
    fn pending(&self) -> Result<Vec<Box<dyn PendingSwap>>>;

    /// What runs left that were killed and moved no file, or all, by the names of the places where it lies: a
    /// [`sweep`](Self::sweep) deletes it.
    ///
    /// # Errors
    /// A run still works there, or they cannot be looked at.
    fn left(&self) -> Result<Vec<String>>;

    /// Why it cannot be told whether earlier restores have ended, where that is so: known once it was looked for them.
    fn doubt(&self) -> Option<Doubt> {
        None
    }

    /// Deletes what is left of restores that are none of these; says how many there were.
    ///
    /// # Errors
    /// Something cannot be deleted.
    fn sweep(&self) -> Result<usize>;
}

/// A swap that was begun and did not end.
pub(super) trait PendingSwap {
    /// Where the files are, for messages.
    fn place(&self) -> String;

    /// What the database holds if, and only if, it has committed; `None` where that is not known any
    /// more.
    fn token(&self) -> Option<&str>;

    /// Which database that is; `None` where it is not known any more.
    fn database(&self) -> Option<&str>;

    /// Whether restores into other projects, from other machines, may lie at this place as well.
    fn is_shared(&self) -> bool {
        false
    }

    /// Whether it is known to have committed.
    fn is_done(&self) -> bool;

    /// Completes the swap, and writes down that it is final. Can be repeated.
    ///
    /// # Errors
    /// A file cannot be moved.
    fn finish(&self) -> Result<()>;

    /// Puts everything back. Can be repeated.
    ///
    /// # Errors
    /// A file cannot be moved.
    fn undo(&self) -> Result<()>;

    /// Deletes what is not needed any more, and what is known of the swap.
    ///
    /// # Errors
    /// Something cannot be deleted; it can be repeated.
    fn forget(&self) -> Result<()>;
}

/// A file of the media library, opened.
pub(super) struct Opened {
    /// Its bytes.
    pub content: Box<dyn Read + Send>,
    /// How many it has.
    pub size: u64,
    /// Where it is, for messages.
    pub place: String,
    /// In what it is not what its row says.
    pub odd: Option<Odd>,
}

/// That a place of files cannot be asked for what restores left.
#[derive(Debug, Clone)]
pub(super) struct Doubt {
    /// Why, as a sentence.
    pub why: String,
    /// What to do about it.
    pub advice: Option<String>,
    /// Whether it refuses that, so that asking again does not help.
    pub is_denied: bool,
}

/// In what a file is not what its row says, as a verb phrase.
pub(super) enum Odd {
    /// It is what the site has all the same.
    Known(String),
    /// It may be another file, or a part of it.
    Doubtful(String),
}

/// What becomes of files that are staged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Staged {
    /// They are kept, and can be swapped in.
    Kept,
    /// Nothing but whether there is room for them is looked at.
    Counted,
}

/// Files that wait to be swapped in. Dropped before the swap is final, everything is as it was.
///
/// Those that come replace those at the same paths. Everything else stays.
pub(super) trait StagedUploads: Send {
    /// Stages a file, which is going to lie at all of these paths.
    ///
    /// # Errors
    /// It cannot be read; a path leads elsewhere; there is no room, or no permission. That an earlier one cannot be
    /// written may be told here as well.
    fn add(&mut self, paths: &[String], asset: &Asset, content: &mut dyn Read) -> Result<()>;

    /// Waits until all that came is written, as far as that goes on meanwhile.
    ///
    /// # Errors
    /// Those of [`add`](Self::add).
    fn written(&mut self) -> Result<()>;

    /// The files at these paths go as well, also where none comes.
    ///
    /// # Errors
    /// The place cannot be written to.
    fn replace(&mut self, paths: BTreeSet<String>) -> Result<()>;

    /// What is to be known before anybody agrees to the swap, where that is something; once all is
    /// [`written`](Self::written).
    fn remark(&self) -> Option<String> {
        None
    }

    /// Whether nothing of the project's own is going to be swapped.
    fn is_empty(&self) -> bool;

    /// The folder in which files are put aside, if any are.
    fn aside(&self) -> Option<&Path> {
        None
    }

    /// How many files could not get the owner, group and mode of what they replace; known after the swap.
    fn of_other_owners(&self) -> u64;

    /// Puts the staged files in their places and the old ones aside. `database` holds `token` if, and
    /// only if, it commits: so that whoever comes after a crash knows what to do, and whom to ask.
    ///
    /// # Errors
    /// A file cannot be moved; those that were are put back when this is dropped.
    fn swap_in(&mut self, token: &str, database: &str) -> Result<()>;

    /// Makes the swap final, because the database has committed.
    ///
    /// # Errors
    /// That cannot be written down.
    fn settle(&mut self) -> Result<()>;

    /// Puts the old files back where a swap has begun.
    ///
    /// # Errors
    /// A file cannot be moved; everything is left as it is, for the next run. Tells where the old ones are.
    fn put_back(&mut self) -> Result<(), String>;

    /// What could not be deleted after everything was put back, as advice.
    fn litter(&self) -> Option<&str> {
        None
    }

    /// Leaves everything as it is, for the next run to finish or undo. Tells where the old files are if
    /// any have moved.
    fn leave(&mut self) -> Option<String>;

    /// Deletes the old files; tells where they are if that fails.
    fn forget_old(&mut self) -> Option<String>;
}
