//! The errors of the whole library.
//!
//! Policy: an [`Error`] is a value with a [`Kind`] (what a script may react to), a message that
//! names what failed and where (file, entry and line, entity, table), and a hint that says what to
//! do next. The library returns errors and never prints them; the binary words them and turns the
//! kind into an exit code. No message carries a password or a key. Text that comes from archives or
//! databases stands in messages as it is: whoever writes to a terminal makes it safe first.

use std::fmt::Display;
use std::io;
use std::path::Path;

/// What sort of failure an [`Error`] is, as far as a caller may act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The work failed: I/O, database, project.
    Failed,
    /// The request makes no sense: options that exclude each other, a name that does not exist.
    Usage,
    /// The versions of source and destination do not match under the chosen strategy.
    Version,
    /// The schemas of source and destination do not match under the chosen strategy.
    Schema,
    /// The archive is damaged or is not one of ours.
    Archive,
    /// Another run holds the project or the destination.
    Locked,
    /// The archive is encrypted and the key does not open it.
    WrongKey,
    /// The destination is half-way, and cannot be set right now.
    HalfWay,
    /// The user interrupted the run.
    Interrupted,
}

/// What failed, where, and what to do next.
#[derive(Debug, thiserror::Error)]
#[error("{message}{}", listed(list))]
pub struct Error {
    kind: Kind,
    message: String,
    list: Vec<String>,
    hint: Option<String>,
    is_denied: bool,
    is_unproven: bool,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// How long a message may be, in bytes: values of archives and databases stand in some, and have any
/// length.
const LONGEST_MESSAGE: usize = 8 << 10;

/// The same of what is wrong with an archive: there may be many of these.
const LONGEST_FAULT: usize = 1 << 10;

/// What is said of an interruption before it is known what it left.
const INTERRUPTED: &str = "interrupted";

fn shortened(mut message: String, longest: usize) -> String {
    if message.len() > longest {
        message.truncate(message.floor_char_boundary(longest));
        message.push_str("...");
        message.shrink_to_fit();
    }
    message
}

fn listed(list: &[String]) -> String {
    list.iter().map(|item| format!("\n  {item}")).collect()
}

/// The result of everything in this library that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of the given kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: shortened(message.into(), LONGEST_MESSAGE),
            list: Vec::new(),
            hint: None,
            is_denied: false,
            is_unproven: false,
            source: None,
        }
    }

    /// An error of kind [`Kind::Failed`].
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Kind::Failed, message)
    }

    /// An error of kind [`Kind::Usage`].
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// An error of kind [`Kind::Archive`], with the advice that fits most of these.
    pub fn archive(message: impl Into<String>) -> Self {
        Self::new(Kind::Archive, shortened(message.into(), LONGEST_FAULT))
            .hint("take another archive, or copy this one again from where it was made")
    }

    /// The run was interrupted.
    pub fn interrupted() -> Self {
        Self::new(Kind::Interrupted, INTERRUPTED)
    }

    /// Says of an interruption what it left, where that was not said yet; another error stays as it is.
    #[must_use]
    pub fn interrupted_with(mut self, what: &str) -> Self {
        if self.kind == Kind::Interrupted && self.message == INTERRUPTED {
            self.message = format!("{INTERRUPTED}: {what}");
        }
        self
    }

    /// A failed file operation: `action` is a verb phrase such as "read the archive".
    ///
    /// What a user can do something about, such as a full disk, gets a hint of its own.
    pub fn io(action: impl Display, path: &Path, source: io::Error) -> Self {
        let error = Self::failed(format!("cannot {action} {}: {source}", path.display()));
        let error = match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                error.hint("free some space there and run it again")
            }
            io::ErrorKind::PermissionDenied => {
                error.hint("give this user the permission, or run it as a user who has it")
            }
            io::ErrorKind::NotFound => {
                error.hint("nothing has this name; check it, or make the folder first")
            }
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                error.hint("a file stands where a folder is needed; check the path")
            }
            io::ErrorKind::ReadOnlyFilesystem => {
                error.hint("nothing can be written there; choose another place, or mount it for writing")
            }
            io::ErrorKind::FileTooLarge => error.hint(
                "no file there may be so large: raise the limit of this process (ulimit -f), or choose another file system",
            ),
            _ => error,
        };
        error.source(source)
    }

    /// Lists what the message speaks of, a line each.
    #[must_use]
    pub fn listing(mut self, list: Vec<String>) -> Self {
        self.list = list;
        self
    }

    /// The message, and what it lists: a line each, whatever line breaks are in them.
    pub fn parts(&self) -> (&str, &[String]) {
        (&self.message, &self.list)
    }

    /// Says what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Marks it as the want of a proof: nothing is known to be wrong with the archive.
    #[must_use]
    pub(crate) fn unproven(mut self) -> Self {
        self.is_unproven = true;
        self
    }

    /// Whether an archive lacks a proof of where it comes from, and nothing else.
    pub(crate) fn is_unproven(&self) -> bool {
        self.is_unproven
    }

    /// Marks it as a refusal: whoever asks is not known to the other side, or may not do that.
    #[must_use]
    pub(crate) fn denied(mut self) -> Self {
        self.is_denied = true;
        self
    }

    /// Whether the other side refused it: asking again does not help.
    pub(crate) fn is_denied(&self) -> bool {
        self.is_denied
    }

    /// Says more, after what is said to do next.
    #[must_use]
    pub fn also(mut self, more: &str) -> Self {
        self.hint = Some(match self.hint {
            Some(hint) => format!("{hint}; {more}"),
            None => more.to_owned(),
        });
        self
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn source(mut self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Puts "where" in front of the message, for callers that know more than the place of failure. An
    /// interruption happens nowhere.
    #[must_use]
    pub fn within(mut self, place: impl Display) -> Self {
        if self.kind == Kind::Interrupted {
            return self;
        }
        self.message = shortened(format!("{place}: {}", self.message), LONGEST_MESSAGE);
        self
    }

    /// What a caller may act on.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What to do next, where there is something.
    pub fn advice(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// Carries this error through an interface that only knows [`io::Error`].
    pub(crate) fn into_io(self) -> io::Error {
        io::Error::other(self)
    }

    /// Takes an error of this library back out of an [`io::Error`], or makes one with `otherwise`.
    pub(crate) fn from_io(error: io::Error, otherwise: impl FnOnce(io::Error) -> Self) -> Self {
        if error.get_ref().is_some_and(|inner| inner.is::<Self>()) {
            match error.into_inner().map(|inner| inner.downcast::<Self>()) {
                Some(Ok(inner)) => return *inner,
                _ => unreachable!("the type was checked above"),
            }
        }
        otherwise(error)
    }
}
