//! `backup extract`: a whole archive unpacked, or pieces of it, without a project.

mod taking;

use super::environment::Environment;
use super::key::KeyArguments;
use super::progress::Progress;
use super::run::RunArguments;
use super::terminal::{Reports, safe};
use super::verify::{DAMAGED, print_faults};
use super::{
    Cancellation, STREAM, archive_facts, effort, exit_code, open_archive, report, terminal,
};
use crate::archive::ArchiveSource;
use crate::effort::Effort;
use crate::error::{Error, Kind, Result};
use crate::extract::{FilesOptions, Narrowing};
use crate::store::{Location, folder_of, real_path};
use crate::transfer::OnFault;
use crate::transfer::summary::{Remembering, Summary};
use clap::Args;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

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
    /// Whether nothing of what was asked for could be taken.
    is_empty: bool,
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
        self.check_use(&piece, &to)?;
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
        if archive.is_unpacked() {
            check_outside(&self.archive, &to)?;
        }
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
            is_empty: false,
        })
    }

    /// Sees that no option says something of which there is nothing.
    fn check_use(&self, piece: &Piece, to: &To) -> Result<()> {
        let refuse = |what: &str, hint: &str| Err(Error::usage(what).hint(hint));
        match piece {
            Piece::Whole | Piece::Rows(_, _, None) if self.no_formats => refuse(
                "--no-formats is for files, and none are taken",
                "name them with --asset, or give --type with --with-files",
            ),
            Piece::Whole if self.overwrite => refuse(
                "a whole archive replaces nothing: it goes into a folder that does not exist or is empty",
                "leave --overwrite out",
            ),
            _ if self.overwrite && matches!(to, To::Stdout) => refuse(
                "there is nothing to replace on stdout",
                "leave --overwrite out",
            ),
            Piece::Rows(types, ..) => {
                let links = |uid: &&String| types.contains(&format!("{uid}.links"));
                let Some(uid) = types.iter().find(links) else {
                    return Ok(());
                };
                let what = format!("{uid}.links.jsonl would be of two content types");
                refuse(&what, "take one after the other, into a folder each")
            }
            _ => Ok(()),
        }
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

/// Sees that nothing is written into the unpacked archive that is read.
fn check_outside(archive: &Path, to: &To) -> Result<()> {
    let (Location::Path(archive), To::Folder(folder)) = (Location::parse(archive.as_os_str())?, to)
    else {
        return Ok(());
    };
    let real = match folder.file_name() {
        Some(name) if !folder.exists() => real_path(folder_of(folder)).join(name),
        _ => real_path(folder),
    };
    match real.starts_with(real_path(&archive)) {
        false => Ok(()),
        true => Err(Error::usage(format!(
            "{} is in the archive that is read",
            folder.display()
        ))
        .hint("choose another folder with --to")),
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
        if let Some(plan) = faults {
            print_faults(&plan);
            let what = match &self.to {
                _ if self.is_empty => "nothing of what was asked for could be read".to_owned(),
                To::Folder(folder) => {
                    format!(
                        "what could be read is in {}",
                        safe(&folder.display().to_string())
                    )
                }
                To::Stdout => "what could be read was written to stdout".to_owned(),
            };
            self.reports.conclude(&format!("{DAMAGED}; {what}"));
            return Ok(exit_code(Kind::Archive));
        }
        report::shortfall(&report)
            .iter()
            .for_each(|line| self.reports.conclude(line));
        self.reports.conclude(&match &self.to {
            _ if self.is_empty => {
                "The archive has only what describes these files: nothing was written".to_owned()
            }
            To::Folder(folder) => {
                format!(
                    "What was asked for is in {}",
                    safe(&folder.display().to_string())
                )
            }
            To::Stdout => "What was asked for was written to stdout".to_owned(),
        });
        Ok(report::exit_code(&report, false))
    }
}
