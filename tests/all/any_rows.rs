//! Rows that nobody thought of, such as Strapi never writes and such as it does, in the tables of a project: what an
//! export ends with 0 for, `verify` passes and an import restores, value for value; and what is not restored as it was
//! was listed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::Value as Json;

use crate::support::anywhere::Anywhere;
use crate::support::archive::Archive;
use crate::support::cli::{Outcome, PLAIN, backup, run};
use crate::support::databases::{ODD, Server, on_each_server};
use crate::support::dice::Dice;

on_each_server!(what_an_export_does_not_list_comes_back_on_a_server,);

#[test]
fn what_an_export_does_not_list_comes_back_on_sqlite() {
    rounds(None, 6);
}

fn what_an_export_does_not_list_comes_back_on_a_server(server: Server) {
    rounds(Some(server), 4);
}

mod long {
    use crate::support::databases::Server;

    #[test]
    #[ignore = "long: 300 rounds, a hundred rows each"]
    fn what_an_export_does_not_list_comes_back_on_sqlite() {
        super::rounds(None, 300);
    }

    #[test]
    #[ignore = "long: 100 rounds, a hundred rows each"]
    fn what_an_export_does_not_list_comes_back_on_postgresql() {
        if Server::Postgres.is_there() {
            super::rounds(Some(Server::Postgres), 100);
        }
    }

    #[test]
    #[ignore = "long: 100 rounds, a hundred rows each"]
    fn what_an_export_does_not_list_comes_back_on_mysql() {
        if Server::Mysql.is_there() {
            super::rounds(Some(Server::Mysql), 100);
        }
    }
}

/// The first id that no row of the project in `testdata` has.
const FIRST: usize = 2000;
/// Bytes of a name that is too long for an archive.
const LONG: usize = 5000;
/// The table of the core store.
const CORE_STORE: &str = "strapi_core_store_settings";
/// Rounds at the most that are added until an export ends with 0.
const MORE: usize = 40;
/// Rows a table gets in a round.
const ROWS: usize = 12;

/// A table that gets random rows: its name, what its rows are called in warnings, and columns that are random less often,
/// with `ID` for the id; never random where they begin with `=`.
type Table = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const TABLES: [Table; 8] = [
    (
        "articles",
        "api::article.article",
        &[
            ("document_id", "'odd ID'"),
            ("locale", "='en'"),
            ("created_by_id", "=NULL"),
            ("updated_by_id", "=NULL"),
        ],
    ),
    (
        "tags",
        "api::tag.tag",
        &[
            ("document_id", "'odd ID'"),
            ("created_by_id", "=NULL"),
            ("updated_by_id", "=NULL"),
            ("inline_category_id", "=1"),
            ("locale", "=NULL"),
        ],
    ),
    (
        "files",
        "plugin::upload.file",
        &[
            ("document_id", "'odd ID'"),
            ("hash", "='oddID'"),
            ("ext", "='.txt'"),
            ("url", "='/uploads/oddID.txt'"),
            ("provider", "='local'"),
            ("created_by_id", "=NULL"),
            ("updated_by_id", "=NULL"),
        ],
    ),
    ("components_shared_seos", "shared.seo", &[]),
    ("components_shared_kvs", "shared.kv", &[]),
    ("components_blocks_quotes", "blocks.quote", &[]),
    (
        "strapi_core_store_settings",
        "the core-store",
        &[("key", "'odd ID'")],
    ),
    ("strapi_webhooks", "the webhook", &[]),
];

/// Columns that no schema knows.
const UNKNOWN: [&str; 2] = ["articles", "components_shared_seos"];

/// What makes the components those of the articles, and joins rows at random: `R` is a number of some row. What stands
/// in `<>` may be anything.
const JOINS: [&str; 6] = [
    "articles_cmps (entity_id, cmp_id, component_type, field) VALUES (ID, ID, <'shared.seo'>, <'seo'>)",
    "components_shared_seos_cmps (entity_id, cmp_id, component_type, field, ORDER) VALUES (ID, ID, <'shared.kv'>, <'meta'>, R)",
    "articles_cmps (entity_id, cmp_id, component_type, field, ORDER) VALUES (ID, ID, <'blocks.quote'>, <'zone'>, R)",
    "articles_tags_lnk (article_id, tag_id, tag_ord, article_ord) VALUES (ID, R, P, P)",
    "files_related_mph (file_id, related_id, related_type, field, ORDER) VALUES (ID, R, <'api::article.article'>, <'cover'>, P)",
    "files_related_mph (file_id, related_id, related_type, field, ORDER) VALUES (R, ID, <'shared.seo'>, <'shareImage'>, P)",
];

fn rounds(server: Option<Server>, rounds: usize) {
    let mut dice = Dice::new();
    let (source, copy) = (Anywhere::new(server), Anywhere::new(server));
    for id in FIRST..FIRST + ROWS {
        fs::write(
            source.project().uploads().join(format!("odd{id}.txt")),
            "odd",
        )
        .unwrap();
        fs::write(source.project().uploads().join(format(id)), "format").unwrap();
    }
    let add =
        |table: &str, column: &str| format!("ALTER TABLE {table} ADD COLUMN {column} VARCHAR(99)");
    let unknown = UNKNOWN.map(|table| add(table, "unknown"));
    // No server has names as long as that.
    let long = server.is_none().then(|| add(CORE_STORE, &"x".repeat(LONG)));
    statements(&source, server, unknown.into_iter().chain(long));
    let types = types(&source, server);
    let (mut complete, mut round) = (0, 0);
    // By chance every one of a few rounds has a value that is listed: some more, then, until one has none.
    while round < rounds || (complete == 0 && round < rounds + MORE) {
        // Every second one has a single odd value, if that: those are the ones that may end with 0.
        let odds = if round % 2 == 0 && round < rounds {
            2
        } else {
            400
        };
        let rows = random_rows(&mut dice, server, &types, odds);
        put(&source, server, &rows);
        let what = format!("seed {}, round {round} on {server:?}", dice.seed);
        complete += usize::from(round_trip(&source, &copy, server, &types, &rows, &what));
        let sql = TABLES.map(|(table, ..)| format!("DELETE FROM {table} WHERE id >= {FIRST}"));
        let start = START.map(|own| own.1);
        let joins = JOINED.map(|(table, ..)| format!("DELETE FROM {table} WHERE id >= {FIRST}"));
        statements(
            &source,
            server,
            start.iter().map(|_| String::new()).chain(joins).chain(sql),
        );
        round += 1;
    }
    assert!(complete > 0, "no export of seed {} ended with 0", dice.seed);
}

/// What a session takes values with that its server would refuse otherwise.
const START: [(Option<Server>, &str); 2] = [
    (None, "PRAGMA foreign_keys = OFF"),
    (
        Some(Server::Mysql),
        "SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES,ALLOW_INVALID_DATES,NO_AUTO_VALUE_ON_ZERO'",
    ),
];

fn statements(site: &Anywhere, server: Option<Server>, sql: impl Iterator<Item = String>) {
    let start = START.iter().filter(|(own, _)| *own == server);
    let all: Vec<String> = start.map(|(_, sql)| (*sql).to_owned()).chain(sql).collect();
    match site {
        Anywhere::Sqlite(project) => {
            let connection = project.connect();
            for sql in all.iter().filter(|sql| !sql.is_empty()) {
                let done = connection.execute_batch(sql);
                done.unwrap_or_else(|error| panic!("{error}\n{sql}"));
            }
        }
        Anywhere::Server(site) => site.database.sql(all),
    }
}

/// The columns of each table with their types.
fn types(site: &Anywhere, server: Option<Server>) -> BTreeMap<&'static str, Vec<(String, String)>> {
    let mut connection = site.connect();
    let of = |table: &'static str| {
        let sql = match server {
            None => format!("SELECT name, type FROM pragma_table_info('{table}')"),
            Some(Server::Postgres) => format!(
                "SELECT column_name::text, udt_name::text FROM information_schema.columns WHERE table_name = '{table}' \
                 AND table_schema = 'public' ORDER BY ordinal_position"
            ),
            Some(Server::Mysql) => format!(
                "SELECT column_name, CASE WHEN EXISTS (SELECT 1 FROM information_schema.check_constraints own WHERE \
                 own.constraint_schema = database() AND own.table_name = '{table}' AND own.constraint_name = \
                 column_name) THEN 'json' ELSE column_type END FROM information_schema.columns WHERE table_name = '{table}' \
                 AND table_schema = database() ORDER BY ordinal_position"
            ),
        };
        let mut columns = Vec::new();
        let text = |value: strapi_backup::database::Value<'_>| value.as_str().unwrap().to_owned();
        let each = &mut |row: &dyn strapi_backup::database::Row| {
            columns.push((text(row.value(0)?), text(row.value(1)?)));
            Ok(())
        };
        connection.query(&sql, &[], each).unwrap();
        (table, columns)
    };
    TABLES
        .map(|(table, ..)| table)
        .map(of)
        .into_iter()
        .collect()
}

/// Statements that add rows.
fn random_rows(
    dice: &mut Dice,
    server: Option<Server>,
    types: &BTreeMap<&'static str, Vec<(String, String)>>,
    odds: usize,
) -> Vec<String> {
    let quote = if server == Some(Server::Mysql) {
        '`'
    } else {
        '"'
    };
    let insert = if server == Some(Server::Mysql) {
        "INSERT IGNORE"
    } else {
        "INSERT"
    };
    let mut rows = Vec::new();
    for id in FIRST..FIRST + ROWS {
        for (table, _, given) in TABLES {
            let (mut names, mut values) = (vec![format!("{quote}id{quote}")], vec![id.to_string()]);
            for (column, type_) in &types[table] {
                if column == "id" {
                    continue;
                }
                names.push(format!("{quote}{column}{quote}"));
                let given = given.iter().find(|(own, _)| own == column);
                values.push(match given {
                    Some((_, value)) if value.starts_with('=') || dice.below(4 * odds) != 0 => {
                        value.trim_start_matches('=').replace("ID", &id.to_string())
                    }
                    Some(_) if server.is_none() && dice.below(3) == 0 => literal(&"x".repeat(LONG)),
                    Some(_) => odd_value(dice, server, type_),
                    None if dice.below(odds) != 0 => "NULL".into(),
                    None if column == "formats" && dice.below(2) == 0 => {
                        odd_formats(dice, server, id)
                    }
                    None => odd_value(dice, server, type_),
                });
            }
            rows.push(format!(
                "{insert} INTO {table} ({}) VALUES ({})",
                names.join(","),
                values.join(",")
            ));
        }
    }
    for id in FIRST..FIRST + ROWS {
        for join in JOINS {
            let place = match dice.below(odds * 4) {
                0 if server.is_none() => {
                    pick(dice, &["9e999", "'first'", "X'00'", "1.5"]).to_owned()
                }
                0 if server == Some(Server::Postgres) => {
                    pick(dice, &["'NaN'", "'Infinity'", "-1e300"]).to_owned()
                }
                _ => dice.below(9).to_string(),
            };
            let other = match dice.below(odds * 4) {
                0 if server.is_none() => pick(dice, &["'abc'", "1.5", "999999", "NULL"]).to_owned(),
                _ => (FIRST + dice.below(ROWS)).to_string(),
            };
            // Ids of their own, by which they are found again.
            let (table, columns) = join.split_once(" (").unwrap();
            let own = rows.len() + FIRST;
            let join = format!(
                "{table} (id, {}",
                columns.replace("VALUES (", &format!("VALUES ({own}, "))
            );
            let mut join = join.replace("ORDER", &format!("{quote}order{quote}"));
            while let Some((start, rest)) = join.split_once('<') {
                let (name, end) = rest.split_once('>').unwrap();
                let name = match dice.below(odds * 4) {
                    0 => odd_name(dice, server, name),
                    _ => name.to_owned(),
                };
                join = format!("{start}{name}{end}");
            }
            rows.push(format!(
                "{insert} INTO {}",
                join.replace("ID", &id.to_string())
                    .replace(", R", &format!(", {other}"))
                    .replace("(R", &format!("({other}"))
                    .replace(", P", &format!(", {place}"))
            ));
        }
    }
    rows
}

fn put(site: &Anywhere, server: Option<Server>, rows: &[String]) {
    statements(site, server, rows.iter().cloned());
}

// ------------------------------------------------------------------ values

const TEXTS: [&str; 22] = [
    "",
    " ",
    "abc",
    "12",
    "007",
    " 5 ",
    "1e400",
    "9e999",
    "0x10",
    "NaN",
    "Infinity",
    "true",
    "null",
    "\u{feff}",
    "it's",
    "13:45:00",
    "2024-02-29",
    "2024-02-31",
    "2024-01-01 10:00:00",
    "2024-01-01T10:00:00.123456Z",
    "tomorrow",
    "🎉 \\ \" `",
];
const JSON: [&str; 20] = [
    "{}",
    "[]",
    "null",
    "true",
    "0",
    "1.50",
    "-0.0",
    "1e400",
    "12345678901234567890.123",
    "{ \"a\" : [1.0, \"\\u00e9\"] }",
    "\"text\"",
    "\"5\"",
    "\"null\"",
    "\"{\\\"a\\\":1}\"",
    "\"\\\"twice\\\"\"",
    "\"\"",
    "{\"a\":1,\"a\":2}",
    "{\"\":{\"\":[]}}",
    "9007199254740993",
    "\" 7\"",
];
const NO_JSON: [&str; 6] = [
    "{broken",
    "[1,2",
    "\"\\ud800\"",
    "{\"a\":\"\\ud800\"}",
    "'a'",
    "\"half",
];
const DATES: [&str; 5] = [
    "2024-02-29",
    "0001-01-01",
    "9999-12-31",
    "1969-12-31",
    "0999-06-07",
];
const TIMES: [&str; 5] = [
    "00:00:00",
    "13:45:00",
    "23:59:59.999",
    "12:00:00.1",
    "24:00:00",
];
const INSTANTS: [&str; 6] = [
    "2024-02-29 12:00:00",
    "2024-02-29 12:00:00.123",
    "2024-02-29 12:00:00.123456",
    "1969-12-31 23:59:59.999999",
    "0001-01-02 00:00:00.000001",
    "9999-12-30 23:59:59.999999",
];

fn pick<'a>(dice: &mut Dice, of: &[&'a str]) -> &'a str {
    of[dice.below(of.len())]
}

fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Any finite number, as it is written.
fn number(dice: &mut Dice) -> String {
    let any = f64::from_bits((dice.below(1 << 32) as u64) << 32 | dice.below(1 << 32) as u64);
    let any = if any.is_finite() { any } else { 0.5 };
    match dice.below(4) {
        0 => format!("{any:e}"),
        1 => format!("{:e}", (any % 1e9) / 7.0),
        2 => pick(
            dice,
            &[
                "0.1",
                "1e21",
                "-1.7976931348623157e308",
                "5e-324",
                "1e15",
                "0.30000000000000004",
            ],
        )
        .to_owned(),
        _ => integer(dice),
    }
}

fn integer(dice: &mut Dice) -> String {
    match dice.below(3) {
        0 => pick(
            dice,
            &[
                "0",
                "1",
                "5",
                "-1",
                "9007199254740993",
                "-9223372036854775807",
                "9223372036854775807",
            ],
        )
        .to_owned(),
        1 => dice.below(1 << 40).to_string(),
        _ => dice.below(200).to_string(),
    }
}

fn text(dice: &mut Dice) -> String {
    match dice.below(3) {
        0 => ODD.into(),
        1 => {
            let letters = [
                'a', '0', '"', '\\', '{', '}', ':', 'é', '\u{2028}', '🎉', '\n', '\t', ' ', '-',
                '.', '\u{1}',
            ];
            (0..dice.below(12))
                .map(|_| letters[dice.below(letters.len())])
                .collect()
        }
        _ => pick(dice, &TEXTS).into(),
    }
}

/// The file of a format of the file with this id.
fn format(id: usize) -> String {
    format!("odd{id}f.txt")
}

fn odd_formats(dice: &mut Dice, server: Option<Server>, id: usize) -> String {
    let name = match dice.below(2) {
        0 => "x".repeat(LONG),
        _ => "thumbnail".to_owned(),
    };
    // In the order of PostgreSQL, which what was encoded twice has only after a restore.
    let (hash, url) = (format!("odd{id}f"), format!("/uploads/{}", format(id)));
    let formats = serde_json::json!({name: {"ext": ".txt", "url": url, "hash": hash}}).to_string();
    let formats = match dice.below(2) {
        0 if server != Some(Server::Mysql) => Json::from(formats).to_string(),
        _ => formats,
    };
    literal(&formats)
}

/// A name that stands in a row that joins others, where this one should.
fn odd_name(dice: &mut Dice, server: Option<Server>, name: &str) -> String {
    match dice.below(if server.is_none() { 7 } else { 4 }) {
        0 => "NULL".into(),
        1 => "'nowhere'".into(),
        2 => "''".into(),
        3 => literal(ODD),
        4 => format!("CAST({name} AS BLOB)"),
        5 => "CAST(X'61ff62' AS TEXT)".into(),
        _ => literal(&"x".repeat(LONG)),
    }
}

fn odd_value(dice: &mut Dice, server: Option<Server>, type_: &str) -> String {
    match server {
        None => odd_on_sqlite(dice),
        Some(Server::Postgres) => odd_on_postgres(dice, type_),
        Some(Server::Mysql) => odd_on_mysql(dice, type_),
    }
}

/// SQLite takes anything anywhere.
fn odd_on_sqlite(dice: &mut Dice) -> String {
    match dice.below(12) {
        0 => integer(dice),
        1 | 2 => number(dice),
        3 => pick(
            dice,
            &[
                "9e999",
                "-9e999",
                "8640000000000000",
                "8640000000000001",
                "1.5",
                "-0.0",
            ],
        )
        .into(),
        4 => literal(pick(dice, &JSON)),
        5 => literal(pick(dice, &NO_JSON)),
        6 => literal(pick(dice, &DATES)),
        7 => literal(pick(dice, &TIMES)),
        8 => literal(pick(dice, &INSTANTS)),
        9 => pick(
            dice,
            &[
                "X''",
                "X'616263'",
                "X'00ff'",
                "CAST(X'61ff62' AS TEXT)",
                "CAST(X'eda080' AS TEXT)",
            ],
        )
        .into(),
        _ => literal(&text(dice)),
    }
}

fn odd_on_postgres(dice: &mut Dice, type_: &str) -> String {
    match type_ {
        "bool" => pick(dice, &["true", "false"]).into(),
        "int4" => (dice.below(1 << 31) as i64 - 7).to_string(),
        "int8" => integer(dice),
        "float8" => match dice.below(3) {
            0 => literal(pick(dice, &["NaN", "Infinity", "-Infinity", "-0"])),
            _ => number(dice),
        },
        "numeric" => pick(dice, &["'NaN'", "0.005", "-99999999.99", "1.50", "7"]).into(),
        "date" => match dice.below(2) {
            0 => literal(pick(
                dice,
                &[
                    "infinity",
                    "-infinity",
                    "0044-03-15 BC",
                    "10000-01-01",
                    "5874897-12-31",
                ],
            )),
            _ => literal(pick(dice, &DATES)),
        },
        "time" => match dice.below(2) {
            0 => literal(pick(
                dice,
                &["24:00:00", "13:45:00.123456", "00:00:00.000001"],
            )),
            _ => literal(pick(dice, &TIMES)),
        },
        "timestamp" | "timestamptz" => match dice.below(2) {
            0 => literal(pick(
                dice,
                &[
                    "infinity",
                    "-infinity",
                    "0044-03-15 12:00:00.5 BC",
                    "4713-01-02 00:00:00 BC",
                    "275760-09-13 00:00:00",
                    "275760-09-13 00:00:00.000001",
                    "294276-12-31 23:59:59.999999",
                ],
            )),
            _ => literal(pick(dice, &INSTANTS)),
        },
        // No such numbers and no half pairs there.
        "jsonb" | "json" => literal(pick(dice, &JSON)),
        _ => literal(&text(dice)),
    }
}

fn odd_on_mysql(dice: &mut Dice, type_: &str) -> String {
    let type_ = type_.to_ascii_lowercase();
    let is = |name: &str| type_.starts_with(name);
    if is("tinyint") {
        pick(dice, &["0", "1", "5", "-128"]).into()
    } else if is("int") || is("bigint") {
        integer(dice)
    } else if is("double") || is("float") {
        number(dice)
    } else if is("decimal") {
        pick(dice, &["0.005", "-99999999.99", "1.50", "7"]).into()
    } else if is("datetime") || is("timestamp") {
        match dice.below(3) {
            0 => literal(pick(
                dice,
                &[
                    "0000-00-00 00:00:00",
                    "2024-02-31 01:00:00",
                    "2024-00-10 00:00:00",
                ],
            )),
            _ => literal(pick(dice, &INSTANTS)),
        }
    } else if is("date") {
        match dice.below(3) {
            0 => literal(pick(
                dice,
                &["0000-00-00", "2024-00-10", "2024-02-31", "0000-01-01"],
            )),
            _ => literal(pick(dice, &DATES)),
        }
    } else if is("time") {
        match dice.below(3) {
            0 => literal(pick(dice, &["-26:00:00", "838:59:59", "00:00:00.001"])),
            _ => literal(pick(dice, &TIMES)),
        }
    } else if is("json") {
        literal(pick(dice, &JSON))
    } else {
        literal(&text(dice))
    }
}

// ------------------------------------------------------------------ what becomes of them

/// Exports, verifies, imports elsewhere and exports again; gives whether the export ended with 0.
fn round_trip(
    source: &Anywhere,
    copy: &Anywhere,
    server: Option<Server>,
    types: &BTreeMap<&'static str, Vec<(String, String)>>,
    rows: &[String],
    what: &str,
) -> bool {
    let export = |site: &Anywhere| -> (Outcome, Archive, std::path::PathBuf) {
        let path = site.project().archive("any.tar");
        let _ = fs::remove_file(&path);
        let incomplete = site.project().archive("any.incomplete.tar");
        let _ = fs::remove_file(&incomplete);
        let outcome = site
            .project()
            .run("export", [&["-f", "any"], &PLAIN[..]].concat());
        let made: &Path = if path.exists() { &path } else { &incomplete };
        assert!(made.exists(), "{what}\n{}", outcome.all());
        (outcome, Archive::open(made, None), made.to_owned())
    };
    let (outcome, archive, path) = export(source);
    let code = outcome.code;
    assert!(matches!(code, Some(0 | 3)), "{what}\n{}", outcome.all());
    let verified = run(&mut backup(["verify", path.to_str().unwrap()]));
    assert_eq!(
        verified.code,
        code,
        "{what}\n{}\n{}",
        outcome.all(),
        verified.all()
    );
    let drilled = run(&mut backup(["drill", path.to_str().unwrap()]));
    assert_eq!(drilled.code, code, "{what}\n{}", drilled.all());
    let imported = copy.import(&path, &[]);
    assert_eq!(
        imported.code,
        Some(0),
        "{what}\n{}\n{}",
        outcome.all(),
        imported.all()
    );
    let (again, second, _) = export(copy);
    let mut differences = archive.differences(&second);
    if code == Some(3) {
        // SQLite gives links in the order of document ids, and those that were bytes have become texts.
        let sorted =
            |archive: &Archive| archive.lines("links").into_iter().collect::<BTreeSet<_>>();
        let same = sorted(&archive) == sorted(&second);
        differences.retain(|name| !(same && name.starts_with("links/")));
    }
    if !differences.is_empty() {
        let lines = |archive: &Archive| -> BTreeSet<String> {
            let stages = ["entities", "links", "configuration"];
            stages
                .iter()
                .flat_map(|stage| archive.lines(stage))
                .collect()
        };
        let (one, other) = (lines(&archive), lines(&second));
        let lost: Vec<_> = one.difference(&other).collect();
        let new: Vec<_> = other.difference(&one).collect();
        panic!(
            "{what}\n{differences:?}\n{lost:#?}\n{new:#?}\n{}\n{}",
            outcome.all(),
            again.all()
        );
    }
    let told: Vec<String> = outcome
        .lines("warning: ")
        .iter()
        .map(|line| (*line).to_owned())
        .collect();
    assert_eq!(
        code == Some(0),
        told.is_empty(),
        "{what}\n{}",
        outcome.all()
    );
    for id in FIRST..FIRST + ROWS {
        let file = format(id);
        let is_named = rows.iter().any(|row| row.contains(&file));
        assert!(
            !is_named
                || archive
                    .entries
                    .contains_key(&format!("assets/uploads/{file}"))
                || outcome.all().contains(&file),
            "{what}: {file} is not there, and nothing says so\n{}",
            outcome.all()
        );
    }
    compare_joins(source, copy, &outcome, what);
    for (table, uid, _) in TABLES {
        for (column, type_) in &types[table] {
            if column.len() == LONG || (column == "unknown" && UNKNOWN.contains(&table)) {
                let is_listed = told.iter().any(|line| {
                    line.contains(&format!("column `{column}` of the table {table}: "))
                });
                let values = cells(source, server, table, column);
                assert!(
                    is_listed || values.values().all(|value| value == "NULL"),
                    "{what}: {table}.{column} was {values:?}, and nothing says so"
                );
                continue;
            }
            // `provider_metadata` is called so in its schema as well.
            let listed =
                [camel_case(column), column.clone()].map(|name| format!("`{name}` of {uid}:"));
            let is_listed = |line: &String| listed.iter().any(|listed| line.contains(listed));
            if told.iter().any(is_listed) {
                continue;
            }
            let (before, after) = (
                cells(source, server, table, column),
                cells(copy, server, table, column),
            );
            // Components whose join is left out, which was held against what is told, are in no archive.
            let may_lack = table.starts_with("components_");
            assert!(
                before.len() == after.len() || (may_lack && before.len() > after.len()),
                "{what}: rows of {table}"
            );
            for (id, other) in &after {
                let one = &before[id];
                assert!(
                    is_same(uid, column, type_, one, other),
                    "{what}: {table}.{column} ({type_}) was {one} and is {other}, and nothing says so\n{}",
                    outcome.all()
                );
            }
        }
    }
    code == Some(0)
}

/// A table that joins rows: its columns, and how the lines begin, behind what they are, that say what of it is left
/// out or changed.
type Joined = (
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
);

const JOINED: [Joined; 4] = [
    (
        "articles_cmps",
        &["entity_id", "cmp_id", "component_type", "field"],
        &["of api::article.article: ", "the table articles_cmps: "],
    ),
    (
        "components_shared_seos_cmps",
        &["entity_id", "cmp_id", "component_type", "field"],
        // What a component holds is left out with it.
        &[
            "of shared.seo: ",
            "the table components_shared_seos_cmps: ",
            "of api::article.article: ",
            "the table articles_cmps: ",
        ],
    ),
    (
        "articles_tags_lnk",
        &["article_id", "tag_id", "tag_ord", "article_ord"],
        &[
            "links of `tags` of api::article.article: ",
            "the table articles_tags_lnk: ",
        ],
    ),
    (
        "files_related_mph",
        &["file_id", "related_id", "related_type", "field", "order"],
        &[
            "links of `related` of plugin::upload.file: ",
            "the table files_related_mph: ",
        ],
    ),
];

/// Fails where rows of tables that join others are not as they were, and the export did not say of so many that it
/// leaves them out or changes them.
fn compare_joins(source: &Anywhere, copy: &Anywhere, outcome: &Outcome, what: &str) {
    let lines = [outcome.lines("warning: "), outcome.lines("note: ")].concat();
    for (table, columns, subjects) in JOINED {
        let rows = |site: &Anywhere| {
            let mut connection = site.connect();
            let list: Vec<String> = columns.iter().map(|name| connection.quote(name)).collect();
            let sql = format!("SELECT {} FROM {table}", list.join(", "));
            let mut rows = Vec::new();
            let each = &mut |row: &dyn strapi_backup::database::Row| {
                let values: Result<Vec<String>, _> = (0..columns.len())
                    .map(|index| row.value(index).map(|value| format!("{value:?}")))
                    .collect();
                rows.push(values?.join(", "));
                Ok(())
            };
            connection.query(&sql, &[], each).unwrap();
            rows
        };
        let mut back = rows(copy);
        let mut lost = rows(source);
        lost.retain(|row| match back.iter().position(|own| own == row) {
            Some(position) => {
                back.swap_remove(position);
                false
            }
            None => true,
        });
        let kinds = ["a component in attribute ", "links of ", "the table "];
        let told = |line: &&str| -> Option<usize> {
            let (_, of) = line.split_once(' ')?;
            if !kinds.iter().any(|kind| of.starts_with(kind)) {
                return None;
            }
            let about = subjects.iter().find_map(|subject| line.split_once(subject));
            let (count, _) = about?.1.split_once(' ')?;
            count.parse().ok()
        };
        let told: usize = lines.iter().filter_map(told).sum();
        assert!(
            lost.len() <= told && back.len() <= told,
            "{what}: {table} lost {lost:#?} and has {back:#?}, and {told} are told of\n{}",
            outcome.all()
        );
    }
}

fn camel_case(column: &str) -> String {
    let mut words = column.split('_');
    let mut name = words.next().unwrap().to_owned();
    for word in words {
        name.push_str(&word[..1].to_ascii_uppercase());
        name.push_str(&word[1..]);
    }
    name
}

/// What a column holds in the rows that were added, by their ids, as the database itself prints it.
fn cells(
    site: &Anywhere,
    server: Option<Server>,
    table: &str,
    column: &str,
) -> BTreeMap<i64, String> {
    let mut connection = site.connect();
    let name = connection.quote(column);
    let shown = match server {
        None => format!("quote({name})"),
        Some(Server::Postgres) => format!("coalesce({name}::text, 'NULL')"),
        Some(Server::Mysql) => format!("coalesce(hex(cast({name} AS char)), 'NULL')"),
    };
    let sql = format!("SELECT id, {shown} FROM {table} WHERE id >= {FIRST}");
    let mut cells = BTreeMap::new();
    let each = &mut |row: &dyn strapi_backup::database::Row| {
        let (id, value) = (row.value(0)?, row.value(1)?);
        let value = value
            .as_str()
            .map_or_else(|| format!("{value:?}"), str::to_owned);
        cells.insert(id.as_i64().unwrap(), value);
        Ok(())
    };
    connection.query(&sql, &[], each).unwrap();
    cells
}

/// Whether what was restored is what was there, but for the form that Strapi gives it as well.
fn is_same(uid: &str, column: &str, type_: &str, one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let unhexed = |text: &str| -> String {
        let bytes = (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok());
        let bytes: Option<Vec<u8>> = bytes.collect();
        bytes
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .unwrap_or_else(|| text.to_owned())
    };
    let plain = |text: &str| match text
        .strip_prefix('\'')
        .and_then(|text| text.strip_suffix('\''))
    {
        Some(text) => text.replace("''", "'"),
        None => unhexed(text),
    };
    let (one, other) = (plain(one), plain(other));
    let numbers = (one.parse::<f64>(), other.parse::<f64>());
    if let (Ok(one), Ok(other)) = numbers
        && one == other
    {
        return true;
    }
    let type_ = type_.to_ascii_lowercase();
    let is_value = uid == "the core-store" && column == "value";
    if type_.contains("json") || type_ == "longtext" || is_value {
        let parse = |text: &str| serde_json::from_str::<Json>(text).ok();
        let inner = match parse(&one) {
            Some(Json::String(text)) => parse(&text),
            _ => None,
        };
        let compact = |text: &str| text.split_whitespace().collect::<String>();
        return match (parse(&one), other.as_str()) {
            (Some(Json::Null), "NULL") => true,
            (None, "null") => one == "NULL",
            (Some(value), text) => {
                let found = parse(text);
                found.as_ref() == Some(&value)
                    || (inner.is_some() && (found == inner || (inner == Some(Json::Null) && text == "NULL")))
                    // Numbers in another form.
                    || found.is_some_and(|found| compact(&found.to_string()) == compact(&value.to_string()).replace(".0", ""))
            }
            (None, _) => compact(&one) == compact(&other),
        };
    }
    match type_.as_str() {
        // A text that is a time becomes that time.
        "datetime" => other.parse::<i64>().is_ok() && one.parse::<f64>().is_err(),
        "time" => {
            other.trim_end_matches(['0', '.']) == one.trim_end_matches(['0', '.'])
                || other == format!("{one}.000")
        }
        _ => false,
    }
}
