//! Where files may lie, and how those of an environment are merged.

use super::super::ChosenBy;
use super::{Project, postgres_with};

const GENERAL: &str = "module.exports = { connection: { client: 'postgres', connection: {\n\
     host: 'general', port: 1, database: 'cms', user: 'u', password: 'p', ssl: { ca: ['a', 'b'], rejectUnauthorized: false } } } };";

#[test]
fn the_files_of_an_environment_are_merged_over_the_general_ones() {
    let project = Project::new(&[
        ("config/database.js", GENERAL),
        (
            "config/env/production/database.js",
            "module.exports = ({ env }) => ({ connection: { connection: {\n\
             host: 'production', user: undefined, ssl: { ca: ['x'], rejectUnauthorized: true } } } });",
        ),
        (
            "config/plugins.js",
            "module.exports = { upload: { config: { provider: 'local', providerOptions: { a: 1 } } } };",
        ),
        (
            "config/env/production/plugins.json",
            r#"{ "upload": { "config": { "providerOptions": { "b": 2 } } } }"#,
        ),
        (
            "config/env/production/server.js",
            "module.exports = { dirs: { public: '/srv/public' } };",
        ),
    ]);
    assert_eq!(project.postgres().host, "general");
    let project = project.variable("NODE_ENV", "production");
    let it = project.postgres();
    assert_eq!(
        (it.host.as_str(), it.port, it.user.as_str()),
        ("production", 1, "u")
    );
    let tls = it.tls.expect("TLS");
    assert_eq!(
        (tls.ca.as_deref(), tls.reject_unauthorized),
        (Some("x\nb"), true)
    );
    let it = project.read();
    assert_eq!(
        project.upload().options,
        serde_json::json!({ "a": 1, "b": 2 })
    );
    assert_eq!(it.public_dir, std::path::Path::new("/srv/public"));
}

#[test]
fn an_environment_alone_is_enough_and_may_be_named_in_the_env_file() {
    let project = Project::new(&[
        (".env", "NODE_ENV=staging\n"),
        (
            "config/env/staging/database.js",
            "module.exports = { connection: { client: 'sqlite', connection: { filename: 's.db' } } };",
        ),
    ]);
    assert_eq!(project.sqlite(), "s.db");
    assert!(
        project
            .variable("NODE_ENV", "production")
            .error()
            .to_string()
            .contains("holds no database.js")
    );
}

#[test]
fn the_process_wins_over_the_env_file() {
    let project = postgres_with(
        "{ host: env('DB_HOST', 'none'), database: env('DB_NAME'), password: process.env.DB_PASSWORD }",
    );
    std::fs::write(
        project.path().join(".env"),
        "DB_HOST=file\nDB_NAME=file\nDB_PASSWORD=file-password\n",
    )
    .expect("a file");
    let it = project.variable("DB_HOST", "process").postgres();
    assert_eq!(
        (it.host.as_str(), it.database.as_str()),
        ("process", "file")
    );
    assert_eq!(it.password.expect("a password").expose(), "file-password");
}

#[test]
fn env_path_names_another_env_file() {
    let files = [
        (".env", "DB=default\n"),
        ("settings/.env.live", "DB=live\n"),
        (
            "config/database.js",
            "module.exports = ({ env }) => ({ connection: { client: 'sqlite', connection: { filename: env('DB') } } });",
        ),
    ];
    assert_eq!(Project::new(&files).sqlite(), "default");
    assert_eq!(
        Project::new(&files)
            .variable("ENV_PATH", "settings/.env.live")
            .sqlite(),
        "live"
    );
    let error = Project::new(&files)
        .variable("ENV_PATH", "nowhere")
        .error()
        .to_string();
    assert!(
        error.contains("nowhere cannot be read") && error.contains("ENV_PATH"),
        "{error}"
    );
}

#[test]
fn what_was_compiled_serves_where_there_is_no_source() {
    let compiled = "\"use strict\";\nvar __importDefault = (this && this.__importDefault) || function (mod) {\n\
         return (mod && mod.__esModule) ? mod : { \"default\": mod };\n};\n\
         Object.defineProperty(exports, \"__esModule\", { value: true });\n\
         const path_1 = __importDefault(require(\"path\"));\n\
         exports.default = ({ env }) => ({ connection: { client: 'sqlite',\n\
         connection: { filename: path_1.default.join(__dirname, '..', '..', 'compiled.db') } } });\n";
    let tsconfig = r#"{ "extends": "./tsconfig.base", "compilerOptions": { "strict": true } }"#;
    let base = r#"{ "compilerOptions": { "outDir": "./build" } }"#;
    let files = [
        ("tsconfig.json", tsconfig),
        ("tsconfig.base.json", base),
        ("build/config/database.js", compiled),
    ];
    assert_eq!(Project::new(&files).sqlite(), "compiled.db");
    assert_eq!(
        Project::new(&[("dist/config/database.js", compiled)]).sqlite(),
        "compiled.db"
    );

    let with = |source: &str| {
        Project::new(&[files[0], files[1], files[2], ("config/database.ts", source)])
    };
    let source = "export default { connection: { client: 'sqlite', connection: { filename: 'source.db' } } }";
    assert_eq!(with(source).sqlite(), "source.db");
    // What needs more than erasing types is taken from there too.
    assert_eq!(
        with("namespace A { export const x = 1 }\nexport default A").sqlite(),
        "compiled.db"
    );
}

#[test]
fn typescript_files_see_themselves_where_they_are_compiled_to() {
    let project = Project::new(&[
        ("tsconfig.json", "{}"),
        (
            "config/database.ts",
            "import { file } from './helpers/names';\n\
             export default { connection: { client: 'sqlite', connection: { filename: `${__dirname}/${file}` } } };",
        ),
        (
            "config/helpers/names.ts",
            "export const file: string = require(__dirname + '/more.js').suffix;",
        ),
        (
            "config/helpers/more.ts",
            "export const suffix = __filename.endsWith('dist/config/helpers/more.js') ? 'x.db' : 'wrong' as string",
        ),
    ]);
    assert_eq!(project.sqlite(), "dist/config/x.db");
}

#[test]
fn the_shared_fixtures_shape_is_read() {
    // One arrow function on one line, a client from the environment, and a folder from __dirname.
    let project = Project::new(&[
        (".env", "DATABASE_CLIENT=mysql\nDATABASE_PORT=3307\n"),
        (
            "config/server.js",
            "module.exports = ({ env }) => ({ host: env('HOST','127.0.0.1'), app: { keys: env.array('APP_KEYS') } });",
        ),
        ("config/plugins.js", "module.exports = () => ({});"),
        (
            "config/database.js",
            "const path=require('path');\nmodule.exports=({env})=>{const client=env('DATABASE_CLIENT','sqlite');\n\
             const connections={mysql:{connection:{port:env.int('DATABASE_PORT',3306),database:'ks'},pool:{min:2}},\n\
             sqlite:{connection:{filename:path.join(__dirname,'..','.tmp/data.db')}}};\n\
             return {connection:{client,...connections[client],acquireConnectionTimeout:60000}}};",
        ),
    ]);
    assert_eq!(project.mysql().port, 3307);
    assert_eq!(
        project.variable("DATABASE_CLIENT", "sqlite").sqlite(),
        ".tmp/data.db"
    );
}

#[test]
fn what_the_files_of_an_environment_do_not_name_stays_as_it_is_in_general() {
    let project = Project::new(&[
        ("config/database.js", GENERAL),
        ("config/env/production/database.js", "module.exports = { settings: {} };"),
        (
            "config/plugins.js",
            "module.exports = { upload: { config: { provider: 'aws-s3', providerOptions: { a: 1 } } } };",
        ),
        (
            "config/env/production/plugins.js",
            "module.exports = { email: { config: { provider: 'sendgrid' } } };",
        ),
        ("config/server.js", "module.exports = { dirs: { public: './files' } };"),
        (
            "config/env/production/server.js",
            "module.exports = { url: 'https://example.com', dirs: undefined };",
        ),
    ])
    .of("production");
    assert_eq!(project.postgres().host, "general");
    assert_eq!(project.upload().provider, "aws-s3");
    assert_eq!(project.read().public_dir, project.path().join("files"));
}

#[test]
fn what_an_environment_makes_null_is_null() {
    let project = Project::new(&[
        ("config/database.js", GENERAL),
        (
            "config/server.js",
            "module.exports = { dirs: { public: './files' } };",
        ),
        (
            "config/env/production/server.js",
            "module.exports = { dirs: null };",
        ),
    ]);
    let project = project.of("production");
    assert_eq!(project.read().public_dir, project.path().join("public"));
}

#[test]
fn an_environment_that_is_chosen_wins_over_the_process_and_the_env_file() {
    let sqlite = |name: &str| {
        format!(
            "module.exports = {{ connection: {{ client: 'sqlite', connection: {{ filename: '{name}' }} }} }};"
        )
    };
    let of = |name: &str| format!("config/env/{name}/database.js");
    let project = Project::new(&[
        (".env", "NODE_ENV=staging\n"),
        ("config/database.js", &sqlite("general")),
        (&of("staging"), &sqlite("staging")),
        (&of("production"), &sqlite("production")),
        (
            &of("test"),
            "module.exports = ({ env }) => ({ connection: { connection: { filename: env('NODE_ENV') } } });",
        ),
    ]);
    assert_eq!(project.sqlite(), "staging");
    assert_eq!(project.read().node_env.chosen_by, ChosenBy::File);
    let project = project.variable("NODE_ENV", "production");
    assert_eq!(project.sqlite(), "production");
    assert_eq!(project.read().node_env.chosen_by, ChosenBy::Process);
    let project = project.of("test");
    assert_eq!(project.sqlite(), "test");
    assert_eq!(project.read().node_env.chosen_by, ChosenBy::Caller);
}

#[test]
fn a_production_database_beside_a_default_environment_is_named() {
    let files = [
        ("config/database.js", GENERAL),
        (
            "config/env/production/database.ts",
            "export default { connection: {} };",
        ),
    ];
    let other = |project: &Project| project.read().other_database;
    let project = Project::new(&files);
    assert_eq!(
        other(&project).as_deref(),
        Some(std::path::Path::new("config/env/production/database.ts"))
    );
    assert!(other(&Project::new(&files).of("prod")).is_some());
    assert!(other(&Project::new(&files).variable("NODE_ENV", "Production")).is_some());
    assert_eq!(other(&Project::new(&files).of("production")), None);
    // Somebody chose, one way or another.
    assert_eq!(other(&Project::new(&files).of("development")), None);
    assert_eq!(
        other(&Project::new(&files).variable("NODE_ENV", "development")),
        None
    );
    assert_eq!(other(&Project::new(&files).url("sqlite:x")), None);
    assert_eq!(other(&Project::new(&files[..1])), None);
}

#[test]
fn compiled_code_stands_for_the_source_that_is_not_there() {
    let files = [
        ("config/database.js", GENERAL),
        ("dist/src/components/shared/seo.json", "{}"),
    ];
    let project = Project::new(&files);
    assert_eq!(project.read().code, project.path().join("dist/src"));
    std::fs::create_dir(project.path().join("src")).expect("a folder");
    assert_eq!(project.read().code, project.path().join("src"));
    let bare = Project::new(&files[..1]);
    assert_eq!(bare.read().code, bare.path().join("src"));
}

#[test]
fn the_address_of_the_site_is_known_where_the_configuration_says_a_whole_one() {
    for (url, site) in [
        (
            "'https://site.example.com/cms/'",
            Some("https://site.example.com/cms"),
        ),
        (
            "env('URL', 'http://localhost:1337')",
            Some("http://localhost:1337"),
        ),
        ("'/cms'", None),
        ("undefined", None),
        ("require('no-such-package').url", None),
    ] {
        let server = format!("module.exports = ({{ env }}) => ({{ url: {url} }});");
        let project = Project::new(&[
            ("config/database.js", GENERAL),
            ("config/server.js", &server),
        ]);
        assert_eq!(project.read().site.as_deref(), site, "{url}");
    }
}
