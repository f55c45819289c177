//! What of a server's data is exported, and how.

use super::asking::Asking;
use crate::dgraph::Format;
use crate::error::{Error, Result};
use std::fmt;
use std::str::FromStr;

/// Which namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Namespace {
    /// This one.
    One(u64),
    /// All, which only the guardians of namespace 0 may see.
    All,
}

impl FromStr for Namespace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        };
        match (text, number) {
            ("all", _) => Ok(Self::All),
            // Servers take it as a number with a sign.
            (_, Some(number)) if i64::try_from(number).is_ok() => Ok(Self::One(number)),
            _ => Err("give the number of a namespace, such as 0 or 0x1, or all"),
        }
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::One(number) => number.fmt(f),
            Self::All => f.write_str("-1"),
        }
    }
}

/// What is exported.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// How rows are written.
    pub format: Format,
    /// Which namespaces; `None` for that of the server's choice.
    pub namespace: Option<Namespace>,
}

impl Request {
    /// The arguments that say it.
    pub(super) fn arguments(&self) -> Vec<(&'static str, String)> {
        let namespace = self.namespace.map(|it| ("namespace", it.to_string()));
        let format = ("format", format!("\"{}\"", self.format.extension()));
        std::iter::once(format).chain(namespace).collect()
    }

    /// Sees that what is left of a question still asks for what is meant.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): it would ask for another namespace.
    pub(super) fn allows(&self, asking: &Asking) -> Result<()> {
        match self.namespace {
            Some(Namespace::One(number)) if number > 0 && !asking.has_argument("namespace") => {
                let what =
                    format!("the server has no namespaces, and so none with the number {number}");
                Err(Error::usage(what)
                    .hint("leave --namespace out; servers have namespaces from 21.03 on"))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_is_a_number_or_all() {
        assert_eq!("0x10".parse(), Ok(Namespace::One(16)));
        assert_eq!("7".parse(), Ok(Namespace::One(7)));
        assert_eq!("all".parse(), Ok(Namespace::All));
        for text in ["", "-1", "x", "0x", "18446744073709551615"] {
            assert!(text.parse::<Namespace>().is_err(), "{text}");
        }
    }
}
