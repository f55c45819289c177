//! From the text of a configuration file to plain CommonJS that the engine runs: TypeScript's types are blanked out and
//! `import` and `export` become `require` and `exports`. Every line keeps its number, so an error found by the engine
//! is an error in the file.

mod edits;
mod modules;
mod types;

use std::path::Path;
use std::thread::Builder;

use oxc_allocator::Allocator;
use oxc_ast_visit::Visit;
use oxc_parser::Parser;
use oxc_span::SourceType;

use edits::Edits;

/// Why a text could not be made runnable.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem {
    /// It is not valid JavaScript or TypeScript.
    Syntax { line: u32, message: String },
    /// It uses a feature of TypeScript that generates code and is not supported.
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

/// The runnable form of `text`, to be wrapped in a function by the caller.
///
/// The parser goes as deep as the text does, so it gets a stack that is made for the text.
pub(super) fn to_common_js(file: &Path, text: &str) -> Result<String, Problem> {
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
    std::thread::scope(|scope| {
        Builder::new()
            .name("configuration".into())
            .stack_size(STACK + signs * STACK_PER_SIGN)
            .spawn_scoped(scope, || convert(file, text))
            .ok()
            .and_then(|thread| thread.join().ok())
            .unwrap_or_else(|| Err(too_much("a file as this one is")))
    })
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

/// What [`to_common_js`] does, on the thread that it does it on.
fn convert(file: &Path, text: &str) -> Result<String, Problem> {
    let typescript = is_typescript(file);
    let kind = match extension(file) {
        _ if typescript => SourceType::ts(),
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

    let mut edits = Edits::new(text);
    if let Some(hashbang) = &parsed.program.hashbang {
        edits.blank(hashbang.span.start, hashbang.span.end);
    }
    let mut eraser = types::Eraser::new(edits);
    eraser.visit_program(&parsed.program);
    let types::Eraser {
        mut edits,
        values,
        unsupported,
        ..
    } = eraser;
    if let Some((offset, what)) = unsupported {
        return Err(Problem::Unsupported {
            line: line_at(text, offset as usize),
            what,
        });
    }
    modules::rewrite(&parsed.program, &mut edits, typescript.then_some(&values));
    Ok(edits.apply())
}

fn extension(file: &Path) -> &str {
    file.extension()
        .and_then(|ext| ext.to_str())
        .unwrap_or_default()
}

fn line_at(text: &str, offset: usize) -> u32 {
    let before = text
        .as_bytes()
        .iter()
        .take(offset)
        .filter(|&&byte| byte == b'\n')
        .count();
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
mod tests;
