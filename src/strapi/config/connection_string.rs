//! Connection strings: PostgreSQL's as the npm package `pg-connection-string` reads them, and MySQL's as Knex does.
//!
//! Both give a JSON object with the keys that a connection in `config/database` may have, so that what follows need
//! not know where a setting came from.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use url::Url;

/// Reads `postgres://user:password@host:port/database?...`, also with a unix socket as host
/// (`postgres://user@/db?host=/run/postgresql`, `postgres://%2Frun%2Fpostgresql/db`, `socket:/run/postgresql?db=x`,
/// `/run/postgresql db`). Certificates named by `sslcert`, `sslkey` and `sslrootcert` are read.
///
/// The error never contains the string, which holds the password.
pub(super) fn postgres(text: &str) -> Result<Map<String, Value>, String> {
    if text.starts_with('/') {
        let mut words = text.split(' ');
        let (host, database) = (words.next(), words.next());
        return Ok(object([
            ("host", json!(host)),
            ("database", json!(database)),
        ]));
    }
    let text = text.replace(' ', "%20");
    // A user without a host, `//user@/db`, is not a valid URL; the host is then empty.
    let (url, no_host) = match Url::parse(&text) {
        Ok(url) => (url, false),
        Err(_) => (
            Url::parse(&text.replacen("@/", "@none/", 1)).map_err(|it| problem(&it))?,
            true,
        ),
    };
    let mut out: Map<String, Value> = url
        .query_pairs()
        .map(|(key, value)| (key.into_owned(), Value::from(value.into_owned())))
        .collect();
    default(&mut out, "user", decoded(url.username()));
    default(
        &mut out,
        "password",
        decoded(url.password().unwrap_or_default()),
    );
    if url.scheme() == "socket" {
        out.insert("host".into(), decoded(url.path()).into());
        let database = out.get("db").cloned().unwrap_or(Value::Null);
        out.insert("database".into(), database);
        return Ok(out);
    }
    let host = if no_host {
        String::new()
    } else {
        decoded(url.host_str().unwrap_or_default())
    };
    default(
        &mut out,
        "host",
        host.trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned(),
    );
    default(
        &mut out,
        "port",
        url.port().map(|port| port.to_string()).unwrap_or_default(),
    );
    let database = decoded(url.path().trim_start_matches('/'));
    out.insert(
        "database".into(),
        if database.is_empty() {
            Value::Null
        } else {
            database.into()
        },
    );
    postgres_tls(&mut out)?;
    Ok(out)
}

fn postgres_tls(out: &mut Map<String, Value>) -> Result<(), String> {
    match text_of(out, "ssl").as_str() {
        "true" | "1" => out.insert("ssl".into(), json!(true)),
        "0" | "false" => out.insert("ssl".into(), json!(false)),
        _ => None,
    };
    let mode = text_of(out, "sslmode");
    let files = [
        ("sslcert", "cert"),
        ("sslkey", "key"),
        ("sslrootcert", "ca"),
    ];
    if mode.is_empty() && files.iter().all(|(name, _)| text_of(out, name).is_empty()) {
        return Ok(());
    }
    let mut tls = Map::new();
    for (name, key) in files {
        let file = text_of(out, name);
        if !file.is_empty() {
            let pem = std::fs::read_to_string(&file)
                .map_err(|error| format!("names {name}={file}, which cannot be read: {error}"))?;
            tls.insert(key.into(), pem.into());
        }
    }
    // Like node-postgres: prefer, require and verify-ca all verify fully, unless libpq's meaning is asked for.
    let libpq = text_of(out, "uselibpqcompat") == "true";
    match mode.as_str() {
        "disable" => {
            out.insert("ssl".into(), json!(false));
            return Ok(());
        }
        "no-verify" => {
            tls.insert("rejectUnauthorized".into(), json!(false));
        }
        "prefer" if libpq => {
            tls.insert("rejectUnauthorized".into(), json!(false));
        }
        "require" if libpq && !tls.contains_key("ca") => {
            tls.insert("rejectUnauthorized".into(), json!(false));
        }
        "require" | "verify-ca" if libpq => {
            tls.insert("verifyIdentity".into(), json!(false));
        }
        _ => {}
    }
    out.insert("ssl".into(), Value::Object(tls));
    Ok(())
}

/// Reads `mysql://user:password@host:port/database?...`. Values of the query are JSON where they can be read as such
/// (`ssl={"rejectUnauthorized":true}`); `ssl-mode` and `sslmode` are understood as well.
///
/// The error never contains the string, which holds the password.
pub(super) fn mysql(text: &str) -> Result<Map<String, Value>, String> {
    let url = Url::parse(text).map_err(|it| problem(&it))?;
    let mut out = Map::new();
    for (key, value) in url.query_pairs() {
        let value =
            serde_json::from_str(&value).unwrap_or_else(|_| Value::from(value.into_owned()));
        out.insert(key.into_owned(), value);
    }
    for (key, value) in [
        ("user", decoded(url.username())),
        ("password", decoded(url.password().unwrap_or_default())),
        (
            "host",
            decoded(url.host_str().unwrap_or_default())
                .trim_start_matches('[')
                .trim_end_matches(']')
                .to_owned(),
        ),
        (
            "port",
            url.port().map(|port| port.to_string()).unwrap_or_default(),
        ),
        ("database", decoded(url.path().trim_start_matches('/'))),
    ] {
        if !value.is_empty() {
            out.insert(key.into(), value.into());
        }
    }
    let mode = [text_of(&out, "ssl-mode"), text_of(&out, "sslmode")]
        .concat()
        .to_ascii_lowercase()
        .replace('_', "-");
    let tls =
        match mode.as_str() {
            "" => return Ok(out),
            "disabled" | "disable" => json!(false),
            "preferred" | "prefer" | "required" | "require" | "no-verify" => {
                json!({ "rejectUnauthorized": false })
            }
            "verify-ca" => json!({}),
            "verify-identity" | "verify-full" => json!({ "verifyIdentity": true }),
            _ => return Err(
                "has an ssl-mode that is none of disabled, required, verify-ca and verify-identity"
                    .into(),
            ),
        };
    out.insert("ssl".into(), tls);
    Ok(out)
}

fn default(out: &mut Map<String, Value>, key: &str, value: String) {
    if text_of(out, key).is_empty() {
        out.insert(key.into(), value.into());
    }
}

fn text_of(map: &Map<String, Value>, key: &str) -> String {
    map.get(key)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn problem(error: &url::ParseError) -> String {
    format!("is not a valid URL ({error})")
}

fn object<const N: usize>(pairs: [(&str, Value); N]) -> Map<String, Value> {
    pairs
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Value {
        Value::Object(postgres(text).expect("a connection"))
    }

    #[test]
    fn the_parts_of_a_postgres_url_are_decoded() {
        let it = read(
            "postgres://al%40ice:p%2Fw%3A%23@db.example:6432/my%20db?schema=cms&application_name=x",
        );
        assert_eq!(it["user"], "al@ice");
        assert_eq!(it["password"], "p/w:#");
        assert_eq!(it["host"], "db.example");
        assert_eq!(it["port"], "6432");
        assert_eq!(it["database"], "my db");
        assert_eq!(it["schema"], "cms");
        assert_eq!(it.get("ssl"), None);
    }

    #[test]
    fn sockets_may_be_written_in_several_ways() {
        for text in [
            "postgres://me@/cms?host=/run/pg",
            "postgres:///cms?host=/run/pg",
            "postgres://%2Frun%2Fpg/cms",
            "socket:/run/pg?db=cms",
            "/run/pg cms",
        ] {
            let it = read(text);
            assert_eq!(
                (&it["host"], &it["database"]),
                (&json!("/run/pg"), &json!("cms")),
                "{text}"
            );
        }
        assert_eq!(read("postgres://me:pw@/cms?host=/run/pg")["password"], "pw");
        assert_eq!(read("postgres://[::1]:5/cms")["host"], "::1");
    }

    #[test]
    fn tls_follows_the_mode() {
        for (query, expected) in [
            ("sslmode=disable", json!(false)),
            ("sslmode=require", json!({})),
            ("sslmode=verify-full", json!({})),
            ("sslmode=no-verify", json!({ "rejectUnauthorized": false })),
            (
                "sslmode=require&uselibpqcompat=true",
                json!({ "rejectUnauthorized": false }),
            ),
            ("ssl=true", json!(true)),
            ("ssl=0", json!(false)),
        ] {
            assert_eq!(
                read(&format!("postgres://h/d?{query}"))["ssl"],
                expected,
                "{query}"
            );
        }
        let error =
            postgres("postgres://u:hunter2@h/d?sslrootcert=/no/such/file").expect_err("no file");
        assert!(
            error.contains("/no/such/file") && !error.contains("hunter2"),
            "{error}"
        );
    }

    #[test]
    fn a_mysql_url_has_json_in_its_query() {
        let it = Value::Object(
            mysql("mysql://r%40:p%25w@h/cms?ssl={\"ca\":\"x\"}&charset=utf8mb4").expect("ok"),
        );
        assert_eq!(
            (&it["user"], &it["password"], &it["database"]),
            (&json!("r@"), &json!("p%w"), &json!("cms"))
        );
        assert_eq!(it["ssl"]["ca"], "x");
        assert_eq!(it["charset"], "utf8mb4");
        assert_eq!(
            mysql("mysql://h/d?ssl-mode=VERIFY_IDENTITY").expect("ok")["ssl"],
            json!({ "verifyIdentity": true })
        );
        assert!(mysql("mysql://u:hunter2@h:port/d").is_err_and(|error| !error.contains("hunter2")));
    }
}
