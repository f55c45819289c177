//! Loads the core store and the webhooks.

use super::placement::with_members;
use super::{Goal, Restore};
use crate::database::{Connection, Value};
use crate::error::{Error, Result};
use crate::model::{Asset, ConfigItem, ConfigKind, Fields, Paths, Short, logos_lead_astray};
use crate::strapi::core_store::{
    LOGO_BYTES, LOGOS, PROJECT_SETTINGS, SCHEMA_KEY, TOKEN_KEY, add_row, column_scalar, table_of,
};
use crate::strapi::media::place;
use crate::strapi::uploads::{LOCAL_PROVIDER, Uploads};
use crate::strapi::values::{self, Home};
use crate::transfer::Subject;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::borrow::Cow;

impl Restore {
    pub(super) fn configuration(
        &mut self,
        goal: &mut Goal<'_>,
        home: &Home,
        item: &ConfigItem<'_>,
    ) -> Result<()> {
        let table = table_of(item.kind);
        let wrong =
            |why: &str| Error::archive(format!("a row of the {}: {why}", item.kind.as_str()));
        let fields = Fields::parse(item.value).map_err(|error| wrong(&error.to_string()))?;
        let key = fields
            .get("key")
            .and_then(|key| serde_json::from_str::<String>(key).ok());
        if key.as_deref() == Some(TOKEN_KEY) {
            return Ok(());
        }
        if key.as_deref() == Some(SCHEMA_KEY) && !self.only_checks {
            if !self.own_schema.is_needed {
                return Ok(());
            }
            self.own_schema.is_needed = false;
        }
        if key.as_deref() == Some(PROJECT_SETTINGS)
            && let Some(why) = logos_lead_astray(fields.get("value").unwrap_or("null"), Paths::Any)
        {
            return Err(wrong(&why));
        }
        let refused = |why: &str| {
            let key = Short(key.as_deref().unwrap_or("?"));
            let kind = item.kind.as_str();
            Error::failed(format!("a row of the {kind}, {key}: {why}"))
                .hint("change the row where the archive was made")
        };
        let present = self.inserters.columns(goal, table)?;
        let (fields, foreign): (Vec<_>, Vec<_>) = fields
            .0
            .iter()
            .partition(|(name, _)| present.iter().any(|column| *column == **name));
        for (name, _) in foreign {
            self.count_lost(Subject::Setting {
                kind: item.kind.as_str(),
                name: name.to_string(),
            });
        }
        let mut columns = Vec::new();
        let mut row = Vec::new();
        for (name, value) in fields {
            columns.push(name.clone().into_owned());
            row.push(match column_scalar(item.kind, name) {
                None => Value::Integer(value.parse().map_err(|_| wrong("its id is no integer"))?),
                Some(_) if item.kind == ConfigKind::CoreStore && name == "value" => {
                    Value::Text(match (key.as_deref(), &self.own_schema.row) {
                        (Some(PROJECT_SETTINGS), _) => self.take_logos(value)?,
                        // The archive's may not describe the tables that are there.
                        (Some(SCHEMA_KEY), Some(own)) => Cow::Owned(own.clone()),
                        _ => Cow::Borrowed(*value),
                    })
                }
                Some(scalar) => values::read(home, scalar, value)
                    .map_err(|why| refused(&format!("column {name}: {why}")))?,
            });
        }
        let database = match goal {
            Goal::Check(database) => database,
            Goal::Fill(filler) => {
                let database = filler.connection()?;
                let inserter = database.inserter(table, &columns)?;
                database.insert(inserter, &row)?;
                return database.flush_if_full();
            }
        };
        if let Some(why) = row.iter().find_map(|value| database.refusal(value)) {
            return Err(refused(why));
        }
        // The project's own row may take its place.
        if key.as_deref() != Some(SCHEMA_KEY) {
            let key = key.as_deref().unwrap_or("?");
            self.limits
                .setting(*database, table, &columns, &row)
                .map_err(|error| {
                    error.within(format!("a row of the {}, {key}", item.kind.as_str()))
                })?;
        }
        Ok(())
    }

    /// Puts the project's own row of content types back, if the archive had none.
    pub(super) fn put_back_schema(&mut self, database: &mut dyn Connection) -> Result<()> {
        let Some(row) = self
            .own_schema
            .row
            .take()
            .filter(|_| self.own_schema.is_needed)
        else {
            return Ok(());
        };
        add_row(database, SCHEMA_KEY, &row, "object")
    }

    /// Takes the bytes of the logos out of the project settings; while it checks, stages them as files. Each gets
    /// the url that it has here, and the provider. A logo that comes without bytes, as from Strapi 4, stays where it is.
    fn take_logos<'a>(&mut self, text: &'a str) -> Result<Cow<'a, str>> {
        if !text.starts_with('{') {
            return Ok(Cow::Borrowed(text));
        }
        let wrong = |why: serde_json::Error| {
            Error::archive(format!("the settings {PROJECT_SETTINGS}: {why}"))
        };
        let mut settings = Fields::parse(text).map_err(wrong)?;
        let mut without = Vec::new();
        for name in LOGOS {
            let Some(logo) = settings.get(name).filter(|logo| logo.starts_with('{')) else {
                continue;
            };
            let mut logo = Fields::parse(logo).map_err(wrong)?;
            let Some(encoded) = logo.get(LOGO_BYTES) else {
                continue;
            };
            let encoded = serde_json::from_str::<&str>(encoded).map(Cow::Borrowed);
            let bytes = encoded
                .ok()
                .or_else(|| logo.text(LOGO_BYTES).map(Cow::Owned))
                .and_then(|text| STANDARD.decode(text.as_bytes()).ok())
                .ok_or_else(|| {
                    Error::archive(format!("the logo {name} of the admin panel is not base64"))
                })?;
            let member = |name: &str| logo.text(name).unwrap_or_default();
            let filename = format!("{}{}", member("hash"), member("ext"));
            logo.0.retain(|(name, _)| name != LOGO_BYTES);
            let uploads = self.uploads.as_ref();
            let path = match uploads.check_takes_files() {
                Ok(()) => self.placement.free_for(&filename, uploads),
                Err(_) => None,
            };
            without.push((name, with_its_url(&logo, path.as_deref(), uploads)));
            if !self.only_checks {
                continue;
            }
            if let Some(path) = path {
                let asset = Asset {
                    filename,
                    sidecar: logo.with(&|_, _| None),
                    size: bytes.len() as u64,
                };
                self.files.add(&[path], &asset, &mut &bytes[..])?;
            } else {
                let (kind, name) = (ConfigKind::CoreStore.as_str(), name.to_owned());
                self.count_lost(Subject::Setting { kind, name });
            }
        }
        if without.is_empty() {
            return Ok(Cow::Borrowed(text));
        }
        for (name, value) in &mut settings.0 {
            if let Some((_, logo)) = without.iter().find(|(own, _)| own == name) {
                *value = logo;
            }
        }
        Ok(Cow::Owned(settings.with(&|_, _| None)))
    }
}

/// A logo of the admin panel with the url and the provider that it has at this path, if it comes to one.
fn with_its_url(logo: &Fields<'_>, path: Option<&str>, uploads: &dyn Uploads) -> String {
    let provider = logo.text("provider");
    let provider = provider.as_deref().unwrap_or(LOCAL_PROVIDER);
    let there = logo
        .text("url")
        .and_then(|url| place(uploads, provider, &url));
    let Some(path) = path.filter(|path| !uploads.keeps_urls() && there.as_deref() != Some(*path))
    else {
        return logo.with(&|_, _| None);
    };
    let (other, url) = uploads.served(path);
    let other = (other != provider).then(|| json!(other).to_string());
    let url = json!(url).to_string();
    with_members(logo, &[("url", Some(url)), ("provider", other)])
}
