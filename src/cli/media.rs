//! The option that says which hosts are asked for files of the media library.

use super::environment::Environment;
use crate::strapi::MediaOptions;
use clap::Args;

/// Which hosts are asked for files.
#[derive(Debug, Clone, Args)]
pub(super) struct MediaArguments {
    /// Fetch files of the media library also from hosts in private networks
    ///
    /// Files that a provider serves by URL are asked for where their rows say. Rows are content: without
    /// this option no address of this machine, of a private network or of one that is link-local is asked,
    /// or whoever edits content could have files taken into the archive that only this machine reaches.
    /// The host that the options of the project's own provider name is always asked.
    #[arg(long)]
    allow_private_hosts: bool,
}

impl MediaArguments {
    /// The options that were given.
    pub fn given(&self) -> Vec<&'static str> {
        let given = self.allow_private_hosts;
        given
            .then_some("--allow-private-hosts")
            .into_iter()
            .collect()
    }

    /// How files are found.
    pub fn options(&self, environment: &Environment) -> MediaOptions {
        MediaOptions {
            private_hosts: self.allow_private_hosts,
            aside: None,
            spool: environment.temporary.clone(),
        }
    }
}
