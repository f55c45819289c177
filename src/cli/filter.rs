//! The options that choose what a transfer takes along.

use crate::transfer::{Filter, FilterOptions, Group};
use clap::builder::{EnumValueParser, NonEmptyStringValueParser, PossibleValue, TypedValueParser};
use clap::{Arg, Args, Command};
use std::ffi::OsStr;

/// What a transfer takes along.
#[derive(Debug, Args)]
#[command(next_help_heading = "What to take along")]
pub(super) struct FilterArguments {
    /// Only these kinds of data (schemas always come along)
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = group())]
    only: Vec<Group>,
    /// Not these kinds of data
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = group())]
    exclude: Vec<Group>,
    /// Only these content types, such as api::article.article
    #[arg(long, value_name = "UID", value_delimiter = ',')]
    #[arg(alias = "onlyContentTypes")]
    #[arg(value_parser = Trimmed(NonEmptyStringValueParser::new()))]
    only_content_types: Vec<String>,
    /// Not these content types
    #[arg(long, value_name = "UID", value_delimiter = ',')]
    #[arg(alias = "excludeContentTypes", value_parser = Trimmed(NonEmptyStringValueParser::new()))]
    exclude_content_types: Vec<String>,
}

/// Reads an item of a list, which may have blanks around it.
#[derive(Clone)]
struct Trimmed<P>(P);

impl<P: TypedValueParser> TypedValueParser for Trimmed<P> {
    type Value = P::Value;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<P::Value, clap::Error> {
        let value = value.to_str().map_or(value, |text| OsStr::new(text.trim()));
        self.0.parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        self.0.possible_values()
    }
}

fn group() -> Trimmed<EnumValueParser<Group>> {
    Trimmed(EnumValueParser::new())
}

impl FilterArguments {
    /// The filter these options make.
    pub fn filter(&self) -> crate::error::Result<Filter> {
        Filter::new(&FilterOptions {
            only: self.only.clone(),
            exclude: self.exclude.clone(),
            only_content_types: self.only_content_types.clone(),
            exclude_content_types: self.exclude_content_types.clone(),
        })
    }
}
