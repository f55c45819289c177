//! The one sentence this program is made of: a source streams stages, through checks and filters,
//! into a destination.
//!
//! This room knows the order of things (describe, check, inspect, begin, stream, commit) and nothing
//! of files, databases or terminals.

mod destination;
mod filter;
mod inspection;
mod observer;
mod report;
mod schema_diff;
mod source;
mod stage;
mod version;

pub use destination::{Deletion, Destination, Sink};
pub use filter::{Filter, FilterOptions, Group, UPLOAD_TYPES, is_component, is_ignored};
pub use inspection::{Inspection, component_type};
pub use observer::{Observer, Silent, Warning, WarningKind};
pub use report::{Count, Report, StageReport};
pub use schema_diff::SchemaStrategy;
pub use source::{Description, Source};
pub use stage::Stage;
pub use version::VersionStrategy;

use crate::error::Result;
use inspection::Inspector;
use report::Counting;

/// What a transfer is going to do.
#[derive(Debug)]
pub struct Plan {
    /// What takes part: what the user asked for, less what the source does not have.
    pub filter: Filter,
    /// What the source said of itself.
    pub source: Description,
    /// What the source sends, where it was inspected.
    pub inspection: Option<Inspection>,
    /// What the source sends, in numbers, where it was inspected.
    pub announced: Report,
    /// What is deleted at the destination.
    pub deletions: Vec<Deletion>,
}

/// A transfer from one source to one destination.
pub struct Transfer<'a> {
    /// Where data comes from.
    pub source: &'a mut dyn Source,
    /// Where it goes.
    pub destination: &'a mut dyn Destination,
    /// What the user wants to take along.
    pub filter: Filter,
    /// How much the versions may differ.
    pub versions: VersionStrategy,
    /// How much the schemas may differ.
    pub schemas: SchemaStrategy,
    /// Who watches.
    pub observer: &'a dyn Observer,
}

impl Transfer<'_> {
    /// Checks everything that can be checked without touching the destination, and says what
    /// [`run`](Self::run) would do.
    ///
    /// # Errors
    /// Source or destination cannot be read, do not go together, or the source is damaged.
    pub fn plan(&mut self) -> Result<Plan> {
        let source = self.source.describe()?;
        let target = self.destination.describe()?;
        let mut filter = self.filter.clone();
        let mut announced = Report::default();
        let mut inspection = None;
        match &target {
            Some(target) => {
                self.versions.check(&source.metadata, &target.metadata)?;
                self.schemas.check(&source.schemas, &target.schemas)?;
                filter.check_types(&target.schemas)?;
            }
            None => filter.check_types(&source.schemas)?,
        }
        if self.destination.replaces_data() {
            self.observer.noted("checking the archive");
            let found = self.inspect(&source, &filter, &mut announced)?;
            leave_out_what_is_missing(&mut filter, &found, &mut announced, self.observer);
            inspection = Some(found);
        }
        let deletions = self.destination.survey(&filter)?;
        Ok(Plan {
            filter,
            source,
            inspection,
            announced,
            deletions,
        })
    }

    /// Carries a plan out. All of it, or nothing.
    ///
    /// # Errors
    /// Something failed; the destination is as it was before.
    pub fn run(&mut self, plan: &Plan) -> Result<Report> {
        let mut report = Report {
            warnings: plan.announced.warnings.clone(),
            ..Report::default()
        };
        self.destination.begin(plan)?;
        let mut counting = Counting::new(self.destination, &mut report, self.observer);
        self.source.stream(&plan.filter, &mut counting)?;
        counting.finish();
        self.observer.noted("finishing");
        let observer = self.observer;
        self.destination
            .commit(&plan.source.metadata, &mut |warning| {
                report.count_warning(warning.kind);
                observer.warned(&warning);
            })?;
        Ok(report)
    }

    fn inspect(
        &mut self,
        source: &Description,
        filter: &Filter,
        announced: &mut Report,
    ) -> Result<Inspection> {
        let mut inspector = Inspector::new(&source.schemas, filter.is_partial(), self.observer);
        let mut counting = Counting::new(&mut inspector, announced, self.observer);
        self.source.stream(filter, &mut counting)?;
        counting.finish();
        let (inspection, warnings) = inspector.finish();
        for (kind, count) in warnings {
            *announced.warnings.entry(kind).or_default() += count;
        }
        Ok(inspection)
    }
}

/// An archive that was exported without a group of stages does not empty that group here.
///
/// Every project has rows of configuration and, with content, at least a locale or a role; so no
/// rows means that the group was left out. Files may be absent because there are none: then there
/// are no rows that describe files either.
fn leave_out_what_is_missing(
    filter: &mut Filter,
    found: &Inspection,
    announced: &mut Report,
    observer: &dyn Observer,
) {
    let mut leave_out = |filter: &mut Filter, stage: Stage, what: &str| {
        if filter.includes(stage) {
            filter.leave_out(stage);
            let warning = Warning::new(
                WarningKind::Notice,
                format!("the archive holds no {what}; the project keeps its own"),
            );
            announced.count_warning(warning.kind);
            observer.warned(&warning);
        }
    };
    let no_content = found.items(Stage::Entities) == 0;
    if no_content {
        leave_out(filter, Stage::Entities, "content");
    }
    if found.items(Stage::Configuration) == 0 {
        leave_out(filter, Stage::Configuration, "configuration");
    }
    let files_expected = found.rows("plugin::upload.file") > 0 || no_content;
    if found.items(Stage::Assets) == 0 && files_expected {
        leave_out(filter, Stage::Assets, "files");
    }
}
