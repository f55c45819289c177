//! Whole numbers that JavaScript cannot hold: a server reads JSON into doubles.

/// The largest whole number up to which doubles hold every one.
const LARGEST: i128 = (1 << 53) - 1;
/// The fewest digits that such a number has which doubles may not hold.
const DIGITS: usize = 16;

/// The whole number that JSON holds, as a number or as a text.
pub(super) fn whole(json: &str) -> Option<i128> {
    let inner = json
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(json);
    let digits = inner.strip_prefix(['-', '+']).unwrap_or(inner);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    // More digits than fit are a number as well, beyond any column.
    Some(inner.parse().unwrap_or(i128::MAX))
}

/// Whether a double does not hold a whole number.
pub(super) fn is_rounded(number: i128) -> bool {
    // The largest stands for all beyond.
    number == i128::MAX
        || (number.unsigned_abs() > LARGEST.unsigned_abs() && (number as f64) as i128 != number)
}

/// Whether JSON holds, outside its texts, a whole number that a double does not hold.
pub(super) fn holds_rounded(json: &str) -> bool {
    let bytes = json.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => at += crate::model::json::string_length(&json[at..]),
            b'-' | b'0'..=b'9' => {
                let length = bytes[at..]
                    .iter()
                    .take_while(|byte| {
                        matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')
                    })
                    .count();
                let number = &json[at..at + length];
                if length >= DIGITS && whole(number).is_some_and(is_rounded) {
                    return true;
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_read_from_numbers_and_texts() {
        assert_eq!(whole("-12"), Some(-12));
        assert_eq!(whole("\"9223372036854775808\""), Some(1 << 63));
        assert_eq!(whole(&"9".repeat(100)), Some(i128::MAX));
        for json in ["1.5", "1e3", "\"\"", "-", "null", "\"x\"", "true"] {
            assert_eq!(whole(json), None, "{json}");
        }
    }

    #[test]
    fn only_numbers_that_doubles_do_not_hold_are_rounded() {
        assert!(!is_rounded(LARGEST));
        assert!(!is_rounded(1 << 60));
        assert!(is_rounded((1 << 53) + 1));
        assert!(is_rounded(-9_223_372_036_854_775_807));
        assert!(is_rounded(i128::MAX));
    }

    #[test]
    fn numbers_in_texts_of_json_are_left_alone() {
        for (json, expected) in [
            ("9007199254740993", true),
            (r#"{"a":[1,2,{"b":9007199254740993}]}"#, true),
            (r#"{"a":"9007199254740993"}"#, false),
            (r#"{"9007199254740993":1.00000000000000000000001}"#, false),
            (r#"["\"9007199254740993",9007199254740992]"#, false),
        ] {
            assert_eq!(holds_rounded(json), expected, "{json}");
        }
    }
}
