//! `/admin` and `/admin/slash`, modelled.

use super::graphql::Question;
use super::http::{Request, Response};
use super::{Form, LATER, RUN, State};
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
    if let Some(refusal) = turned_away(state, request, &question) {
        return refusal;
    }
    match (question.is_mutation, question.name.as_str()) {
        (_, "__typename") => data(json!({"__typename": "Query"})),
        (false, "health") => {
            let groups = state.groups.iter();
            let of = |it: &u32| json!({"instance": "alpha", "group": it.to_string(), "version": "v25.3.0"});
            let instances = groups.map(of);
            data(json!({"health": instances.collect::<Vec<_>>()}))
        }
        (true, "login") => login(state, &question),
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

fn turned_away(state: &mut State, request: &Request, question: &Question) -> Option<Response> {
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
        let error = json!({"message": message, "extensions": {"code": "ErrorUnauthorized"}});
        return Some(Response::new(200, json!({"errors": [error]}).to_string()));
    }
    if state.login.is_none() || ["login", "__typename"].contains(&question.name.as_str()) {
        return None;
    }
    match request.header("x-dgraph-accesstoken") {
        None => Some(errors(&[
            "rpc error: code = PermissionDenied desc = no accessJwt available".into(),
        ])),
        Some(token) if token == state.access() && state.uses > 0 => {
            state.uses -= 1;
            None
        }
        Some(token) => Some(errors(&[format!(
            "unable to parse jwt token {token}: Token is expired"
        )])),
    }
}

fn login(state: &mut State, question: &Question) -> Response {
    let given = |name: &str| question.arguments.get(name).cloned();
    let given = (given("userId"), given("password"), given("namespace"));
    let (user, password, namespace) = state.login.expect("access control");
    if given
        != (
            Some(user.into()),
            Some(password.into()),
            namespace.map(str::to_owned),
        )
    {
        let password = given.1.unwrap_or_default();
        return errors(&[format!("invalid username or password {password}")]);
    }
    state.logins += 1;
    state.uses = state.lifetime;
    data(json!({"login": {"response": {"accessJWT": state.access()}}}))
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
