//! How texts are escaped, in JSON and RDF alike: as `json.Marshal` of Go writes them, and as `strconv.Unquote` and JSON
//! read them.

use std::fmt;

/// Appends the text in quotes. What cannot be written to says so itself.
pub(super) fn quote(text: &str, out: &mut impl fmt::Write) {
    let _ = out.write_char('"');
    let mut from = 0;
    for (at, character) in text.char_indices() {
        let escape = match character {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\n' => "\\n",
            '\r' => "\\r",
            '\t' => "\\t",
            '<' => "\\u003c",
            '>' => "\\u003e",
            '&' => "\\u0026",
            '\u{2028}' => "\\u2028",
            '\u{2029}' => "\\u2029",
            '\0'..='\u{1f}' => "",
            _ => continue,
        };
        let _ = out.write_str(&text[from..at]);
        let _ = match escape {
            "" => write!(out, "\\u{:04x}", u32::from(character)),
            escape => out.write_str(escape),
        };
        from = at + character.len_utf8();
    }
    let _ = out.write_str(&text[from..]);
    let _ = out.write_char('"');
}

/// How many bytes [`quote`] makes of a text, at the most.
pub(super) fn quoted(text: &str) -> usize {
    let bytes = text.bytes().map(|it| match it {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        b'<' | b'>' | b'&' | 0..=0x1f => 6,
        // What U+2028 and U+2029 begin with, of three bytes.
        0xe2 => 4,
        _ => 1,
    });
    2 + bytes.sum::<usize>()
}

/// Where the quoted text that begins here ends: behind its closing quote.
pub(super) fn end_of_quoted(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// What a quoted text of RDF means: escapes are those of Go and of JSON.
///
/// # Errors
/// Why it means nothing.
pub(super) fn unquote(quoted: &str) -> Result<String, String> {
    let inner = quoted.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    let inner = inner.ok_or("a text does not end")?;
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.find('\\') {
        out.extend_from_slice(&rest.as_bytes()[..at]);
        let mut characters = rest[at + 1..].chars();
        let escape = characters.next().ok_or("an escape does not end")?;
        let after = characters.as_str();
        let simple = match escape {
            'a' => Some(7),
            'b' => Some(8),
            'f' => Some(12),
            'n' => Some(b'\n'),
            'r' => Some(b'\r'),
            't' => Some(b'\t'),
            'v' => Some(11),
            '"' | '\\' | '/' | '\'' => Some(escape as u8),
            _ => None,
        };
        rest = match (simple, escape) {
            (Some(byte), _) => {
                out.push(byte);
                after
            }
            (_, 'u' | 'U') => {
                let (character, after) = code(after, escape)?;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                after
            }
            (_, 'x') => {
                let (byte, after) = digits(after, 2, 16)?;
                out.push(byte as u8);
                after
            }
            (_, '0'..='3') => {
                let (byte, after) = digits(&rest[at + 1..], 3, 8)?;
                out.push(byte as u8);
                after
            }
            _ => return Err(format!("there is no escape \\{escape}")),
        };
    }
    out.extend_from_slice(rest.as_bytes());
    String::from_utf8(out).map_err(|_| "a text is not UTF-8".into())
}

/// The character of `\u` and `\U`; two of the former may be one character, as JSON has it.
fn code(text: &str, escape: char) -> Result<(char, &str), String> {
    let length = if escape == 'u' { 4 } else { 8 };
    let (first, after) = digits(text, length, 16)?;
    if let Some(character) = char::from_u32(first) {
        return Ok((character, after));
    }
    let lone = || "an escape stands for half a character".to_owned();
    let second = after.strip_prefix("\\u").ok_or_else(lone)?;
    let (second, after) = digits(second, 4, 16)?;
    let pair = [first, second].map(|it| u16::try_from(it).unwrap_or_default());
    let mut decoded = char::decode_utf16(pair);
    match (decoded.next(), decoded.next()) {
        (Some(Ok(character)), None) => Ok((character, after)),
        _ => Err(lone()),
    }
}

fn digits(text: &str, count: usize, radix: u32) -> Result<(u32, &str), String> {
    let (digits, after) = text
        .split_at_checked(count)
        .ok_or("an escape does not end")?;
    let is_whole = digits.chars().all(|it| it.is_digit(radix));
    let number = is_whole.then(|| u32::from_str_radix(digits, radix).ok());
    match number.flatten() {
        Some(number) => Ok((number, after)),
        None => Err("an escape has no digits".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_as_go_does_it() {
        let mut out = String::new();
        quote("a\"\\\n\u{1}<b>&\u{2028}ë🎉", &mut out);
        assert_eq!(out, r#""a\"\\\n\u0001\u003cb\u003e\u0026\u2028ë🎉""#);
        assert_eq!(out.len(), quoted("a\"\\\n\u{1}<b>&\u{2028}ë🎉"));
        assert_eq!(unquote(&out).unwrap(), "a\"\\\n\u{1}<b>&\u{2028}ë🎉");
    }

    #[test]
    fn escapes_of_go_and_of_json_are_read() {
        let read = |text: &str| unquote(&format!("\"{text}\""));
        assert_eq!(read(r"\a\b\f\v\/\'\t").unwrap(), "\u{7}\u{8}\u{c}\u{b}/'\t");
        assert_eq!(read(r"\U0001F600 \ud83d\ude00").unwrap(), "😀 😀");
        assert_eq!(read(r"\xc3\xab \101").unwrap(), "ë A");
        assert_eq!(read(r"a\\u0000b\\u0000").unwrap(), r"a\u0000b\u0000");
        for wrong in [
            r"\q",
            r"\u12",
            r"\ud83d",
            r"\ud83d\u0041",
            r"\U00110000",
            r"\xff",
            r"\u+123",
            "\\",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert_eq!(end_of_quoted(r#""a\"b" x"#), Some(6));
        assert_eq!(end_of_quoted(r#""a\""#), None);
    }
}
