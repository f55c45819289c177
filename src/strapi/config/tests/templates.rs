//! Configurations like those that Strapi's generators write, and the shapes that projects give them.

use std::path::Path;

use super::Project;

/// The body that the generated JavaScript and TypeScript files share. `up` leads from the file to the project.
fn body(up: &str, types: bool) -> String {
    let (map, strict) = if types {
        (": Record<Kind, Core.Config.Database['connection']>", "!")
    } else {
        ("", "")
    };
    format!(
        r#"
  const client = env('DATABASE_CLIENT', 'sqlite');
  if (!isDatabaseClientKind(client)) {{
    throw new Error(`DATABASE_CLIENT is ${{client}}: choose one of "postgres", "mysql" and "sqlite".`);
  }}
  const tls = () =>
    env.bool('DATABASE_SSL', false) && {{
      key: env('DATABASE_SSL_KEY', undefined),
      cert: env('DATABASE_SSL_CERT', undefined),
      ca: env('DATABASE_SSL_CA', undefined),
      capath: env('DATABASE_SSL_CAPATH', undefined),
      rejectUnauthorized: env.bool('DATABASE_SSL_REJECT_UNAUTHORIZED', true),
    }};
  const server = (port{number}) => ({{
    host: env('DATABASE_HOST', 'localhost'),
    port: env.int('DATABASE_PORT', port),
    database: env('DATABASE_NAME', 'strapi'),
    user: env('DATABASE_USERNAME', 'strapi'),
    password: env('DATABASE_PASSWORD', 'strapi'),
    ssl: tls(),
  }});
  const pool = {{ min: env.int('DATABASE_POOL_MIN', 2), max: env.int('DATABASE_POOL_MAX', 10) }};
  const connections{map} = {{
    mysql: {{ client: 'mysql', connection: server(3306), pool }},
    postgres: {{
      client: 'postgres',
      connection: {{
        connectionString: env('DATABASE_URL'),
        ...server(5432),
        schema: env('DATABASE_SCHEMA', 'public'),
      }},
      pool,
    }},
    sqlite: {{
      client: 'sqlite',
      connection: {{ filename: path.join(__dirname, {up}, env('DATABASE_FILENAME', '.tmp/data.db')) }},
      useNullAsDefault: true,
    }},
  }};
  return {{
    connection: {{ ...connections[client]{strict}, acquireConnectionTimeout: env.int('DATABASE_CONNECTION_TIMEOUT', 60000) }},
  }};
"#,
        number = if types { ": number" } else { "" },
    )
}

fn javascript() -> Project {
    let text = format!(
        "const path = require('path');\nconst {{ isDatabaseClientKind }} = require('@strapi/database');\n\n\
         module.exports = ({{ env }}) => {{{}}};\n",
        body("'..'", false)
    );
    Project::new(&[("config/database.js", &text)])
}

fn typescript() -> Project {
    let text = format!(
        "import path from 'path';\nimport type {{ Core }} from '@strapi/strapi';\n\
         import {{ isDatabaseClientKind }} from '@strapi/database';\n\ntype Kind = Core.Config.Database.ClientKind;\n\n\
         const config = ({{ env }}: Core.Config.Shared.ConfigParams): Core.Config.Database => {{{}}};\n\n\
         export default config;\n",
        body("'..', '..'", true)
    );
    let tsconfig = "{\n  \"compilerOptions\": { \"outDir\": \"dist\", \"rootDir\": \".\" },\n  // all of it\n  \"include\": [\"./\",],\n}\n";
    Project::new(&[("config/database.ts", &text), ("tsconfig.json", tsconfig)])
}

#[test]
fn the_generated_files_use_sqlite_until_told_otherwise() {
    for project in [javascript(), typescript()] {
        assert_eq!(project.sqlite(), ".tmp/data.db");
        assert_eq!(
            project.variable("DATABASE_FILENAME", "other.db").sqlite(),
            "other.db"
        );
    }
}

#[test]
fn the_generated_files_reach_postgres() {
    for project in [javascript(), typescript()] {
        std::fs::write(
            project.path().join(".env"),
            "DATABASE_CLIENT=postgres\nDATABASE_HOST=db.example\nDATABASE_PORT=6543\nDATABASE_NAME=cms\n\
             DATABASE_USERNAME=editor\nDATABASE_PASSWORD=\"s3cret#1\"\nDATABASE_SSL=true\n\
             DATABASE_SSL_CA=\"-----BEGIN\\nCA\"\nDATABASE_SCHEMA=strapi\n",
        )
        .expect("a file");
        let it = project.postgres();
        assert_eq!(
            (it.host.as_str(), it.port, it.database.as_str()),
            ("db.example", 6543, "cms")
        );
        assert_eq!(
            (it.user.as_str(), it.schema.as_deref()),
            ("editor", Some("strapi"))
        );
        assert_eq!(it.password.expect("a password").expose(), "s3cret#1");
        let tls = it.tls.expect("TLS");
        assert!(tls.reject_unauthorized && tls.verify_identity);
        assert_eq!(
            (tls.ca.as_deref(), tls.cert),
            (Some("-----BEGIN\nCA"), None)
        );
    }
}

#[test]
fn the_generated_files_reach_mysql() {
    for project in [javascript(), typescript()] {
        let project = project
            .variable("DATABASE_CLIENT", "mysql")
            .variable("DATABASE_SSL", "false");
        let it = project.mysql();
        assert_eq!(
            (it.host.as_str(), it.port, it.database.as_str()),
            ("localhost", 3306, "strapi")
        );
        assert_eq!((it.schema, it.tls), (None, None));
    }
}

#[test]
fn a_database_url_in_the_environment_wins_over_the_parts() {
    for project in [javascript(), typescript()] {
        let it = project
            .variable("DATABASE_CLIENT", "postgres")
            .variable("DATABASE_HOST", "ignored")
            .variable(
                "DATABASE_URL",
                "postgres://al%40ice:p%40ss@db.example/cms?sslmode=no-verify",
            )
            .postgres();
        assert_eq!(
            (it.host.as_str(), it.port, it.user.as_str()),
            ("db.example", 5432, "al@ice")
        );
        assert_eq!(it.password.expect("a password").expose(), "p@ss");
        assert_eq!(it.schema.as_deref(), Some("public"));
        assert!(!it.tls.expect("TLS").reject_unauthorized);
    }
}

#[test]
fn a_database_url_may_be_taken_apart_by_the_configuration() {
    let project = Project::database(
        "const { parse } = require('pg-connection-string');\n\
         module.exports = ({ env }) => {\n\
           const { host, port, database, user, password } = parse(env('DATABASE_URL'));\n\
           return { connection: { client: 'postgres', connection: { host, port, database, user, password,\n\
             ssl: { rejectUnauthorized: false } }, debug: false } };\n\
         };",
    );
    let it = project
        .variable("DATABASE_URL", "postgres://u:p%25w@h:7777/d")
        .postgres();
    assert_eq!(
        (
            it.host.as_str(),
            it.port,
            it.database.as_str(),
            it.user.as_str()
        ),
        ("h", 7777, "d", "u")
    );
    assert_eq!(it.password.expect("a password").expose(), "p%w");
}

#[test]
fn an_unknown_client_is_refused_by_the_generated_file_itself() {
    let error = javascript()
        .variable("DATABASE_CLIENT", "oracle")
        .error()
        .to_string();
    assert!(
        error.starts_with(
            "config/database.js:7: the configuration threw an error: DATABASE_CLIENT is oracle"
        ),
        "{error}"
    );
    assert!(error.contains("--database-url"), "{error}");
}

#[test]
fn strapi_4_files_work() {
    let project = Project::database(
        "const path = require('path');\nmodule.exports = ({ env }) => {\n  const client = env('DATABASE_CLIENT', 'sqlite');\n\
         const connections = {\n    mysql2: { connection: { host: env('DATABASE_HOST', 'localhost'), port: env.int('DATABASE_PORT', 3306),\n\
         database: env('DATABASE_NAME', 'strapi'), user: 'u', password: 'p', ssl: false } },\n\
         sqlite: { connection: { filename: path.join(__dirname, '..', env('DATABASE_FILENAME', '.tmp/data.db')) } },\n  };\n\
         return { connection: { client, ...connections[client], acquireConnectionTimeout: 1 } };\n};\n",
    );
    assert_eq!(project.sqlite(), ".tmp/data.db");
    assert_eq!(
        project.variable("DATABASE_CLIENT", "mysql2").mysql().user,
        "u"
    );
}

#[test]
fn a_plain_object_and_json_work_and_relative_files_belong_to_the_project() {
    let project = Project::database(
        "module.exports = { connection: { client: 'better-sqlite3', connection: { filename: './x/../data.db' } } };",
    );
    assert_eq!(project.read().public_dir, project.path().join("public"));
    assert_eq!(project.sqlite(), "x/../data.db");
    let json =
        r#"{ "connection": { "client": "sqlite", "connection": { "filename": "data.db" } } }"#;
    assert_eq!(
        Project::new(&[("config/database.json", json)]).sqlite(),
        "data.db"
    );
}

#[test]
fn the_public_folder_and_the_upload_provider_are_found() {
    let project = typescript();
    let config = project.path().join("config");
    std::fs::write(
        config.join("server.ts"),
        "export default ({ env }: any) => ({ app: { keys: env.array('APP_KEYS')! }, dirs: { public: './files/' } });",
    )
    .expect("a file");
    std::fs::write(
        config.join("plugins.ts"),
        "export default ({ env }) => ({ upload: { config: { provider: 'aws-s3' as const,\n\
         providerOptions: { s3Options: { region: env('AWS_REGION', 'eu') } }, actionOptions: { upload: {} } } } });",
    )
    .expect("a file");
    let it = project.read();
    assert_eq!(it.public_dir, project.path().join("files"));
    let upload = project.upload();
    assert_eq!(upload.provider, "aws-s3");
    assert_eq!(upload.options["s3Options"]["region"], "eu");
}

#[test]
fn without_other_files_strapis_defaults_hold() {
    let project = javascript();
    let it = project.read();
    assert_eq!(it.public_dir, project.path().join("public"));
    assert_eq!(
        (
            project.upload().provider.as_str(),
            project.upload().options.is_null()
        ),
        ("local", true)
    );
    assert!(it.warnings.is_empty() && Path::new(&it.public_dir).is_absolute());
}
