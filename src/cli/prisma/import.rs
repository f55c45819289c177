//! `backup prisma import`: a data set into a running service.

use super::super::environment::Environment;
use super::super::findings::{counted, print_findings};
use super::super::frame::Frame;
use super::super::terminal::{self, Reports, safe};
use super::super::waiting::duration;
use super::super::{Cancellation, exit_code};
use super::service::{Meant, ServiceArguments};
use super::{no_stream, progress, verdict};
use crate::error::{Error, Kind, Result};
use crate::prisma::import::{Import, Imported, Manner, State, gone, look, places};
use crate::prisma::ndf::DataSet;
use crate::prisma::verify::{Verdict, verify};
use crate::store::real_path;
use crate::transfer::summary::Summary;
use clap::Args;
use indicatif::HumanCount;
use std::path::PathBuf;
use std::time::Duration;

/// Import a data set into a running service
///
/// Everything is checked first, as `backup prisma verify` does; nothing is sent where something is wrong. It is sent in
/// requests of at most 1 MB, several at once: nodes, then lists, then relations. The service only adds. What was sent is
/// written down beside the data set, so that an import that was interrupted goes on when the same command is run again:
/// what is not known to have arrived is read back, and only what is missing is sent.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup prisma import --data export.zip
  backup prisma import --data folder --project /srv/prisma --dry-run
  backup prisma import --data nodes.json --endpoint http://localhost:4466/blog/dev --datamodel datamodel.prisma --secret-file secret

Exit codes: 0 done, 1 failed and this run sent nothing, 2 usage, or all of it was imported already, 6 something is wrong with
the data set, 11 another run imports it, 13 some of it was sent: run it again to go on, 130 interrupted before this run
sent anything.")]
pub(super) struct Arguments {
    /// The data set: a zip, a folder with nodes, lists and relations, or one file of these
    #[arg(short, long, value_name = "DATA")]
    data: PathBuf,
    #[command(flatten)]
    service: ServiceArguments,
    /// Check everything, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Forget what earlier runs sent, and begin anew. This is for a service that was emptied
    #[arg(long)]
    restart: bool,
    /// How long the service is left alone after an answer was lost, before what it holds is read back: it may still be at work
    /// on the request
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    settle: Duration,
    #[command(flatten)]
    frame: Frame,
}

impl Arguments {
    /// Runs the import; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        self.frame
            .run("prisma import", environment, |cancellation, summary| {
                let done = self.import(environment, cancellation, summary);
                // What earlier runs sent is not known before the data set was read.
                done.map_err(|error| error.interrupted_with("this run sent nothing"))
            })
    }

    fn import(
        &self,
        environment: &Environment,
        cancellation: &Cancellation,
        summary: &mut Summary,
    ) -> Result<u8> {
        no_stream(&self.data)?;
        let interrupt = cancellation.interrupt();
        let Meant { service, model } = self.service.open(environment, &interrupt)?;
        summary.project = Some(service.endpoint().to_string());
        let mut set = DataSet::open(&self.data, &interrupt)?;
        let progress = progress(&self.frame, cancellation);
        terminal::tell("checking the data set");
        let found = verify(&mut set, Some(&model), &environment.temporary, &progress)?;
        verdict::note(summary, &found);
        if found.findings.count() > 0 {
            return Ok(refuse(&found));
        }
        verdict::print(Reports::Stdout, &found);
        let data = real_path(&self.data);
        let own = environment.own_folder();
        let places = places(&data, &found, service.endpoint(), own.as_deref());
        let places = places.telling(cancellation.when_half_way());
        let total: usize = found.chunks.iter().map(Vec::len).sum();
        let endpoint = safe(&service.endpoint().to_string());
        if self.dry_run {
            let begun = match self.restart {
                true => None,
                false => State::peek(&places, &found, service.endpoint())?,
            };
            begun.as_ref().map_or(Ok(()), |it| anew(it, &endpoint))?;
            let scratch = &environment.temporary;
            let begun = begun.filter(|state| !state.is_new());
            let (left, begun) = match begun {
                Some(state) => {
                    let gone = gone(&mut set, &state, &model, &service, scratch, &progress)?;
                    gone.map_or(Ok(()), Err)?;
                    let path = state.path().display();
                    let begun = format!("; an earlier run began, and {path} says what it sent");
                    (total - state.progress().0, begun)
                }
                None => {
                    look(&mut set, &found, &model, &service, scratch, &progress)?;
                    (total, String::new())
                }
            };
            let requests = counted(left as u64, "request");
            Reports::Stdout.conclude(&format!(
                "The data set is whole; {requests} would be sent to {endpoint}{begun}"
            ));
            return Ok(0);
        }
        if self.restart {
            // What is known of earlier runs stays where the service was not emptied: without the option they go on.
            let scratch = &environment.temporary;
            look(&mut set, &found, &model, &service, scratch, &progress).map_err(|error| {
                match places.existing() {
                    Ok(Some(_)) => {
                        error.also("without --restart the import goes on that an earlier run began")
                    }
                    _ => error,
                }
            })?;
            places.forget()?;
        }
        let state = State::open(&places, &found, service.endpoint())?;
        anew(&state, &endpoint)?;
        let (taken, doubt) = (state.progress().0, state.in_doubt());
        if taken + doubt > 0 {
            terminal::tell(&format!(
                "going on: {taken} of {total} requests were taken by the service, and of {doubt} it is not known"
            ));
        }
        let manner = Manner {
            settle: self.settle,
            scratch: &environment.temporary,
        };
        let import = Import::new(&mut set, &found, &model, &service, state, manner, &progress)?;
        let Imported {
            requests,
            earlier,
            found,
        } = import.run()?;
        let before = match earlier {
            0 => String::new(),
            count => format!(" after {} of earlier runs", HumanCount(count)),
        };
        let back = match found {
            0 => String::new(),
            1 => "; 1 element was found there already".to_owned(),
            count => format!("; {} elements were found there already", HumanCount(count)),
        };
        let requests = counted(requests, "request");
        Reports::Stdout.conclude(&format!(
            "Imported into {endpoint}, in {requests}{before}{back}"
        ));
        Ok(0)
    }
}

/// Says what is wrong with the data set; gives the exit code.
fn refuse(found: &Verdict) -> u8 {
    print_findings(&found.findings);
    let wrong = match found.findings.count() {
        1 => "1 thing is wrong".to_owned(),
        count => format!("{} things are wrong", HumanCount(count)),
    };
    Reports::Stdout.conclude(&format!(
        "{wrong} with the data set, and this run sent nothing"
    ));
    exit_code(Kind::Archive)
}

/// Sees that not all of it was imported before.
fn anew(state: &State, endpoint: &str) -> Result<()> {
    let Some(when) = state.completed() else {
        return Ok(());
    };
    Err(
        Error::usage(format!("this data set was imported into {endpoint} at {}", safe(when))).hint(
            "the service only adds, and no two nodes have one id; if it was emptied since then, run it with --restart",
        ),
    )
}
