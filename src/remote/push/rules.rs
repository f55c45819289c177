//! Which rows a running Strapi takes, and what it is told to delete before they come: the one place that
//! knows, by version.
//!
//! Where the rules come from: Strapi 5.54 refuses every type of `admin::` and ends the push there, and
//! every component that its dynamic zone does not take. Strapi 4.26 takes anything, administrators too, and
//! exits at a type that it does not know; so what is never to arrive is never sent.

use crate::error::{Error, Result};
use crate::model::{Metadata, Schemas, Stage};
use crate::transfer::{Filter, UPLOAD_TYPES, is_ignored};

/// How the types of administrators begin, their roles and tokens among them; Strapi 4 keeps review workflows there.
const ADMIN: &str = "admin::";

/// What a server of some version takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rules {
    /// Whether it is Strapi 4, which takes review workflows of `admin::`.
    is_four: bool,
}

impl Rules {
    /// Those of the server that says this of itself. Whoever does not say it is taken for the newest.
    pub fn of(metadata: Option<&Metadata>) -> Self {
        let version = metadata.map_or("", |metadata| &metadata.strapi.version);
        Self {
            is_four: version.split('.').next() == Some("4"),
        }
    }

    /// Whether the process of the server is known to end when a push is cut while files are sent.
    pub fn is_fragile(self) -> bool {
        self.is_four
    }

    /// Whether rows of a content type may be sent to it.
    pub fn takes(self, uid: &str) -> bool {
        !is_ignored(uid) && (self.is_four || !uid.starts_with(ADMIN))
    }

    /// The content types that it must not empty.
    fn kept(self, schemas: &Schemas) -> Vec<String> {
        let types = schemas.content_types().map(|schema| &schema.uid);
        types.filter(|uid| !self.takes(uid)).cloned().collect()
    }
}

/// What a push is going to replace, as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// All of the site: what Strapi's own push does.
    Whole,
    /// The types that are listed, and files or configuration where they take part.
    Part,
    /// The files alone. Their rows are sent as well, because the server takes no file without; they are
    /// gone again when the socket is closed without a commit.
    Files,
}

impl Shape {
    /// What a push with this filter replaces.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): the protocol cannot do that.
    pub fn of(filter: &Filter) -> Result<Self> {
        let [rows, files, settings] =
            [Stage::Entities, Stage::Assets, Stage::Configuration].map(|it| filter.includes(it));
        let with_their_rows = rows && filter.includes_type(UPLOAD_TYPES[0]);
        match (files, settings) {
            (true, false) if !rows => Ok(Self::Files),
            (true, _) if !with_their_rows => Err(Error::usage(
                "a running Strapi takes files with the rows that describe them, or files alone",
            )
            .hint(
                "let plugin::upload.file come along, leave the files out with --exclude files, or send \
                 them in a run of their own with --only files",
            )),
            (true, true) if !filter.is_partial() => Ok(Self::Whole),
            _ => Ok(Self::Part),
        }
    }
}

/// What a server is told to delete before rows and files come, as Strapi's `restore` option says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Deleting {
    /// Only these content types; `None` for all, and Strapi's internal models with them.
    pub include: Option<Vec<String>>,
    /// Not these content types.
    pub exclude: Vec<String>,
    /// Whether the files of the media library go.
    pub files: bool,
    /// Whether core store and webhooks go.
    pub settings: bool,
}

impl Deleting {
    /// What a push of this shape and filter has a server delete that has these schemas.
    ///
    /// Without a list of types Strapi 5 empties its internal models too, whatever else is said; so whoever
    /// replaces a part lists the types, also where there are none.
    pub fn new(shape: Shape, filter: &Filter, rules: Rules, schemas: &Schemas) -> Self {
        let listed = schemas
            .content_types()
            .map(|schema| &schema.uid)
            .filter(|uid| filter.includes(Stage::Entities) && filter.includes_type(uid))
            .filter(|uid| rules.takes(uid))
            .cloned();
        Self {
            include: match shape {
                Shape::Whole => None,
                Shape::Part => Some(listed.collect()),
                Shape::Files => Some(Vec::new()),
            },
            exclude: rules.kept(schemas),
            files: filter.includes(Stage::Assets),
            settings: filter.includes(Stage::Configuration),
        }
    }

    /// Whether rows of a content type go.
    pub fn deletes(&self, uid: &str) -> bool {
        let is_listed = |list: &[String]| list.iter().any(|own| own == uid);
        self.include.as_deref().is_none_or(is_listed) && !is_listed(&self.exclude)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::model::Schema;
    use crate::transfer::{FilterOptions, Group};

    fn schemas() -> Schemas {
        let of = |uid: &str| {
            let line = format!(
                r#"{{"uid":"{uid}","modelType":"contentType","kind":"collectionType","collectionName":"x","modelName":"x","attributes":{{}}}}"#
            );
            Schema::parse(&line).expect("a schema")
        };
        [
            "api::a.a",
            "plugin::upload.file",
            "plugin::upload.folder",
            "admin::user",
            "admin::workflow",
            "plugin::content-releases.release",
        ]
        .map(of)
        .into_iter()
        .collect()
    }

    fn rules(version: &str) -> Rules {
        Rules::of(Some(&Metadata::new(String::new(), version)))
    }

    fn filter(only: &[Group], exclude: &[Group], types: &[&str]) -> Filter {
        let options = FilterOptions {
            only: only.to_vec(),
            exclude: exclude.to_vec(),
            only_content_types: types.iter().map(|it| (*it).to_owned()).collect(),
            ..FilterOptions::default()
        };
        Filter::new(&options).expect("a filter")
    }

    #[test]
    fn review_workflows_go_to_strapi_4_and_administrators_to_nobody() {
        for (version, workflows) in [("4.26.2", true), ("5.54.0", false), ("", false)] {
            let rules = rules(version);
            assert_eq!(rules.takes("admin::workflow"), workflows, "{version}");
            assert!(!rules.takes("admin::user"), "{version}");
            assert!(
                !rules.takes("plugin::content-releases.release"),
                "{version}"
            );
            assert!(rules.takes("api::a.a"), "{version}");
        }
    }

    #[test]
    fn a_whole_push_lists_what_stays_and_a_part_what_goes() {
        let whole = filter(&[], &[], &[]);
        let shape = Shape::of(&whole).expect("a shape");
        assert_eq!(shape, Shape::Whole);
        let deleting = Deleting::new(shape, &whole, rules("5.54.0"), &schemas());
        assert_eq!(deleting.include, None);
        assert_eq!(
            deleting.exclude,
            [
                "admin::user",
                "admin::workflow",
                "plugin::content-releases.release"
            ]
        );
        assert!(deleting.files && deleting.settings);
        for (filter, include, files, settings) in [
            (
                filter(&[], &[Group::Files], &[]),
                &["api::a.a", "plugin::upload.file", "plugin::upload.folder"][..],
                false,
                true,
            ),
            (filter(&[Group::Config], &[], &[]), &[], false, true),
            (filter(&[], &[], &["api::a.a"]), &["api::a.a"], false, true),
        ] {
            let shape = Shape::of(&filter).expect("a shape");
            assert_eq!(shape, Shape::Part);
            let deleting = Deleting::new(shape, &filter, rules("5.54.0"), &schemas());
            assert_eq!(
                deleting.include.as_deref(),
                Some(include)
                    .map(|it| it.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
                    .as_deref()
            );
            assert_eq!((deleting.files, deleting.settings), (files, settings));
            assert!(!deleting.deletes("admin::user"));
        }
    }

    #[test]
    fn files_alone_delete_no_rows() {
        let files = filter(&[Group::Files], &[], &[]);
        let shape = Shape::of(&files).expect("a shape");
        assert_eq!(shape, Shape::Files);
        let deleting = Deleting::new(shape, &files, rules("4.26.2"), &schemas());
        assert_eq!(deleting.include, Some(Vec::new()));
        assert!(deleting.files && !deleting.settings);
        assert!(!deleting.deletes("plugin::upload.file"));
    }

    #[test]
    fn files_without_their_rows_go_with_nothing_else() {
        for filter in [
            filter(&[Group::Files, Group::Config], &[], &[]),
            filter(&[Group::Content, Group::Files], &[], &["api::a.a"]),
        ] {
            let error = Shape::of(&filter).expect_err("refused");
            assert_eq!(error.kind(), Kind::Usage);
        }
    }
}
