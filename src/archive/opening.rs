//! An archive where it lies, until what opens it is there.

use super::codec::{Cipher, Lock, Password, Sealed, Unlock, Unpacked, needless_key};
use super::entries::Entries;
use super::layout::{MANIFEST, METADATA};
use super::reader::{ArchiveSource, Demands};
use crate::error::{Error, Result};
use crate::model::Stage;
use crate::store::{FileOrigin, Interrupt, Origin};
use std::path::{Path, PathBuf};

/// An archive that was found, before it is known whether a password is needed.
pub struct Archive {
    form: Form,
    folder: PathBuf,
}

enum Form {
    Sealed(Sealed),
    Folder(PathBuf),
}

impl Archive {
    /// The entry that every archive has: what it is told from other folders by.
    pub const METADATA: &str = METADATA;

    /// Whether a folder holds something of an unpacked archive, however little is left of it, as far as names tell.
    pub fn has_remains_in(folder: &Path) -> bool {
        let stages = Stage::ALL.iter().map(|stage| stage.as_str());
        let mut names = [METADATA, MANIFEST].into_iter().chain(stages);
        names.any(|name| folder.join(name).exists())
    }

    /// The archive at a path: a file, a pipe that has a name, or a folder that holds an unpacked one.
    /// What must be spooled goes to `folder`.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn at(path: &Path, folder: &Path) -> Result<Self> {
        Self::at_until(path, folder, &Interrupt::default())
    }

    /// The same, where a pipe is waited for until the run is to stop.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn at_until(path: &Path, folder: &Path, interrupt: &Interrupt) -> Result<Self> {
        if path.is_dir() {
            if !path.join(METADATA).is_file() {
                let what = format!("the folder {} holds no {METADATA}", path.display());
                return Err(Error::archive(what).hint("it is not an unpacked Strapi export"));
            }
            return Ok(Self {
                form: Form::Folder(path.to_owned()),
                folder: folder.to_owned(),
            });
        }
        Self::from_origin(FileOrigin::open_until(path, folder, interrupt)?, folder)
    }

    /// The archive that an origin gives.
    ///
    /// # Errors
    /// It cannot be read, or is empty.
    pub fn from_origin(origin: Box<dyn Origin>, folder: &Path) -> Result<Self> {
        Ok(Self {
            form: Form::Sealed(Sealed::probe(origin)?),
            folder: folder.to_owned(),
        })
    }

    /// Where it lies, for messages.
    pub fn name(&self) -> String {
        match &self.form {
            Form::Sealed(sealed) => sealed.name(),
            Form::Folder(path) => path.display().to_string(),
        }
    }

    /// How many bytes it has, where that is known: not of a stream or a folder.
    pub fn length(&self) -> Option<u64> {
        match &self.form {
            Form::Sealed(sealed) => sealed.length(),
            Form::Folder(_) => None,
        }
    }

    /// Whether it is encrypted, as far as its content tells.
    pub fn is_encrypted(&self) -> bool {
        match &self.form {
            Form::Sealed(sealed) => sealed.is_encrypted(),
            Form::Folder(_) => false,
        }
    }

    /// What it takes to open it, as far as its content tells; `None` where it is not encrypted.
    ///
    /// # Errors
    /// It is encrypted in a way that is not known here, or damaged where it begins.
    pub fn lock(&self) -> Result<Option<Lock>> {
        match &self.form {
            Form::Sealed(sealed) => sealed.lock(),
            Form::Folder(_) => Ok(None),
        }
    }

    /// The same as [`open_with`](Self::open_with), for archives that take a password or nothing.
    ///
    /// # Errors
    /// Those of [`open_with`](Self::open_with).
    pub fn open(self, password: Option<Password>, demands: Demands) -> Result<ArchiveSource> {
        self.open_with(password.map(Unlock::Key), demands)
    }

    /// Opens it. With [`Demands::authentic`], archives are refused that do not prove to have been
    /// written by somebody who knew the password.
    ///
    /// # Errors
    /// It is no archive; what was given does not open it, is needless or missing.
    pub fn open_with(self, unlock: Option<Unlock>, demands: Demands) -> Result<ArchiveSource> {
        let entries = match self.form {
            Form::Folder(path) => match &unlock {
                Some(unlock) => return Err(needless_key(&path.display().to_string(), unlock)),
                None => Entries::Folder(path),
            },
            Form::Sealed(sealed) => Entries::Tar(sealed.open(unlock.as_ref(), &demands.effort)?),
        };
        let lock = entries.packed().and_then(Unpacked::lock);
        let password = match (lock, unlock) {
            (Some(Lock::Key(Cipher::Strapi)), Some(Unlock::Key(password))) => Some(password),
            _ => None,
        };
        let source = ArchiveSource::new(entries, password, demands, self.folder);
        let why = match source.lock() {
            _ if !source.is_to_be_authentic() => return Ok(source),
            Some(Lock::Key(_)) => return Ok(source),
            Some(Lock::Identity) => {
                "it is encrypted to recipients, and whoever knows one of these, which are public, can write such an \
                 archive"
            }
            None => "it is not encrypted, and only a key authenticates",
        };
        Err(source.unauthentic(why))
    }
}
