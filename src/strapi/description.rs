//! What a project says of itself as a destination.

use super::catalogue::Catalogue;
use super::project::Project;
use super::schema;
use crate::error::Result;
use crate::model::Metadata;
use crate::transfer::Description;

/// What an archive has to match to be restored into a project.
///
/// # Errors
/// Its database cannot be read, or does not fit its schemas.
pub fn describe(project: &Project) -> Result<Description> {
    let mut database = project.connect_to_read()?;
    let catalogue = schema::load(project, database.as_mut())?;
    Ok(description(project, &catalogue))
}

/// The same, where the schemas are known already.
pub(super) fn description(project: &Project, catalogue: &Catalogue) -> Description {
    Description {
        metadata: Some(Metadata::new(String::new(), project.version())),
        schemas: Some(catalogue.schemas.clone()),
        ..Description::default()
    }
}
