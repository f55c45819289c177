//! The stage of the configuration: core store and webhooks.

use super::attributes::write_name;
use super::{Reader, column_list, warn};
use crate::database::{Row, Value};
use crate::error::Result;
use crate::model::{ConfigItem, ConfigKind, Scalar, json};
use crate::strapi::project::Project;
use crate::strapi::tables::{CORE_STORE, WEBHOOKS};
use crate::strapi::uploads::{self, LOCAL_PROVIDER};
use crate::strapi::values;
use crate::transfer::{Sink, Stage, WarningKind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use std::io::Read;

/// The core-store row that holds the logos of the admin panel.
pub(in crate::strapi) const PROJECT_SETTINGS: &str = "core_admin_project-settings";
/// The logos in it.
pub(in crate::strapi) const LOGOS: [&str; 2] = ["menuLogo", "authLogo"];
/// Where Strapi puts, since 5.49.0, the bytes of a logo, in base64.
pub(in crate::strapi) const LOGO_BYTES: &str = "__transferBuffer";

/// How a column leaves; the core store's `value` is JSON in a text column.
pub(in crate::strapi) fn column_scalar(kind: ConfigKind, column: &str) -> Option<Scalar> {
    match (kind, column) {
        (_, "id") => None,
        (ConfigKind::Webhook, "headers" | "events") => Some(Scalar::Json),
        (ConfigKind::Webhook, "enabled") => Some(Scalar::Boolean),
        _ => Some(Scalar::Text),
    }
}

/// The table of a kind of row.
pub(in crate::strapi) fn table_of(kind: ConfigKind) -> &'static str {
    match kind {
        ConfigKind::CoreStore => CORE_STORE,
        ConfigKind::Webhook => WEBHOOKS,
    }
}

impl Reader<'_> {
    pub(super) fn configuration(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let kinds = [ConfigKind::CoreStore, ConfigKind::Webhook];
        let mut items = 0;
        for kind in kinds {
            items += self.database.count(table_of(kind))?;
        }
        sink.stage(Stage::Configuration, Some(items))?;
        for kind in kinds {
            self.configuration_of(kind, sink)?;
        }
        Ok(())
    }

    fn configuration_of(&mut self, kind: ConfigKind, sink: &mut dyn Sink) -> Result<()> {
        let table = table_of(kind);
        let columns: Vec<String> = self
            .database
            .columns(table)?
            .into_iter()
            .map(|column| column.name)
            .collect();
        let sql = format!(
            "SELECT {} FROM {} ORDER BY id",
            column_list(self.database, columns.iter().map(String::as_str)),
            self.database.quote(table)
        );
        let key_column = columns.iter().position(|column| column == "key");
        let project = self.project;
        let mut line = Vec::new();
        self.database.query(&sql, &[], &mut |row| {
            line.clear();
            line.extend_from_slice(b"{\"type\":");
            json::write_string(&mut line, kind.as_str());
            line.extend_from_slice(b",\"value\":");
            let start = line.len();
            line.push(b'{');
            let is_settings = match key_column {
                Some(column) => row.value(column)?.as_str() == Some(PROJECT_SETTINGS),
                None => false,
            };
            for (index, column) in columns.iter().enumerate() {
                write_name(&mut line, column);
                if is_settings
                    && column == "value"
                    && let Some(text) = row.value(index)?.as_str()
                    && let Some(enriched) = with_logos(text, project, sink)?
                {
                    line.extend_from_slice(enriched.as_bytes());
                } else {
                    write_column(&mut line, kind, column, row, index)?;
                }
            }
            line.push(b'}');
            let end = line.len();
            line.push(b'}');
            let text = std::str::from_utf8(&line).expect("JSON was written from text");
            sink.configuration(&ConfigItem {
                kind,
                value: &text[start..end],
                line: text,
            })
        })
    }
}

fn write_column(
    out: &mut Vec<u8>,
    kind: ConfigKind,
    column: &str,
    row: &dyn Row,
    index: usize,
) -> Result<()> {
    let value = row.value(index)?;
    match (column_scalar(kind, column), &value) {
        (None, value) => values::write_plain(out, value),
        // The core store's value is JSON in a text column, without the second look that JSON
        // columns get.
        (Some(_), Value::Text(text)) if kind == ConfigKind::CoreStore && column == "value" => {
            json::write_compact_or_string(out, text);
        }
        (Some(scalar), value) => values::write(out, scalar, value),
    }
    Ok(())
}

/// The project settings with the bytes of their logos; `None` where there are no logos.
fn with_logos(text: &str, project: &Project, sink: &mut dyn Sink) -> Result<Option<String>> {
    let Ok(Json::Object(mut settings)) = serde_json::from_str(text) else {
        return Ok(None);
    };
    let mut changed = false;
    for name in LOGOS {
        let Some(Json::Object(logo)) = settings.get_mut(name) else {
            continue;
        };
        let member = |name: &str| logo.get(name).and_then(Json::as_str);
        let provider = member("provider").unwrap_or(LOCAL_PROVIDER);
        let Some(url) = member("url").filter(|url| !url.is_empty()) else {
            continue;
        };
        if !project.carries_logos() {
            warn(
                sink,
                WarningKind::Notice,
                format!(
                    "the logo {name} of the admin panel ({url}) is not in the archive: that of \
                     Strapi {} has no place for it",
                    project.version()
                ),
            );
            continue;
        }
        let opened = if provider == LOCAL_PROVIDER {
            uploads::path_of(&project.config.public_dir, url)
                .and_then(|path| uploads::open(&path).ok().flatten())
        } else {
            None
        };
        let mut bytes = Vec::new();
        let read = opened.and_then(|mut opened| opened.file.read_to_end(&mut bytes).ok());
        match read {
            Some(0) => {}
            Some(_) => {
                logo.insert(LOGO_BYTES.into(), STANDARD.encode(&bytes).into());
                changed = true;
            }
            None => warn(
                sink,
                WarningKind::MissingAsset,
                format!(
                    "the logo {name} of the admin panel ({url}) is left out: it cannot be read"
                ),
            ),
        }
    }
    Ok(changed.then(|| Json::Object(settings).to_string()))
}
