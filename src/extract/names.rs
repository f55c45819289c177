//! What files are called that somebody wants: by their names on disk, by those that users gave them, or by patterns of
//! either.

use crate::error::{Error, Result};
use crate::model::Short;
use glob::Pattern;
use percent_encoding::percent_decode_str;
use std::collections::BTreeSet;

/// How alike a name must be to be offered in place of one that nothing has: 1 is the same.
const ALIKE: f64 = 0.8;
/// How many are offered.
const OFFERED: usize = 3;
/// Longer names are not compared.
const LONGEST: usize = 300;

/// Names of files that somebody wants.
#[derive(Debug)]
pub struct Names(Vec<Name>);

#[derive(Debug)]
struct Name {
    text: String,
    /// What follows the last stroke, where it is an address or a path.
    end: String,
    pattern: Option<Pattern>,
    is_found: bool,
    near: Vec<(f64, String)>,
}

impl Names {
    /// These names, some of which may be patterns: `*`, `?`, `[a-z]`.
    pub fn new(names: &[String]) -> Self {
        let name = |text: &String| {
            let end = end_of(text);
            // What is no pattern is a name that looks like one.
            let pattern = Some(&end).filter(|end| end.contains(['*', '?', '[']));
            Name {
                text: text.clone(),
                pattern: pattern.and_then(|end| Pattern::new(end).ok()),
                end,
                is_found: false,
                near: Vec::new(),
            }
        };
        Self(names.iter().map(name).collect())
    }

    /// Whether one of these is wanted, which are names of one file. That is remembered.
    pub fn want(&mut self, names: &[&str]) -> bool {
        self.see(names, true)
    }

    /// Whether a file is wanted by exactly this name, and not because it fits a pattern. That is remembered.
    pub fn want_exactly(&mut self, name: &str) -> bool {
        self.see(&[name], false)
    }

    fn see(&mut self, names: &[&str], patterns: bool) -> bool {
        let mut is_wanted = false;
        for own in &mut self.0 {
            let fits = |name: &&str| {
                let pattern = own.pattern.as_ref().filter(|_| patterns);
                own.text == **name
                    || own.end == **name
                    || pattern.is_some_and(|pattern| pattern.matches(name))
            };
            if names.iter().any(fits) {
                own.is_found = true;
                is_wanted = true;
            } else if !own.is_found {
                names.iter().for_each(|name| own.compare(name));
            }
        }
        is_wanted
    }

    /// Sees that each name was found.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): nothing has one of them. `files` is how many files there are.
    pub fn check(&self, files: u64) -> Result<()> {
        let missing: Vec<&Name> = self.0.iter().filter(|name| !name.is_found).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = missing.iter().map(|name| name.text.as_str()).collect();
        let mut near: Vec<&(f64, String)> = missing.iter().flat_map(|name| &name.near).collect();
        near.sort_by(|(one, _), (other, _)| other.total_cmp(one));
        let near: BTreeSet<String> = near
            .iter()
            .take(OFFERED)
            .map(|(_, name)| Short(name).to_string())
            .collect();
        let hint = match (near.is_empty(), files) {
            (false, _) => {
                let near: Vec<String> = near.into_iter().collect();
                format!("there is something like it: {}", near.join(", "))
            }
            (true, 0) => "the archive holds no files".to_owned(),
            (true, files) => format!(
                "the archive holds {files} files; `backup inspect --entries` lists them, and patterns such as \"*.jpg\" \
                 match several"
            ),
        };
        Err(Error::usage(format!(
            "no file in the archive is called {}",
            names.join(", ")
        ))
        .hint(hint))
    }
}

/// The name of a file in what was given, which may be its address in Strapi: `/uploads/a_1.png`, with a host in front.
fn end_of(text: &str) -> String {
    let is_address = text.contains("://");
    if !is_address && !text.starts_with('/') && !text.starts_with("uploads/") {
        return text.to_owned();
    }
    let path = match is_address {
        true => text.split(['?', '#']).next().unwrap_or(text),
        false => text,
    };
    let end = path.rsplit('/').next().unwrap_or(path);
    match is_address {
        true => percent_decode_str(end).decode_utf8_lossy().into_owned(),
        false => end.to_owned(),
    }
}

impl Name {
    /// Keeps a name that is like this one.
    fn compare(&mut self, name: &str) {
        if self.pattern.is_some() || name.len() > LONGEST || self.text.len() > LONGEST {
            return;
        }
        let alike = strsim::jaro_winkler(&self.end.to_lowercase(), &name.to_lowercase());
        let is_new = self.near.iter().all(|(_, near)| near != name);
        if alike < ALIKE || !is_new {
            return;
        }
        self.near.push((alike, name.to_owned()));
        self.near
            .sort_by(|(one, _), (other, _)| other.total_cmp(one));
        self.near.truncate(OFFERED);
    }
}

/// Says that several files match where one was meant, and lists the first of them.
pub(super) fn several(found: u64, listed: &[String]) -> Error {
    let more = found - listed.len() as u64;
    let mut list = listed.to_vec();
    if more > 0 {
        list.push(format!("and {more} more"));
    }
    Error::usage(format!("{found} files match, and stdout takes one:"))
        .listing(list)
        .hint("name one of them by its name on disk, or give a folder with --to")
}

/// How many names are listed.
pub(super) const MOST_LISTED: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_patterns_are_found_and_what_is_like_them_is_offered() {
        let of = |names: &[&str]| {
            Names::new(&names.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>())
        };
        let mut names = of(&["*.jpg", "a[1].png", "hero.png"]);
        assert!(names.want(&["x_1.jpg", "Ferien"]));
        assert!(names.want(&["a[1].png"]) && !names.want_exactly("y.jpg"));
        assert!(!names.want(&["her0_2f.png", "herO.png"]));
        let error = names.check(7).expect_err("one is missing");
        assert!(error.to_string().ends_with("called hero.png"), "{error}");
        let advice = error.advice().expect("some");
        assert!(advice.contains("herO.png"), "{advice}");
        for pasted in [
            "/uploads/hero_2f.png",
            "uploads/hero_2f.png",
            "https://cms.example/uploads/hero%5F2f.png?width=3#x",
        ] {
            let mut names = of(&[pasted]);
            assert!(!names.want(&["hero_3f.png"]), "{pasted}");
            let error = names.check(7).expect_err("it is missing");
            assert!(error.advice().is_some_and(|it| it.contains("hero_3f.png")));
            assert!(names.want(&["hero_2f.png"]), "{pasted}");
        }
        assert!(of(&["*.png"]).want(&["a.png"]) && of(&["/uploads/*.png"]).want(&["a.png"]));
        let mut names = of(&["zzz"]);
        assert!(!names.want(&["a.png"]));
        let error = names.check(7).expect_err("it is missing");
        assert!(
            error.advice().is_some_and(|it| it.contains("7 files")),
            "{error}"
        );
    }
}
