//! Makes content types of what is known of a set, and of what its rows hold.

use super::super::super::schema::Kind;
use super::fields::{joined, plain, time_of, wanted};
use super::inverses::{End, Inverses};
use super::known::Catalogue;
use super::sdl::{GraphField, Holds};
use super::survey::Survey;
use super::values::Form;
use crate::convert::plain::{Given, GivenField, GivenLinks, Made, Naming, Place, made_of};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What is called after Dgraph.
const NAMING: Naming = Naming {
    prefix: "dgraph",
    id: "dgraphUid",
};

/// Where the values of an attribute come from, and what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The number of the predicate.
    pub predicate: u32,
    /// Which of its values.
    pub part: Part,
    /// What they are.
    pub form: Form,
}

/// Which values of a predicate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Those of no language.
    Plain,
    /// Those of this one.
    Of(String),
    /// Those of languages, as an object with a member each, but for these, which other attributes are for.
    Languages(Vec<String>),
}

/// Content types, and where links belong among theirs.
pub struct Shaped {
    /// The content types.
    pub made: Made<Held>,
    /// The number of the content type of each type; `None` where it has none.
    pub models: Vec<Option<usize>>,
    /// The number of the links that a predicate of a type to another one is, and whether it owns them.
    pub links: HashMap<(u32, u32, u32), (usize, bool)>,
}

/// Types on their way.
struct Shaper<'a> {
    catalogue: &'a Catalogue,
    survey: &'a Survey,
    /// The numbers of the types that become content types, in their order.
    types: Vec<u32>,
    given: Vec<Given<Held>>,
    /// Where the field of a link from a type stands, by predicate and the other type.
    ends: BTreeMap<(u32, u32, u32), End<'a>>,
    /// Fields that follow links backwards: by type, and the predicate and type that they follow.
    back: HashMap<(u32, u32, u32), (usize, &'a GraphField)>,
}

/// What is made of a set, for a Strapi with `documents` or without.
pub fn shaped(catalogue: &Catalogue, survey: &Survey, documents: bool) -> Shaped {
    let types = (0..catalogue.types.len() as u32).filter(|number| {
        let known = &catalogue.types[*number as usize];
        !known.is_interface
    });
    let mut shaper = Shaper {
        catalogue,
        survey,
        types: types.collect(),
        given: Vec::new(),
        ends: BTreeMap::new(),
        back: HashMap::new(),
    };
    for at in 0..shaper.types.len() {
        let given = shaper.given_of(at);
        shaper.given.push(given);
    }
    let links = shaper.links();
    let made = made_of(shaper.given, links, &NAMING, documents);
    let models: Vec<Option<usize>> = catalogue
        .types
        .iter()
        .map(|it| made.number(&it.name).filter(|_| !it.is_interface))
        .collect();
    let mut numbers = vec![0; made.types.len()];
    for (number, model) in models.iter().enumerate() {
        if let Some(model) = model {
            numbers[*model] = number as u32;
        }
    }
    let mut links = HashMap::new();
    for (number, own) in made.links.iter().enumerate() {
        let (owner, target) = (numbers[own.owner], numbers[own.target]);
        // Those that are followed backwards have no rows, and no predicate.
        let back = own.back_field.as_deref();
        if let Some(back) = back.and_then(|it| catalogue.predicate(it)) {
            links.insert((target, back, owner), (number, false));
        }
        if let Some(field) = catalogue.predicate(&own.field) {
            links.insert((owner, field, target), (number, true));
        }
    }
    Shaped {
        made,
        models,
        links,
    }
}

impl<'a> Shaper<'a> {
    /// The fields of a type: those of its schemas, and those that its nodes have beside them.
    fn given_of(&mut self, at: usize) -> Given<Held> {
        let number = self.types[at];
        let known = &self.catalogue.types[number as usize];
        let mut fields = Vec::new();
        let (mut values, mut edges) = (BTreeSet::new(), BTreeSet::new());
        let mut tagged = BTreeSet::new();
        for field in known.fields() {
            match &field.holds {
                Holds::Uid => fields.push(GivenField {
                    name: field.name.clone(),
                    wanted: field.name.clone(),
                    place: Place::Id,
                }),
                Holds::Values(form) => {
                    let Some(predicate) = self.catalogue.predicate(&field.predicate) else {
                        continue;
                    };
                    // Of several fields for the same values the first has them.
                    let is_first = match field.language.as_deref() {
                        None => values.insert(predicate),
                        Some(language) => tagged.insert((predicate, language)),
                    };
                    if !is_first {
                        continue;
                    }
                    fields.push(self.of_graph(field, predicate, form));
                    if field.language.is_none() {
                        self.languages((number, predicate), &field.name, &mut fields);
                    }
                }
                Holds::Links(targets) => {
                    if let Some(forward) = field.predicate.strip_prefix('~') {
                        self.backwards(at, field, (forward, targets), &mut fields);
                    } else if let Some(predicate) = self.catalogue.predicate(&field.predicate) {
                        edges.insert(predicate);
                        let declared = targets.iter();
                        let declared = declared.filter_map(|it| self.catalogue.known_type(it));
                        let declared = declared.collect();
                        let of = (at, predicate, field.name.as_str());
                        self.edges(of, (Some(field), declared), &mut fields);
                    }
                }
            }
        }
        let mut rest = known.listed.clone();
        let used = |all: &BTreeSet<(u32, u32)>| -> Vec<u32> {
            let own = all.range((number, 0)..=(number, u32::MAX));
            own.map(|(_, predicate)| *predicate).collect()
        };
        rest.extend(used(&self.survey.values));
        rest.extend(used(&self.survey.languages));
        let links = &self.survey.links;
        let links = links.range((number, 0, 0)..=(number, u32::MAX, u32::MAX));
        rest.extend(links.map(|(_, predicate, _)| *predicate));
        for predicate in rest {
            let of = &self.catalogue.predicates[predicate as usize];
            let called = wanted(known, &of.name);
            if self.catalogue.is_link(predicate) != Some(true) && values.insert(predicate) {
                let has_values = self.survey.values.contains(&(number, predicate));
                let form = match of.kind {
                    Kind::Scalar(scalar) => Some(Form::of(scalar)),
                    _ => has_values.then_some(Form::Text),
                };
                if let Some(form) = form {
                    let field = plain(predicate, (&of.name, &called), form, of.is_list);
                    fields.push(time_of(field, &fields));
                }
                self.languages((number, predicate), &called, &mut fields);
            }
            if self.catalogue.is_link(predicate) != Some(false) && edges.insert(predicate) {
                let of = (at, predicate, called.as_str());
                self.edges(of, (None, BTreeSet::new()), &mut fields);
            }
        }
        Given {
            name: known.name.clone(),
            fields,
        }
    }

    /// A field of the GraphQL schema with values.
    fn of_graph(&self, field: &GraphField, predicate: u32, form: &Form) -> GivenField<Held> {
        let is_time = *form == Form::Time && !field.is_list;
        let place = match field.name.as_str() {
            "createdAt" if is_time => Place::Created,
            "updatedAt" if is_time => Place::Updated,
            _ => {
                let mut properties = form.properties(field.is_list);
                if !field.is_list {
                    if field.is_unique {
                        properties["unique"] = true.into();
                    }
                    if field.is_required {
                        properties["required"] = true.into();
                    }
                }
                Place::Values {
                    form: Held {
                        predicate,
                        part: match &field.language {
                            Some(language) => Part::Of(language.clone()),
                            None => Part::Plain,
                        },
                        form: form.clone(),
                    },
                    is_list: field.is_list,
                    properties,
                }
            }
        };
        let name = match &field.language {
            Some(language) => format!("{}@{language}", field.predicate),
            None => field.predicate.clone(),
        };
        GivenField {
            name,
            wanted: field.name.clone(),
            place,
        }
    }

    /// An attribute for values in languages that no field is for, where there are some.
    fn languages(
        &self,
        (own, predicate): (u32, u32),
        called: &str,
        fields: &mut Vec<GivenField<Held>>,
    ) {
        if self.survey.languages.contains(&(own, predicate)) {
            let name = &self.catalogue.predicates[predicate as usize].name;
            let all = self.catalogue.types[own as usize].fields().iter();
            let others = all.filter(|it| matches!(it.holds, Holds::Values(_)));
            let others = others.filter(|it| it.language.is_some() && it.predicate == *name);
            let others = others.filter_map(|it| it.language.clone()).collect();
            fields.push(GivenField {
                name: format!("{name}@"),
                wanted: joined(called, "Languages"),
                place: Place::Values {
                    form: Held {
                        predicate,
                        part: Part::Languages(others),
                        form: Form::Text,
                    },
                    is_list: false,
                    properties: json!({"type": "json"}),
                },
            });
        }
    }

    /// Fields for the links of a predicate: one for each type that they lead to.
    fn edges(
        &mut self,
        (at, predicate, called): (usize, u32, &str),
        (field, declared): (Option<&'a GraphField>, BTreeSet<u32>),
        fields: &mut Vec<GivenField<Held>>,
    ) {
        let own = self.types[at];
        let used = self
            .survey
            .links
            .range((own, predicate, 0)..=(own, predicate, u32::MAX));
        let mut targets: BTreeSet<u32> = used.map(|(_, _, target)| *target).collect();
        targets.extend(&declared);
        let of = &self.catalogue.predicates[predicate as usize];
        let is_only = declared.len() == 1;
        for target in &targets {
            let is_alone = targets.len() == 1 || is_only && declared.contains(target);
            let other = &self.catalogue.types[*target as usize].name;
            let end = End {
                place: (at, fields.len()),
                is_list: field.map_or(of.is_list, |it| it.is_list),
                field,
                is_only: is_only && declared.contains(target),
            };
            self.ends.insert((own, predicate, *target), end);
            fields.push(GivenField {
                name: of.name.clone(),
                wanted: match is_alone {
                    true => called.to_owned(),
                    false => joined(called, other),
                },
                place: Place::Links,
            });
        }
    }

    /// A field that follows links of other types backwards.
    fn backwards(
        &mut self,
        at: usize,
        field: &'a GraphField,
        (forward, targets): (&str, &[String]),
        fields: &mut Vec<GivenField<Held>>,
    ) {
        let (Some(predicate), [target]) = (self.catalogue.predicate(forward), targets) else {
            return;
        };
        if let Some(target) = self.catalogue.known_type(target) {
            let key = (self.types[at], predicate, target);
            self.back.insert(key, (fields.len(), field));
            fields.push(GivenField {
                name: field.predicate.clone(),
                wanted: field.name.clone(),
                place: Place::Links,
            });
        }
    }

    /// All links, with the fields at their other ends.
    fn links(&mut self) -> Vec<GivenLinks> {
        let mut links = Vec::new();
        let inverses = Inverses::new(&self.ends);
        let places: HashMap<u32, usize> = self.types.iter().copied().zip(0..).collect();
        for ((own, predicate, target), end) in &self.ends {
            let Some(&to) = places.get(target) else {
                continue;
            };
            let (back, many_back, is_mutual) = match inverses.of((*own, *target), end) {
                Some(other) if other.place == end.place => (None, true, true),
                // It is there from its other end.
                Some(other) if other.place < end.place => continue,
                Some(other) => (Some(other.place.1), other.is_list, false),
                None => {
                    let given = self.back.get(&(*target, *predicate, *own));
                    let of = &self.catalogue.predicates[*predicate as usize];
                    match given {
                        Some((at, field)) => (Some(*at), field.is_list, false),
                        None if of.has("reverse") => {
                            let called = wanted(&self.catalogue.types[*own as usize], &of.name);
                            let fields = &mut self.given[to].fields;
                            fields.push(GivenField {
                                name: format!("~{}", of.name),
                                wanted: joined(&called, "Reverse"),
                                place: Place::Links,
                            });
                            (Some(fields.len() - 1), true, false)
                        }
                        None => (None, true, false),
                    }
                }
            };
            links.push(GivenLinks {
                from: end.place,
                target: to,
                back,
                many: end.is_list,
                many_back,
                is_mutual,
            });
        }
        links
    }
}
