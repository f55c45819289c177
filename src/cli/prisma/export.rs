//! `backup prisma export`: everything that a running service holds, as a data set.

use super::super::Cancellation;
use super::super::environment::Environment;
use super::super::progress::Progress;
use super::super::report::INCOMPLETE;
use super::super::run::RunArguments;
use super::super::terminal::{self, Reports, safe};
use super::service::{Meant, ServiceArguments};
use super::verdict;
use crate::error::{Error, Result};
use crate::prisma::export::{self, Pages};
use crate::prisma::ndf::Form;
use crate::transfer::summary::Summary;
use clap::Args;
use indicatif::HumanCount;
use jiff::Timestamp;
use std::path::{Path, PathBuf};

/// Export everything that a running service holds
///
/// Nodes, lists and relations are fetched page by page, and become a data set as Prisma's own command line writes it: a zip
/// or a folder, complete or not at all. A page that fails is asked for again, and an export that was interrupted goes on
/// when the same command is run again. What came is checked: real servers export wrong ids in some cases, and do not tell.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup prisma export
  backup prisma export --project /srv/prisma --file blog.zip
  backup prisma export --endpoint http://localhost:4466/blog/dev --datamodel datamodel.prisma --secret-file secret --file blog --format dir

A service that is written to meanwhile is not exported from one moment.

Exit codes: 0 done, 1 failed, 2 usage, 3 done, but something in it is wrong, and listed, 11 another run exports to the same
name, 130 interrupted: run it again to go on.")]
pub(super) struct Arguments {
    #[command(flatten)]
    service: ServiceArguments,
    /// What the data set is called, or a folder for it [default: export-TIME.zip]
    #[arg(short, long, value_name = "NAME")]
    file: Option<PathBuf>,
    /// What is written
    #[arg(long, value_enum, default_value = "zip")]
    format: Form,
    /// Replace a file of this name
    #[arg(long)]
    overwrite: bool,
    /// Forget what an interrupted export fetched, and begin anew
    #[arg(long)]
    restart: bool,
    /// Say more
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    alone: RunArguments,
}

impl Arguments {
    /// Runs the export; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        let alone = self.alone.clone();
        let reports = Reports::Stdout;
        alone.run(
            "prisma export",
            reports,
            environment,
            |cancellation, summary| self.export(environment, cancellation, summary),
        )
    }

    fn export(
        &self,
        environment: &Environment,
        cancellation: &Cancellation,
        summary: &mut Summary,
    ) -> Result<u8> {
        let interrupt = cancellation.interrupt();
        let Meant { service, model } = self.service.open(environment, &interrupt)?;
        summary.project = Some(service.endpoint().to_string());
        let path = self.path();
        self.check(&path)?;
        let mut pages = Pages::open(&path, service.endpoint(), self.restart)?;
        let place = pages.folder().to_owned();
        if let Some(began) = pages.continued() {
            terminal::tell(&format!(
                "going on with the export that began at {}: {} elements are here",
                safe(began),
                HumanCount(pages.elements())
            ));
        }
        let progress = Progress::new(cancellation, self.verbose);
        let kept = |error: Error| {
            let folder = place.display();
            let how = format!(
                "what was fetched is in {folder}; the same command with --file {} goes on behind it",
                path.display()
            );
            error
                .interrupted_with("nothing was written under its name")
                .also(&how)
        };
        export::fetch(&service, &mut pages, &progress).map_err(kept)?;
        terminal::tell("checking what came");
        let scratch = &environment.temporary;
        let found = export::check(&pages, &model, scratch, &interrupt, &progress).map_err(kept)?;
        verdict::note(summary, &found);
        export::publish(pages, &path, self.format, self.overwrite, &interrupt).map_err(kept)?;
        verdict::print(Reports::Stdout, &found);
        verdict::print_findings(&found.findings);
        let name = safe(&path.display().to_string());
        match found.findings.count() {
            0 => {
                Reports::Stdout.conclude(&format!("Exported to {name}"));
                Ok(0)
            }
            count => {
                let count = HumanCount(count);
                Reports::Stdout.conclude(&format!(
                    "Exported to {name}, and {count} things in it are wrong (listed above)"
                ));
                Ok(INCOMPLETE)
            }
        }
    }

    /// Where the data set goes.
    fn path(&self) -> PathBuf {
        let now = Timestamp::now().strftime("%Y-%m-%dT%H-%M-%SZ");
        let extension = match self.format {
            Form::Zip => ".zip",
            Form::Dir => "",
        };
        let own = format!("export-{now}{extension}");
        match &self.file {
            None => PathBuf::from(own),
            Some(path) if is_folder(path) && self.format == Form::Zip => path.join(own),
            Some(path) if self.format == Form::Zip && path.extension().is_none() => {
                path.with_extension("zip")
            }
            Some(path) => path.clone(),
        }
    }

    /// Sees at once that the name is free.
    fn check(&self, path: &Path) -> Result<()> {
        let is_taken = match self.format {
            Form::Zip => !self.overwrite && path.symlink_metadata().is_ok(),
            Form::Dir => path.is_dir() && path.read_dir().is_ok_and(|mut it| it.next().is_some()),
        };
        match is_taken {
            false => Ok(()),
            true => Err(Error::usage(format!("{} is there already", path.display()))
                .hint("choose another name with --file; a zip is replaced with --overwrite")),
        }
    }
}

fn is_folder(path: &Path) -> bool {
    path.is_dir() || path.as_os_str().as_encoded_bytes().ends_with(b"/")
}
