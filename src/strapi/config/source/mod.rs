//! From the text of a configuration file to plain CommonJS that the engine runs: TypeScript's types are blanked out and
//! `import` and `export` become `require` and `exports`. Every line keeps its number, so an error found by the engine
//! is an error in the file.

mod edits;
mod modules;
mod types;

use std::path::Path;

use oxc_ast::ast::Program;
use oxc_ast_visit::Visit;

use crate::strapi::script::{self, is_typescript, line_at};
use edits::Edits;

pub(super) use crate::strapi::script::Problem;

/// The runnable form of `text`, to be wrapped in a function by the caller.
pub(super) fn to_common_js(file: &Path, text: &str) -> Result<String, Problem> {
    let typescript = is_typescript(file);
    script::parse(file, text, |program| convert(program, text, typescript))?
}

/// What [`to_common_js`] does, on the thread that it does it on.
fn convert(program: &Program<'_>, text: &str, typescript: bool) -> Result<String, Problem> {
    let mut edits = Edits::new(text);
    if let Some(hashbang) = &program.hashbang {
        edits.blank(hashbang.span.start, hashbang.span.end);
    }
    let mut eraser = types::Eraser::new(edits);
    eraser.visit_program(program);
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
    modules::rewrite(program, &mut edits, typescript.then_some(&values));
    Ok(edits.apply())
}

#[cfg(test)]
mod tests;
