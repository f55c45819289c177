//! The table at the end of a transfer, as Strapi's users know it: type, count, size.

use super::terminal::safe;
use crate::transfer::{Report, StageReport, WarningKind};
use comfy_table::{CellAlignment, Table, presets};
use indicatif::{DecimalBytes, HumanCount};

/// The table of a report.
pub(super) fn table(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(vec!["Type", "Count", "Size"]);
    let (mut items, mut bytes) = (0, 0);
    for (stage, StageReport { total, groups }) in &report.stages {
        items += total.items;
        bytes += total.bytes;
        table.add_row(row(stage.as_str(), total.items, total.bytes));
        for (group, count) in groups {
            let name = format!("-- {}", safe(group));
            table.add_row(row(&name, count.items, count.bytes));
        }
    }
    table.add_row(row("Total", items, bytes));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

fn row(name: &str, items: u64, bytes: u64) -> Vec<String> {
    vec![
        name.to_owned(),
        HumanCount(items).to_string(),
        DecimalBytes(bytes).to_string(),
    ]
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
            WarningKind::OrphanLink => (
                "link points at a row that does not exist",
                "links point at rows that do not exist",
            ),
            WarningKind::Lost => (
                "sort of data has no place in the project",
                "sorts of data have no place in the project",
            ),
            WarningKind::Notice => continue,
        };
        let what = if count == 1 { one } else { many };
        parts.push(format!("{} {what}", HumanCount(count)));
    }
    (!parts.is_empty()).then(|| format!("incomplete: {} (listed above)", parts.join(", ")))
}
