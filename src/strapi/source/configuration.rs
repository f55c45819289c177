//! The stage of the configuration: core store and webhooks.

use super::attributes::{Tally, write_name};
use super::link_lines::shown;
use super::{Reader, column_list};
use crate::database::{Row, Value};
use crate::error::Result;
use crate::model::limits::{DEEPEST, LONGEST_LINE, LONGEST_NAME, is_too_deep};
use crate::model::{ConfigItem, ConfigKind, Fields, Stage, json};
use crate::strapi::core_store::{
    LOGO_BYTES, LOGOS, PROJECT_SETTINGS, TOKEN_KEY, column_scalar, table_of,
};
use crate::strapi::project::Project;
use crate::strapi::uploads::{FileAt, LOCAL_PROVIDER};
use crate::strapi::values::{self, Home, Kept};
use crate::transfer::{Sink, Subject, Warning, WarningKind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::io::Read;

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
        let names = self.database.columns(table)?.into_iter();
        let (columns, unnamed): (Vec<String>, Vec<String>) = names
            .map(|column| column.name)
            .partition(|name| name.len() <= LONGEST_NAME);
        for column in unnamed {
            let length = column.len();
            let why = format!(
                "its name has {length} bytes, more than the {LONGEST_NAME} that it may have"
            );
            self.column_left_out(table, &column, &why, sink)?;
        }
        let sql = format!(
            "SELECT {} FROM {} ORDER BY id",
            column_list(self.database, columns.iter().map(String::as_str)),
            self.database.quote(table)
        );
        let key_column = columns.iter().position(|column| column == "key");
        let project = self.project;
        let home = &self.catalogue.models.home;
        let mut tally = Tally::default();
        let mut line = String::new();
        self.database.query(&sql, &[], &mut |row| {
            if let Some(column) = key_column
                && row.value(column)?.as_str() == Some(TOKEN_KEY)
            {
                return Ok(());
            }
            line.clear();
            line.push_str("{\"type\":");
            json::write_string(&mut line, kind.as_str());
            line.push_str(",\"value\":");
            let start = line.len();
            line.push('{');
            let is_settings = match key_column {
                Some(column) => row.value(column)?.as_str() == Some(PROJECT_SETTINGS),
                None => false,
            };
            let setting = |name: Option<&str>| Subject::Setting {
                kind: kind.as_str(),
                name: name.unwrap_or("?").to_owned(),
            };
            for (index, column) in columns.iter().enumerate() {
                write_name(&mut line, column);
                let before = line.len();
                if is_settings
                    && column == "value"
                    && let Some(text) = row.value(index)?.as_str()
                    && let Some(enriched) = with_logos(text, project, sink)?
                {
                    json::write_compact(&mut line, &enriched);
                } else {
                    let kept = write_column(&mut line, home, kind, column, row, index)?;
                    if kept != Kept::Whole {
                        let name = match &row.value(key_column.unwrap_or(0))? {
                            Value::Integer(id) => id.to_string(),
                            key => shown(key).to_owned(),
                        };
                        tally.add(kind.as_str(), column, &name, kept);
                    }
                }
                if is_too_deep(&line.as_bytes()[before..]) {
                    line.truncate(before);
                    line.push_str("null");
                    let key = key_column.map(|column| row.value(column)).transpose()?;
                    let why = format!(
                        "`{column}` is nested deeper than {DEEPEST} levels, and null stands for it"
                    );
                    let subject = setting(key.as_ref().and_then(|key| key.as_str()));
                    sink.warn(Warning::new(WarningKind::Unreadable, subject, why));
                }
            }
            line.push('}');
            let end = line.len();
            line.push('}');
            if line.len() as u64 > LONGEST_LINE {
                let key = key_column.map(|column| row.value(column)).transpose()?;
                let why = format!("its line would have more than {LONGEST_LINE} bytes");
                let subject = setting(key.as_ref().and_then(|key| key.as_str()));
                sink.warn(Warning::new(WarningKind::Unreadable, subject, why));
                return Ok(());
            }
            sink.configuration(&ConfigItem {
                kind,
                value: &line[start..end],
                line: &line,
            })
        })?;
        let kind = kind.as_str();
        tally.tell(|_, name| Subject::Setting { kind, name }, sink);
        Ok(())
    }
}

fn write_column(
    out: &mut String,
    home: &Home,
    kind: ConfigKind,
    column: &str,
    row: &dyn Row,
    index: usize,
) -> Result<Kept> {
    let value = row.value(index)?;
    Ok(match (column_scalar(kind, column), &value) {
        (None, value) => values::write_plain(out, value),
        // The core store's value is JSON in a text column, without the second look that JSON
        // columns get.
        (Some(_), Value::Text(text)) if kind == ConfigKind::CoreStore && column == "value" => {
            if json::write_compact(out, text) {
                Kept::Whole
            } else {
                json::write_string(out, text);
                Kept::Changed("no JSON")
            }
        }
        (Some(_), value) if kind == ConfigKind::CoreStore && column == "value" => {
            values::write_plain(out, value)
        }
        (Some(scalar), value) => values::write(out, home, scalar, value),
    })
}

/// The project settings with the bytes of their logos; `None` where there are no logos.
fn with_logos(text: &str, project: &Project, sink: &mut dyn Sink) -> Result<Option<String>> {
    let Ok(settings) = Fields::parse(text) else {
        return Ok(None);
    };
    let mut logos = Vec::new();
    for name in LOGOS {
        let Some(Ok(logo)) = settings.get(name).map(Fields::parse) else {
            continue;
        };
        let provider = logo.text("provider");
        let provider = provider.as_deref().unwrap_or(LOCAL_PROVIDER);
        let Some(url) = logo.text("url").filter(|url| !url.is_empty()) else {
            continue;
        };
        let subject = Subject::Setting {
            kind: ConfigKind::CoreStore.as_str(),
            name: format!("{PROJECT_SETTINGS}.{name}"),
        };
        if !project.carries_logos() {
            let reason = format!(
                "the logo of the admin panel ({url}) is not in the archive: that of Strapi {} has \
                 no place for it",
                project.version()
            );
            sink.warn(Warning::new(WarningKind::Notice, subject, reason));
            continue;
        }
        let file = FileAt {
            provider: provider.to_owned(),
            url: url.clone(),
            hash: logo.text("hash").unwrap_or_default(),
            ext: logo.text("ext").unwrap_or_default(),
            ..FileAt::default()
        };
        let opened = project.uploads().open(&file)?;
        let mut bytes = Vec::new();
        let read = opened.and_then(|mut opened| {
            let read = opened.content.read_to_end(&mut bytes);
            read.map_err(|error| format!("it cannot be read: {error}"))
        });
        match read {
            Ok(0) => {}
            Ok(_) => {
                let encoded = format!("\"{}\"", STANDARD.encode(&bytes));
                let mut logo = logo;
                logo.0.retain(|(name, _)| name != LOGO_BYTES);
                logo.0.push((LOGO_BYTES.into(), &encoded));
                logos.push((name, logo.with(&|_, _| None)));
            }
            Err(why) => {
                let reason = format!("the logo of the admin panel ({url}): {why}");
                sink.warn(Warning::new(WarningKind::MissingAsset, subject, reason));
            }
        }
    }
    Ok((!logos.is_empty()).then(|| {
        settings.with(&|name, _| {
            let own = logos.iter().find(|(own, _)| *own == name);
            own.map(|(_, logo)| logo.clone())
        })
    }))
}
