//! `backup extract`: a whole archive unpacked, or pieces of it, without a project.

use super::environment::Environment;
use super::key::KeyArguments;
use super::progress::Progress;
use super::run::RunArguments;
use super::terminal::{Reports, safe};
use super::verify::{DAMAGED, print_faults};
use super::{
    Cancellation, STREAM, archive_facts, effort, exit_code, open_archive, report, terminal,
};
use crate::archive::{ArchiveSource, Tree};
use crate::effort::Effort;
use crate::error::{Error, Kind, Result};
use crate::extract::{Files, FilesOptions, Found, Names, Narrowing, Place, Rows, Wanted};
use crate::model::IdSet;
use crate::store::Location;
use crate::transfer::summary::{Failure, Remembering, Summary};
use crate::transfer::{
    Chosen, Event, Extent, Filter, Nowhere, Observer, OnFault, Onlooker, Plan, Report,
    SchemaStrategy, Sink, Source, Subject, Transfer, UPLOAD_TYPES, VersionStrategy, Warning,
};
use clap::Args;
use indicatif::HumanCount;
use std::fs::File;
use std::io::{self, IsTerminal, Seek};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use tempfile::SpooledTempFile;

/// How much of what goes to stdout waits in memory for the end of the archive, in bytes.
const IN_MEMORY: usize = 8 << 20;

/// Take an archive apart, or a piece out of it
///
/// Without --asset and --type the whole archive is unpacked, decrypted and decompressed, as the same tree
/// of files that `export --format dir` writes. Needs no project. Nothing shows in DIR before the archive
/// was read to its end and proved whole.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup extract site.tar.gz.enc --to site
  backup extract site.tar.gz.enc --to public/uploads --asset hero_5f2a.jpg
  backup extract site.tar.gz.enc --to pictures --asset 'hero*.jpg' --user-names --no-formats
  backup extract site.tar.gz.enc --to pieces --type api::page.page --document abc123 --with-files
  backup extract site.tar.gz.enc --to - --type api::page.page | jq -r .data.title
  backup extract site.tar.gz.enc --to - --asset hero_5f2a.jpg > hero.jpg

NAME is the name on disk (hash_5f2a.jpg), the name that the file's user gave it, or a pattern of either
(in quotes). docs/PIECES.md shows how a picture, a page or a type comes back.

Exit codes: 0 done, 1 failed, 2 usage, or nothing has that name, 3 done, but files are missing in the archive,
6 the archive is damaged: nothing was written, or with --damaged what could be read, 12 wrong key.")]
pub(super) struct Arguments {
    /// The archive: a file, a folder that holds an unpacked one, s3://, gs:// or az://, or - for stdin
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,
    /// Folder to write into: for a whole archive one that does not exist or is empty; - for stdout, which
    /// takes one file or the lines of one content type
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Take files of the media library: NAME on disk, NAME that their users gave them, or a pattern such
    /// as '*.jpg'. May be given several times
    #[arg(long, value_name = "NAME", conflicts_with = "type")]
    asset: Vec<String>,
    /// Leave out the formats of the files (thumbnail, small, ...) that are not named themselves
    #[arg(long)]
    no_formats: bool,
    /// Write what describes each file beside it, as NAME.json
    #[arg(long, requires = "asset")]
    metadata: bool,
    /// Call files as their users called them, and not as they are called on disk
    #[arg(long, requires = "asset")]
    user_names: bool,
    /// Take the entities of a content type, as UID.jsonl, and their links, as UID.links.jsonl. May be
    /// given several times
    #[arg(long, value_name = "UID")]
    r#type: Vec<String>,
    /// Only the entity with this id, of the one --type. May be given several times
    #[arg(
        long,
        value_name = "N",
        requires = "type",
        allow_negative_numbers = true
    )]
    id: Vec<i64>,
    /// Only the entities with this document id, of the one --type. May be given several times
    #[arg(long, value_name = "ID", requires = "type")]
    document: Vec<String>,
    /// Take the files as well that the entities link, into DIR/uploads, and their rows
    #[arg(long, requires = "type")]
    with_files: bool,
    /// Replace files in DIR
    #[arg(long)]
    overwrite: bool,
    /// Take what can be read out of a damaged archive, and list what is wrong; the exit code is still 6
    #[arg(long)]
    damaged: bool,
    #[command(flatten)]
    key: KeyArguments,
    /// Say more, and where the time went
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    alone: RunArguments,
}

/// What is taken.
enum Piece {
    /// All of it.
    Whole,
    /// Files of the media library.
    Files(Vec<String>, FilesOptions),
    /// Rows of content types, and their files.
    Rows(Vec<String>, Narrowing, Option<FilesOptions>),
}

/// Where it goes.
enum To {
    Folder(PathBuf),
    Stdout,
}

/// An extraction as it was asked for, every option in its place.
struct Request<'a> {
    archive: ArchiveSource,
    piece: Piece,
    to: To,
    overwrite: bool,
    damaged: bool,
    authentic: bool,
    reports: Reports,
    verbose: bool,
    effort: Effort,
    cancellation: &'a Cancellation,
    environment: &'a Environment,
}

impl Arguments {
    /// Runs the extraction; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        let alone = self.alone.clone();
        let reports = match self.to.as_os_str() == STREAM {
            true => Reports::Stderr,
            false => Reports::Stdout,
        };
        alone.run("extract", reports, environment, |cancellation, summary| {
            let request = self.request(environment, cancellation, summary, reports);
            let done = request.and_then(|request| request.run(summary));
            done.or_else(|error| refused(error, summary, reports))
        })
    }

    fn request<'a>(
        self,
        environment: &'a Environment,
        cancellation: &'a Cancellation,
        summary: &mut Summary,
        reports: Reports,
    ) -> Result<Request<'a>> {
        let effort = self.verbose.then(Effort::measured).unwrap_or_default();
        let to = destination(&self.to)?;
        let piece = self.piece()?;
        if matches!(to, To::Stdout) {
            check_stdout(&piece)?;
        }
        let on_fault = match self.damaged {
            true => OnFault::GoOn,
            false => OnFault::Stop,
        };
        let archive = open_archive(
            &self.archive,
            &self.key,
            on_fault,
            cancellation,
            &effort,
            environment,
        )?;
        summary.archive = Some(archive_facts(&archive));
        Ok(Request {
            archive,
            piece,
            to,
            overwrite: self.overwrite,
            damaged: self.damaged,
            authentic: self.key.require_authentication,
            reports,
            verbose: self.verbose,
            effort,
            cancellation,
            environment,
        })
    }

    fn piece(&self) -> Result<Piece> {
        let options = FilesOptions {
            formats: !self.no_formats,
            metadata: self.metadata,
            user_names: self.user_names,
        };
        if !self.asset.is_empty() {
            return Ok(Piece::Files(self.asset.clone(), options));
        }
        let narrowing = Narrowing {
            ids: self.id.iter().copied().collect(),
            documents: self.document.iter().cloned().collect(),
        };
        if self.r#type.is_empty() {
            return Ok(Piece::Whole);
        }
        let is_narrow = !(self.id.is_empty() && self.document.is_empty());
        if is_narrow && self.r#type.len() > 1 {
            return Err(Error::usage(
                "--id and --document are of one content type, and several are named",
            )
            .hint("give --type once"));
        }
        let files = self.with_files.then_some(options);
        Ok(Piece::Rows(self.r#type.clone(), narrowing, files))
    }
}

/// The folder that is meant, where links lead.
fn destination(path: &Path) -> Result<To> {
    match Location::parse(path.as_os_str())? {
        Location::Stream => return Ok(To::Stdout),
        Location::Object(_) => {
            let what = format!("{} is no folder on this machine", path.display());
            return Err(Error::usage(what).hint("name one with --to"));
        }
        Location::Path(_) => {}
    }
    let Ok(there) = path.symlink_metadata() else {
        return Ok(To::Folder(path.to_owned()));
    };
    let real = path.canonicalize().map_err(|error| {
        let what = match there.is_symlink() {
            true => format!("{} is a link that leads nowhere: {error}", path.display()),
            false => format!("cannot look at {}: {error}", path.display()),
        };
        Error::usage(what).hint("name a folder with --to")
    })?;
    match real.is_dir() {
        true => Ok(To::Folder(real)),
        false => Err(Error::usage(format!(
            "{} is there already, and is no folder",
            path.display()
        ))
        .hint("choose another name with --to")),
    }
}

/// Sees that stdout can take what is asked for.
fn check_stdout(piece: &Piece) -> Result<()> {
    let refuse = |what: &str| Err(Error::usage(what).hint("give a folder with --to"));
    match piece {
        Piece::Whole => return refuse("stdout takes one file, and not a whole archive"),
        Piece::Rows(types, ..) if types.len() > 1 => {
            return refuse("stdout takes the lines of one content type, and several are named");
        }
        Piece::Rows(.., Some(_)) => {
            return refuse("stdout takes the lines of one content type, and not files as well");
        }
        Piece::Files(_, options) if options.metadata || options.user_names => {
            return refuse("stdout takes one file, without a name and what describes it");
        }
        Piece::Files(..) | Piece::Rows(..) => {}
    }
    if io::stdout().is_terminal() {
        return Err(
            Error::usage("what stands in an archive is nothing for a terminal")
                .hint("send stdout to a file or another program, or give a folder with --to"),
        );
    }
    if terminal::stdout_was_closed() {
        return Err(Error::usage("stdout is closed, and cannot take it")
            .hint("send it to a file or another program"));
    }
    Ok(())
}

/// What comes of an error: one of the archive is a verdict on it. Gives the exit code.
fn refused(error: Error, summary: &mut Summary, reports: Reports) -> Result<u8> {
    if error.kind() != Kind::Archive {
        return Err(error.interrupted_with("nothing was written"));
    }
    summary.fail(&error);
    terminal::print_error(&error);
    reports.conclude(&format!("{DAMAGED}, and nothing was written"));
    Ok(exit_code(Kind::Archive))
}

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
    fn run(mut self, summary: &mut Summary) -> Result<u8> {
        let progress = Progress::new(self.cancellation, self.verbose);
        let watch = Remembering::new(&progress);
        let done = self.take(&watch, summary);
        summary.warn(watch.warnings());
        let (report, faults) = done?;
        summary.report(&report);
        effort::tell(&self.effort, &[]);
        report::print(self.reports, &report);
        let place = match &self.to {
            To::Folder(folder) => folder.display().to_string(),
            To::Stdout => "stdout".into(),
        };
        if let Some(plan) = faults {
            print_faults(&plan);
            self.reports.conclude(&format!(
                "{DAMAGED}; what could be read is in {}",
                safe(&place)
            ));
            return Ok(exit_code(Kind::Archive));
        }
        report::shortfall(&report)
            .iter()
            .for_each(|line| self.reports.conclude(line));
        self.reports
            .conclude(&format!("What was asked for is in {}", safe(&place)));
        Ok(report::exit_code(&report, false))
    }

    /// Takes what was asked for. Gives what that was, and what is wrong with the archive where it was to go on.
    fn take(
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
            (Piece::Files(names, _), To::Stdout) => self.file(&names, observer, summary),
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
        let plan = self.look(&mut Nowhere::default(), observer)?;
        summary.source(&plan.source);
        let Some(tree) = self.archive.unpacked() else {
            return Err(Error::failed("the archive was not unpacked"));
        };
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
        self.check_signals()?;
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
        let mut files = Files::into_folder(Wanted::Named(Names::new(names)), options, &place);
        let plan = self.look(&mut files, observer)?;
        summary.source(&plan.source);
        let found = files.finish()?;
        self.check_signals()?;
        place.publish()?;
        tell_of(&found, warn);
        Ok(found.report)
    }

    fn file(
        &mut self,
        names: &[String],
        observer: &dyn Observer,
        summary: &mut Summary,
    ) -> Result<Report> {
        let mut spool = self.spool();
        let mut files = Files::one(Names::new(names), &mut spool);
        let plan = self.look(&mut files, observer)?;
        summary.source(&plan.source);
        let found = files.finish()?;
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
        let mut rows = Rows::into_folder(&chosen, narrowing, &schemas, &place)?;
        let plan = self.look(&mut rows, observer)?;
        summary.source(&plan.source);
        let (mut report, linked) = rows.finish()?;
        if let Some(options) = files {
            let found = self.linked_files(linked, options, &chosen, (&place, observer))?;
            for (stage, counts) in found.report.stages.clone() {
                let own = report.stages.entry(stage).or_default();
                own.total.items += counts.total.items;
                own.total.bytes += counts.total.bytes;
                own.groups.extend(counts.groups);
            }
            report.warnings.extend(&found.report.warnings);
            self.check_signals()?;
            place.publish()?;
            tell_of(&found, warn);
            return Ok(report);
        }
        self.check_signals()?;
        place.publish()?;
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
