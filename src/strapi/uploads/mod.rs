//! Where a project keeps the files of its media library, behind [`Uploads`]: its own folder (the
//! `local` upload provider); later S3.

mod local;
mod staged;

pub(super) use local::LocalUploads;

use crate::error::Result;
use std::collections::BTreeSet;
use std::io::Read;

/// The name of the provider that keeps files in the project's own folder.
pub(super) const LOCAL_PROVIDER: &str = "local";

/// The files of a media library.
pub(super) trait Uploads: Send {
    /// Where they are, for messages.
    fn place(&self) -> String;

    /// Sees that they can be read at all: a place that cannot be read would look like an empty one.
    ///
    /// # Errors
    /// It cannot.
    fn check(&self) -> Result<()>;

    /// Opens the file that `provider` serves at `url`.
    ///
    /// # Errors
    /// Why it cannot be had, as half a sentence.
    fn open(&self, provider: &str, url: &str) -> Result<Opened, String>;

    /// The name of the file that `provider` serves at `url`, where it lies in this place.
    fn filename(&self, provider: &str, url: &str) -> Option<String>;

    /// How many files of these names there are.
    fn count(&self, names: &BTreeSet<String>) -> u64;

    /// Starts to take files. Those that come replace those of the same name, and with `replaced` those
    /// of these names go as well. Everything else stays.
    ///
    /// # Errors
    /// The place cannot be written to.
    fn stage(&self, replaced: Option<BTreeSet<String>>) -> Result<Box<dyn StagedUploads>>;
}

/// A file of the media library, opened.
pub(super) struct Opened {
    /// Its bytes.
    pub content: Box<dyn Read>,
    /// How many it has.
    pub size: u64,
    /// Where it is, for messages.
    pub place: String,
}

/// Files that wait to be swapped in. Dropped before the swap is final, everything is as it was.
pub(super) trait StagedUploads: Send {
    /// Stages a file.
    ///
    /// # Errors
    /// Its name is no file name, or it cannot be written.
    fn add(&mut self, filename: &str, content: &mut dyn Read) -> Result<()>;

    /// Puts the staged files in their places and the old ones aside.
    ///
    /// # Errors
    /// A file cannot be moved; those that were are put back when this is dropped.
    fn swap_in(&mut self) -> Result<()>;

    /// Makes the swap final and deletes the old files; tells where they are if that fails.
    fn forget_old(&mut self) -> Option<String>;
}
