//! Lists in columns: plain text, two blanks between columns, whether somebody looks at it or a program.

use super::terminal::safe;

/// Lines of cells under a heading.
pub(super) struct Columns<const N: usize> {
    rows: Vec<[String; N]>,
    /// Whether a column's cells stand at its right.
    right: [bool; N],
}

impl<const N: usize> Columns<N> {
    /// No lines yet.
    pub fn new(heading: [&str; N], right: [bool; N]) -> Self {
        Self {
            rows: vec![heading.map(str::to_owned)],
            right,
        }
    }

    /// Adds a line; what stands in it is made safe to print.
    pub fn add(&mut self, row: [String; N]) {
        self.rows.push(row.map(|cell| safe(&cell)));
    }

    /// All of it; the last column is not filled up.
    pub fn text(&self) -> String {
        let length = |cell: &String| cell.chars().count();
        let width = |column: usize| self.rows.iter().map(|row| length(&row[column])).max();
        let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let gap = " ".repeat(widths[column] - length(cell));
                let cell = match self.right[column] {
                    true => gap + cell,
                    false => cell.clone() + &gap,
                };
                if column > 0 {
                    line.push_str("  ");
                }
                line.push_str(&cell);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text.truncate(text.trim_end().len());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_under_each_other() {
        let mut columns = Columns::new(["a", "size", "name"], [false, true, false]);
        columns.add(["längst".into(), "1".into(), "x\u{1b}".into()]);
        columns.add([String::new(), "12345".into(), "y".into()]);
        let expected = "a        size  name\nlängst      1  x\\u{1b}\n        12345  y";
        assert_eq!(columns.text(), expected);
    }
}
