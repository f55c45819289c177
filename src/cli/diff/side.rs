//! One of the two things that are compared: an archive, or a project.

use super::super::archive_facts;
use super::super::verify::tell_of_export;
use crate::archive::{Archive, ArchiveSource};
use crate::error::{Error, Result};
use crate::store::Location;
use crate::strapi::ProjectSource;
use crate::transfer::summary::SideFacts;
use crate::transfer::{Description, Source};
use std::path::Path;

/// What makes a folder a project.
const PACKAGE: &str = "package.json";

/// One of the two, opened.
pub(super) enum Side {
    Archive(Box<ArchiveSource>),
    Project(Box<ProjectSource>),
}

impl Side {
    pub fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Archive(archive) => archive.as_mut(),
            Self::Project(project) => project.as_mut(),
        }
    }

    /// What a summary says of it.
    pub fn facts(&mut self, description: &Description) -> SideFacts {
        let metadata = description.metadata.as_ref();
        let made = metadata.and_then(|it| it.created_at.clone());
        let provenance = description.provenance.as_ref();
        SideFacts {
            archive: match self {
                Self::Archive(archive) => Some(archive_facts(archive)),
                Self::Project(_) => None,
            },
            project: match self {
                Self::Archive(_) => None,
                Self::Project(project) => Some(project.name()),
            },
            made: made.filter(|made| !made.is_empty()),
            strapi: metadata.map(|it| it.strapi.version.clone()),
            database: provenance.and_then(|it| it.database.clone()),
            counts: Default::default(),
        }
    }

    /// What its export told of it.
    pub fn tell_of_export(&self) {
        if let Self::Archive(archive) = self {
            let protection = archive.protection();
            let outcome = protection.and_then(|it| it.outcome.as_ref());
            outcome.into_iter().for_each(tell_of_export);
        }
    }
}

/// Whether a project lies there, and no unpacked archive.
pub(super) fn is_project(path: &Path) -> Result<bool> {
    let Location::Path(path) = Location::parse(path.as_os_str())? else {
        return Ok(false);
    };
    Ok(path.join(PACKAGE).is_file() && !path.join(Archive::METADATA).exists())
}

/// Whether a folder that is no project is an unpacked archive, as far as its names tell.
pub(super) fn check_folder(path: &Path) -> Result<()> {
    let Location::Path(path) = Location::parse(path.as_os_str())? else {
        return Ok(());
    };
    if !path.is_dir() || Archive::has_remains_in(&path) {
        return Ok(());
    }
    Err(Error::usage(format!(
        "{} is neither an unpacked archive nor a project: it holds no {} and no {PACKAGE}",
        path.display(),
        Archive::METADATA
    ))
    .hint("name an archive, or the folder of a project"))
}
