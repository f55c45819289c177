//! Values and what predicates take: as servers convert one to the other, and what they say where they cannot.

use super::rdf::Facet;
use super::schema::Predicate;
use serde_json::{Number, Value, json};
use std::collections::BTreeMap;

/// The type of a value in RDF by the name of its type in schemas.
const TYPES: [(&str, &str); 11] = [
    ("string", "xs:string"),
    ("datetime", "xs:dateTime"),
    ("int", "xs:int"),
    ("float", "xs:float"),
    ("bool", "xs:boolean"),
    ("geo", "geo:geojson"),
    ("binary", "xs:base64Binary"),
    ("password", "xs:password"),
    ("bigfloat", "xs:decimal"),
    ("float32vector", "xs:[]float32"),
    ("default", ""),
];

/// What a row says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    Node(u64),
    /// The name of a type in schemas, and the text.
    Value(String, String),
}

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    pub uid: u64,
    pub predicate: String,
    pub lang: String,
    pub said: Said,
    pub facets: BTreeMap<String, Facet>,
}

impl Row {
    /// What it says, in a form that the same value always has.
    pub fn object(&self) -> String {
        match &self.said {
            Said::Node(uid) => format!("<{uid:#x}>"),
            Said::Value(kind, text) => value(kind, &self.lang, text),
        }
    }

    fn facets(&self) -> String {
        if self.facets.is_empty() {
            return String::new();
        }
        let of = |(key, it): (&String, &Facet)| match it {
            Facet::Number(number) => format!("{key}={number}"),
            Facet::Text(text) => format!("{key}={}", json!(text)),
        };
        let facets: Vec<String> = self.facets.iter().map(of).collect();
        format!(" ({})", facets.join(","))
    }

    /// It behind its node: what it says of it.
    pub fn tail(&self) -> String {
        format!("<{}> {}{}", self.predicate, self.object(), self.facets())
    }

    /// As RDF has it, without namespace.
    pub fn line(&self) -> String {
        self.in_namespace("")
    }

    /// The same with this in the place of the namespace.
    pub fn in_namespace(&self, namespace: &str) -> String {
        let (uid, predicate) = (self.uid, &self.predicate);
        let (object, facets) = (self.object(), self.facets());
        format!("<{uid:#x}> <{predicate}> {object}{namespace}{facets} .")
    }

    /// As JSON has it; infinity is a text.
    pub fn json(&self, namespace: Option<u64>) -> Value {
        let name = match self.lang.as_str() {
            "" => self.predicate.clone(),
            lang => format!("{}@{lang}", self.predicate),
        };
        let mut object = serde_json::Map::new();
        object.insert("uid".into(), json!(format!("{:#x}", self.uid)));
        if let Some(namespace) = namespace {
            object.insert("namespace".into(), json!(format!("{namespace:#x}")));
        }
        let facets = self.facets.iter().map(|(key, it)| {
            let value = match it {
                Facet::Number(number) => serde_json::from_str(number).expect("a number"),
                Facet::Text(text) => json!(text),
            };
            (format!("{}|{key}", self.predicate), value)
        });
        match &self.said {
            Said::Node(uid) => {
                let mut target = serde_json::Map::new();
                target.insert("uid".into(), json!(format!("{uid:#x}")));
                match namespace {
                    // Facets of links are outside of them before 21.03.
                    None => object.extend(facets.collect::<Vec<_>>()),
                    Some(_) => target.extend(facets),
                }
                object.insert(name, json!([target]));
            }
            Said::Value(kind, text) => {
                let number = text.parse::<Number>().ok();
                let number = number.filter(|_| ["int", "float"].contains(&kind.as_str()));
                let value = number.map_or_else(|| json!(text), Value::Number);
                object.insert(name, value);
                object.extend(facets);
            }
        }
        Value::Object(object)
    }
}

/// A value as RDF has it.
fn value(kind: &str, lang: &str, text: &str) -> String {
    let own = TYPES.iter().find(|it| it.0 == kind).map_or("", |it| it.1);
    let text = json!(text);
    match (lang, own) {
        ("", "") => text.to_string(),
        ("", own) => format!("{text}^^<{own}>"),
        (lang, _) => format!("{text}@{lang}"),
    }
}

/// A float in one form.
pub fn float(number: f64) -> String {
    match number {
        it if it.is_nan() => "NaN".into(),
        f64::INFINITY => "+Inf".into(),
        f64::NEG_INFINITY => "-Inf".into(),
        it => format!("{it:?}"),
    }
}

/// The name that schemas have for a type of RDF.
pub fn kind_of(rdf: &str) -> Option<&'static str> {
    let short = rdf.strip_prefix("http://www.w3.org/2001/XMLSchema#");
    let rdf = match short.unwrap_or(rdf.strip_prefix("xs:").unwrap_or(rdf)) {
        "integer" | "positiveInteger" | "int" => "xs:int",
        "double" | "float" => "xs:float",
        "date" | "dateTime" | "gYear" | "gYearMonth" => "xs:dateTime",
        "boolean" => "xs:boolean",
        _ if short.is_some() => return (rdf.ends_with("#string")).then_some("string"),
        _ => rdf,
    };
    TYPES
        .iter()
        .find(|it| it.1 == rdf && !it.1.is_empty())
        .map(|it| it.0)
}

/// Brings a text into the form of its type, or says what servers say.
pub fn shaped(kind: &str, text: &str) -> Result<String, String> {
    let broken = |what: &str| Err(format!("strconv.{what}: parsing {text:?}: invalid syntax"));
    match kind {
        "int" => match text.parse::<i64>() {
            Ok(number) => Ok(number.to_string()),
            Err(_)
                if text
                    .trim_start_matches('-')
                    .bytes()
                    .all(|it| it.is_ascii_digit())
                    && !text.is_empty() =>
            {
                Err(format!(
                    "strconv.ParseInt: parsing {text:?}: value out of range"
                ))
            }
            Err(_) => broken("ParseInt"),
        },
        "float" => match text.parse::<f64>() {
            Ok(number) => Ok(float(number)),
            Err(_) => broken("ParseFloat"),
        },
        "bool" => match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok("true".into()),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok("false".into()),
            _ => broken("ParseBool"),
        },
        "datetime" => {
            let is_date = text.len() >= 4 && text.as_bytes()[..4].iter().all(u8::is_ascii_digit);
            match is_date {
                true => Ok(text.to_owned()),
                false => Err(format!(
                    "parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text:?} as \"2006\""
                )),
            }
        }
        "geo" => match serde_json::from_str::<Value>(&text.replace('\'', "\"")) {
            Ok(Value::Object(_)) => Ok(text.to_owned()),
            _ => Err("invalid character looking for beginning of value".into()),
        },
        "float32vector" => match text.starts_with('[') && text.ends_with(']') {
            true => Ok(text.to_owned()),
            false => Err(format!("cannot convert {text} to vector")),
        },
        "password" if text.len() < 6 => {
            Err("Password too short, i.e. should have at least 6 chars".into())
        }
        _ => Ok(text.to_owned()),
    }
}

/// What is stored of a value that is of this type in RDF, by the schema: the type and the text.
pub fn converted(
    given: Option<&str>,
    text: &str,
    to: &Predicate,
    name: &str,
) -> Result<(String, String), String> {
    let from = match given {
        None => "default",
        Some(rdf) => kind_of(rdf).ok_or_else(|| format!("Unrecognized rdf type {rdf}"))?,
    };
    if text.is_empty() && !["default", "string"].contains(&from) {
        return Err("Invalid ObjectValue".into());
    }
    let text = shaped(from, text)?;
    let kind = to.kind.as_str();
    if kind == "uid" {
        return Err(format!(
            "Input for predicate {name:?} of type uid is scalar. Edge: value_type:{from}"
        ));
    }
    let stored = match (from, kind) {
        (from, kind) if from == kind => return Ok((kind.to_owned(), text)),
        (from, "default") => return Ok((from.to_owned(), text)),
        ("float", "int") => {
            let number: f64 = text.parse().unwrap_or(f64::NAN);
            match number.abs() < 9.3e18 {
                true => (number as i64).to_string(),
                false => return Err("Float out of int64 range".into()),
            }
        }
        ("string", "password") | ("default", "password") => format!("hashed again: {text}"),
        ("string" | "default" | "int" | "bool", kind) => shaped(kind, &text)?,
        (_, "string") => text,
        (from, kind) => return Err(format!("Cannot convert {from} to type {kind}")),
    };
    Ok((kind.to_owned(), stored))
}
