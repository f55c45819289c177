//! What schemas of Strapi say.

use serde_json::{Map, Value, json};

/// What Strapi adds to the attributes of a content type without drafts and languages.
pub fn added(uid: &str, table: &Value, documents: bool) -> Map<String, Value> {
    let user = json!({
        "type": "relation", "relation": "oneToOne", "target": "admin::user", "configurable": false,
        "writable": false, "visible": false, "useJoinTable": false, "private": true,
    });
    let mut all = json!({
        "createdAt": {"type": "datetime"},
        "updatedAt": {"type": "datetime"},
    });
    if documents {
        all["publishedAt"] =
            json!({"type": "datetime", "configurable": false, "writable": true, "visible": true});
    }
    all["createdBy"] = user.clone();
    all["updatedBy"] = user;
    if documents {
        all["locale"] = json!({
            "writable": true, "private": true, "configurable": false, "visible": false,
            "type": "string",
        });
        all["localizations"] = json!({
            "type": "relation", "relation": "oneToMany", "target": uid, "writable": false,
            "private": true, "configurable": false, "visible": false, "unstable_virtual": true,
            "joinColumn": {
                "name": "document_id", "referencedColumn": "document_id", "referencedTable": table,
            },
        });
    }
    all.as_object().cloned().unwrap_or_default()
}

/// A name in small letters, with hyphens between its words.
pub fn hyphened(name: &str) -> String {
    let mut out = String::new();
    let mut was_small = false;
    for character in name.chars() {
        if !character.is_ascii_alphanumeric() {
            was_small = true;
            continue;
        }
        if character.is_ascii_uppercase() && was_small && !out.is_empty() {
            out.push('-');
        }
        out.push(character.to_ascii_lowercase());
        was_small = !character.is_ascii_uppercase();
    }
    match out.starts_with(|it: char| it.is_ascii_lowercase()) {
        true => out,
        false => format!("type-{out}"),
    }
}
