//! Where relations of Prisma belong among the links.

use super::values::Holds;
use crate::convert::plain::{Made, Pairs, Said};
use crate::error::Result;
use crate::prisma::ndf::Relation;

/// Takes a relation; gives whether the data model knows it.
///
/// # Errors
/// The folder cannot be written to.
pub fn push(pairs: &mut Pairs, made: &Made<Holds>, pair: &Relation<'_>) -> Result<bool> {
    let found = pair.ends.iter().enumerate().find_map(|(place, end)| {
        let known = made.links_of(&end.type_name, end.field.as_deref()?)?;
        Some((place, known))
    });
    let Some((place, (number, is_owner))) = found else {
        return Ok(false);
    };
    let (near, far) = (&pair.ends[place], &pair.ends[1 - place]);
    let links = &made.links[number];
    let other = far.field.as_deref();
    let back = other.is_none_or(|field| {
        made.links_of(&far.type_name, field)
            .is_some_and(|it| it == (number, !is_owner) || links.is_mutual && it.0 == number)
    });
    let (owner, target) = match is_owner {
        true => (near, far),
        false => (far, near),
    };
    let fits = made.number(&owner.type_name) == Some(links.owner)
        && made.number(&target.type_name) == Some(links.target);
    if !back || !fits {
        return Ok(false);
    }
    pairs.link(made, number, (&owner.id, &target.id), Said::Owner)?;
    Ok(true)
}
