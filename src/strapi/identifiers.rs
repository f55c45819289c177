//! The names Strapi gives to tables and columns.
//!
//! Everything is put in snake case (as lodash does). Strapi 5 keeps names within 55 characters, as
//! JavaScript counts them:
//! suffixes and prefixes have short forms, the other parts share what is left, and a part that is
//! cut ends in the first five hex digits of the SHAKE256 of its whole name (`Identifiers` of
//! `@strapi/database`). Strapi 4 uses the long forms and cuts nothing.

use super::words::pascal_case;
use sha3::digest::{ExtendableOutput, Update, XofReader};
use std::fmt::Write;

pub use super::words::snake_case;

/// The longest name Strapi 5 makes.
const MAX_LENGTH: usize = 55;
/// Hex digits at the end of a part that was cut.
const HASH_LENGTH: usize = 5;
/// The fewest characters left of a part that is cut.
const MIN_PART: usize = 3;

/// Which Strapi's names to make.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Naming {
    /// Strapi 4: long suffixes, any length.
    V4,
    /// Strapi 5: short suffixes, at most 55 characters.
    V5,
}

/// A part of a name.
enum Part<'a> {
    /// May be cut.
    Free(&'a str),
    /// A prefix or suffix: its long form and its short one.
    Fixed(&'a str, &'a str),
}

impl Naming {
    /// The table of a content type or component.
    pub fn table(self, collection: &str) -> String {
        self.name(&[Part::Free(collection)])
    }

    /// The column of an attribute.
    pub fn column(self, attribute: &str) -> String {
        self.name(&[Part::Free(&snake_case(attribute))])
    }

    /// The table that joins rows to their components.
    pub fn component_table(self, collection: &str) -> String {
        self.name(&[Part::Free(collection), Part::Fixed("components", "cmps")])
    }

    /// The column of [`component_table`](Self::component_table) that names the component's row.
    pub fn component_id_column(self) -> String {
        self.name(&[Part::Fixed("component", "cmp"), Part::Fixed("id", "id")])
    }

    /// The join table of a relation.
    pub fn link_table(self, table: &str, attribute: &str) -> String {
        self.name(&[
            Part::Free(&snake_case(table)),
            Part::Free(&snake_case(attribute)),
            Part::Fixed("links", "lnk"),
        ])
    }

    /// The join table of a `morphToMany` relation.
    pub fn morph_table(self, table: &str, attribute: &str) -> String {
        self.name(&[
            Part::Free(&snake_case(table)),
            Part::Free(&snake_case(attribute)),
            Part::Fixed("morphs", "mph"),
        ])
    }

    /// A column that holds the id of a row: of a type by its singular name, or of an attribute.
    pub fn id_column(self, name: &str) -> String {
        self.name(&[Part::Free(&snake_case(name)), Part::Fixed("id", "id")])
    }

    /// The second id column of a join table between rows of one type.
    pub fn inverse_id_column(self, name: &str) -> String {
        self.name(&[
            Part::Fixed("inv", "inv"),
            Part::Free(&snake_case(name)),
            Part::Fixed("id", "id"),
        ])
    }

    /// The column that holds the type of a morph relation's target.
    pub fn type_column(self, name: &str) -> String {
        self.name(&[Part::Free(&snake_case(name)), Part::Fixed("type", "type")])
    }

    /// The column that holds a position in a relation.
    pub fn order_column(self, name: &str) -> String {
        self.name(&[Part::Free(&snake_case(name)), Part::Fixed("order", "ord")])
    }

    /// The second order column of a join table between rows of one type.
    pub fn inverse_order_column(self, name: &str) -> String {
        self.name(&[
            Part::Fixed("inv", "inv"),
            Part::Free(&snake_case(name)),
            Part::Fixed("order", "ord"),
        ])
    }

    fn name(self, parts: &[Part<'_>]) -> String {
        let whole = |part: &Part<'_>| match *part {
            Part::Free(name) => name.to_owned(),
            Part::Fixed(long, short) => match self {
                Self::V4 => long.to_owned(),
                Self::V5 => short.to_owned(),
            },
        };
        let name = parts.iter().map(whole).collect::<Vec<_>>().join("_");
        if self == Self::V4 || length(&name) <= MAX_LENGTH {
            return name;
        }
        let fixed: usize = parts
            .iter()
            .filter(|part| matches!(part, Part::Fixed(..)))
            .map(|part| length(&whole(part)))
            .sum();
        let free: Vec<usize> = parts
            .iter()
            .filter_map(|part| match part {
                Part::Free(name) => Some(length(name)),
                Part::Fixed(..) => None,
            })
            .collect();
        let available = MAX_LENGTH.saturating_sub(fixed + parts.len() - 1);
        let mut lengths = share(&free, available).into_iter();
        parts
            .iter()
            .map(|part| match part {
                Part::Free(name) => shorten(name, lengths.next().unwrap_or(0)),
                Part::Fixed(..) => whole(part),
            })
            .collect::<Vec<_>>()
            .join("_")
    }
}

/// Shares `available` characters among parts of these lengths: the same for each, and what short
/// parts leave goes to the long ones, a character at a time, first to last.
fn share(lengths: &[usize], available: usize) -> Vec<usize> {
    let each = available / lengths.len();
    let mut surplus = available % lengths.len();
    let mut shares: Vec<usize> = lengths
        .iter()
        .map(|&length| {
            surplus += each.saturating_sub(length);
            length.min(each)
        })
        .collect();
    while surplus > 0 {
        let mut gave = false;
        for (share, &length) in shares.iter_mut().zip(lengths) {
            if *share < length && surplus > 0 {
                *share += 1;
                surplus -= 1;
                gave = true;
            }
        }
        if !gave {
            break;
        }
    }
    shares
}

/// The length of a text in JavaScript: UTF-16 units.
fn length(name: &str) -> usize {
    name.encode_utf16().count()
}

fn shorten(name: &str, allowed: usize) -> String {
    if length(name) <= allowed {
        return name.to_owned();
    }
    let kept = allowed.saturating_sub(HASH_LENGTH).max(MIN_PART);
    let mut hasher = sha3::Shake256::default();
    hasher.update(name.as_bytes());
    let mut hash = [0; HASH_LENGTH.div_ceil(2)];
    hasher.finalize_xof().read(&mut hash);
    // Half a character that is left becomes U+FFFD, as where Node sends it to a database.
    let units: Vec<u16> = name.encode_utf16().take(kept).collect();
    let mut short = String::from_utf16_lossy(&units);
    let mut digits = String::new();
    for byte in hash {
        write!(digits, "{byte:02x}").expect("writing to memory does not fail");
    }
    short.push_str(&digits[..HASH_LENGTH]);
    short
}

/// The global id of a component: `shared.seo` has `ComponentSharedSeo`.
pub fn global_id(uid: &str) -> String {
    pascal_case(&format!("component_{uid}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn names_of_strapi_5_are_short_and_differ_where_their_parts_do(
            table in "[a-z]{3}[a-z_]{0,80}[a-z]",
            one in "[a-z]{3}[a-zA-Z0-9]{0,80}",
            other in "[a-z]{3}[a-zA-Z0-9]{0,80}",
        ) {
            let name = |attribute: &str| Naming::V5.link_table(&table, attribute);
            prop_assert!(name(&one).len() <= MAX_LENGTH, "{}", name(&one));
            prop_assert!(name(&one).ends_with("_lnk"));
            let same = snake_case(&one) == snake_case(&other);
            prop_assert_eq!(name(&one) == name(&other), same);
        }
    }

    #[test]
    fn components_get_the_global_id_strapi_gives_them() {
        assert_eq!(global_id("shared.seo"), "ComponentSharedSeo");
        assert_eq!(global_id("blocks.a-very-long"), "ComponentBlocksAVeryLong");
        assert_eq!(global_id("blöcke.été"), "ComponentBlockeEte");
    }

    #[test]
    fn strapi_4_uses_the_long_forms() {
        let naming = Naming::V4;
        assert_eq!(naming.link_table("articles", "tags"), "articles_tags_links");
        assert_eq!(naming.component_table("articles"), "articles_components");
        assert_eq!(naming.component_id_column(), "component_id");
        assert_eq!(naming.order_column("tag"), "tag_order");
    }

    #[test]
    fn strapi_5_shares_the_length_among_the_parts() {
        let naming = Naming::V5;
        assert_eq!(
            naming.link_table("articles", "relatedTo"),
            "articles_related_to_lnk"
        );
        let long = "extraordinarily_long_content_type_plural_names_table";
        assert_eq!(naming.table(long), long);
        assert_eq!(
            naming.component_table(long),
            "extraordinarily_long_content_type_plural_name6e8dc_cmps"
        );
        assert_eq!(
            naming.link_table(long, "theVeryLongRelationAttributeNameNumberOne"),
            "extraordinarily_long6e8dc_the_very_long_relatie7c32_lnk"
        );
        assert_eq!(
            naming.column("someVeryLongAttributeNameThatKeepsGoingOnAndOnForever"),
            "some_very_long_attribute_name_that_keeps_going_on_249d8"
        );
    }
}
