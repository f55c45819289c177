//! The targets of [`crate::fuzzing`] that read what an export set holds.

use super::convert::Graph;
use super::graphql::GraphQls;
use super::row::Row;
use super::schema::Schema;
use super::set::{Context, Rows, RowsWriter};
use super::{Dialect, Format};
use crate::error::Result;

const FORMATS: [Format; 2] = [Format::Rdf, Format::Json];
const DIALECTS: [Dialect; 2] = [Dialect::Before2103, Dialect::Since2103];

/// A schema with a predicate of some types, for rows of JSON.
const SCHEMA: &str = "<s>:string @lang .\n<i>:int .\n<f>:float .\n<b>:bool .\n<d>:datetime .\n<e>:[uid] .\n<p>:password .\n";

/// A file of rows. The lowest bits of the first byte choose format, dialect, and whether there is a schema.
///
/// What was read can be written in the same format, and read again as the same, or is refused by the writer.
pub fn rows(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else {
        return;
    };
    let format = FORMATS[usize::from(first & 1)];
    let dialect = DIALECTS[usize::from(first >> 1 & 1)];
    let schema = Schema::parse(SCHEMA, "schema").expect("a schema");
    let context = Context {
        schema: (first & 4 != 0).then_some(&schema),
        dialect,
        group: 1,
    };
    let mut rows = Rows::new(format, rest, "rows", context);
    let mut read = Vec::new();
    let mut errors = 0;
    loop {
        match rows.next_row() {
            Ok(Some(row)) => read.push(row),
            Ok(None) => break,
            Err(error) => {
                let _ = error.to_string();
                errors += 1;
            }
        }
        assert!(errors <= rest.len() + 2, "the reader comes to an end");
    }
    for row in &read {
        let (Ok(text), _) = (written(row, format, dialect), row.about()) else {
            continue;
        };
        let mut again = Rows::new(format, text.as_slice(), "rows", context);
        let once = again.next_row().expect("what was written is read");
        let once = once.expect("a row");
        // JSON without a schema does not tell what a text is: written once more, it is the same.
        let same = match format {
            Format::Rdf => once == *row,
            Format::Json => written(&once, format, dialect).is_ok_and(|it| it == text),
        };
        assert!(same, "{row:?} {once:?}");
        assert_eq!(again.next_row().expect("no more"), None);
    }
}

fn written(row: &Row, format: Format, dialect: Dialect) -> Result<Vec<u8>> {
    let mut writer = RowsWriter::new(format, dialect, Vec::new())?;
    writer.push(row)?;
    writer.finish()
}

/// The schemas of a set: the text of one of both kinds, or a GraphQL schema itself, which is read as each. What was read can
/// be written, and read again as the same, or is refused by the writer.
pub fn schemas(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (schema, graphql) = (Schema::parse(&text, "x"), GraphQls::parse(&text, "x"));
    for own in graphql.iter().flat_map(|it| &it.schemas) {
        let _ = Graph::parse(&own.schema, "x");
    }
    for dialect in DIALECTS {
        if let Some(once) = schema.as_ref().ok().and_then(|it| it.text(dialect).ok()) {
            let again = Schema::parse(&once, "x").expect("what was written is read");
            assert_eq!(again.text(dialect).expect("written again"), once);
        }
        if let Some(once) = graphql.as_ref().ok().and_then(|it| it.text(dialect).ok()) {
            let again = GraphQls::parse(&once, "x").expect("what was written is read");
            assert_eq!(again.text(dialect).expect("written again"), once);
        }
    }
}
