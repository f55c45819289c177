//! Takes secrets out of what servers say: a server may repeat what it was sent.

use std::collections::HashSet;

/// Secrets that are shorter than this are not looked for in texts.
const SHORTEST: usize = 8;
/// Parts of a secret that are so long are hidden as the whole is, in bytes.
const PART: usize = 16;
/// How much of a text of a server is kept, in bytes.
const LONGEST: usize = 1 << 10;
/// How much of one is looked at.
const LONGEST_LOOK: usize = 64 << 10;

/// A text without a secret, and without what is a part of it, in whatever case. `hidden` stands in its place.
pub(crate) fn hide(text: &str, secret: &str, hidden: &str) -> String {
    let part = PART.min(secret.len());
    if part < SHORTEST || text.len() < part {
        return text.to_owned();
    }
    let secret = secret.to_ascii_lowercase();
    let parts: HashSet<&[u8]> = secret.as_bytes().windows(part).collect();
    let lower = text.to_ascii_lowercase();
    let mut out = String::new();
    // What is told so far, and where what is hidden ends.
    let (mut told, mut end) = (0, 0);
    for (start, window) in lower.as_bytes().windows(part).enumerate() {
        if !parts.contains(window) {
            continue;
        }
        if start > end || out.is_empty() {
            out.push_str(between(text, told, start));
            out.push_str(hidden);
        }
        end = start + part;
        told = end;
    }
    out.push_str(between(text, told, text.len()));
    out
}

/// The whole characters between two places, which may be within characters.
fn between(text: &str, from: usize, to: usize) -> &str {
    let (from, to) = (text.ceil_char_boundary(from), text.floor_char_boundary(to));
    text.get(from..to).unwrap_or_default()
}

/// A text of a server's as it is kept and told: without these secrets and parts of them, and of bounded length. What
/// would be cut first could show a part.
pub(crate) fn fit<'a>(
    text: &str,
    secrets: impl IntoIterator<Item = &'a str>,
    hidden: &str,
) -> String {
    let looked = &text[..text.floor_char_boundary(LONGEST_LOOK)];
    let mut out = looked.to_owned();
    for secret in secrets {
        out = hide(&out, secret, hidden);
    }
    match out.len() <= LONGEST && looked.len() == text.len() {
        true => out,
        false => {
            let end = out.floor_char_boundary(LONGEST);
            format!("{}…", &out[..end])
        }
    }
}
