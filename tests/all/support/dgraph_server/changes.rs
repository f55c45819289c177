//! `/alter`, `/mutate`, `/query`, `/admin/schema`, `/health`, and `/assign` of Zero, modelled.

use super::held::Variables;
use super::http::{Request, Response};
use super::rdf::{self, Quad};
use super::{State, dql, schema};
use serde_json::{Value, json};
use std::io::Read as _;

/// An error, as servers give it: with 200.
pub fn error(code: &str, said: &str) -> Response {
    let error = json!({"message": said, "extensions": {"code": code}});
    Response::new(200, json!({"errors": [error]}).to_string())
}

/// The same, as `/mutate` and `/query` give it.
pub fn invalid(said: &str) -> Response {
    let error = json!({"message": said, "extensions": {"code": "ErrorInvalidRequest"}});
    Response::new(200, json!({"errors": [error], "data": null}).to_string())
}

fn done() -> Response {
    let done = json!({"data": {"code": "Success", "message": "Done"}});
    Response::new(200, done.to_string())
}

/// The text of a request, unpacked.
fn body(request: &Request) -> Result<String, String> {
    let mut bytes = Vec::new();
    match request.header("content-encoding") {
        None | Some("identity") => bytes.clone_from(&request.body),
        Some("gzip") => {
            let mut unpacked = flate2::read::GzDecoder::new(request.body.as_slice());
            unpacked
                .read_to_end(&mut bytes)
                .map_err(|_| "Unable to create decompressor")?;
        }
        Some(_) => return Err("Unsupported content encoding".into()),
    }
    String::from_utf8(bytes).map_err(|it| it.to_string())
}

fn kind(request: &Request) -> &str {
    let kind = request.header("content-type").unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim()
}

/// `/alter`
pub fn alter(state: &mut State, request: &Request, namespace: u64) -> Response {
    let text = match body(request) {
        Ok(text) => text,
        Err(said) => return invalid(&said),
    };
    let form = state.form;
    let space = state.held.spaces.entry(namespace).or_default();
    match serde_json::from_str::<Value>(&text) {
        Ok(operation) => {
            if let Some(name) = operation["drop_attr"]
                .as_str()
                .or(operation["dropAttr"].as_str())
            {
                if name.starts_with("dgraph.") {
                    let said =
                        format!("predicate {name} is pre-defined and is not allowed to be dropped");
                    return error("Error", &said);
                }
                space.drop_predicate(name);
            } else if operation["drop_all"] == true || operation["dropAll"] == true {
                *space = Default::default();
            } else if operation["drop_op"] == "DATA" {
                space.drop_rows();
            } else {
                return error("Error", "Operation not supported");
            }
            done()
        }
        Err(_) => match schema::read(&text, form) {
            Ok(mut read) => {
                if let Some(said) = state.takes_in_part.take() {
                    read.predicates.pop_last();
                    space.schema.predicates.extend(read.predicates);
                    return error("Error", &said);
                }
                space.schema.predicates.extend(read.predicates);
                space.schema.types.extend(read.types);
                done()
            }
            Err(said) => error("Error", &said),
        },
    }
}

/// What a mutation asks for.
struct Mutation<'a> {
    query: Option<&'a str>,
    /// Rows, each set of them with its condition.
    sets: Vec<(&'a str, Option<dql::Condition>)>,
}

/// What stands in the brackets that come next, and what stands behind them.
fn block(text: &str) -> Result<(&str, &str), String> {
    let inner = text.trim_start().strip_prefix('{').ok_or_else(|| {
        let first = text.trim_start().chars().next().unwrap_or(' ');
        format!("Invalid block: [{first}]")
    })?;
    let (mut depth, mut is_text, mut is_escaped) = (1, false, false);
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_text => is_escaped = true,
            b'"' => is_text = !is_text,
            b'{' if !is_text => depth += 1,
            b'}' if !is_text => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Ok((&inner[..at], &inner[at + 1..]));
        }
    }
    Err("Unclosed mutation action".into())
}

fn sets(
    text: &str,
    condition: Option<dql::Condition>,
) -> Result<(&str, Option<dql::Condition>), String> {
    match text.trim_start().strip_prefix("set") {
        Some(rest) => Ok((block(rest)?.0, condition)),
        None => Err("Invalid operation type".into()),
    }
}

fn mutation(text: &str) -> Result<Mutation<'_>, String> {
    let Some(rest) = text.trim_start().strip_prefix("upsert") else {
        return Ok(Mutation {
            query: None,
            sets: vec![sets(block(text)?.0, None)?],
        });
    };
    let mut rest = block(rest)?.0.trim_start();
    let mut read = Mutation {
        query: None,
        sets: Vec::new(),
    };
    while !rest.is_empty() {
        if let Some(behind) = rest.strip_prefix("query") {
            let (_, end) = block(behind)?;
            read.query = Some(&behind[..behind.len() - end.len()]);
            rest = end.trim_start();
        } else if let Some(behind) = rest.strip_prefix("mutation") {
            let at = behind.find('{').ok_or("Invalid block")?;
            let (condition, behind) = behind.split_at(at);
            let condition = match condition.trim() {
                "" => None,
                condition => Some(dql::condition(condition)?),
            };
            let (inner, end) = block(behind)?;
            read.sets.push(sets(inner, condition)?);
            rest = end.trim_start();
        } else {
            return Err(format!("Invalid upsert block: {:.20}", rest));
        }
    }
    Ok(read)
}

/// `/mutate`: whether it went in, and the answer.
pub fn mutate(state: &mut State, request: &Request, namespace: u64) -> (bool, Response) {
    let refuse = |said: &str| (false, invalid(said));
    if !request.path.ends_with("?commitNow=true") {
        return refuse("the server of the tests keeps no transactions open");
    }
    if kind(request) != "application/rdf" {
        return refuse(
            "Unsupported Content-Type. Supported content types are application/json, application/rdf",
        );
    }
    let went = body(request).and_then(|text| {
        let mutation = mutation(&text)?;
        let space = state.held.spaces.entry(namespace).or_default();
        let (queries, found) = match mutation.query {
            None => (Value::Null, Variables::new()),
            Some(query) => dql::variables(space, query)?,
        };
        let mut quads: Vec<Quad> = Vec::new();
        for (text, condition) in &mutation.sets {
            if let Some((name, count)) = condition
                && found.get(name).map_or(0, Vec::len) != *count
            {
                continue;
            }
            for line in text.lines() {
                quads.extend(rdf::read(line)?);
            }
        }
        if let Some((refused, said)) = &state.refused
            && text.contains(refused)
        {
            return Err(said.clone());
        }
        state.rows_sent.push(quads.len());
        let taken = state.held.take(namespace, &quads, &found)?;
        Ok((taken, queries))
    });
    match went {
        Err(said) => refuse(&said),
        Ok((taken, queries)) => {
            state.commits += 1;
            let named = taken
                .uids
                .into_iter()
                .map(|(name, uid)| (name, json!(format!("{uid:#x}"))));
            let answer = json!({
                "data": {
                    "code": "Success",
                    "message": "Done",
                    "queries": queries,
                    "uids": named.collect::<serde_json::Map<_, _>>(),
                },
                "extensions": {"txn": {"start_ts": state.commits * 2, "commit_ts": state.commits * 2 + 1, "preds": taken.predicates}},
            });
            (true, Response::new(200, answer.to_string()))
        }
    }
}

/// `/query`
pub fn query(state: &mut State, request: &Request, namespace: u64) -> Response {
    let text = match body(request) {
        Ok(text) => text,
        Err(said) => return invalid(&said),
    };
    let text = match kind(request) {
        "application/json" => match serde_json::from_str::<Value>(&text) {
            Ok(body) => body["query"].as_str().unwrap_or_default().to_owned(),
            Err(error) => return invalid(&error.to_string()),
        },
        "application/dql" if !state.form.is_old() => text,
        "application/graphql+-" => text,
        _ => return invalid("Unsupported Content-Type."),
    };
    let space = state.held.spaces.entry(namespace).or_default();
    match dql::query(space, &text) {
        Ok(answer) => Response::new(200, json!({"data": answer, "extensions": {}}).to_string()),
        Err(said) => invalid(&said),
    }
}

/// Whether a schema in GraphQL is one; what servers say where it is none.
pub fn set_graphql(state: &mut State, text: &str, namespace: u64) -> Result<(), String> {
    if let Err(error) = graphql_parser::schema::parse_schema::<String>(text) {
        return Err(format!(
            "resolving updateGQLSchema failed because input:1: {error}"
        ));
    }
    text.clone_into(&mut state.held.spaces.entry(namespace).or_default().graphql);
    Ok(())
}

/// `/admin/schema`
pub fn admin_schema(state: &mut State, request: &Request, namespace: u64) -> Response {
    let set = body(request).and_then(|text| set_graphql(state, &text, namespace));
    set.map_or_else(|said| error("Error", &said), |()| done())
}

/// `/health`
pub fn health(state: &State) -> Response {
    let of = |it: &u32| json!({"instance": "alpha", "address": "localhost:7080", "status": "healthy", "group": it.to_string(), "version": state.form.version(), "uptime": 9});
    let all: Vec<Value> = state.groups.iter().map(of).collect();
    Response::new(200, json!(all).to_string())
}

/// `/assign` of Zero. Numbers of 64 bits are texts there.
pub fn assign(state: &mut State, request: &Request) -> Response {
    let query = request.path.split_once('?').map_or("", |it| it.1);
    let of = |name: &str| {
        let mut pairs = query.split('&').filter_map(|it| it.split_once('='));
        pairs.find(|it| it.0 == name).map(|it| it.1.to_owned())
    };
    let Some(count) = of("num") else {
        let mut refusal = error("ErrorInvalidRequest", "num not passed");
        refusal.status = 400;
        return refusal;
    };
    if of("what").as_deref() != Some("uids") {
        return error(
            "Error",
            "Invalid what: []. Must be one of uids or timestamps",
        );
    }
    let count = rdf::uid(&count).ok_or("Error while parsing num".to_owned());
    match count.and_then(|it| state.held.assign(it)) {
        Err(said) => error("Error", &said),
        Ok((first, last)) => {
            let answer = json!({"startId": first.to_string(), "endId": last.to_string()});
            Response::new(200, answer.to_string())
        }
    }
}
