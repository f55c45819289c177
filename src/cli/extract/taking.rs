//! Takes what was asked for out of an archive, and shows it when all of it is there.

use super::super::terminal::{self, safe};
use super::{Piece, Request, To};
use crate::archive::Tree;
use crate::error::{Error, Kind, Result};
use crate::extract::{Files, FilesOptions, Found, Names, Narrowing, Place, Rows, Wanted};
use crate::model::IdSet;
use crate::transfer::summary::{Failure, Remembering, Summary};
use crate::transfer::{
    Chosen, Event, Extent, Filter, Nowhere, Observer, OnFault, Onlooker, Plan, Report,
    SchemaStrategy, Sink, Source, Subject, Transfer, UPLOAD_TYPES, VersionStrategy, Warning,
};
use indicatif::HumanCount;
use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::AsFd;
use std::path::Path;
use tempfile::SpooledTempFile;

/// How much of what goes to stdout waits in memory for the end of the archive, in bytes.
const IN_MEMORY: usize = 8 << 20;

/// Passes on what is told, but for what is noted about rows and files: they may be none of those that are taken.
struct OfTheArchive<'a> {
    watch: &'a dyn Observer,
    /// Whether what is noted about the archive was told before.
    is_told: bool,
}

impl Observer for OfTheArchive<'_> {
    fn on(&self, event: Event<'_>) {
        if let Event::Warned(warning) = event
            && (self.is_told || !matches!(warning.subject, Subject::Entry(_)))
        {
            return;
        }
        self.watch.on(event);
    }

    fn is_cancelled(&self) -> bool {
        self.watch.is_cancelled()
    }
}

impl Request<'_> {
    /// Takes what was asked for. Gives what that was, and what is wrong with the archive where it was to go on.
    pub(super) fn take(
        &mut self,
        watch: &Remembering<'_>,
        summary: &mut Summary,
    ) -> Result<(Report, Option<Plan>)> {
        let faults = match self.damaged {
            true => self.find_faults(watch, summary)?,
            false => None,
        };
        let observer: &dyn Observer = &OfTheArchive {
            watch,
            is_told: self.damaged,
        };
        let mut warn = |warning: &Warning| watch.on(Event::Warned(warning));
        let piece = std::mem::replace(&mut self.piece, Piece::Whole);
        let to = std::mem::replace(&mut self.to, To::Stdout);
        let taken = match (piece, &to) {
            (Piece::Whole, To::Folder(folder)) => self.unpack(folder, observer, summary),
            (Piece::Whole, To::Stdout) => unreachable!("it was refused above"),
            (Piece::Files(names, options), To::Folder(folder)) => {
                self.files(&names, options, folder, observer, &mut warn, summary)
            }
            (Piece::Files(names, _), To::Stdout) => self.file(&names, observer, &mut warn, summary),
            (Piece::Rows(types, narrowing, files), To::Folder(folder)) => self.rows(
                (&types, narrowing, files),
                folder,
                observer,
                &mut warn,
                summary,
            ),
            (Piece::Rows(types, narrowing, _), To::Stdout) => {
                self.lines(&types, narrowing, observer, summary)
            }
        };
        self.to = to;
        let taken = taken.map_err(|error| match error.kind() {
            Kind::Archive if !self.damaged => error.also(
                "`backup verify` lists all that is wrong with it, and --damaged takes what can be read",
            ),
            _ => error,
        })?;
        Ok((taken, faults))
    }

    /// Reads the archive to find out what is wrong with it; `None` where nothing is.
    fn find_faults(
        &mut self,
        watch: &Remembering<'_>,
        summary: &mut Summary,
    ) -> Result<Option<Plan>> {
        self.archive.keep_for_another_stream();
        self.archive.make_do();
        let plan = self.look(
            &mut Nowhere::default(),
            &OfTheArchive {
                watch,
                is_told: false,
            },
        )?;
        if self.authentic
            && !self
                .archive
                .protection()
                .is_some_and(|it| it.is_authenticated)
        {
            return Err(Error::archive(format!(
                "{} is not authenticated: it is damaged where it would prove who wrote it",
                self.archive.name()
            ))
            .hint("leave --require-authentication out if you know where the archive comes from"));
        }
        if plan.faults.is_empty() {
            return Ok(None);
        }
        summary.faults = plan.faults.iter().map(Failure::from).collect();
        summary.faults_left_out = plan.faults.more();
        self.archive.leave_damaged_out();
        Ok(Some(plan))
    }

    /// Reads the archive to its end, checks it, and has `sink` see what is in it.
    fn look(&mut self, sink: &mut (dyn Sink + Send), observer: &dyn Observer) -> Result<Plan> {
        let mut transfer = Transfer {
            source: &mut self.archive,
            destination: Box::new(Onlooker(sink)),
            filter: Filter::default(),
            extent: Extent::default(),
            versions: VersionStrategy::default(),
            schemas: SchemaStrategy::default(),
            on_fault: match self.damaged {
                true => OnFault::GoOn,
                false => OnFault::Stop,
            },
            observer,
        };
        transfer.plan()
    }

    fn unpack(
        &mut self,
        folder: &Path,
        observer: &dyn Observer,
        summary: &mut Summary,
    ) -> Result<Report> {
        let tree = Tree::new(folder, "choose another name with --to", &self.effort)?;
        self.archive.unpack_into(tree);
        let looked = self.look(&mut Nowhere::default(), observer);
        let Some(tree) = self.archive.unpacked() else {
            looked?;
            return Err(Error::failed("the archive was not unpacked"));
        };
        let plan = match looked.and_then(|plan| self.check_signals().map(|()| plan)) {
            Ok(plan) => plan,
            Err(error) => return Err(tree.discard(error)),
        };
        summary.source(&plan.source);
        for name in tree.cut() {
            terminal::tell(&format!(
                "{} is left out: it is cut short or damaged",
                safe(name)
            ));
        }
        if tree.others() > 0 {
            terminal::tell(&format!(
                "note: {} entries are left out that no archive of Strapi has",
                HumanCount(tree.others())
            ));
        }
        tree.publish()?;
        Ok(plan.announced)
    }

    fn files(
        &mut self,
        names: &[String],
        options: FilesOptions,
        folder: &Path,
        observer: &dyn Observer,
        warn: &mut dyn FnMut(&Warning),
        summary: &mut Summary,
    ) -> Result<Report> {
        let place = Place::new(folder, self.overwrite)?;
        let found = self.named_files(names, options, &place, observer, summary);
        let found = match found {
            // Of what the archive lacks nothing is made, no folder either.
            Ok(found) if found.files > 0 => {
                publish(place)?;
                found
            }
            Ok(found) => found,
            Err(error) => return Err(place.discard(error)),
        };
        self.is_empty = found.files == 0;
        tell_of(&found, warn);
        Ok(found.report)
    }

    fn named_files(
        &mut self,
        names: &[String],
        options: FilesOptions,
        place: &Place,
        observer: &dyn Observer,
        summary: &mut Summary,
    ) -> Result<Found> {
        let mut files = Files::into_folder(Wanted::Named(Names::new(names)), options, place);
        let plan = self.look(&mut files, observer)?;
        summary.source(&plan.source);
        let found = files.finish()?;
        self.check_signals()?;
        Ok(found)
    }

    fn file(
        &mut self,
        names: &[String],
        observer: &dyn Observer,
        warn: &mut dyn FnMut(&Warning),
        summary: &mut Summary,
    ) -> Result<Report> {
        let mut spool = self.spool();
        let mut files = Files::one(Names::new(names), &mut spool);
        let plan = self.look(&mut files, observer)?;
        summary.source(&plan.source);
        let found = files.finish()?;
        self.is_empty = found.files == 0;
        if let Some(missing) = &found.missing {
            warn(missing);
        }
        give(&mut spool)?;
        Ok(found.report)
    }

    fn rows(
        &mut self,
        (types, narrowing, files): (&[String], Narrowing, Option<FilesOptions>),
        folder: &Path,
        observer: &dyn Observer,
        warn: &mut dyn FnMut(&Warning),
        summary: &mut Summary,
    ) -> Result<Report> {
        if files.is_some() {
            self.archive.keep_for_another_stream();
        }
        let source = self.archive.describe()?;
        let chosen = Chosen::of(types, &source)?;
        let schemas = source.schemas.unwrap_or_default();
        let place = Place::new(folder, self.overwrite)?;
        let take = || -> Result<(Report, Option<Found>)> {
            let mut rows = Rows::into_folder(&chosen, narrowing, &schemas, &place)?;
            let plan = self.look(&mut rows, observer)?;
            summary.source(&plan.source);
            let (mut report, linked) = rows.finish()?;
            let mut found = None;
            if let Some(options) = files {
                let files = self.linked_files(linked, options, &chosen, (&place, observer))?;
                for (stage, counts) in files.report.stages.clone() {
                    let own = report.stages.entry(stage).or_default();
                    own.total.items += counts.total.items;
                    own.total.bytes += counts.total.bytes;
                    own.groups.extend(counts.groups);
                }
                report.warnings.extend(&files.report.warnings);
                found = Some(files);
            }
            self.check_signals()?;
            Ok((report, found))
        };
        let (report, found) = match take() {
            Ok(taken) => taken,
            Err(error) => return Err(place.discard(error)),
        };
        publish(place)?;
        if let Some(found) = &found {
            tell_of(found, warn);
        }
        Ok(report)
    }

    /// Goes through the archive once more, for the files that rows link: in an archive they stand before the links.
    fn linked_files(
        &mut self,
        linked: IdSet,
        options: FilesOptions,
        chosen: &Chosen,
        (place, watch): (&Place, &dyn Observer),
    ) -> Result<Found> {
        let with_rows = !chosen.contains(UPLOAD_TYPES[0]);
        let is_told = true;
        let mut files = Files::of_rows(linked, options, place, with_rows)?;
        self.look(&mut files, &OfTheArchive { watch, is_told })?;
        files.finish()
    }

    fn lines(
        &mut self,
        types: &[String],
        narrowing: Narrowing,
        observer: &dyn Observer,
        summary: &mut Summary,
    ) -> Result<Report> {
        let source = self.archive.describe()?;
        let chosen = Chosen::of(types, &source)?;
        let schemas = source.schemas.unwrap_or_default();
        let mut spool = self.spool();
        let mut rows = Rows::one(&types[0], narrowing, &schemas, &mut spool);
        let plan = self.look(&mut rows, observer)?;
        summary.source(&plan.source);
        debug_assert!(chosen.contains(&types[0]));
        let (report, _) = rows.finish()?;
        give(&mut spool)?;
        Ok(report)
    }

    fn spool(&self) -> SpooledTempFile {
        tempfile::spooled_tempfile_in(IN_MEMORY, &self.environment.temporary)
    }

    /// From here on it is a moment until all is there.
    fn check_signals(&self) -> Result<()> {
        let checked = self.cancellation.interrupt().check();
        checked.map_err(|_| Error::interrupted())
    }
}

/// Shows what was taken, and says what is left of what was needed for that.
fn publish(place: Place) -> Result<()> {
    if let Some(left) = place.publish()? {
        terminal::tell(&format!("note: {}", safe(&left)));
    }
    Ok(())
}

/// Says which files were taken, and which are missing.
fn tell_of(found: &Found, warn: &mut dyn FnMut(&Warning)) {
    for line in &found.listed {
        terminal::tell(&safe(line));
    }
    let more = found.files - found.listed.len() as u64;
    if more > 0 {
        terminal::tell(&format!("and {} more files", HumanCount(more)));
    }
    if let Some(missing) = &found.missing {
        warn(missing);
    }
}

/// Writes to stdout what was kept for it.
fn give(spool: &mut SpooledTempFile) -> Result<()> {
    let mut give = || -> io::Result<()> {
        spool.rewind()?;
        // The standard library says nothing of a stdout that cannot be written to.
        let mut out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        io::copy(spool, &mut out).map(drop)
    };
    give().map_err(|error| {
        Error::failed(format!("cannot write to stdout: {error}"))
            .hint("whoever read it stopped; what it has is not all of it")
    })
}
