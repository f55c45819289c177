//! Asks for an export in the words that a server has: versions differ in arguments and fields, and one that lacks something
//! says so before it does anything.

use crate::dgraph::server::{Answered, Path, Server};
use crate::error::Result;
use serde_json::Value;
use std::time::Duration;

/// How long a server may be at work before it answers: some write all of it first.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// What is asked for.
pub(super) struct Asking {
    /// `query` or `mutation`.
    pub verb: &'static str,
    /// The name of the field.
    pub name: &'static str,
    /// Arguments and their values, as GraphQL writes them.
    pub arguments: Vec<(&'static str, String)>,
    /// Whether they stand in one that is called `input`.
    pub is_wrapped: bool,
    /// The fields of the answer, and what is asked for in them.
    pub fields: Vec<(&'static str, &'static str)>,
}

/// How a server takes it.
pub(super) enum Taken {
    /// With this answer.
    Answer(Value),
    /// It refuses.
    Refused(Vec<String>),
    /// It does not know such a thing.
    Unknown,
}

impl Asking {
    /// Whether it still has this argument.
    pub fn has_argument(&self, name: &str) -> bool {
        self.arguments.iter().any(|(it, _)| *it == name)
    }

    /// Whether it still asks for this field.
    pub fn has_field(&self, name: &str) -> bool {
        self.fields.iter().any(|(it, _)| *it == name)
    }

    fn text(&self) -> String {
        let given = self.arguments.iter();
        let given: Vec<String> = given
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let given = given.join(", ");
        let given = match (given.is_empty(), self.is_wrapped) {
            (true, false) => String::new(),
            (_, true) => format!("(input: {{{given}}})"),
            (false, false) => format!("({given})"),
        };
        let fields = self.fields.iter();
        let fields: Vec<String> = fields
            .map(|(name, below)| format!("{name}{below}"))
            .collect();
        let (verb, name, fields) = (self.verb, self.name, fields.join(" "));
        format!("{verb} {{ {name}{given} {{ {fields} }} }}")
    }

    /// Leaves out what the server has not; gives whether that was in it.
    fn leave_out(&mut self, name: &str) -> bool {
        let before = self.arguments.len() + self.fields.len();
        self.arguments.retain(|(it, _)| *it != name);
        self.fields.retain(|(it, _)| *it != name);
        before > self.arguments.len() + self.fields.len()
    }

    /// Asks, without what the server has not. `allows` is asked before that is done.
    ///
    /// # Errors
    /// What `allows` says; or the server does not answer, or does not know who asks; or the user wants the run to stop.
    pub fn ask(
        &mut self,
        server: &Server,
        path: Path,
        allows: &mut dyn FnMut(&Self) -> Result<bool>,
    ) -> Result<Taken> {
        loop {
            let text = self.text();
            let answered = match self.verb {
                "query" => server.query(path, &text)?,
                _ => server.mutate(path, &text, PATIENCE)?,
            };
            let said = match answered {
                Answered::Nothing => return Ok(Taken::Unknown),
                Answered::Data(mut data) => {
                    let answer = data.remove(self.name).unwrap_or_default();
                    return Ok(Taken::Answer(answer));
                }
                Answered::Errors(said) => said,
            };
            let lacking: Vec<&str> = said.iter().filter_map(|it| lacking(it)).collect();
            if lacking.contains(&self.name) {
                return Ok(Taken::Unknown);
            }
            let mut is_less = false;
            for name in lacking {
                is_less |= self.leave_out(name);
            }
            if !is_less {
                return Ok(Taken::Refused(said));
            }
            if !allows(self)? {
                return Ok(Taken::Unknown);
            }
        }
    }
}

/// What a server has not, by what its validator says.
fn lacking(said: &str) -> Option<&str> {
    let behind = |mark: &str| {
        let rest = said.split_once(mark)?.1;
        rest.split_once('"').map(|(name, _)| name)
    };
    behind("Cannot query field \"")
        .or_else(|| behind("Unknown argument \""))
        .or_else(|| {
            let is_undefined = said.contains("is not defined by type");
            behind("Field \"").filter(|_| is_undefined)
        })
}

/// The texts of a list in an answer.
pub(super) fn texts(answer: &Value, name: &str) -> Vec<String> {
    let list = answer.get(name).and_then(Value::as_array);
    let list = list.into_iter().flatten();
    list.filter_map(|it| it.as_str().map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_lacks_is_what_its_validator_names() {
        for (said, name) in [
            (
                "Cannot query field \"taskId\" on type \"ExportPayload\".",
                Some("taskId"),
            ),
            (
                "Cannot query field \"taskId\" on type \"ExportPayload\". Did you mean \"response\"?",
                Some("taskId"),
            ),
            (
                "input:1: Unknown argument \"format\" on field \"export\" of type \"Mutation\".\n",
                Some("format"),
            ),
            (
                "Field \"namespace\" is not defined by type ExportInput.",
                Some("namespace"),
            ),
            (
                "resolving export failed because invalid export format: xml",
                None,
            ),
        ] {
            assert_eq!(lacking(said), name, "{said}");
        }
    }

    #[test]
    fn a_question_has_what_is_left_of_it() {
        let mut asking = Asking {
            verb: "mutation",
            name: "export",
            arguments: vec![("format", "\"rdf\"".into()), ("namespace", "-1".into())],
            is_wrapped: true,
            fields: vec![("response", " { code }"), ("taskId", "")],
        };
        assert_eq!(
            asking.text(),
            "mutation { export(input: {format: \"rdf\", namespace: -1}) { response { code } taskId } }"
        );
        assert!(asking.leave_out("namespace") && asking.leave_out("taskId"));
        assert!(!asking.leave_out("taskId") && !asking.has_argument("namespace"));
        assert_eq!(
            asking.text(),
            "mutation { export(input: {format: \"rdf\"}) { response { code } } }"
        );
        asking.is_wrapped = false;
        assert!(asking.leave_out("format"));
        assert_eq!(asking.text(), "mutation { export { response { code } } }");
    }
}
