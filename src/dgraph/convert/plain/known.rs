//! What is known before the rows are read: the predicates and the types of a set, each with a number.

use super::super::super::graphql::GraphQls;
use super::super::super::row::{GALAXY, is_system};
use super::super::super::schema::{Kind, Predicate, Schema};
use super::super::super::set::{Content, ExportSet, dialect};
use super::super::super::{Dialect, refuse};
use super::super::ONE;
use super::sdl::{Graph, GraphField, GraphType};
use crate::error::{Error, Result};
use crate::model::limits::MOST_TYPES;
use std::collections::{BTreeSet, HashMap};

/// What nodes without a type become.
const UNTYPED: &str = "Untyped";

/// A type of nodes.
#[derive(Debug)]
pub struct Known {
    /// What rows call it.
    pub name: String,
    /// What the GraphQL schema says of it.
    pub graph: Option<GraphType>,
    /// The predicates that the schema lists for it.
    pub listed: Vec<u32>,
    /// Whether it is an interface, which nodes have beside their type.
    pub is_interface: bool,
}

impl Known {
    /// The fields that the GraphQL schema gives it.
    pub fn fields(&self) -> &[GraphField] {
        self.graph.as_ref().map_or(&[], |it| &it.fields)
    }

    /// How many fields it has.
    pub fn width(&self) -> usize {
        self.fields().len().max(self.listed.len())
    }
}

/// All of it.
#[derive(Debug)]
pub struct Catalogue {
    /// The schema of all groups, by which rows are read.
    pub schema: Schema,
    /// The dialect.
    pub dialect: Dialect,
    /// The namespace that is converted.
    pub namespace: u64,
    /// Whether the schemas say it.
    is_said: bool,
    /// The predicates in it that are not the server's own.
    pub predicates: Vec<Predicate>,
    by_name: HashMap<String, u32>,
    /// The types; those that only rows name come last.
    pub types: Vec<Known>,
    types_by_name: HashMap<String, u32>,
}

impl Catalogue {
    /// Reads the schemas of a set.
    ///
    /// # Errors
    /// They cannot be read, do not fit together, or are of several namespaces.
    pub fn read(set: &ExportSet) -> Result<Self> {
        let (mut schema, mut graphql) = (Schema::default(), Vec::new());
        let mut graph_place = String::new();
        for file in set.files() {
            match file.content {
                Content::Schema => {
                    if let Some(why) = schema.merge(set.schema(file)?).first() {
                        return Err(super::unfit(&file.name, why));
                    }
                }
                Content::GraphQl => {
                    let read = set.graphql(file)?;
                    if graph_place.is_empty() || read.schemas.iter().any(|it| is_there(&it.schema))
                    {
                        graph_place.clone_from(&file.name);
                    }
                    graphql.push(read);
                }
                Content::Rows(_) => {}
            }
        }
        let dialect = dialect(&schema, &graphql);
        let namespaces = namespaces(&schema, &graphql);
        let mut all = namespaces.iter().copied();
        let (namespace, is_said) = match (all.next(), all.next()) {
            (Some(one), Some(other)) => return Err(several(one, other)),
            (Some(one), None) => (one, true),
            (None, _) => (GALAXY, false),
        };
        let mut catalogue = Self {
            dialect,
            namespace,
            is_said,
            predicates: Vec::new(),
            by_name: HashMap::new(),
            types: Vec::new(),
            types_by_name: HashMap::new(),
            schema: Schema::default(),
        };
        let own = |of: u64, name: &str| of == namespace && !is_system(name);
        for predicate in schema.predicates() {
            if own(predicate.namespace, &predicate.name) {
                let number = catalogue.predicates.len() as u32;
                catalogue.by_name.insert(predicate.name.clone(), number);
                catalogue.predicates.push(predicate.clone());
            }
        }
        let sdl = graphql.iter().flat_map(|it| &it.schemas);
        let sdl = sdl.filter(|it| it.namespace == namespace && is_there(&it.schema));
        let graph = match sdl.into_iter().next() {
            Some(sdl) => Graph::parse(&sdl.schema, &graph_place)?,
            None => Graph::default(),
        };
        for own in graph.types {
            catalogue.add(own.name.clone(), Some(own), false)?;
        }
        for name in graph.interfaces {
            catalogue.add(name, None, true)?;
        }
        for of in schema.types() {
            if !own(of.namespace, &of.name) {
                continue;
            }
            let number = catalogue.add(of.name.clone(), None, false)?;
            let fields = of.fields.iter().filter(|it| !it.is_reverse);
            let listed = fields.filter_map(|it| catalogue.by_name.get(&it.name).copied());
            let listed = listed.collect();
            catalogue.types[number as usize].listed = listed;
        }
        catalogue.schema = schema;
        Ok(catalogue)
    }

    fn add(&mut self, name: String, graph: Option<GraphType>, is_interface: bool) -> Result<u32> {
        if let Some(number) = self.types_by_name.get(&name) {
            return Ok(*number);
        }
        if self.types.len() >= MOST_TYPES {
            return Err(refuse(format!(
                "the set has more than {MOST_TYPES} types, and an archive may have no more"
            )));
        }
        let number = self.types.len() as u32;
        self.types_by_name.insert(name.clone(), number);
        self.types.push(Known {
            name,
            graph,
            listed: Vec::new(),
            is_interface,
        });
        Ok(number)
    }

    /// The number of a predicate.
    pub fn predicate(&self, name: &str) -> Option<u32> {
        self.by_name.get(name).copied()
    }

    /// The number of a type, by what rows call it. One that is not known yet is taken in.
    ///
    /// # Errors
    /// There are more than an archive may have.
    pub fn type_number(&mut self, name: &str) -> Result<u32> {
        match self.types_by_name.get(name) {
            Some(number) => Ok(*number),
            None => self.add(name.to_owned(), None, false),
        }
    }

    /// The number of a type that is known.
    pub fn known_type(&self, name: &str) -> Option<u32> {
        self.types_by_name.get(name).copied()
    }

    /// Sees that a row of a user's is of the namespace that is converted.
    ///
    /// # Errors
    /// It is of another.
    pub fn check_namespace(&mut self, namespace: u64) -> Result<()> {
        match self.namespace == namespace {
            true => self.is_said = true,
            false if self.is_said => return Err(several(self.namespace, namespace)),
            // The schemas say of none: it is that of the first row.
            false => (self.namespace, self.is_said) = (namespace, true),
        }
        Ok(())
    }

    /// Whether the GraphQL schema has a field of a type for values of a predicate in this language.
    pub fn has_field(&self, own: u32, predicate: u32, language: &str) -> bool {
        let fields = self.types.get(own as usize).map_or(&[][..], Known::fields);
        fields.iter().any(|it| {
            it.language.as_deref() == Some(language)
                && self.predicate(&it.predicate) == Some(predicate)
        })
    }

    /// Takes in what nodes without a type become rows of.
    ///
    /// # Errors
    /// There are more types than an archive may have.
    pub fn add_untyped(&mut self) -> Result<()> {
        let mut name = UNTYPED.to_owned();
        while self.types_by_name.contains_key(&name) {
            name.push('_');
        }
        self.add(name, None, false).map(|_| ())
    }

    /// Whether values of a predicate are links; `None` where the schema has no word for it.
    pub fn is_link(&self, predicate: u32) -> Option<bool> {
        match self.predicates.get(predicate as usize)?.kind {
            Kind::Uid => Some(true),
            Kind::Scalar(_) => Some(false),
            Kind::Other(_) => None,
        }
    }
}

fn is_there(sdl: &str) -> bool {
    !sdl.trim().is_empty()
}

/// The namespaces with anything that is not the server's own.
fn namespaces(schema: &Schema, graphql: &[GraphQls]) -> BTreeSet<u64> {
    let predicates = schema.predicates().iter();
    let predicates = predicates.map(|it| (it.namespace, it.name.as_str()));
    let types = schema.types().iter();
    let types = types.map(|it| (it.namespace, it.name.as_str()));
    let named = predicates.chain(types).filter(|(_, name)| !is_system(name));
    let sdl = graphql.iter().flat_map(|it| &it.schemas);
    let sdl = sdl.filter(|it| is_there(&it.schema));
    named
        .map(|(namespace, _)| namespace)
        .chain(sdl.map(|it| it.namespace))
        .collect()
}

fn several(one: u64, other: u64) -> Error {
    refuse(format!(
        "the set has several namespaces ({one:#x} and {other:#x}), and a Strapi has none"
    ))
    .hint(ONE)
}
