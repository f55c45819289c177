//! Replacements in a text that keep its line breaks where they are.

use oxc_span::Span;

/// A text and what is to be replaced in it.
pub(super) struct Edits<'t> {
    text: &'t str,
    list: Vec<(usize, usize, String)>,
    prologue: String,
    epilogue: String,
}

impl<'t> Edits<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            list: Vec::new(),
            prologue: String::new(),
            epilogue: String::new(),
        }
    }

    /// The text between two offsets.
    pub(super) fn slice(&self, start: u32, end: u32) -> &'t str {
        self.text
            .get(start as usize..end as usize)
            .unwrap_or_default()
    }

    /// Replaces a range, keeping the line breaks that were in it behind the new text.
    pub(super) fn replace(&mut self, start: u32, end: u32, with: &str) {
        let breaks = self
            .slice(start, end)
            .chars()
            .filter(|letter| matches!(letter, '\n' | '\r'));
        let with = with.chars().chain(breaks).collect();
        self.list.push((start as usize, end as usize, with));
    }

    /// Replaces a range by white space of the same shape.
    pub(super) fn blank(&mut self, start: u32, end: u32) {
        let spaces = self.blanked(start, end);
        self.list.push((start as usize, end as usize, spaces));
    }

    /// Blanks a whole statement or class member, leaving a semicolon so that its neighbours stay apart.
    pub(super) fn blank_statement(&mut self, span: Span) {
        let spaces = self.blanked(span.start, span.end);
        let with = format!(";{}", spaces.get(1..).unwrap_or_default());
        self.list
            .push((span.start as usize, span.end as usize, with));
    }

    /// Blanks a range and closes a parenthesis at its end.
    pub(super) fn blank_and_close(&mut self, start: u32, end: u32) {
        let mut with = self.blanked(start, end);
        with.pop();
        with.push(')');
        self.list.push((start as usize, end as usize, with));
    }

    /// Blanks `mark` if it is the next thing after `from`.
    pub(super) fn blank_mark(&mut self, from: u32, mark: char) {
        let rest = self.text.get(from as usize..).unwrap_or_default();
        let trimmed = rest.trim_start();
        if trimmed.starts_with(mark) {
            let at = self.text.len() - trimmed.len();
            self.list.push((at, at + mark.len_utf8(), " ".into()));
        }
    }

    /// Blanks the words among `words` that stand in a range.
    pub(super) fn blank_words(&mut self, start: u32, end: u32, words: &[&str]) {
        let mut at = start as usize;
        for piece in self
            .slice(start, end)
            .split_inclusive(|letter: char| !letter.is_ascii_alphabetic())
        {
            let word = piece.trim_end_matches(|letter: char| !letter.is_ascii_alphabetic());
            if words.contains(&word) {
                self.list
                    .push((at, at + word.len(), " ".repeat(word.len())));
            }
            at += piece.len();
        }
    }

    /// Code before the first line, on that line.
    pub(super) fn before(&mut self, code: &str) {
        self.prologue.push_str(code);
    }

    /// Code after the last line.
    pub(super) fn after(&mut self, code: &str) {
        self.epilogue.push_str(code);
    }

    /// The text with all replacements made. One that lies inside another gives way to it.
    pub(super) fn apply(mut self) -> String {
        self.list
            .sort_by_key(|edit| (edit.0, std::cmp::Reverse(edit.1)));
        let mut out = self.prologue;
        let mut at = 0;
        for (start, end, with) in self.list {
            if start < at {
                continue;
            }
            out.push_str(self.text.get(at..start).unwrap_or_default());
            out.push_str(&with);
            at = end;
        }
        out.push_str(self.text.get(at..).unwrap_or_default());
        if !self.epilogue.is_empty() {
            out.push('\n');
            out.push_str(&self.epilogue);
        }
        out
    }

    fn blanked(&self, start: u32, end: u32) -> String {
        let keep = |letter| {
            if matches!(letter, '\n' | '\r') {
                letter
            } else {
                ' '
            }
        };
        self.slice(start, end).chars().map(keep).collect()
    }
}
