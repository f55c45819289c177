//! Parses code of a project, JavaScript or TypeScript, whatever it is made of: neither its length nor how it is nested may
//! cost much memory or time, or the program. What would is a [`Problem`].

use oxc_allocator::Allocator;
use oxc_ast::ast::Program;
use oxc_parser::Parser;
use oxc_span::SourceType;
use std::path::Path;
use std::thread::{self, Builder};

/// Why a text is of no use.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// It is not valid JavaScript or TypeScript.
    Syntax { line: u32, message: String },
    /// It uses what is not supported, such as a feature of TypeScript that generates code.
    Unsupported { line: u32, what: String },
}

/// How many words and signs a file may have.
const SIGNS_LIMIT: usize = 64_000;
/// The stack that the parser takes for a text without any.
const STACK: usize = 1 << 20;
/// The stack that the parser takes for each of them at most, with plenty to spare.
const STACK_PER_SIGN: usize = 8 << 10;
/// How many words and signs the parser may read again where it guesses whether TypeScript's signs begin a type: it does
/// not give their memory back.
const GUESSES_LIMIT: usize = 8_000_000;
/// How often `<` may stand before a parenthesis in TypeScript: inside each other, such guesses double the time.
const NESTED_GUESSES_LIMIT: usize = 8;

/// Whether a file is TypeScript, by its name.
pub(super) fn is_typescript(file: &Path) -> bool {
    matches!(extension(file), "ts" | "mts" | "cts")
}

/// What `look` finds in the tree of `text`, which is that of `file`.
///
/// The parser and whoever looks go as deep as the text does, so they get a stack that is made for the text.
pub(super) fn parse<T: Send>(
    file: &Path,
    text: &str,
    look: impl FnOnce(&Program<'_>) -> T + Send,
) -> Result<T, Problem> {
    let signs = signs(text);
    let guesses = match is_typescript(file) {
        true => text.matches(['<', '?']).count(),
        false => 0,
    };
    let too_much = |what: &str| Problem::Unsupported {
        line: 1,
        what: what.to_owned(),
    };
    if signs > SIGNS_LIMIT {
        return Err(too_much(&format!(
            "a file of more than {SIGNS_LIMIT} words and signs"
        )));
    }
    let nested = text.split('<').skip(1);
    let nested = nested.filter(|rest| rest.trim_start().starts_with('('));
    let is_nested = is_typescript(file) && nested.count() > NESTED_GUESSES_LIMIT;
    if is_nested || guesses.saturating_mul(signs) > GUESSES_LIMIT {
        return Err(too_much(
            "TypeScript of this length with so many signs < and ?",
        ));
    }
    thread::scope(|scope| {
        Builder::new()
            .name("script".into())
            .stack_size(STACK + signs * STACK_PER_SIGN)
            .spawn_scoped(scope, || parse_here(file, text, look))
            .ok()
            .and_then(|thread| thread.join().ok())
            .unwrap_or_else(|| Err(too_much("a file as this one is")))
    })
}

/// What [`parse`] does, on the thread that it does it on.
fn parse_here<T>(
    file: &Path,
    text: &str,
    look: impl FnOnce(&Program<'_>) -> T,
) -> Result<T, Problem> {
    let kind = match extension(file) {
        _ if is_typescript(file) => SourceType::ts(),
        "mjs" => SourceType::mjs(),
        "cjs" => SourceType::cjs(),
        _ => SourceType::unambiguous(),
    };
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, text, kind).parse();
    if let Some(first) = parsed.diagnostics.first() {
        let at = first.labels.first().map_or(0, |label| label.offset());
        return Err(Problem::Syntax {
            line: line_at(text, at as usize),
            message: first.message.to_string(),
        });
    }
    Ok(look(&parsed.program))
}

/// How many words and signs a text has. Its tree is not deeper than that.
fn signs(text: &str) -> usize {
    let mut in_word = false;
    let mut count = 0;
    for letter in text.chars() {
        let is_word = letter.is_alphanumeric() || matches!(letter, '_' | '$');
        let begins = if is_word {
            !in_word
        } else {
            !letter.is_whitespace()
        };
        count += usize::from(begins);
        in_word = is_word;
    }
    count
}

fn extension(file: &Path) -> &str {
    file.extension()
        .and_then(|ext| ext.to_str())
        .unwrap_or_default()
}

/// The line that the byte at `offset` is in.
pub(super) fn line_at(text: &str, offset: usize) -> u32 {
    let before = text
        .as_bytes()
        .iter()
        .take(offset)
        .filter(|&&byte| byte == b'\n')
        .count();
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}
