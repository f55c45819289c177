//! What of the data has no place in the result: the first of it by type, id and field, the rest in numbers.

use crate::model::Short;
use crate::transfer::{Subject, Warning, WarningKind};
use std::collections::BTreeMap;

/// How many are named one by one, as many as a check of a data set lists.
const NAMED: usize = 100;
/// How many fields are told apart among the others.
const MOST_FIELDS: usize = 1000;

/// Where something stood: its type, its field, which may be empty, and the id of its node.
pub type Of<'a> = (&'a str, &'a str, &'a str);

/// What has no place, and why.
#[derive(Debug, Clone, Default)]
pub struct Placeless {
    named: Vec<(&'static str, String)>,
    /// The others: how many, by reason, type and field.
    more: BTreeMap<(&'static str, String, String), u64>,
}

impl Placeless {
    /// Takes one, with half a sentence that says why.
    pub fn add(&mut self, why: &'static str, (type_name, field, id): Of<'_>) {
        if self.named.len() < NAMED {
            let own = Short(type_name);
            let named = match field {
                "" => format!("{own} {}", Short(id)),
                field => format!("`{}` of {own} {}", Short(field), Short(id)),
            };
            return self.named.push((why, named));
        }
        let has_room = self.more.len() < MOST_FIELDS;
        let key = (why, type_name.to_owned(), field.to_owned());
        match has_room || self.more.contains_key(&key) {
            true => *self.more.entry(key).or_default() += 1,
            false => {
                let others = (why, "other types".to_owned(), String::new());
                *self.more.entry(others).or_default() += 1;
            }
        }
    }

    /// What is to be told.
    pub fn warnings(self) -> impl Iterator<Item = Warning> {
        let named = self.named.into_iter().map(|(why, named)| {
            let subject = Subject::Entry(named);
            Warning::new(WarningKind::NotKept, subject, why)
        });
        let more = self.more.into_iter().map(|((why, own, field), count)| {
            let own = Short(&own);
            let subject = Subject::Entry(match field.as_str() {
                "" => format!("more of {own}"),
                field => format!("`{}` of more of {own}", Short(field)),
            });
            Warning::new(WarningKind::NotKept, subject, why).times(count)
        });
        named.chain(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_place_is_named_by_type_id_and_field_and_the_rest_is_counted() {
        let mut placeless = Placeless::default();
        placeless.add("it is new", ("Post", "", "p"));
        for number in 0..150 {
            placeless.add("it is wrong", ("Post", "n", &format!("p{number}")));
        }
        let told: Vec<String> = placeless.warnings().map(|it| it.to_string()).collect();
        assert_eq!(told.len(), NAMED + 1);
        assert_eq!(told[0], "Post p: 1 not kept: it is new");
        assert_eq!(told[1], "`n` of Post p0: 1 not kept: it is wrong");
        assert_eq!(told[NAMED], "`n` of more of Post: 51 not kept: it is wrong");
    }
}
