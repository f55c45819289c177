//! Where data comes from that is no archive: a project on this machine, or a running Strapi.

use super::environment::Environment;
use super::terminal;
use crate::error::Result;
use crate::remote::{RemoteSource, Site};
use crate::strapi::{Links, LockWait, Project, ProjectSource};
use crate::transfer::Source;
use crate::transfer::summary::Summary;
use std::path::{Path, PathBuf};

/// The links that an export takes files through.
pub(super) fn links(follow: bool) -> Links {
    match follow {
        true => Links::Followed,
        false => Links::Inside,
    }
}

/// Where data comes from.
pub(super) enum Origin {
    /// A project on this machine.
    Project {
        project: Box<Project>,
        wait: LockWait,
        links: Links,
    },
    /// A running Strapi.
    Site(Box<Site>),
}

impl Origin {
    /// Its name, and what more is known of it, for people. Holds no secret.
    pub fn told(&self) -> String {
        match self {
            Self::Project { project, .. } => terminal::safe(&project.to_string()),
            Self::Site(site) => terminal::safe(&site.name()),
        }
    }

    /// What stands before that.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Project { .. } => "project:",
            Self::Site(_) => "site:",
        }
    }

    /// Its name in a summary: a folder, or a URL.
    pub fn name(&self) -> String {
        match self {
            Self::Project { project, .. } => project.root().display().to_string(),
            Self::Site(site) => site.name(),
        }
    }

    /// Tells a summary of it, as what `--from` named or left out.
    pub fn note_in(&self, summary: &mut Summary, was_named: bool) {
        match self {
            Self::Project { project, .. } => {
                summary.project = Some(project.root().display().to_string());
            }
            Self::Site(_) => {}
        }
        if was_named {
            summary.from = Some(self.name());
        }
    }

    /// Under which path a project serves a file to everybody.
    pub fn serves(&self, path: &Path) -> Option<PathBuf> {
        match self {
            Self::Project { project, .. } => project.serves(path),
            Self::Site(_) => None,
        }
    }

    /// Opens it. What a project gives is from this moment.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn open(self, environment: &Environment) -> Result<Box<dyn Source>> {
        Ok(match self {
            Self::Project {
                project,
                wait,
                links,
            } => Box::new(ProjectSource::open(*project, &wait)?.with_links(links)),
            Self::Site(site) => Box::new(RemoteSource::new(*site, &environment.temporary)),
        })
    }
}
