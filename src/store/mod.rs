//! Where archives lie: files, standard input and output, object stores.
//!
//! This room moves bytes and knows nothing of what is in them. A [`Target`] takes an archive and
//! shows it when it is complete; an [`Origin`] gives one. Whose files are is known here as well.

mod access;
mod file;
mod folder;
mod interrupt;
mod limit;
mod location;
pub(crate) mod media;
mod named;
mod net;
mod object;
mod owner;
mod pipe;
mod plain;
mod receipt;
mod shelf;
mod small;
mod stream;
mod temporary;
mod write_back;

pub use access::Access;
pub use file::{
    FileNames, FileOrigin, FileTarget, check_folder, folder_of, real_path, sync_folder, sync_name,
};
pub(crate) use folder::{Folder, Hidden, check_free, holds_something};
pub use interrupt::{Interrupt, Interruptible};
pub use location::{Location, ObjectName, StoreKind};
pub(crate) use named::{about_named, open_named, open_named_or_pipe, sort};
pub use net::Distrust;
pub(crate) use net::{Answer, Caller, Unanswered, is_loopback};
pub(crate) use net::{Asked, Failure, Refusal, Upgraded, upgrade};
pub(crate) use net::{Headers, Rest};
pub use object::{Beside, ObjectTarget, post, write_beside};
pub(crate) use owner::Owner;
pub(crate) use pipe::read_until;
pub(crate) use plain::{not_opened, open_plain};
pub use receipt::{Ending, Receipt, Written};
pub use shelf::{Item, Shelf, shelf};
pub use small::{write_small, write_small_beside};
pub use stream::{StreamOrigin, StreamTarget};
pub use temporary::Aside;
pub(crate) use temporary::Temporary;
pub(crate) use write_back::{WriteBack, write_back};

use crate::error::Result;
use object::ObjectOrigin;
use std::io::{Read, Write};
use std::path::Path;

/// Takes an archive. Dropped before it is published, it leaves nothing behind, where the place allows
/// that.
pub trait Target: Write + Send {
    /// Where the archive goes, for messages.
    fn name(&self) -> String;

    /// A folder with room for what must wait before it can be written.
    fn spool_folder(&self) -> &Path;

    /// Makes the archive visible under its name, once it is on disk; or under another one, where it is incomplete and
    /// the place allows that.
    ///
    /// # Errors
    /// The disk is full, or something else went wrong; nothing stands under the name, or what stood
    /// there before.
    fn publish(self: Box<Self>, ending: Ending) -> Result<()>;
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

/// Opens the object of this name; where there is none, those whose names have one of the endings behind it.
///
/// # Errors
/// The store cannot be reached, or refuses it.
pub fn open_objects(
    name: &ObjectName,
    endings: &[&str],
    access: &Access,
) -> Result<Vec<Box<dyn Origin>>> {
    let found = ObjectOrigin::find(name, endings, access)?;
    Ok(found
        .into_iter()
        .map(|origin| Box::new(origin) as Box<dyn Origin>)
        .collect())
}
