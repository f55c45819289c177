//! What stands beside a file of the media library in an archive: Strapi imports nothing of an archive in
//! which one of these lacks something that a row may lack.

use super::{AssetMetadata, Fields, json, media_type};
use std::borrow::Cow;

/// The sidecar of a file of this name and length with all that Strapi asks of one; the same where it has
/// that.
pub(crate) fn complete_sidecar<'a>(sidecar: &'a str, filename: &str, bytes: u64) -> Cow<'a, str> {
    if AssetMetadata::parse(sidecar, filename).is_ok() {
        return Cow::Borrowed(sidecar);
    }
    let Ok(fields) = Fields::parse_with_any_names(sidecar) else {
        return Cow::Borrowed(sidecar);
    };
    let text = |name: &str| fields.text(name).filter(|text| !text.is_empty());
    let quoted = |text: &str| {
        let mut value = String::new();
        json::write_string(&mut value, text);
        value
    };
    let hash = text("hash").filter(|hash| filename.starts_with(hash));
    let hash = hash.unwrap_or_else(|| filename.to_owned());
    let size = fields.get("size").and_then(|size| size.parse::<f64>().ok());
    let mut needed = vec![
        ("hash", quoted(&hash)),
        ("ext", quoted(&filename[hash.len()..])),
    ];
    if text("name").is_none() {
        needed.push(("name", quoted(filename)));
    }
    if text("mime").is_none() {
        needed.push(("mime", quoted(media_type(filename))));
    }
    if !size.is_some_and(|size| size.is_finite() && size >= 0.0) {
        // Kilobytes with two digits, as Strapi counts them.
        let mut value = String::new();
        json::write_f64(&mut value, (bytes as f64 / 10.0).round() / 100.0);
        needed.push(("size", value));
    }
    let mut out = "{".to_owned();
    for (member, value) in &fields.0 {
        write_name(&mut out, member);
        match needed.iter().position(|(own, _)| own == member) {
            Some(index) => out.push_str(&needed.remove(index).1),
            None => out.push_str(value),
        }
    }
    for (member, value) in needed {
        write_name(&mut out, member);
        out.push_str(&value);
    }
    out.push('}');
    Cow::Owned(out)
}

/// Appends the name of a member, after a comma where something stands before it.
fn write_name(out: &mut String, name: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    json::write_string(out, name);
    out.push(':');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_strapi_asks_of_a_sidecar_is_added_and_the_rest_is_left() {
        let whole = r#"{"id":1,"name":"a","hash":"a","ext":".png","mime":"image/png","size":1.5,"url":"/a"}"#;
        assert_eq!(complete_sidecar(whole, "a.png", 1500), whole);
        for (sidecar, filename, completed) in [
            (
                r#"{"id":1,"name":"","hash":"a","ext":".PNG","mime":null,"size":null,"url":"/a","x":[1]}"#,
                "a.PNG",
                r#"{"id":1,"name":"a.PNG","hash":"a","ext":".PNG","mime":"image/png","size":1.23,"url":"/a","x":[1]}"#,
            ),
            (
                r#"{"hash":"a","ext":7,"url":"/a","size":-1,"id":1}"#,
                "a",
                r#"{"hash":"a","ext":"","url":"/a","size":1.23,"id":1,"name":"a","mime":"application/octet-stream"}"#,
            ),
        ] {
            let found = complete_sidecar(sidecar, filename, 1234);
            assert_eq!(found, completed);
            AssetMetadata::parse(&found, filename).expect("as Strapi takes it");
        }
    }
}
