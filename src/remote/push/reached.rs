//! How far a push came: that alone decides what a broken one leaves.
//!
//! Seen on Strapi 5.54 and 4.26 with the socket cut after each message: the database is rolled back until the
//! commit; the files are gone from the moment when what is replaced is deleted, and the copy that servers with a
//! folder of their own made of them is deleted at the end of the files.

/// How far a push came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reached {
    /// A transaction is open, and nothing is deleted.
    Opened,
    /// What is replaced was told to be deleted, files too, and no answer came: it may be there.
    Clearing,
    /// What is replaced is deleted, files too.
    Cleared,
    /// Files were begun to be sent.
    Files,
    /// The files were told to be complete, and the answer did not come: the copy of the old ones may be there.
    FilesEnding,
    /// The files are complete: the copy of the old ones is gone.
    FilesKept,
    /// The commit was asked for, and its answer did not come.
    Closing,
    /// The server said that it commits.
    Committed,
}

impl Reached {
    /// Whether the old files, if they were replaced, still lie in a folder beside the new ones, on servers that keep
    /// files on their own disk.
    pub fn has_copy(self) -> bool {
        matches!(self, Self::Clearing | Self::Cleared | Self::Files)
    }
}
