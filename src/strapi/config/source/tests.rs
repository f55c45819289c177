//! What the rewriting leaves of a text.

use std::path::Path;

use super::{Problem, to_common_js};

fn typescript(text: &str) -> String {
    to_common_js(Path::new("a.ts"), text).unwrap_or_else(|problem| panic!("{problem:?}: {text}"))
}

/// The text without its prologue and with its white space squeezed.
fn squeezed(text: &str) -> String {
    let code = typescript(text);
    let code = code.strip_prefix("'use strict'; ").unwrap_or(&code);
    let code = code
        .strip_prefix("Object.defineProperty(exports, '__esModule', { value: true }); ")
        .unwrap_or(code);
    code.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn types_are_blanked_out() {
    for (text, expected) in [
        ("const a: string = 'x';", "const a = 'x';"),
        ("let a!: number;", "let a ;"),
        (
            "const f = <T,>(x: T, y?: number): T => x;",
            "const f = (x , y ) => x;",
        ),
        (
            "function f(this: Window, a: number = 1, ...rest: string[]): void {}",
            "function f( a = 1, ...rest ) {}",
        ),
        ("function f(this: Window) {}", "function f( ) {}"),
        ("const a = b as const;", "const a = b ;"),
        (
            "const a = (b as any as T).c!.d![0]!;",
            "const a = (b ).c .d [0] ;",
        ),
        (
            "const a = { b: 1 } satisfies Record<string, number>;",
            "const a = { b: 1 } ;",
        ),
        ("const a = <T>b;", "const a = b;"),
        (
            "const a = new Map<string, Array<number>>();",
            "const a = new Map ();",
        ),
        ("f<T>(x); g<T>`x`;", "f (x); g `x`;"),
        (
            "const a = x < y, b = y > (z);",
            "const a = x < y, b = y > (z);",
        ),
        ("try {} catch (e: unknown) {}", "try {} catch (e ) {}"),
        (
            "for (const a of b as string[]) {}",
            "for (const a of b ) {}",
        ),
        (
            "function f(a: string): void;\nfunction f(a: any) {}",
            "; function f(a ) {}",
        ),
        (
            "function f(x: unknown): asserts x is string {}",
            "function f(x ) {}",
        ),
        ("let a = b\ntype T = 1\n;(c)()", "let a = b ; (c)()"),
        (
            "let a = b\ninterface I { x: 1 }\n(c)()",
            "let a = b ; (c)()",
        ),
        (
            "declare const a: string; declare function b(): void; declare global { var c: any }",
            "; ; ;",
        ),
        (
            "abstract class A<T> extends B<T> implements C, D<T> { }",
            "class A extends B { }",
        ),
        (
            "class A { private readonly a?: string = 'x'; b!: number; static b2: number; declare c: 1; [key: string]: any; \
             abstract d(): void; protected async e?(x?: 1): Promise<void> {} public static override f = 2; readonly = 3; }",
            "class A { a = 'x'; b ; static b2 ; ; ; ; async e (x ) {} static f = 2; readonly = 3; }",
        ),
    ] {
        assert_eq!(squeezed(text), expected, "{text}");
    }
}

#[test]
fn a_return_type_over_several_lines_leaves_the_arrow_in_place() {
    let code = typescript("const f = (a: number): {\n  b: string;\n} => ({ b: '' });");
    assert!(code.lines().any(|line| line.contains(") =>")), "{code}");
    assert_eq!(code.lines().count(), 3);
}

#[test]
fn enums_become_objects() {
    assert_eq!(
        squeezed("export enum A { X, Y = 5, 'z w' = \"q\" as string, }"),
        "var A = {}; __enumMember(A, \"X\"); __enumMember(A, \"Y\", 5); __enumMember(A, \"z w\", \"q\" ); exports[\"A\"] = A;"
    );
    assert_eq!(
        squeezed("declare enum A { X }\nconst enum B {}"),
        "; var B = {};"
    );
}

#[test]
fn imports_of_types_disappear() {
    for (text, expected) in [
        ("import type { A } from 'a';", ";"),
        (
            "import { type A, B } from 'a'; B();",
            "const { \"B\": B } = __importAll(require(\"a\")); B();",
        ),
        ("import { A } from 'a'; const x: A = 1;", "; const x = 1;"),
        (
            "import a, { B } from 'a'; export default a as B;",
            "const a = __importDefault(require(\"a\")); exports.default = a ;",
        ),
        (
            "import * as a from 'a'; a;",
            "const a = __importAll(require(\"a\")); a;",
        ),
        ("import 'a';", "require(\"a\");"),
        (
            "import a = require('a'); export = a;",
            "const a = require('a'); module.exports = a;",
        ),
        (
            "export { type A } from 'a'; export type { A } from 'a'; export type B = 1; export interface C {}",
            "; ; ; ;",
        ),
        ("export default interface A {}", ";"),
        (
            "import { a } from 'a'; export { a };",
            "const { \"a\": a } = __importAll(require(\"a\")); ; exports[\"a\"] = typeof a === 'undefined' ? undefined : a;",
        ),
        (
            "export default class A {}",
            "class A {} exports.default = A;",
        ),
    ] {
        assert_eq!(squeezed(text), expected, "{text}");
    }
}

#[test]
fn lines_keep_their_numbers() {
    let text = "import {\n  a,\n  b,\n} from 'x';\n\ninterface I {\n  y: 1;\n}\n/* \u{1f600} */ enum E {\n  A,\n  B = 2,\n}\n\
         export default function f<\n  T\n>(c: T): T {\n  return MARK(a, b, E, c);\n}\n";
    let line = |code: &str| code.lines().position(|line| line.contains("MARK"));
    assert_eq!(line(&typescript(text)), line(text));
    assert_eq!(
        typescript(&text.replace('\n', "\r\n"))
            .matches("\r\n")
            .count(),
        text.matches('\n').count()
    );
}

#[test]
fn what_cannot_be_erased_is_reported_with_its_line() {
    for (text, line) in [
        ("\nnamespace A { export const x = 1 }", 2),
        ("class A {\n\n constructor(private x: string) {} }", 3),
        ("\n@dec class A {}", 2),
        ("import x = A.B; x;", 1),
    ] {
        match to_common_js(Path::new("a.ts"), text) {
            Err(Problem::Unsupported { line: found, .. }) => assert_eq!(found, line, "{text}"),
            other => panic!("{other:?}: {text}"),
        }
    }
}

#[test]
fn plain_javascript_stays_as_it_is() {
    for text in [
        "module.exports = ({ env }) => ({ a: env('A') });",
        "with (x) { y = 010 }",
        "'use strict';\nexports.a = 1;",
    ] {
        assert_eq!(to_common_js(Path::new("a.js"), text), Ok(text.to_owned()));
    }
    let hashbang = to_common_js(Path::new("a.js"), "#!/bin/node\nexports.a = 1;");
    assert_eq!(hashbang, Ok("           \nexports.a = 1;".to_owned()));
}
