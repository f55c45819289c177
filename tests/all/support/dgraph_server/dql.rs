//! As much of DQL as an import asks for: `eq`, `has`, `uid` and `type`, with filters, counts and upserts.

use super::held::{Space, Variables};
use super::values::{Row, Said};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

type Read<T> = Result<T, String>;

/// Words, texts in quotes (with the quote in front), and signs.
fn tokens(text: &str) -> Read<Vec<String>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' => {
                let mut end = rest.char_indices().skip(1);
                loop {
                    match end.next().ok_or("while lexing: unclosed text")? {
                        (_, '\\') => drop(end.next()),
                        (at, '"') => break at + 1,
                        _ => {}
                    }
                }
            }
            '<' => rest.find('>').ok_or("while lexing: unclosed <")? + 1,
            '#' => rest.find('\n').unwrap_or(rest.len()),
            it if is_word(it) => rest.find(|it| !is_word(it)).unwrap_or(rest.len()),
            it => it.len_utf8(),
        };
        let (token, behind) = rest.split_at(length);
        match first {
            '#' => {}
            '"' => tokens.push(format!(
                "\"{}",
                serde_json::from_str::<String>(token).map_err(|it| it.to_string())?
            )),
            '<' => tokens.push(token[1..token.len() - 1].to_owned()),
            _ => tokens.push(token.to_owned()),
        }
        rest = behind.trim_start();
    }
    Ok(tokens)
}

fn is_word(it: char) -> bool {
    it.is_alphanumeric() || matches!(it, '_' | '.' | '-' | '~' | '/')
}

struct Parser {
    tokens: Vec<String>,
    at: usize,
}

#[derive(Debug)]
enum Test {
    Eq(String, Vec<String>),
    Has(String),
    Uids(BTreeSet<u64>),
    Type(String),
    Not(Box<Test>),
    And(Box<Test>, Box<Test>),
    Or(Box<Test>, Box<Test>),
}

#[derive(Debug)]
struct Wanted {
    alias: Option<String>,
    /// `uid`, a predicate, or one with a language.
    name: String,
    is_count: bool,
    inner: Vec<Wanted>,
}

/// The condition of a mutation: how many nodes a variable holds.
pub type Condition = (String, usize);

impl Parser {
    fn new(text: &str) -> Read<Parser> {
        let tokens = tokens(text)?;
        Ok(Parser { tokens, at: 0 })
    }

    fn peek(&self) -> &str {
        self.tokens.get(self.at).map_or("", String::as_str)
    }

    fn next(&mut self) -> String {
        let next = self.peek().to_owned();
        self.at += 1;
        next
    }

    fn take(&mut self, token: &str) -> bool {
        let found = self.peek() == token;
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, token: &str) -> Read<()> {
        match self.take(token) {
            true => Ok(()),
            false => Err(format!(
                "Expected {token}, got {:?} in a query of the tests' server",
                self.peek()
            )),
        }
    }

    /// A function with its brackets.
    fn test(&mut self, space: &Space, found: &Variables) -> Read<Test> {
        let name = self.next();
        self.expect("(")?;
        let mut arguments = Vec::new();
        while !self.take(")") {
            match self.next().as_str() {
                "" => return Err("Unexpected end of a function".into()),
                "," | "[" | "]" => {}
                other => arguments.push(other.to_owned()),
            }
        }
        let mut texts = arguments
            .iter()
            .map(|it| it.strip_prefix('"').unwrap_or(it).to_owned());
        match name.as_str() {
            "eq" => {
                let predicate = texts.next().unwrap_or_default();
                let known = space.schema.predicates.get(&predicate);
                if predicate != "dgraph.type" && !known.is_some_and(|it| it.has("@index")) {
                    return Err(format!(": Attribute {predicate} is not indexed."));
                }
                Ok(Test::Eq(predicate, texts.collect()))
            }
            "has" => Ok(Test::Has(texts.next().unwrap_or_default())),
            "type" => Ok(Test::Type(texts.next().unwrap_or_default())),
            "uid" => {
                let mut uids = BTreeSet::new();
                for text in texts {
                    match (super::rdf::uid(&text), found.get(&text)) {
                        (Some(uid), _) => drop(uids.insert(uid)),
                        (None, Some(own)) => uids.extend(own),
                        (None, None) => {
                            return Err(format!("Some variables are used but not defined: {text}"));
                        }
                    }
                }
                Ok(Test::Uids(uids))
            }
            other => Err(format!("Function name: {other} is not valid.")),
        }
    }

    fn tests(&mut self, space: &Space, found: &Variables) -> Read<Test> {
        let mut left = match self.peek() {
            "(" => {
                self.at += 1;
                let inner = self.tests(space, found)?;
                self.expect(")")?;
                inner
            }
            it if it.eq_ignore_ascii_case("not") => {
                self.at += 1;
                Test::Not(Box::new(self.test(space, found)?))
            }
            _ => self.test(space, found)?,
        };
        loop {
            let word = self.peek().to_ascii_lowercase();
            if !["and", "or"].contains(&word.as_str()) {
                return Ok(left);
            }
            self.at += 1;
            let right = Box::new(match self.peek() {
                "(" => self.tests(space, found)?,
                _ => self.test(space, found)?,
            });
            left = match word.as_str() {
                "and" => Test::And(Box::new(left), right),
                _ => Test::Or(Box::new(left), right),
            };
        }
    }

    fn wanted(&mut self) -> Read<Vec<Wanted>> {
        let mut wanted = Vec::new();
        while !self.take("}") {
            let mut name = self.next();
            let mut alias = None;
            if self.take(":") {
                alias = Some(name);
                name = self.next();
            }
            let is_count = name == "count" && self.take("(");
            if is_count {
                name = self.next();
                self.expect(")")?;
            }
            if self.take("@") {
                name = format!("{name}@{}", self.next());
            }
            let inner = match self.take("{") {
                true => self.wanted()?,
                false => Vec::new(),
            };
            if name.is_empty() {
                return Err("Unclosed brackets".into());
            }
            wanted.push(Wanted {
                alias,
                name,
                is_count,
                inner,
            });
        }
        Ok(wanted)
    }

    /// A block behind its name: what it found, and what of that is wanted.
    fn block(&mut self, space: &Space, found: &Variables) -> Read<(Vec<u64>, Vec<Wanted>)> {
        self.expect("(")?;
        self.expect("func")?;
        self.expect(":")?;
        let test = self.test(space, found)?;
        let (mut first, mut offset, mut after) = (usize::MAX, 0, 0);
        while self.take(",") {
            let name = self.next();
            self.expect(":")?;
            let value = self.next();
            let number = super::rdf::uid(&value).ok_or("Expected a number")?;
            match name.as_str() {
                "first" => first = number as usize,
                "offset" => offset = number as usize,
                "after" => after = number,
                _ => return Err(format!("Got invalid keyword: {name}")),
            }
        }
        self.expect(")")?;
        let mut filter = None;
        if self.take("@") {
            self.expect("filter")?;
            self.expect("(")?;
            filter = Some(self.tests(space, found)?);
            self.expect(")")?;
        }
        let wanted = match self.take("{") {
            true => self.wanted()?,
            false => Vec::new(),
        };
        let nodes = test.roots(space).into_iter();
        let nodes = nodes
            .filter(|it| *it > after && filter.as_ref().is_none_or(|test| test.holds(space, *it)));
        Ok((nodes.skip(offset).take(first).collect(), wanted))
    }

    /// The blocks in brackets.
    fn blocks(&mut self, space: &Space) -> Read<(Value, Variables)> {
        self.expect("{")?;
        let (mut answer, mut found) = (Map::new(), Variables::new());
        while !self.take("}") {
            let name = self.next();
            if self.take("as") {
                self.expect("var")?;
                let (nodes, _) = self.block(space, &found)?;
                found.insert(name, nodes);
                continue;
            }
            let (nodes, wanted) = self.block(space, &found)?;
            if name != "var" {
                answer.insert(name, shown(space, &nodes, &wanted));
            }
        }
        Ok((Value::Object(answer), found))
    }
}

impl Test {
    fn holds(&self, space: &Space, uid: u64) -> bool {
        let holds =
            |row: &Row, text: &String| matches!(&row.said, Said::Value(_, own) if own == text);
        match self {
            Test::Eq(predicate, texts) => space
                .of(uid, predicate)
                .any(|row| texts.iter().any(|it| holds(row, it))),
            Test::Has(predicate) => space.of(uid, predicate).next().is_some(),
            Test::Type(name) => space.of(uid, "dgraph.type").any(|row| holds(row, name)),
            Test::Uids(uids) => uids.contains(&uid),
            Test::Not(test) => !test.holds(space, uid),
            Test::And(left, right) => left.holds(space, uid) && right.holds(space, uid),
            Test::Or(left, right) => left.holds(space, uid) || right.holds(space, uid),
        }
    }

    /// The nodes that a block begins with. Nothing says of a uid whether there is such a node.
    fn roots(&self, space: &Space) -> BTreeSet<u64> {
        let predicate = match self {
            Test::Uids(uids) => return uids.clone(),
            Test::Eq(predicate, texts) => {
                let wanted: BTreeSet<&String> = texts.iter().collect();
                let rows = space.under(predicate);
                let rows = rows
                    .filter(|row| matches!(&row.said, Said::Value(_, own) if wanted.contains(own)));
                return rows.map(|row| row.uid).collect();
            }
            Test::Has(predicate) => predicate,
            _ => "dgraph.type",
        };
        let all: BTreeSet<u64> = space.under(predicate).map(|row| row.uid).collect();
        all.into_iter()
            .filter(|it| self.holds(space, *it))
            .collect()
    }
}

fn shown(space: &Space, nodes: &[u64], wanted: &[Wanted]) -> Value {
    let is_count = |it: &&Wanted| it.is_count && it.name == "uid";
    if let Some(count) = wanted.iter().find(is_count) {
        let name = count.alias.as_deref().unwrap_or("count");
        return json!([{ name: nodes.len() }]);
    }
    let nodes = nodes.iter().filter_map(|uid| {
        let mut object = Map::new();
        for it in wanted {
            let name = it.alias.clone().unwrap_or_else(|| match it.is_count {
                true => format!("count({})", it.name),
                false => it.name.clone(),
            });
            if it.name == "uid" {
                object.insert(name, json!(format!("{uid:#x}")));
                continue;
            }
            let (predicate, lang) = it.name.split_once('@').unwrap_or((&it.name, ""));
            let rows: Vec<&Row> = space
                .of(*uid, predicate)
                .filter(|row| row.lang == lang)
                .collect();
            let is_list = predicate == "dgraph.type"
                || space
                    .schema
                    .predicates
                    .get(predicate)
                    .is_some_and(|it| it.is_list);
            let of = |row: &&Row| match &row.said {
                Said::Node(target) => shown(space, &[*target], &it.inner)[0].clone(),
                Said::Value(kind, text) => match kind.as_str() {
                    "int" | "float" | "bool" => {
                        serde_json::from_str(text).unwrap_or_else(|_| json!(text))
                    }
                    "password" => Value::Null,
                    _ => json!(text),
                },
            };
            let values: Vec<Value> = rows.iter().map(of).filter(|it| !it.is_null()).collect();
            match (it.is_count, values.len(), is_list) {
                (true, count, _) => drop(object.insert(name, json!(count))),
                (false, 0, _) => {}
                (false, _, true) => drop(object.insert(name, Value::Array(values))),
                (false, _, false) => drop(object.insert(name, values[0].clone())),
            }
        }
        (!object.is_empty()).then_some(Value::Object(object))
    });
    Value::Array(nodes.collect())
}

/// Answers a query.
pub fn query(space: &Space, text: &str) -> Read<Value> {
    let mut parser = Parser::new(text)?;
    parser.take("query");
    if !parser.take("schema") {
        return Ok(parser.blocks(space)?.0);
    }
    let own = (
        "dgraph.type".to_owned(),
        super::schema::Predicate::new("string", true),
    );
    let own = [(&own.0, &own.1)];
    let all = space.schema.predicates.iter().chain(own);
    let predicates = all.map(|(name, it)| told(name, it));
    let types = space.schema.types.iter().map(|(name, fields)| {
        let fields = fields.iter().map(|it| json!({"name": it}));
        json!({"name": name, "fields": fields.collect::<Vec<_>>()})
    });
    let mut answer = json!({"schema": predicates.collect::<Vec<_>>()});
    let types: Vec<Value> = types.collect();
    if !types.is_empty() {
        answer["types"] = json!(types);
    }
    Ok(answer)
}

/// A predicate as `schema {}` tells it: what it has not is left out.
fn told(name: &str, of: &super::schema::Predicate) -> Value {
    let mut node = json!({"predicate": name, "type": of.kind});
    let index = of
        .directives
        .iter()
        .find_map(|it| it.strip_prefix("@index("));
    if let Some(index) = index {
        let tokenizers = index.trim_end_matches(')').split(',').map(str::trim);
        node["index"] = json!(true);
        node["tokenizer"] = json!(match index.starts_with("hnsw(") {
            // With the names of options in quotes.
            true => vec![index.replacen("metric:", "\"metric\":", 1)],
            false => tokenizers.map(str::to_owned).collect::<Vec<_>>(),
        });
        if index.starts_with("hnsw(") {
            node.as_object_mut().expect("an object").remove("index");
        }
    }
    for (directive, field) in [
        ("@reverse", "reverse"),
        ("@count", "count"),
        ("@lang", "lang"),
        ("@upsert", "upsert"),
        ("@unique", "unique"),
        ("@noconflict", "no_conflict"),
    ] {
        if of.has(directive) {
            node[field] = json!(true);
        }
    }
    if of.is_list {
        node["list"] = json!(true);
    }
    node
}

/// What an upsert asks for first: the answer, and what its variables hold.
pub fn variables(space: &Space, text: &str) -> Read<(Value, Variables)> {
    Parser::new(text)?.blocks(space)
}

/// The condition of a mutation, such as `@if(eq(len(v), 0))`.
pub fn condition(text: &str) -> Read<Condition> {
    let mut parser = Parser::new(text)?;
    for token in ["@", "if", "(", "eq", "(", "len", "("] {
        parser.expect(token)?;
    }
    let name = parser.next();
    parser.expect(")")?;
    parser.expect(",")?;
    let count = parser.next().parse().map_err(|_| "Expected a number")?;
    Ok((name, count))
}
