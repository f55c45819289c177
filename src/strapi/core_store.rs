//! The core store and the webhooks: their tables, the rows that mean something to this tool, and how
//! their columns leave and come back.

use crate::database::{Connection, Value};
use crate::error::{Error, Result};
use crate::model::limits::LONGEST_SCHEMAS;
use crate::model::{ConfigKind, Scalar};

/// The table of the core store.
pub(super) const CORE_STORE: &str = "strapi_core_store_settings";
/// The table of the webhooks.
pub(super) const WEBHOOKS: &str = "strapi_webhooks";
/// The core-store row that a restore writes in its transaction and deletes when all is done. It is in
/// no archive.
pub(super) const TOKEN_KEY: &str = "backup_restore_token";
/// The core-store row that holds the content types, which Strapi writes at each boot.
pub(super) const SCHEMA_KEY: &str = "strapi_content_types_schema";
/// The core-store row that holds the logos of the admin panel.
pub(super) const PROJECT_SETTINGS: &str = "core_admin_project-settings";
/// The logos in it.
pub(super) const LOGOS: [&str; 2] = ["menuLogo", "authLogo"];
/// Where Strapi puts, since 5.49.0, the bytes of a logo, in base64.
pub(super) const LOGO_BYTES: &str = "__transferBuffer";

/// How a column leaves; the core store's `value` is JSON in a text column.
pub(super) fn column_scalar(kind: ConfigKind, column: &str) -> Option<Scalar> {
    match (kind, column) {
        (_, "id") => None,
        (ConfigKind::Webhook, "headers" | "events") => Some(Scalar::Json),
        (ConfigKind::Webhook, "enabled") => Some(Scalar::Boolean),
        _ => Some(Scalar::Text),
    }
}

/// The table of a kind of row.
pub(super) fn table_of(kind: ConfigKind) -> &'static str {
    match kind {
        ConfigKind::CoreStore => CORE_STORE,
        ConfigKind::Webhook => WEBHOOKS,
    }
}

/// Bytes of a row that describes all content types or tables: Strapi's description of a type is two or
/// three times as long as what travels of it.
pub(super) const LONGEST_DESCRIPTION: i64 = 4 * LONGEST_SCHEMAS.cast_signed();

/// The value of a core-store row that describes content types, as text. How long it is, is looked at
/// before it is read.
///
/// # Errors
/// The table cannot be read, or the row is longer than [`LONGEST_DESCRIPTION`].
pub(super) fn read_description(database: &mut dyn Connection, key: &str) -> Result<Option<String>> {
    let sql = format!(
        "SELECT COALESCE(MAX(OCTET_LENGTH({})), 0) FROM {} WHERE {} = ?",
        database.quote("value"),
        database.quote(CORE_STORE),
        database.quote("key")
    );
    let bytes = database.number(&sql, &[key.into()])?;
    check_description(
        database.target(),
        &format!("the row {key} of {CORE_STORE}"),
        bytes,
    )?;
    read_value(database, key)
}

/// Fails where what describes content types or tables has so many bytes that it is none.
///
/// # Errors
/// It has more than [`LONGEST_DESCRIPTION`]; `name` is what it is called.
pub(super) fn check_description(target: &str, name: &str, bytes: i64) -> Result<()> {
    if bytes <= LONGEST_DESCRIPTION {
        return Ok(());
    }
    Err(Error::failed(format!(
        "{name} in {target} has {bytes} bytes, more than the {LONGEST_DESCRIPTION} that it may have"
    ))
    .hint("start Strapi once, so that it writes its content types down again"))
}

/// The value of the core-store row with this key, as text.
///
/// # Errors
/// The table cannot be read.
pub(super) fn read_value(database: &mut dyn Connection, key: &str) -> Result<Option<String>> {
    let sql = format!(
        "SELECT {} FROM {} WHERE {} = ?",
        database.quote("value"),
        database.quote(CORE_STORE),
        database.quote("key")
    );
    let mut text = None;
    database.query(&sql, &[key.into()], &mut |row| {
        text = row.value(0)?.as_str().map(str::to_owned);
        Ok(())
    })?;
    Ok(text)
}

/// Adds a core-store row to those that the archive brought; `type_name` is what Strapi calls the type
/// of its value.
///
/// # Errors
/// It cannot be written, or rows before it.
pub(super) fn add_row(
    database: &mut dyn Connection,
    key: &str,
    value: &str,
    type_name: &str,
) -> Result<()> {
    database.flush()?;
    database.move_sequence_past_ids(CORE_STORE)?;
    let columns = ["key", "value", "type"].map(str::to_owned);
    let inserter = database.inserter(CORE_STORE, &columns)?;
    database.insert(inserter, &[key, value, type_name].map(Value::from))
}
