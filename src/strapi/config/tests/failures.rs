//! Configurations that cannot be read: each error names its place and the way round.

use super::{ConfigError, DatabaseSettings, Project, postgres_with};

#[track_caller]
fn message(project: &Project, start: &str) -> String {
    let text = project.error().to_string();
    assert!(text.starts_with(start), "{text}");
    assert!(
        text.contains("--database-url") && text.contains("BACKUP_DATABASE_URL"),
        "{text}"
    );
    text
}

#[test]
fn an_exception_names_file_and_line() {
    let project = Project::database(
        "module.exports = () => {\n  const settings = undefined;\n  return settings.connection;\n};",
    );
    message(
        &project,
        "config/database.js:3: the configuration threw an error: cannot read property 'connection' of undefined",
    );

    let project = Project::new(&[
        (
            "config/database.ts",
            "import { check } from './check'\n\ninterface Options {\n  a: string\n}\n\nexport default () => check<Options>({ a: '' })\n",
        ),
        (
            "config/check.ts",
            "export function check<T>(\n  options: T,\n): T {\n  throw new Error(`no\n options`)\n}\n",
        ),
    ]);
    message(
        &project,
        "config/check.ts:4: the configuration threw an error: no\n options",
    );

    message(
        &Project::database("\nthrow 'a text';"),
        "config/database.js: the configuration threw an error: a text",
    );
}

#[test]
fn a_loop_without_end_is_stopped() {
    let project = Project::database("while (true) {}");
    let text = message(
        &project,
        "config/database.js: the configuration did not finish within 2.5s",
    );
    assert!(text.contains("was stopped"));
    // A built-in function that does not ask for the time.
    message(
        &Project::database("Array(2 ** 32 - 1).join('')"),
        "config/database.js: the configuration did not finish",
    );
}

#[test]
fn eating_memory_and_recursing_without_end_are_stopped() {
    let project =
        Project::database("const hoard = [];\nfor (;;) hoard.push(new Array(1000).fill({}));");
    assert!(
        matches!(project.error(), ConfigError::MemoryLimit { .. }),
        "{}",
        project.error()
    );
    let project = Project::database("const hoard = 'x'.repeat(2 ** 29); module.exports = {};");
    assert!(matches!(
        project.error(),
        ConfigError::MemoryLimit { .. } | ConfigError::Threw { .. }
    ));
    let project = Project::database("const f = () => f() + 1;\nmodule.exports = f();");
    assert!(
        project.error().to_string().contains("stack"),
        "{}",
        project.error()
    );
}

#[test]
fn an_unknown_module_is_named_with_the_line_that_wants_it() {
    let project = Project::database(
        "const path = require('path');\n\nconst secrets = require('my-vault');\nmodule.exports = {};",
    );
    message(
        &project,
        "config/database.js:3: the module 'my-vault' cannot be loaded here",
    );
    let project = Project::new(&[
        (
            "config/database.ts",
            "import type { T } from 'types-only';\nimport { a } from './a';\nexport default a as T;",
        ),
        (
            "config/a.ts",
            "// first line\nimport {\n  x,\n} from '@scope/package';\nexport const a = x;",
        ),
    ]);
    message(
        &project,
        "config/a.ts:2: the module '@scope/package' cannot be loaded here",
    );
    message(
        &Project::database("module.exports = require('./gone');"),
        "config/database.js:1: the module './gone'",
    );
    let caught = "let db = 'ok.db';\ntry { require('optional') } catch (e) { if (e.code !== 'MODULE_NOT_FOUND') throw e }\n\
         module.exports = { connection: { client: 'sqlite', connection: { filename: db } } };";
    assert_eq!(Project::database(caught).sqlite(), "ok.db");
}

#[test]
fn a_syntax_error_names_its_line() {
    message(
        &Project::database("module.exports = {\n  connection: {,\n};"),
        "config/database.js:2: syntax error:",
    );
    message(
        &Project::new(&[(
            "config/database.ts",
            "type A = {\n  b: \n}\nexport default 1",
        )]),
        "config/database.ts:3: syntax error:",
    );
    message(
        &Project::new(&[("config/database.json", "{\n\"connection\": }")]),
        "config/database.json:2: syntax error:",
    );
    message(
        &Project::database("\nmodule.exports = await 1;"),
        "config/database.js:2: ",
    );
}

#[test]
fn typescript_that_generates_code_points_to_a_build() {
    let project = Project::new(&[(
        "config/database.ts",
        "\nnamespace A { export const x = 1 }\nexport default A",
    )]);
    let text = message(
        &project,
        "config/database.ts:2: a TypeScript namespace cannot be evaluated here; build the project",
    );
    assert!(text.contains("dist/config"));
}

#[test]
fn a_configuration_that_says_nothing_is_an_error() {
    message(&Project::new(&[]), "");
    message(
        &Project::database("module.exports = () => {};"),
        "config/database.js: the configuration is empty",
    );
    message(
        &Project::database("module.exports = {};"),
        "config/database.js: connection.client is missing",
    );
    message(
        &Project::database("module.exports = { connection: { client: 'oracle' } };"),
        "config/database.js: connection.client is \"oracle\"",
    );
    message(
        &Project::database(
            "module.exports = { connection: { client: 'sqlite', connection: {} } };",
        ),
        "config/database.js: connection.connection.filename is missing",
    );
    message(
        &postgres_with("{ database: 'a', port: 'x' }"),
        "config/database.js: connection.connection.port is not a port",
    );
    message(
        &postgres_with("{ database: 'a', ssl: { ca: 1 } }"),
        "config/database.js: connection.connection.ssl.ca is neither",
    );
    message(
        &postgres_with("(() => { const a = {}; a.a = a; return a })()"),
        "config/database.js: the configuration threw an error: circular",
    );
    message(
        &postgres_with("async () => new Promise(() => {})"),
        "config/database.js: the configuration threw an error: its connection is a promise",
    );
}

#[test]
fn there_is_no_writing_and_no_way_out() {
    for attempt in [
        "require('fs').writeFileSync('x', 'y')",
        "require('node:fs').promises.readFile('x')",
        "require('fs/promises')",
        "require('child_process')",
        "require('net')",
        "fetch('http://localhost')",
        "process.exit(0)",
        "require('fs').readFileSync('/dev/zero')",
    ] {
        let project = Project::database(&format!("\n{attempt};\nmodule.exports = {{}};"));
        message(&project, "config/database.js:2: ");
        assert!(!project.path().join("x").exists());
    }
}

#[test]
fn secrets_are_not_shown() {
    let project = postgres_with("{ host: 'h', user: 'u', database: 'd', password: env('DB_PASSWORD'), ssl: { key: env('DB_PASSWORD') } }")
        .variable("DB_PASSWORD", "hunter2hunter2");
    let shown = format!("{:?}", project.read().database);
    assert!(
        !shown.contains("hunter2") && shown.contains("***"),
        "{shown}"
    );

    let project = Project::database(
        "module.exports = ({ env }) => { throw new Error('no ' + env('DB_PASSWORD')) }",
    )
    .variable("DB_PASSWORD", "hunter2hunter2");
    message(
        &project,
        "config/database.js:1: the configuration threw an error: no ***;",
    );

    for url in [
        "postgres://u:hunter2@h:x/d",
        "mysql:u:hunter2@h/d",
        "mysql://u:hunter2@h",
        "oracle://u:hunter2@h/d",
        "hunter2",
        "sqlite:",
    ] {
        let error = Project::new(&[]).url(url).error();
        assert!(matches!(error, ConfigError::DatabaseUrl { .. }), "{error}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    }
    let project = postgres_with("{ connectionString: 'postgres://u:hunter2@h:x/d' }");
    assert!(
        !project.error().to_string().contains("hunter2"),
        "{}",
        project.error()
    );
}

#[test]
fn a_database_url_overrides_everything() {
    let broken = [
        ("config/database.js", "throw new Error('not asked')"),
        ("config/server.js", "throw new Error('no server')"),
        ("config/plugins.ts", "export default {"),
    ];
    let project = Project::new(&broken).url("sqlite:data/x y%20.db");
    let it = project.read();
    assert!(
        matches!(it.database, DatabaseSettings::Sqlite { path } if path.as_os_str() == "data/x y%20.db")
    );
    assert_eq!(
        (it.public_dir, project.upload().provider.as_str()),
        (project.path().join("public"), "local")
    );
    let warnings: Vec<String> = it.warnings.iter().map(ToString::to_string).collect();
    assert!(
        warnings[0].starts_with("config/server.js:1: ")
            && warnings[1].starts_with("config/plugins.ts:1: "),
        "{warnings:?}"
    );

    let project = Project::new(&broken).variable("BACKUP_DATABASE_URL", "sqlite:y");
    assert_eq!(project.sqlite(), "y");
    assert_eq!(project.url("sqlite:///z").sqlite(), "/z");

    let project = Project::new(&[])
        .url("postgresql://al%40ice:p%2Fw@db.example:6000/my%20db?sslmode=require&schema=cms");
    let it = project.postgres();
    assert_eq!(
        (
            it.host.as_str(),
            it.port,
            it.user.as_str(),
            it.database.as_str()
        ),
        ("db.example", 6000, "al@ice", "my db")
    );
    assert_eq!(
        (
            it.password.expect("a password").expose(),
            it.schema.as_deref(),
            it.tls.is_some()
        ),
        ("p/w", Some("cms"), true)
    );
    let it = Project::new(&[])
        .url("mysql://root@localhost/cms?socketPath=/run/mysqld.sock")
        .mysql();
    assert_eq!(
        (it.socket.as_deref(), it.password),
        (Some(std::path::Path::new("/run/mysqld.sock")), None)
    );
}
