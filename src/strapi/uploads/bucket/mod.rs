//! The files of a media library in a bucket, whose objects nobody can rename: what comes is put beside them, and
//! copied over them as the database commits.
//!
//! All that a restore keeps meanwhile lies below `<prefix>.backup-restore-<ID>/`:
//!
//! | object | what it is |
//! |---|---|
//! | `new/PATH` | a file that comes |
//! | `old/PATH` | one that is overwritten, as it was |
//! | `journal.jsonl` | what goes where; there from before the first object is overwritten |
//! | `done` | the database has committed: nothing is undone any more |
//! | `lease` | whose restore this is, and by its age whether he still works |

mod journal;
mod lease;
mod staged;

use super::{Held, PendingSwap, Staged, StagedUploads};
use crate::effort::Effort;
use crate::error::Result;
use crate::store::media::{Attributes, Objects};
use std::path::Path;
use std::sync::Arc;

/// Where the files of a media library are in a bucket, and how they are kept there.
#[derive(Debug, Clone, Default)]
pub(in crate::strapi) struct Layout {
    /// What stands before the path of every file: nothing, or something that ends in a slash.
    pub prefix: String,
    /// What every file gets, and its own media type besides.
    pub attributes: Attributes,
    /// What the place is called in messages.
    pub name: String,
}

/// The place in a bucket where files of a media library are put.
pub(in crate::strapi) struct Bucket {
    objects: Arc<dyn Objects>,
    layout: Layout,
}

impl Bucket {
    /// The files that lie so among these objects. Nothing is asked of them yet.
    ///
    /// `objects` have to go on when the user wants the run to stop: what was staged is deleted then.
    pub fn new(objects: Arc<dyn Objects>, layout: Layout) -> Self {
        Self { objects, layout }
    }

    /// What it is called in messages.
    pub fn name(&self) -> &str {
        &self.layout.name
    }

    /// Whether a file can lie at this path.
    pub fn takes(&self, path: &str) -> bool {
        let _ = path;
        false
    }

    /// The key of the file at this path.
    pub fn key(&self, path: &str) -> String {
        format!("{}{path}", self.layout.prefix)
    }

    /// As [`Uploads::stage`](super::Uploads::stage).
    pub fn stage(&self, how: Staged, folder: &Path, effort: &Effort) -> Box<dyn StagedUploads> {
        let _ = (&self.objects, how, folder, effort);
        unreachable!("nothing calls it yet")
    }

    /// As [`Uploads::hold`](super::Uploads::hold).
    pub fn hold(&self) -> Result<Vec<Held>> {
        Ok(Vec::new())
    }

    /// As [`Uploads::pending`](super::Uploads::pending).
    pub fn pending(&self) -> Result<Vec<Box<dyn PendingSwap>>> {
        Ok(Vec::new())
    }

    /// As [`Uploads::left`](super::Uploads::left).
    pub fn left(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// As [`Uploads::sweep`](super::Uploads::sweep).
    pub fn sweep(&self) -> Result<usize> {
        Ok(0)
    }
}
