//! Where archives lie: files, standard input and output; later object stores.
//!
//! This room moves bytes and knows nothing of what is in them. A [`Target`] takes an archive and
//! shows it when it is complete; an [`Origin`] gives one. Whose files are is known here as well.

mod access;
mod file;
mod interrupt;
mod location;
mod owner;
mod plain;
mod shelf;
mod stream;
mod write_back;

pub use access::Access;
pub use file::{
    FileOrigin, FileTarget, check_folder, folder_of, real_path, sync_folder, sync_name,
};
pub use interrupt::{Interrupt, Interruptible};
pub use location::{Location, ObjectName, StoreKind};
pub(crate) use owner::Owner;
pub(crate) use plain::{not_opened, open_plain};
pub use shelf::{Item, Shelf, shelf};
pub use stream::{StreamOrigin, StreamTarget};
pub(crate) use write_back::{WriteBack, write_back};

use crate::error::Result;
use std::io::{Read, Write};
use std::path::Path;

/// Takes an archive. Dropped before it is published, it leaves nothing behind, where the place allows
/// that.
pub trait Target: Write + Send {
    /// Where the archive goes, for messages.
    fn name(&self) -> String;

    /// A folder with room for what must wait before it can be written.
    fn spool_folder(&self) -> &Path;

    /// Makes the archive visible under its name, once it is on disk.
    ///
    /// # Errors
    /// The disk is full, or something else went wrong; nothing stands under the name, or what stood
    /// there before.
    fn publish(self: Box<Self>) -> Result<()>;
}

/// Gives an archive.
pub trait Origin: Send {
    /// Where the archive lies, for messages.
    fn name(&self) -> String;

    /// Starts to read at the beginning. With `again` it can be opened once more after that, also
    /// if it is a stream: what is read meanwhile is kept.
    ///
    /// # Errors
    /// It cannot be read; or is a stream that was opened for the last time.
    fn open(&mut self, again: bool) -> Result<Box<dyn Read + Send>>;

    /// How many bytes it has, where that is known.
    fn length(&self) -> Option<u64>;
}
