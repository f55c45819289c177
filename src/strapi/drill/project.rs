//! A site that is made up for an archive.

use super::tables;
use crate::database::{Connection, DatabaseSettings, Sqlite, Stop, Timeouts};
use crate::error::{Error, Result};
use crate::strapi::config::{ChosenBy, NodeEnv, ProjectConfig, Upload};
use crate::strapi::dialect::Dialect;
use crate::strapi::models::Models;
use crate::strapi::project::Project;
use crate::strapi::uploads::LOCAL_PROVIDER;
use crate::strapi::version::StrapiVersion;
use crate::transfer::Description;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

/// The project that an archive could be from: a folder, empty tables for its schemas, an upload folder.
///
/// # Errors
/// The archive does not say what is needed for that, or is of a Strapi whose tables are not known; the folder cannot
/// be written to.
pub(super) fn made_up(source: &Description, room: &Path, stop: Stop) -> Result<Project> {
    let (Some(metadata), Some(schemas)) = (&source.metadata, &source.schemas) else {
        return Err(Error::archive(
            "the archive does not say of which version its Strapi was, and with which schemas",
        ));
    };
    let version = &metadata.strapi.version;
    let dialect = Dialect::of_version(version)?;
    let root = room.join("site");
    let public_dir = root.join("public");
    let uploads = public_dir.join("uploads");
    fs::create_dir_all(&uploads).map_err(|error| Error::io("make", &uploads, error))?;
    let path = root.join("data.db");
    File::create_new(&path).map_err(|error| Error::io("make", &path, error))?;
    let config = ProjectConfig {
        database: DatabaseSettings::Sqlite { path: path.clone() },
        public_dir,
        code: root.join("src"),
        site: None,
        upload: Ok(Upload {
            provider: LOCAL_PROVIDER.into(),
            options: serde_json::Value::Null,
            upload_options: serde_json::Value::Null,
        }),
        node_env: NodeEnv {
            name: "production".into(),
            chosen_by: ChosenBy::Caller,
        },
        other_database: None,
        connection_timeout: None,
        files: Vec::new(),
        // Times in archives name their zone.
        time_zone: Some("UTC".into()),
        environment: BTreeMap::new(),
        warnings: Vec::new(),
    };
    let version = StrapiVersion {
        version: version.clone(),
        from: "the archive".into(),
    };
    let project = Project::assemble(
        root,
        version,
        dialect,
        Arc::new(config),
        Timeouts::default(),
        stop,
    );
    let project = project.made_of(Arc::new(schemas.clone()));
    let mut database = Sqlite::open_to_write(&path, Timeouts::default())?;
    let models = project.models()?;
    database.begin_write()?;
    for statement in tables::statements(&models, &database)? {
        database.execute(&statement, &[])?;
    }
    database.commit()?;
    Ok(project)
}

impl Project {
    /// Its content types and components and their tables, where it is made up.
    pub(super) fn models(&self) -> Result<Models> {
        let none = crate::model::Schemas::default();
        let schemas = self.made_of.as_deref().unwrap_or(&none);
        Models::new(schemas, self.dialect, self.home())
            .map_err(|error| error.within("no tables can be made from the archive's schemas"))
    }
}
