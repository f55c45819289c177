//! `backup dgraph export`: everything that a running server holds, as an export set.

use super::super::Cancellation;
use super::super::environment::Environment;
use super::super::frame::Frame;
use super::super::prompt::Prompt;
use super::super::report::INCOMPLETE;
use super::super::terminal::{self, Reports, safe};
use super::server::ServerArguments;
use crate::dgraph::Format;
use crate::dgraph::export::{self, Exported, Namespace, Offer, Request, Taken};
use crate::error::{Error, Result};
use crate::transfer::summary::{Failure, GroupFacts, StageFacts, Summary};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use indicatif::{DecimalBytes, HumanCount};
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// Export everything that a running server holds
///
/// The server is asked what it offers. From Dgraph Cloud the files are fetched by the URLs that it signs, each read to its
/// last byte. One's own server writes the files where it runs: with --export-dir they are collected from there, and
/// without it they stay there, which is told and ends with 3. The set appears under its name when all of it is there.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup dgraph export --endpoint http://localhost:8080 --export-dir /var/lib/dgraph/export
  backup dgraph export --endpoint https://HOST.cloud.dgraph.io --token-file key -f blog
  backup dgraph export --endpoint http://alpha:8080 --user groot --password-file password --namespace all --export-dir /mnt/one/export --export-dir /mnt/two/export
  backup dgraph export --endpoint http://localhost:8080 --dry-run

Exit codes: 0 done, 1 failed, 2 usage, 3 the server has exported, and not all of its files are here: where they are is said,
130 interrupted.")]
pub(super) struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
    /// The folder for the set, which is not there yet, or empty [default: dgraph-export-TIME]
    #[arg(short, long, value_name = "DIR")]
    file: Option<PathBuf>,
    /// The folder that one's own server writes exports into, as it is seen from here. May be given several times, where
    /// the groups of a cluster have one each
    #[arg(long, value_name = "DIR")]
    export_dir: Vec<PathBuf>,
    /// How rows are written. JSON loses what RDF keeps: passwords are hashed once more when it is loaded
    #[arg(long, value_name = "FORMAT", value_parser = formats(), default_value = "rdf")]
    format: Format,
    /// The number of a namespace, or all, which needs a guardian of namespace 0 [default: that of the server's choice]
    #[arg(long, value_name = "N")]
    namespace: Option<Namespace>,
    /// Say what would be done, and have nothing exported
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    frame: Frame,
}

/// Reads the name of a format.
fn formats() -> impl TypedValueParser<Value = Format> {
    let names = PossibleValuesParser::new([Format::Rdf, Format::Json].map(Format::extension));
    names.map(|name| match name == Format::Json.extension() {
        true => Format::Json,
        false => Format::Rdf,
    })
}

impl Arguments {
    /// Runs the export; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        self.frame
            .run("dgraph export", environment, |cancellation, summary| {
                let done = self.export(environment, cancellation, summary);
                done.map_err(|error| {
                    error.interrupted_with(
                        "nothing was written under its name; an export that the server has begun goes on there",
                    )
                })
            })
    }

    fn export(
        &self,
        environment: &Environment,
        cancellation: &Cancellation,
        summary: &mut Summary,
    ) -> Result<u8> {
        let interrupt = cancellation.interrupt();
        let path = export::free(&self.path())?;
        export::look(&self.export_dir)?;
        let prompt = Prompt::new(interrupt.clone());
        let (server, offer) = self.server.reach(environment, &prompt, export::offer)?;
        summary.project = Some(server.endpoint().to_string());
        if matches!(offer, Offer::Cloud) && !self.export_dir.is_empty() {
            terminal::tell(
                "note: the server signs URLs for its files, and --export-dir is not needed",
            );
        }
        if self.dry_run {
            let endpoint = safe(&server.endpoint().to_string());
            Reports::Stdout.conclude(&format!("{endpoint} {}", self.plan(&offer, &path)));
            return Ok(0);
        }
        let request = Request {
            format: self.format,
            namespace: self.namespace,
        };
        let progress = self.frame.progress(cancellation);
        let to = (path.as_path(), self.export_dir.as_slice());
        match export::export(&server, &offer, &request, to, &interrupt, &progress)? {
            Exported::There(error) => Ok(incomplete(
                summary,
                &error,
                "The export is done, and not here",
            )),
            Exported::Here(taken) => Ok(tell(summary, &taken, &path)),
        }
    }

    /// Where the set goes.
    fn path(&self) -> PathBuf {
        let now = Timestamp::now().strftime("%Y-%m-%dT%H-%M-%SZ");
        let own = || PathBuf::from(format!("dgraph-export-{now}"));
        self.file.clone().unwrap_or_else(own)
    }

    /// What would be done.
    fn plan(&self, offer: &Offer, path: &Path) -> String {
        let path = safe(&path.display().to_string());
        let format = self.format.extension();
        match offer {
            Offer::Cloud => format!(
                "offers exports as Dgraph Cloud does: it would be asked for {format}, and its files be fetched to {path}"
            ),
            Offer::Own(cluster) => {
                let version = cluster
                    .version
                    .as_deref()
                    .map_or("of unknown version".into(), safe);
                let groups: Vec<String> = cluster.groups.iter().map(u32::to_string).collect();
                let groups = match groups.as_slice() {
                    [] => String::new(),
                    [group] => format!(", group {group}"),
                    several => format!(", groups {}", several.join(", ")),
                };
                let then = match self.export_dir.is_empty() {
                    true => {
                        "stay where it runs: --export-dir names where they can be read".to_owned()
                    }
                    false => format!("be collected to {path}"),
                };
                format!(
                    "is one's own server ({version}{groups}): it would write {format}, and its files {then}"
                )
            }
        }
    }
}

/// Says what was taken; gives the exit code.
fn tell(summary: &mut Summary, taken: &Taken, path: &Path) -> u8 {
    let count = taken.files.len() as u64;
    let bytes = taken.files.values().sum();
    let groups = taken.files.iter();
    let groups = groups.map(|(name, &bytes)| (name.clone(), GroupFacts { count: 1, bytes }));
    let facts = StageFacts {
        count,
        bytes,
        groups: groups.collect(),
    };
    summary.stages.insert("files".into(), facts);
    let path = safe(&path.display().to_string());
    if taken.is_encrypted {
        terminal::tell(
            "note: the server encrypts its exports: what is in them was not read; backup dgraph verify does that, with \
             --encryption-key-file",
        );
    }
    let done = format!(
        "Exported to {path}: {} files, {}",
        HumanCount(count),
        DecimalBytes(bytes)
    );
    if taken.away.is_empty() {
        Reports::Stdout.conclude(&done);
        return 0;
    }
    let groups: Vec<String> = taken.away.iter().map(u32::to_string).collect();
    let what = format!(
        "of these groups of the cluster no file was in the folders of the server: {}",
        groups.join(", ")
    );
    let error = Error::failed(what).hint(
        "the leader of each group writes on its own machine: name the folder of each with --export-dir, or copy what lacks",
    );
    incomplete(summary, &error, &format!("{done}, and groups are missing"))
}

/// Says what is not here; gives the exit code.
fn incomplete(summary: &mut Summary, error: &Error, done: &str) -> u8 {
    summary.faults = vec![Failure::from(error)];
    terminal::tell_fault(error);
    if let Some(advice) = error.advice() {
        terminal::alert(&format!("  {advice}"));
    }
    Reports::Stdout.conclude(done);
    INCOMPLETE
}
