//! Two archives compared as they are: every line in its place, every id, every byte.

use serde_json::{Value, json};

use super::archive::{Archive, STAGES};
use super::canonical::REWRITTEN_AT_EVERY_START;
use super::difference::{difference, report};

/// Compares two archives line by line and file by file, ids and order included. Left out are the time of the export
/// and, when Strapi was started in between, what it writes anew whenever it starts.
pub fn differences(expected: &Archive, actual: &Archive, started_in_between: bool) -> Vec<String> {
    let mut found = Vec::new();
    for stage in STAGES {
        let lines = |archive: &Archive| {
            let mut lines = archive.lines(stage);
            if stage == "configuration" && started_in_between {
                let rewritten = REWRITTEN_AT_EVERY_START.map(|key| format!("\"key\":\"{key}\""));
                lines.retain(|line| !rewritten.iter().any(|key| line.contains(key)));
            }
            lines.sort_by_cached_key(|line| component(stage, line));
            lines
        };
        let (expected, actual) = (lines(expected), lines(actual));
        if expected.len() != actual.len() {
            found.push(format!(
                "{stage}: expected {} lines, got {}",
                expected.len(),
                actual.len()
            ));
        }
        for (number, (expected, actual)) in expected.iter().zip(&actual).enumerate() {
            if expected == actual {
                continue;
            }
            let parse = |line: &str| {
                serde_json::from_str::<Value>(line)
                    .unwrap_or_else(|error| json!(format!("{error}: {line}")))
            };
            let values = difference(&parse(expected), &parse(actual));
            let what = values.unwrap_or_else(|| {
                format!("the same value in other bytes:\n    {expected}\n    {actual}")
            });
            found.push(format!("{stage} line {}{what}", number + 1));
        }
    }
    let (expected, actual) = (expected.assets(), actual.assets());
    for (name, asset) in &expected {
        match actual.get(name) {
            None => found.push(format!("asset {name} is missing")),
            Some(other) if other.bytes != asset.bytes => {
                found.push(format!("asset {name} has other bytes"))
            }
            Some(other) => found.extend(
                difference(&asset.sidecar, &other.sidecar)
                    .map(|what| format!("sidecar of {name}: {what}")),
            ),
        }
    }
    found.extend(
        actual
            .keys()
            .filter(|name| !expected.contains_key(*name))
            .map(|name| format!("asset {name} is not expected")),
    );
    found
}

/// The component that a line of the schemas or links belongs to; nothing for a content type.
///
/// Strapi reads the files of components in no fixed order: with the same project, one start has them in another order
/// than the next, and so have its exports. Only the order of the lines of one component means something.
fn component(stage: &str, line: &str) -> Option<String> {
    let value: Value = serde_json::from_str(line).ok()?;
    let uid = match stage {
        "schemas" => &value["uid"],
        "links" => &value["left"]["type"],
        _ => return None,
    };
    uid.as_str()
        .filter(|uid| !uid.contains("::"))
        .map(str::to_owned)
}

/// Fails with a readable list unless both archives hold the same lines and files.
pub fn assert_equal(expected: &Archive, actual: &Archive, started_in_between: bool) {
    if let Some(report) = report(&differences(expected, actual, started_in_between)) {
        panic!("{report}");
    }
}
