//! Fills blocks of documents with what the numbers say.

use crate::numbers::Numbers;
use crate::table::block;

const BEGIN: &str = "<!-- numbers: ";
const END: &str = "<!-- end of numbers -->";

/// The document with its blocks filled.
pub fn fill(document: &str, numbers: &Numbers) -> Result<String, String> {
    let mut filled = String::new();
    let mut rest = document;
    while let Some(at) = rest.find(BEGIN) {
        let (before, block_and_after) = rest.split_at(at);
        let (first, after) = block_and_after
            .split_once('\n')
            .ok_or("it ends in a block of numbers")?;
        let name = first[BEGIN.len()..].trim_end_matches("-->").trim();
        let text = block(name, numbers).ok_or_else(|| format!("no block is called `{name}`"))?;
        let end = after
            .find(END)
            .ok_or_else(|| format!("the block `{name}` has no end"))?;
        filled.push_str(&format!("{before}{first}\n{}\n", text.trim_end()));
        rest = &after[end..];
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_in_blocks_changes_and_twice_is_as_once() {
        let document = "a\n<!-- numbers: sqlite -->\nold\n<!-- end of numbers -->\nb\n";
        let once = fill(document, &Numbers::default()).unwrap();
        assert!(once.starts_with("a\n<!-- numbers: sqlite -->\n"), "{once}");
        assert!(once.ends_with("\n<!-- end of numbers -->\nb\n"), "{once}");
        assert!(!once.contains("old"), "{once}");
        assert_eq!(fill(&once, &Numbers::default()).unwrap(), once);
    }

    #[test]
    fn blocks_that_are_none_are_named() {
        let fault = |text| fill(text, &Numbers::default()).unwrap_err();
        assert!(fault("<!-- numbers: other -->\n<!-- end of numbers -->").contains("`other`"));
        assert!(fault("<!-- numbers: sqlite -->\n").contains("no end"));
    }
}
