//! What conversions have to know of the system on the other side.

use super::form::{Fit, Form};
use crate::error::Error;
use crate::model::Attribute;
use std::borrow::Cow;
use std::fmt::Debug;

/// A system that content of a Strapi is brought into.
pub trait System: Debug + Send + Sync {
    /// Names of types that it has itself.
    fn reserved_types(&self) -> &'static [&'static str];

    /// Names of fields that no attribute gets.
    fn reserved_fields(&self) -> &'static [&'static str];

    /// Bytes of the names of types, fields and relations: it takes no more.
    fn longest_name(&self) -> usize;

    /// Bytes of the id of a node.
    fn longest_id(&self) -> usize;

    /// Bytes of a node, as JSON, before a value is left to the notes.
    fn longest_node(&self) -> usize;

    /// What a type is called that would like this name.
    fn type_name(&self, wanted: String) -> String {
        wanted
    }

    /// What a field is called that would like this name, of this attribute where it holds values.
    fn field_name(&self, wanted: String, _attribute: Option<&Attribute>) -> String {
        wanted
    }

    /// Whether a field that leads from a type to itself needs another one that leads back.
    fn needs_way_back(&self) -> bool;

    /// Whether an enum takes this value.
    fn is_enum_value(&self, value: &str) -> bool;

    /// How a value gets into a node, which is JSON and not `null`.
    fn fit(&self, form: &Form, value: &str) -> Fit;

    /// The value of a row that the value of a node stands for, both JSON; `None` where it stands for none.
    fn value<'v>(&self, form: &Form, own: &'v str) -> Option<Cow<'v, str>>;

    /// What a row has for the value of a node that was made of it.
    fn own_value<'v>(&self, form: &Form, own: &'v str) -> Option<Cow<'v, str>> {
        self.value(form, own)
    }

    /// Whether a field of a node of a type with this uid says nothing of an attribute, or is filled in by the system.
    fn is_fixed(&self, uid: &str, field: &str) -> bool;

    /// What is wrong with data that does not fit the notes.
    fn unfit(&self, name: &str, why: &str) -> Error;
}
