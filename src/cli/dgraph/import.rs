//! `backup dgraph import`: an export set into a running server.

use super::super::Cancellation;
use super::super::environment::Environment;
use super::super::findings::counted;
use super::super::frame::Frame;
use super::super::prompt::Prompt;
use super::super::terminal::{self, Reports, safe};
use super::imported::{anew, refuse, tell};
use super::server::ServerArguments;
use super::verdict;
use crate::dgraph::export::Namespace;
use crate::dgraph::import::{
    Earlier, Identity, Import, Kin, Leaser, Manner, Places, Precedence, Source, State, Survey,
    leads_into, targets,
};
use crate::dgraph::server::{Cluster, Endpoint, Server, Zero};
use crate::dgraph::set::{ExportSet, Key};
use crate::dgraph::verify::verify;
use crate::error::{Error, Result};
use crate::store::{Interrupt, real_path};
use crate::transfer::summary::Summary;
use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use std::path::{Path, PathBuf};

/// Load an export set into a running server
///
/// Everything is checked first, as `backup dgraph verify` does; nothing is sent where something is wrong. The schema goes first,
/// then the rows, a thousand a request and ten requests at once, then the GraphQL schema. A row that the server refuses is
/// named, and all others are sent. What was sent is written down beside the set, so that an import that was interrupted goes
/// on when the same command is run again.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup dgraph import blog --endpoint http://localhost:8080 --dry-run
  backup dgraph import blog --endpoint http://localhost:8080 --zero http://localhost:6080
  backup dgraph import blog --endpoint https://alpha --user groot --password-file password --namespace 0x1 --into-namespace 0
  backup dgraph import blog --endpoint http://localhost:8080 --new-uids --schema keep

Exit codes: 0 done, 1 failed and this run changed nothing, 2 usage, or all of it was imported already, 3 done, but for rows or a
GraphQL schema that the server refuses, 5 the server holds nodes and defines predicates otherwise, 6 something is wrong with the
set, 11 another run imports into the server, 12 wrong key, 13 some of it was sent: run it again to go on, 130 interrupted before
this run sent anything.")]
pub(super) struct Arguments {
    /// The set: the folder with g01.json.gz or g01.rdf.gz, or the one that holds it
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    #[command(flatten)]
    server: ServerArguments,
    /// HTTP port of a Zero, which leases uids, such as http://localhost:6080. Servers from 21.03 on ask it themselves
    #[arg(long, value_name = "URL", help_heading = "Server")]
    zero: Option<String>,
    /// The number of a namespace of the set, or all [default: all that are in it]
    #[arg(long, value_name = "N")]
    namespace: Option<Namespace>,
    /// The number of the namespace of the server that it goes into [default: the same]
    #[arg(long, value_name = "N", value_parser = number)]
    into_namespace: Option<u64>,
    /// Give all nodes new uids, so that they stand beside what is there
    #[arg(long, conflicts_with = "merge")]
    new_uids: bool,
    /// Let rows go to nodes of the server that have the same uid
    #[arg(long)]
    merge: bool,
    /// Whose definition counts where server and set have different ones of a predicate [default: it is an error where the
    /// server holds nodes, else that of the set counts]
    #[arg(long, value_name = "WHOSE", value_enum)]
    schema: Option<Precedence>,
    /// File with the key that the set is encrypted with: 16, 24 or 32 bytes
    #[arg(long, value_name = "FILE")]
    encryption_key_file: Option<PathBuf>,
    /// Check everything, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Forget what earlier runs sent, and begin anew. This is for a server that was emptied, or for a second copy
    #[arg(long)]
    restart: bool,
    #[command(flatten)]
    frame: Frame,
}

impl ValueEnum for Precedence {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Keep, Self::Replace]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::Keep => {
                PossibleValue::new("keep").help("That of the server; what is new is added")
            }
            Self::Replace => PossibleValue::new("replace")
                .help("That of the set, also for the nodes that are there"),
        })
    }
}

/// Reads the number of a namespace.
fn number(text: &str) -> Result<u64, &'static str> {
    match text.parse() {
        Ok(Namespace::One(number)) => Ok(number),
        _ => Err("give the number of a namespace, such as 0 or 0x1"),
    }
}

/// A server that was reached.
struct Reached {
    server: Server,
    cluster: Cluster,
    zero: Option<Zero>,
    interrupt: Interrupt,
    /// The user's own folder for what programs keep.
    own: Option<PathBuf>,
}

impl Arguments {
    /// Runs the import; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        self.frame
            .run("dgraph import", environment, |cancellation, summary| {
                let done = self.import(environment, cancellation, summary);
                // What earlier runs sent is not known before the set was read.
                done.map_err(|error| error.interrupted_with("this run sent nothing"))
            })
    }

    fn import(
        &self,
        environment: &Environment,
        cancellation: &Cancellation,
        summary: &mut Summary,
    ) -> Result<u8> {
        let interrupt = cancellation.interrupt();
        let zero = self.zero.as_deref().map(Endpoint::parse).transpose();
        let zero = zero.map_err(|error| error.within("--zero"))?;
        let key = self.encryption_key_file.as_deref();
        let key = key.map(|it| Key::read(it, &interrupt));
        let set = ExportSet::open(&self.folder, key.transpose()?, &interrupt)?;
        // What can be known of the server is known before a long set is read.
        let reached = self.reach(environment, interrupt, zero)?;
        summary.project = Some(reached.server.endpoint().to_string());
        if let Some(into) = self.into_namespace {
            leads_into(&reached.server, into)?;
        }
        let progress = self.frame.progress(cancellation).checking("the set");
        terminal::tell("checking the set");
        let found = verify(&set, &environment.temporary, &progress)?;
        verdict::note(summary, &found);
        if found.findings.count() > 0 {
            return Ok(refuse(&found));
        }
        // What JSON has no form for is sent as RDF.
        (summary.faults, summary.faults_left_out) = (Vec::new(), 0);
        verdict::print(Reports::Stdout, &found);
        if found.losses.count() > 0 {
            let count = counted(found.losses.count(), "row");
            terminal::tell(&format!(
                "note: {count} with numbers that are no JSON (+Inf, -Inf or NaN) go as RDF, which has a form for them"
            ));
        }
        let source = Source::new(&set, &found)?;
        let targets = targets(
            &source,
            &reached.server,
            self.namespace,
            self.into_namespace,
        )?;
        let namespaces: Vec<u64> = targets.iter().map(|it| it.from).collect();
        let scratch = &environment.temporary;
        let survey = Survey::of(&source, &namespaces, scratch, &progress)?;
        let into: Vec<u64> = targets.iter().map(|it| it.into).collect();
        let identity = Identity::of(&survey, reached.server.endpoint(), &into, self.new_uids);
        let folder = real_path(set.folder());
        let places = identity.places(&folder, reached.own.as_deref());
        let places = places.telling(cancellation.when_half_way());
        let import = Import {
            source: &source,
            survey: &survey,
            targets: &targets,
            leaser: match &reached.zero {
                Some(zero) => Leaser::Zero(zero),
                None => Leaser::Server(&reached.server),
            },
            identity: &identity,
            manner: Manner {
                has_new_uids: self.new_uids,
                is_merge: self.merge,
                precedence: self.schema,
                scratch,
            },
            watch: &progress,
        };
        self.send(&import, (&places, &folder), &reached, summary)
    }

    /// Reaches the server.
    fn reach(
        &self,
        environment: &Environment,
        interrupt: Interrupt,
        zero: Option<Endpoint>,
    ) -> Result<Reached> {
        let prompt = Prompt::new(interrupt.clone());
        let (server, cluster) = self.server.reach(environment, &prompt, Server::cluster)?;
        let zero = zero.map(|endpoint| {
            let access = self.server.access(environment, &interrupt)?;
            Zero::new(&endpoint, &access)
        });
        Ok(Reached {
            server,
            cluster,
            zero: zero.transpose()?,
            interrupt,
            own: environment.own_folder(),
        })
    }

    fn send(
        &self,
        import: &Import<'_>,
        (places, set): (&Places, &Path),
        reached: &Reached,
        summary: &mut Summary,
    ) -> Result<u8> {
        let endpoint = safe(&reached.server.endpoint().to_string());
        let (identity, survey) = (import.identity, import.survey);
        if survey.left_out > 0 {
            let count = counted(survey.left_out, "row");
            terminal::tell(&format!(
                "note: {count} of the server that was exported itself (dgraph.*) are left out"
            ));
        }
        if self.dry_run {
            return self.plan(import, (places, set), reached);
        }
        if self.restart {
            // What is known of earlier runs stays where the server was not emptied: without the option they go on.
            let looked = import.look(None).and_then(|()| import.compare(None));
            looked.map_err(|error| match State::peek(places, identity, survey) {
                Ok(Some(state)) if state.completed().is_none() => {
                    error.also("without --restart the import goes on that an earlier run began")
                }
                _ => error,
            })?;
            places.forget()?;
        }
        let state = State::open(places, identity, survey)?;
        anew(&state, &endpoint)?;
        if state.is_new()
            && let Err(error) =
                self.beside(&identity.earlier(set, reached.own.as_deref()), &endpoint)
        {
            state.discard();
            return Err(error);
        }
        let own = reached.own.as_deref();
        let _held = match identity.hold_server(own, !self.new_uids && !self.merge) {
            Ok(held) => held,
            Err(error) => {
                state.discard();
                return Err(error);
            }
        };
        let (taken, total) = state.progress();
        if taken > 0 {
            terminal::tell(&format!(
                "going on: {taken} of {total} requests were taken by the server"
            ));
        }
        reached.interrupt.stop()?;
        let done = import.run(state)?;
        Ok(tell(summary, &done, survey, &endpoint))
    }

    /// Sees that other imports of the folder into this server do not make this one give all nodes twice, and says that there
    /// are some.
    fn beside(&self, others: &[Earlier], endpoint: &str) -> Result<()> {
        for other in others {
            let path = safe(&other.path.display().to_string());
            let content = match other.kin {
                Kin::Same => "this set",
                Kin::Changed => "this folder, when it held other rows,",
                Kin::Part => "a part of this set, or more of it,",
            };
            let what =
                format!("{content} was imported into {endpoint} before, or some of it: {path}");
            if self.new_uids && other.kin != Kin::Same && !self.restart {
                let what = format!("{what}; with --new-uids what did not change is there twice");
                return Err(Error::failed(what).hint(
                    "rows that were refused are put aside beside that state, and are mended and imported there, with --merge; \
                     with --restart all of this folder goes beside what is there",
                ));
            }
            terminal::tell(&format!("note: {what}"));
        }
        Ok(())
    }

    /// Says what would be sent; gives the exit code.
    fn plan(
        &self,
        import: &Import<'_>,
        (places, set): (&Places, &Path),
        reached: &Reached,
    ) -> Result<u8> {
        let endpoint = safe(&reached.server.endpoint().to_string());
        let survey = import.survey;
        let begun = match self.restart {
            true => None,
            false => State::peek(places, import.identity, survey)?,
        };
        begun.as_ref().map_or(Ok(()), |it| anew(it, &endpoint))?;
        if begun.as_ref().is_none_or(State::is_new) {
            let own = reached.own.as_deref();
            self.beside(&import.identity.earlier(set, own), &endpoint)?;
        }
        import.look(begun.as_ref())?;
        for note in import.compare(begun.as_ref())? {
            terminal::tell(&format!("note: {note}"));
        }
        let version = reached.cluster.version.as_deref();
        let version = version.map_or_else(String::new, |it| format!(" ({})", safe(it)));
        let (left, began) = match begun.filter(|it| !it.is_new()) {
            Some(state) => {
                let (taken, all) = state.progress();
                let path = safe(&state.path().display().to_string());
                let began = format!("; an earlier run began, and {path} says what it sent");
                (all - taken, began)
            }
            None => (survey.requests(), String::new()),
        };
        let uids = match (self.new_uids, &reached.zero) {
            (true, _) => "nodes would get new uids",
            (false, Some(_)) => "nodes would keep their uids",
            (false, None) => "nodes would keep their uids, if the server leases them",
        };
        let rows = counted(survey.rows, "row");
        let requests = counted(left as u64, "request");
        Reports::Stdout.conclude(&format!(
            "The set is whole; of {rows}, {requests} would be sent to {endpoint}{version}, and {uids}{began}"
        ));
        Ok(0)
    }
}
