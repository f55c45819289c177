//! A reader of N-Quads, as servers read them: one in a line. It shares nothing with the program's own.

use std::collections::BTreeMap;

/// What a statement is about, or points at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Uid(u64),
    /// Without `_:`.
    Blank(String),
    /// The nodes that a query has found: `uid(v)`.
    Variable(String),
}

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Object {
    Node(Node),
    /// A text, and what it is; `None` where nothing says it.
    Value(String, Option<String>),
}

/// A facet. JSON tells a number from a text and nothing else, so nothing else is kept apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Facet {
    Number(String),
    Text(String),
}

/// A statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quad {
    pub subject: Node,
    pub predicate: String,
    pub lang: String,
    pub object: Object,
    pub facets: BTreeMap<String, Facet>,
}

struct Cursor<'a> {
    line: &'a str,
    at: usize,
}

type Read<T> = Result<T, String>;

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    fn skip(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t']).len();
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    fn until(&mut self, end: char) -> Read<&'a str> {
        let rest = self.rest();
        let length = rest.find(end).ok_or_else(|| self.refuse())?;
        self.at += length + end.len_utf8();
        Ok(&rest[..length])
    }

    fn word(&mut self, ends: &[char]) -> &'a str {
        let rest = self.rest();
        let length = rest.find(ends).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    fn refuse(&self) -> String {
        format!(
            "while lexing {} at line 1 column {}: Unexpected character",
            self.line, self.at
        )
    }

    /// `<iri>`, `_:name` or `uid(v)`.
    fn node(&mut self) -> Read<String> {
        if self.take("<") {
            return Ok(self.until('>')?.to_owned());
        }
        if self.rest().starts_with("_:") {
            return Ok(self.word(&[' ', '\t']).to_owned());
        }
        if self.take("uid(") {
            return Ok(format!("uid({})", self.until(')')?));
        }
        Err(self.refuse())
    }

    /// A text in quotes, as Go reads one.
    fn quoted(&mut self) -> Read<String> {
        let mut text = Vec::new();
        let mut chars = self.rest().char_indices();
        chars.next();
        while let Some((at, next)) = chars.next() {
            match next {
                '"' => {
                    self.at += at + 1;
                    return String::from_utf8(text).map_err(|_| BROKEN.to_owned());
                }
                '\\' => {
                    let (_, escape) = chars.next().ok_or(BROKEN)?;
                    let number = match escape {
                        'a' => Some(7),
                        'b' => Some(8),
                        'f' => Some(12),
                        'n' => Some(10),
                        'r' => Some(13),
                        't' => Some(9),
                        'v' => Some(11),
                        '\\' | '"' => Some(escape as u32),
                        'u' => digits_of(&mut chars, 4),
                        'U' => digits_of(&mut chars, 8),
                        _ => None,
                    };
                    let read = number.and_then(char::from_u32).ok_or(BROKEN)?;
                    text.extend(read.to_string().bytes());
                }
                other => text.extend(other.to_string().bytes()),
            }
        }
        Err(self.refuse())
    }

    fn facets(&mut self) -> Read<BTreeMap<String, Facet>> {
        let mut facets = BTreeMap::new();
        while !self.take(")") {
            self.skip();
            let key = self.until('=')?.trim().to_owned();
            self.skip();
            let value = match self.rest().starts_with('"') {
                true => Facet::Text(self.quoted()?),
                false => {
                    let word = self.word(&[',', ')']).trim();
                    match word.parse::<f64>() {
                        Ok(number) => Facet::Number(number.to_string()),
                        Err(_) => Facet::Text(word.to_owned()),
                    }
                }
            };
            facets.insert(key, value);
            self.skip();
            self.take(",");
            if self.rest().is_empty() {
                return Err("could not parse facet: Unexpected end of facets.".into());
            }
        }
        Ok(facets)
    }
}

const BROKEN: &str = "while unquoting: invalid syntax";

fn digits_of(chars: &mut impl Iterator<Item = (usize, char)>, count: usize) -> Option<u32> {
    let mut number = 0_u32;
    for _ in 0..count {
        number = number.checked_mul(16)? + chars.next()?.1.to_digit(16)?;
    }
    Some(number)
}

/// A node by its name.
fn node(name: &str) -> Read<Node> {
    if let Some(blank) = name.strip_prefix("_:") {
        return Ok(Node::Blank(blank.to_owned()));
    }
    if let Some(variable) = name
        .strip_prefix("uid(")
        .and_then(|it| it.strip_suffix(')'))
    {
        return Ok(Node::Variable(variable.trim().to_owned()));
    }
    match uid(name) {
        Some(0) => Err("UID must be greater than 0".into()),
        Some(uid) => Ok(Node::Uid(uid)),
        None => Err(format!(
            "strconv.ParseUint: parsing \"{name}\": invalid syntax"
        )),
    }
}

/// A uid, as it is written.
pub fn uid(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Reads a line; `None` where nothing stands in it.
pub fn read(line: &str) -> Read<Option<Quad>> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let mut cursor = Cursor { line, at: 0 };
    let subject = node(&cursor.node()?)?;
    cursor.skip();
    if !cursor.take("<") {
        return Err(cursor.refuse());
    }
    let predicate = cursor.until('>')?;
    let (predicate, lang) = predicate.split_once('@').unwrap_or((predicate, ""));
    let mut lang = lang.to_owned();
    cursor.skip();
    let object = match cursor.rest().starts_with('"') {
        false => Object::Node(node(&cursor.node()?)?),
        true => {
            let text = cursor.quoted()?;
            let mut kind = None;
            if cursor.take("@") {
                lang = cursor.word(&[' ', '\t']).to_owned();
            } else if cursor.take("^^<") {
                kind = Some(cursor.until('>')?.to_owned());
            }
            Object::Value(text, kind)
        }
    };
    cursor.skip();
    if cursor.take("<") {
        let namespace = cursor.until('>')?;
        uid(namespace).ok_or_else(|| format!("Invalid namespace ID. Input: [{line}]"))?;
        cursor.skip();
    }
    let facets = match cursor.take("(") {
        true => cursor.facets()?,
        false => BTreeMap::new(),
    };
    cursor.skip();
    match cursor.take(".") && cursor.rest().trim().is_empty() {
        true => Ok(Some(Quad {
            subject,
            predicate: predicate.to_owned(),
            lang,
            object,
            facets,
        })),
        false => Err(format!("Invalid end of input. Input: [{line}]")),
    }
}
