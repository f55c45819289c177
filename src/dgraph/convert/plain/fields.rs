//! What attributes are called and hold that no GraphQL schema says.

use super::known::Known;
use super::made::{Held, Part};
use super::values::Form;
use crate::convert::plain::{GivenField, Place};
use crate::convert::{capitalised, uncapitalised};

/// What an attribute for a predicate is called: its name without that of its type, if that is one for an attribute.
pub fn wanted(known: &Known, predicate: &str) -> String {
    let own = predicate.strip_prefix(known.name.as_str());
    let name = own.and_then(|it| it.strip_prefix('.')).unwrap_or(predicate);
    let is_name = name.starts_with(|it: char| it.is_ascii_alphabetic())
        && name
            .bytes()
            .all(|it| it.is_ascii_alphanumeric() || it == b'_');
    match is_name {
        true => name.to_owned(),
        false => uncapitalised(name, "field"),
    }
}

/// A name with words behind it, each with a capital.
pub fn joined(name: &str, more: &str) -> String {
    format!("{name}{}", capitalised(more, "Other"))
}

/// A field of values that no GraphQL schema says.
pub fn plain(
    predicate: u32,
    (name, called): (&str, &str),
    form: Form,
    is_list: bool,
) -> GivenField<Held> {
    GivenField {
        name: name.to_owned(),
        wanted: called.to_owned(),
        place: Place::Values {
            properties: form.properties(is_list),
            form: Held {
                predicate,
                part: Part::Plain,
                form,
            },
            is_list,
        },
    }
}

/// A field that is the time when a row was made or changed, where it is called so and none is it yet.
pub fn time_of(mut field: GivenField<Held>, there: &[GivenField<Held>]) -> GivenField<Held> {
    let is_time = matches!(&field.place, Place::Values { form, is_list: false, .. } if form.form == Form::Time);
    let mut places = there.iter().map(|it| &it.place);
    match field.wanted.as_str() {
        "createdAt" if is_time && !places.any(|it| matches!(it, Place::Created)) => {
            field.place = Place::Created;
        }
        "updatedAt" if is_time && !places.any(|it| matches!(it, Place::Updated)) => {
            field.place = Place::Updated;
        }
        _ => {}
    }
    field
}
