//! Urls in texts, markdown, HTML and JSON: finds them as whole, and puts others in their place.
//!
//! A url is what begins with `http://`, `https://` or, from the site itself, `/uploads/`, and ends before what no url
//! has: a blank, a quote, a bracket. A query, a fragment, and what ends a sentence are no part of it, and stay.

use crate::model::json::{self, string_length};
use std::borrow::Cow;
use std::ops::Range;

/// Where the site itself serves its media library.
pub(super) const UPLOADS: &str = "/uploads/";

/// Bytes of the longest url that is looked at.
const LONGEST: usize = 8 << 10;

/// What to put in place of a url, if anything.
pub(super) type Change<'a> = &'a mut dyn FnMut(&str) -> Option<String>;

/// What a value is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A JSON string whose text may hold urls.
    Text,
    /// JSON whose strings may.
    Json,
}

/// A JSON value with other urls, where `change` gives some; `None` where it gives none. An object of a file, whose
/// `url` is another one then, gets this `provider`.
pub(super) fn rewritten(
    form: Form,
    value: &str,
    provider: &str,
    change: Change<'_>,
) -> Option<String> {
    if !may_hold_urls(value) {
        return None;
    }
    match form {
        Form::Text => in_literal(value, change),
        Form::Json => in_json(value, provider, change),
    }
}

/// Whether a value may hold urls, by a look that costs little.
fn may_hold_urls(value: &str) -> bool {
    // A slash may be escaped, which nobody has to do.
    value.contains("://") || value.contains(UPLOADS) || value.contains("\\/")
}

fn in_literal(literal: &str, change: Change<'_>) -> Option<String> {
    if !literal.starts_with('"') {
        return None;
    }
    let inner = literal.get(1..literal.len().checked_sub(1)?)?;
    let text = match inner.contains('\\') {
        true => Cow::Owned(serde_json::from_str::<String>(literal).ok()?),
        false => Cow::Borrowed(inner),
    };
    let mut out = String::new();
    json::write_string(&mut out, &in_text(&text, change)?);
    Some(out)
}

/// A text with other urls, where `change` gives some.
fn in_text(text: &str, change: Change<'_>) -> Option<String> {
    let (mut out, mut copied, mut at) = (String::new(), 0, 0);
    while let Some((url, end)) = next(text, at) {
        at = end;
        if let Some(new) = change(&text[url.clone()]) {
            out.push_str(&text[copied..url.start]);
            out.push_str(&new);
            copied = url.end;
        }
    }
    (copied > 0).then(|| out + &text[copied..])
}

/// A list or object of JSON that is open.
#[derive(Default)]
struct Level {
    is_object: bool,
    member: Member,
    /// Where the value of `provider` stands.
    provider: Option<Range<usize>>,
    /// Whether `url` is another one now.
    is_changed: bool,
}

/// The member of an object that is being read.
#[derive(Default, Clone, Copy, PartialEq)]
enum Member {
    Url,
    Provider,
    #[default]
    Other,
}

fn in_json(value: &str, provider: &str, change: Change<'_>) -> Option<String> {
    let mut edits: Vec<(Range<usize>, String)> = Vec::new();
    let mut levels = vec![Level::default()];
    let mut at = 0;
    while let Some(byte) = value.as_bytes().get(at) {
        match byte {
            b'{' | b'[' => levels.push(Level {
                is_object: *byte == b'{',
                ..Level::default()
            }),
            b'}' | b']' => {
                let level = levels.pop();
                if let Some((place, true)) =
                    level.and_then(|it| Some((it.provider?, it.is_changed)))
                {
                    let mut name = String::new();
                    json::write_string(&mut name, provider);
                    edits.push((place, name));
                }
            }
            b'"' => {
                let end = at + string_length(&value[at..]);
                let literal = &value[at..end];
                // Without any level it is no JSON, and is left alone.
                let level = levels.last_mut()?;
                let is_name = level.is_object && value[end..].trim_start().starts_with(':');
                if is_name {
                    level.member = match literal {
                        "\"url\"" => Member::Url,
                        "\"provider\"" => Member::Provider,
                        _ => Member::Other,
                    };
                } else if level.is_object && level.member == Member::Provider {
                    level.provider = Some(at..end);
                } else if let Some(new) = in_literal(literal, change) {
                    level.is_changed |= level.is_object && level.member == Member::Url;
                    edits.push((at..end, new));
                }
                at = end;
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    if edits.is_empty() {
        return None;
    }
    edits.sort_by_key(|(place, _)| place.start);
    let (mut out, mut copied) = (String::with_capacity(value.len()), 0);
    for (place, new) in edits {
        out.push_str(&value[copied..place.start]);
        out.push_str(&new);
        copied = place.end;
    }
    Some(out + &value[copied..])
}

/// The next url from here on, and where to look for the one after it.
fn next(text: &str, from: usize) -> Option<(Range<usize>, usize)> {
    let mut at = from;
    loop {
        let slash = at + text.get(at..)?.find('/')?;
        let begins = |length: usize| slash.checked_sub(length).filter(|start| *start >= from);
        let scheme = |name: &str| {
            let start = begins(name.len())?;
            (text.get(start..slash)? == name).then_some(start)
        };
        let start = if text[slash..].starts_with("//") {
            let start = scheme("https:").or_else(|| scheme("http:"));
            start.map(|start| (start, is_apart(text, start)))
        } else if text[slash..].starts_with(UPLOADS) {
            Some((slash, is_free(text, slash)))
        } else {
            None
        };
        let Some((start, is_whole)) = start else {
            at = slash + 1;
            continue;
        };
        let length = text[start..].find(ends).unwrap_or(text.len() - start);
        let end = start + length;
        let url = path_end(&text[start..end]);
        // What is part of something longer names that, and so does all that follows in it.
        if is_whole && url <= LONGEST {
            return Some((start..start + url, end.max(slash + 1)));
        }
        at = end.max(slash + 1);
    }
}

/// Whether a character is none of a url's.
fn ends(letter: char) -> bool {
    letter.is_whitespace()
        || letter.is_control()
        || matches!(
            letter,
            '"' | '\'' | '<' | '>' | '`' | '\\' | '|' | '^' | '{' | '}' | '[' | ']' | ')'
        )
}

/// Whether a scheme does not end a longer word.
fn is_apart(text: &str, start: usize) -> bool {
    let before = text[..start].chars().next_back();
    before.is_none_or(|letter| !letter.is_alphanumeric())
}

/// Whether a path does not go on from something before it.
fn is_free(text: &str, start: usize) -> bool {
    let before = text[..start].chars().next_back();
    before.is_none_or(|letter| !(letter.is_alphanumeric() || "-.%/@+&?#$".contains(letter)))
}

/// How long a url is without its query, its fragment, a character of HTML, and what ends the sentence.
fn path_end(url: &str) -> usize {
    let html = ["&quot;", "&apos;", "&lt;", "&gt;", "&#"];
    let html = html.iter().filter_map(|name| url.find(name)).min();
    let end = url.find(['?', '#']).into_iter().chain(html).min();
    match end {
        Some(end) => end,
        None => url
            .trim_end_matches(['.', ',', ';', ':', '!', '*', '_', '~'])
            .len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_a_text_holds_it_stays_where_urls_stay_the_same(
            text in "((https?:)?/|/uploads/|[ab.,?#&;:\"'() \u{e4}\u{a0}\\\\]|&quot;){0,30}",
        ) {
            let same = in_text(&text, &mut |url| Some(url.to_owned()));
            prop_assert!(same.is_none_or(|same| same == text));
            let value = format!("[{{\"url\":{},\"provider\":\"a\"}}]", serde_json::json!(text));
            let same = rewritten(Form::Json, &value, "a", &mut |url| Some(url.to_owned()));
            prop_assert!(same.is_none_or(|same| same == value));
            // What is no JSON breaks nothing.
            let _ = rewritten(Form::Json, &text, "a", &mut |_| Some(String::new()));
            let _ = rewritten(Form::Text, &text, "a", &mut |_| Some(String::new()));
        }
    }

    fn found(text: &str) -> Vec<&str> {
        let (mut urls, mut at) = (Vec::new(), 0);
        while let Some((url, end)) = next(text, at) {
            urls.push(&text[url]);
            at = end;
        }
        urls
    }

    #[test]
    fn urls_are_found_as_whole_and_without_what_stands_around_them() {
        for (text, urls) in [
            ("![a](https://x.y/a.png)", &["https://x.y/a.png"][..]),
            ("![a](/uploads/a.png \"t\")", &["/uploads/a.png"]),
            ("<img src=\"/uploads/a.png\"/>", &["/uploads/a.png"]),
            ("<img src=/uploads/a.png>", &["/uploads/a.png"]),
            ("see https://x.y/a.png.", &["https://x.y/a.png"]),
            (
                "_/uploads/a.png_, **/uploads/b.png**",
                &["/uploads/a.png", "/uploads/b.png"],
            ),
            (
                "/uploads/a.png?v=1 /uploads/b.pdf#p=2",
                &["/uploads/a.png", "/uploads/b.pdf"],
            ),
            (
                "srcset='/uploads/a.png 1x, /uploads/b.png 2x'",
                &["/uploads/a.png", "/uploads/b.png"],
            ),
            ("url(&quot;/uploads/a.png&quot;)", &["/uploads/a.png"]),
            (
                "https://site/uploads/a.png",
                &["https://site/uploads/a.png"],
            ),
            ("https://p/?u=https://x.y/a.png", &["https://p/"]),
            ("a/uploads/a.png ../uploads/a.png //x.y/uploads/a.png", &[]),
            ("xhttps://x.y/a.png ftp://x.y/a.png", &[]),
            (
                "/uploads/a.png.bak /uploads/xa.png",
                &["/uploads/a.png.bak", "/uploads/xa.png"],
            ),
            ("/uploads/a.png(1).png", &["/uploads/a.png(1"]),
            (
                "größe\u{a0}https://x.y/ä.png\u{3000}",
                &["https://x.y/ä.png"],
            ),
            ("http: // https:/ https: /uploads /", &[]),
        ] {
            assert_eq!(found(text), urls, "{text}");
        }
    }

    fn change(form: Form, value: &str) -> Option<String> {
        let change =
            |url: &str| (url == "/uploads/a.png").then(|| "https://b/\"a\".png".to_owned());
        rewritten(form, value, "aws-s3", &mut { change })
    }

    #[test]
    fn texts_get_other_urls_and_keep_all_else() {
        let changed = change(
            Form::Text,
            r#""\u00e9\n/uploads/a.png?w=1 \"/uploads/a.png\" /uploads/a.pngx""#,
        );
        assert_eq!(
            changed.as_deref(),
            Some(r#""é\nhttps://b/\"a\".png?w=1 \"https://b/\"a\".png\" /uploads/a.pngx""#)
        );
        for same in [
            "null",
            "1",
            "\"\"",
            "\"",
            r#""https://x.y""#,
            r#""\ud800 /uploads/a.png""#,
        ] {
            assert_eq!(change(Form::Text, same), None, "{same}");
        }
    }

    #[test]
    fn objects_of_files_in_json_get_the_provider_that_goes_with_their_url() {
        let file = r#"[{"type":"image", "image":{"provider":"local","url":"/uploads/a.png","size":1.10,
            "formats":{"small":{"url":"/uploads/a.png"}},"hash":"/uploads/a.png x"},"children":[]},
            {"url":"/uploads/other.png","provider":"local"}, {"url":"x /uploads/a.png"}]"#;
        let expected = r#"[{"type":"image", "image":{"provider":"aws-s3","url":"https://b/\"a\".png","size":1.10,
            "formats":{"small":{"url":"https://b/\"a\".png"}},"hash":"https://b/\"a\".png x"},"children":[]},
            {"url":"/uploads/other.png","provider":"local"}, {"url":"x https://b/\"a\".png"}]"#;
        assert_eq!(change(Form::Json, file).as_deref(), Some(expected));
        assert_eq!(change(Form::Json, "{\"/uploads/a.png\":1}"), None);
        assert_eq!(
            change(Form::Json, "\"/uploads/a.png\"").as_deref(),
            Some(r#""https://b/\"a\".png""#)
        );
        for odd in ["]\"/uploads/a.png\"", "{\"a\":\"/uploads/", "}}}/uploads/"] {
            change(Form::Json, odd);
        }
    }
}
