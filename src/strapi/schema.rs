//! Catalogue types and components, without Node.
//!
//! Catalogue types stand in the row `strapi_content_types_schema` of the core store, which Strapi
//! writes at each boot. Components stand in `src/components`. `strapi_database_schema` holds the
//! tables as Strapi made them: it gives the order of the components, and the columns of custom fields.

use super::catalogue::Catalogue;
use super::core_store::{CORE_STORE, SCHEMA_KEY, check_description, read_description};
use super::custom_fields::CustomFields;
use super::files::read_text;
use super::identifiers::global_id;
use super::models::Models;
use super::project::Project;
use crate::database::Connection;
use crate::error::{Error, Result};
use crate::model::limits::MOST_PARTS;
use crate::model::{Attribute, Schema, Schemas};
use crate::transfer::{Subject, Warning, WarningKind};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// The table that holds the tables.
const DATABASE_SCHEMA: &str = "strapi_database_schema";

/// Reads the schemas of a project and maps them to its tables.
pub(super) fn load(project: &Project, database: &mut dyn Connection) -> Result<Catalogue> {
    let tables = database.tables()?;
    if let Some(schemas) = &project.made_of {
        let mut models = Models::new(schemas, project.dialect, project.home())?;
        models.resolve(database, &tables)?;
        return Ok(Catalogue {
            schemas: schemas.as_ref().clone(),
            models,
            notices: Vec::new(),
            guesses: Vec::new(),
        });
    }
    if !tables.contains(CORE_STORE) {
        return Err(Error::failed(format!(
            "{} is not a Strapi database: it has no table {CORE_STORE}",
            database.target()
        ))
        .hint("check the project's database settings, or start Strapi once"));
    }
    project.dialect.check(&tables, database.target())?;
    let made = if tables.contains(DATABASE_SCHEMA) {
        TablesAsMade::read(database)?
    } else {
        TablesAsMade::default()
    };
    let content_types = read_content_types(database)?;
    let mut notices = Vec::new();
    if let Some(name) = project.unknown_zone() {
        let reason = format!(
            "`{name}` is no time zone that Node knows; times are taken for UTC: name one as Europe/Vienna"
        );
        let subject = Subject::Path("TZ".into());
        notices.push(Warning::new(WarningKind::Notice, subject, reason));
    }
    check_drift(&project.config.code, &content_types, &mut notices)?;
    let components = read_components(project, &made)?;
    let mut custom_fields = CustomFields::new(
        &project.root,
        &project.config.code,
        &content_types,
        &project.stop,
    );
    let mut schemas = Schemas::default();
    for mut json in content_types.into_iter().chain(components) {
        custom_fields.resolve(&mut json, project.dialect.naming(), |table, column| {
            made.attribute_type(table, column)
        })?;
        let schema = Schema::from_json(&json).map_err(|reason| {
            let uid = json.get("uid").and_then(Value::as_str).unwrap_or("?");
            Error::failed(format!("the schema of {uid} cannot be taken: {reason}"))
                .hint("mend it where it is made, and start Strapi once")
        })?;
        schemas.push(schema);
    }
    let parts: usize = schemas.iter().map(Schema::parts).sum();
    if parts > MOST_PARTS {
        return Err(Error::failed(format!(
            "the project's schemas have {parts} types, attributes and components of dynamic zones, \
             more than the {MOST_PARTS} that an archive may hold"
        ))
        .hint("this is more than any project has: look at src/api and src/components"));
    }
    check_components(&schemas, &project.config.code)?;
    let mut models = Models::new(&schemas, project.dialect, project.home())?;
    models.resolve(database, &tables)?;
    Ok(Catalogue {
        schemas,
        models,
        notices,
        guesses: custom_fields.guesses(),
    })
}

fn read_content_types(database: &mut dyn Connection) -> Result<Vec<Map<String, Value>>> {
    let Some(text) = read_description(database, SCHEMA_KEY)? else {
        return Err(Error::failed(format!(
            "{} has no row {SCHEMA_KEY} in {CORE_STORE}: this project was never started",
            database.target()
        ))
        .hint("start Strapi once, so that it writes its content types down"));
    };
    let types: Map<String, Value> = serde_json::from_str(&text).map_err(|error| {
        Error::failed(format!(
            "the row {SCHEMA_KEY} of {CORE_STORE} in {} is not JSON: {error}",
            database.target()
        ))
        .hint("start Strapi once, so that it writes its content types down again")
    })?;
    Ok(types
        .into_iter()
        .filter_map(|(_, value)| match value {
            Value::Object(json) => Some(json),
            _ => None,
        })
        .collect())
}

/// Says which `schema.json` were edited after Strapi last started.
fn check_drift(
    code: &Path,
    content_types: &[Map<String, Value>],
    notices: &mut Vec<Warning>,
) -> Result<()> {
    for json in content_types {
        let (Some(uid), Some(loaded)) = (
            json.get("uid").and_then(Value::as_str),
            json.get("__schema__"),
        ) else {
            continue;
        };
        let Some((api, name)) = uid
            .strip_prefix("api::")
            .and_then(|uid| uid.split_once('.'))
        else {
            continue;
        };
        let path = code.join(format!("api/{api}/content-types/{name}/schema.json"));
        let Ok(text) = read_text(&path) else {
            continue;
        };
        let differs = serde_json::from_str::<Value>(&text)
            .map_or(true, |on_disk| !same_schema(&on_disk, loaded));
        if differs {
            notices.push(Warning::new(
                WarningKind::Notice,
                Subject::ContentType(uid.to_owned()),
                format!(
                    "{} was edited after Strapi last started; the content type is taken as Strapi \
                     last knew it",
                    path.display()
                ),
            ));
        }
    }
    Ok(())
}

/// Whether a schema on disk is the one Strapi loaded; Strapi adds properties when it loads.
fn same_schema(on_disk: &Value, loaded: &Value) -> bool {
    match (on_disk.as_object(), loaded.as_object()) {
        (Some(on_disk), Some(loaded)) => on_disk
            .iter()
            .all(|(name, value)| name == "$schema" || loaded.get(name) == Some(value)),
        _ => false,
    }
}

/// The components of the project, in the order of their tables.
fn read_components(project: &Project, made: &TablesAsMade) -> Result<Vec<Map<String, Value>>> {
    let folder = project.config.code.join("components");
    let mut found = Vec::new();
    for path in component_files(&folder)? {
        let (Some(name), Some(category)) = (
            path.file_stem().and_then(|name| name.to_str()),
            path.parent()
                .and_then(Path::file_name)
                .and_then(|name| name.to_str()),
        ) else {
            continue;
        };
        let text = read_text(&path).map_err(|error| Error::io("read", &path, error))?;
        let mut json: Map<String, Value> = serde_json::from_str(&text).map_err(|error| {
            Error::failed(format!("{} is not a component: {error}", path.display()))
        })?;
        let uid = format!("{category}.{name}");
        let global_id = json
            .get("globalId")
            .and_then(Value::as_str)
            .map_or_else(|| global_id(&uid), str::to_owned);
        let table = json
            .get("collectionName")
            .and_then(Value::as_str)
            .map(|collection| project.dialect.naming().table(collection))
            .unwrap_or_default();
        json.insert("uid".into(), uid.clone().into());
        json.insert("modelType".into(), "component".into());
        json.insert("modelName".into(), name.into());
        json.insert("globalId".into(), global_id.into());
        found.push((made.position(&table), uid, json));
    }
    found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    Ok(found.into_iter().map(|(_, _, json)| json).collect())
}

fn component_files(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut files = Vec::new();
    for entry in WalkDir::new(folder)
        .min_depth(2)
        .max_depth(2)
        .follow_links(true)
    {
        let entry = entry
            .map_err(|error| Error::failed(format!("cannot read {}: {error}", folder.display())))?;
        if entry.path().extension().is_some_and(|ext| ext == "json") {
            files.push(entry.into_path());
        }
    }
    Ok(files)
}

/// Every component that is used must be there.
fn check_components(schemas: &Schemas, code: &Path) -> Result<()> {
    for schema in schemas.iter() {
        for (name, attribute) in &schema.attributes {
            let used: &[String] = match attribute {
                Attribute::Component { component, .. } => std::slice::from_ref(component),
                Attribute::DynamicZone { components } => components,
                _ => continue,
            };
            if let Some(missing) = used.iter().find(|uid| schemas.get(uid).is_none()) {
                let file = missing.replace('.', "/") + ".json";
                let file = code.join("components").join(file);
                return Err(Error::failed(format!(
                    "attribute `{name}` of {} uses the component {missing}, and there is no {}",
                    schema.uid,
                    file.display()
                ))
                .hint(
                    "run it in the project that the database belongs to, with the JSON files of src/components or \
                     dist/src/components: the database does not hold components, and those written in JavaScript \
                     cannot be read",
                ));
            }
        }
    }
    Ok(())
}

/// What `strapi_database_schema` says.
#[derive(Default)]
struct TablesAsMade {
    positions: HashMap<String, usize>,
    columns: HashMap<(String, String), String>,
}

impl TablesAsMade {
    fn read(database: &mut dyn Connection) -> Result<Self> {
        let sql = format!(
            "SELECT {} FROM {} ORDER BY id",
            database.quote("schema"),
            database.quote(DATABASE_SCHEMA)
        );
        let mut text = String::new();
        let target = database.target().to_owned();
        database.query(&sql, &[], &mut |row| {
            let value = row.value(0)?;
            let value = value.as_str().unwrap_or_default();
            check_description(
                &target,
                &format!("the row of {DATABASE_SCHEMA}"),
                value.len() as i64,
            )?;
            text = value.to_owned();
            Ok(())
        })?;
        let schema: Value = serde_json::from_str(&text).unwrap_or_default();
        let mut made = Self::default();
        let tables = schema.get("tables").and_then(Value::as_array);
        for (position, table) in tables.into_iter().flatten().enumerate() {
            let Some(name) = table.get("name").and_then(Value::as_str) else {
                continue;
            };
            made.positions.insert(name.to_owned(), position);
            let columns = table.get("columns").and_then(Value::as_array);
            for column in columns.into_iter().flatten() {
                if let (Some(column), Some(kind)) = (
                    column.get("name").and_then(Value::as_str),
                    column.get("type").and_then(Value::as_str),
                ) {
                    made.columns
                        .insert((name.to_owned(), column.to_owned()), kind.to_owned());
                }
            }
        }
        Ok(made)
    }

    fn position(&self, table: &str) -> usize {
        self.positions.get(table).copied().unwrap_or(usize::MAX)
    }

    fn attribute_type(&self, table: &str, column: &str) -> Option<&'static str> {
        let kind = self.columns.get(&(table.to_owned(), column.to_owned()))?;
        Some(match kind.as_str() {
            "string" => "string",
            "text" => "text",
            "json" | "jsonb" => "json",
            "integer" => "integer",
            "bigInteger" => "biginteger",
            "double" => "float",
            "decimal" => "decimal",
            "boolean" => "boolean",
            "date" => "date",
            "time" => "time",
            "datetime" => "datetime",
            "timestamp" => "timestamp",
            _ => return None,
        })
    }
}
