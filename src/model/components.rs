//! The components inside an entity: the one walk over them, for whoever counts, loads or converts.

use super::entity::{Fields, Name, elements};
use super::limits::DEEPEST;
use super::{Attribute, Schema, Schemas, Short};
use std::borrow::Cow;
use std::fmt;

/// Whether a uid is of a component (`shared.seo`) and not of a content type (`api::tag.tag`).
pub fn is_component(uid: &str) -> bool {
    !uid.contains("::")
}

/// A component that an entity, or another component, holds.
#[derive(Debug)]
pub struct Component<'a, 'f> {
    /// The attribute of its owner that holds it.
    pub attribute: &'f str,
    /// Its schema.
    pub schema: &'f Schema,
    /// Its position in a list, counted from 1; `None` where the attribute holds one component.
    pub position: Option<usize>,
    /// Its members.
    pub fields: &'f Fields<'a>,
}

/// Why a value is not what the schema says of it.
#[derive(Debug)]
pub enum Misfit<'a> {
    /// It is not JSON of the right shape.
    Malformed(serde_json::Error),
    /// It is a list of so many where one component should be, or one where a list should be.
    OtherShape(usize),
    /// An element of a dynamic zone does not say which component it is.
    WithoutType,
    /// The dynamic zone does not take this component.
    NotTaken(Cow<'a, str>),
    /// There is no schema of this component.
    Unknown(Cow<'a, str>),
    /// Components are nested deeper than [`DEEPEST`].
    TooDeep,
}

impl fmt::Display for Misfit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::OtherShape(_) => {
                f.write_str("it is a list where one component belongs, or one where a list does")
            }
            Self::WithoutType => f.write_str("it holds a component without `__component`"),
            Self::NotTaken(uid) => write!(f, "it does not take the component `{}`", Short(uid)),
            Self::Unknown(uid) => {
                write!(
                    f,
                    "it holds a component `{}` that there is no schema of",
                    Short(uid)
                )
            }
            Self::TooDeep => write!(f, "components are nested deeper than {DEEPEST} levels"),
        }
    }
}

/// What happens at each step of a [walk].
pub trait Visitor {
    /// What the visitor knows an owner by while its components are visited, such as its new id.
    type Owner: Copy;
    /// What may go wrong in the visitor.
    type Error;

    /// Sees a component after its owner and before its own components. These are visited if it gives
    /// what they are to know their owner by.
    ///
    /// # Errors
    /// Ends the walk.
    fn component(
        &mut self,
        owner: (&Schema, Self::Owner),
        component: &Component<'_, '_>,
    ) -> Result<Option<Self::Owner>, Self::Error>;

    /// Sees a value that does not fit its schema; it is passed over.
    ///
    /// # Errors
    /// Ends the walk.
    fn misfit(
        &mut self,
        owner: &Schema,
        attribute: &str,
        misfit: Misfit<'_>,
    ) -> Result<(), Self::Error>;
}

/// Visits the components of an object with these members, each before those inside it, in the order
/// of the members and of the lists.
///
/// # Errors
/// Those of the visitor.
pub fn walk<V: Visitor>(
    schemas: &Schemas,
    schema: &Schema,
    fields: &Fields<'_>,
    owner: V::Owner,
    visitor: &mut V,
) -> Result<(), V::Error> {
    descend(schemas, (schema, owner), fields, DEEPEST, visitor)
}

fn descend<V: Visitor>(
    schemas: &Schemas,
    owner: (&Schema, V::Owner),
    fields: &Fields<'_>,
    levels: usize,
    visitor: &mut V,
) -> Result<(), V::Error> {
    for (attribute, value) in &fields.0 {
        if *value == "null" {
            continue;
        }
        let (one, zone) = match owner.0.attribute(attribute) {
            Some(Attribute::Component {
                component,
                repeatable,
            }) => ((!repeatable).then_some(component), Ok(component)),
            Some(Attribute::DynamicZone { components }) => (None, Err(components)),
            _ => continue,
        };
        if one.is_some() == value.starts_with('[') {
            let items = elements(value).map_or(1, Iterator::count);
            visitor.misfit(owner.0, attribute, Misfit::OtherShape(items))?;
            continue;
        }
        let items = match one {
            Some(_) => None,
            None => match elements(value) {
                Ok(items) => Some(items),
                Err(error) => {
                    visitor.misfit(owner.0, attribute, Misfit::Malformed(error))?;
                    continue;
                }
            },
        };
        let single = items.is_none().then_some(*value);
        for (index, item) in items.into_iter().flatten().chain(single).enumerate() {
            let fields = match Fields::parse(item) {
                Ok(fields) => fields,
                Err(error) => {
                    visitor.misfit(owner.0, attribute, Misfit::Malformed(error))?;
                    continue;
                }
            };
            let known = match zone {
                Ok(uid) => known(schemas, Cow::Borrowed(uid.as_str())),
                Err(taken) => match fields.get("__component").map(serde_json::from_str) {
                    Some(Ok(Name(uid))) => {
                        let is_taken = taken.contains(&uid.to_string());
                        let not_taken = is_taken.then_some(()).ok_or(Misfit::NotTaken(uid.clone()));
                        known(schemas, uid).and_then(|schema| not_taken.map(|()| schema))
                    }
                    _ => Err(Misfit::WithoutType),
                },
            };
            let schema = match known {
                Ok(_) if levels == 0 => Err(Misfit::TooDeep),
                known => known,
            };
            let schema = match schema {
                Ok(schema) => schema,
                Err(misfit) => {
                    visitor.misfit(owner.0, attribute, misfit)?;
                    continue;
                }
            };
            let component = Component {
                attribute,
                schema,
                position: one.is_none().then_some(index + 1),
                fields: &fields,
            };
            if let Some(token) = visitor.component(owner, &component)? {
                descend(schemas, (schema, token), &fields, levels - 1, visitor)?;
            }
        }
    }
    Ok(())
}

/// The schema of a component.
fn known<'s, 'a>(schemas: &'s Schemas, uid: Cow<'a, str>) -> Result<&'s Schema, Misfit<'a>> {
    schemas.get(&uid).ok_or(Misfit::Unknown(uid))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schemas() -> Schemas {
        let schema = |uid: &str, kind: &str, attributes: serde_json::Value| {
            let json = json!({
                "uid": uid, "modelType": kind, "modelName": uid, "collectionName": uid,
                "attributes": attributes,
            });
            Schema::from_json(json.as_object().expect("an object")).expect("a schema")
        };
        Schemas::from_iter([
            schema(
                "api::a.a",
                "contentType",
                json!({
                    "one": {"type": "component", "component": "c.box"},
                    "zone": {"type": "dynamiczone", "components": ["c.box"]},
                }),
            ),
            schema(
                "c.box",
                "component",
                json!({"inside": {"type": "component", "component": "c.box", "repeatable": true}}),
            ),
        ])
    }

    /// Writes down what it sees.
    struct Notes(Vec<String>);

    impl Visitor for Notes {
        type Owner = usize;
        type Error = std::convert::Infallible;

        fn component(
            &mut self,
            owner: (&Schema, usize),
            component: &Component<'_, '_>,
        ) -> Result<Option<usize>, Self::Error> {
            self.0.push(format!(
                "{}{}.{} {:?} {}",
                " ".repeat(owner.1),
                owner.0.uid,
                component.attribute,
                component.position,
                component.fields.get("id").unwrap_or("?"),
            ));
            Ok(Some(owner.1 + 1))
        }

        fn misfit(
            &mut self,
            _: &Schema,
            attribute: &str,
            misfit: Misfit<'_>,
        ) -> Result<(), Self::Error> {
            self.0.push(format!("{attribute}: {misfit}"));
            Ok(())
        }
    }

    fn visited(data: &str) -> Vec<String> {
        let schemas = schemas();
        let schema = schemas.get("api::a.a").expect("a schema");
        let fields = Fields::parse(data).expect("an object");
        let mut notes = Notes(Vec::new());
        let Ok(()) = walk(&schemas, schema, &fields, 0, &mut notes);
        notes.0
    }

    #[test]
    fn components_come_before_those_inside_them_with_their_places() {
        let data = r#"{"one":{"id":1,"inside":[{"id":2},{"id":3}]},"zone":[{"__component":"c.box","id":4}]}"#;
        assert_eq!(
            visited(data),
            [
                "api::a.a.one None 1",
                " c.box.inside Some(1) 2",
                " c.box.inside Some(2) 3",
                "api::a.a.zone Some(1) 4",
            ]
        );
    }

    #[test]
    fn what_does_not_fit_is_told_and_passed_over() {
        let data = r#"{"one":[],"zone":[{"id":1},{"__component":"c.other"},7]}"#;
        let seen = visited(data);
        assert_eq!(seen.len(), 4, "{seen:?}");
        assert!(seen[0].starts_with("one: it is a list"), "{seen:?}");
        assert!(seen[1].contains("without `__component`"), "{seen:?}");
        assert!(seen[2].contains("`c.other`"), "{seen:?}");
    }

    #[test]
    fn nesting_ends_at_the_limit() {
        let mut data = String::from(r#"{"id":0}"#);
        for _ in 0..2 * DEEPEST {
            data = format!(r#"{{"id":0,"inside":[{data}]}}"#);
        }
        let seen = visited(&format!(r#"{{"one":{data}}}"#));
        assert_eq!(seen.len(), DEEPEST + 1);
        assert!(seen[DEEPEST].contains("nested deeper"), "{seen:?}");
    }
}
