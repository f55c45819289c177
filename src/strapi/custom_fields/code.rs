//! Which custom fields a file of code registers: `strapi.customFields.register({ name, plugin, type })`. The code is read,
//! and not run: what it does not say for certain is not known.

use crate::model::Scalar;
use crate::strapi::script;
use oxc_ast::ast::*;
use oxc_ast_visit::{Visit, walk};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// What only registrations in the admin panel have; the types there may be others.
const OF_ADMIN: [&str; 4] = ["pluginId", "intlLabel", "components", "icon"];

/// A custom field that code registers. What the code does not say in so many words is not known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Registration {
    pub name: String,
    pub plugin: Plugin,
    pub kind: String,
}

/// Which plugin a registration names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Plugin {
    None,
    Named(String),
    Unknown,
}

/// What a file registers. One that cannot be read as code registers nothing.
pub(super) fn registrations(file: &Path, text: &str) -> Vec<Registration> {
    let look = |program: &Program<'_>| {
        let mut reader = Reader::default();
        reader.visit_program(program);
        reader.registrations()
    };
    script::parse(file, text, look).unwrap_or_default()
}

/// A value as the code has it.
#[derive(Debug, Clone)]
enum Word {
    Text(String),
    /// A variable.
    Name(String),
    Other,
}

/// An object as the code has it: its properties by name.
#[derive(Debug, Clone, Default)]
struct Object {
    words: HashMap<String, Word>,
    /// Whether it may have properties that the code does not name.
    has_more: bool,
}

/// What is registered in one place.
enum Registers {
    Object(Object),
    Name(String),
}

/// What the code does with all variables of one name.
#[derive(Default)]
struct Variable {
    /// How many there are, parameters and the like included.
    bindings: usize,
    /// The values that they begin with.
    texts: Vec<String>,
    objects: Vec<Object>,
    is_assigned: bool,
    /// How often they are used, and how often for nothing but to be registered.
    uses: usize,
    registered: usize,
}

impl Variable {
    /// The text that they all are at all times.
    fn text(&self) -> Option<&String> {
        let (first, others) = self.texts.split_first()?;
        let is_certain = self.bindings == self.texts.len() && !self.is_assigned;
        (is_certain && others.iter().all(|it| it == first)).then_some(first)
    }

    /// The object that the only one is, and that nothing can have changed.
    fn object(&self) -> Option<&Object> {
        let is_certain = self.bindings == 1 && self.uses == self.registered;
        self.objects.first().filter(|_| is_certain)
    }
}

/// Collects registrations, and the variables that they may name.
#[derive(Default)]
struct Reader {
    variables: HashMap<String, Variable>,
    found: Vec<Registers>,
}

impl Reader {
    fn registrations(self) -> Vec<Registration> {
        let Self { variables, found } = self;
        let text = |word: Option<&Word>| match word? {
            Word::Text(text) => Some(text.clone()),
            Word::Name(name) => variables.get(name)?.text().cloned(),
            Word::Other => None,
        };
        // One field may be registered in several branches, of which one does not say the type.
        let mut uncertain = BTreeSet::new();
        let mut registration = |registers: Registers| {
            let object = match registers {
                Registers::Object(object) => object,
                Registers::Name(name) => variables.get(&name)?.object()?.clone(),
            };
            let words = &object.words;
            if OF_ADMIN.iter().any(|name| words.contains_key(*name)) {
                return None;
            }
            let plugin = match words.get("plugin") {
                None if !object.has_more => Plugin::None,
                word => text(word).map_or(Plugin::Unknown, Plugin::Named),
            };
            let name = text(words.get("name"))?;
            let kind = text(words.get("type")).filter(|it| Scalar::from_type(it).is_some());
            let Some(kind) = kind else {
                uncertain.insert(name);
                return None;
            };
            Some(Registration { name, plugin, kind })
        };
        let mut all: Vec<_> = found.into_iter().filter_map(&mut registration).collect();
        all.retain(|it| !uncertain.contains(&it.name));
        all
    }

    fn variable(&mut self, name: &str) -> &mut Variable {
        self.variables.entry(name.to_owned()).or_default()
    }

    fn registers(&mut self, expression: &Expression<'_>) {
        match expression.get_inner_expression() {
            Expression::ObjectExpression(it) => self.found.push(Registers::Object(object(it))),
            Expression::Identifier(it) => {
                self.variable(&it.name).registered += 1;
                self.found.push(Registers::Name(it.name.to_string()));
            }
            Expression::ArrayExpression(it) => {
                for element in &it.elements {
                    if let Some(element) = element.as_expression() {
                        self.registers(element);
                    }
                }
            }
            _ => {}
        }
    }
}

impl<'a> Visit<'a> for Reader {
    fn visit_binding_identifier(&mut self, it: &BindingIdentifier<'a>) {
        self.variable(&it.name).bindings += 1;
    }

    fn visit_identifier_reference(&mut self, it: &IdentifierReference<'a>) {
        self.variable(&it.name).uses += 1;
    }

    fn visit_variable_declarator(&mut self, it: &VariableDeclarator<'a>) {
        if let (BindingPattern::BindingIdentifier(name), Some(value)) = (&it.id, &it.init) {
            let variable = self.variable(&name.name);
            match value.get_inner_expression() {
                Expression::ObjectExpression(it) => variable.objects.push(object(it)),
                value => {
                    if let Word::Text(text) = word(value) {
                        variable.texts.push(text);
                    }
                }
            }
        }
        walk::walk_variable_declarator(self, it);
    }

    fn visit_simple_assignment_target(&mut self, it: &SimpleAssignmentTarget<'a>) {
        let wrapped = it.get_expression().map(Expression::get_inner_expression);
        if let SimpleAssignmentTarget::AssignmentTargetIdentifier(it) = it {
            self.variable(&it.name).is_assigned = true;
        } else if let Some(Expression::Identifier(it)) = wrapped {
            self.variable(&it.name).is_assigned = true;
        }
        walk::walk_simple_assignment_target(self, it);
    }

    fn visit_assignment_target_property_identifier(
        &mut self,
        it: &AssignmentTargetPropertyIdentifier<'a>,
    ) {
        self.variable(&it.binding.name).is_assigned = true;
        walk::walk_assignment_target_property_identifier(self, it);
    }

    fn visit_export_declaration(&mut self, it: &ExportDeclaration<'a>) {
        // Who imports it may change it.
        if let Declaration::VariableDeclaration(exported) = &it.declaration {
            for declarator in &exported.declarations {
                if let BindingPattern::BindingIdentifier(name) = &declarator.id {
                    self.variable(&name.name).uses += 1;
                }
            }
        }
        walk::walk_export_declaration(self, it);
    }

    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        if let Some((object, "register")) = member(&it.callee)
            && let Some((_, "customFields")) = member(object)
            && let Some(given) = it.arguments.first().and_then(Argument::as_expression)
        {
            self.registers(given);
        }
        walk::walk_call_expression(self, it);
    }
}

/// The object and the property of `object.property`.
fn member<'e, 'a>(it: &'e Expression<'a>) -> Option<(&'e Expression<'a>, &'e str)> {
    let member = it.get_inner_expression().as_member_expression()?;
    Some((member.object(), member.static_property_name()?))
}

fn object(it: &ObjectExpression<'_>) -> Object {
    let mut object = Object::default();
    for property in &it.properties {
        let named = match property {
            ObjectPropertyKind::ObjectProperty(property) => {
                let name = property.key.static_name();
                // It is no property, but where others come from.
                let name = name.filter(|it| it != "__proto__");
                name.map(|name| (name, word(&property.value)))
            }
            ObjectPropertyKind::SpreadProperty(_) => None,
        };
        match named {
            Some((name, word)) => {
                object.words.insert(name.into_owned(), word);
            }
            // It may be any, also one that was named before.
            None => {
                object.words.values_mut().for_each(|it| *it = Word::Other);
                object.has_more = true;
            }
        }
    }
    object
}

fn word(it: &Expression<'_>) -> Word {
    match it.get_inner_expression() {
        Expression::StringLiteral(it) => Word::Text(it.value.to_string()),
        Expression::TemplateLiteral(it) => it
            .single_quasi()
            .map_or(Word::Other, |text| Word::Text(text.to_string())),
        Expression::Identifier(it) => Word::Name(it.name.to_string()),
        _ => Word::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The types of the custom fields that this code registers.
    fn kinds(code: &str) -> Vec<String> {
        let found = registrations(Path::new("index.js"), code);
        found.into_iter().map(|it| it.kind).collect()
    }

    #[test]
    fn a_registration_that_other_code_may_change_is_not_believed() {
        let sure = "const f = { name: 'a', type: 'json' }; s.customFields.register(f);";
        assert_eq!(kinds(sure), ["json"]);
        for change in [
            "f.type = 'string';",
            "f['ty' + 'pe'] = 'string';",
            "Object.assign(f, { type: 'string' });",
            "{ let f = { name: 'a', type: 'string' }; }",
            "function g(f) {}",
            "change(f);",
            "module.exports = f;",
            "export { f };",
            "const g = { ...f };",
        ] {
            let code = format!(
                "const f = {{ name: 'a', type: 'json' }}; {change} s.customFields.register(f);"
            );
            assert_eq!(kinds(&code), [""; 0], "{code}");
        }
        let exported = "export const f = { name: 'a', type: 'json' }; s.customFields.register(f);";
        assert_eq!(kinds(exported), [""; 0]);
        for change in [
            "t = 'string';",
            "({ t } = g);",
            "[t] = g;",
            "for (t of g) {}",
            "function g(t) {}",
        ] {
            let code = format!(
                "let t = 'json'; {change} s.customFields.register({{ name: 'a', type: t }});"
            );
            assert_eq!(kinds(&code), [""; 0], "{code}");
        }
        for more in ["...g", "[g]: 'string'", "__proto__: g"] {
            let code = format!("s.customFields.register({{ name: 'a', type: 'json', {more} }});");
            assert_eq!(kinds(&code), [""; 0], "{code}");
        }
    }

    #[test]
    fn types_of_properties_that_are_spread_before_are_believed() {
        let code = "const t = 'json';
            module.exports = s => s.customFields.register({ ...g, name: 'a', plugin: 'p', type: t });";
        assert_eq!(kinds(code), ["json"]);
    }
}
