//! Makes content types of a data model: their schemas as an archive holds them, and the files that a project needs.

use super::schema::{added, hyphened, properties};
use super::types::{Attribute, ContentType, Links, Made};
use super::values::Holds;
use crate::convert::Names;
use crate::prisma::sdl::{DataModel, Field, FieldType, Scalar, Type};
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};

/// The attribute with the id of the node.
const NODE_ID: &str = "prismaId";
/// Names of attributes that Strapi has itself, without signs.
const OWN_ATTRIBUTES: [&str; 22] = [
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
    "prismaid",
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
struct Draft<'m> {
    own: &'m Type,
    singular: String,
    plural: String,
    attributes: Vec<Attribute>,
    /// The attributes of fields.
    called: HashMap<&'m str, String>,
    times: Vec<String>,
    ids: Vec<String>,
    properties: Map<String, Value>,
}

/// What is made of a data model, for a Strapi with `documents` or without.
pub fn made_of(model: &DataModel, documents: bool) -> Made {
    let mut names = Names::bare(&OWN_TYPES, LONGEST);
    let types = || model.types().iter().filter(|it| it.has_nodes());
    let tables: HashSet<String> = types().map(|it| hyphened(&it.name) + "s").collect();
    let mut drafts: Vec<Draft<'_>> = types()
        .map(|own| Draft::new(own, &tables, &mut names))
        .collect();
    drafts.sort_by(|one, other| one.singular.cmp(&other.singular));
    let mut made = Made::default();
    for (number, draft) in drafts.iter().enumerate() {
        made.by_name.insert(draft.own.name.clone(), number);
    }
    for draft in &drafts {
        for field in &draft.own.fields {
            add_links(&mut made, model, &drafts, draft.own, field);
        }
    }
    made.links.sort_by_key(|it| it.owner);
    made.by_field = fields(&made, &drafts);
    for draft in &mut drafts {
        draft.add_values(model);
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

/// The links of each field.
fn fields(made: &Made, drafts: &[Draft<'_>]) -> HashMap<(String, String), (usize, bool)> {
    let mut all = HashMap::new();
    let key = |model: usize, field: &str| (drafts[model].own.name.clone(), field.to_owned());
    for (number, links) in made.links.iter().enumerate() {
        if let Some(back) = &links.back_field {
            all.insert(key(links.target, back), (number, false));
        }
        all.insert(key(links.owner, &links.field), (number, true));
    }
    all
}

fn add_links(made: &mut Made, model: &DataModel, drafts: &[Draft<'_>], own: &Type, field: &Field) {
    let Some(edge) = model.edge(&own.name, &field.name).filter(|it| it.is_first) else {
        return;
    };
    let (Some(first), Some(other)) = (made.number(edge.first.on), made.number(edge.other)) else {
        return;
    };
    let called = |model: usize, field: &str| drafts[model].called.get(field).cloned();
    let Some(attribute) = called(first, &field.name) else {
        return;
    };
    let is_mutual = first == other && edge.back == Some(edge.first.field);
    let back = edge.back.filter(|_| !is_mutual);
    let back = back.and_then(|it| {
        let back = model.field(edge.other, it)?;
        Some((back, called(other, it)?))
    });
    // In Strapi the side with one target owns what has several on the other.
    let links = match back {
        Some((back, called)) if field.is_list && !back.is_list => Links {
            owner: other,
            attribute: called,
            field: back.name.clone(),
            target: first,
            back: Some(attribute),
            back_field: Some(field.name.clone()),
            many: false,
            many_back: true,
            is_mutual,
        },
        back => Links {
            owner: first,
            attribute,
            field: field.name.clone(),
            target: other,
            back_field: back.as_ref().map(|(back, _)| back.name.clone()),
            many: field.is_list,
            // Where the other side says nothing, it may have any number.
            many_back: back.as_ref().is_none_or(|(back, _)| back.is_list),
            back: back.map(|(_, called)| called),
            is_mutual,
        },
    };
    made.links.push(links);
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

impl<'m> Draft<'m> {
    fn new(own: &'m Type, tables: &HashSet<String>, names: &mut Names) -> Self {
        let mut wanted = hyphened(&own.name);
        if is_of_links(&wanted, tables) {
            wanted.push_str("-type");
        }
        // Tables of this beginning are Strapi's own.
        if wanted.split('-').next() == Some("strapi") {
            wanted.insert_str(0, "prisma-");
        }
        let singular = names.take([wanted.as_str()]);
        let plural = names.take([format!("{singular}s").as_str()]);
        let mut taken = Names::bare(&OWN_ATTRIBUTES, LONGEST);
        let mut draft = Self {
            own,
            singular,
            plural,
            attributes: Vec::new(),
            called: HashMap::new(),
            times: ["createdAt", "updatedAt"].map(str::to_owned).into(),
            ids: Vec::new(),
            properties: Map::new(),
        };
        for field in &own.fields {
            let is_time = draft.times.contains(&field.name);
            if field.is_id() {
                draft.ids.push(field.name.clone());
            } else if is_time && field.kind == FieldType::Scalar(Scalar::DateTime) && !field.is_list
            {
                // It is one of those that each row has.
            } else {
                draft.times.retain(|it| *it != field.name);
                let bare: String = field.name.to_lowercase().replace('_', "");
                let is_own = OWN_ATTRIBUTES.contains(&bare.as_str()) || bare.starts_with("strapi");
                let wanted = match is_own || field.name.starts_with('_') {
                    true => format!(
                        "prisma{}",
                        crate::convert::capitalised(&field.name, "Field")
                    ),
                    false => field.name.clone(),
                };
                draft
                    .called
                    .insert(&field.name, taken.take([wanted.as_str()]));
            }
        }
        draft
    }

    fn uid(&self) -> String {
        format!("api::{0}.{0}", self.singular)
    }

    fn add_values(&mut self, model: &DataModel) {
        self.attributes.push(Attribute {
            name: NODE_ID.to_owned(),
            field: "id".to_owned(),
            form: None,
            is_list: false,
        });
        let id = json!({"type": "string", "unique": true});
        self.properties.insert(NODE_ID.to_owned(), id);
        for field in &self.own.fields {
            let Some(name) = self.called.get(field.name.as_str()) else {
                continue;
            };
            let form = match &field.kind {
                FieldType::Scalar(scalar) => Holds::Scalar(*scalar),
                FieldType::Enum(own) => {
                    let values = model.enum_of_name(own).map(|it| it.values.clone());
                    Holds::Enum(values.unwrap_or_default())
                }
                // Its properties come when the other end is known; this keeps its place.
                FieldType::Relation(_) => {
                    self.properties.insert(name.clone(), Value::Null);
                    continue;
                }
            };
            self.properties
                .insert(name.clone(), properties(field, &form));
            self.attributes.push(Attribute {
                name: name.clone(),
                field: field.name.clone(),
                form: Some(form),
                is_list: field.is_list,
            });
        }
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

    fn finish(mut self, uids: &[String], documents: bool) -> ContentType {
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
                "displayName": self.own.name,
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
            "globalId": crate::convert::capitalised(&self.singular, "Type"),
        });
        schema.extend(rest.as_object().cloned().unwrap_or_default());
        let fields = self.attributes.iter().enumerate();
        let fields = fields.filter(|(_, it)| it.form.is_some());
        ContentType {
            name: self.own.name.clone(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_table_is_called_as_one_of_strapis_own() {
        let text = "type File { id: ID! @id } type UpUser { id: ID! @id }";
        let made = made_of(&DataModel::parse(text, "test").expect("a model"), true);
        let tables = made.types.iter().map(|own| {
            let file: Value = serde_json::from_str(&own.file).expect("JSON");
            file["collectionName"].as_str().expect("a name").to_owned()
        });
        assert_eq!(tables.collect::<Vec<_>>(), ["files2", "up_users2"]);
    }

    #[test]
    fn no_schema_is_one_that_strapi_refuses() {
        let long = "AnExtraordinarilyLongNameOfATypeThatIsCutHereRightX";
        let text = format!(
            "type StrapiWebhook {{ id: ID! @id }} type {long} {{ id: ID! @id }}
             type Tag1 {{ id: ID! @id }} type Tag_1 {{ id: ID! @id }}
             type Post {{ id: ID! @id fooBar: String foo_bar: String title1: Int title_1: Int x: Int x_: Int tag1: [Tag1] tag_1: [Tag_1] }}"
        );
        let made = made_of(&DataModel::parse(&text, "test").expect("a model"), true);
        let names: Vec<&str> = made.types.iter().map(|it| it.singular.as_str()).collect();
        assert_eq!(
            names,
            [
                "an-extraordinarily-long-name-of-atype-that-is-cut",
                "post",
                "prisma-strapi-webhook",
                "tag1",
                "tag12",
            ]
        );
    }

    #[test]
    fn no_table_is_one_of_links() {
        let text = "type Post { id: ID! @id author: Author } type Author { id: ID! @id }
            type PostsAuthorLink { id: ID! @id } type FilesRelatedMorph { id: ID! @id }
            type SocialLink { id: ID! @id } type Link { id: ID! @id }";
        let made = made_of(&DataModel::parse(text, "test").expect("a model"), false);
        let names: Vec<&str> = made.types.iter().map(|it| it.singular.as_str()).collect();
        assert_eq!(
            names,
            [
                "author",
                "files-related-morph-type",
                "link",
                "post",
                "posts-author-link-type",
                "social-link",
            ]
        );
    }

    #[test]
    fn unique_texts_of_more_than_255_characters_are_no_strings_of_strapi() {
        let text = "type Page { id: ID! @id slug: String! @unique }";
        let made = made_of(&DataModel::parse(text, "test").expect("a model"), true);
        let file: Value = serde_json::from_str(&made.types[0].file).expect("JSON");
        let slug = &file["attributes"]["slug"];
        assert_eq!(
            *slug,
            json!({"type": "text", "unique": true, "required": true})
        );
    }

    #[test]
    fn types_become_content_types_and_relations_belong_to_the_side_with_one() {
        let text = "type Author { id: ID! @id posts: [BlogPost!] status: String friends: [Author] }
            type BlogPost { id: ID! @id author: Author tags: [String!]! email: String! @unique kind: Kind }
            enum Kind { A B }";
        let made = made_of(&DataModel::parse(text, "test").expect("a model"), true);
        let uids: Vec<&str> = made.types.iter().map(|it| it.uid.as_str()).collect();
        assert_eq!(uids, ["api::author.author", "api::blog-post.blog-post"]);
        let file: Value = serde_json::from_str(&made.types[1].file).expect("JSON");
        assert_eq!(
            file["attributes"],
            json!({
                "prismaId": {"type": "string", "unique": true},
                "author": {"type": "relation", "relation": "manyToOne", "target": "api::author.author", "inversedBy": "posts"},
                "tags": {"type": "json"},
                "email": {"type": "text", "unique": true, "required": true},
                "kind": {"type": "enumeration", "enum": ["A", "B"]},
            })
        );
        let file: Value = serde_json::from_str(&made.types[0].file).expect("JSON");
        let attributes = &file["attributes"];
        assert_eq!(attributes["prismaStatus"], json!({"type": "text"}));
        assert_eq!(
            attributes["posts"],
            json!({"type": "relation", "relation": "oneToMany", "target": "api::blog-post.blog-post", "mappedBy": "author"})
        );
        assert_eq!(attributes["friends"]["relation"], "manyToMany");
        assert_eq!(made.links_of("Author", "posts"), Some((1, false)));
        assert_eq!(made.links_of("BlogPost", "author"), Some((1, true)));
        assert!(made.links[0].is_mutual && !made.links[1].is_mutual);
    }
}
