//! Files of variables (`.env`), as the npm package `dotenv` reads them.
//!
//! The rules are those of dotenv 16: `KEY=value` or `KEY: value` with an optional `export`,
//! values bare or in single quotes, double quotes or backticks, quoted ones over several lines, `\n` and `\r` expanded
//! in double quotes only, `#` starts a comment outside quotes, a later line wins over an earlier one, and nothing is
//! interpolated.

use regex_lite::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// One assignment, wherever a line starts. The alternatives of the value are tried in order, and one that does not
/// reach the end of its line (blanks and a comment aside) gives way to the next.
static ASSIGNMENT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let blank = r"[\s\x{FEFF}\x{A0}\x{2028}\x{2029}]";
    let quoted = |q: &str| format!(r"{blank}*{q}(?:\\{q}|[^{q}])*{q}");
    let value = format!("{}|{}|{}|[^#\r\n]+", quoted("'"), quoted("\""), quoted("`"));
    Regex::new(&format!(
        r"(?m)^{blank}*(?:export{blank}+)?([\w.-]+)(?:{blank}*={blank}*?|:{blank}+?)({value})?{blank}*(?:#.*)?$"
    ))
    .ok()
});

/// The assignments of a `.env` file.
pub(crate) fn parse(text: &str) -> BTreeMap<String, String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut values = BTreeMap::new();
    let Some(assignment) = ASSIGNMENT.as_ref() else {
        return values;
    };
    for found in assignment.captures_iter(&text) {
        let raw = found.get(2).map_or("", |value| value.as_str());
        let raw = raw.trim_matches(is_blank);
        let mut value = unquote(raw);
        if raw.starts_with('"') {
            value = value.replace("\\n", "\n").replace("\\r", "\r");
        }
        values.insert(found[1].to_owned(), value);
    }
    values
}

/// Takes the quotes off: a quote that opens a line, with the last one of its kind that closes a line.
fn unquote(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    let mut rest = value;
    let mut line_start = true;
    while let Some(first) = rest.chars().next() {
        if line_start && matches!(first, '\'' | '"' | '`') {
            let closing = rest
                .rmatch_indices(first)
                .map(|(at, _)| at)
                .find(|&at| at > 0 && (at + 1 == rest.len() || rest[at + 1..].starts_with('\n')));
            if let Some(at) = closing {
                out.push_str(&rest[1..at]);
                rest = &rest[at + 1..];
                line_start = false;
                continue;
            }
        }
        out.push(first);
        line_start = first == '\n';
        rest = &rest[first.len_utf8()..];
    }
    out
}

/// White space as JavaScript's `trim` sees it.
fn is_blank(letter: char) -> bool {
    letter.is_whitespace() || letter == '\u{feff}'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> String {
        parse(text)
            .get("A")
            .cloned()
            .unwrap_or_else(|| "(none)".into())
    }

    #[test]
    fn values_are_read_as_dotenv_reads_them() {
        for (text, expected) in [
            ("A=plain", "plain"),
            ("A = spaced  out \n", "spaced  out"),
            ("A: yaml", "yaml"),
            ("export A=exported", "exported"),
            (
                "\u{feff}A=after a byte order mark",
                "after a byte order mark",
            ),
            ("A=", ""),
            ("A=\nB=2", ""),
            ("A=x # comment", "x"),
            ("A=x#comment", "x"),
            ("A='a # b' # comment", "a # b"),
            ("A=\"a # b\"", "a # b"),
            ("A=`a \"b\" 'c'`", "a \"b\" 'c'"),
            (r#"A="one\ntwo\rthree""#, "one\ntwo\rthree"),
            (r"A='one\ntwo'", r"one\ntwo"),
            (r"A=one\ntwo", r"one\ntwo"),
            ("A=\"first\nsecond\"\nB=2", "first\nsecond"),
            ("A='first\r\nsecond'", "first\nsecond"),
            (r#"A="say \"hi\"""#, r#"say \"hi\""#),
            (r#"A={"a": "b"}"#, r#"{"a": "b"}"#),
            ("A='quoted' and more", "'quoted' and more"),
            ("A=\"no end", "\"no end"),
            ("A=$HOME and ${HOME}", "$HOME and ${HOME}"),
            ("A=first\nA=second", "second"),
            ("A=a=b==", "a=b=="),
            ("  A=indented", "indented"),
            ("# A=commented out", "(none)"),
            ("A", "(none)"),
        ] {
            assert_eq!(value(text), expected, "{text:?}");
        }
    }

    #[test]
    fn several_lines_give_several_values() {
        let values = parse("# head\n\nA=1\n  # inner\nB.C-D=\"x\ny\"\nexport E='z'\n");
        assert_eq!(values.len(), 3);
        assert_eq!(values["B.C-D"], "x\ny");
        assert_eq!(values["E"], "z");
    }
}
