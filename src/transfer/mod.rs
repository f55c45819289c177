//! The one sentence this program is made of: a source streams stages, through checks and filters,
//! into a destination.
//!
//! This room knows the order of things (describe, check, stage and inspect, survey; then begin, load,
//! commit) and nothing of databases or terminals; of files only the one without a name that lines wait
//! in.

mod contents;
mod destination;
mod faults;
mod filter;
mod inspection;
mod inspector;
mod losses;
mod observer;
mod report;
mod schema_diff;
mod scope;
mod selection;
mod source;
mod spool;
pub mod summary;
mod texts;
mod version;
mod warning;

pub use contents::{Contents, LargeEntity, LargeFile, Noting, OTHERS};
pub use destination::{Deletion, Destination, Load, Nowhere, Sink, Survey};
pub use faults::{Faults, OnFault};
pub use filter::{Filter, FilterOptions, Group, UPLOAD_TYPES, is_ignored};
pub use inspection::Inspection;
pub use losses::{LossKind, ReferenceLoss, check_losses};
pub use observer::{Event, Observer, Phase, Silent};
pub use report::{Count, Report, StageReport};
pub use schema_diff::{Difference as SchemaDifference, SchemaStrategy, each_schema_difference};
pub use scope::{Extent, Scope};
pub use selection::{Chosen, EntityLines, Onlooker};
pub use source::{Description, Provenance, Source};
pub use spool::Spool;
pub(crate) use texts::{Place, Texts};
pub use version::VersionStrategy;
pub use warning::{Examples, MOST_OF_A_KIND, Subject, Warning, WarningKind};

use crate::error::{Error, Result};
use crate::model::{Schemas, Stage};
use inspector::Inspector;
use report::Counting;

/// What a transfer is going to do.
#[derive(Debug)]
pub struct Plan {
    /// What takes part: what the user asked for, less what the source does not have.
    pub filter: Filter,
    /// What the source said of itself.
    pub source: Description,
    /// What the source sends; empty where it was not inspected, because nothing is replaced.
    pub inspection: Inspection,
    /// What the source sends, in numbers, where it was inspected.
    pub announced: Report,
    /// What is deleted at the destination.
    pub deletions: Vec<Deletion>,
    /// Links that go from rows that stay, because what they lead to does not come back.
    pub links: Vec<Deletion>,
    /// What that does to rows that the transfer is not about.
    pub losses: Vec<ReferenceLoss>,
    /// What is wrong with the source, or keeps it from the destination, where the transfer was to go
    /// on after that ([`OnFault::GoOn`]).
    pub faults: Faults,
}

impl Plan {
    /// Sees that links lead somewhere where they have to, as [`Transfer::run_checked`] does.
    ///
    /// # Errors
    /// They do not: the source is damaged.
    pub fn check_links(&self) -> Result<()> {
        dangling(&self.source, &self.announced).map_or(Ok(()), Err)
    }
}

/// A transfer from one source to one destination.
pub struct Transfer<'a> {
    /// Where data comes from.
    pub source: &'a mut dyn Source,
    /// Where it goes.
    pub destination: Box<dyn Destination + 'a>,
    /// What the user wants to take along.
    pub filter: Filter,
    /// What of the destination is replaced, within that.
    pub extent: Extent,
    /// How much the versions may differ.
    pub versions: VersionStrategy,
    /// How much the schemas may differ.
    pub schemas: SchemaStrategy,
    /// What happens when something in the source is damaged.
    pub on_fault: OnFault,
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
        let mut faults = Faults::new(self.on_fault);
        let mut announced = Report::default();
        let mut inspection = Inspection::default();
        let none = Schemas::default();
        let target_schemas = target.as_ref().and_then(|target| target.schemas.as_ref());
        let schemas = source.schemas.as_ref();
        let mut mismatches = Vec::new();
        if let Some(target) = &target {
            if let (Some(from), Some(to)) = (&source.metadata, &target.metadata) {
                mismatches.extend(self.versions.check(from, to).err());
            }
            if let (Some(from), Some(to)) = (schemas, target_schemas) {
                mismatches.extend(self.schemas.check(from, to).err());
            }
        }
        let known = target_schemas.or(schemas).unwrap_or(&none);
        filter.check_types(known)?;
        if let Some(scope) = &source.scope
            && self.extent != Extent::All
        {
            filter.check_scope(scope)?;
            let replaced = target.is_some().then_some(&mut announced);
            self.keep_to(scope, &mut filter, known, replaced);
        }
        if let Some(mut staging) = self.destination.stage(&filter)? {
            self.observer.on(Event::Entered(Phase::Checking));
            let mut nowhere = Nowhere::default();
            // What does not match is not staged, but looked at: it may not match because it is damaged.
            let staging: &mut dyn Sink = match mismatches.is_empty() {
                true => staging.as_mut(),
                false => &mut nowhere,
            };
            let mut counting = Counting::new(staging, &mut announced, self.observer);
            let mut inspector = Inspector::new(
                schemas.unwrap_or(&none),
                &filter,
                self.on_fault,
                self.observer,
                &mut counting,
            );
            let streamed = self.source.stream(&filter, &mut inspector);
            streamed.or_else(|error| inspector.end(error))?;
            let (found, warnings, wrong) = inspector.finish(source.scope.is_some());
            counting.finish();
            inspection = found;
            for (kind, count) in warnings {
                *announced.warnings.entry(kind).or_default() += count;
            }
            faults.extend(wrong);
            if self.on_fault == OnFault::GoOn
                && let Some(fault) = dangling(&source, &announced)
            {
                faults.add(fault)?;
            }
        }
        if target.is_some() {
            match self.extent {
                Extent::Said if source.scope.is_some() => {}
                Extent::All => {}
                Extent::Said => {
                    self.leave_out_what_is_missing(&mut filter, &inspection, &mut announced);
                }
                Extent::Held => {
                    self.leave_out_what_is_missing(&mut filter, &inspection, &mut announced);
                    let types = known.content_types().map(|schema| schema.uid.as_str());
                    let without: Vec<&str> = types
                        .filter(|uid| filter.includes_type(uid) && inspection.rows(uid) == 0)
                        .collect();
                    filter.leave_out_types(&without);
                }
            }
        }
        for remark in self.destination.remarks() {
            self.tell(&mut announced, remark);
        }
        // Last, because what is damaged may be what does not match.
        for mismatch in mismatches {
            faults.add(mismatch)?;
        }
        let survey = self.destination.survey(&filter, &inspection)?;
        for notice in survey.notices {
            self.tell(&mut announced, notice);
        }
        Ok(Plan {
            filter,
            source,
            inspection,
            announced,
            deletions: survey.deletions,
            links: survey.links,
            losses: survey.losses,
            faults,
        })
    }

    /// Carries a plan out. All of it, or nothing.
    ///
    /// # Errors
    /// Something failed; the destination is as it was before.
    pub fn run(self, plan: &Plan) -> Result<Report> {
        self.carry_out(plan, false)
    }

    /// The same, for what replaces nothing and so was not looked at by the plan: everything is looked at on its way, as a
    /// restore and a check do, and what these refuse is refused here as well.
    ///
    /// # Errors
    /// Something failed, or the source is damaged; the destination is as it was before.
    pub fn run_checked(self, plan: &Plan) -> Result<Report> {
        self.carry_out(plan, true)
    }

    fn carry_out(mut self, plan: &Plan, is_checked: bool) -> Result<Report> {
        let mut report = Report {
            warnings: plan.announced.warnings.clone(),
            ..Report::default()
        };
        if !plan.faults.is_empty() {
            return Err(Error::archive(
                "the source is damaged, and cannot be loaded",
            ));
        }
        let observer = self.observer;
        let staged = self.destination.staged();
        let mut load = self.destination.begin(plan)?;
        let mut afterwards = Vec::new();
        let mut counting = Counting::new(load.as_mut(), &mut report, observer);
        let is_staged = staged.is_some();
        let streamed = match staged {
            Some(mut staged) => staged.stream(&plan.filter, &mut counting),
            None if is_checked => check(&mut *self.source, plan, observer, &mut counting),
            None => self.source.stream(&plan.filter, &mut counting),
        };
        counting.finish();
        if let Err(error) = streamed {
            let warn = &mut |warning| observer.on(Event::Warned(&warning));
            return Err(load.abandon(error, warn, &|event| observer.on(event)));
        }
        if is_staged {
            let files = plan.announced.stages.get(&Stage::Assets).cloned();
            report
                .stages
                .extend(files.map(|files| (Stage::Assets, files)));
        }
        observer.on(Event::Entered(Phase::Finishing));
        let mut warn = |warning| {
            observer.on(Event::Warned(&warning));
            afterwards.push(warning);
        };
        load.commit(&report, &mut warn, &|event| observer.on(event))?;
        for warning in &afterwards {
            report.count_warning(warning);
        }
        Ok(report)
    }

    fn tell(&self, announced: &mut Report, warning: Warning) {
        announced.count_warning(&warning);
        self.observer.on(Event::Warned(&warning));
    }

    /// What the source was not made from stays as it is at the destination, which is told of where
    /// there is something that stays.
    fn keep_to(
        &self,
        scope: &Scope,
        filter: &mut Filter,
        known: &Schemas,
        mut replaced: Option<&mut Report>,
    ) {
        // Links go with the entities.
        for stage in [Stage::Entities, Stage::Assets, Stage::Configuration] {
            if filter.includes(stage)
                && !scope.stages.contains(&stage)
                && let Some(announced) = &mut replaced
            {
                self.tell(announced, not_held(stage));
            }
        }
        filter.narrow(scope, known);
    }

    /// An archive that does not say what it was made from, and was made without a group of stages,
    /// does not empty that group here.
    ///
    /// Every project has rows of configuration and, with content, at least a locale or a role; so no
    /// rows means that the group was left out. Files may be absent because there were none, but a media
    /// library is not emptied on such silence: without files and their rows, both stay.
    fn leave_out_what_is_missing(
        &self,
        filter: &mut Filter,
        found: &Inspection,
        announced: &mut Report,
    ) {
        let no_content = found.items(Stage::Entities) == 0;
        if found.items(Stage::Assets) == 0 && found.rows(UPLOAD_TYPES[0]) == 0 && !no_content {
            filter.leave_out_types(&UPLOAD_TYPES);
        }
        for (stage, is_missing) in [
            (Stage::Entities, no_content),
            (Stage::Configuration, found.items(Stage::Configuration) == 0),
            (Stage::Assets, found.items(Stage::Assets) == 0),
        ] {
            if is_missing && filter.includes(stage) {
                filter.leave_out(stage);
                self.tell(announced, not_held(stage));
            }
        }
    }
}

/// Streams what is looked at on its way. Links to nothing go on with the others: whoever takes them tells of them.
fn check(
    source: &mut dyn Source,
    plan: &Plan,
    observer: &dyn Observer,
    sink: &mut Counting<'_>,
) -> Result<()> {
    let none = Schemas::default();
    let schemas = plan.source.schemas.as_ref().unwrap_or(&none);
    let mut inspector = Inspector::new(schemas, &plan.filter, OnFault::Stop, observer, sink);
    inspector.stand_on_the_way();
    source.stream(&plan.filter, &mut inspector)?;
    let (_, warnings, _) = inspector.finish(plan.source.scope.is_some());
    let found = Report {
        warnings,
        ..Report::default()
    };
    if let Some(fault) = dangling(&plan.source, &found) {
        return Err(fault);
    }
    for (kind, count) in found.warnings {
        *sink.report.warnings.entry(kind).or_default() += count;
    }
    Ok(())
}

/// This program leaves out links to nothing when it writes an archive: one in it is a fault, for whoever lists
/// faults. A restore leaves it out as well. In a project there may be any number of them.
fn dangling(source: &Description, announced: &Report) -> Option<Error> {
    let links = *announced.warnings.get(&WarningKind::OrphanLink)?;
    let provenance = source.provenance.as_ref();
    let held_still = provenance.is_none_or(|provenance| provenance.is_consistent);
    (source.is_own_archive && held_still).then(|| {
        Error::archive(format!(
            "links that join what the archive does not hold: {links}"
        ))
    })
}

/// Says that the source was made without a stage; the destination keeps its own.
fn not_held(stage: Stage) -> Warning {
    let what = match stage {
        Stage::Schemas => "schemas",
        Stage::Entities | Stage::Links => "content",
        Stage::Assets => "files",
        Stage::Configuration => "configuration",
    };
    Warning::new(
        WarningKind::Notice,
        Subject::Stage(stage),
        format!("the archive holds no {what}"),
    )
}
