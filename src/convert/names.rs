//! Names that GraphQL systems take, made of Strapi's.

use std::collections::HashSet;

/// The names that are taken in one place, such as the types of a data model or the fields of a type.
///
/// Names that differ in capitals alone count as one: they are names of tables and columns as well, and some databases
/// do not tell these apart.
#[derive(Debug, Clone)]
pub struct Names {
    taken: HashSet<String>,
    longest: usize,
}

impl Names {
    /// None of these names is given away, and none is longer than so many bytes.
    pub fn new(reserved: &[&str], longest: usize) -> Self {
        Self {
            taken: reserved.iter().map(|name| name.to_lowercase()).collect(),
            longest,
        }
    }

    /// Takes the first of these that is free; else the last one with a number. They are not empty, and ASCII.
    pub fn take<'w>(&mut self, wanted: impl IntoIterator<Item = &'w str>) -> String {
        let mut last = String::new();
        for name in wanted {
            last = self.cut(name, self.longest);
            if self.taken.insert(last.to_lowercase()) {
                return last;
            }
        }
        let mut number = 2_u64;
        loop {
            let digits = number.to_string();
            let name = self.cut(&last, self.longest.saturating_sub(digits.len())) + &digits;
            if self.taken.insert(name.to_lowercase()) {
                return name;
            }
            number += 1;
        }
    }

    fn cut(&self, name: &str, longest: usize) -> String {
        name[..name.floor_char_boundary(longest)].to_owned()
    }
}

/// The words of a text, which letters and digits of ASCII make, each with a capital at its beginning: what `otherwise`
/// says where there are none, or where the first one begins with a digit, in front of these.
pub fn capitalised(text: &str, otherwise: &str) -> String {
    let mut out = String::new();
    let mut begins = true;
    for character in text.chars() {
        if !character.is_ascii_alphanumeric() {
            begins = true;
            continue;
        }
        if out.is_empty() && character.is_ascii_digit() {
            out.push_str(otherwise);
        }
        out.push(match begins {
            true => character.to_ascii_uppercase(),
            false => character,
        });
        begins = false;
    }
    match out.is_empty() {
        true => otherwise.to_owned(),
        false => out,
    }
}

/// The same with a small letter at the beginning.
pub fn uncapitalised(text: &str, otherwise: &str) -> String {
    let mut name = capitalised(text, otherwise);
    if let Some(first) = name.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_made_of_words() {
        assert_eq!(capitalised("a-very_long name", "T"), "AVeryLongName");
        assert_eq!(uncapitalised("heroImage2x", "f"), "heroImage2x");
        assert_eq!(uncapitalised("provider_metadata", "f"), "providerMetadata");
        assert_eq!(uncapitalised("2x", "field"), "field2x");
        assert_eq!(capitalised("ключ", "Type"), "Type");
    }

    #[test]
    fn no_two_things_get_one_name() {
        let mut names = Names::new(&["Query"], 8);
        assert_eq!(names.take(["Article"]), "Article");
        assert_eq!(names.take(["article", "ApiArticle"]), "ApiArtic");
        assert_eq!(names.take(["ApiArticle"]), "ApiArti2");
        assert_eq!(names.take(["Query"]), "Query2");
    }

    proptest! {
        #[test]
        fn whatever_a_thing_is_called_its_names_are_valid_and_of_their_own(
            wanted in prop::collection::vec("\\PC{0,80}", 1..40),
        ) {
            let mut names = Names::new(&["id"], 64);
            let mut all = HashSet::new();
            for text in &wanted {
                let name = names.take([uncapitalised(text, "field").as_str()]);
                prop_assert!(name.len() <= 64 && name.starts_with(|it: char| it.is_ascii_lowercase()));
                prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric()));
                prop_assert!(name != "id" && all.insert(name));
            }
        }
    }
}
