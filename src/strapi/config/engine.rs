//! The embedded JavaScript engine: its limits, and the few things it may ask of the outside.
//!
//! Nothing here writes or reaches the network. Reading is limited to regular files of a moderate size.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use rquickjs::context::EvalOptions;
use rquickjs::{Context, Ctx, Exception, Function, Object, Runtime, Value as JsValue};

use super::layout::Layout;
use super::limit::Clock;
use super::{connection_string, source};
use crate::dotenv;
use crate::strapi::files;

/// How much memory all of a project's configuration may use.
pub(super) const MEMORY_LIMIT: usize = 64 << 20;
const STACK_LIMIT: usize = 512 << 10;
/// How many modules may be asked for that are not there, and how long their names may be.
const UNKNOWN_LIMIT: usize = 1000;
/// How many entries of a folder may be asked for.
const FOLDER_LIMIT: usize = 10_000;

/// The parts of the runtime, in the order in which they build on each other.
const RUNTIME: &[(&str, &str)] = &[
    ("runtime/path.js", include_str!("runtime/path.js")),
    ("runtime/buffer.js", include_str!("runtime/buffer.js")),
    ("runtime/url.js", include_str!("runtime/url.js")),
    ("runtime/node.js", include_str!("runtime/node.js")),
    ("runtime/modules.js", include_str!("runtime/modules.js")),
    ("runtime/main.js", include_str!("runtime/main.js")),
];

/// What the host functions share with the evaluator.
pub(super) struct Shared {
    pub(super) layout: Layout,
    pub(super) clock: Clock,
    /// Set when the clock stopped the engine.
    pub(super) timed_out: Cell<bool>,
    /// The files that were compiled, by the names the engine knows them by.
    files: RefCell<Vec<(String, PathBuf)>>,
    /// The configuration files that were evaluated, relative to the project.
    pub(super) evaluated: RefCell<BTreeSet<PathBuf>>,
    /// The modules that were asked for and are not there.
    pub(super) unknown: RefCell<Vec<UnknownModule>>,
}

/// A module that was asked for and is not there.
pub(super) struct UnknownModule {
    pub(super) name: String,
    /// The file and line of the `require`.
    pub(super) place: Option<(PathBuf, u32)>,
}

impl Shared {
    /// The first place in a stack trace that lies in a file of the project.
    pub(super) fn place_in(&self, stack: &str) -> Option<(PathBuf, u32)> {
        let files = self.files.borrow();
        stack.lines().find_map(|line| {
            files.iter().find_map(|(name, file)| {
                let (_, after) = line.split_once(&format!("{name}:"))?;
                let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
                Some((file.clone(), digits.parse().ok()?))
            })
        })
    }

    /// The text that stands in for an unknown module in a result.
    pub(super) fn mark(module: &str) -> String {
        format!("\u{1}module {module}\u{1}")
    }
}

/// Builds an engine for one project. The runtime's entry is the global `__config`.
pub(super) fn build(
    layout: Layout,
    environment: &BTreeMap<String, String>,
    clock: Clock,
) -> Result<(Runtime, Context, Rc<Shared>), rquickjs::Error> {
    let shared = Rc::new(Shared {
        layout,
        clock,
        timed_out: Cell::new(false),
        files: RefCell::default(),
        evaluated: RefCell::default(),
        unknown: RefCell::default(),
    });
    let runtime = Runtime::new()?;
    runtime.set_memory_limit(MEMORY_LIMIT);
    runtime.set_max_stack_size(STACK_LIMIT);
    let watch = Rc::clone(&shared);
    runtime.set_interrupt_handler(Some(Box::new(move || {
        let over = watch.clock.is_over();
        watch.timed_out.set(watch.timed_out.get() || over);
        over
    })));
    let context = Context::full(&runtime)?;
    context.with(|ctx| {
        let host = host(&ctx, &shared, environment)?;
        let lib = Object::new(ctx.clone())?;
        for (name, code) in RUNTIME {
            let part: Function = ctx.eval_with_options(*code, options(name))?;
            part.call::<_, ()>((host.clone(), lib.clone()))?;
        }
        ctx.globals().set("__config", lib)
    })?;
    Ok((runtime, context, shared))
}

fn options(name: &str) -> EvalOptions {
    let mut options = EvalOptions::default();
    options.strict = false;
    options.filename = Some(name.to_owned());
    options
}

/// The object through which the runtime reaches the outside.
fn host<'js>(
    ctx: &Ctx<'js>,
    shared: &Rc<Shared>,
    environment: &BTreeMap<String, String>,
) -> rquickjs::Result<Object<'js>> {
    let host = Object::new(ctx.clone())?;
    let platform = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    let arch = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    host.set("project", js_path(&shared.layout.project))?;
    let zone = jiff::tz::TimeZone::system();
    host.set("timeZone", zone.iana_name().unwrap_or("UTC"))?;
    host.set("platform", platform)?;
    host.set("arch", arch)?;
    host.set("environment", serde_json::json!(environment).to_string())?;
    let define = |name: &str, function: Function<'js>| host.set(name, function);

    define(
        "kind",
        Function::new(ctx.clone(), |path: String| kind(Path::new(&path)))?,
    )?;
    define(
        "list",
        Function::new(ctx.clone(), |ctx: Ctx<'js>, path: String| list(&ctx, &path))?,
    )?;
    define(
        "readBytes",
        Function::new(ctx.clone(), |ctx: Ctx<'js>, path: String| read(&ctx, &path))?,
    )?;
    define(
        "utf8Bytes",
        Function::new(ctx.clone(), |text: String| text.into_bytes())?,
    )?;
    define(
        "utf8Text",
        Function::new(ctx.clone(), |bytes: Vec<u8>| {
            String::from_utf8_lossy(&bytes).into_owned()
        })?,
    )?;
    define(
        "parseUrl",
        Function::new(ctx.clone(), |text: String, base: String| {
            parse_url(&text, &base)
        })?,
    )?;
    define(
        "parseConnectionString",
        Function::new(ctx.clone(), |ctx: Ctx<'js>, text: String| {
            let parsed = connection_string::postgres(&text);
            let map = parsed.map_err(|it| {
                Exception::throw_type(&ctx, &format!("The connection string {it}"))
            })?;
            Ok::<_, rquickjs::Error>(serde_json::Value::Object(map).to_string())
        })?,
    )?;
    define(
        "parseDotenv",
        Function::new(ctx.clone(), |text: String| {
            serde_json::json!(dotenv::parse(&text)).to_string()
        })?,
    )?;
    define(
        "standInMark",
        Function::new(ctx.clone(), |module: String| Shared::mark(&module))?,
    )?;

    let its = Rc::clone(shared);
    define(
        "locate",
        Function::new(ctx.clone(), move |path: String| {
            its.layout
                .locate(Path::new(&path))
                .map(|file| js_path(&file))
                .unwrap_or_default()
        })?,
    )?;
    let its = Rc::clone(shared);
    define(
        "seenAs",
        Function::new(ctx.clone(), move |file: String| {
            js_path(&its.layout.seen_as(Path::new(&file)))
        })?,
    )?;
    let its = Rc::clone(shared);
    define(
        "noteUnknown",
        Function::new(
            ctx.clone(),
            move |ctx: Ctx<'js>, module: String, stack: String| {
                let place = its.place_in(&stack);
                let line = place.as_ref().map_or(0, |(_, line)| *line);
                let mut unknown = its.unknown.borrow_mut();
                if unknown.iter().any(|known| known.name == module) {
                    return Ok(line);
                }
                if unknown.len().max(module.len()) >= UNKNOWN_LIMIT {
                    let message = "it asks for too many modules that are not there";
                    return Err(Exception::throw_message(&ctx, message));
                }
                let name = module;
                unknown.push(UnknownModule { name, place });
                Ok(line)
            },
        )?,
    )?;
    let its = Rc::clone(shared);
    define(
        "compile",
        Function::new(ctx.clone(), move |ctx: Ctx<'js>, file: String| {
            compile(&ctx, &its, &file)
        })?,
    )?;
    define(
        "parseJson",
        Function::new(ctx.clone(), |ctx: Ctx<'js>, file: String| {
            parse_json(&ctx, &file)
        })?,
    )?;
    Ok(host)
}

/// Makes a function of a file's text, with the parameters that Node gives to a module.
fn compile<'js>(ctx: &Ctx<'js>, shared: &Shared, file: &str) -> rquickjs::Result<JsValue<'js>> {
    let path = PathBuf::from(file);
    let text = read_text(ctx, file)?;
    shared
        .files
        .borrow_mut()
        .push((file.to_owned(), path.clone()));
    let code = source::to_common_js(&path, &text).map_err(|problem| {
        let (name, line, message) = match problem {
            source::Problem::Syntax { line, message } => ("syntax", line, message),
            source::Problem::Unsupported { line, what } => ("unsupported", line, what),
        };
        throw_problem(ctx, name, file, line, &message)
    })?;
    let wrapped =
        format!("(function (exports, require, module, __filename, __dirname) {{ {code}\n}})");
    ctx.eval_with_options(wrapped, options(file))
}

fn parse_json<'js>(ctx: &Ctx<'js>, file: &str) -> rquickjs::Result<JsValue<'js>> {
    let text = read_text(ctx, file)?;
    let parsed: Result<serde_json::Value, _> =
        serde_json::from_str(text.trim_start_matches('\u{feff}'));
    match parsed {
        Ok(_) => ctx.json_parse(text.trim_start_matches('\u{feff}')),
        Err(error) => {
            let line = u32::try_from(error.line()).unwrap_or(1);
            Err(throw_problem(ctx, "syntax", file, line, &error.to_string()))
        }
    }
}

/// Throws an error that the evaluator recognises.
fn throw_problem(
    ctx: &Ctx<'_>,
    problem: &str,
    file: &str,
    line: u32,
    message: &str,
) -> rquickjs::Error {
    let made = Exception::from_message(ctx.clone(), message).and_then(|exception| {
        let object = exception.into_object();
        object.set("name", "SyntaxError")?;
        object.set("configProblem", problem)?;
        object.set("configFile", file)?;
        object.set("configLine", line)?;
        Ok(object)
    });
    match made {
        Ok(object) => ctx.throw(object.into_value()),
        Err(error) => error,
    }
}

fn kind(path: &Path) -> &'static str {
    match std::fs::metadata(path) {
        Ok(it) if it.is_file() => "file",
        Ok(it) if it.is_dir() => "directory",
        Ok(_) => "other",
        Err(_) => "",
    }
}

/// What is in a folder, in the order of the names, as JSON: names, each with what it is.
fn list(ctx: &Ctx<'_>, path: &str) -> rquickjs::Result<String> {
    let fail = |why: &dyn std::fmt::Display| {
        Exception::throw_message(ctx, &format!("{path} cannot be read: {why}"))
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| fail(&error))? {
        let entry = entry.map_err(|error| fail(&error))?;
        if found.len() == FOLDER_LIMIT {
            return Err(fail(&"too much is in it"));
        }
        let kind = match entry.file_type() {
            Ok(it) if it.is_file() => "file",
            Ok(it) if it.is_dir() => "directory",
            Ok(it) if it.is_symlink() => "link",
            _ => "other",
        };
        found.push((entry.file_name().to_string_lossy().into_owned(), kind));
    }
    found.sort();
    Ok(serde_json::json!(found).to_string())
}

fn read(ctx: &Ctx<'_>, path: &str) -> rquickjs::Result<Vec<u8>> {
    files::read(path.as_ref())
        .map_err(|why| Exception::throw_message(ctx, &format!("{path} cannot be read: {why}")))
}

fn read_text(ctx: &Ctx<'_>, path: &str) -> rquickjs::Result<String> {
    Ok(String::from_utf8_lossy(&read(ctx, path)?).into_owned())
}

/// The parts of a URL as JSON, or nothing if it is not one.
fn parse_url(text: &str, base: &str) -> String {
    let parsed = match base {
        "" => url::Url::parse(text),
        base => url::Url::parse(base).and_then(|base| base.join(text)),
    };
    let Ok(url) = parsed else {
        return String::new();
    };
    let prefixed = |mark: &str, part: Option<&str>| match part {
        None | Some("") => String::new(),
        Some(part) => format!("{mark}{part}"),
    };
    let port = url.port().map(|port| port.to_string()).unwrap_or_default();
    let hostname = url.host_str().unwrap_or_default();
    serde_json::json!({
        "href": url.as_str(),
        "origin": url.origin().ascii_serialization(),
        "protocol": format!("{}:", url.scheme()),
        "username": url.username(),
        "password": url.password().unwrap_or_default(),
        "host": if port.is_empty() { hostname.to_owned() } else { format!("{hostname}:{port}") },
        "hostname": hostname,
        "port": port,
        "pathname": url.path(),
        "search": prefixed("?", url.query()),
        "hash": prefixed("#", url.fragment()),
    })
    .to_string()
}

/// A path as the engine sees it, with forward slashes.
pub(super) fn js_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    if cfg!(windows) {
        text.trim_start_matches(r"\\?\").replace('\\', "/")
    } else {
        text.into_owned()
    }
}
