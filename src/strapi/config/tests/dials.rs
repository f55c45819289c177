//! Configurations of many kinds, each with what Node dials for it: `tests/strapi/dials.js` asked Strapi's own loader and
//! the clients of the databases.

use super::Project;
use crate::database::{DatabaseSettings, ServerSettings};
use serde_json::{Value, json};

/// What we would dial, in the words of the script.
fn dialled(project: &Project) -> Value {
    let config = match project.load() {
        Ok(config) => config,
        Err(error) => return json!({ "error": error.to_string() }),
    };
    let inside = |path: &std::path::Path| {
        let path = path.strip_prefix(project.path()).unwrap_or(path);
        path.to_string_lossy().into_owned()
    };
    let mut found = match &config.database {
        DatabaseSettings::Sqlite { path } => json!({ "client": "sqlite", "file": inside(path) }),
        DatabaseSettings::Postgres(server) => {
            let mut found = on_server("postgres", server, "full");
            found["schema"] = json!(server.schema);
            found["port"] = json!(server.port);
            found
        }
        DatabaseSettings::Mysql(server) => on_server("mysql", server, "authority"),
    };
    found["provider"] = json!(config.upload.expect("a provider").provider);
    found["public"] = json!(inside(&config.public_dir));
    found
}

fn on_server(client: &str, server: &ServerSettings, checked: &str) -> Value {
    let tls = match &server.tls {
        None => "off",
        Some(tls) if tls.reject_unauthorized => checked,
        Some(_) => "unchecked",
    };
    let host = match &server.socket {
        Some(socket) => socket.to_string_lossy().into_owned(),
        None => server.host.clone(),
    };
    let mut found = json!({
        "client": client,
        "host": host,
        "user": Some(&server.user).filter(|user| !user.is_empty()),
        "database": server.database,
        "password": server.password.as_ref().map(|password| password.expose()),
        "tls": tls,
    });
    if server.socket.is_none() {
        found["port"] = json!(server.port);
    }
    found
}

#[test]
fn what_node_dials_is_dialled() {
    let cases: Vec<Value> =
        serde_json::from_str(include_str!("dials.json")).expect("what the script wrote");
    assert!(cases.len() > 50);
    let mut others = Vec::new();
    for case in &cases {
        let files = case["files"].as_object().expect("files");
        let text = |value: &'static str, it: &Value| it.as_str().expect(value).to_owned();
        let files: Vec<(String, String)> = files
            .iter()
            .map(|(name, it)| (name.clone(), text("a file", it)))
            .collect();
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(name, it)| (name.as_str(), it.as_str()))
            .collect();
        let mut project = Project::new(&files);
        for (name, it) in case["environment"].as_object().expect("variables") {
            project = project.variable(name, &text("a variable", it));
        }
        let mut expected = case["dialled"].clone();
        let mut found = dialled(&project);
        // Strapi does not start either, in words of its own.
        for one in [&mut expected, &mut found] {
            if one.get("error").is_some() {
                *one = json!("refused");
            }
        }
        // Without a database there is nothing to read.
        if expected.get("database") == Some(&json!("")) {
            expected = json!("refused");
        }
        // Where nothing names a user, the client asks the system.
        if expected.get("user").is_none() && found.get("user") == Some(&Value::Null) {
            expected["user"] = Value::Null;
        }
        let fields = |it: &Value| it.as_object().cloned().unwrap_or_default();
        let (mut found_fields, mut expected_fields) = (fields(&found), fields(&expected));
        for fields in [&mut found_fields, &mut expected_fields] {
            fields.retain(|_, value| !value.is_null());
        }
        if (found_fields != expected_fields) || (found.is_string() != expected.is_string()) {
            others.push(format!("{}: {found}, and Node {expected}", case["name"]));
        }
    }
    assert!(others.is_empty(), "{}", others.join("\n"));
}
