//! Schemas, as `/alter` reads them.

use super::Form;
use std::collections::BTreeMap;

/// A predicate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Predicate {
    /// The name of its type, without brackets.
    pub kind: String,
    pub is_list: bool,
    /// What stands behind the type, in order.
    pub directives: Vec<String>,
}

impl Predicate {
    /// Without directives.
    pub fn new(kind: &str, is_list: bool) -> Predicate {
        Predicate {
            kind: kind.to_owned(),
            is_list,
            directives: Vec::new(),
        }
    }

    pub fn has(&self, directive: &str) -> bool {
        self.directives.iter().any(|it| it.starts_with(directive))
    }

    /// As servers export it, without namespace.
    pub fn line(&self, name: &str) -> String {
        let kind = match self.is_list {
            true => format!("[{}]", self.kind),
            false => self.kind.clone(),
        };
        let directives: String = self.directives.iter().map(|it| format!(" {it}")).collect();
        format!("<{name}>:{kind}{directives} . \n")
    }
}

/// What a namespace has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schema {
    pub predicates: BTreeMap<String, Predicate>,
    /// The fields of types.
    pub types: BTreeMap<String, Vec<String>>,
}

const SCALARS: [&str; 10] = [
    "default", "binary", "int", "float", "bool", "datetime", "geo", "uid", "string", "password",
];

/// Reads one that a server of this form is given, or says what such a server says.
pub fn read(text: &str, form: Form) -> Result<Schema, String> {
    let mut schema = Schema::default();
    let mut fields: Option<(String, Vec<String>)> = None;
    for (at, line) in text.lines().enumerate() {
        let number = at + 1;
        let line = line.split(" #").next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some((name, mut own)) = fields.take() {
            match line {
                "}" => drop(schema.types.insert(name, own)),
                line => {
                    own.push(named(line).to_owned());
                    fields = Some((name, own));
                }
            }
            continue;
        }
        let statement = match line.strip_prefix("[0x") {
            None => line,
            Some(_) if form.is_old() => {
                return Err(format!(
                    "line {number} column 0: Unrecognized character in lexText: U+005B '['"
                ));
            }
            Some(rest) => rest.split_once(']').ok_or("Invalid namespace")?.1.trim(),
        };
        match statement.strip_prefix("type ") {
            Some(head) => {
                let (name, rest) = head
                    .split_once('{')
                    .ok_or_else(|| format!("line {number} column 0: Expected {{. Got: {head:?}"))?;
                let name = named(name.trim()).to_owned();
                reserved("type", &name)?;
                match rest.trim() {
                    "" => fields = Some((name, Vec::new())),
                    rest => {
                        let own = rest.trim_end_matches('}').split_whitespace();
                        let own = own.map(|it| named(it).to_owned()).collect();
                        schema.types.insert(name, own);
                    }
                }
            }
            None => {
                let (name, predicate) = predicate(statement, number, form)?;
                reserved("predicate", &name)?;
                schema.predicates.insert(name, predicate);
            }
        }
    }
    match fields {
        None => Ok(schema),
        Some((name, _)) => Err(format!("Unexpected end of type {name}")),
    }
}

fn predicate(line: &str, number: usize, form: Form) -> Result<(String, Predicate), String> {
    let fail = |column: usize, what: &str| Err(format!("line {number} column {column}: {what}"));
    let (name, rest) = match line.strip_prefix('<').and_then(|it| it.split_once('>')) {
        Some((name, rest)) => (name, rest.trim().strip_prefix(':')),
        None => match line.split_once(':') {
            Some((name, rest)) => (name.trim(), Some(rest)),
            None => (line, None),
        },
    };
    let Some(rest) = rest else {
        return fail(name.len(), "Missing colon");
    };
    let Some(rest) = rest.trim().strip_suffix('.') else {
        return fail(line.len(), "Invalid ending");
    };
    let mut words = words(rest.trim()).into_iter();
    let kind = words.next().unwrap_or_default();
    let inner = kind.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let is_list = inner.is_some();
    let kind = inner.unwrap_or(&kind).trim().to_owned();
    let is_new = ["float32vector", "bigfloat"].contains(&kind.as_str());
    if !(SCALARS.contains(&kind.as_str()) || is_new && form == Form::V2503) {
        return fail(line.find(&kind).unwrap_or_default(), "Undefined Type");
    }
    let directives: Vec<String> = words.collect();
    for it in &directives {
        let column = line.find(it).unwrap_or_default();
        if it == "@unique" && form != Form::V2503 {
            return fail(column, "Invalid index specification");
        }
        let name = it.split('(').next().unwrap_or_default();
        let known = [
            "@index",
            "@reverse",
            "@count",
            "@lang",
            "@upsert",
            "@unique",
            "@noconflict",
        ];
        if !known.contains(&name) {
            return fail(column, "Invalid index specification");
        }
        if name == "@index" && kind == "uid" {
            return fail(column, "Indexing not allowed on predicate of type uid");
        }
    }
    let predicate = Predicate {
        kind,
        is_list,
        directives,
    };
    Ok((name.to_owned(), predicate))
}

/// The words of a text; what is in brackets belongs to one.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut depth) = (vec![String::new()], 0);
    for next in text.chars() {
        match next {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        match next.is_whitespace() && depth == 0 {
            true => words.push(String::new()),
            false => words.last_mut().expect("one").push(next),
        }
    }
    words.retain(|it| !it.is_empty());
    words
}

fn named(text: &str) -> &str {
    let inner = text.strip_prefix('<').and_then(|it| it.strip_suffix('>'));
    // `name: string` is how types were written once.
    let text = inner.unwrap_or(text);
    text.split(':').next().unwrap_or_default().trim()
}

fn reserved(what: &str, name: &str) -> Result<(), String> {
    match name.starts_with("dgraph.") {
        false => Ok(()),
        true => Err(format!(
            "Can't alter {what} `{name}` as it is prefixed with `dgraph.` which is reserved as the namespace for dgraph's \
             internal types/predicates."
        )),
    }
}
