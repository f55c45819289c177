//! Elements that are put together into one file or request.

use super::ValueType;

/// How many characters a text has, as the server counts them: in units of UTF-16.
pub fn characters(text: &str) -> usize {
    match text.is_ascii() {
        true => text.len(),
        false => text.chars().map(char::len_utf16).sum(),
    }
}

/// Elements on their way into one file or request.
#[derive(Debug)]
pub struct Page {
    text: String,
    elements: u64,
    characters: usize,
}

impl Page {
    /// An empty one of this kind.
    pub fn new(kind: ValueType) -> Self {
        let text = format!("{{\"valueType\":\"{kind}\",\"values\":[");
        Self {
            text,
            elements: 0,
            characters: 0,
        }
    }

    /// Takes an element, as JSON.
    pub fn push(&mut self, element: &str) {
        if self.elements > 0 {
            self.text.push(',');
        }
        self.text.push_str(element);
        self.elements += 1;
        self.characters += characters(element);
    }

    /// Whether it has no elements.
    pub fn is_empty(&self) -> bool {
        self.elements == 0
    }

    /// How many elements it has.
    pub fn elements(&self) -> u64 {
        self.elements
    }

    /// How many characters they have.
    pub fn characters(&self) -> usize {
        self.characters
    }

    /// How many bytes the whole would have.
    pub fn bytes(&self) -> usize {
        self.text.len() + 2
    }

    /// The whole as JSON.
    pub fn finish(mut self) -> String {
        self.text.push_str("]}");
        self.text
    }
}
