//! Text of an archive in a page: it can neither be taken for tags nor change what stands around it.

use crate::model::hides;
use std::fmt;

/// How many characters of a name are shown at its beginning, and at its end.
const BEGINNING: usize = 80;
const END: usize = 24;

/// Text, with everything taken out that a browser would take for something else.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a>(pub &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|it| write(it, f))
    }
}

/// Text that breaks between its words where there is no room for it.
struct Breaking<'a>(&'a str);

impl fmt::Display for Breaking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut characters = self.0.chars().peekable();
        while let Some(character) = characters.next() {
            write(character, f)?;
            let ends = matches!(character, '.' | '-' | '/' | '_' | ':');
            if ends && characters.peek().is_some_and(|next| next.is_alphanumeric()) {
                f.write_str("<wbr/>")?;
            }
        }
        Ok(())
    }
}

/// A name of any length, of which as much is shown as there is room for. It keeps its reading direction to itself.
#[derive(Debug, Clone, Copy)]
pub struct Name<'a>(pub &'a str);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0;
        f.write_str("<bdi>")?;
        // Where the middle begins, and where it ends.
        let start = text.char_indices().nth(BEGINNING).map(|(at, _)| at);
        let end = text.char_indices().rev().nth(END).map(|(at, _)| at);
        match (start, end) {
            (Some(start), Some(end)) if start < end => {
                write!(f, "{}…{}", Breaking(&text[..start]), Breaking(&text[end..]))?;
            }
            _ => Breaking(text).fmt(f)?,
        }
        f.write_str("</bdi>")
    }
}

fn write(character: char, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    // Words of some languages and many pictures are joined by these, and they do nothing else.
    let joins = matches!(character, '\u{200c}' | '\u{200d}');
    match character {
        '&' => f.write_str("&amp;"),
        '<' => f.write_str("&lt;"),
        '>' => f.write_str("&gt;"),
        '"' => f.write_str("&quot;"),
        '\'' => f.write_str("&#39;"),
        '\n' => f.write_str("\\n"),
        _ if character.is_control() || (hides(character) && !joins) || is_none(character) => {
            write!(f, "\\u{{{:x}}}", u32::from(character))
        }
        _ => fmt::Write::write_char(f, character),
    }
}

/// Whether it is no character that a page may have.
fn is_none(character: char) -> bool {
    u32::from(character) & 0xfffe == 0xfffe || matches!(character, '\u{fdd0}'..='\u{fdef}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let text = |text| Text(text).to_string();
        assert_eq!(
            text(r#"</script><img src=x onerror="a('b')">&amp;"#),
            "&lt;/script&gt;&lt;img src=x onerror=&quot;a(&#39;b&#39;)&quot;&gt;&amp;amp;"
        );
        assert_eq!(
            text("a\u{202e}b\u{0}\n\u{fffe}"),
            "a\\u{202e}b\\u{0}\\n\\u{fffe}"
        );
        assert_eq!(
            text("👩\u{200d}👧 می\u{200c}شود"),
            "👩\u{200d}👧 می\u{200c}شود"
        );
    }

    #[test]
    fn long_names_are_shown_by_their_ends() {
        let name = format!("{}<b>.png", "ä".repeat(10_000));
        let shown = Name(&name).to_string();
        assert!(shown.ends_with("ä&lt;b&gt;.<wbr/>png</bdi>"), "{shown}");
        assert!(shown.chars().count() < 150, "{shown}");
        let uid = Name("api::blog-post.blog-post").to_string();
        assert_eq!(
            uid,
            "<bdi>api::<wbr/>blog-<wbr/>post.<wbr/>blog-<wbr/>post</bdi>"
        );
        let short = "ä".repeat(BEGINNING + END);
        assert_eq!(Name(&short).to_string(), format!("<bdi>{short}</bdi>"));
    }
}
