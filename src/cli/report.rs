//! The table at the end of a transfer, as Strapi's users know it: type, count, size.

use super::terminal::safe;
use crate::transfer::{Description, Report, StageReport, WarningKind};
use comfy_table::{CellAlignment, Table, presets};
use indicatif::{DecimalBytes, HumanCount};

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
