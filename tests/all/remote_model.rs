//! The modelled Strapi of the tests beside a real one: both are told the same, and have to answer the same.

use serde_json::{Value, json};

use crate::support::archive::Archive;
use crate::support::fake_strapi::{EXPIRED, FULL, FakeStrapi, PULL, PUSH, Site};
use crate::support::running_strapi::{RunningStrapi, Token};
use crate::support::transfer_client::{Client, upgrade};
use crate::support::world::World;
use crate::{strapi4, strapi5};

#[test]
fn the_modelled_strapi_5_answers_as_the_real_one() {
    if let Some(world) = strapi5::STRAPI.world(None) {
        model_and_original_agree(world);
    }
}

#[test]
fn the_modelled_strapi_4_answers_as_the_real_one() {
    if let Some(world) = strapi4::STRAPI.world(None) {
        model_and_original_agree(world);
    }
}

fn model_and_original_agree(world: &World) {
    let archive = Archive::open(&world.archive, world.key);
    let model = FakeStrapi::start(Site::of(&archive));
    let project = world.seeded.copy("modelled");
    let original = RunningStrapi::start(&project);
    let real = [Token::Full, Token::Push, Token::Pull, Token::Expired];
    let real = real.map(|token| original.token(token));
    let modelled = said(model.port, [FULL, PUSH, PULL, EXPIRED], world.strapi.major);
    let real = said(original.port(), real, world.strapi.major);
    for (modelled, real) in modelled.iter().zip(&real) {
        assert_eq!(modelled, real);
    }
    assert_eq!(modelled.len(), real.len());
}

/// All that a server says when it is told what is told here.
fn said(port: u16, [full, push, pull, expired]: [&str; 4], major: u32) -> Vec<String> {
    let mut said = Vec::new();
    for (kind, token) in [
        ("pull", "0123"),
        ("pull", expired),
        ("pull", push),
        ("push", pull),
        ("neither", full),
    ] {
        let status = upgrade(port, kind, token).err();
        said.push(format!("{kind}: {status:?}"));
    }
    let mut dialogues: Vec<(&str, Vec<Value>)> = vec![
        ("pull", pull_out_of_order()),
        ("push", push_out_of_order()),
        ("push", vec![init_push("merge"), action("bootstrap")]),
    ];
    // Strapi 4 ends its process in the middle of these.
    if major >= 5 {
        dialogues.push(("push", push_of_administrators()));
        dialogues.push(("push", push_of_odd_files()));
    }
    dialogues.push(("push", push_of_odd_links()));
    for (kind, dialogue) in dialogues {
        let mut client = upgrade(port, kind, full).unwrap();
        for message in dialogue {
            let answer = client.ask(message.clone());
            if message["command"] == "init"
                && let Ok(data) = &answer
            {
                client.transfer = data["transferID"].clone();
            }
            said.push(format!("{kind}: {message} -> {}", plain(answer)));
        }
        said.push(format!("warnings: {}", client.warnings.len()));
    }
    said.extend(pulled(port, full));
    said
}

/// What a pull gives: all but the rows and links of administrators, which the model has others of, and what Strapi writes
/// whenever it starts.
fn pulled(port: u16, token: &str) -> Vec<String> {
    let mut client: Client = upgrade(port, "pull", token).unwrap();
    client.init(json!({"transfer": "pull", "checksums": true}));
    client.act("bootstrap").unwrap();
    let schemas = client.act("getSchemas").unwrap();
    let mut said = vec![format!(
        "{:?}",
        sorted(schemas.as_object().unwrap().values())
    )];
    for stage in ["entities", "assets", "links", "configuration"] {
        let items = client.stage(stage).unwrap();
        let items: Vec<Value> = match stage {
            "assets" => items.into_iter().map(without_chance).collect(),
            _ => items,
        };
        let of_ours = |item: &&Value| {
            let text = item.to_string();
            ![
                "admin::",
                "plugin::content-releases",
                "plugin_upload_metrics",
            ]
            .iter()
            .any(|part| text.contains(part))
        };
        let last = client.frames.last().unwrap();
        said.push(format!("{stage} {} {}", last["data"], last["error"]));
        said.extend(sorted(items.iter().filter(of_ours)));
    }
    said.push(plain(client.act("close")));
    said
}

/// The items of a file without what is drawn by chance, and without where the project is.
fn without_chance(mut items: Value) -> Value {
    for item in items.as_array_mut().unwrap() {
        item.as_object_mut().unwrap().remove("assetID");
        if let Some(data) = item["data"].as_object_mut() {
            data.remove("filepath");
        }
    }
    items
}

fn sorted<'a>(values: impl Iterator<Item = &'a Value>) -> Vec<String> {
    let mut texts: Vec<String> = values.map(Value::to_string).collect();
    texts.sort();
    texts
}

/// An answer without what is drawn by chance.
fn plain(answer: Result<Value, String>) -> String {
    match answer {
        Err(words) => format!("error: {words}"),
        Ok(mut data) => {
            for name in ["transferID", "id", "createdAt", "startedAt", "elapsed"] {
                if let Some(data) = data.as_object_mut() {
                    data.remove(name);
                }
            }
            // Schemas have a place of their own.
            match data.as_object().is_some_and(|data| data.len() > 9) {
                true => "schemas".to_owned(),
                false => data.to_string(),
            }
        }
    }
}

fn command(name: &str, params: Value) -> Value {
    json!({"type": "command", "command": name, "params": params})
}

fn action(name: &str) -> Value {
    json!({"type": "transfer", "kind": "action", "action": name})
}

fn step(action: &str, step: &str, data: Value) -> Value {
    json!({"type": "transfer", "kind": "step", "action": action, "step": step, "data": data})
}

fn init_push(strategy: &str) -> Value {
    let restore = json!({"entities": {"include": []}, "assets": true});
    command(
        "init",
        json!({
            "transfer": "push", "checksums": true, "assetEncoding": "base64",
            "options": {"strategy": strategy, "restore": restore},
        }),
    )
}

fn pull_out_of_order() -> Vec<Value> {
    let init = || command("init", json!({"transfer": "pull", "checksums": true}));
    vec![
        action("bootstrap"),
        command("frob", json!({})),
        init(),
        init(),
        action("getSchemas"),
        step("start", "entities", json!(null)),
        action("bootstrap"),
        action("getMetadata"),
        action("getSchemas"),
        step("start", "schemas", json!(null)),
        step("end", "links", json!(null)),
        action("rollback"),
        command("end", json!({"transferID": "unknown"})),
    ]
}

fn push_out_of_order() -> Vec<Value> {
    let none = || json!([]);
    vec![
        action("bootstrap"),
        init_push("restore"),
        init_push("restore"),
        action("frob"),
        action("bootstrap"),
        action("bootstrap"),
        step("stream", "entities", none()),
        step("start", "links", none()),
        step("start", "configuration", none()),
        step("end", "links", none()),
        step("end", "links", none()),
        step("start", "entities", none()),
        action("getMetadata"),
        command("end", json!({"transferID": "unknown"})),
    ]
}

fn push_of_administrators() -> Vec<Value> {
    let row = json!([{"type": "admin::user", "id": 1, "data": {"email": "a@example.com"}}]);
    vec![
        init_push("restore"),
        action("bootstrap"),
        step("start", "entities", json!([])),
        step("stream", "entities", row),
        action("getMetadata"),
        step("end", "entities", json!([])),
    ]
}

fn push_of_odd_files() -> Vec<Value> {
    let chunk = json!([{"action": "stream", "assetID": "a", "encoding": "base64", "data": "AAAA"}]);
    let metadata = json!({"id": 4444, "hash": "x", "ext": ".png", "name": "x.png"});
    let unknown = json!([{"action": "start", "assetID": "b", "data": {
        "filename": "x.png", "filepath": "x.png", "stats": {"size": 3}, "metadata": metadata,
    }}]);
    vec![
        init_push("restore"),
        action("bootstrap"),
        step("start", "assets", json!([])),
        step("stream", "assets", chunk),
        step("stream", "assets", unknown),
        action("getMetadata"),
        step("end", "assets", json!([])),
    ]
}

fn push_of_odd_links() -> Vec<Value> {
    let end = |field: &str| json!({"type": "plugin::upload.file", "ref": 987654, "field": field});
    let link = json!([{
        "kind": "relation.basic", "relation": "oneToOne",
        "left": end("folder"), "right": end("no-field"),
    }]);
    vec![
        init_push("restore"),
        action("bootstrap"),
        step("start", "links", json!([])),
        step("stream", "links", link),
        step("end", "links", json!([])),
    ]
}
