//! Makes content types of a data model.

use super::values::Holds;
use crate::convert::plain::{Given, GivenField, GivenLinks, Made, Naming, Place, made_of as made};
use crate::prisma::sdl::{DataModel, Field, FieldType, Scalar, Type};
use serde_json::{Value, json};
use std::collections::HashMap;

/// What is called after Prisma.
const NAMING: Naming = Naming {
    prefix: "prisma",
    id: "prismaId",
};
/// The times that each node has, whether the data model says so or not.
const TIMES: [&str; 2] = ["createdAt", "updatedAt"];

/// What is made of a data model, for a Strapi with `documents` or without.
pub fn made_of(model: &DataModel, documents: bool) -> Made<Holds> {
    let types: Vec<&Type> = model.types().iter().filter(|it| it.has_nodes()).collect();
    let numbers: HashMap<&str, usize> = types
        .iter()
        .enumerate()
        .map(|(at, own)| (own.name.as_str(), at))
        .collect();
    let fields: Vec<HashMap<&str, usize>> = types
        .iter()
        .map(|own| {
            let fields = own.fields.iter().enumerate();
            fields.map(|(at, it)| (it.name.as_str(), at)).collect()
        })
        .collect();
    let mut links = Vec::new();
    for (number, own) in types.iter().enumerate() {
        for (at, field) in own.fields.iter().enumerate() {
            let edge = model.edge(&own.name, &field.name);
            let Some(edge) = edge.filter(|it| it.is_first && it.first.on == own.name) else {
                continue;
            };
            let Some(&target) = numbers.get(edge.other) else {
                continue;
            };
            let is_mutual = number == target && edge.back == Some(edge.first.field);
            let back = edge.back.and_then(|back| fields[target].get(back).copied());
            links.push(GivenLinks {
                from: (number, at),
                target,
                back,
                many: field.is_list,
                many_back: back.is_none_or(|back| types[target].fields[back].is_list),
                is_mutual,
            });
        }
    }
    let given = types.iter().map(|own| given(own, model)).collect();
    made(given, links, &NAMING, documents)
}

fn given(own: &Type, model: &DataModel) -> Given<Holds> {
    let mut fields: Vec<GivenField<Holds>> = own
        .fields
        .iter()
        .map(|field| GivenField {
            name: field.name.clone(),
            wanted: field.name.clone(),
            place: place(field, model),
        })
        .collect();
    for (name, place) in TIMES.into_iter().zip([Place::Created, Place::Updated]) {
        if own.fields.iter().all(|it| it.name != name) {
            fields.push(GivenField {
                name: name.to_owned(),
                wanted: name.to_owned(),
                place,
            });
        }
    }
    Given {
        name: own.name.clone(),
        fields,
    }
}

fn place(field: &Field, model: &DataModel) -> Place<Holds> {
    let form = match &field.kind {
        _ if field.is_id() => return Place::Id,
        FieldType::Scalar(Scalar::DateTime) if !field.is_list => match &*field.name {
            "createdAt" => return Place::Created,
            "updatedAt" => return Place::Updated,
            _ => Holds::Scalar(Scalar::DateTime),
        },
        FieldType::Scalar(scalar) => Holds::Scalar(*scalar),
        FieldType::Enum(own) => {
            let values = model.enum_of_name(own).map(|it| it.values.clone());
            Holds::Enum(values.unwrap_or_default())
        }
        FieldType::Relation(_) => return Place::Links,
    };
    Place::Values {
        properties: properties(field, &form),
        is_list: field.is_list,
        form,
    }
}

/// What a schema says of an attribute.
fn properties(field: &Field, form: &Holds) -> Value {
    let mut properties = match form {
        _ if field.is_list => json!({"type": "json"}),
        Holds::Enum(values) => json!({"type": "enumeration", "enum": values}),
        Holds::Scalar(scalar) => json!({"type": match scalar {
            Scalar::Id | Scalar::Uuid => "string",
            // A string of Strapi has 255 characters. What is unique Strapi looks for itself, in texts as well: no index of the
            // database does it.
            Scalar::String => "text",
            Scalar::Int => "integer",
            Scalar::Float => "float",
            Scalar::Boolean => "boolean",
            Scalar::DateTime => "datetime",
            Scalar::Json => "json",
        }}),
    };
    if let Some(map) = properties.as_object_mut().filter(|_| !field.is_list) {
        if field.has("unique") {
            map.insert("unique".into(), true.into());
        }
        if field.is_required {
            map.insert("required".into(), true.into());
        }
    }
    properties
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
