//! The files that rows of the media library name.

use super::catalogue::Catalogue;
use super::uploads::{LOCAL_PROVIDER, Uploads};
use crate::database::Connection;
use crate::error::Result;
use crate::model::{Fields, is_file_name};
use crate::transfer::UPLOAD_TYPES;
use std::collections::BTreeSet;

/// The columns that say where a file and its formats are.
const ATTRIBUTES: [&str; 3] = ["provider", "url", "formats"];

/// The names of the files in the place of the uploads that rows of the project, and formats in them,
/// name. What else is there is none of the media library's.
pub(super) fn filenames(
    database: &mut dyn Connection,
    catalogue: &Catalogue,
    uploads: &dyn Uploads,
) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    let Some(model) = catalogue.models.get(UPLOAD_TYPES[0]) else {
        return Ok(names);
    };
    let columns = ATTRIBUTES.map(|name| {
        let mapping = model.columns.iter().find(|own| own.attribute == name);
        mapping.map_or("NULL".into(), |own| database.quote(&own.column))
    });
    let table = database.quote(&model.table);
    let sql = format!("SELECT {} FROM {table}", columns.join(", "));
    database.query(&sql, &[], &mut |row| {
        let provider = row.value(0)?;
        let provider = provider.as_str().unwrap_or(LOCAL_PROVIDER);
        names.extend(
            row.value(1)?
                .as_str()
                .and_then(|url| uploads.filename(provider, url))
                .filter(|name| is_file_name(name)),
        );
        let formats = row.value(2)?;
        let formats = formats.as_str().and_then(|text| Fields::parse(text).ok());
        for (_, format) in formats.iter().flat_map(|formats| &formats.0) {
            let url = Fields::parse(format)
                .ok()
                .and_then(|format| serde_json::from_str::<String>(format.get("url")?).ok());
            let name = url.and_then(|url| uploads.filename(provider, &url));
            names.extend(name.filter(|name| is_file_name(name)));
        }
        Ok(())
    })?;
    Ok(names)
}
