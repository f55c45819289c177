//! What requests and stages are called.

use serde_json::Value;

/// The stages that a transfer streams, in Strapi's order.
pub const STAGES: [&str; 4] = ["entities", "assets", "links", "configuration"];

/// All requests.
const REQUESTS: [&str; 24] = [
    "init",
    "status",
    "end",
    "bootstrap",
    "getMetadata",
    "getSchemas",
    "beforeTransfer",
    "close",
    "rollback",
    "start schemas",
    "stream schemas",
    "end schemas",
    "start entities",
    "stream entities",
    "end entities",
    "start assets",
    "stream assets",
    "end assets",
    "start links",
    "stream links",
    "end links",
    "start configuration",
    "stream configuration",
    "end configuration",
];

/// What a request is called: `init`, `beforeTransfer`, `start entities`, `stream assets`. An acknowledgement has no name.
pub fn name(message: &Value) -> Option<&'static str> {
    let text = |field: &str| message[field].as_str().unwrap_or_default();
    let name = match (message["type"].as_str()?, message["kind"].as_str()) {
        ("command", _) => text("command").to_owned(),
        (_, Some("action")) => text("action").to_owned(),
        _ => format!("{} {}", text("action"), text("step")),
    };
    let known = REQUESTS.into_iter().find(|request| **request == name);
    known.or(Some("a request that is none"))
}

/// The stage of this name.
pub fn stage(message: &Value) -> Option<&'static str> {
    let step = message["step"].as_str()?;
    STAGES.into_iter().find(|stage| *stage == step)
}
