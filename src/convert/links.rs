//! Links of Strapi as relations.

use super::fields::Kind;
use super::mapping::{FILES, Mapping};
use super::notes::LinkForm;
use crate::model::{Fields, IdSet, Link, LinkRef, json};
use serde_json::value::RawValue;

/// The member of an end of a link that says its place among others.
const PLACE: &str = "pos";

/// What a link becomes.
pub enum Taken {
    /// A pair of a relation.
    Pair {
        /// The form of its line.
        form: LinkForm,
        /// What stands in the gaps of that.
        gaps: Vec<Box<RawValue>>,
        /// The node that owns it.
        owner: String,
        /// The node that it leads to.
        target: String,
        /// Its place among the links of either.
        places: [Option<f64>; 2],
    },
    /// Nothing: a row that it joins is not there.
    Orphan,
    /// Nothing: it joins rows that share a document, which stands in their nodes.
    Document,
    /// Nothing: the schemas do not know it.
    Unknown,
}

/// What becomes of a link, where these ids are there.
pub fn take(mapping: &mut Mapping, ids: &[IdSet], link: &Link<'_>) -> Taken {
    let (left, right) = (
        mapping.number(&link.left.model),
        mapping.number(&link.right.model),
    );
    let (Some(left), Some(right)) = (left, right) else {
        return Taken::Unknown;
    };
    let (LinkRef::Id(from), LinkRef::Id(to)) = (&link.left.reference, &link.right.reference) else {
        return Taken::Document;
    };
    if !ids[left].contains(*from) || !ids[right].contains(*to) {
        return Taken::Orphan;
    }
    let Some((relation, is_left)) = relation(mapping, link, left, right) else {
        return Taken::Unknown;
    };
    let ends = [mapping.node_id(left, *from), mapping.node_id(right, *to)];
    let Some((mut form, gaps)) = cut(link.line) else {
        return Taken::Unknown;
    };
    form.relation = relation;
    let [mut owner, mut target] = ends;
    let mut places = [link.left.pos, link.right.pos];
    if !is_left {
        places.reverse();
        std::mem::swap(&mut owner, &mut target);
        std::mem::swap(&mut form.owner, &mut form.target);
    }
    Taken::Pair {
        form,
        gaps,
        owner,
        target,
        places,
    }
}

/// The relation of a link, and whether its left end owns it there.
fn relation(
    mapping: &mut Mapping,
    link: &Link<'_>,
    left: usize,
    right: usize,
) -> Option<(usize, bool)> {
    let field = link.left.field.as_deref()?;
    let other = link.right.field.as_deref();
    let leads = |mapping: &Mapping, from: usize, attribute: &str, to: usize| {
        let number = mapping.relation(from, attribute)?;
        (mapping.relations[number].note.target == to).then_some(number)
    };
    if let Some(number) = leads(mapping, left, field, right) {
        return Some((number, true));
    }
    // Media are owned by the row that shows them, and not by the file, as it is in Strapi.
    if let Some(attribute) = other
        && mapping.types[left].uid == FILES
        && let Some(number) = leads(mapping, right, attribute, left)
    {
        return Some((number, false));
    }
    let is_morph = mapping.types[left].field(field)?.kind == Kind::Morph;
    is_morph.then(|| (mapping.relation_to(left, field, right, other), true))
}

/// What stands in the gaps of the line of a link, with where it begins there, and the end and the member that it is of.
type Gap<'l> = (usize, &'l str, (&'static str, &'static str));

/// Ids and places in the line of a link, in its order.
fn gaps(line: &str) -> Option<Vec<Gap<'_>>> {
    let ends = Fields::parse(line).ok()?;
    let mut gaps = Vec::new();
    for end in ["left", "right"] {
        let fields = Fields::parse(ends.get(end)?).ok()?;
        for name in ["ref", PLACE] {
            if let Some(value) = fields.get(name) {
                let start = value.as_ptr() as usize - line.as_ptr() as usize;
                gaps.push((start, value, (end, name)));
            }
        }
    }
    gaps.sort_unstable();
    Some(gaps)
}

/// The line of a link with these places: that among the links of its owner, whose id stands in the gap of this number, and
/// that among those of its target. Gives whether the line says them: one without a place gets none.
pub fn with_places(line: String, owner: usize, places: [Option<f64>; 2]) -> (String, bool) {
    if places == [None, None] {
        return (line, true);
    }
    let gaps = gaps(&line).unwrap_or_default();
    let owner = gaps.get(owner).map(|it| it.2.0);
    let (mut out, mut at, mut said) = (String::new(), 0, [false; 2]);
    for (start, value, (end, name)) in &gaps {
        let side = usize::from(Some(*end) != owner);
        let Some(place) = places[side].filter(|_| *name == PLACE) else {
            continue;
        };
        said[side] = true;
        if value.parse() != Ok(place) {
            out.push_str(&line[at..*start]);
            json::write_f64(&mut out, place);
            at = start + value.len();
        }
    }
    out.push_str(&line[at..]);
    let is_said = places
        .iter()
        .zip(said)
        .all(|(it, said)| said || it.is_none());
    (out, is_said)
}

/// The form of the line of a link, of no relation yet, and what stands in its gaps: ids and places.
fn cut(line: &str) -> Option<(LinkForm, Vec<Box<RawValue>>)> {
    let gaps = gaps(line)?;
    let place = |end| gaps.iter().position(|gap| gap.2 == (end, "ref"));
    let (owner, target) = (place("left")?, place("right")?);
    let (mut pieces, mut values, mut at) = (Vec::new(), Vec::new(), 0);
    for (start, value, _) in &gaps {
        pieces.push(line[at..*start].to_owned());
        values.push(RawValue::from_string((*value).to_owned()).ok()?);
        at = start + value.len();
    }
    pieces.push(line[at..].to_owned());
    let form = LinkForm {
        pieces,
        relation: 0,
        owner,
        target,
    };
    Some((form, values))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_at_ids_and_places_and_is_put_together_again() {
        let line = r#"{"kind":"relation.morph","relation":"morphToMany","left":{"type":"a","field":"related","ref":3},"right":{"ref":2,"pos":1.5,"type":"b"}}"#;
        let (form, gaps) = cut(line).expect("a form");
        let values: Vec<&str> = gaps.iter().map(|it| it.get()).collect();
        assert_eq!(
            (values, form.owner, form.target),
            (vec!["3", "2", "1.5"], 0, 1)
        );
        assert_eq!(form.line(&gaps).as_deref(), Some(line));
        assert_eq!(form.line(&gaps[1..]), None);
    }
    #[test]
    fn places_of_the_data_stand_in_the_line_and_what_is_the_same_is_not_touched() {
        let line = r#"{"left":{"ref":3,"pos":1.0},"right":{"pos":2,"ref":2}}"#;
        for (owner, places, expected) in [
            (0, [Some(1.0), Some(2.0)], line.to_owned()),
            (0, [Some(2.0), None], line.replace("1.0", "2")),
            (
                0,
                [None, Some(1.5)],
                line.replace("\"pos\":2", "\"pos\":1.5"),
            ),
            (
                2,
                [Some(1.5), None],
                line.replace("\"pos\":2", "\"pos\":1.5"),
            ),
        ] {
            assert_eq!(
                with_places(line.to_owned(), owner, places),
                (expected, true)
            );
        }
        let bare = r#"{"left":{"ref":3},"right":{"ref":2}}"#;
        let told = with_places(bare.to_owned(), 0, [Some(1.0), None]);
        assert_eq!(told, (bare.to_owned(), false));
    }
}
