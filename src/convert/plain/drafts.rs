//! Makes content types of the types of another system: their schemas as an archive holds them, and the files that a project
//! needs.

use super::given::{Given, GivenField, GivenLinks, Naming, Place};
use super::schema::{added, hyphened};
use super::types::{Attribute, ContentType, Links, Made};
use crate::convert::{Names, capitalised};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// Names of attributes that Strapi has itself, without signs.
const OWN_ATTRIBUTES: [&str; 21] = [
    "id",
    "documentid",
    "createdat",
    "updatedat",
    "publishedat",
    "createdby",
    "updatedby",
    "createdbyid",
    "updatedbyid",
    "locale",
    "localizations",
    "status",
    "meta",
    "entryid",
    "then",
    "component",
    "contenttype",
    "firstpublishedat",
    "strapistage",
    "strapiassignee",
    "strapiid",
];
/// Names of content types that it does not take, and, with hyphens, those of its own tables.
const OWN_TYPES: [&str; 17] = [
    "boolean",
    "date",
    "date-time",
    "time",
    "upload",
    "document",
    "then",
    "admin",
    "files",
    "upload-folders",
    "i18n-locale",
    "up-users",
    "up-roles",
    "up-permissions",
    "admin-users",
    "admin-roles",
    "admin-permissions",
];
/// Bytes of names: those of tables are made from them.
const LONGEST: usize = 50;

/// A type on its way.
struct Draft<F> {
    /// The number of the type.
    number: usize,
    name: String,
    singular: String,
    plural: String,
    attributes: Vec<Attribute<F>>,
    /// The attributes of fields, by the numbers of these.
    called: Vec<Option<String>>,
    times: [Option<String>; 2],
    ids: Vec<String>,
    properties: Map<String, Value>,
}

/// What is made of these types, for a Strapi with `documents` or without.
pub fn made_of<F>(
    given: Vec<Given<F>>,
    links: Vec<GivenLinks>,
    naming: &Naming,
    documents: bool,
) -> Made<F> {
    let mut names = Names::bare(&OWN_TYPES, LONGEST);
    let tables: HashSet<String> = given.iter().map(|it| hyphened(&it.name) + "s").collect();
    let mut fields: Vec<Vec<String>> = Vec::with_capacity(given.len());
    let mut drafts: Vec<Draft<F>> = Vec::with_capacity(given.len());
    for (number, own) in given.into_iter().enumerate() {
        fields.push(own.fields.iter().map(|it| it.name.clone()).collect());
        drafts.push(Draft::new((number, own), &tables, naming, &mut names));
    }
    drafts.sort_by(|one, other| one.singular.cmp(&other.singular));
    let mut places = vec![0; drafts.len()];
    for (place, draft) in drafts.iter().enumerate() {
        places[draft.number] = place;
    }
    let mut made = Made {
        types: Vec::new(),
        links: Vec::with_capacity(links.len()),
        by_name: HashMap::new(),
        by_field: HashMap::new(),
    };
    for (number, draft) in drafts.iter().enumerate() {
        made.by_name.insert(draft.name.clone(), number);
    }
    let placed = links
        .iter()
        .filter_map(|it| placed(it, &places, &drafts, &fields));
    let mut placed: Vec<(usize, Links)> = placed.collect();
    // As Strapi exports them: by the attributes of their owners.
    placed.sort_by_key(|(field, it)| (it.owner, *field));
    made.links.extend(placed.into_iter().map(|(_, it)| it));
    let key = |model: usize, field: &str| (drafts[model].name.clone(), field.to_owned());
    for (number, links) in made.links.iter().enumerate() {
        if let Some(back) = &links.back_field {
            made.by_field
                .insert(key(links.target, back), (number, false));
        }
        made.by_field
            .insert(key(links.owner, &links.field), (number, true));
    }
    for links in &made.links {
        drafts[links.owner].own_links(links);
        drafts[links.target].take_links(links);
    }
    // A relation's properties name the uid of its other end.
    let uids: Vec<String> = drafts.iter().map(Draft::uid).collect();
    made.types = drafts
        .into_iter()
        .map(|draft| draft.finish(&uids, documents))
        .collect();
    made
}

/// Links where their types stand, and the number of the field that owns them.
fn placed<F>(
    of: &GivenLinks,
    places: &[usize],
    drafts: &[Draft<F>],
    fields: &[Vec<String>],
) -> Option<(usize, Links)> {
    let called = |model: usize, field: usize| drafts[places[model]].called.get(field)?.clone();
    let named = |model: usize, field: usize| fields[model].get(field).cloned();
    let (from, field) = of.from;
    let (attribute, name) = (called(from, field)?, named(from, field)?);
    let back = of.back.filter(|_| !of.is_mutual);
    let back = back.and_then(|it| Some((it, called(of.target, it)?, named(of.target, it)?)));
    // In Strapi the side with one target owns what has several on the other.
    Some(match back {
        Some((number, back, back_field)) if of.many && !of.many_back => {
            let links = Links {
                owner: places[of.target],
                attribute: back,
                field: back_field,
                target: places[from],
                back: Some(attribute),
                back_field: Some(name),
                many: false,
                many_back: true,
                is_mutual: of.is_mutual,
            };
            (number, links)
        }
        back => {
            let links = Links {
                owner: places[from],
                attribute,
                field: name,
                target: places[of.target],
                many: of.many,
                // Where the other side says nothing, it may have any number.
                many_back: back.is_none() || of.many_back,
                back_field: back.as_ref().map(|(_, _, field)| field.clone()),
                back: back.map(|(_, called, _)| called),
                is_mutual: of.is_mutual,
            };
            (field, links)
        }
    })
}

/// Whether the table of a type of this name may be one of links, with hyphens: Strapi 4 keeps those of `Post.author` in
/// `posts_author_links`, and those to files in `files_related_morphs`.
fn is_of_links(name: &str, tables: &HashSet<String>) -> bool {
    const ENDS: [&str; 2] = ["-link", "-morph"];
    let Some(rest) = ENDS.iter().find_map(|end| name.strip_suffix(end)) else {
        return false;
    };
    // The beginnings of such names, up to each hyphen.
    let mut begins = rest.match_indices('-').map(|(at, _)| &rest[..at]);
    begins.any(|it| OWN_TYPES.contains(&it) || tables.contains(it))
}

impl<F> Draft<F> {
    fn new(
        (number, own): (usize, Given<F>),
        tables: &HashSet<String>,
        naming: &Naming,
        names: &mut Names,
    ) -> Self {
        let mut wanted = hyphened(&own.name);
        if is_of_links(&wanted, tables) {
            wanted.push_str("-type");
        }
        // Tables of this beginning are Strapi's own.
        if wanted.split('-').next() == Some("strapi") {
            wanted = format!("{}-{wanted}", naming.prefix);
        }
        let singular = names.take([wanted.as_str()]);
        let plural = names.take([format!("{singular}s").as_str()]);
        let mut taken = Names::bare(&OWN_ATTRIBUTES, LONGEST);
        taken.take([naming.id]);
        let mut draft = Self {
            number,
            name: own.name,
            singular,
            plural,
            attributes: vec![Attribute {
                name: naming.id.to_owned(),
                field: "id".to_owned(),
                form: None,
                is_list: false,
            }],
            called: Vec::with_capacity(own.fields.len()),
            times: [None, None],
            ids: Vec::new(),
            properties: Map::new(),
        };
        let id = json!({"type": "string", "unique": true});
        draft.properties.insert(naming.id.to_owned(), id);
        for field in own.fields {
            let called = draft.field(field, naming, &mut taken);
            draft.called.push(called);
        }
        draft
    }

    /// Takes a field; gives what its attribute is called, where it has one.
    fn field(
        &mut self,
        field: GivenField<F>,
        naming: &Naming,
        taken: &mut Names,
    ) -> Option<String> {
        let name = |wanted: &str, taken: &mut Names| {
            let bare: String = wanted.to_lowercase().replace('_', "");
            let is_own = OWN_ATTRIBUTES.contains(&bare.as_str())
                || bare.starts_with("strapi")
                || bare == naming.id.to_lowercase();
            let own = format!("{}{}", naming.prefix, capitalised(wanted, "Field"));
            match is_own || wanted.starts_with('_') {
                true => taken.take([own.as_str()]),
                false => taken.take([wanted]),
            }
        };
        match field.place {
            Place::Id => self.ids.push(field.name),
            Place::Created => self.times[0] = Some(field.name),
            Place::Updated => self.times[1] = Some(field.name),
            Place::Values {
                form,
                is_list,
                properties,
            } => {
                let name = name(&field.wanted, taken);
                self.properties.insert(name.clone(), properties);
                self.attributes.push(Attribute {
                    name: name.clone(),
                    field: field.name,
                    form: Some(form),
                    is_list,
                });
                return Some(name);
            }
            // Its properties come when the other end is known; this keeps its place.
            Place::Links => {
                let name = name(&field.wanted, taken);
                self.properties.insert(name.clone(), Value::Null);
                return Some(name);
            }
        }
        None
    }

    fn uid(&self) -> String {
        format!("api::{0}.{0}", self.singular)
    }

    /// Takes the properties of links that it owns.
    fn own_links(&mut self, own: &Links) {
        let mut properties =
            json!({"type": "relation", "relation": own.kind(), "target": own.target});
        if let Some(back) = &own.back {
            properties["inversedBy"] = back.as_str().into();
        }
        self.properties.insert(own.attribute.clone(), properties);
    }

    /// Takes those of links that lead to it.
    fn take_links(&mut self, own: &Links) {
        if let Some(back) = &own.back {
            let properties = json!({
                "type": "relation",
                "relation": own.kind_back(),
                "target": own.owner,
                "mappedBy": own.attribute,
            });
            self.properties.insert(back.clone(), properties);
        }
    }

    fn finish(mut self, uids: &[String], documents: bool) -> ContentType<F> {
        let uid = self.uid();
        // Relations whose other end is not there have no place.
        self.properties.retain(|_, it| !it.is_null());
        for properties in self.properties.values_mut() {
            if let Some(target) = properties.get("target").and_then(Value::as_u64) {
                properties["target"] = uids.get(target as usize).cloned().into();
            }
        }
        let head = json!({
            "collectionName": self.plural.replace('-', "_"),
            "info": {
                "singularName": self.singular,
                "pluralName": self.plural,
                "displayName": self.name,
            },
            "options": {"draftAndPublish": false},
            "pluginOptions": {},
        });
        let mut file = Map::new();
        file.insert("kind".into(), "collectionType".into());
        let head = head.as_object().cloned().unwrap_or_default();
        file.extend(head.clone());
        file.insert("attributes".into(), self.properties.clone().into());
        let mut schema = head;
        let mut attributes = self.properties;
        attributes.extend(added(&uid, &schema["collectionName"], documents));
        schema.insert("attributes".into(), attributes.into());
        let rest = json!({
            "kind": "collectionType",
            "modelType": "contentType",
            "modelName": self.singular,
            "uid": uid,
            "globalId": capitalised(&self.singular, "Type"),
        });
        schema.extend(rest.as_object().cloned().unwrap_or_default());
        let fields = self.attributes.iter().enumerate();
        let fields = fields.filter(|(_, it)| it.form.is_some());
        ContentType {
            name: self.name,
            uid,
            singular: self.singular,
            by_field: fields.map(|(at, it)| (it.field.clone(), at)).collect(),
            attributes: self.attributes,
            ids: self.ids,
            times: self.times,
            schema: Value::from(schema).to_string(),
            file: format!("{:#}\n", Value::from(file)),
        }
    }
}
