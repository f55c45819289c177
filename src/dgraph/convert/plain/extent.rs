//! How large the GraphQL schema of a set is, before it is read as one.

/// How deep the brackets of a schema stand in each other, and how many types and interfaces it defines or extends, without
/// comments and texts.
pub fn extent(text: &str) -> (usize, usize) {
    let (mut depth, mut deepest, mut count) = (0_usize, 0, 0);
    let mut rest = text;
    while let Some(first) = rest.bytes().next() {
        let is_name = |it: &u8| it.is_ascii_alphanumeric() || *it == b'_';
        let length = match first {
            b'#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            b'"' => end_of_text(rest),
            b'{' | b'[' | b'(' => {
                depth += 1;
                deepest = deepest.max(depth);
                1
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                1
            }
            _ if is_name(&first) => {
                let length = rest.bytes().take_while(is_name).count();
                let is_type = ["type", "interface"].contains(&&rest[..length]);
                count += usize::from(is_type && depth == 0);
                length
            }
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
        rest = &rest[length..];
    }
    (deepest, count)
}

/// Where a text ends that begins here: one in three quotes may have several lines.
fn end_of_text(rest: &str) -> usize {
    const BLOCK: &str = "\"\"\"";
    if let Some(inner) = rest.strip_prefix(BLOCK) {
        let mut ends = inner.match_indices(BLOCK);
        let end = ends.find(|(at, _)| !inner[..*at].ends_with('\\'));
        return end.map_or(rest.len(), |(at, _)| at + 2 * BLOCK.len());
    }
    let mut is_escaped = false;
    let end = rest.bytes().skip(1).position(|it| {
        let ends = !is_escaped && matches!(it, b'"' | b'\n' | b'\r');
        is_escaped = it == b'\\' && !is_escaped;
        ends
    });
    end.map_or(rest.len(), |at| at + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_comments_and_texts_do_not_count() {
        assert_eq!(extent(&"\"[\" ".repeat(100)), (0, 0));
        assert_eq!(extent("# \" {\ntype A { type: [Int] }"), (2, 1));
        assert_eq!(
            extent("\"\"\" [ \\\"\"\" { \"\"\" type A \"no end ["),
            (0, 1)
        );
    }
}
