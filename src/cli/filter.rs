//! The options that choose what a transfer takes along.

use crate::error::Result;
use crate::transfer::{Filter, FilterOptions, Group};
use clap::Args;

/// What a transfer takes along.
#[derive(Debug, Args)]
#[command(next_help_heading = "What to take along")]
pub(super) struct FilterArguments {
    /// Only these kinds of data (schemas always come along)
    #[arg(long, value_enum, value_name = "KIND", value_delimiter = ',')]
    only: Vec<Group>,
    /// Not these kinds of data
    #[arg(long, value_enum, value_name = "KIND", value_delimiter = ',')]
    exclude: Vec<Group>,
    /// Only these content types, such as api::article.article
    #[arg(long, value_name = "UID", value_delimiter = ',')]
    #[arg(alias = "onlyContentTypes")]
    only_content_types: Vec<String>,
    /// Not these content types
    #[arg(long, value_name = "UID", value_delimiter = ',')]
    #[arg(alias = "excludeContentTypes")]
    exclude_content_types: Vec<String>,
}

impl FilterArguments {
    /// The filter these options make.
    pub fn filter(self) -> Result<Filter> {
        Filter::new(&FilterOptions {
            only: self.only,
            exclude: self.exclude,
            only_content_types: self.only_content_types,
            exclude_content_types: self.exclude_content_types,
        })
    }
}
