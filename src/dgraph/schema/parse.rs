//! Reads a schema. Each predicate stands on a line of its own; a type goes over several.

use super::super::row::shown;
use super::super::{Dialect, at, number};
use super::{Directive, Field, Kind, LONGEST_SCHEMA, MOST_PARTS, Predicate, Schema, Type};
use crate::error::{Error, Result};

/// What is wrong with a line.
type Parsed<T> = std::result::Result<T, String>;

impl Schema {
    /// Reads it. `file` names it in messages.
    ///
    /// # Errors
    /// Kind [`Archive`](crate::error::Kind::Archive): a line makes no sense, or it is longer than [`LONGEST_SCHEMA`].
    pub fn parse(text: &str, file: &str) -> Result<Self> {
        if text.len() > LONGEST_SCHEMA {
            let why = format!("{file}: the schema is longer than {LONGEST_SCHEMA} bytes");
            return Err(Error::archive(why));
        }
        let (mut schema, mut parts) = (Self::default(), 0);
        // The type whose fields are read, and where it begins.
        let mut open: Option<(Type, u64)> = None;
        for (line, number) in text.lines().zip(1..) {
            // Each of them has a line or a sign of its own.
            let signs = line.bytes().filter(|it| b":@{".contains(it)).count();
            parts += signs.max(usize::from(!line.is_empty()));
            if parts > MOST_PARTS {
                let why = format!("the schema has more than {MOST_PARTS} parts");
                return Err(at(file, number, why));
            }
            let read = match open.take() {
                Some((mut of, since)) => {
                    field(line, &mut of).and_then(|is_through| match is_through {
                        true => schema.add_type(of),
                        false => {
                            open = Some((of, since));
                            Ok(())
                        }
                    })
                }
                None => schema.line(line).map(|of| open = of.map(|of| (of, number))),
            };
            read.map_err(|why| at(file, number, why))?;
        }
        match open {
            None => Ok(schema),
            Some((of, since)) => {
                let why = format!("the type `{}` does not end", of.name);
                Err(at(file, since, why))
            }
        }
    }

    /// Reads a line outside of a type; gives the type that begins with it.
    fn line(&mut self, line: &str) -> Parsed<Option<Type>> {
        let mut cursor = Cursor(line.trim());
        if cursor.0.is_empty() || cursor.0.starts_with('#') {
            return Ok(None);
        }
        let (namespace, dialect) = match cursor.take("[") {
            true => {
                let digits = cursor
                    .until("]")
                    .ok_or("a namespace does not end with `]`")?;
                let namespace = number(digits.trim()).ok_or("a namespace is no number")?;
                (namespace, Dialect::Since2103)
            }
            false => (0, Dialect::Before2103),
        };
        if self.dialect.is_some_and(|it| it != dialect) {
            return Err("some lines say their namespace, and others do not".into());
        }
        self.dialect = Some(dialect);
        cursor.space();
        if let Some(rest) = cursor.0.strip_prefix("type")
            && rest.starts_with([' ', '\t', '<'])
            && rest.contains('{')
        {
            cursor = Cursor(rest);
            let name = cursor.name()?;
            cursor.space();
            if !cursor.take("{") {
                return Err(format!("the type `{name}` has no `{{` behind its name"));
            }
            let fields = Vec::new();
            let mut of = Type {
                namespace,
                name,
                fields,
            };
            return Ok(match field(cursor.0, &mut of)? {
                true => {
                    self.add_type(of)?;
                    None
                }
                false => Some(of),
            });
        }
        let predicate = predicate(&mut cursor, namespace)?;
        self.add(predicate).map(|()| None)
    }
}

/// Reads a line within a type; gives whether the type ends with it.
fn field(line: &str, of: &mut Type) -> Parsed<bool> {
    let mut cursor = Cursor(line.trim());
    if cursor.0.is_empty() || cursor.0.starts_with('#') {
        return Ok(false);
    }
    if cursor.take("}") {
        return cursor.end().map(|()| true);
    }
    let name = cursor.name()?;
    let field = match name.strip_prefix('~') {
        Some(name) => Field {
            name: name.to_owned(),
            is_reverse: true,
        },
        None => Field {
            name,
            is_reverse: false,
        },
    };
    cursor.space();
    let mut is_through = false;
    if cursor.take(":") {
        // Old schemas repeat the type of the field here, which servers pass over.
        let kind = cursor.0.trim_end();
        is_through = kind.ends_with('}');
    } else if cursor.take("}") {
        is_through = true;
        cursor.end()?;
    } else {
        cursor.end()?;
    }
    of.fields.push(field);
    Ok(is_through)
}

fn predicate(cursor: &mut Cursor<'_>, namespace: u64) -> Parsed<Predicate> {
    let name = cursor.name()?;
    cursor.space();
    if !cursor.take(":") {
        return Err(format!("there is no `:` behind the predicate `{name}`"));
    }
    cursor.space();
    let is_list = cursor.take("[");
    cursor.space();
    let kind = cursor.word();
    if kind.is_empty() {
        return Err(format!("the predicate `{name}` has no type"));
    }
    let kind = Kind::named(kind);
    cursor.space();
    if is_list && !cursor.take("]") {
        return Err(format!(
            "the list of the predicate `{name}` does not end with `]`"
        ));
    }
    let mut directives = Vec::new();
    loop {
        cursor.space();
        if cursor.take(".") {
            break;
        }
        if !cursor.take("@") {
            return Err(format!("the predicate `{name}` does not end with ` .`"));
        }
        let directive = cursor.word().to_owned();
        if directive.is_empty() {
            return Err(format!("a suffix of the predicate `{name}` has no name"));
        }
        directives.push(Directive {
            name: directive,
            arguments: cursor.arguments()?,
        });
    }
    cursor.end()?;
    Ok(Predicate {
        namespace,
        name,
        kind,
        is_list,
        directives,
    })
}

/// The rest of a line.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn space(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t', '\r']);
    }

    fn take(&mut self, what: &str) -> bool {
        match self.0.strip_prefix(what) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn until(&mut self, end: &str) -> Option<&'a str> {
        let (before, after) = self.0.split_once(end)?;
        self.0 = after;
        Some(before)
    }

    /// A name, in `<` and `>` or up to what cannot be in one without these.
    fn name(&mut self) -> Parsed<String> {
        self.space();
        let name = match self.take("<") {
            true => self.until(">").ok_or("a name does not end with `>`")?,
            false => {
                let is_end = |it: char| it.is_whitespace() || ":{}<>".contains(it);
                let end = self.0.find(is_end).unwrap_or(self.0.len());
                let (name, rest) = self.0.split_at(end);
                self.0 = rest;
                name
            }
        };
        match name {
            "" => Err("there is no name".into()),
            // It is given to servers between `<` and `>`. What else no name has they say themselves.
            _ if name.contains(|it: char| it.is_control() || "<>{}".contains(it)) => Err(format!(
                "the name `{}` has characters that no name has",
                shown(name)
            )),
            _ => Ok(name.to_owned()),
        }
    }

    /// Letters, digits and underscores.
    fn word(&mut self) -> &'a str {
        let is_end = |it: char| !it.is_ascii_alphanumeric() && it != '_';
        let end = self.0.find(is_end).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        word
    }

    /// What stands in parentheses, which may hold others, and quoted texts with anything in them.
    fn arguments(&mut self) -> Parsed<Option<String>> {
        if !self.0.starts_with('(') {
            return Ok(None);
        }
        let (mut depth, mut is_quoted, mut is_escaped) = (0_u32, false, false);
        for (place, byte) in self.0.bytes().enumerate() {
            match byte {
                _ if is_escaped => is_escaped = false,
                b'\\' if is_quoted => is_escaped = true,
                b'"' => is_quoted = !is_quoted,
                _ if is_quoted => {}
                b'(' => depth += 1,
                b')' if depth == 1 => {
                    let arguments = self.0[1..place].to_owned();
                    self.0 = &self.0[place + 1..];
                    return Ok(Some(arguments));
                }
                b')' => depth -= 1,
                _ => {}
            }
        }
        Err("what stands in parentheses does not end".into())
    }

    fn end(&mut self) -> Parsed<()> {
        self.space();
        match self.0.is_empty() || self.0.starts_with('#') {
            true => Ok(()),
            false => Err("something stands behind its end".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::scalar::Scalar;
    use super::*;

    #[test]
    fn predicates_have_lists_suffixes_and_names_of_any_kind() {
        let text = "[0x0] <a.b>:[string] @index(exact, term) @count @lang . \n[0x1] <v>:float32vector @index(hnsw(metric:\"eu)c\")) . \n\
                    [0x1] <x>:novelty @unique @future(a, b(c)) .\n";
        let schema = Schema::parse(text, "x").expect("a schema");
        assert_eq!(schema.dialect(), Some(Dialect::Since2103));
        let [a, v, x] = schema.predicates() else {
            panic!("three predicates");
        };
        assert!(a.is_list && a.has("lang") && !a.has("reverse"));
        assert_eq!(a.directives[0].arguments.as_deref(), Some("exact, term"));
        assert_eq!(v.kind, Kind::Scalar(Scalar::Vector));
        assert_eq!(
            v.directives[0].arguments.as_deref(),
            Some("hnsw(metric:\"eu)c\")")
        );
        assert_eq!(x.kind, Kind::Other("novelty".into()));
        assert_eq!(schema.predicate(1, "x"), Some(x));
        assert_eq!(schema.predicate(0, "x"), None);
    }

    #[test]
    fn what_people_write_by_hand_is_read_as_well() {
        let text = "# one\nname: string @index(term) .\ntype: [uid] @reverse .\n\ntype Person {\n  name\n  <~friend>\n  age: int\n}\ntype Empty {}\n";
        let schema = Schema::parse(text, "x").expect("a schema");
        assert_eq!(schema.dialect(), Some(Dialect::Before2103));
        assert_eq!(schema.predicates().len(), 2);
        assert!(
            schema
                .predicate(0, "type")
                .is_some_and(|it| it.kind == Kind::Uid)
        );
        let [person, empty] = schema.types() else {
            panic!("two types");
        };
        let fields: Vec<_> = person
            .fields
            .iter()
            .map(|it| (it.name.as_str(), it.is_reverse))
            .collect();
        assert_eq!(fields, [("name", false), ("friend", true), ("age", false)]);
        assert!(empty.fields.is_empty());
    }

    #[test]
    fn a_schema_of_more_than_is_of_use_to_anybody_is_refused() {
        let many: String = (0..=MOST_PARTS)
            .map(|it| format!("a{it}:int .\n"))
            .collect();
        let line = MOST_PARTS + 1;
        for (text, line) in [(many, line), (format!("a:int {}.", "@b ".repeat(line)), 1)] {
            let error = Schema::parse(&text, "x").expect_err("too many");
            let begin = format!("x, line {line}: the schema has more than {MOST_PARTS}");
            assert!(error.to_string().starts_with(&begin), "{error}");
        }
    }

    #[test]
    fn a_line_that_makes_no_sense_is_named() {
        for (text, line, why) in [
            ("<a>:string", 1, "does not end with"),
            ("<a>:string . x", 1, "behind its end"),
            ("\n<a string .", 2, "does not end with `>`"),
            ("<a>string .", 1, "no `:`"),
            ("<a>: .", 1, "has no type"),
            ("<a>:[int .", 1, "`]`"),
            ("<a>:int @index(x .", 1, "parentheses"),
            ("<a>:int @ .", 1, "no name"),
            ("[x] <a>:int .", 1, "no number"),
            ("[0x0] <a>:int .\n<b>:int .", 2, "others do not"),
            ("<a>:int .\n<a>:string .", 2, "twice"),
            ("<a>:int .\ntype <A> {\n\ta\n", 2, "does not end"),
            ("type <A> {\n}\ntype <A> {\n\ta\n}\n", 5, "twice"),
            ("\ntype <T} type <U> {\n}", 2, "`T} type <U`"),
            ("type <T> {\n\t<a}b>\n}", 2, "`a}b`"),
            ("<a> <b>:int .", 1, "no `:`"),
            ("<a\u{1b}b>:int .", 1, "that no name has"),
        ] {
            let error = Schema::parse(text, "g01.schema.gz")
                .expect_err(text)
                .to_string();
            let place = format!("g01.schema.gz, line {line}: ");
            assert!(error.starts_with(&place) && error.contains(why), "{error}");
        }
    }
}
