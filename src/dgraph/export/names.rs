//! The names of the files of a set, and of the folders that servers write sets into.

use crate::dgraph::set::Content;
use std::fmt;

/// The name of a file: `g01.json.gz`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FileName {
    /// The group of servers that wrote it.
    pub group: u32,
    /// What it holds.
    pub content: Content,
}

impl FileName {
    /// What a name says; `None` where no server calls a file so.
    pub fn parse(text: &str) -> Option<Self> {
        let (group, content) = Content::of(text)?;
        let name = Self { group, content };
        (name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.content.name(self.group))
    }
}

/// The name of a folder that a server writes a set into: `dgraph.r91.u1120.1541`, with the moment of its data as the server
/// counts them, and that of the export as month, day, hour and minute.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RunName {
    /// The moment of its data. Later exports have no smaller one.
    read: u64,
    time: String,
}

impl RunName {
    /// What a name says; `None` where no server calls a folder so.
    pub fn parse(text: &str) -> Option<Self> {
        let (read, time) = text.strip_prefix("dgraph.r")?.split_once(".u")?;
        let (day, minute) = time.split_once('.')?;
        let is_number = |text: &str| text.len() == 4 && text.bytes().all(|it| it.is_ascii_digit());
        if !is_number(day) || !is_number(minute) {
            return None;
        }
        let name = Self {
            read: read.parse().ok()?,
            time: time.to_owned(),
        };
        (name.to_string() == text).then_some(name)
    }
}

impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "dgraph.r{}.u{}", self.read, self.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_servers_and_nothing_else() {
        for text in [
            "g01.json.gz",
            "g01.rdf.gz",
            "g12.schema.gz",
            "g100.gql_schema.gz",
        ] {
            assert_eq!(FileName::parse(text).expect(text).to_string(), text);
        }
        for text in [
            "g1.json.gz",
            "g01.json",
            "../g01.json.gz",
            "g+1.json.gz",
            "g01.csv.gz",
            "g.json.gz",
            "",
        ] {
            assert_eq!(FileName::parse(text), None, "{text}");
        }
        let run = |text| RunName::parse(text);
        assert_eq!(
            run("dgraph.r91.u1120.1541").expect("a run").to_string(),
            "dgraph.r91.u1120.1541"
        );
        assert!(run("dgraph.r100.u0101.0000") > run("dgraph.r91.u1120.1541"));
        for text in [
            "dgraph.r91",
            "dgraph.r091.u1120.1541",
            "dgraph.r91.u1120.1541/..",
            "dgraph.rx.u1120.1541",
        ] {
            assert_eq!(run(text), None, "{text}");
        }
    }
}
