//! Where two values differ, in words that a failing test can print.

use std::fmt::Write as _;

use serde_json::Value;

/// How many differences a failing comparison prints.
const SHOWN: usize = 25;

/// The first differences as a text, or nothing when there are none.
pub fn report(differences: &[String]) -> Option<String> {
    let first = differences.iter().take(SHOWN);
    let mut text = format!("{} differences", differences.len());
    for difference in first {
        write!(text, "\n  {difference}").unwrap();
    }
    if differences.len() > SHOWN {
        write!(text, "\n  ... and {} more", differences.len() - SHOWN).unwrap();
    }
    (!differences.is_empty()).then_some(text)
}

/// Where two values differ first, or nothing when they are equal.
pub fn difference(expected: &Value, actual: &Value) -> Option<String> {
    fn descend(path: &str, expected: &Value, actual: &Value) -> Option<String> {
        match (expected, actual) {
            (Value::Object(left), Value::Object(right)) => {
                let added = right.keys().filter(|key| !left.contains_key(*key));
                left.keys().chain(added).find_map(|key| {
                    let inner = format!("{path}.{key}");
                    match (left.get(key), right.get(key)) {
                        (Some(left), Some(right)) => descend(&inner, left, right),
                        (left, _) if left.is_some() => Some(format!("{inner} is missing")),
                        _ => Some(format!("{inner} is not expected")),
                    }
                })
            }
            (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
                let pairs = left.iter().zip(right).enumerate();
                pairs.into_iter().find_map(|(index, (left, right))| {
                    descend(&format!("{path}[{index}]"), left, right)
                })
            }
            _ if expected == actual => None,
            _ => Some(format!(
                "{path}: expected {}, got {}",
                short(expected),
                short(actual)
            )),
        }
    }
    descend("", expected, actual)
}

/// A value as JSON, cut where it gets long.
pub fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(160) {
        None => text,
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_of_differences_is_cut() {
        let many: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let text = report(&many).unwrap();
        assert_eq!(text.lines().count(), SHOWN + 2);
        assert!(text.starts_with("100 differences"));
        assert_eq!(report(&[]), None);
    }
}
