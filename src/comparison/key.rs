//! What things are known by while they are compared, as bytes whose order is that of their parts.

/// Ends a text. What stands behind the byte 0 tells the end from a 0 in the text.
const END: [u8; 2] = [0, 0];
const ZERO: [u8; 2] = [0, 1];

/// Appends a text.
pub(super) fn put_text(key: &mut Vec<u8>, text: &str) {
    for (index, piece) in text.split('\0').enumerate() {
        if index > 0 {
            key.extend_from_slice(&ZERO);
        }
        key.extend_from_slice(piece.as_bytes());
    }
    key.extend_from_slice(&END);
}

/// Appends a number.
pub(super) fn put_number(key: &mut Vec<u8>, number: i64) {
    key.extend_from_slice(&(number ^ i64::MIN).to_be_bytes());
}

/// Reads the parts of a key one after the other. Nothing of it is from elsewhere than from here; where it is too short
/// all the same, what is missing is empty.
pub(super) struct Parts<'k>(pub &'k [u8]);

impl<'k> Parts<'k> {
    /// A byte.
    pub fn byte(&mut self) -> u8 {
        match self.0.split_first() {
            Some((byte, rest)) => {
                self.0 = rest;
                *byte
            }
            None => 0,
        }
    }

    /// Bytes.
    pub fn bytes(&mut self, length: usize) -> &'k [u8] {
        let (bytes, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        bytes
    }

    /// A number.
    pub fn number(&mut self) -> i64 {
        let bytes = self.bytes(8).try_into().unwrap_or_default();
        i64::from_be_bytes(bytes) ^ i64::MIN
    }

    /// A text.
    pub fn text(&mut self) -> String {
        let mut text = Vec::new();
        while let Some(end) = self.0.iter().position(|byte| *byte == 0) {
            text.extend_from_slice(self.bytes(end));
            if self.bytes(2) != ZERO {
                break;
            }
            text.push(0);
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_the_order_of_their_parts_and_give_them_back() {
        let texts = ["", "\0", "\0\0a", "a", "a\0", "a\0b", "ab", "b"];
        let numbers = [i64::MIN, -1, 0, 1, 256, i64::MAX];
        let key = |text: &str, number| {
            let mut key = Vec::new();
            put_text(&mut key, text);
            put_number(&mut key, number);
            put_text(&mut key, text);
            key
        };
        let all = texts.map(|text| numbers.map(|number| key(text, number)));
        assert!(all.as_flattened().is_sorted());
        for (key, index) in all.as_flattened().iter().zip(0..) {
            let mut parts = Parts(key);
            assert_eq!(parts.text(), texts[index / numbers.len()]);
            assert_eq!(parts.number(), numbers[index % numbers.len()]);
            assert_eq!(parts.text(), texts[index / numbers.len()]);
            assert!(parts.0.is_empty());
        }
    }
}
