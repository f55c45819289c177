//! What servers say of a request with rows: their messages may repeat a value, which says nothing of who asks or of how the
//! server is, and which nothing may print.
//!
//! Values stand in quotes (`parsing "VALUE"`) or in brackets (`duplicate value [VALUE] for predicate [name]`, `verifyUnique`
//! of its source), and may hold quotes and brackets of their own. So all is left out from the first of them to the last.

/// What stands in front of all that may be a value, that itself, and what stands behind it. Values also stand in single
/// quotes, which apostrophes are not.
fn parts(message: &str) -> (&str, &str, &str) {
    let mut before = ' ';
    let open = message.char_indices().find(|(_, it)| {
        let is_one = matches!(it, '"' | '[') || *it == '\'' && !before.is_alphanumeric();
        before = *it;
        is_one
    });
    let Some((open, _)) = open else {
        return (message, "", "");
    };
    let (front, rest) = message.split_at(open + 1);
    // What is not closed may be a value up to its end.
    let close = rest.rfind(['"', ']', '\'']).unwrap_or(rest.len());
    let (value, behind) = rest.split_at(close);
    (front, value, behind)
}

/// A message in small letters without what may be a value.
pub(in crate::dgraph) fn without_values(message: &str) -> String {
    let (front, _, behind) = parts(message);
    format!("{front}{behind}").to_ascii_lowercase()
}

/// Those of these phrases, in small letters, that stand in a message outside of what may be a value: nothing else of what is
/// said of a request with rows can be told, since nobody knows where in it their values are.
pub(in crate::dgraph) fn phrases(message: &str, known: &[&str]) -> Vec<String> {
    let (front, _, behind) = parts(message);
    let text = format!("{front}{behind}");
    let small = text.to_ascii_lowercase();
    let found = known.iter().filter_map(|it| {
        let at = small.find(it)?;
        Some(text[at..at + it.len()].to_owned())
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_read_as_what_a_server_says_of_itself() {
        for value in [
            "Unauthorized",
            "please retry later",
            "token is expired",
            "a] Unauthorized [b",
            "a\" please retry \"b",
        ] {
            for message in [
                format!("could not insert duplicate value [{value}] for predicate [p]"),
                format!("strconv.ParseInt: parsing \"{value}\": invalid syntax"),
                format!("error while parsing [{value}]"),
                format!("it isn't one: '{value}'"),
            ] {
                let text = without_values(&message);
                for mark in ["unauthorized", "retry", "expired"] {
                    assert!(!text.contains(mark), "{message}: {text}");
                }
            }
        }
        let said = "Transaction has been aborted. Please retry";
        let known = ["aborted", "please retry", "draining"];
        assert_eq!(phrases(said, &known), ["aborted", "Please retry"]);
        let said = "it can't be taken. Please retry";
        assert_eq!(without_values(said), said.to_ascii_lowercase());
    }
}
