//! Links that come back, kept while the rows that they lead to are replaced.

use crate::database::{Connection, Value};
use crate::error::{Error, Result};
use std::io::{self, Read, Seek, SeekFrom, Write};
use tempfile::SpooledTempFile;

/// How much is kept in memory, in bytes; more goes to a file without a
/// name.
const IN_MEMORY: usize = 8 << 20;

/// Where links are stored: a table whose rows are links, or columns of rows that stay. The first
/// column is the id of the row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub table: String,
    pub columns: Vec<String>,
    /// Whether the rows are links.
    pub is_table: bool,
}

/// Links that come back, as whole rows of their places.
pub(super) struct KeptLinks {
    places: Vec<Place>,
    kept: SpooledTempFile,
}

impl Default for KeptLinks {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            kept: tempfile::spooled_tempfile(IN_MEMORY),
        }
    }
}

impl KeptLinks {
    /// Puts them back, once the rows that they lead to are there.
    ///
    /// # Errors
    /// They cannot be read back, or stored.
    pub fn put_back(mut self, database: &mut dyn Connection) -> Result<()> {
        database.flush()?;
        self.kept.seek(SeekFrom::Start(0)).map_err(unreadable)?;
        let mut input = io::BufReader::new(self.kept);
        while let Some(place) = read_length(&mut input).map_err(unreadable)? {
            let place = &self.places[place];
            let mut row = Vec::with_capacity(place.columns.len());
            for _ in &place.columns {
                row.push(read_value(&mut input).map_err(unreadable)?);
            }
            if place.is_table {
                let inserter = database.inserter(&place.table, &place.columns)?;
                database.insert(inserter, &row)?;
                database.flush_if_full()?;
                continue;
            }
            let set: Vec<String> = place.columns[1..]
                .iter()
                .map(|column| format!("{} = ?", database.quote(column)))
                .collect();
            let sql = format!(
                "UPDATE {} SET {} WHERE id = ?",
                database.quote(&place.table),
                set.join(", ")
            );
            row.rotate_left(1);
            database.execute(&sql, &row)?;
        }
        database.flush()
    }

    /// The number of a place.
    pub fn place(&mut self, place: Place) -> usize {
        let known = self.places.iter().position(|own| *own == place);
        known.unwrap_or_else(|| {
            self.places.push(place);
            self.places.len() - 1
        })
    }

    /// Keeps a link of the place with this number.
    ///
    /// # Errors
    /// There is no room for it.
    pub fn keep(&mut self, place: usize, row: &[Value<'_>]) -> Result<()> {
        let mut bytes = (place as u64).to_le_bytes().to_vec();
        for value in row {
            write_value(&mut bytes, value);
        }
        self.kept.write_all(&bytes).map_err(|error| {
            Error::failed(format!("cannot keep links of rows that stay: {error}"))
                .hint("free some space for temporary files and run it again")
        })
    }
}

fn unreadable(error: io::Error) -> Error {
    Error::failed(format!("cannot read what was kept of links: {error}"))
}

// A value in the spool: its kind as one byte, then 8 bytes; those of texts and bytes are their length,
// and they follow.

fn write_value(out: &mut Vec<u8>, value: &Value<'_>) {
    let (kind, number, bytes): (u8, u64, &[u8]) = match value {
        Value::Null => (0, 0, &[]),
        Value::Integer(number) => (1, number.cast_unsigned(), &[]),
        Value::Real(number) => (2, number.to_bits(), &[]),
        Value::Timestamp(time) => (3, time.cast_unsigned(), &[]),
        Value::Text(text) => (4, text.len() as u64, text.as_bytes()),
        Value::Json(text) => (5, text.len() as u64, text.as_bytes()),
        Value::Bytes(bytes) => (6, bytes.len() as u64, bytes),
    };
    out.push(kind);
    out.extend_from_slice(&number.to_le_bytes());
    out.extend_from_slice(bytes);
}

fn read_value(input: &mut impl Read) -> io::Result<Value<'static>> {
    let mut head = [0; 9];
    input.read_exact(&mut head)?;
    let number = u64::from_le_bytes(head[1..].try_into().expect("8 bytes"));
    let mut bytes = || {
        let mut bytes = Vec::new();
        input.by_ref().take(number).read_to_end(&mut bytes)?;
        io::Result::Ok(bytes)
    };
    let text = |bytes: Vec<u8>| {
        String::from_utf8(bytes).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))
    };
    Ok(match head[0] {
        0 => Value::Null,
        1 => Value::Integer(number.cast_signed()),
        2 => Value::Real(f64::from_bits(number)),
        3 => Value::Timestamp(number.cast_signed()),
        4 => Value::Text(text(bytes()?)?.into()),
        5 => Value::Json(text(bytes()?)?.into()),
        _ => Value::Bytes(bytes()?.into()),
    })
}

/// The number of the place of the next link; `None` at the end.
fn read_length(input: &mut impl io::BufRead) -> io::Result<Option<usize>> {
    if input.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut number = [0; 8];
    input.read_exact(&mut number)?;
    Ok(Some(u64::from_le_bytes(number) as usize))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_from_the_spool() {
        let values = [
            Value::Null,
            Value::Integer(-1),
            Value::Real(1.5),
            Value::Timestamp(-2),
            Value::Text("ä".into()),
            Value::Json("{}".into()),
            Value::Bytes(vec![0, 255].into()),
        ];
        let mut bytes = Vec::new();
        values
            .iter()
            .for_each(|value| write_value(&mut bytes, value));
        let mut input = &bytes[..];
        for value in &values {
            assert_eq!(read_value(&mut input).expect("a value"), *value);
        }
        assert!(input.is_empty());
    }
}
