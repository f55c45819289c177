//! The files that rows of the media library name.

use super::catalogue::Catalogue;
use super::uploads::{LOCAL_PROVIDER, Uploads};
use crate::database::Connection;
use crate::error::Result;
use crate::model::named_files;
use crate::transfer::{MOST_OF_A_KIND, UPLOAD_TYPES};
use std::collections::{BTreeMap, BTreeSet};

/// The attributes that say what files a row has, and where they are.
const ATTRIBUTES: [&str; 5] = ["provider", "url", "hash", "ext", "formats"];

/// The path of the file that `provider` serves at `url`, where it is in the place of the uploads. One
/// that is hidden is none of the media library's: web servers keep their rules in such files.
pub(super) fn place(uploads: &dyn Uploads, provider: &str, url: &str) -> Option<String> {
    let path = uploads.path(provider, url)?;
    (!path.split('/').any(is_hidden)).then_some(path)
}

/// Whether a file that `provider` serves at `url` is in the place of the uploads, and hidden there: no restore
/// puts one where it was.
pub(super) fn is_hidden_there(uploads: &dyn Uploads, provider: &str, url: &str) -> bool {
    let path = uploads.path(provider, url);
    path.is_some_and(|path| path.split('/').any(is_hidden))
}

/// Whether a name is one that web servers may keep rules under.
pub(super) fn is_hidden(name: &str) -> bool {
    name.starts_with('.') && !name.starts_with("..")
}

/// Goes through the files that rows of the project, and formats in them, name: the name that each has in
/// an archive, and its path where it is in the place of the uploads.
///
/// # Errors
/// The rows cannot be read.
pub(super) fn each_file(
    database: &mut dyn Connection,
    catalogue: &Catalogue,
    uploads: &dyn Uploads,
    each: &mut dyn FnMut(String, Option<String>),
) -> Result<()> {
    each_url(database, catalogue, &mut |provider, name, url| {
        each(name, url.and_then(|url| place(uploads, provider, &url)));
    })
}

/// How many of the files that rows of the project name lie with other providers than the one that takes new files, by
/// provider.
///
/// # Errors
/// The rows cannot be read.
pub(super) fn elsewhere(
    database: &mut dyn Connection,
    catalogue: &Catalogue,
    uploads: &dyn Uploads,
) -> Result<BTreeMap<String, u64>> {
    let (own, _) = uploads.served("");
    let mut counts = BTreeMap::new();
    each_url(database, catalogue, &mut |provider, _, url| {
        if provider == own || url.is_none_or(|url| url.is_empty()) {
            return;
        }
        // Any text may stand there.
        let name = match counts.len() < MOST_OF_A_KIND || counts.contains_key(provider) {
            true => provider,
            false => "...",
        };
        *counts.entry(name.to_owned()).or_default() += 1;
    })?;
    Ok(counts)
}

/// Goes through the files that rows of the project, and formats in them, name: the provider of the row, the name that
/// each has in an archive, and its url.
fn each_url(
    database: &mut dyn Connection,
    catalogue: &Catalogue,
    each: &mut dyn FnMut(&str, String, Option<String>),
) -> Result<()> {
    let Some(model) = catalogue.models.get(UPLOAD_TYPES[0]) else {
        return Ok(());
    };
    let columns = ATTRIBUTES.map(|name| {
        let column = model.column_of(name);
        column.map_or("NULL".into(), |column| database.quote(column))
    });
    let table = database.quote(&model.table);
    let sql = format!("SELECT {} FROM {table}", columns.join(", "));
    database.query(&sql, &[], &mut |row| {
        let mut texts: [Option<String>; 5] = Default::default();
        for (place, text) in texts.iter_mut().enumerate() {
            *text = row.value(place)?.as_str().map(str::to_owned);
        }
        let [provider, _, _, _, formats] = &texts;
        let provider = provider.as_deref().unwrap_or(LOCAL_PROVIDER);
        let own = |name: &str| {
            let place = ATTRIBUTES.iter().position(|own| *own == name)?;
            texts[place].clone()
        };
        // Early versions of Strapi encoded JSON twice.
        let inner = formats
            .as_deref()
            .and_then(|text| serde_json::from_str::<String>(text).ok());
        let formats = inner.as_deref().or(formats.as_deref());
        named_files(&own, formats, &mut |name, url| each(provider, name, url));
        Ok(())
    })
}

/// The paths of those files. What else is in the place of the uploads is none of the media library's.
///
/// # Errors
/// The rows cannot be read.
pub(super) fn paths(
    database: &mut dyn Connection,
    catalogue: &Catalogue,
    uploads: &dyn Uploads,
) -> Result<BTreeSet<String>> {
    let mut paths = BTreeSet::new();
    each_file(database, catalogue, uploads, &mut |_, path| {
        paths.extend(path);
    })?;
    Ok(paths)
}
