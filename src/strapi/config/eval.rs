//! Evaluates a project's configuration files and merges the environment's over the general ones.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rquickjs::{Context, Ctx, Function, Object, Runtime, Value as JsValue};
use serde_json::Value;

use super::engine::{self, MEMORY_LIMIT, Shared};
use super::error::{ConfigError, Place};
use super::layout::Layout;
use super::limit::{Clock, TIME_LIMIT};
use super::redact::Redactor;

/// How to treat a module that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// It is an error.
    Refused,
    /// Something inert stands in for it; an error only if the answer depends on it.
    StandIn,
}

/// The value of one key of a configuration.
#[derive(Debug)]
pub(super) struct Evaluated {
    /// The value, `Null` if the configuration has none.
    pub(super) value: Value,
    /// Whether a function made its connection.
    made: bool,
    /// The last file that had a say, relative to the project.
    pub(super) file: PathBuf,
}

/// What a file has under a key.
#[derive(Default)]
struct Part {
    value: Value,
    /// Whether a function made the connection in it.
    made: bool,
}

/// What the value of `connection` has for the client of the database.
const CONNECTION: &str = "connection";

/// A project's configuration, ready to be asked.
pub(super) struct Evaluator {
    shared: Rc<Shared>,
    context: Context,
    // Dropped after the context that lives in it.
    _runtime: Runtime,
    node_env: String,
    redactor: Redactor,
}

impl Evaluator {
    /// Prepares the engine. `environment` is complete: `.env` is part of it.
    pub(super) fn new(
        layout: Layout,
        environment: &BTreeMap<String, String>,
        clock: Clock,
    ) -> Result<Self, ConfigError> {
        let (runtime, context, shared) =
            engine::build(layout, environment, clock).map_err(|error| ConfigError::Engine {
                reason: error.to_string(),
            })?;
        let node_env = environment
            .get("NODE_ENV")
            .cloned()
            .unwrap_or_else(|| "development".into());
        Ok(Self {
            shared,
            context,
            _runtime: runtime,
            node_env,
            redactor: Redactor::new(environment),
        })
    }

    /// The value of `key` in `config/<name>`, with `config/env/<NODE_ENV>/<name>` merged over it, or nothing if there
    /// is neither file.
    pub(super) fn get(
        &self,
        name: &str,
        key: &str,
        unknown: Unknown,
    ) -> Result<Option<Evaluated>, ConfigError> {
        let mut result: Option<Evaluated> = None;
        for sub in [String::new(), format!("env/{}", self.node_env)] {
            let Some((file, part)) = self.first(&sub, name, key, unknown)? else {
                continue;
            };
            let file = self.shared.layout.shown(&file);
            self.shared.evaluated.borrow_mut().insert(file.clone());
            match (&mut result, part) {
                (Some(general), Some(part)) => {
                    // A function gives way to what comes, and what there is to a function.
                    let replaces = general.made || part.made;
                    if let Some(under) = general.value.as_object_mut()
                        && replaces
                        && part.value.get(CONNECTION).is_some()
                    {
                        under.remove(CONNECTION);
                        general.made = part.made;
                    }
                    merge(&mut general.value, part.value);
                    general.file = file;
                }
                // What the environment's file does not name it leaves alone.
                (Some(_), None) => {}
                (None, part) => {
                    let Part { value, made } = part.unwrap_or_default();
                    result = Some(Evaluated { value, made, file });
                }
            }
        }
        Ok(result)
    }

    /// The first candidate that can be evaluated. TypeScript that needs a compiler gives way to what was compiled.
    fn first(
        &self,
        sub: &str,
        name: &str,
        key: &str,
        unknown: Unknown,
    ) -> Result<Option<(PathBuf, Option<Part>)>, ConfigError> {
        let mut refused = None;
        for file in self.shared.layout.candidates(sub, name) {
            match self.evaluate(&file, key, unknown) {
                Ok(value) => return Ok(Some((file, value))),
                Err(error @ ConfigError::Unsupported { .. }) => {
                    refused.get_or_insert(error);
                }
                Err(error) => return Err(refused.unwrap_or(error)),
            }
        }
        refused.map_or(Ok(None), Err)
    }

    /// The value under a key of a file, or nothing where it does not name the key.
    fn evaluate(
        &self,
        file: &Path,
        key: &str,
        unknown: Unknown,
    ) -> Result<Option<Part>, ConfigError> {
        self.shared.timed_out.set(false);
        self.shared.clock.start(&self.shared.layout.shown(file));
        let result = self.context.with(|ctx| {
            let run = || -> rquickjs::Result<String> {
                let lib: Object = ctx.globals().get("__config")?;
                let evaluate: Function = lib.get("evaluate")?;
                let lenient = unknown == Unknown::StandIn;
                let reported: JsValue = evaluate.call((engine::js_path(file), key, lenient))?;
                match reported.as_promise() {
                    Some(promise) => promise.finish(),
                    None => reported.get(),
                }
            };
            let report = run().map_err(|error| self.explain(&ctx, file, error))?;
            let mut report: Value =
                serde_json::from_str(&report).map_err(|error| self.no_answer(file, &error))?;
            let made = report.get("made") == Some(&Value::Bool(true));
            // A configuration may change what JSON looks like.
            let found = report.get("found").cloned();
            match (
                found.as_ref().and_then(Value::as_str),
                report.get_mut("part"),
            ) {
                (Some("part"), Some(part)) => {
                    let value = part.take();
                    Ok(Some(Part { value, made }))
                }
                (Some("no part"), _) => Ok(None),
                (Some("nothing"), _) => Err(self.no_value(file)),
                (Some("promise"), _) => Err(self.no_promise(file)),
                _ => Err(self.no_answer(file, &"it is no object")),
            }
        });
        self.shared.clock.stop();
        result
    }

    fn no_answer(&self, file: &Path, reason: &dyn Display) -> ConfigError {
        ConfigError::Value {
            file: self.shared.layout.shown(file),
            key: "the configuration".into(),
            problem: format!("cannot be made data: {reason}"),
        }
    }

    fn no_value(&self, file: &Path) -> ConfigError {
        ConfigError::Value {
            file: self.shared.layout.shown(file),
            key: "the configuration".into(),
            problem: "is empty: the file exports nothing, or a function that returns nothing"
                .into(),
        }
    }

    fn no_promise(&self, file: &Path) -> ConfigError {
        ConfigError::Value {
            file: self.shared.layout.shown(file),
            key: "the configuration".into(),
            problem: "is a promise, for which Strapi does not wait: the function must not be async"
                .into(),
        }
    }

    /// The files that had a say so far, relative to the project.
    pub(super) fn evaluated(&self) -> Vec<PathBuf> {
        self.shared.evaluated.borrow().iter().cloned().collect()
    }

    /// The file of an environment for this configuration, if there is one, relative to the project.
    pub(super) fn file_of(&self, node_env: &str, name: &str) -> Option<PathBuf> {
        let layout = &self.shared.layout;
        let candidates = layout.candidates(&format!("env/{node_env}"), name);
        candidates.first().map(|file| layout.shown(file))
    }

    /// What an exception means.
    fn explain(&self, ctx: &Ctx<'_>, file: &Path, error: rquickjs::Error) -> ConfigError {
        let shown = |file: &Path| self.shared.layout.shown(file);
        if self.shared.timed_out.get() {
            return ConfigError::TimeLimit {
                file: shown(file),
                limit: TIME_LIMIT,
            };
        }
        if let rquickjs::Error::WouldBlock = error {
            let message = "its connection is a promise that is never resolved".to_owned();
            return ConfigError::Threw {
                at: Place {
                    file: shown(file),
                    line: None,
                },
                message,
            };
        }
        if !error.is_exception() {
            return self.no_answer(file, &error);
        }
        let thrown = ctx.catch();
        let object = thrown.as_object();
        let text = |key: &str| {
            object
                .and_then(|it| it.get::<_, Option<String>>(key).ok().flatten())
                .unwrap_or_default()
        };
        let line = object
            .and_then(|it| it.get::<_, Option<u32>>("configLine").ok().flatten())
            .filter(|&line| line > 0);
        let place = self.shared.place_in(&text("stack"));
        let message = match object {
            Some(_) => text("message"),
            None => thrown
                .get::<rquickjs::Coerced<String>>()
                .map(|it| it.0)
                .unwrap_or_default(),
        };
        let message = self.redactor.blot(&message);
        let at = match (place, text("configFile").as_str()) {
            (_, named) if !named.is_empty() => Place {
                file: shown(Path::new(named)),
                line,
            },
            (Some((file, line)), _) => Place {
                file: shown(&file),
                line: Some(line),
            },
            (None, _) => Place {
                file: shown(file),
                line,
            },
        };
        match text("configProblem").as_str() {
            "syntax" => ConfigError::Syntax { at, message },
            "unsupported" => ConfigError::Unsupported { at, what: message },
            "module" => ConfigError::UnknownModule {
                at,
                module: text("configModule"),
            },
            _ if message == "out of memory" || thrown.is_null() => ConfigError::MemoryLimit {
                file: shown(file),
                megabytes: MEMORY_LIMIT >> 20,
            },
            _ if text("name") == "SyntaxError" && !text("stack").contains(" (") => {
                ConfigError::Syntax { at, message }
            }
            _ => ConfigError::Threw { at, message },
        }
    }

    /// Refuses a text in which an unknown module left its mark.
    pub(super) fn without_stand_ins(&self, text: &str) -> Result<(), ConfigError> {
        for unknown in self.shared.unknown.borrow().iter() {
            if text.contains(&Shared::mark(&unknown.name)) {
                let (file, line) = unknown.place.clone().unzip();
                let file = file
                    .map(|file| self.shared.layout.shown(&file))
                    .unwrap_or_default();
                return Err(ConfigError::UnknownModule {
                    at: Place { file, line },
                    module: unknown.name.clone(),
                });
            }
        }
        Ok(())
    }

    /// Replaces what unknown modules left in a value by `null`.
    pub(super) fn drop_stand_ins(&self, value: &mut Value) {
        match value {
            Value::String(text) if self.without_stand_ins(text).is_err() => *value = Value::Null,
            Value::Array(list) => list.iter_mut().for_each(|one| self.drop_stand_ins(one)),
            Value::Object(map) => map.values_mut().for_each(|one| self.drop_stand_ins(one)),
            _ => {}
        }
    }
}

/// Merges `over` into `under` as lodash's `merge` does: objects key by key, lists item by item, the rest replaced.
pub(super) fn merge(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                match under.get_mut(&key) {
                    Some(existing) => merge(existing, value),
                    None => {
                        under.insert(key, value);
                    }
                }
            }
        }
        (Value::Array(under), Value::Array(over)) => {
            for (at, value) in over.into_iter().enumerate() {
                match under.get_mut(at) {
                    Some(existing) => merge(existing, value),
                    None => under.push(value),
                }
            }
        }
        (under, over) => *under = over,
    }
}
