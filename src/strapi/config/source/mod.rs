//! From the text of a configuration file to plain CommonJS that the engine runs: TypeScript's types are blanked out and
//! `import` and `export` become `require` and `exports`. Every line keeps its number, so an error found by the engine
//! is an error in the file.

mod edits;
mod modules;
mod types;

use std::path::Path;

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

/// Whether a file is TypeScript, by its name.
pub(super) fn is_typescript(file: &Path) -> bool {
    matches!(extension(file), "ts" | "mts" | "cts")
}

/// The runnable form of `text`, to be wrapped in a function by the caller.
pub(super) fn to_common_js(file: &Path, text: &str) -> Result<String, Problem> {
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
