//! The drill: an archive is restored into a site that is made up for it, exported again, and compared.
//!
//! It proves the archive, and not the server that it is going to be restored on. The site is a folder that is thrown
//! away, with a SQLite database whose tables are made from the archive's schemas by the same mapping that reads and
//! restores projects, and with an upload folder. The restore and the export are those of `import` and `export`. What
//! passes by on the way in and on the way out is written down, a few bytes for each row, file and link, in a database
//! of its own in that folder: memory stays flat.
//!
//! SQLite holds times to the millisecond, and whole numbers beyond 64 bits as closely as a float does; they are
//! compared so.

mod canonical;
mod compare;
mod differences;
mod links;
mod media;
mod project;
mod room;
mod rows;
mod tables;
mod watched;
mod witness;

pub use differences::{Difference, Differences, How};

use super::lock::LockWait;
use super::project::Project;
use super::restore::ProjectDestination;
use super::source::ProjectSource;
use crate::database::Stop;
use crate::effort::Effort;
use crate::error::{Error, Result};
use crate::model::Stage;
use crate::transfer::{
    Description, Event, Extent, Filter, FilterOptions, Group, Nowhere, Observer, OnFault, Plan,
    Report, SchemaStrategy, Scope, Source, Transfer, VersionStrategy,
};
use room::Room;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use watched::Watched;
use witness::{Side, Witness};

/// A drill that can be run.
pub struct Drill<'a> {
    /// The archive.
    pub source: &'a mut dyn Source,
    /// Whether the files of the media library come along.
    pub files: bool,
    /// Where the folder is made that is thrown away: there has to be room for what the archive holds, unpacked: for files
    /// once, for rows, links and settings up to three times.
    pub folder: &'a Path,
    /// Who watches.
    pub observer: &'a dyn Observer,
    /// Set where the drill is to end.
    pub requested: Arc<AtomicBool>,
    /// What ends waiting for locks; nobody else has any.
    pub wait: LockWait,
    /// Collects what takes time.
    pub effort: Effort,
}

/// What came of a drill.
#[derive(Debug)]
pub struct Drilled {
    /// What the archive announced, and what is wrong with it.
    pub plan: Plan,
    /// What came out again; `None` where the archive is damaged, and was not restored.
    pub returned: Option<Report>,
    /// What is not as it was.
    pub differences: Differences,
}

impl Drill<'_> {
    /// Runs the drill. The folder is gone when it ends.
    ///
    /// # Errors
    /// The archive cannot be followed, or not restored; or there is no room.
    pub fn run(self) -> Result<Drilled> {
        let source = self.source.describe()?;
        let room = Room::new(self.folder)?;
        let project = project::made_up(&source, room.path(), self.stop())?;
        let project = project.measured(&self.effort);
        let schemas = source.schemas.clone().unwrap_or_default();
        let passed = room.path().join("witness.db");
        let mut witness =
            Witness::new(&passed, project.models()?, Arc::new(schemas), &self.stop())?;
        witness.begin(Side::In)?;
        let destination = ProjectDestination::open(project.clone(), &self.wait, room.path())?;
        let mut coming = Watched::new(self.source, &mut witness);
        let mut transfer = Transfer {
            source: &mut coming,
            destination: Box::new(destination),
            filter: filter(self.files, &source)?,
            extent: Extent::default(),
            versions: VersionStrategy::Ignore,
            schemas: SchemaStrategy::Ignore,
            on_fault: OnFault::GoOn,
            observer: self.observer,
        };
        let plan = transfer.plan()?;
        if !plan.faults.is_empty() {
            return Ok(Drilled {
                plan,
                returned: None,
                differences: Differences::default(),
            });
        }
        let models = project.models()?;
        transfer
            .run(&plan)
            .map_err(|error| tables::collided(error, &models))?;
        let returned = self.export(&project, &plan, &mut witness)?;
        let differences = compare::differences(&mut witness, &plan, &project)?;
        for note in differences.notes() {
            self.observer.on(Event::Warned(&note));
        }
        Ok(Drilled {
            plan,
            returned: Some(returned),
            differences,
        })
    }

    /// What ends waiting for a database. A restore shuts it out as it commits; here that holds nothing else up.
    fn stop(&self) -> Stop {
        Stop::new(Arc::clone(&self.requested))
    }

    /// Exports the restored site to nowhere, and has it written down.
    fn export(&self, project: &Project, plan: &Plan, witness: &mut Witness) -> Result<Report> {
        witness.begin(Side::Out)?;
        let mut project = project.clone();
        project.stop = self.stop();
        let mut site = ProjectSource::open(project, &self.wait)?;
        let mut going = Watched::new(&mut site, witness);
        let mut transfer = Transfer {
            source: &mut going,
            destination: Box::new(Nowhere::default()),
            filter: plan.filter.clone(),
            extent: Extent::All,
            versions: VersionStrategy::Ignore,
            schemas: SchemaStrategy::Ignore,
            // What is wrong with it is a difference.
            on_fault: OnFault::GoOn,
            observer: &Unwarned(self.observer),
        };
        let plan = transfer.plan()?;
        drop(transfer);
        witness.end()?;
        Ok(plan.announced)
    }
}

/// Hears of progress, and not of what is to be known of the site that is made up: that is what the archive has told, or
/// a difference.
struct Unwarned<'a>(&'a dyn Observer);

impl Observer for Unwarned<'_> {
    fn on(&self, event: Event<'_>) {
        if !matches!(event, Event::Warned(_) | Event::Entered(_)) {
            self.0.on(event);
        }
    }

    fn is_cancelled(&self) -> bool {
        self.0.is_cancelled()
    }
}

/// What takes part.
fn filter(files: bool, source: &Description) -> Result<Filter> {
    let mut filter = match files {
        true => Filter::default(),
        false => without_files(source)?,
    };
    // What the archive was not made from is not worth a note, for nothing is there that it could leave alone.
    if let (Some(scope), Some(schemas)) = (&source.scope, &source.schemas) {
        filter.narrow(scope, schemas);
    }
    Ok(filter)
}

/// All but files.
fn without_files(source: &Description) -> Result<Filter> {
    let holds_more = |scope: &Scope| {
        let mut stages = scope.stages.iter();
        stages.any(|stage| !matches!(stage, Stage::Schemas | Stage::Assets))
    };
    if !source.scope.as_ref().is_none_or(holds_more) {
        return Err(
            Error::usage("the archive holds files alone, and --no-files leaves them out")
                .hint("leave --no-files out"),
        );
    }
    Filter::new(&FilterOptions {
        exclude: vec![Group::Files],
        ..FilterOptions::default()
    })
}
