//! Turns `import` and `export` into `require` and `exports`, the way TypeScript does with `esModuleInterop`.

use std::collections::HashSet;

use oxc_ast::ast::*;
use oxc_span::{GetSpan, Span};

use super::edits::Edits;
use super::types::is_only_types;

/// Rewrites the module statements of a program. `values` is given for TypeScript: an imported name that is not among
/// them is a type and is not imported.
pub(super) fn rewrite(
    program: &Program<'_>,
    edits: &mut Edits<'_>,
    values: Option<&HashSet<String>>,
) {
    let is_module = program
        .body
        .iter()
        .any(|it| it.as_module_declaration().is_some());
    if is_module {
        edits.before(
            "'use strict'; Object.defineProperty(exports, '__esModule', { value: true }); ",
        );
    } else if values.is_some() {
        edits.before("'use strict'; ");
    }
    let exported = exported_names(program);
    let wanted =
        |name: &str| values.is_none_or(|values| values.contains(name) || exported.contains(name));

    for (number, statement) in program.body.iter().enumerate() {
        match statement {
            Statement::ImportDeclaration(it) => import(it, edits, &wanted),
            Statement::ExportDefaultDeclaration(it) => export_default(it, edits),
            Statement::ExportDeclaration(it) if !is_only_types(&it.declaration) => {
                edits.blank(it.span.start, it.declaration.span().start);
                for name in declared_names(&it.declaration) {
                    edits.after(&format!("exports[{}] = {name}; ", quoted(&name)));
                }
            }
            Statement::ExportNamedDeclaration(it) => {
                edits.blank_statement(it.span);
                for one in it
                    .specifiers
                    .iter()
                    .filter(|one| value(it.export_kind, one))
                {
                    let local = one.local.name();
                    let exported = quoted(&one.exported.name());
                    // A name that is only a type has no value here.
                    edits.after(&format!("exports[{exported}] = typeof {local} === 'undefined' ? undefined : {local}; "));
                }
            }
            Statement::ExportFromDeclaration(it) => {
                let from = quoted(&it.source.value);
                let mut code = format!("const __from{number} = __importAll(require({from}));");
                for one in it
                    .specifiers
                    .iter()
                    .filter(|one| value(it.export_kind, one))
                {
                    let (local, exported) =
                        (quoted(&one.local.name()), quoted(&one.exported.name()));
                    code.push_str(&format!(" exports[{exported}] = __from{number}[{local}];"));
                }
                let values = it.specifiers.iter().any(|one| value(it.export_kind, one));
                let only_types = it.export_kind.is_type() || !(values || it.specifiers.is_empty());
                replace_or_blank(edits, it.span, only_types, &code);
            }
            Statement::ExportAllDeclaration(it) => {
                let from = quoted(&it.source.value);
                let code = match &it.exported {
                    Some(name) => format!(
                        "exports[{}] = __importAll(require({from}));",
                        quoted(&name.name())
                    ),
                    None => format!("__exportAll(exports, require({from}));"),
                };
                replace_or_blank(edits, it.span, it.export_kind.is_type(), &code);
            }
            _ => {}
        }
    }
}

fn replace_or_blank(edits: &mut Edits<'_>, span: Span, types: bool, code: &str) {
    if types {
        edits.blank_statement(span);
    } else {
        edits.replace(span.start, span.end, code);
    }
}

fn import(it: &ImportDeclaration<'_>, edits: &mut Edits<'_>, wanted: &dyn Fn(&str) -> bool) {
    let from = quoted(&it.source.value);
    let Some(specifiers) = &it.specifiers else {
        edits.replace(it.span.start, it.span.end, &format!("require({from});"));
        return;
    };
    let mut whole = Vec::new();
    let mut named = Vec::new();
    for one in specifiers {
        match one {
            _ if !wanted(&one.local().name) => {}
            ImportDeclarationSpecifier::ImportDefaultSpecifier(one) => {
                whole.push(format!(
                    "{} = __importDefault(require({from}))",
                    one.local.name
                ));
            }
            ImportDeclarationSpecifier::ImportNamespaceSpecifier(one) => {
                whole.push(format!("{} = __importAll(require({from}))", one.local.name));
            }
            ImportDeclarationSpecifier::ImportSpecifier(one) if one.import_kind.is_value() => {
                named.push(format!(
                    "{}: {}",
                    quoted(&one.imported.name()),
                    one.local.name
                ));
            }
            ImportDeclarationSpecifier::ImportSpecifier(_) => {}
        }
    }
    if !named.is_empty() {
        whole.push(format!(
            "{{ {} }} = __importAll(require({from}))",
            named.join(", ")
        ));
    }
    if it.import_kind.is_type() || whole.is_empty() {
        edits.blank_statement(it.span);
    } else {
        edits.replace(
            it.span.start,
            it.span.end,
            &format!("const {};", whole.join(", ")),
        );
    }
}

fn export_default(it: &ExportDefaultDeclaration<'_>, edits: &mut Edits<'_>) {
    let start = it.declaration.span().start;
    let name = match &it.declaration {
        ExportDefaultDeclarationKind::FunctionDeclaration(function) if function.body.is_none() => {
            return edits.blank_statement(it.span);
        }
        ExportDefaultDeclarationKind::TSInterfaceDeclaration(_) => {
            return edits.blank_statement(it.span);
        }
        ExportDefaultDeclarationKind::FunctionDeclaration(function) => function.id.as_ref(),
        ExportDefaultDeclarationKind::ClassDeclaration(class) => class.id.as_ref(),
        _ => None,
    };
    match name {
        Some(name) => {
            edits.blank(it.span.start, start);
            edits.after(&format!("exports.default = {}; ", name.name));
        }
        None => edits.replace(it.span.start, start, "exports.default = "),
    }
}

fn value(kind: ImportOrExportKind, one: &ExportSpecifier<'_>) -> bool {
    kind.is_value() && one.export_kind.is_value()
}

/// The local names in `export { ... }`: an import among them is passed on.
fn exported_names(program: &Program<'_>) -> HashSet<String> {
    let mut names = HashSet::new();
    for statement in &program.body {
        if let Statement::ExportNamedDeclaration(it) = statement {
            let specifiers = it
                .specifiers
                .iter()
                .filter(|one| value(it.export_kind, one));
            names.extend(specifiers.map(|one| one.local.name().to_string()));
        }
    }
    names
}

/// The names that a declaration binds.
fn declared_names(declaration: &Declaration<'_>) -> Vec<String> {
    match declaration {
        Declaration::VariableDeclaration(it) => {
            let names = it
                .declarations
                .iter()
                .flat_map(|one| one.id.get_binding_identifiers());
            names.map(|name| name.name.to_string()).collect()
        }
        Declaration::FunctionDeclaration(it) => {
            it.id.iter().map(|name| name.name.to_string()).collect()
        }
        Declaration::ClassDeclaration(it) => {
            it.id.iter().map(|name| name.name.to_string()).collect()
        }
        Declaration::TSEnumDeclaration(it) => vec![it.id.name.to_string()],
        Declaration::TSImportEqualsDeclaration(it) => vec![it.id.name.to_string()],
        _ => Vec::new(),
    }
}

/// A name as a JavaScript string.
fn quoted(name: &str) -> String {
    serde_json::Value::from(name).to_string()
}
