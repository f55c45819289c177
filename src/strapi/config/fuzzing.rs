//! The targets of [`crate::fuzzing`] that need to look inside this room.

use super::{Chosen, connection_string, database, load, source};
use crate::database::Stop;
use crate::dotenv;
use crate::fuzzing::folder;
use crate::strapi::custom_fields::read_code;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The text of a configuration file, of which the first byte tells the kind.
fn file(bytes: &[u8]) -> Option<(&'static str, String)> {
    let (first, rest) = bytes.split_first()?;
    let kinds = ["js", "ts", "json", "mjs", "cjs"];
    let kind = kinds[usize::from(*first) % kinds.len()];
    Some((kind, String::from_utf8_lossy(rest).into_owned()))
}

/// A `config/database` with this text, evaluated; and a `tsconfig.json`.
pub fn configuration(bytes: &[u8]) {
    let Some((kind, text)) = file(bytes) else {
        return;
    };
    let project = folder().join("project");
    let _ = fs::remove_dir_all(&project);
    fs::create_dir_all(project.join("config")).expect("a folder");
    fs::write(project.join(format!("config/database.{kind}")), &text).expect("a file");
    if kind == "json" {
        fs::write(project.join("tsconfig.json"), &text).expect("a file");
    }
    if let Err(error) = load(
        &project,
        &BTreeMap::new(),
        Chosen::default(),
        &Stop::default(),
    ) {
        let _ = error.to_string();
    }
}

/// The text of a script, made plain JavaScript, of which no line may move; and read as the code of a plugin.
pub fn typescript(bytes: &[u8]) {
    let Some((kind, text)) = file(bytes) else {
        return;
    };
    let name = format!("database.{kind}");
    read_code(Path::new(&name), &text);
    if let Ok(code) = source::to_common_js(Path::new(&name), &text) {
        let lines = |text: &str| text.matches('\n').count();
        assert!(lines(&code) >= lines(&text), "{code}");
    }
}

/// A `.env`, and each of its values as a connection string.
pub fn environment(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let values = dotenv::parse(&text);
    for url in values.values().map(String::as_str).chain([&*text]) {
        let _ = connection_string::postgres(url);
        let _ = connection_string::mysql(url);
        if let Err(error) = database::from_url(url, &values) {
            let _ = error.to_string();
        }
    }
}
