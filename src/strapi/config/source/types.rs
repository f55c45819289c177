//! Blanks out what TypeScript adds to JavaScript, and notes which names are used as values.
//!
//! Types, annotations, assertions, modifiers and declarations without code disappear; enums become objects. What
//! would need more than that (namespaces with code, parameter properties, decorators) is reported as unsupported.

use std::collections::HashSet;

use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};
use oxc_span::{GetSpan, Span};
use oxc_syntax::scope::ScopeFlags;

use super::edits::Edits;

const MODIFIERS: &[&str] = &[
    "public",
    "private",
    "protected",
    "readonly",
    "override",
    "declare",
    "abstract",
];

/// Walks a program and collects the edits that remove its types.
pub(super) struct Eraser<'t> {
    pub(super) edits: Edits<'t>,
    /// Names that are read as values somewhere. An import that is not among them is a type.
    pub(super) values: HashSet<String>,
    /// The first feature that cannot be erased, with its offset.
    pub(super) unsupported: Option<(u32, String)>,
}

impl<'t> Eraser<'t> {
    pub(super) fn new(edits: Edits<'t>) -> Self {
        Self {
            edits,
            values: HashSet::new(),
            unsupported: None,
        }
    }

    fn refuse(&mut self, at: Span, what: &str) {
        if self.unsupported.is_none() {
            self.unsupported = Some((at.start, what.to_owned()));
        }
    }

    fn blank(&mut self, span: Span) {
        self.edits.blank(span.start, span.end);
    }

    /// `this: T` among the parameters goes, with its comma.
    fn blank_this(&mut self, this: &TSThisParameter<'_>, params: &FormalParameters<'_>) {
        let next = params.items.first().map(|item| item.span.start);
        match next.or_else(|| params.rest.as_ref().map(|rest| rest.span().start)) {
            Some(next) => self.edits.blank(this.span.start, next),
            None => {
                self.blank(this.span);
                self.edits.blank_mark(this.span.end, ',');
            }
        }
    }

    /// Modifiers before the key of a class member, and `?` or `!` behind it.
    fn blank_member_marks(
        &mut self,
        span: Span,
        decorators: &[Decorator<'_>],
        key: Span,
        computed: bool,
    ) {
        let start = decorators
            .last()
            .map_or(span.start, |decorator| decorator.span.end);
        self.edits.blank_words(start, key.start, MODIFIERS);
        let mut end = key.end;
        if computed {
            let rest = self.edits.slice(end, span.end);
            end += rest.find(']').map_or(0, |at| at as u32 + 1);
        }
        self.edits.blank_mark(end, '?');
        self.edits.blank_mark(end, '!');
    }
}

/// Whether a declaration disappears altogether.
pub(super) fn is_only_types(declaration: &Declaration<'_>) -> bool {
    match declaration {
        Declaration::TSTypeAliasDeclaration(_)
        | Declaration::TSInterfaceDeclaration(_)
        | Declaration::TSExternalModuleDeclaration(_)
        | Declaration::TSGlobalDeclaration(_) => true,
        Declaration::VariableDeclaration(it) => it.declare,
        Declaration::FunctionDeclaration(it) => it.declare || it.body.is_none(),
        Declaration::ClassDeclaration(it) => it.declare,
        Declaration::TSEnumDeclaration(it) => it.declare,
        Declaration::TSNamespaceDeclaration(it) => it.declare,
        Declaration::TSImportEqualsDeclaration(it) => it.import_kind.is_type(),
    }
}

impl<'a> Visit<'a> for Eraser<'_> {
    fn visit_import_meta(&mut self, it: &ImportMeta) {
        // The module is a function here, which has no such thing.
        let code = "({ url: require('url').pathToFileURL(__filename).href, filename: __filename, dirname: __dirname })";
        self.edits.replace(it.span.start, it.span.end, code);
    }

    fn visit_identifier_reference(&mut self, it: &IdentifierReference<'a>) {
        self.values.insert(it.name.to_string());
    }

    fn visit_statement(&mut self, it: &Statement<'a>) {
        match it {
            Statement::ExportDeclaration(export) if is_only_types(&export.declaration) => {
                self.edits.blank_statement(export.span);
            }
            // Their names are dealt with when the modules are rewritten.
            Statement::ImportDeclaration(_)
            | Statement::ExportNamedDeclaration(_)
            | Statement::ExportFromDeclaration(_)
            | Statement::ExportAllDeclaration(_) => {}
            Statement::TSNamespaceExportDeclaration(it) => self.edits.blank_statement(it.span),
            _ => match it.as_declaration() {
                Some(declaration) if is_only_types(declaration) => {
                    self.edits.blank_statement(it.span())
                }
                _ => walk::walk_statement(self, it),
            },
        }
    }

    fn visit_ts_namespace_declaration(&mut self, it: &TSNamespaceDeclaration<'a>) {
        self.refuse(it.span, "a TypeScript namespace");
    }

    fn visit_decorator(&mut self, it: &Decorator<'a>) {
        self.refuse(it.span, "a decorator");
    }

    fn visit_ts_import_equals_declaration(&mut self, it: &TSImportEqualsDeclaration<'a>) {
        if let TSModuleReference::ExternalModuleReference(_) = it.module_reference {
            // `import x = require('y')`: only the keyword differs.
            self.edits
                .replace(it.span.start, it.id.span.start, "const ");
        } else {
            self.refuse(it.span, "an import alias");
        }
    }

    fn visit_ts_enum_declaration(&mut self, it: &TSEnumDeclaration<'a>) {
        let name = it.id.name.as_str();
        let mut from = it.span.start;
        let mut code = format!("var {name} = {{}};");
        for member in &it.body.members {
            let key = serde_json::Value::from(match &member.id {
                TSEnumMemberName::Identifier(id) => id.name.as_str(),
                TSEnumMemberName::String(text) | TSEnumMemberName::ComputedString(text) => {
                    text.value.as_str()
                }
                TSEnumMemberName::ComputedTemplateString(text) => {
                    self.refuse(text.span, "a computed enum member");
                    continue;
                }
            });
            code.push_str(&format!(" __enumMember({name}, {key}"));
            from = match &member.initializer {
                Some(value) => {
                    self.edits
                        .replace(from, value.span().start, &format!("{code}, "));
                    self.visit_expression(value);
                    value.span().end
                }
                None => {
                    self.edits.replace(from, member.span.end, &code);
                    member.span.end
                }
            };
            code = ");".into();
        }
        self.edits.replace(from, it.span.end, &code);
    }

    fn visit_ts_type_annotation(&mut self, it: &TSTypeAnnotation<'a>) {
        self.blank(it.span);
    }

    fn visit_ts_type_parameter_declaration(&mut self, it: &TSTypeParameterDeclaration<'a>) {
        self.blank(it.span);
    }

    fn visit_ts_type_parameter_instantiation(&mut self, it: &TSTypeParameterInstantiation<'a>) {
        self.blank(it.span);
    }

    fn visit_ts_this_parameter(&mut self, _: &TSThisParameter<'a>) {}

    fn visit_ts_as_expression(&mut self, it: &TSAsExpression<'a>) {
        self.visit_expression(&it.expression);
        self.edits.blank(it.expression.span().end, it.span.end);
    }

    fn visit_ts_satisfies_expression(&mut self, it: &TSSatisfiesExpression<'a>) {
        self.visit_expression(&it.expression);
        self.edits.blank(it.expression.span().end, it.span.end);
    }

    fn visit_ts_non_null_expression(&mut self, it: &TSNonNullExpression<'a>) {
        self.visit_expression(&it.expression);
        self.edits.blank(it.span.end.saturating_sub(1), it.span.end);
    }

    fn visit_ts_type_assertion(&mut self, it: &TSTypeAssertion<'a>) {
        self.edits.blank(it.span.start, it.expression.span().start);
        self.visit_expression(&it.expression);
    }

    fn visit_ts_export_assignment(&mut self, it: &TSExportAssignment<'a>) {
        self.edits.replace(
            it.span.start,
            it.expression.span().start,
            "module.exports = ",
        );
        self.visit_expression(&it.expression);
    }

    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        if it.definite {
            self.edits.blank_mark(it.id.span().end, '!');
        }
        walk::walk_variable_declarator(self, it);
    }

    fn visit_formal_parameter(&mut self, it: &FormalParameter<'a>) {
        if it.accessibility.is_some() || it.readonly || it.r#override {
            self.refuse(it.span, "a parameter property");
        }
        if it.optional {
            self.edits.blank_mark(it.pattern.span().end, '?');
        }
        walk::walk_formal_parameter(self, it);
    }

    fn visit_function(&mut self, it: &Function<'a>, flags: ScopeFlags) {
        if let Some(this) = &it.this_param {
            self.blank_this(this, &it.params);
        }
        walk::walk_function(self, it, flags);
    }

    fn visit_arrow_function_expression(&mut self, it: &ArrowFunctionExpression<'a>) {
        if let Some(result) = &it.return_type {
            let (close, end) = (it.params.span.end, result.span.end);
            // A line break may not stand between `)` and `=>`, so the parenthesis moves behind the type.
            if self.edits.slice(close, end).contains('\n')
                && self.edits.slice(close - 1, close) == ")"
            {
                self.edits.blank(close - 1, close);
                self.edits.blank_and_close(close, end);
            }
        }
        walk::walk_arrow_function_expression(self, it);
    }

    fn visit_class(&mut self, it: &Class<'a>) {
        if it.r#abstract {
            let end = it
                .id
                .as_ref()
                .map_or(it.body.span.start, |id| id.span.start);
            self.edits.blank_words(it.span.start, end, &["abstract"]);
        }
        if let (Some(first), Some(last)) = (it.implements.first(), it.implements.last()) {
            let head = self.edits.slice(it.span.start, first.span.start);
            if let Some(at) = head.rfind("implements") {
                self.edits.blank(it.span.start + at as u32, last.span.end);
            }
        }
        walk::walk_class(self, it);
    }

    fn visit_ts_class_implements(&mut self, _: &TSClassImplements<'a>) {}

    fn visit_class_element(&mut self, it: &ClassElement<'a>) {
        let erased = match it {
            ClassElement::TSIndexSignature(_) => true,
            ClassElement::MethodDefinition(it) => it.value.body.is_none(),
            ClassElement::PropertyDefinition(it) => {
                it.declare || it.r#type == PropertyDefinitionType::TSAbstractPropertyDefinition
            }
            ClassElement::StaticBlock(_) | ClassElement::AccessorProperty(_) => false,
        };
        if erased {
            self.edits.blank_statement(it.span());
            return;
        }
        match it {
            ClassElement::MethodDefinition(it) => {
                self.blank_member_marks(it.span, &it.decorators, it.key.span(), it.computed);
            }
            ClassElement::PropertyDefinition(it) => {
                self.blank_member_marks(it.span, &it.decorators, it.key.span(), it.computed);
            }
            _ => {}
        }
        walk::walk_class_element(self, it);
    }
}
