//! What rows an object stands for, as the loader's `chunker/json_parser.go` reads it, and as servers of all versions write it.

use super::super::row::{
    Facet, FacetKind, GALAXY, MOST_FACETS, NO_NUMBERS, Node, Object as Held, Row, Scalar, Value,
    cut_language, is_language, is_time, number, shown,
};
use super::super::{Dialect, LONGEST_ROW, schema::Schema};
use super::element::{Object, Raw};
use std::collections::{HashMap, HashSet, VecDeque};

/// What parts a facet from its predicate.
const FACET: char = '|';

/// Makes rows of objects.
pub(super) struct Taker<'s> {
    pub schema: Option<&'s Schema>,
    pub dialect: Dialect,
    /// The number of the group, which is part of the names of nodes that have none.
    pub group: u32,
    pub nameless: u64,
    /// How many values were no JSON: `+Inf` and its like.
    pub no_numbers: u64,
}

/// Facets of an object by the name in front of them.
type Facets<'a> = HashMap<&'a str, Vec<(&'a str, &'a Raw<'a>)>>;

/// Where rows of an object go, and what they have in common.
struct Of<'o, 'r> {
    subject: Node,
    namespace: u64,
    out: &'o mut Out<'r>,
}

/// Where the rows of an object of the list go, with those of the objects in it.
struct Out<'r> {
    rows: &'r mut VecDeque<Row>,
    /// Bytes of these.
    held: usize,
}

impl Of<'_, '_> {
    /// Takes a row, unless they become too many: a list repeats the names of its node and its predicate.
    fn push(
        &mut self,
        predicate: &str,
        object: Held,
        facets: Vec<Facet>,
        schema: Option<&Schema>,
    ) -> Result<(), String> {
        if facets.len() > MOST_FACETS {
            return Err(format!("it has more than {MOST_FACETS} facets"));
        }
        let name = |node: &Node| match node {
            Node::Uid(_) => 0,
            Node::Blank(name) | Node::Named(name) => name.len(),
        };
        let held = match &object {
            Held::Value { value, .. } => value.text.len(),
            Held::Edge(node) => name(node),
        };
        let beside = facets.iter().map(|it| it.key.len() + it.text.len());
        self.out.held += predicate.len() + name(&self.subject) + held + beside.sum::<usize>();
        if self.out.held > 2 * LONGEST_ROW {
            let longest = 2 * LONGEST_ROW;
            return Err(format!(
                "the rows of an object are longer than {longest} bytes"
            ));
        }
        let mut row = Row {
            subject: self.subject.clone(),
            namespace: self.namespace,
            predicate: predicate.to_owned(),
            object,
            facets,
        };
        if let Some(schema) = schema {
            row.take_type(schema);
        }
        self.out.rows.push_back(row);
        Ok(())
    }
}

impl Taker<'_> {
    /// Appends the rows of an object of the list.
    pub fn take(&mut self, object: &Object<'_>, rows: &mut VecDeque<Row>) -> Result<(), String> {
        let mut out = Out { rows, held: 0 };
        self.object(object, None, &mut out).map(|_| ())
    }

    /// Appends the rows of an object. `parent` is the predicate and the namespace that lead to it. Gives the node, and the
    /// facets of the link to it.
    fn object(
        &mut self,
        object: &Object<'_>,
        parent: Option<(&str, u64)>,
        out: &mut Out<'_>,
    ) -> Result<(Node, Vec<Facet>), String> {
        let names = || object.members.iter().map(|(name, _)| name.as_ref());
        let find = |wanted: &str| {
            let found = object.members.iter().find(|(name, _)| name == wanted);
            found.map(|(_, raw)| raw)
        };
        let has_namespaces = self.dialect == Dialect::Since2103;
        let namespace = match find("namespace").filter(|_| has_namespaces) {
            Some(raw) => namespace(raw)?,
            None => parent.map_or(GALAXY, |(_, namespace)| namespace),
        };
        let subject = match find("uid") {
            Some(raw) => uid(raw)?,
            None => None,
        };
        let subject = subject.unwrap_or_else(|| {
            self.nameless += 1;
            Node::Blank(format!("nameless.{}.{}", self.group, self.nameless))
        });
        let mut facets = Facets::new();
        for (name, raw) in &object.members {
            if let Some((of, key)) = name.split_once(FACET).filter(|(of, _)| !of.is_empty()) {
                facets.entry(of).or_default().push((key, raw));
            }
        }
        let of_link = match parent.and_then(|(predicate, _)| facets.remove(predicate)) {
            Some(found) => scalar_facets(&found)?,
            None => Vec::new(),
        };
        let mut seen = HashSet::with_capacity(object.members.len());
        let mut of = Of {
            subject: subject.clone(),
            namespace,
            out,
        };
        for (name, raw) in &object.members {
            let is_first = seen.insert(name.as_ref());
            match name.as_ref() {
                "uid" if is_first => continue,
                // A second one is a predicate of this name, of a server that writes it beside its own.
                "namespace" if has_namespaces && is_first => continue,
                "namespace" if has_namespaces => {}
                _ if !is_first => return Err(format!("it has two members `{}`", shown(name))),
                _ if name.split_once(FACET).is_some_and(|(of, _)| !of.is_empty()) => continue,
                _ => {}
            }
            let (predicate, language) = cut_language(name);
            if predicate.is_empty() {
                return Err("a predicate has no name".into());
            }
            if let Some(tag) = language.filter(|it| !is_language(it)) {
                return Err(format!("`{}` is no language", shown(tag)));
            }
            // Servers write the facets of a value with a language without it; the loader wants it there.
            let own = facets.remove(name.as_ref()).or_else(|| {
                let is_free = language.is_some() && !names().any(|it| it == predicate);
                is_free.then(|| facets.remove(predicate))?
            });
            let own = own.unwrap_or_default();
            self.member(predicate, language, raw, &own, &mut of)?;
        }
        match facets.keys().next() {
            None => Ok((subject, of_link)),
            Some(name) => Err(format!(
                "it has facets of `{}`, and nothing that they are of",
                shown(name)
            )),
        }
    }

    fn member(
        &mut self,
        predicate: &str,
        language: Option<&str>,
        raw: &Raw<'_>,
        facets: &[(&str, &Raw<'_>)],
        of: &mut Of<'_, '_>,
    ) -> Result<(), String> {
        let items = match raw {
            Raw::Null => return Ok(()),
            Raw::Object(object) if object.members.is_empty() => return Ok(()),
            Raw::List(items) => items.as_slice(),
            one => std::slice::from_ref(one),
        };
        for (at, item) in items.iter().enumerate() {
            let facets = item_facets(facets, at, items.len(), predicate)?;
            if let Raw::Object(child) = item
                && !is_geo(child)
            {
                let parent = Some((predicate, of.namespace));
                let (node, mut own) = self.object(child, parent, of.out)?;
                // Before 21.03 they stand beside the list.
                own.extend(facets);
                of.push(predicate, Held::Edge(node), own, self.schema)?;
                continue;
            }
            let value = value(item)
                .ok_or_else(|| format!("`{}` has a value that is none", shown(predicate)))?;
            let is_bare = matches!(item, Raw::Number(_));
            self.no_numbers += u64::from(is_bare && value.is_no_number());
            let object = Held::Value {
                value,
                language: language.map(str::to_owned),
            };
            of.push(predicate, object, facets, self.schema)?;
        }
        Ok(())
    }
}

/// Whether an object is a place or an area, and no node: then it has exactly these two members.
fn is_geo(object: &Object<'_>) -> bool {
    let has = |wanted: &str| object.members.iter().any(|(name, _)| name == wanted);
    object.members.len() == 2 && has("type") && has("coordinates")
}

fn value(raw: &Raw<'_>) -> Option<Value> {
    let (scalar, text) = match raw {
        Raw::Text(text) => (Scalar::String, text.as_ref()),
        Raw::Bool(true) => (Scalar::Bool, "true"),
        Raw::Bool(false) => (Scalar::Bool, "false"),
        Raw::Number(text) if text.contains(['.', 'e', 'E']) => (Scalar::Float, *text),
        Raw::Number(text) if NO_NUMBERS.contains(text) => (Scalar::Float, *text),
        Raw::Number(text) => (Scalar::Int, *text),
        Raw::Object(object) => (Scalar::Geo, object.text),
        Raw::Null | Raw::List(_) => return None,
    };
    Some(Value {
        scalar,
        text: text.to_owned(),
    })
}

fn namespace(raw: &Raw<'_>) -> Result<u64, String> {
    let found = match raw {
        Raw::Text(text) => number(text),
        Raw::Number(text) => number(text),
        _ => None,
    };
    found.ok_or_else(|| "its namespace is no number".into())
}

/// The node that `uid` names; `None` where it leaves that open.
fn uid(raw: &Raw<'_>) -> Result<Option<Node>, String> {
    let text = match raw {
        Raw::Null => return Ok(None),
        Raw::Text(text) => text.as_ref(),
        Raw::Number(text) => text,
        _ => return Err("its uid is neither a text nor a number".into()),
    };
    if text.is_empty() || number(text) == Some(0) {
        return Ok(None);
    }
    match Node::parse(text)? {
        Node::Named(name) => Err(format!(
            "`{}` is no uid: that is a number, as in 0x1f, or a blank node, as in _:name",
            shown(&name)
        )),
        node => Ok(Some(node)),
    }
}

/// The facets of one item of a list: each is one value, or an object of those by the number of the item.
fn item_facets(
    facets: &[(&str, &Raw<'_>)],
    at: usize,
    items: usize,
    predicate: &str,
) -> Result<Vec<Facet>, String> {
    let mut own = Vec::new();
    for (key, raw) in facets {
        let found = match raw {
            Raw::Object(by_number) => {
                let at = at.to_string();
                let found = by_number.members.iter().find(|(name, _)| *name == at);
                found.map(|(_, raw)| raw)
            }
            _ if items == 1 => Some(*raw),
            _ => {
                return Err(format!(
                    "the facets of `{}` stand beside several of it, and do not say of which they are",
                    shown(predicate)
                ));
            }
        };
        if let Some(found) = found {
            own.extend(facet(key, found)?);
        }
    }
    Ok(own)
}

fn scalar_facets(facets: &[(&str, &Raw<'_>)]) -> Result<Vec<Facet>, String> {
    let read = facets.iter().map(|(key, raw)| facet(key, raw));
    let read: Result<Vec<Option<Facet>>, String> = read.collect();
    Ok(read?.into_iter().flatten().collect())
}

fn facet(key: &str, raw: &Raw<'_>) -> Result<Option<Facet>, String> {
    let (kind, text) = match raw {
        Raw::Null => return Ok(None),
        Raw::Bool(true) => (FacetKind::Bool, "true"),
        Raw::Bool(false) => (FacetKind::Bool, "false"),
        Raw::Text(text) if is_time(text) => (FacetKind::DateTime, text.as_ref()),
        Raw::Text(text) => (FacetKind::String, text.as_ref()),
        Raw::Number(text) if NO_NUMBERS.contains(text) => {
            return Err(format!(
                "the facet `{}` is {text}, which no facet can be",
                shown(key)
            ));
        }
        Raw::Number(text) if text.contains(['.', 'e', 'E']) => (FacetKind::Float, *text),
        Raw::Number(text) => (FacetKind::Int, *text),
        Raw::List(_) | Raw::Object(_) => {
            return Err(format!(
                "the facet `{}` is neither a text nor a number",
                shown(key)
            ));
        }
    };
    if key.is_empty() {
        return Err("a facet has no name".into());
    }
    Ok(Some(Facet {
        key: key.to_owned(),
        kind,
        text: text.to_owned(),
    }))
}
