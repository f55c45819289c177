//! Rows that would have a Strapi read, write or delete files outside of its media library.
//!
//! Strapi joins `hash` and `ext` to its upload folder, and `url` to its public folder, as they stand: in rows of
//! `plugin::upload.file`, in the `formats` of these, and in the logos of the admin panel.

use super::{Fields, Short, is_file_name};
use serde_json::Value;

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
    let own = row.0.iter().filter(|(name, _)| PARTS.contains(&&**name));
    let own = own.map(|(name, value)| Some((name.to_string(), serde_json::from_str(value).ok()?)));
    let Some(own) = own.collect::<Option<serde_json::Map<String, Value>>>() else {
        return Some("what names its file is no text".into());
    };
    let is_local = is_local(own.get("provider"));
    let formats = row.get("formats").unwrap_or("null");
    object(&own, is_local, paths).or_else(|| json_leads_astray(formats, is_local, paths))
}

/// The same of the logos in the settings of the admin panel, as JSON.
pub fn logos_lead_astray(settings: &str, paths: Paths) -> Option<String> {
    json_leads_astray(settings, true, paths)
}

fn json_leads_astray(json: &str, is_local: bool, paths: Paths) -> Option<String> {
    match serde_json::from_str(json) {
        Ok(value) => any(&value, is_local, paths),
        Err(_) => Some("what names further files of it cannot be read".into()),
    }
}

/// Looks at all that is in a value: a server may copy the members of one object to another.
fn any(value: &Value, is_local: bool, paths: Paths) -> Option<String> {
    match value {
        Value::Object(members) => {
            let is_local = match members.get("provider") {
                Some(Value::Null) | None => is_local,
                own => is_local && self::is_local(own),
            };
            object(members, is_local, paths).or_else(|| {
                let mut values = members.values();
                values.find_map(|value| any(value, is_local, paths))
            })
        }
        Value::Array(values) => values.iter().find_map(|value| any(value, is_local, paths)),
        // Early versions of Strapi encoded JSON twice.
        Value::String(text) if text.trim_start().starts_with(['{', '[', '"']) => {
            let inner = serde_json::from_str::<Value>(text).ok()?;
            any(&inner, is_local, paths)
        }
        _ => None,
    }
}

fn is_local(provider: Option<&Value>) -> bool {
    provider.is_none_or(|it| it.is_null() || *it == LOCAL)
}

/// Looks at the members of an object of which Strapi makes paths.
fn object(
    members: &serde_json::Map<String, Value>,
    is_local: bool,
    paths: Paths,
) -> Option<String> {
    let mut named = PARTS
        .iter()
        .filter_map(|name| Some((*name, members.get(*name)?)));
    // An array is a text too for JavaScript.
    if let Some((name, _)) = named.find(|(_, value)| value.is_array()) {
        return Some(format!("`{name}` is no text"));
    }
    let text = |name: &str| {
        members
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    let (hash, ext) = (text("hash"), text("ext"));
    let file = format!("{hash}{ext}");
    let leads = |name: &str, path: &str| {
        let shown = Short(path);
        Some(format!(
            "`{name}` leads out of the media library: {shown:?}"
        ))
    };
    let is_plain = is_file_name(&file) || file.is_empty();
    if paths == Paths::Plain && is_local && !is_plain {
        let shown = Short(&file);
        return Some(format!(
            "`hash` and `ext` make no name of a file: {shown:?}"
        ));
    }
    // Where one is missing, JavaScript puts a word in its place.
    for (name, path) in [("hash", hash), ("hash", &file), ("ext", ext)] {
        if goes_up(path) || path.starts_with(['/', '\\']) {
            return leads(name, path);
        }
    }
    let (url, path) = (text("url"), text("path"));
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
