//! The table at the end of a transfer, as Strapi's users know it: type, count, size.

use super::columns::{Columns, abridged};
use super::terminal::{Reports, safe};
use crate::transfer::{Description, Report, StageReport, WarningKind};
use comfy_table::{CellAlignment, Table, presets};
use indicatif::{DecimalBytes, HumanCount};

/// What the frame of a table takes beside its cells: four lines, and a blank on either side of each cell.
const FRAME: usize = 4 + 2 * 3;
/// The least that is left for names, however narrow the terminal is.
const NARROWEST: usize = 12;

/// Something is missing from the result.
pub(super) const INCOMPLETE: u8 = 3;

/// The exit code of work that was done; with `strict` every note counts.
pub(super) fn exit_code(report: &Report, strict: bool) -> u8 {
    if report.is_incomplete() || (strict && !report.warnings.is_empty()) {
        INCOMPLETE
    } else {
        0
    }
}

/// Where an archive comes from, in a line.
pub(super) fn origin(source: &Description) -> String {
    let Some(metadata) = &source.metadata else {
        return "archive: it does not say where it was made".into();
    };
    format!(
        "archive: made {} on Strapi {}",
        metadata
            .created_at
            .as_deref()
            .unwrap_or("at an unknown time"),
        metadata.strapi.version
    )
}

/// A site that data comes from, in a line.
pub(super) fn site(name: &str, source: &Description) -> String {
    let metadata = source.metadata.as_ref();
    match metadata.map(|metadata| &metadata.strapi.version) {
        Some(version) => format!("source:  {name} (Strapi {})", safe(version)),
        None => format!("source:  {name}"),
    }
}

/// A line of a table: a name and two numbers.
pub(super) type Line = (String, u64, u64);

/// What stands above such lines, and how their numbers are shown.
pub(super) struct Heads {
    /// For the eye: above the name and the numbers.
    pub eye: [&'static str; 3],
    /// The numbers for the eye.
    pub shown: [fn(u64) -> String; 2],
    /// In plain columns: above the numbers and the name.
    pub plain: [&'static str; 3],
}

/// What stands above the report of a transfer.
const HEADS: Heads = Heads {
    eye: ["Type", "Count", "Size"],
    shown: [count, size],
    plain: ["Count", "Bytes", "Type"],
};

/// A number of things, for the eye.
pub(super) fn count(items: u64) -> String {
    HumanCount(items).to_string()
}

/// A number of bytes, for the eye.
fn size(bytes: u64) -> String {
    DecimalBytes(bytes).to_string()
}

/// Prints the table of a report.
pub(super) fn print(reports: Reports, report: &Report) {
    print_lines(reports, &HEADS, &lines(report));
}

/// Prints a table: at a terminal for the eye, elsewhere as plain columns with whole numbers.
pub(super) fn print_lines(reports: Reports, heads: &Heads, lines: &[Line]) {
    reports.print(&text(heads, lines, reports.width()));
}

/// A table, in so many characters for the eye, and where that is not said in plain columns.
pub(super) fn text(heads: &Heads, lines: &[Line], room: Option<usize>) -> String {
    match room {
        Some(width) => table(heads, lines, width),
        None => columns(heads, lines),
    }
}

/// The lines of a report: name, count, bytes.
fn lines(report: &Report) -> Vec<Line> {
    let mut lines = Vec::new();
    let (mut items, mut bytes) = (0, 0);
    for (stage, StageReport { total, groups }) in &report.stages {
        items += total.items;
        bytes += total.bytes;
        lines.push((stage.as_str().to_owned(), total.items, total.bytes));
        for (group, count) in groups {
            lines.push((format!("-- {}", safe(group)), count.items, count.bytes));
        }
    }
    lines.push(("Total".to_owned(), items, bytes));
    lines
}

/// The lines as columns, which programs can split: numbers first, because names have any length.
fn columns(heads: &Heads, lines: &[Line]) -> String {
    let mut columns = Columns::new(heads.plain, [true, true, false], 2);
    for (name, one, other) in lines {
        columns.add([one.to_string(), other.to_string(), name.clone()]);
    }
    columns.text(None)
}

/// The lines as a table that is at most so many characters wide.
fn table(heads: &Heads, lines: &[Line], width: usize) -> String {
    let [show_one, show_other] = heads.shown;
    let rows = lines
        .iter()
        .map(|(name, one, other)| [name.clone(), show_one(*one), show_other(*other)]);
    let rows: Vec<[String; 3]> = rows.collect();
    let widest = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default().max(heads.eye[column].len())
    };
    let beside = widest(1) + widest(2);
    let room = width.saturating_sub(beside + FRAME).max(NARROWEST);
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(heads.eye);
    for [name, one, other] in rows {
        table.add_row([abridged(&name, room), one, other]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// What is missing from the result, in a line; `None` where nothing is.
pub(super) fn shortfall(report: &Report) -> Option<String> {
    let mut parts = Vec::new();
    for (kind, &count) in &report.warnings {
        let (one, many) = match kind {
            WarningKind::MissingAsset => ("file is missing", "files are missing"),
            WarningKind::ChangedAsset => (
                "file changed while it was read",
                "files changed while they were read",
            ),
            WarningKind::Unreadable => ("row cannot be read", "rows cannot be read"),
            WarningKind::NotKept => ("value is not kept", "values are not kept"),
            WarningKind::Lost => (
                "value has no place in the project",
                "values have no place in the project",
            ),
            WarningKind::OrphanLink | WarningKind::Notice => continue,
        };
        let what = if count == 1 { one } else { many };
        parts.push(format!("{} {what}", HumanCount(count)));
    }
    (!parts.is_empty()).then(|| format!("incomplete: {} (listed above)", parts.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Stage;
    use crate::transfer::Count;

    #[test]
    fn no_row_of_the_table_breaks_however_long_a_name_is() {
        let name = "api::extraordinarily-long-content-type.extraordinarily-long-content-type-singular-name";
        let count = Count {
            items: 1_234_567_890,
            bytes: 987_654_321_000,
        };
        let stage = StageReport {
            total: count,
            groups: [(name.to_owned(), count)].into(),
        };
        let mut report = Report::default();
        report.stages.insert(Stage::Entities, stage);
        for width in [50, 80, 132] {
            let text = table(&HEADS, &lines(&report), width);
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest.is_some_and(|it| it <= width), "{width}:\n{text}");
            // A frame, a head, a stage, a type, the sum.
            assert_eq!(text.lines().count(), 7, "{text}");
        }
        assert!(table(&HEADS, &lines(&report), 200).contains(name));
        assert!(table(&HEADS, &lines(&report), 80).contains("-- api::extraordinarily"));
    }
}
