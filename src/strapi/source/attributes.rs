//! Rows as members of JSON objects.

use crate::database::Row;
use crate::error::Result;
use crate::model::json;
use crate::strapi::tables::ColumnMapping;

/// Appends `"name":value` for each attribute column of a row; `first` is the first one's column.
pub(super) fn write_attributes(
    out: &mut Vec<u8>,
    columns: &[ColumnMapping],
    row: &dyn Row,
    first: usize,
) -> Result<()> {
    for (index, column) in columns.iter().enumerate() {
        write_name(out, &column.attribute);
        let value = row
            .value(first + index)
            .map_err(|error| error.within(format!("attribute `{}`", column.attribute)))?;
        column.write(out, &value);
    }
    Ok(())
}

/// Appends `"name":`, after a comma where something stands before it in the object.
pub(super) fn write_name(out: &mut Vec<u8>, name: &str) {
    if !matches!(out.last(), Some(b'{' | b'[') | None) {
        out.push(b',');
    }
    json::write_string(out, name);
    out.push(b':');
}
