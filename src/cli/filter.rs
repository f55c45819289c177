//! The options that choose what a transfer takes along.

use crate::error::Result;
use crate::transfer::{Filter, FilterOptions, Group};
use clap::{Args, ValueEnum};

/// What a transfer takes along.
#[derive(Debug, Args)]
#[command(next_help_heading = "What to take along")]
pub(super) struct FilterArguments {
    /// Only these kinds of data (schemas always come along)
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    only: Vec<OnlyGroup>,
    /// Not these kinds of data
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    exclude: Vec<ExcludeGroup>,
    /// Only these content types, such as api::article.article
    #[arg(long, value_name = "UID", value_delimiter = ',')]
    #[arg(alias = "onlyContentTypes")]
    only_content_types: Vec<String>,
    /// Not these content types
    #[arg(long, value_name = "UID", value_delimiter = ',')]
    #[arg(alias = "excludeContentTypes")]
    exclude_content_types: Vec<String>,
}

/// Kinds of data to take.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum OnlyGroup {
    /// Entities and links, also those that describe the media library
    Content,
    /// The files of the media library
    Files,
    /// The core store and webhooks
    Config,
}

/// Kinds of data to leave out.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum ExcludeGroup {
    /// Entities and links, also those that describe the media library
    Content,
    /// The files of the media library, but not the entities that describe them
    Files,
    /// The core store and webhooks
    Config,
    /// The files of the media library and the entities that describe them
    MediaLibrary,
}

impl FilterArguments {
    /// The filter these options make.
    pub fn filter(&self) -> Result<Filter> {
        Filter::new(&FilterOptions {
            only: self
                .only
                .iter()
                .map(|group| match group {
                    OnlyGroup::Content => Group::Content,
                    OnlyGroup::Files => Group::Files,
                    OnlyGroup::Config => Group::Config,
                })
                .collect(),
            exclude: self
                .exclude
                .iter()
                .map(|group| match group {
                    ExcludeGroup::Content => Group::Content,
                    ExcludeGroup::Files => Group::Files,
                    ExcludeGroup::Config => Group::Config,
                    ExcludeGroup::MediaLibrary => Group::MediaLibrary,
                })
                .collect(),
            only_content_types: self.only_content_types.clone(),
            exclude_content_types: self.exclude_content_types.clone(),
        })
    }
}
