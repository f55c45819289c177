//! The export itself, once every option is in its place: reads, writes, lays the summary, prunes.

use super::super::environment::Environment;
use super::super::origin::Origin;
use super::super::place::{Begun, Place};
use super::super::progress::{self, Progress};
use super::super::{Cancellation, effort, prune, report, terminal};
use crate::archive::{Encryption, Keys, Packing};
use crate::effort::Work;
use crate::error::Result;
use crate::retention::Policy;
use crate::transfer::summary::{Remembering, Summary, WarningList};
use crate::transfer::{
    Extent, Filter, OnFault, SchemaStrategy, Subject, Transfer, VersionStrategy, Warning,
    WarningKind,
};

/// An export as it was asked for, every option in its place.
pub(super) struct Request {
    pub origin: Origin,
    /// What is to be known of where the data comes from.
    pub notes: Vec<Warning>,
    /// Whether a summary is laid beside the archive.
    pub summary: bool,
    /// Whether its digest is worked out.
    pub digest: bool,
    pub overwrite: bool,
    pub prune: Option<Policy>,
    pub strict: bool,
    pub place: Place,
    pub packing: Packing,
    pub shard_size: u64,
    pub filter: Filter,
    pub verbose: bool,
    pub cancellation: Cancellation,
}

impl Request {
    /// Exports, and says what came of it; gives the exit code.
    ///
    /// # Errors
    /// Something failed, and no archive is there; or what followed the archive failed, which is said.
    pub fn run(self, environment: &Environment, summary: &mut Summary) -> Result<u8> {
        let notes: Vec<Warning> = self.notes.iter().cloned().chain(self.served()).collect();
        for note in &notes {
            progress::warn(note);
        }
        let what = self.origin.word();
        terminal::tell(&format!("{what:<8} {}", self.origin.told()));
        self.place.check_summary(self.summary, self.overwrite)?;
        let kept = (self.overwrite, self.digest);
        let Begun {
            destination,
            shown,
            reports,
            receipt,
        } = self
            .place
            .begin(&self.packing, self.shard_size, kept, environment)?;
        // After the questions, so that the snapshot is not older than the answers.
        let mut source = self.origin.open(environment)?;
        let progress = Progress::new(&self.cancellation, self.verbose);
        let watch = Remembering::new(&progress);
        let mut transfer = Transfer {
            source: source.as_mut(),
            destination: Box::new(destination.strict(self.strict)),
            filter: self.filter,
            extent: Extent::default(),
            versions: VersionStrategy::Ignore,
            schemas: SchemaStrategy::Ignore,
            on_fault: OnFault::Stop,
            observer: &watch,
        };
        let mut plan = transfer.plan()?;
        if plan.filter.files_follow_types() {
            terminal::tell(
                "note: files are left out, because the content types that describe them are",
            );
        }
        let mut warnings = WarningList::default();
        for note in &notes {
            plan.announced.count_warning(note);
            warnings.add(note);
        }
        summary.source(&plan.source);
        let transferred = transfer.run(&plan);
        warnings.extend(watch.warnings());
        summary.warn(warnings);
        let report = transferred?;
        let shown = receipt.written().map_or(shown, |written| written.location);
        let code = report::exit_code(&report, self.strict);
        summary.report(&report);
        summary.archive = self.place.facts(&receipt, &self.packing);
        summary.end(code);
        report::print(reports, &report);
        if let Some(shortfall) = report::shortfall(&report) {
            terminal::alert(&shortfall);
        }
        if self.summary {
            let access = environment.access(self.cancellation.interrupt());
            self.place.summarise(summary, &receipt, &access)?;
        }
        effort::tell(&self.packing.effort, &[Work::Files]);
        let recipients = self.packing.encryption.as_ref();
        let to = match recipients.and_then(Encryption::recipients) {
            None => String::new(),
            Some(1) => ", encrypted to 1 recipient".to_owned(),
            Some(many) => format!(", encrypted to {many} recipients"),
        };
        let shown = terminal::safe(&shown);
        reports.conclude(&format!("The archive is in {shown}{to}"));
        if let Some(policy) = &self.prune
            && let Some(written) = receipt.written()
            && let Some(location) = self.place.shelf()
        {
            if code == report::INCOMPLETE {
                terminal::tell("note: no older archive is removed, because this one is incomplete");
                return Ok(code);
            }
            let password = self
                .packing
                .encryption
                .as_ref()
                .and_then(Encryption::password);
            let keys = Keys {
                password: password.cloned(),
                ..Keys::default()
            };
            let cancellation = &self.cancellation;
            prune::after_export(
                &location,
                &written.name,
                policy,
                keys,
                environment,
                cancellation,
                summary,
            )?;
        }
        Ok(code)
    }

    /// Says that the archive will lie where everybody can fetch it.
    fn served(&self) -> Option<Warning> {
        let path = self.place.path()?;
        let served = self.origin.serves(path)?;
        let reason = format!(
            "this is in the public folder of the project: Strapi serves it to everybody as {}; name \
             another place with --file",
            served.display()
        );
        let subject = Subject::Path(path.display().to_string());
        Some(Warning::new(WarningKind::Notice, subject, reason))
    }
}
