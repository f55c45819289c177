//! The names Strapi gives to tables and columns.
//!
//! Everything is put in snake case (as lodash does). Strapi 5 keeps names within 55 characters:
//! suffixes and prefixes have short forms, the other parts share what is left, and a part that is
//! cut ends in the first five hex digits of the SHAKE256 of its whole name (`Identifiers` of
//! `@strapi/database`). Strapi 4 uses the long forms and cuts nothing.

use sha3::digest::{ExtendableOutput, Update, XofReader};
use std::fmt::Write;

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
        if self == Self::V4 || name.len() <= MAX_LENGTH {
            return name;
        }
        let fixed: usize = parts
            .iter()
            .filter(|part| matches!(part, Part::Fixed(..)))
            .map(|part| whole(part).len())
            .sum();
        let free: Vec<usize> = parts
            .iter()
            .filter_map(|part| match part {
                Part::Free(name) => Some(name.len()),
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

fn shorten(name: &str, length: usize) -> String {
    if name.len() <= length {
        return name.to_owned();
    }
    let kept = length.saturating_sub(HASH_LENGTH).max(MIN_PART);
    let mut hasher = sha3::Shake256::default();
    hasher.update(name.as_bytes());
    let mut hash = [0; HASH_LENGTH.div_ceil(2)];
    hasher.finalize_xof().read(&mut hash);
    let mut short: String = name.chars().take(kept).collect();
    let mut digits = String::new();
    for byte in hash {
        write!(digits, "{byte:02x}").expect("writing to memory does not fail");
    }
    short.push_str(&digits[..HASH_LENGTH]);
    short
}

/// Snake case as lodash makes it: `heroImage2x` becomes `hero_image_2_x`.
///
/// Strapi only allows ASCII letters, digits, `-` and `_` in the names this is used for.
pub fn snake_case(name: &str) -> String {
    words(name)
        .iter()
        .map(|word| word.to_lowercase())
        .collect::<Vec<_>>()
        .join("_")
}

/// The words of a name, as lodash tells them apart.
pub(super) fn words(name: &str) -> Vec<&str> {
    let bytes = name.as_bytes();
    let run =
        |from: usize, is: fn(&u8) -> bool| bytes[from..].iter().take_while(|byte| is(byte)).count();
    let is_lower = |byte: &u8| byte.is_ascii_lowercase() || !byte.is_ascii();
    let mut words = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let upper = run(at, u8::is_ascii_uppercase);
        let length = if upper > 0 {
            let lower = run(at + upper, is_lower);
            match (upper, lower) {
                (_, 0) => upper,
                (1, lower) => 1 + lower,
                // The last capital of a run starts the next word: HTMLParser, HTML Parser.
                (upper, _) => upper - 1,
            }
        } else if is_lower(&bytes[at]) {
            run(at, is_lower)
        } else if bytes[at].is_ascii_digit() {
            let digits = run(at, u8::is_ascii_digit);
            digits + ordinal_suffix(&bytes[at..], digits)
        } else {
            at += 1;
            continue;
        };
        words.push(&name[at..at + length]);
        at += length;
    }
    words
}

/// Length of the `st`, `nd`, `rd` or `th` that lodash keeps with the digits before it.
fn ordinal_suffix(bytes: &[u8], digits: usize) -> usize {
    let (Some(last), Some(suffix)) = (bytes.get(digits - 1), bytes.get(digits..digits + 2)) else {
        return 0;
    };
    let lower = match (last, suffix.to_ascii_lowercase().as_slice()) {
        (b'1', b"st") | (b'2', b"nd") | (b'3', b"rd") => suffix,
        (b'1' | b'2' | b'3', _) => return 0,
        (_, b"th") => suffix,
        _ => return 0,
    };
    let is_upper = lower.iter().all(u8::is_ascii_uppercase);
    let is_lower = lower.iter().all(u8::is_ascii_lowercase);
    let next = bytes.get(digits + 2);
    let ends = match next {
        None => true,
        Some(b'_') => true,
        Some(next) if !next.is_ascii_alphanumeric() => true,
        Some(next) => {
            (is_lower && next.is_ascii_uppercase()) || (is_upper && next.is_ascii_lowercase())
        }
    };
    if (is_upper || is_lower) && ends { 2 } else { 0 }
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
    fn snake_case_is_that_of_lodash() {
        for (name, snake) in [
            ("heroImage2x", "hero_image_2_x"),
            ("documentId", "document_id"),
            ("HTMLParser", "html_parser"),
            ("userID", "user_id"),
            ("provider_metadata", "provider_metadata"),
            ("extraordinarily-long-name", "extraordinarily_long_name"),
            ("a1B2", "a_1_b_2"),
            ("my1stField", "my_1st_field"),
            ("the11thHour", "the_11_th_hour"),
            ("the4thHour", "the_4th_hour"),
            ("__x__", "x"),
            ("ABc", "a_bc"),
        ] {
            assert_eq!(snake_case(name), snake, "{name}");
        }
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
