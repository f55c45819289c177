//! The `ssl` setting of a connection.

use serde_json::{Map, Value};

use crate::database::{Secret, TlsSettings};

impl TlsSettings {
    /// Reads `ssl`: a boolean, `"no-verify"`, or an object. `None` is a connection without TLS. An error is a key and
    /// what is wrong with its value.
    pub(super) fn read(
        ssl: &Value,
        verify_identity: bool,
    ) -> Result<Option<Self>, (String, String)> {
        let empty = Map::new();
        let (given, trusting) = match ssl {
            Value::Null | Value::Bool(false) => return Ok(None),
            Value::Number(number) if number.as_f64() == Some(0.0) => return Ok(None),
            Value::String(text) => match text.as_str() {
                "" | "false" => return Ok(None),
                "true" => (&empty, false),
                "no-verify" => (&empty, true),
                _ => {
                    let problem = "is a name; name the authorities in ssl.ca instead".to_owned();
                    return Err(("connection.connection.ssl".into(), problem));
                }
            },
            Value::Bool(true) | Value::Number(_) | Value::Array(_) => (&empty, false),
            Value::Object(map) => (map, false),
        };
        let no = |key: &str| given.get(key) == Some(&Value::Bool(false));
        let identity = match given.get("verifyIdentity") {
            Some(Value::Bool(wanted)) => *wanted,
            _ => verify_identity,
        };
        Ok(Some(Self {
            reject_unauthorized: !trusting && !no("rejectUnauthorized"),
            verify_identity: identity,
            ca: pem(given, "ca")?,
            cert: pem(given, "cert")?,
            key: pem(given, "key")?.map(Secret::new),
            passphrase: pem(given, "passphrase")?.map(Secret::new),
            servername: pem(given, "servername")?,
        }))
    }
}

/// A text, or a list of texts one below the other.
fn pem(given: &Map<String, Value>, key: &str) -> Result<Option<String>, (String, String)> {
    let text = match given.get(key) {
        None | Some(Value::Null | Value::Bool(false)) => return Ok(None),
        Some(Value::String(text)) => Some(text.clone()),
        Some(Value::Array(list)) => {
            let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            texts.map(|texts| texts.join("\n"))
        }
        Some(_) => None,
    };
    match text {
        Some(text) if text.is_empty() => Ok(None),
        Some(text) => Ok(Some(text)),
        None => Err((
            format!("connection.connection.ssl.{key}"),
            "is neither a text nor a list of texts".into(),
        )),
    }
}
