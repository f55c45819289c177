//! Configurations that mean harm, or are broken beyond what people write: each ends with an error that names its file,
//! soon and without much memory.

use super::Project;
use crate::database::Stop;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// How deep what is nested is nested.
const DEEP: usize = 20_000;

/// Reads a project with this file and says what was wrong; the file must be named.
#[track_caller]
fn refused(file: &str, text: &str) -> String {
    let error = Project::new(&[(file, text)]).error().to_string();
    assert!(error.starts_with(file), "{error}");
    error
}

#[test]
fn nesting_does_not_overflow_the_stack() {
    let nested = |open: &str, close: &str| {
        let (open, close) = (open.repeat(DEEP), close.repeat(DEEP));
        format!("module.exports = {open}1{close};")
    };
    for text in [
        nested("[", "]"),
        nested("(", ")"),
        nested("[", ""),
        nested("{a:", "}"),
        nested("!", ""),
        nested("a=>", ""),
        nested("a?b:", ""),
        nested("`${", "}`"),
        nested("new ", ""),
        nested("1+", ""),
        nested("", "()"),
        nested("", ".a"),
        nested("", "+1"),
        format!("{};", "if(1)".repeat(DEEP)),
        format!("if(1);{}", "else if(1);".repeat(DEEP)),
        format!("{}{}", "{".repeat(DEEP), "}".repeat(DEEP)),
    ] {
        refused("config/database.js", &text);
        refused("config/database.ts", &text);
    }
    for types in [
        format!("type A = {}1{};", "B<".repeat(DEEP), ">".repeat(DEEP)),
        format!("type A = {}B;", "keyof ".repeat(DEEP)),
        format!("type A = {}B;", "B extends C ? D : ".repeat(DEEP)),
        format!("type A = {}1{};", "{a:".repeat(DEEP), "}".repeat(DEEP)),
        format!("const a = b{};", " as c".repeat(DEEP)),
    ] {
        refused("config/database.ts", &types);
    }
    for json in [
        "[".repeat(DEEP),
        format!("{}1{}", "[".repeat(DEEP), "]".repeat(DEEP)),
        format!("{}1{}", "{\"a\":".repeat(DEEP), "}".repeat(DEEP)),
    ] {
        refused("config/database.json", &json);
        // One that cannot be understood has no say.
        let error = Project::new(&[("tsconfig.json", &json)]).error();
        assert!(error.to_string().contains("config holds no database"));
    }
}

#[test]
fn a_result_that_is_nested_deep_is_refused() {
    let nested = |make: &str| {
        format!(
            "let a = 1; for (let i = 0; i < {DEEP}; i++) a = {make};\nmodule.exports = {{ connection: a }};"
        )
    };
    for make in ["[a]", "{ a }", "() => a"] {
        refused("config/database.js", &nested(make));
    }
    refused(
        "config/database.js",
        "let a = {}; a = new Proxy(a, { get: () => a, ownKeys: () => ['a'] });\nmodule.exports = { connection: a };",
    );
}

#[test]
fn guesses_about_types_do_not_take_all_memory() {
    for text in ["x = 1<", "a?(b):c=>"] {
        let error = refused("config/database.ts", &text.repeat(4000));
        assert!(error.contains("so many signs < and ?"), "{error}");
    }
}

#[test]
fn a_file_that_is_too_long_is_refused() {
    let long = "a;".repeat(100_000);
    let error = refused("config/database.js", &long);
    assert!(error.contains("more than 64000 words and signs"), "{error}");
    let huge = "// \n".repeat(3 << 20);
    for file in ["config/database.js", "config/database.json"] {
        let error = refused(file, &huge);
        assert!(error.contains("is larger than 8 MB"), "{error}");
    }
    let error = Project::new(&[(".env", &huge)]).error().to_string();
    assert!(
        error.contains("/.env cannot be read: it is larger than 8 MB"),
        "{error}"
    );
}

#[test]
fn a_changed_to_json_is_no_panic() {
    for change in [
        "Object.prototype.toJSON = () => 'x'",
        "Object.prototype.toJSON = () => undefined",
        "Object.prototype.toJSON = () => 1",
        "Object.prototype.toJSON = () => { throw new Error('no') }",
        "Object.prototype.toJSON = function () { return [this] }",
        "Object.defineProperty(Object.prototype, 'toJSON', { get() { throw 1 } })",
        "Object.defineProperty(Object.prototype, 'part', { set() {} })",
        "Array.prototype.toJSON = () => 1n",
        "String.prototype.toJSON = () => Symbol()",
        "JSON.stringify = () => '1'",
        "JSON.stringify = () => undefined",
        "Object.create = () => 1",
        "Object.hasOwn = () => { throw 1 }",
        "Promise.prototype.then = () => { throw 1 }",
        "globalThis.Promise = undefined",
        "globalThis.__importDefault = () => 1",
        "__config.evaluate = () => 1",
        "__config = 1",
        "delete globalThis.__config",
    ] {
        let text = format!(
            "{change};\nmodule.exports = {{ connection: {{ client: 'sqlite', useNullAsDefault: true, pool: [] }} }};"
        );
        for url in [None, Some("sqlite:x")] {
            let files = [("config/database.js", &*text), ("config/server.js", &*text)];
            let project = Project::new(&files);
            let project = match url {
                Some(url) => project.url(url),
                None => project,
            };
            if let Err(error) = project.load() {
                let error = error.to_string();
                assert!(error.starts_with("config/"), "{change}: {error}");
            }
        }
    }
    for thrown in [
        "null",
        "undefined",
        "Symbol()",
        "{ toString() { throw 1 } }",
        "{ get message() { throw 1 }, get stack() { throw 2 } }",
        "new Proxy({}, { get() { throw 1 } })",
        "new Proxy(() => {}, { get: () => Symbol() })",
        "Object.assign(new Error(), { configFile: 1, configLine: -1, configProblem: {} })",
        "'x'.repeat(2 ** 24)",
    ] {
        refused("config/database.js", &format!("throw {thrown};"));
    }
}

#[test]
fn what_never_ends_is_stopped() {
    for text in [
        "const again = () => Promise.resolve().then(again);\nmodule.exports = { connection: { connection: again } };",
        "const again = async () => { for (;;) await null };\nmodule.exports = { connection: { connection: again } };",
        "module.exports = { connection: { connection: () => ({ then(go) { go(this) } }) } };",
        "throw { toString() { for (;;) ; }, message: null };",
        "module.exports = { connection: { toJSON() { for (;;) ; } } };",
        "/(a*)*b/.test('a'.repeat(40));",
        "try { for (;;) ; } finally { for (;;) ; }",
        "module.exports = new Proxy({}, { get: (a, b, c) => c[b] });",
        "const f = () => { try { f() } finally { f() } }; f();",
    ] {
        refused("config/database.js", text);
    }
}

#[test]
fn memory_is_bounded() {
    for text in [
        "'x'.repeat(2 ** 30)",
        "'x'.repeat(2 ** 29) + 'y'.repeat(2 ** 29)",
        "new Array(2 ** 32 - 1).fill(0)",
        "new Uint8Array(2 ** 31)",
        "new ArrayBuffer(2 ** 40)",
        "Buffer.alloc(2 ** 31)",
        "let a = 'x'; for (;;) a += a",
        "let a = []; for (;;) a.push(a.slice())",
        "let a = []; for (;;) a.push(() => a)",
        "let a = {}; for (let i = 0; ; i++) a[i + 'x'] = i",
        "let a = new Map(); for (let i = 0; ; i++) a.set(i, a)",
        "let a = 2n; for (;;) a *= a",
        "for (let i = 0; ; i++) try { require('x' + i) } catch {}",
        "for (;;) try { require('x'.repeat(2 ** 20) + Math.random()) } catch {}",
        "const a = []; for (;;) a.push(require('url').parse('http://a/' + 'b'.repeat(2 ** 20)))",
        "const grow = (a) => Promise.resolve([a, a]).then(grow), all = []; for (;;) all.push(grow(1))",
    ] {
        refused("config/database.js", &format!("{text};"));
    }
}

#[test]
fn a_long_chain_of_promises_is_followed_to_its_end() {
    for link in ["p.then((it) => it)", "new Promise((go) => go(p))"] {
        let project = Project::database(&format!(
            "let last = Promise.resolve({{ filename: 'x.db' }});
             for (let i = 0; i < {DEEP}; i++) {{ const p = last; last = {link}; }}
             module.exports = {{ connection: {{ client: 'sqlite', connection: () => last }} }};"
        ));
        assert_eq!(project.sqlite(), "x.db");
    }
}

#[test]
fn modules_that_are_not_there_are_not_noted_without_end() {
    for text in [
        "for (let i = 0; ; i++) require('x' + i);",
        "for (let i = 0; i < 5000; i++) require('x'); require('x'.repeat(2 ** 20));",
    ] {
        let project = Project::new(&[("config/server.js", text)]).url("sqlite:x");
        let warnings = project.read().warnings;
        let told = warnings[0].to_string();
        assert!(told.contains("too many modules"), "{told}");
    }
}

#[test]
fn a_signal_ends_the_wait_for_a_configuration() {
    let mut project = Project::database("for (;;) ;");
    project.stop = Stop::new(Arc::new(AtomicBool::new(true)));
    let error = crate::error::Error::from(project.error());
    assert_eq!(error.kind(), crate::error::Kind::Interrupted, "{error}");
}
