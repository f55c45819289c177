//! What a transfer takes along: `--only`, `--exclude` and the content type filters.
//!
//! The rules are those of `strapi export` and `strapi import` 5.54.

use super::{Scope, Sink};
use crate::error::{Error, Result};
use crate::model::{Line, Schemas, Stage, is_component};
use std::collections::BTreeSet;

/// The content types of the media library.
pub const UPLOAD_TYPES: [&str; 2] = ["plugin::upload.file", "plugin::upload.folder"];

/// Content types that never travel, beside those of `admin::`.
const IGNORED_TYPES: [&str; 2] = [
    "plugin::content-releases.release",
    "plugin::content-releases.release-action",
];

/// Types of `admin::` that do travel: review workflows, as Strapi 4 kept them there.
const TRAVELLING_ADMIN_TYPES: [&str; 2] = ["admin::workflow", "admin::workflow-stage"];

/// Whether a content type never travels: administrators, their roles and tokens, and releases.
pub fn is_ignored(uid: &str) -> bool {
    (uid.starts_with("admin::") && !TRAVELLING_ADMIN_TYPES.contains(&uid))
        || IGNORED_TYPES.contains(&uid)
}

/// A group of stages that can be chosen on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Entities and links.
    Content,
    /// Files of the media library.
    Files,
    /// Core store and webhooks.
    Config,
    /// Files, and the rows that describe them. Can only be excluded.
    MediaLibrary,
}

/// What the user asked for, before it is held against a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FilterOptions {
    /// Only these groups; all when empty.
    pub only: Vec<Group>,
    /// Not these groups.
    pub exclude: Vec<Group>,
    /// Only these content types; all when empty.
    pub only_content_types: Vec<String>,
    /// Not these content types.
    pub exclude_content_types: Vec<String>,
}

/// What a transfer takes along.
#[derive(Debug, Clone)]
pub struct Filter {
    content: bool,
    files: bool,
    config: bool,
    only: BTreeSet<String>,
    exclude: BTreeSet<String>,
    files_follow_types: bool,
    asked: FilterOptions,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            content: true,
            files: true,
            config: true,
            only: BTreeSet::new(),
            exclude: BTreeSet::new(),
            files_follow_types: false,
            asked: FilterOptions::default(),
        }
    }
}

impl Filter {
    /// Turns options into a filter.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): a group or a content type is both wanted and
    /// excluded, or nothing is left.
    pub fn new(options: &FilterOptions) -> Result<Self> {
        if let Some(group) = options.only.iter().find(|g| options.exclude.contains(g)) {
            return Err(Error::usage(format!(
                "`{}` is both in --only and in --exclude",
                group.as_str()
            ))
            .hint("name it in one of the two"));
        }
        if options.only.contains(&Group::MediaLibrary) {
            return Err(Error::usage("--only does not take media-library")
                .hint("use --only-content-types plugin::upload.file,plugin::upload.folder"));
        }
        let only: BTreeSet<String> = options.only_content_types.iter().cloned().collect();
        let mut exclude: BTreeSet<String> = options.exclude_content_types.iter().cloned().collect();
        if let Some(uid) = only.intersection(&exclude).next() {
            return Err(Error::usage(format!(
                "`{uid}` is both in --only-content-types and in --exclude-content-types"
            ))
            .hint("name it in one of the two"));
        }
        let wanted = |group: Group| {
            (options.only.is_empty() || options.only.contains(&group))
                && !options.exclude.contains(&group)
        };
        let mut filter = Self {
            content: wanted(Group::Content),
            files: wanted(Group::Files),
            config: wanted(Group::Config),
            only,
            exclude: BTreeSet::new(),
            files_follow_types: false,
            asked: options.clone(),
        };
        if options.exclude.contains(&Group::MediaLibrary) {
            filter.files = false;
            exclude.extend(UPLOAD_TYPES.map(str::to_owned));
        }
        filter.exclude = exclude;
        // Files without the rows that describe them are of no use, unless they were asked for.
        if filter.content
            && filter.files
            && !options.only.contains(&Group::Files)
            && !UPLOAD_TYPES.iter().any(|uid| filter.includes_type(uid))
        {
            filter.files = false;
            filter.files_follow_types = true;
        }
        if !(filter.content || filter.files || filter.config) {
            return Err(Error::usage("nothing is left to transfer")
                .hint("take something out of --exclude, or add it to --only"));
        }
        Ok(filter)
    }

    /// Checks that every content type named in the filter exists.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): names those that do not.
    pub fn check_types(&self, schemas: &Schemas) -> Result<()> {
        let known: BTreeSet<&str> = schemas.content_types().map(|s| s.uid.as_str()).collect();
        for (flag, uids) in [
            ("--only-content-types", &self.only),
            ("--exclude-content-types", &self.exclude),
        ] {
            let unknown: Vec<&str> = uids
                .iter()
                .map(String::as_str)
                .filter(|uid| !known.contains(uid) && !UPLOAD_TYPES.contains(uid))
                .collect();
            if !unknown.is_empty() {
                let there: Vec<&str> = known
                    .iter()
                    .copied()
                    .filter(|uid| !is_ignored(uid))
                    .collect();
                return Err(Error::usage(format!(
                    "{flag} names content types that do not exist: {}",
                    unknown.join(", ")
                ))
                .hint(format!("there are: {}", there.join(", "))));
            }
        }
        Ok(())
    }

    /// Leaves content types out as well.
    pub fn leave_out_types(&mut self, uids: &[&str]) {
        self.exclude
            .extend(uids.iter().map(|uid| (*uid).to_owned()));
    }

    /// Whether a stage takes part. Schemas always do.
    pub fn includes(&self, stage: Stage) -> bool {
        match stage {
            Stage::Schemas => true,
            Stage::Entities | Stage::Links => self.content,
            Stage::Assets => self.files,
            Stage::Configuration => self.config,
        }
    }

    /// Leaves a stage out as well. Entities and links go together; schemas stay.
    pub fn leave_out(&mut self, stage: Stage) {
        match stage {
            Stage::Schemas => {}
            Stage::Entities | Stage::Links => self.content = false,
            Stage::Assets => self.files = false,
            Stage::Configuration => self.config = false,
        }
    }

    /// Hands a line over, if it takes part. Stages are whole; see [`includes`](Self::includes).
    ///
    /// # Errors
    /// Those of the sink.
    pub fn send(&self, line: &Line<'_>, sink: &mut dyn Sink) -> Result<()> {
        match line {
            Line::Schema(schema) => sink.schema(schema),
            Line::Entity(parsed) => {
                let entity = parsed.entity();
                if self.includes_type(entity.content_type) {
                    sink.entity(&entity)?;
                }
                Ok(())
            }
            Line::Link(link) => {
                if self.includes_link(&link.left.model, &link.right.model) {
                    sink.link(link)?;
                }
                Ok(())
            }
            Line::Configuration(item) => sink.configuration(item),
        }
    }

    /// What takes part of something that holds content types with these schemas.
    pub fn scope(&self, schemas: &Schemas) -> Scope {
        Scope {
            stages: Stage::ALL
                .into_iter()
                .filter(|stage| self.includes(*stage))
                .collect(),
            types: schemas
                .content_types()
                .map(|schema| &schema.uid)
                .filter(|uid| self.content && self.includes_type(uid))
                .cloned()
                .collect(),
        }
    }

    /// Checks that a source of this scope holds something of what was asked for by name.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): it holds none of the groups, or not the content types.
    pub fn check_scope(&self, scope: &Scope) -> Result<()> {
        let without = |what: &str| {
            Error::usage(format!("the archive was made without {what}"))
                .hint("leave the option out that names it, or take another archive")
        };
        let holds = |stage: &Stage| scope.stages.contains(stage) && self.includes(*stage);
        let groups = [Stage::Entities, Stage::Assets, Stage::Configuration];
        if !self.asked.only.is_empty() && !groups.iter().any(holds) {
            let names: Vec<&str> = self.asked.only.iter().map(|group| group.as_str()).collect();
            return Err(without(&names.join(", ")));
        }
        let missing: Vec<&str> = self
            .only
            .iter()
            .filter(|uid| holds(&Stage::Entities) && !scope.types.contains(*uid))
            .map(String::as_str)
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(without(&missing.join(", ")))
        }
    }

    /// Leaves out the stages, and of `schemas` the content types, that a scope does not hold.
    pub fn narrow(&mut self, scope: &Scope, schemas: &Schemas) {
        for stage in [Stage::Entities, Stage::Assets, Stage::Configuration] {
            if !scope.stages.contains(&stage) {
                self.leave_out(stage);
            }
        }
        if self.content {
            let outside = schemas
                .content_types()
                .map(|schema| &schema.uid)
                .filter(|uid| self.includes_type(uid) && !scope.types.contains(*uid));
            let outside: Vec<String> = outside.cloned().collect();
            self.exclude.extend(outside);
        }
    }

    /// The options it was made from.
    pub fn asked(&self) -> &FilterOptions {
        &self.asked
    }

    /// Whether rows of a content type take part. Components take part wherever their owner does, so
    /// this is true for each of them.
    pub fn includes_type(&self, uid: &str) -> bool {
        is_component(uid)
            || (!is_ignored(uid)
                && !self.exclude.contains(uid)
                && (self.only.is_empty() || self.only.contains(uid)))
    }

    /// Whether a link between these two types takes part: both ends must.
    pub fn includes_link(&self, left: &str, right: &str) -> bool {
        self.includes_type(left) && self.includes_type(right)
    }

    /// Whether the user narrowed the transfer to some content types.
    pub fn is_partial(&self) -> bool {
        !self.only.is_empty() || !self.exclude.is_empty()
    }

    /// Whether the files were left out because the content types that describe them are.
    pub fn files_follow_types(&self) -> bool {
        self.files_follow_types
    }
}

impl Group {
    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Files => "files",
            Self::Config => "config",
            Self::MediaLibrary => "media-library",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(options: FilterOptions) -> Filter {
        Filter::new(&options).expect("a filter")
    }

    #[test]
    fn everything_takes_part_by_default_but_administrators_and_releases() {
        let filter = filter(FilterOptions::default());
        assert!(Stage::ALL.iter().all(|&stage| filter.includes(stage)));
        assert!(filter.includes_type("api::article.article"));
        assert!(!filter.includes_type("admin::user"));
        assert!(!filter.includes_type("plugin::content-releases.release"));
    }

    #[test]
    fn media_library_means_the_files_and_their_rows() {
        let filter = filter(FilterOptions {
            exclude: vec![Group::MediaLibrary],
            ..Default::default()
        });
        assert!(!filter.includes(Stage::Assets));
        assert!(filter.includes(Stage::Entities));
        assert!(!filter.includes_type("plugin::upload.file"));
        assert!(!filter.includes_type("plugin::upload.folder"));
    }

    #[test]
    fn files_are_left_out_when_their_rows_are() {
        let narrowed = FilterOptions {
            only_content_types: vec!["api::article.article".into()],
            ..Default::default()
        };
        assert!(!filter(narrowed.clone()).includes(Stage::Assets));
        let asked_for = FilterOptions {
            only: vec![Group::Content, Group::Files],
            ..narrowed
        };
        assert!(filter(asked_for).includes(Stage::Assets));
    }

    #[test]
    fn a_group_cannot_be_wanted_and_excluded() {
        let error = Filter::new(&FilterOptions {
            only: vec![Group::Content],
            exclude: vec![Group::Content],
            ..Default::default()
        })
        .expect_err("a contradiction");
        assert_eq!(error.kind(), crate::error::Kind::Usage);
    }
}
