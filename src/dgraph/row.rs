//! One row: what a node has under a predicate, whatever the dialect and the format.
//!
//! Numbers stay as they are written: there are integers of 64 bits, and floats that a step through binary would change.

use super::scalar;
use super::schema::{Kind, Schema};
use crate::checking::begin;
use std::borrow::Cow;
use std::fmt;

pub use super::GALAXY;
pub(crate) use super::number;
pub use super::scalar::{NO_NUMBERS, Scalar};

/// How many facets a row may have: they are held at once.
pub const MOST_FACETS: usize = 1 << 14;
/// The predicate that says of which type a node is.
pub const TYPE: &str = "dgraph.type";

/// Whether a predicate or type is one of the server's own.
pub fn is_system(name: &str) -> bool {
    name.starts_with("dgraph.")
}

/// A node, as rows name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Node {
    /// By its number, which is not 0.
    Uid(u64),
    /// By a name that holds within one load: `_:name`, without the `_:`.
    Blank(String),
    /// By a name of its own, which the loader maps to a number. Only RDF has these.
    Named(String),
}

impl Node {
    /// What stands for a node in a text. Whatever Go takes as a number is one.
    ///
    /// # Errors
    /// Why it is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some(name) = text.strip_prefix("_:") {
            return match name.is_empty() {
                true => Err("a blank node has no name".into()),
                false => Ok(Self::Blank(name.to_owned())),
            };
        }
        match number(text) {
            Some(0) => Err("0 is the uid of no node".into()),
            Some(uid) => Ok(Self::Uid(uid)),
            None if text.is_empty() => Err("the name of a node is empty".into()),
            None => Ok(Self::Named(text.to_owned())),
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Uid(uid) => write!(f, "{uid:#x}"),
            Self::Blank(name) => write!(f, "_:{name}"),
            Self::Named(name) => f.write_str(name),
        }
    }
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value {
    /// What it is.
    pub scalar: Scalar,
    /// How it is written.
    pub text: String,
}

impl Value {
    /// Whether it is a float that JSON has no form for.
    pub fn is_no_number(&self) -> bool {
        self.scalar == Scalar::Float && NO_NUMBERS.contains(&self.text.as_str())
    }
}

/// What a node has.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// A value.
    Value {
        /// It.
        value: Value,
        /// The tag of its language, where it has one.
        language: Option<String>,
    },
    /// A link to another node.
    Edge(Node),
}

/// What a facet is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FacetKind {
    /// A text.
    String,
    /// A whole number of 64 bits.
    Int,
    /// A number.
    Float,
    /// `true` or `false`. Servers export it to JSON as a text; here it stays what it is.
    Bool,
    /// A time. In JSON it is a text that the loader takes as a time.
    DateTime,
}

/// What a value or a link has beside it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Facet {
    /// Its name.
    pub key: String,
    /// What it is.
    pub kind: FacetKind,
    /// How it is written.
    pub text: String,
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Row {
    /// The node.
    pub subject: Node,
    /// Its namespace.
    pub namespace: u64,
    /// What of it.
    pub predicate: String,
    /// What it is.
    pub object: Object,
    /// What stands beside it, in the order of the file.
    pub facets: Vec<Facet>,
}

impl Row {
    /// Gives its value the type that the schema has for it: JSON tells texts and numbers apart, and nothing else.
    pub fn take_type(&mut self, schema: &Schema) {
        let Object::Value { value, .. } = &mut self.object else {
            return;
        };
        let predicate = schema.predicate(self.namespace, &self.predicate);
        if let Some(Kind::Scalar(scalar)) = predicate.map(|it| &it.kind) {
            value.scalar = *scalar;
        }
    }

    /// What it is about, for messages: without its value, which may be a secret.
    pub fn about(&self) -> String {
        let subject = self.subject.to_string();
        format!("{} {}", begin(&subject), begin(&self.predicate))
    }
}

/// Whether a facet's text is a time: a day at least, which nothing takes for a number. The loader takes a year alone as
/// a time as well; here that stays a text.
pub(crate) fn is_time(text: &str) -> bool {
    text.len() >= "2006-01-02".len() && scalar::is_time(text)
}

/// Whether this is a number in the grammar of JSON.
pub(crate) fn is_json_number(text: &str) -> bool {
    let rest = text.strip_prefix('-').unwrap_or(text);
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.starts_with('0')) {
        return false;
    }
    let mut rest = &rest[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let count = digits(fraction);
        if count == 0 {
            return false;
        }
        rest = &fraction[count..];
    }
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        let count = digits(exponent);
        if count == 0 {
            return false;
        }
        rest = &exponent[count..];
    }
    rest.is_empty()
}

/// The predicate and the language that a name has, as servers cut it: at the last `@`, unless it is the first character.
pub(crate) fn cut_language(name: &str) -> (&str, Option<&str>) {
    match name.rfind('@') {
        None | Some(0) => (name, None),
        Some(at) => {
            let language = &name[at + 1..];
            (&name[..at], (!language.is_empty()).then_some(language))
        }
    }
}

/// Whether this is the tag of a language, as RDF has it.
pub(crate) fn is_language(tag: &str) -> bool {
    tag.starts_with(|it: char| it.is_ascii_alphabetic())
        && !tag.ends_with('-')
        && tag
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'-')
}

/// A text for messages: its beginning, and dots where there is more.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    let start = begin(text);
    match start.len() < text.len() {
        true => format!("{start}...").into(),
        false => start.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_numbers_in_any_base_of_go_blank_names_or_names() {
        for (text, node) in [
            ("0xc", Node::Uid(12)),
            ("0Xffffffffffffffff", Node::Uid(u64::MAX)),
            ("12", Node::Uid(12)),
            ("010", Node::Uid(8)),
            ("0b11", Node::Uid(3)),
            ("_:a.b", Node::Blank("a.b".into())),
            ("_:uid1f", Node::Blank("uid1f".into())),
            ("alice", Node::Named("alice".into())),
            (
                "0x1ffffffffffffffff",
                Node::Named("0x1ffffffffffffffff".into()),
            ),
            ("+1", Node::Named("+1".into())),
        ] {
            assert_eq!(Node::parse(text), Ok(node), "{text}");
        }
        for text in ["", "_:", "0", "0x0"] {
            assert!(Node::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_of_json_are_told_from_what_only_looks_like_them() {
        for text in [
            "0",
            "-0",
            "4",
            "9007199254740993",
            "1E+21",
            "1E-09",
            "0.5",
            "-1.25e3",
        ] {
            assert!(is_json_number(text), "{text}");
        }
        for text in [
            "", "-", "01", "+1", "1.", ".5", "1e", "1e+", "NaN", "+Inf", "1 ", "0x1",
        ] {
            assert!(!is_json_number(text), "{text}");
        }
    }

    #[test]
    fn languages_are_cut_off_at_the_last_at_sign() {
        assert_eq!(cut_language("name@en"), ("name", Some("en")));
        assert_eq!(cut_language("a@b@en"), ("a@b", Some("en")));
        assert_eq!(cut_language("name@"), ("name", None));
        assert_eq!(cut_language("@en"), ("@en", None));
        assert!(is_language("zh-Hans") && !is_language("1") && !is_language("en-"));
    }
}
