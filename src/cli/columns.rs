//! Lists in columns: plain text, two blanks between columns, whether somebody looks at it or a program. Where somebody
//! looks at it and there is no room for the lines, names stand on lines of their own.

use super::terminal::safe;

/// Lines of cells under a heading.
pub(super) struct Columns<const N: usize> {
    rows: Vec<[String; N]>,
    /// Whether a column's cells stand at its right.
    right: [bool; N],
    /// From which column on cells are of any length.
    long: usize,
}

/// The least that a column of names gets.
const NARROWEST: usize = 12;
/// How far cells are set in that stand on lines of their own.
const INDENT: &str = "    ";

impl<const N: usize> Columns<N> {
    /// No lines yet. Cells are of any length from the column `long` on.
    pub fn new(heading: [&str; N], right: [bool; N], long: usize) -> Self {
        Self {
            rows: vec![heading.map(str::to_owned)],
            right,
            long,
        }
    }

    /// Adds a line; what stands in it is made safe to print.
    pub fn add(&mut self, row: [String; N]) {
        self.rows.push(row.map(|cell| safe(&cell)));
    }

    /// All of it, in lines of at most so many characters where that is said: else the cells of any length stand below
    /// the others, each on a line of its own, which is never broken, so that names can be copied.
    pub fn text(&self, room: Option<usize>) -> String {
        let length = |cell: &String| cell.chars().count();
        let width = |column: usize| self.rows.iter().map(|row| length(&row[column])).max();
        let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
        let lines = |columns: usize| {
            let widths = &widths[..columns];
            self.rows.iter().map(move |row| self.line(row, widths))
        };
        let widest = lines(N).map(|line| line.chars().count()).max();
        if room.is_none_or(|room| widest <= Some(room)) {
            return lines(N).collect::<Vec<_>>().join("\n");
        }
        let mut text = Vec::new();
        for (row, line) in self.rows.iter().zip(lines(self.long)) {
            text.push(line);
            let below = row[self.long..].iter().filter(|cell| !cell.is_empty());
            text.extend(below.map(|cell| format!("{INDENT}{cell}")));
        }
        text.join("\n")
    }

    /// All of it, in lines of at most so many characters where that is said: then cells of these columns, which hold names,
    /// are shown by their ends.
    pub fn abridged(&self, room: Option<usize>, names: &[usize]) -> String {
        let width = |column: usize| {
            self.rows
                .iter()
                .map(|row| row[column].chars().count())
                .max()
        };
        let widths: Vec<usize> = (0..N).map(|column| width(column).unwrap_or(0)).collect();
        let whole = widths.iter().sum::<usize>() + 2 * N.saturating_sub(1);
        let mut over = whole.saturating_sub(room.unwrap_or(whole));
        let mut rooms = widths;
        // The widest gives way first.
        while over > 0
            && let Some(&widest) = names.iter().max_by_key(|column| rooms[**column])
            && rooms[widest] > NARROWEST
        {
            rooms[widest] -= 1;
            over -= 1;
        }
        let abridged = self.rows.iter().map(|row| {
            let cells = row.iter().zip(&rooms);
            let cells: Vec<String> = cells.map(|(cell, room)| abridged(cell, *room)).collect();
            let row: [String; N] = cells.try_into().expect("as many as there were");
            self.line(&row, &rooms)
        });
        abridged.collect::<Vec<_>>().join("\n")
    }

    /// The first cells of a row, in columns of these widths; the last is not filled up.
    fn line(&self, row: &[String; N], widths: &[usize]) -> String {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let gap = " ".repeat(width - cell.chars().count());
            let cell = match self.right[column] {
                true => gap + cell,
                false => cell.clone() + &gap,
            };
            if column > 0 {
                line.push_str("  ");
            }
            line.push_str(&cell);
        }
        line.truncate(line.trim_end().len());
        line
    }
}

/// A name in so many characters; its ends say more than its middle.
pub(super) fn abridged(name: &str, room: usize) -> String {
    let characters: Vec<char> = name.chars().collect();
    if characters.len() <= room {
        return name.to_owned();
    }
    let (before, after) = (room / 2, room - room / 2 - 1);
    let ends = [
        &characters[..before],
        &['…'],
        &characters[characters.len() - after..],
    ];
    ends.concat().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_under_each_other() {
        let mut columns = Columns::new(["a", "size", "name"], [false, true, false], 2);
        columns.add(["längst".into(), "1".into(), "x\u{1b}".into()]);
        columns.add([String::new(), "12345".into(), "y".into()]);
        let expected = "a        size  name\nlängst      1  x\\u{1b}\n        12345  y";
        for room in [None, Some(22)] {
            assert_eq!(columns.text(room), expected);
        }
    }

    #[test]
    fn names_are_shown_by_their_ends_where_there_is_no_room() {
        let mut columns = Columns::new(["name", "type", "size"], [false, false, true], 0);
        columns.add(["a-rather-long-name.png".into(), "x".into(), "123".into()]);
        columns.add(["short".into(), "y".into(), "1".into()]);
        let whole = "name                    type  size\na-rather-long-name.png  x      123\nshort                   y        1";
        for room in [None, Some(34)] {
            assert_eq!(columns.abridged(room, &[0, 1]), whole);
        }
        let narrow =
            "name            type  size\na-rathe…me.png  x      123\nshort           y        1";
        assert_eq!(columns.abridged(Some(26), &[0, 1]), narrow);
    }

    #[test]
    fn no_line_breaks_within_where_the_terminal_is_too_narrow() {
        let mut columns =
            Columns::new(["a", "size", "name", "why"], [false, true, false, false], 2);
        columns.add([
            "b".into(),
            "1".into(),
            "a-long-name".into(),
            "because".into(),
        ]);
        columns.add(["c".into(), "2".into(), "another-name".into(), String::new()]);
        let expected = "a  size\n    name\n    why\nb     1\n    a-long-name\n    because\nc     2\n    another-name";
        assert_eq!(columns.text(Some(20)), expected);
    }
}
