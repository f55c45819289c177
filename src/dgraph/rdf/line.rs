//! What row a line stands for, as the loader's `chunker/rdf_parser.go` reads it.

use super::super::escape::{end_of_quoted, unquote};
use super::super::row::{
    Facet, FacetKind, GALAXY, MOST_FACETS, Node, Object, Row, Scalar, Value, cut_language,
    is_json_number, is_language, is_time, number, shown,
};
use super::{is_iri, scalar};

/// A line that was read.
#[derive(Debug)]
pub(super) struct Line {
    pub row: Row,
    /// Whether its fourth term is no namespace, but a label of old servers, which no server keeps.
    pub has_label: bool,
}

/// Reads a line without its break; gives `None` where nothing stands on it.
///
/// # Errors
/// What is wrong with it.
pub(super) fn parse(line: &str) -> Result<Option<Line>, String> {
    let mut cursor = Cursor(line.trim());
    if cursor.0.is_empty() || cursor.0.starts_with('#') {
        return Ok(None);
    }
    let subject = cursor.node("subject")?;
    cursor.space();
    let name = cursor.iri("predicate")?;
    let (predicate, mut language) = cut_language(name);
    cursor.space();
    let object = if cursor.0.starts_with('"') {
        let (mut value, tag) = cursor.literal()?;
        language = tag.or(language);
        if let Some(tag) = language.filter(|it| !is_language(it)) {
            return Err(format!("`{}` is no language", shown(tag)));
        }
        // Servers take `<name@en> "x"` and `<name> "x"@en` for the same.
        if language.is_some() && value.scalar == Scalar::Default {
            value.scalar = Scalar::String;
        }
        Object::Value {
            value,
            language: language.map(str::to_owned),
        }
    } else {
        Object::Edge(cursor.node("object")?)
    };
    cursor.space();
    let label = match cursor.0.starts_with(['<', '_']) {
        true => Some(cursor.term("fourth term")?),
        false => None,
    };
    let namespace = label.and_then(number);
    cursor.space();
    let facets = match cursor.take("(") {
        true => cursor.facets()?,
        false => Vec::new(),
    };
    cursor.space();
    if !cursor.take(".") {
        return Err("it does not end with ` .`".into());
    }
    cursor.space();
    if !cursor.0.is_empty() && !cursor.0.starts_with('#') {
        return Err("something stands behind its end".into());
    }
    let row = Row {
        subject,
        namespace: namespace.unwrap_or(GALAXY),
        predicate: predicate.to_owned(),
        object,
        facets,
    };
    Ok(Some(Line {
        row,
        has_label: label.is_some() && namespace.is_none(),
    }))
}

/// The rest of a line.
struct Cursor<'a>(&'a str);

impl<'a> Cursor<'a> {
    fn space(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t']);
    }

    fn take(&mut self, what: &str) -> bool {
        let rest = self.0.strip_prefix(what);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// What stands up to the first of these characters, or up to the end.
    fn until(&mut self, is_end: impl Fn(char) -> bool) -> &'a str {
        let end = self.0.find(is_end).unwrap_or(self.0.len());
        let (before, rest) = self.0.split_at(end);
        self.0 = rest;
        before
    }

    /// What stands between `<` and `>`.
    fn iri(&mut self, what: &str) -> Result<&'a str, String> {
        if !self.take("<") {
            return Err(format!("the {what} does not begin with `<`"));
        }
        let name = self.until(|it| it == '>');
        if !self.take(">") {
            return Err(format!("the {what} does not end with `>`"));
        }
        match is_iri(name) {
            true => Ok(name),
            false => Err(format!(
                "the {what} has a character that no name has, or is empty"
            )),
        }
    }

    /// What stands between `<` and `>`, or a word.
    fn term(&mut self, what: &str) -> Result<&'a str, String> {
        match self.0.starts_with('<') {
            true => self.iri(what),
            false => Ok(self.until(|it| it == ' ' || it == '\t')),
        }
    }

    fn node(&mut self, what: &str) -> Result<Node, String> {
        let is_bare = !self.0.starts_with('<');
        let term = self.term(what)?;
        let wrong = |why: &str| format!("the {what} is no node: {why}");
        match Node::parse(term).map_err(|why| wrong(&why))? {
            Node::Named(_) if is_bare => Err(wrong("it does not begin with `<`")),
            node => Ok(node),
        }
    }

    /// A quoted text with its type or its language.
    fn literal(&mut self) -> Result<(Value, Option<&'a str>), String> {
        let length = end_of_quoted(self.0).ok_or("the value does not end with a quote")?;
        let (quoted, rest) = self.0.split_at(length);
        self.0 = rest;
        let text = unquote(quoted)?;
        let mut language = None;
        let scalar = if self.take("@") {
            language = Some(self.until(|it| it != '-' && !it.is_ascii_alphanumeric()));
            Scalar::String
        } else if self.take("^^") {
            let name = self.iri("type")?;
            scalar(name).ok_or_else(|| format!("there is no type `{}`", shown(name)))?
        } else {
            Scalar::Default
        };
        Ok((Value { scalar, text }, language))
    }

    /// Facets up to the parenthesis that ends them.
    fn facets(&mut self) -> Result<Vec<Facet>, String> {
        let is_end = |it: char| "=,) \t".contains(it);
        let mut facets = Vec::new();
        loop {
            self.space();
            let key = self.until(is_end);
            if key.is_empty() {
                return Err("a facet has no name".into());
            }
            self.space();
            if !self.take("=") {
                return Err(format!("`=` is missing behind the facet `{}`", shown(key)));
            }
            self.space();
            let (kind, text) = match self.0.starts_with('"') {
                true => {
                    let length =
                        end_of_quoted(self.0).ok_or("a facet does not end with a quote")?;
                    let (quoted, rest) = self.0.split_at(length);
                    self.0 = rest;
                    (FacetKind::String, unquote(quoted)?)
                }
                false => facet(self.until(is_end))
                    .ok_or_else(|| format!("the facet `{}` is of no type", shown(key)))?,
            };
            facets.push(Facet {
                key: key.to_owned(),
                kind,
                text,
            });
            if facets.len() > MOST_FACETS {
                return Err(format!("it has more than {MOST_FACETS} facets"));
            }
            self.space();
            if self.take(")") {
                return Ok(facets);
            }
            if !self.take(",") {
                return Err("neither `,` nor `)` follows a facet".into());
            }
        }
    }
}

/// What a facet without quotes is: what the loader takes it for, in its order.
fn facet(text: &str) -> Option<(FacetKind, String)> {
    let kind = match text {
        "" => FacetKind::String,
        "true" | "false" => FacetKind::Bool,
        _ if is_json_number(text) => match text.contains(['.', 'e', 'E']) {
            true => FacetKind::Float,
            false => text.parse::<i64>().ok().map(|_| FacetKind::Int)?,
        },
        _ if is_time(text) => FacetKind::DateTime,
        _ => return other_number(text),
    };
    Some((kind, text.to_owned()))
}

/// A number that is written as JSON has it not.
fn other_number(text: &str) -> Option<(FacetKind, String)> {
    if let Ok(whole) = text.parse::<i64>() {
        return Some((FacetKind::Int, whole.to_string()));
    }
    if let Some(whole) = number(text).and_then(|it| i64::try_from(it).ok()) {
        return Some((FacetKind::Int, whole.to_string()));
    }
    let float = text.parse::<f64>().ok().filter(|it| it.is_finite())?;
    // Always with a point or an exponent, so that it stays what it is.
    Some((FacetKind::Float, format!("{float:?}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(line: &str) -> Row {
        parse(line).expect(line).expect("a row").row
    }

    #[test]
    fn values_edges_languages_types_and_facets_are_read() {
        let value = row(
            r#"<0xc> <A.views> "42"^^<xs:int> <0x1f> (a="x,)y",b=-3,c=0.5,d=true,e=2020-01-02T00:00:00Z, f =) . # so"#,
        );
        assert_eq!((value.subject, value.namespace), (Node::Uid(12), 31));
        let found: Vec<_> = value
            .facets
            .iter()
            .map(|it| (it.key.as_str(), it.kind, it.text.as_str()))
            .collect();
        use FacetKind::{Bool, DateTime, Float, Int, String};
        assert_eq!(
            found,
            [
                ("a", String, "x,)y"),
                ("b", Int, "-3"),
                ("c", Float, "0.5"),
                ("d", Bool, "true"),
                ("e", DateTime, "2020-01-02T00:00:00Z"),
                ("f", String, "")
            ]
        );
        let Object::Value {
            value,
            language: None,
        } = value.object
        else {
            panic!("a value");
        };
        assert_eq!((value.scalar, value.text.as_str()), (Scalar::Int, "42"));
        let tagged = row("<0x3> <name> \"Alice\"@en .");
        assert!(matches!(&tagged.object, Object::Value { language: Some(tag), .. } if tag == "en"));
        assert_eq!(row("<0x3> <name@en> \"Alice\" ."), tagged);
        assert_eq!(
            row("<_:uid1f> <friend> _:b .").object,
            Object::Edge(Node::Blank("b".into()))
        );
        assert_eq!(
            row("0x3 <friend> <alice> .").object,
            Object::Edge(Node::Named("alice".into()))
        );
        let typed = row("_:a <x> \"1\"^^<http://www.w3.org/2001/XMLSchema#integer> .");
        assert!(matches!(typed.object, Object::Value { value, .. } if value.scalar == Scalar::Int));
        assert!(parse("  # nothing").unwrap().is_none() && parse("").unwrap().is_none());
        let labelled = parse("<0x1> <a> <0x2> <label> .").unwrap().unwrap();
        assert!(labelled.has_label && labelled.row.namespace == 0);
    }

    #[test]
    fn numbers_of_facets_are_written_as_json_has_them() {
        for (text, kind, written) in [
            ("+5", FacetKind::Int, "5"),
            ("0x10", FacetKind::Int, "16"),
            (".5", FacetKind::Float, "0.5"),
            ("1.", FacetKind::Float, "1.0"),
        ] {
            assert_eq!(facet(text), Some((kind, written.to_owned())), "{text}");
        }
        for text in ["99999999999999999999", "inf", "nan", "x", "1h"] {
            assert_eq!(facet(text), None, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said() {
        for (line, why) in [
            ("<0x1> <a> \"b\"", "end with ` .`"),
            ("<0x1> <a> \"b .", "quote"),
            ("<0x1> <a> \"\\q\" .", "escape"),
            ("<0x1> <a> \"b\"^^<xs:thing> .", "no type `xs:thing`"),
            ("<0x1> <a> \"b\"@ .", "no language"),
            ("<0x1> <a b> \"b\" .", "character"),
            ("<0x1> <> \"b\" .", "empty"),
            ("<0x1 <a> \"b\" .", "character"),
            ("<0x0> <a> \"b\" .", "uid of no node"),
            ("alice <a> \"b\" .", "begin with `<`"),
            ("<0x1> <a> * .", "begin with `<`"),
            ("<0x1> <a> \"b\" (x) .", "`=` is missing"),
            ("<0x1> <a> \"b\" () .", "no name"),
            ("<0x1> <a> \"b\" (x=1;) .", "no type"),
            ("<0x1> <a> \"b\" . x", "behind its end"),
            (
                &format!("<0x1> <a> \"b\" ({}z=) .", "z=,".repeat(MOST_FACETS)),
                "16384 facets",
            ),
        ] {
            let error = parse(line).expect_err(line);
            assert!(error.contains(why), "{line}: {error}");
        }
    }
}
