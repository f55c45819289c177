//! The components inside an entity: the one walk over them, for whoever counts, loads or converts.

use super::entity::{Fields, Name, elements};
use super::limits::DEEPEST;
use super::schema::InOrder;
use super::skips::Skips;
use super::{Attribute, Schema, Schemas, Short};
use serde::de::Error as _;
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

    /// Is asked before each value that may be a component: a row may have millions.
    ///
    /// # Errors
    /// Ends the walk.
    fn go_on(&mut self) -> Result<(), Self::Error>;

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
    let mut attributes = schema.in_order();
    for (name, value) in &fields.0 {
        if let Some(place) = holder(&mut attributes, name, value) {
            if u32::try_from(value.len()).is_err() {
                let why = serde_json::Error::custom("it is too long");
                visitor.misfit(schema, name, Misfit::Malformed(why))?;
                continue;
            }
            let (root, skips) = (*value, None);
            let walk = Walk {
                schemas,
                root,
                skips,
            };
            walk.attribute((schema, owner), place, value, DEEPEST, visitor)?;
        }
    }
    Ok(())
}

/// The place of the attribute of this name, if it holds components and this is not `null`.
fn holder(attributes: &mut InOrder<'_>, name: &str, value: &str) -> Option<usize> {
    if value == "null" {
        return None;
    }
    let (place, attribute) = attributes.find(name)?;
    let holds = matches!(
        attribute,
        Attribute::Component { .. } | Attribute::DynamicZone { .. }
    );
    holds.then_some(place)
}

/// How many levels are read anew for each one, which costs less where there is little in them: those
/// of any real row.
const READ_ANEW: usize = 16;
/// How long a value is, in bytes, that is read once for all levels.
const LONG: usize = 64 << 10;

/// A walk through the value of one attribute of a row.
struct Walk<'s, 'a> {
    schemas: &'s Schemas,
    /// That value.
    root: &'a str,
    /// What need not be read again, of long values and below [`READ_ANEW`] levels.
    skips: Option<&'s Skips<'a>>,
}

/// An attribute of a component that is to be visited. These are kept of each level that is open, and
/// nothing else of the components: the members of all could be several times as long as the text.
struct Held {
    /// Its place in the schema.
    place: u32,
    /// Where in the text of the walk its value begins.
    start: u32,
    /// How long that is.
    length: u32,
}

impl Held {
    fn of(
        attributes: &mut InOrder<'_>,
        root: &str,
        (name, value): &(Cow<'_, str>, &str),
    ) -> Option<Self> {
        let start = value.as_ptr() as usize - root.as_ptr() as usize;
        Some(Self {
            place: holder(attributes, name, value)? as u32,
            start: start as u32,
            length: value.len() as u32,
        })
    }

    fn value<'a>(&self, root: &'a str) -> &'a str {
        &root[self.start as usize..][..self.length as usize]
    }
}

impl<'s, 'a> Walk<'s, 'a> {
    fn attribute<V: Visitor>(
        &self,
        owner: (&Schema, V::Owner),
        place: usize,
        value: &'a str,
        levels: usize,
        visitor: &mut V,
    ) -> Result<(), V::Error> {
        let is_large = value.len() >= LONG || levels + READ_ANEW <= DEEPEST;
        if self.skips.is_none() && is_large {
            let skips = Skips::new(value);
            let walk = Walk {
                schemas: self.schemas,
                root: value,
                skips: Some(&skips),
            };
            return walk.components(owner, place, value, levels, visitor);
        }
        self.components(owner, place, value, levels, visitor)
    }

    fn components<V: Visitor>(
        &self,
        owner: (&Schema, V::Owner),
        place: usize,
        value: &'a str,
        levels: usize,
        visitor: &mut V,
    ) -> Result<(), V::Error> {
        let (name, attribute) = &owner.0.attributes[place];
        let (one, zone) = match attribute {
            Attribute::Component {
                component,
                repeatable,
            } => ((!repeatable).then_some(component), Ok(component)),
            Attribute::DynamicZone { components } => (None, Err(components)),
            _ => return Ok(()),
        };
        if one.is_some() == value.starts_with('[') {
            let items = elements(value).map_or(1, Iterator::count);
            return visitor.misfit(owner.0, name, Misfit::OtherShape(items));
        }
        if one.is_some() {
            return self.component(owner, name, (zone, value, None), levels, visitor);
        }
        let each = |item: &'a str, index: usize, visitor: &mut V| {
            self.component(owner, name, (zone, item, Some(index + 1)), levels, visitor)
        };
        match (self.skips, elements(value)) {
            (_, Err(error)) => visitor.misfit(owner.0, name, Misfit::Malformed(error)),
            (Some(skips), _) => {
                let mut items = skips.elements(value).enumerate();
                items.try_for_each(|(index, item)| each(item, index, visitor))
            }
            (None, Ok(items)) => {
                let mut items = items.enumerate();
                items.try_for_each(|(index, item)| each(item, index, visitor))
            }
        }
    }

    /// Visits what may be a component: it is of this type, or of one of these.
    fn component<V: Visitor>(
        &self,
        owner: (&Schema, V::Owner),
        attribute: &str,
        (zone, item, position): (Result<&String, &Vec<String>>, &'a str, Option<usize>),
        levels: usize,
        visitor: &mut V,
    ) -> Result<(), V::Error> {
        visitor.go_on()?;
        let fields = match self.skips {
            Some(skips) => skips.fields(item),
            None => Fields::parse(item),
        };
        let fields = match fields {
            Ok(fields) => fields,
            Err(error) => return visitor.misfit(owner.0, attribute, Misfit::Malformed(error)),
        };
        let known = match zone {
            Ok(uid) => known(self.schemas, Cow::Borrowed(uid.as_str())),
            Err(taken) => match fields.get("__component").map(serde_json::from_str) {
                Some(Ok(Name(uid))) => {
                    let is_taken = taken.binary_search_by(|own| own.as_str().cmp(&uid)).is_ok();
                    let not_taken = is_taken.then_some(()).ok_or(Misfit::NotTaken(uid.clone()));
                    known(self.schemas, uid).and_then(|schema| not_taken.map(|()| schema))
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
            Err(misfit) => return visitor.misfit(owner.0, attribute, misfit),
        };
        let component = Component {
            attribute,
            schema,
            position,
            fields: &fields,
        };
        let Some(token) = visitor.component(owner, &component)? else {
            return Ok(());
        };
        let (mut held, mut attributes) = (Vec::new(), schema.in_order());
        held.extend(
            fields
                .0
                .iter()
                .filter_map(|it| Held::of(&mut attributes, self.root, it)),
        );
        held.shrink_to_fit();
        drop(fields);
        for it in held {
            let value = it.value(self.root);
            self.attribute(
                (schema, token),
                it.place as usize,
                value,
                levels - 1,
                visitor,
            )?;
        }
        Ok(())
    }
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
                    "zone": {"type": "dynamiczone", "components": ["c.other", "c.box", "c.box", "c.any"]},
                    "narrow": {"type": "dynamiczone", "components": ["c.other"]},
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

        fn go_on(&mut self) -> Result<(), Self::Error> {
            Ok(())
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

    #[test]
    fn a_long_value_is_visited_as_a_short_one_is() {
        let text = |filler: &str| {
            let inside =
                format!(r#"[{{"id":2,"t":"{filler}"}}, {{"id":3,"inside":[{{"id":4}}]}}]"#);
            let one = format!(r#"{{"id":1,"t":[[],{{"x":"]"}}],"inside":{inside}}}"#);
            let item = format!(r#"{{"inside":{inside},"__component":"c.box","id":5}}"#);
            format!(r#"{{"one":{one},"zone":[{item},7,{item}],"narrow":[{item}]}}"#)
        };
        let seen = visited(&text("]\\\"}"));
        assert_eq!(seen.len(), 14, "{seen:?}");
        assert!(
            seen[13].contains("does not take the component `c.box`"),
            "{seen:?}"
        );
        assert_eq!(visited(&text(&"x".repeat(LONG))), seen);
    }
}
