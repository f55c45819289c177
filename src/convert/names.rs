//! Names that GraphQL systems take, made of Strapi's.

use std::collections::{HashMap, HashSet};

/// The names that are taken in one place, such as the types of a data model or the fields of a type.
///
/// Names that differ in capitals alone count as one: they are names of tables and columns as well, and some databases
/// do not tell these apart.
#[derive(Debug, Clone)]
pub struct Names {
    taken: HashSet<String>,
    longest: usize,
    is_bare: bool,
    /// The first number that may be free behind a name, by its key and the digits of the number.
    next: HashMap<(String, u32), u64>,
}

impl Names {
    /// None of these names is given away, and none is longer than so many bytes.
    pub fn new(reserved: &[&str], longest: usize) -> Self {
        Self {
            taken: reserved.iter().map(|name| name.to_lowercase()).collect(),
            longest,
            is_bare: false,
            next: HashMap::new(),
        }
    }

    /// The same, where names that differ in signs alone count as one too: Strapi makes one column of `fooBar` and
    /// `foo_bar`, and of `title1` and `title_1`.
    pub fn bare(reserved: &[&str], longest: usize) -> Self {
        let mut names = Self::new(&[], longest);
        names.is_bare = true;
        names.taken = reserved.iter().map(|name| names.key(name)).collect();
        names
    }

    fn key(&self, name: &str) -> String {
        let letters = name
            .chars()
            .filter(|it| !self.is_bare || it.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    }

    /// Takes the first of these that is free; else the last one with a number. They are not empty, and ASCII.
    pub fn take<'w>(&mut self, wanted: impl IntoIterator<Item = &'w str>) -> String {
        let mut last = String::new();
        for name in wanted {
            last = self.cut(name, self.longest);
            if self.taken.insert(self.key(&last)) {
                return last;
            }
        }
        let mut digits = 1_u32;
        loop {
            let begin = self.cut(&last, self.longest.saturating_sub(digits as usize));
            let key = (self.key(&begin), digits);
            let smallest = 10_u64.saturating_pow(digits - 1).max(2);
            let mut number = self.next.get(&key).copied().unwrap_or(smallest);
            while number < 10_u64.saturating_pow(digits) {
                let name = format!("{begin}{number}");
                number += 1;
                if self.taken.insert(self.key(&name)) {
                    self.next.insert(key, number);
                    return name;
                }
            }
            self.next.insert(key, number);
            digits += 1;
        }
    }

    fn cut(&self, name: &str, longest: usize) -> String {
        let cut = &name[..name.floor_char_boundary(longest)];
        cut.trim_end_matches('-').to_owned()
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

    #[test]
    fn names_of_which_strapi_makes_one_column_are_told_apart() {
        let mut names = Names::bare(&["up-users"], 50);
        let wanted = [
            "fooBar", "foo_bar", "title1", "title_1", "x", "x_", "up_users",
        ];
        let given = wanted.map(|it| names.take([it]));
        assert_eq!(
            given,
            [
                "fooBar",
                "foo_bar2",
                "title1",
                "title_12",
                "x",
                "x_2",
                "up_users2"
            ]
        );
    }

    #[test]
    fn names_that_come_out_alike_are_counted_on_and_not_from_the_beginning() {
        let mut names = Names::new(&["field7"], 8);
        // From the beginning each time these were more than a thousand million questions.
        for number in 1..=50_000_u64 {
            let wanted = "fieldxxx";
            let name = names.take([wanted]);
            let digits = number.to_string();
            let begin = &wanted[..wanted.len().min(8 - digits.len())];
            match number {
                1 => assert_eq!(name, "fieldxxx"),
                _ => assert_eq!(name, format!("{begin}{digits}")),
            }
        }
        // What is cut to the same beginning goes on with the same numbers.
        assert_eq!(names.take(["field6"]), "field6");
        assert_eq!(names.take(["field6"]), "field62");
        assert_eq!(names.take(["FIELD6"]), "FIELD63");
    }

    #[test]
    fn no_name_ends_with_a_hyphen_because_it_was_cut() {
        let mut names = Names::new(&[], 5);
        assert_eq!(names.take(["blog-post"]), "blog");
        assert_eq!(names.take(["abcd-ef"]), "abcd");
        assert_eq!(names.take(["abcd-eg"]), "abcd2");
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
