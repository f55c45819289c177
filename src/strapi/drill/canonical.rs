//! What is kept of a row: digests of its values in [one form](crate::model::canonical), however an archive writes them.

use crate::model::canonical::{compact, inner, scalar};
use crate::model::{Fields, Scalar, Schema, Short, json};
use crate::strapi::tables::Model;
use sha2::{Digest, Sha256};
use std::hash::{DefaultHasher, Hasher};

/// Bytes of a digest that are kept: as many as no two different things of a site share.
pub(super) const DIGEST: usize = 16;
/// Bytes that are kept of the value of one attribute, to name those that differ.
pub(super) const PART: usize = 4;

/// What is kept of a row.
pub(super) struct Row {
    /// Of all of it.
    pub digest: [u8; DIGEST],
    /// Of each of its columns, in the order of the model, and of everything else.
    pub parts: Vec<u8>,
    /// The attributes whose values are none of their kind.
    pub unfit: Vec<String>,
    /// How many values there are that SQLite holds, and other databases refuse.
    pub foreign: u64,
}

/// How a value is one of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// Every database takes it.
    Fits,
    /// SQLite does, which takes anything.
    Foreign,
    /// It is not.
    Unfit,
}

/// How a value that an archive holds is one of this kind. Numbers, booleans and times that are none a restore refuses.
fn fit(scalar: Scalar, value: &str) -> Fit {
    let is_nul = |value: &str| value.contains("\\u0000") && inner(value).contains('\0');
    match scalar {
        Scalar::Text | Scalar::Date | Scalar::Time => match value.as_bytes().first() {
            Some(b'{' | b'[' | b't' | b'f') => Fit::Unfit,
            _ if is_nul(value) => Fit::Foreign,
            _ => Fit::Fits,
        },
        Scalar::Integer | Scalar::BigInteger => {
            let number = inner(value);
            let is_whole = number
                .trim()
                .parse::<f64>()
                .is_ok_and(|it| it.fract() == 0.0);
            match is_whole {
                true => Fit::Fits,
                false => Fit::Foreign,
            }
        }
        _ => Fit::Fits,
    }
}

/// The first bytes of a digest.
pub(super) fn shortened(digest: Sha256) -> [u8; DIGEST] {
    let mut short = [0; DIGEST];
    short.copy_from_slice(&digest.finalize()[..DIGEST]);
    short
}

/// What is kept of a row with these members. Attributes that it does not name have their defaults, as in a restore.
/// `change` may give other values.
pub(super) fn row(
    model: &Model,
    schema: &Schema,
    fields: &Fields<'_>,
    change: &dyn Fn(&str, &str) -> Option<String>,
) -> Row {
    let mut values: Vec<Option<&str>> = vec![None; model.columns.len()];
    let mut others = Vec::new();
    let mut next = 0;
    for (name, value) in &fields.0 {
        match model.place_of(name, next) {
            Some(place) => {
                values[place] = Some(value);
                next = place + 1;
            }
            None if *value != "null" && schema.attribute(name).is_none() => {
                others.push((name.as_ref(), *value));
            }
            None => {}
        }
    }
    let mut whole = Sha256::new();
    let mut parts = Vec::with_capacity((values.len() + 1) * PART);
    let mut text = String::new();
    let mut add = |text: &str| {
        whole.update((text.len() as u64).to_le_bytes());
        whole.update(text);
        let mut hasher = DefaultHasher::new();
        hasher.write(text.as_bytes());
        parts.extend_from_slice(&hasher.finish().to_le_bytes()[..PART]);
    };
    let mut unfit = Vec::new();
    let mut foreign = 0;
    for (mapping, value) in model.columns.iter().zip(values) {
        let name = mapping.attribute.as_str();
        let given = value.filter(|value| *value != "null");
        match given.map_or(Fit::Fits, |value| fit(mapping.scalar, value)) {
            Fit::Fits => {}
            Fit::Foreign => foreign += 1,
            Fit::Unfit => unfit.push(Short(name).to_string()),
        }
        let value = value.or_else(|| schema.default(name)).unwrap_or("null");
        let changed = change(name, value);
        text.clear();
        scalar(
            &mut text,
            mapping.scalar,
            changed.as_deref().unwrap_or(value),
        );
        add(&text);
    }
    others.retain(|(name, _)| !matches!(*name, "id" | "__component"));
    others.sort_unstable();
    text.clear();
    for (name, value) in others {
        json::write_string(&mut text, name);
        compact(&mut text, value);
    }
    add(&text);
    Row {
        digest: shortened(whole),
        parts,
        unfit,
        foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_are_none_of_their_kind_are_told_from_those_that_sqlite_alone_holds() {
        for (kind, value, expected) in [
            (Scalar::Text, r#""{}""#, Fit::Fits),
            (Scalar::Text, "5", Fit::Fits),
            (Scalar::Text, r#"{"a":1}"#, Fit::Unfit),
            (Scalar::Text, r#"["a",1]"#, Fit::Unfit),
            (Scalar::Text, "true", Fit::Unfit),
            (Scalar::Date, "[]", Fit::Unfit),
            (Scalar::Text, r#""a\u0000""#, Fit::Foreign),
            (Scalar::Text, r#""a\\u0000""#, Fit::Fits),
            (Scalar::Integer, "1.5", Fit::Foreign),
            (Scalar::Integer, "1.0", Fit::Fits),
            (
                Scalar::BigInteger,
                r#""12345678901234567890123""#,
                Fit::Fits,
            ),
            (Scalar::Float, "1.5", Fit::Fits),
            (Scalar::Json, "[]", Fit::Fits),
        ] {
            assert_eq!(fit(kind, value), expected, "{kind:?} {value}");
        }
    }
}
