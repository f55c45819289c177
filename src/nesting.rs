//! How deep JSON is nested: archives, schemas and databases each have a limit of their own.

/// Whether JSON is nested deeper than so many levels: a list in a list is nested twice.
pub(crate) fn is_deeper_than(levels: usize, json: &[u8]) -> bool {
    if !matches!(json.first(), Some(b'[' | b'{')) {
        return false;
    }
    // Most is not nested, which shows faster without following it.
    let opening = json.iter().filter(|byte| matches!(byte, b'[' | b'{'));
    if opening.count() <= levels {
        return false;
    }
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => {
                depth += 1;
                if depth > levels {
                    return true;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}
