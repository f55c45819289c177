//! Rows that would have a Strapi read, write or delete files outside of its media library.
//!
//! Strapi joins `hash` and `ext` to its upload folder, and `url` to its public folder, as they stand: in rows of
//! `plugin::upload.file`, in the `formats` of these, and in the logos of the admin panel.

use super::{Fields, Short, is_file_name};
use serde::Deserializer;
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};

/// The provider that keeps files in the upload folder.
const LOCAL: &str = "local";
/// What Strapi makes a part of a path.
const PARTS: [&str; 5] = ["provider", "hash", "ext", "url", "path"];

/// What may stand in a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paths {
    /// Folders too: providers of buckets keep files in such, and so do sites that were changed.
    Any,
    /// Rows of files that are kept in the upload folder name files in it, and in no folder of it.
    Plain,
}

/// What leads out of the media library in a row of `plugin::upload.file`, or its formats; `None` where nothing does.
pub fn row_leads_astray(row: &Fields<'_>, paths: Paths) -> Option<String> {
    let mut found = None;
    let mut parts = Parts::default();
    for (name, part) in PARTS.iter().zip(&mut parts) {
        let json = row.get(name).unwrap_or("null");
        match look(json, true, true, paths, &mut found) {
            Ok(own) => *part = own,
            Err(_) => return Some(format!("`{name}` cannot be read")),
        }
    }
    let is_local = is_local(&parts, true);
    let formats = row.get("formats").unwrap_or("null");
    found
        .or_else(|| object(&parts, is_local, paths))
        .or_else(|| json_leads_astray(formats, is_local, paths))
}

/// The same of the logos in the settings of the admin panel, as JSON.
pub fn logos_lead_astray(settings: &str, paths: Paths) -> Option<String> {
    json_leads_astray(settings, true, paths)
}

fn json_leads_astray(json: &str, is_local: bool, paths: Paths) -> Option<String> {
    let mut found = None;
    match look(json, false, is_local, paths, &mut found) {
        Ok(_) => found,
        Err(_) => Some("what names further files of it cannot be read".into()),
    }
}

/// The values of [`PARTS`].
type Parts = [Part; PARTS.len()];

/// A value of which Strapi may make a part of a path.
#[derive(Default)]
enum Part {
    /// None, or one that leads nowhere.
    #[default]
    Nothing,
    Text(String),
    /// An array is a text too for JavaScript.
    List,
}

impl Part {
    fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Nothing | Self::List => "",
        }
    }
}

fn look(
    json: &str,
    keeps: bool,
    is_local: bool,
    paths: Paths,
    found: &mut Option<String>,
) -> serde_json::Result<Part> {
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let look = Look {
        keeps,
        is_local,
        paths,
        found,
    };
    let part = look.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(part)
}

/// Looks at all that is in a value, for a server may copy the members of one object to another. It makes no tree of it:
/// that would take many times the memory of the text.
struct Look<'a> {
    /// Whether a text is wanted.
    keeps: bool,
    is_local: bool,
    paths: Paths,
    found: &'a mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = Part;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Part, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = Part;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Part, E> {
        Ok(Part::Nothing)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Part, E> {
        Ok(Part::Nothing)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Part, E> {
        Ok(Part::Nothing)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Part, E> {
        Ok(Part::Nothing)
    }

    fn visit_unit<E>(self) -> Result<Part, E> {
        Ok(Part::Nothing)
    }

    fn visit_str<E>(self, text: &str) -> Result<Part, E> {
        // Early versions of Strapi encoded JSON twice.
        if text.trim_start().starts_with(['{', '[']) {
            let _ = look(text, false, self.is_local, self.paths, self.found);
        }
        Ok(match self.keeps {
            true => Part::Text(text.to_owned()),
            false => Part::Nothing,
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Part, A::Error> {
        loop {
            let look = Look {
                keeps: false,
                found: &mut *self.found,
                ..self
            };
            if list.next_element_seed(look)?.is_none() {
                return Ok(Part::List);
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Part, A::Error> {
        let mut parts = Parts::default();
        while let Some(name) = members.next_key::<String>()? {
            let place = PARTS.iter().position(|own| *own == name);
            let part = members.next_value_seed(Look {
                keeps: place.is_some(),
                found: &mut *self.found,
                ..self
            })?;
            if let Some(place) = place {
                parts[place] = part;
            }
        }
        if self.found.is_none() {
            *self.found = object(&parts, is_local(&parts, self.is_local), self.paths);
        }
        Ok(Part::Nothing)
    }
}

/// Whether the files of an object are in the upload folder; where it does not say it, what it stands in does.
fn is_local(parts: &Parts, otherwise: bool) -> bool {
    match &parts[0] {
        Part::Text(provider) => otherwise && provider == LOCAL,
        Part::Nothing | Part::List => otherwise,
    }
}

/// Looks at the members of an object of which Strapi makes paths.
fn object(parts: &Parts, is_local: bool, paths: Paths) -> Option<String> {
    let is_list = |part: &Part| matches!(part, Part::List);
    if let Some(place) = parts.iter().position(is_list) {
        return Some(format!("`{}` is no text", PARTS[place]));
    }
    let [_, hash, ext, url, path] = parts.each_ref().map(Part::text);
    let file = format!("{hash}{ext}");
    let leads = |name: &str, path: &str| {
        let shown = Short(path);
        Some(format!("`{name}` leads out of the media library: {shown}"))
    };
    let is_plain = is_file_name(&file) || file.is_empty();
    // Where one is missing, JavaScript puts a word in its place.
    for (name, path) in [("hash", hash), ("hash", &file), ("ext", ext)] {
        if goes_up(path) || path.starts_with(['/', '\\']) {
            return leads(name, path);
        }
    }
    if paths == Paths::Plain && is_local && !is_plain {
        let shown = Short(&file);
        return Some(format!("`hash` and `ext` make no name of a file: {shown}"));
    }
    if is_local && goes_up(url) {
        return leads("url", url);
    }
    goes_up(path).then(|| leads("path", path)).flatten()
}

/// Whether a path goes to a folder above, or has what no name of a file has in it.
fn goes_up(path: &str) -> bool {
    path.split(['/', '\\']).any(|part| part == "..") || path.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(json: &str, paths: Paths) -> Option<String> {
        row_leads_astray(&Fields::parse(json).expect("an object"), paths)
    }

    #[test]
    fn rows_that_lead_out_of_the_media_library_are_found_wherever_it_stands() {
        for json in [
            r#"{"hash":"../../victim","ext":".txt","provider":"local"}"#,
            r#"{"hash":"../../victim","ext":".txt","provider":"aws-s3"}"#,
            r#"{"hash":"a/..\\..\\victim","ext":".txt","provider":"aws-s3"}"#,
            r#"{"hash":"/etc/passwd","provider":"aws-s3"}"#,
            r#"{"hash":"","ext":"/../../victim.txt","provider":"local"}"#,
            r#"{"hash":null,"ext":"/../../victim.txt"}"#,
            r#"{"ext":"x/../../victim.txt","provider":"x"}"#,
            r#"{"hash":".","ext":"./victim.txt"}"#,
            r#"{"hash":["../../victim"],"ext":".txt"}"#,
            r#"{"hash":"a","hash":"../b"}"#,
            r#"{"hash":"a","url":"/uploads/../../.env","provider":"local"}"#,
            r#"{"hash":"a","url":"/uploads/../../.env"}"#,
            r#"{"hash":"a","provider":["local"]}"#,
            r#"{"hash":"a","path":"../../b"}"#,
            r#"{"hash":"a","formats":{"a":{"ext":["/../../victim"]}}}"#,
            r#"{"hash":"a\u0000b","ext":".txt","provider":"aws-s3"}"#,
            r#"{"hash":"a","formats":{"thumbnail":{"hash":"../../victim","ext":".txt"}}}"#,
            r#"{"hash":"a","provider":"aws-s3","formats":{"small":{"hash":"../victim"}}}"#,
            r#"{"hash":"a","formats":[{"hash":"../../victim","ext":".txt"}]}"#,
            r#"{"hash":"a","formats":{"a":{"__proto__":{"hash":"../../victim"}}}}"#,
            r#"{"hash":"a","formats":{"a":{"hash":["../../victim"]}}}"#,
            r#"{"hash":"a","formats":{"a":{"hash":"b","url":"/../.env"}}}"#,
            r#"{"hash":"a","provider":"local","formats":{"a":{"hash":"b","provider":"local","url":"/../.env"}}}"#,
            r#"{"hash":"a","formats":"{\"a\":{\"hash\":\"../../victim\"}}"}"#,
        ] {
            assert!(row(json, Paths::Any).is_some(), "{json}");
            assert!(row(json, Paths::Plain).is_some(), "{json}");
        }
    }

    #[test]
    fn rows_as_sites_have_them_lead_nowhere_else() {
        for json in [
            r#"{"hash":"a_1","ext":".png","url":"/uploads/a_1.png","provider":"local","formats":{"small":{"hash":"small_a_1","ext":".png","path":null,"url":"/uploads/small_a_1.png"}}}"#,
            r#"{"hash":"a..b","ext":null,"url":"/uploads/a..b","formats":null}"#,
            r#"{"hash":"2024/11/a_1","ext":".png","url":"https://cdn.example.com/x/../2024/11/a_1.png","provider":"aws-s3"}"#,
            r#"{"name":"nothing"}"#,
            r#"{"hash":"","ext":""}"#,
        ] {
            assert_eq!(row(json, Paths::Any), None, "{json}");
            assert_eq!(row(json, Paths::Plain), None, "{json}");
        }
        let folder = r#"{"hash":"2024/a","ext":".png","provider":"local"}"#;
        assert_eq!(row(folder, Paths::Any), None);
        assert!(row(folder, Paths::Plain).is_some());
    }

    #[test]
    fn logos_that_lead_elsewhere_are_found() {
        let settings = |logo: &str| format!(r#"{{"menuLogo":{logo},"authLogo":null}}"#);
        let fine = r#"{"name":"a","hash":"menu_1","ext":".png","url":"/uploads/menu_1.png"}"#;
        assert_eq!(logos_lead_astray(&settings(fine), Paths::Plain), None);
        for logo in [
            r#"{"hash":"../../src/index","ext":".js","__transferBuffer":"AA=="}"#,
            r#"{"hash":"a","ext":".png","url":"/../.env"}"#,
        ] {
            assert!(
                logos_lead_astray(&settings(logo), Paths::Any).is_some(),
                "{logo}"
            );
        }
    }
}
