//! Which fields of links the server keeps in step: `@hasInverse`.

use super::sdl::GraphField;
use std::collections::{BTreeMap, HashMap};

/// The field of links to one type.
#[derive(Clone, Copy)]
pub struct End<'a> {
    /// The number of the type, and of the field.
    pub place: (usize, usize),
    /// Whether it holds any number of them.
    pub is_list: bool,
    /// The field of the GraphQL schema, where it is one.
    pub field: Option<&'a GraphField>,
    /// Whether the GraphQL field leads to this type alone.
    pub is_only: bool,
}

/// The fields of links that lead to one type alone, by the type that has them, the other one, and a name.
type Named<'a> = HashMap<(u32, u32, &'a str), End<'a>>;

/// Which fields the server keeps in step.
pub struct Inverses<'a> {
    by_name: Named<'a>,
    /// By the name of the field at the other end.
    by_inverse: Named<'a>,
}

impl<'a> Inverses<'a> {
    /// Those of these fields, by type, predicate and other type.
    pub fn new(ends: &BTreeMap<(u32, u32, u32), End<'a>>) -> Self {
        let (mut by_name, mut by_inverse) = (Named::new(), Named::new());
        for ((own, _, target), end) in ends {
            if let Some(field) = end.field.filter(|_| end.is_only) {
                by_name.insert((*own, *target, field.name.as_str()), *end);
                if let Some(inverse) = &field.inverse {
                    by_inverse.insert((*own, *target, inverse.as_str()), *end);
                }
            }
        }
        Self {
            by_name,
            by_inverse,
        }
    }

    /// The field that is kept in step with this one, which is said at one of both ends at the least.
    pub fn of(&self, (own, target): (u32, u32), end: &End<'a>) -> Option<End<'a>> {
        let field = end.field.filter(|_| end.is_only)?;
        let said = field.inverse.as_deref();
        let said = said.and_then(|it| self.by_name.get(&(target, own, it)));
        said.or_else(|| self.by_inverse.get(&(target, own, field.name.as_str())))
            .copied()
    }
}
