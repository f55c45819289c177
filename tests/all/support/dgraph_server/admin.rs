//! `/admin` and `/admin/slash`, modelled.

use super::graphql::Question;
use super::http::{Request, Response};
use super::{Form, LATER, RUN, State, changes};
use serde_json::{Value, json};
use std::fs;

fn data(value: Value) -> Response {
    Response::new(200, json!({ "data": value }).to_string())
}

/// An error, as servers give it: with 200.
pub fn errors(said: &[String]) -> Response {
    let errors: Vec<Value> = said.iter().map(|it| json!({"message": it})).collect();
    Response::new(200, json!({ "errors": errors, "data": null }).to_string())
}

/// Answers an administrator.
pub fn answer(state: &mut State, request: &Request, port: u16) -> Response {
    let question = Question::read(&request.body);
    // A login is for those who have not logged in yet.
    let is_open = ["login", "__typename"].contains(&question.name.as_str());
    let entered = match is_open {
        true => token(state, request).map(|()| 0),
        false => entry(state, request),
    };
    let namespace = match entered {
        Ok(namespace) => namespace,
        Err(refusal) => return refusal,
    };
    match (question.is_mutation, question.name.as_str()) {
        (_, "__typename") => data(json!({"__typename": "Query"})),
        (false, "health") => {
            let (groups, version) = (state.groups.iter(), state.form.version());
            let of = |it: &u32| json!({"instance": "alpha", "group": it.to_string(), "version": version});
            let instances = groups.map(of);
            data(json!({"health": instances.collect::<Vec<_>>()}))
        }
        (true, "login") => login(state, &question),
        (true, "assign") if state.assigns => assign(state, &question),
        (false, "getGQLSchema") => {
            let space = state.held.spaces.get(&namespace);
            let text = space.map_or("", |it| &it.graphql);
            let known = (!text.is_empty()).then(|| json!({"id": "0x2", "schema": text}));
            data(json!({ "getGQLSchema": known }))
        }
        (true, "updateGQLSchema") => {
            let text = question.arguments.get("input.set.schema");
            let text = text.cloned().unwrap_or_default();
            match changes::set_graphql(state, &text, namespace) {
                Ok(()) => data(json!({"updateGQLSchema": {"gqlSchema": {"id": "0x2"}}})),
                Err(said) => errors(&[said]),
            }
        }
        (true, "export") => {
            let lacks = question.lacks(state.form.arguments(), state.form.fields());
            if !lacks.is_empty() {
                return errors(&lacks);
            }
            match state.refusals.pop_front() {
                Some(said) => errors(&[said]),
                None => export(state, &question, port),
            }
        }
        (false, "task") => {
            let known = json!({"kind": "Export", "lastUpdated": "2026-11-22T12:00:00Z", "status": state.status()});
            match question.arguments["input.id"].as_str() {
                "0x185f77e25" => data(json!({"task": known})),
                other => panic!("no task {other}"),
            }
        }
        (false, "exportStatus") => {
            let status = state.status();
            let urls = (status == "Success").then(|| state.signed(port));
            data(json!({"exportStatus": {"kind": "Export", "status": status, "signedUrls": urls}}))
        }
        (_, name) => errors(&[format!(
            "Cannot query field \"{name}\" on type \"Mutation\"."
        )]),
    }
}

/// Sees that the token is right.
fn token(state: &State, request: &Request) -> Result<(), Response> {
    if let Some((header, token)) = &state.token
        && request.header(header) != Some(token)
    {
        let sent: Vec<&str> = request.headers.values().map(String::as_str).collect();
        let message = match state.repeats {
            true => format!(
                "Invalid X-Dgraph-AuthToken, headers were {}",
                sent.join(" ")
            ),
            false => "Invalid X-Dgraph-AuthToken".to_owned(),
        };
        return Err(changes::error("ErrorUnauthorized", &message));
    }
    Ok(())
}

/// The namespace that a request goes to, by who sends it.
///
/// # Errors
/// What whoever may not is told.
pub fn entry(state: &mut State, request: &Request) -> Result<u64, Response> {
    token(state, request)?;
    if state.login.is_none() {
        return Ok(0);
    }
    let denied = |said: String| Err(errors(&[said]));
    match request.header("x-dgraph-accesstoken") {
        None => denied("rpc error: code = PermissionDenied desc = no accessJwt available".into()),
        Some(token) => match state.tokens.get_mut(token) {
            Some((namespace, uses)) if *uses > 0 => {
                *uses -= 1;
                Ok(*namespace)
            }
            _ => denied(format!(
                "unable to parse jwt token {token}: Token is expired"
            )),
        },
    }
}

fn login(state: &mut State, question: &Question) -> Response {
    let given = |name: &str| question.arguments.get(name).cloned();
    let given = (given("userId"), given("password"), given("namespace"));
    let (user, password, namespace) = state.login.expect("access control");
    let asked = given
        .2
        .as_deref()
        .unwrap_or("0")
        .parse()
        .unwrap_or(u64::MAX);
    let is_known = match state.tenants.is_empty() {
        true => given.2.as_deref() == namespace,
        false => state.tenants.contains(&asked),
    };
    if given.0.as_deref() != Some(user) || given.1.as_deref() != Some(password) || !is_known {
        let password = given.1.unwrap_or_default();
        return errors(&[format!("invalid username or password {password}")]);
    }
    state.logins += 1;
    let token = format!("access-token-of-login-{}", state.logins);
    state.tokens.insert(token.clone(), (asked, state.lifetime));
    data(json!({"login": {"response": {"accessJWT": token}}}))
}

/// Hands out uids.
fn assign(state: &mut State, question: &Question) -> Response {
    let given = |name: &str| question.arguments.get(&format!("input.{name}"));
    let count = given("num").and_then(|it| it.parse().ok());
    let assigned = match (given("what").map(String::as_str), count) {
        (Some("UID"), Some(count)) => state.held.assign(count),
        _ => Err("couldn't rewrite mutation assign because failed to rewrite input".into()),
    };
    match assigned {
        Ok((first, last)) => {
            let response = json!({"startId": first, "endId": last, "readOnly": null});
            data(json!({"assign": {"response": response}}))
        }
        Err(said) => errors(&[format!("resolving assign failed because {said}")]),
    }
}

fn export(state: &mut State, question: &Question, port: u16) -> Response {
    state.exports += 1;
    let given = |name: &str| {
        let own = question.arguments.get(name);
        own.or_else(|| question.arguments.get(&format!("input.{name}")))
            .cloned()
    };
    state.asked = (given("format"), given("namespace"));
    let format = given("format").unwrap_or_else(|| "json".into());
    state.format = format.clone();
    let response = |message: &str| json!({"code": "Success", "message": message});
    match state.form {
        Form::CloudAtOnce => data(json!({"export": {
            "response": response("Export completed."),
            "signedUrls": state.signed(port),
        }})),
        Form::CloudTask => data(json!({"export": {
            "response": response("Export is queued."),
            "exportId": "0x1-export",
            "taskId": "0x2-task",
        }})),
        Form::V2007 | Form::V2011 | Form::V2103 => {
            let files = write(state);
            let mut answer = json!({"response": response("Export completed.")});
            if state.form != Form::V2007 {
                answer["exportedFiles"] = json!(files);
            }
            data(json!({"export": answer}))
        }
        Form::V2503 => {
            write(state);
            data(json!({"export": {
                "response": response("Export queued with ID 0x185f77e25"),
                "taskId": "0x185f77e25",
            }}))
        }
    }
}

/// Writes the files as a server does, those of each group into its own folder. Gives their names.
fn write(state: &State) -> Vec<String> {
    let mut written = Vec::new();
    for (at, group) in state.groups.iter().enumerate() {
        let folder = state.folders.get(at);
        for (name, bytes) in state.files() {
            let name = format!("{RUN}/g{group:02}{}", &name[3..]);
            if let Some(folder) = folder {
                fs::create_dir_all(folder.join(RUN)).expect("made");
                fs::write(folder.join(&name), &bytes).expect("written");
                if state.is_shared {
                    let later = name.replace(RUN, LATER);
                    fs::create_dir_all(folder.join(LATER)).expect("made");
                    fs::write(folder.join(later), &bytes[..bytes.len() - 4]).expect("written");
                }
            }
            written.push(name);
        }
    }
    written
}
