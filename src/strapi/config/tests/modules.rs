//! What a configuration finds around it: `env()`, modules and globals.

use serde_json::{Value, json};

use super::{ConfigError, Project, postgres_with};

/// Evaluates an expression inside a configuration and gives back its value.
fn value_with(expression: &str, variables: &[(&str, &str)]) -> Value {
    let text = format!(
        "module.exports = ({{ env }}) => ({{ upload: {{ config: {{ providerOptions: {{ it: {expression} }} }} }} }});"
    );
    let mut project = Project::new(&[
        ("config/plugins.js", &text),
        ("config/data.json", "{\"a\": [1]}"),
    ])
    .url("sqlite:x");
    for (name, value) in variables {
        project = project.variable(name, value);
    }
    let read = project.read();
    assert!(read.warnings.is_empty(), "{:?}", read.warnings);
    project.upload().options["it"].clone()
}

fn value(expression: &str) -> Value {
    value_with(expression, &[])
}

#[test]
fn env_is_strapis() {
    let set = [
        ("I", "12px"),
        ("F", "1.5"),
        ("T", "true"),
        ("N", "TRUE"),
        ("J", "{\"a\":[1]}"),
        ("L", "[ a, \"b\" ,c]"),
        ("D", "2024-02-03T04:05:06Z"),
        ("E", ""),
    ];
    for (expression, expected) in [
        ("env('I')", json!("12px")),
        ("env('NONE', 'x')", json!("x")),
        ("env('E', 'x')", json!("")),
        ("env.int('I', 1)", json!(12)),
        ("env.int('NONE', 1)", json!(1)),
        ("env.int('E', 1)", json!(null)),
        ("env.float('F')", json!(1.5)),
        ("env.bool('T')", json!(true)),
        ("env.bool('N', true)", json!(false)),
        ("env.bool('NONE', true)", json!(true)),
        ("env.json('J')", json!({ "a": [1] })),
        ("env.array('L')", json!(["a", "b", "c"])),
        ("env.array('NONE', ['d'])", json!(["d"])),
        ("env.date('D')", json!("2024-02-03T04:05:06.000Z")),
        ("env.date('E')", json!(null)),
        ("env.oneOf('T', ['true', 'false'], 'false')", json!("true")),
        ("env.oneOf('I', ['true', 'false'], 'false')", json!("false")),
        ("process.env.NODE_ENV", json!("development")),
        ("require('@strapi/utils').env.int('I')", json!(12)),
    ] {
        assert_eq!(value_with(expression, &set), expected, "{expression}");
    }
    for expression in [
        "env.json('BAD')",
        "env.oneOf('BAD')",
        "env.oneOf('BAD', ['a'], 'b')",
    ] {
        let text = format!("module.exports = ({{ env }}) => ({{ connection: {expression} }});");
        let error = Project::database(&text).variable("BAD", "{").error();
        assert!(
            matches!(&error, ConfigError::Threw { at, .. } if at.line == Some(1)),
            "{error}"
        );
    }
}

#[test]
fn path_is_nodes() {
    for (expression, expected) in [
        ("join('/a', '..', 'b', './c/')", "/b/c/"),
        ("join('', '')", "."),
        ("join('..', 'a')", "../a"),
        ("resolve('/a/b', '../c', '.')", "/a/c"),
        ("dirname('/a/b.js')", "/a"),
        ("dirname('a')", "."),
        ("dirname('/a')", "/"),
        ("basename('/a/b.tar.gz', '.gz')", "b.tar"),
        ("extname('a/.env')", ""),
        ("extname('a/b.c.d')", ".d"),
        ("relative('/a/b/c', '/a/d')", "../../d"),
        ("normalize('a//b/../c')", "a/c"),
        ("posix.sep", "/"),
        ("parse('/a/b.c').name", "b"),
        ("format({ dir: '/a', base: 'b' })", "/a/b"),
    ] {
        assert_eq!(
            value(&format!("require('node:path').{expression}")),
            expected,
            "{expression}"
        );
    }
    assert_eq!(value("require('path').isAbsolute('/a')"), true);
    assert_eq!(
        value("require('path').resolve('x') === process.cwd() + '/x'"),
        true
    );
}

#[test]
fn buffers_urls_and_other_globals_are_there() {
    for (expression, expected) in [
        (
            "Buffer.from('aGVsbG8', 'base64').toString()",
            json!("hello"),
        ),
        (
            "Buffer.from('h\u{e9}llo').toString('base64')",
            json!("aMOpbGxv"),
        ),
        ("Buffer.from('68C3', 'hex')", json!("base64:aMM=")),
        ("Buffer.from('hi')", json!("hi")),
        ("atob('aGk=') + btoa('hi')", json!("hiaGk=")),
        (
            "new URL('https://u:p%40@h.example:8443/a/b?x=1&y=%20z#f').searchParams.get('y')",
            json!(" z"),
        ),
        (
            "(({ hostname, port, pathname, password }) => [hostname, port, pathname, password])(new URL('mysql://u:p%40@h:1/d'))",
            json!(["h", "1", "/d", "p%40"]),
        ),
        (
            "require('url').parse('postgres://u:p%40@h:1/d').auth",
            json!("u:p@"),
        ),
        ("`${new URL('/x', 'http://h/')}`", json!("http://h/x")),
        (
            "[typeof process.platform, typeof process.cwd(), console.log('quiet')]",
            json!(["string", "string", null]),
        ),
        ("require('os').EOL", json!("\n")),
        ("require('./data').a", json!([1])),
        ("require('fs').existsSync('nowhere')", json!(false)),
        (
            "[() => 1, Symbol('x'), undefined, 10n, new Date(0)]",
            json!([null, null, null, "10", "1970-01-01T00:00:00.000Z"]),
        ),
        (
            "__filename.startsWith(process.cwd()) && __filename.endsWith('/config/plugins.js')",
            json!(true),
        ),
    ] {
        assert_eq!(value(expression), expected, "{expression}");
    }
}

#[test]
fn what_configurations_ask_node_for_is_there() {
    for (expression, expected) in [
        (
            "new TextDecoder().decode(new TextEncoder().encode('h\u{e9}'))",
            json!("h\u{e9}"),
        ),
        (
            "(() => { const a = { d: new Date(0), m: new Map([[1, { x: 2 }]]), l: [1] }; a.self = a; const b = \
             structuredClone(a); a.l.push(2); return [b !== a, b.self === b, b.l, b.m.get(1).x, b.d]; })()",
            json!([true, true, [1], 2, "1970-01-01T00:00:00.000Z"]),
        ),
        ("typeof setTimeout(() => {}, 1000).unref()", json!("object")),
        (
            "(setInterval(() => {}, 1), clearInterval(1), clearTimeout(undefined), 1)",
            json!(1),
        ),
        (
            "Intl.DateTimeFormat().resolvedOptions().timeZone",
            json!("Europe/Vienna"),
        ),
        ("new Intl.NumberFormat('de').format(12)", json!("12")),
        (
            "(() => { const c = new AbortController(); c.abort(); return c.signal.aborted; })()",
            json!(true),
        ),
        (
            "[process.hrtime().length, typeof process.hrtime.bigint(), process.memoryUsage().rss]",
            json!([2, "bigint", 0]),
        ),
        ("require('os').networkInterfaces()", json!({})),
        (
            "require('fs').readdirSync(__dirname)",
            json!(["data.json", "plugins.js"]),
        ),
        (
            "require('fs').readdirSync(process.cwd(), { withFileTypes: true }).map((it) => [it.name, it.isDirectory()])",
            json!([["config", true]]),
        ),
        (
            "require.resolve('./data') === __dirname + '/data.json'",
            json!(true),
        ),
        ("require.resolve('node:fs')", json!("node:fs")),
        (
            "require('crypto').randomBytes(16).toString('hex').length",
            json!(32),
        ),
        ("require('node:crypto').randomUUID().length", json!(36)),
        (
            "require('util').promisify((done) => done(null, 1)) instanceof Function",
            json!(true),
        ),
    ] {
        let read = value_with(expression, &[("TZ", "Europe/Vienna")]);
        assert_eq!(read, expected, "{expression}");
    }
}

#[test]
fn what_no_answer_needs_may_be_missing() {
    // All of these would stop Strapi if they were not there.
    for expression in [
        "require('os').getPriority()",
        "require('fs').promises.readFile('x')",
        "require('child_process').execSync('git rev-parse HEAD').toString().trim()",
        "require.resolve('@scope/plugin')",
        "require('util').inspect.custom",
    ] {
        let text = format!(
            "const x = {expression};\nmodule.exports = {{ upload: {{ config: {{ provider: 'aws-s3' }} }} }};"
        );
        let files = [("config/database.js", SQLITE), ("config/plugins.js", &text)];
        assert_eq!(
            Project::new(&files).upload().provider,
            "aws-s3",
            "{expression}"
        );
    }
    let resolved =
        "module.exports = { upload: { config: { provider: require.resolve('./no') } } };";
    let project = Project::new(&[
        ("config/database.js", SQLITE),
        ("config/plugins.js", resolved),
    ]);
    let error = project.read().upload.expect_err("unknown").to_string();
    assert!(error.contains("'./no'"), "{error}");
}

#[test]
fn a_module_knows_where_it_is() {
    let text = "import path from 'node:path';\nimport { fileURLToPath } from 'url';\nconst here = path.dirname(fileURLToPath(import.meta.url));\n\
                export default ({ env }) => ({ connection: { client: 'sqlite', connection: { filename: path.join(here, '..', 'a b.db'), \
                x: import.meta.dirname === here } } });";
    assert_eq!(Project::database(text).sqlite(), "a b.db");
}

#[test]
fn strapi_waits_for_no_configuration_but_plugins() {
    let promise = "module.exports = async () => ({ connection: {}, upload: { config: { provider: 'aws-s3' } } });";
    let error = Project::database(promise).error().to_string();
    assert!(error.contains("is a promise"), "{error}");
    let project = Project::new(&[
        ("config/database.js", SQLITE),
        ("config/plugins.js", promise),
    ]);
    assert_eq!(project.upload().provider, "aws-s3");
    let server = "module.exports = async () => ({ dirs: { public: './files' } });";
    let project = Project::new(&[("config/database.js", SQLITE), ("config/server.js", server)]);
    assert_eq!(project.read().public_dir, project.path().join("public"));
}

#[test]
fn a_connection_may_be_made_by_a_function_that_takes_its_time() {
    let project = postgres_with(
        "async () => { await new Promise((done) => setTimeout(done, 5000)); return { host: 'late', database: 'd' }; }",
    );
    assert_eq!(project.postgres().host, "late");
}

const SQLITE: &str =
    "module.exports = { connection: { client: 'sqlite', connection: { filename: 'x' } } };";

#[test]
fn a_package_in_the_plugins_matters_only_where_it_decides() {
    let project = |text: &str| {
        Project::new(&[
            (
                "config/database.js",
                "module.exports = { connection: { client: 'sqlite', connection: { filename: 'x' } } };",
            ),
            ("config/plugins.js", text),
        ])
    };
    let it = project(
        "const { Landing } = require('apollo-server-core');\nmodule.exports = () => ({\n  graphql: { config: { plugins: [new Landing({ a: 1 }), ...Landing.all()] } },\n\
         upload: { config: { provider: 'aws-s3', providerOptions: { credentials: Landing.fromEnv(), region: 'eu' } } },\n});",
    )
    .upload();
    assert_eq!(it.provider, "aws-s3");
    assert_eq!(it.options, json!({ "credentials": null, "region": "eu" }));
    for upload in [
        "upload: x",
        "upload: { config: x.y() }",
        "upload: { config: { provider: `${x.name}-s3` } }",
    ] {
        let project = project(&format!(
            "\nconst x = require('settings');\nmodule.exports = {{ {upload} }};"
        ));
        let error = project.read().upload.expect_err("unknown").to_string();
        assert!(
            error.starts_with("config/plugins.js:2: the module 'settings' cannot be loaded here"),
            "{error}"
        );
    }
    for odd in [
        "upload: false",
        "upload: 'x'",
        "upload: { enabled: true }",
        "upload: { config: [] }",
    ] {
        assert_eq!(
            project(&format!("module.exports = {{ {odd} }};"))
                .upload()
                .provider,
            "local"
        );
    }
}

#[test]
fn modules_import_and_export_in_all_ways() {
    let project = Project::new(&[
        (
            "config/database.mjs",
            "import fallback, { a as first, 'b c' as second } from './all.mjs';\nimport * as all from './all.mjs';\n\
             import path, { join } from 'node:path';\nimport './side.cjs';\nimport data from './data.json' with { type: 'json' };\n\
             export default { connection: { client: 'sqlite', connection: { filename:\n\
             join([fallback(), first, second, all.c, all.default.name, all.ns.d, all.E, global.side, data.x, path.posix.delimiter].join('.')) } } };",
        ),
        (
            "config/all.mjs",
            "export const a = 'a', { c } = { c: 'c' };\nconst b = 'b';\nexport { b as 'b c' };\nexport default function main() { return 'main' }\n\
             export * as ns from './rest.mjs';\nexport * from './rest.mjs';\nexport { d as again } from './rest.mjs';",
        ),
        (
            "config/rest.mjs",
            "export let d = 'd';\nexport class E { static toString() { return 'E' } }\n",
        ),
        ("config/side.cjs", "global.side = 'side';"),
        ("config/data.json", "{ \"x\": \"json\" }"),
    ]);
    assert_eq!(project.sqlite(), "main.a.b.c.main.d.E.side.json.:");
}
