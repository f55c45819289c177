//! `backup prune`: removes archives that no rule keeps; and what `export --prune` does.

use super::Cancellation;
use super::columns::Columns;
use super::environment::Environment;
use super::keep::RetentionArguments;
use super::list::{self, PlaceArguments, made, state, tell_future};
use super::terminal::{self, Reports, Voice, safe};
use crate::archive::Keys;
use crate::error::{Error, Kind, Result};
use crate::inventory::{Action, Inventory, Look, Pruning, Removed, Scope};
use crate::retention::Policy;
use crate::store::{Location, Shelf};
use crate::transfer::summary::Summary;
use clap::Args;
use indicatif::{DecimalBytes, HumanCount};

/// Something could not be removed.
const FAILED: u8 = 1;

/// Remove old archives from a folder or a prefix of an object store
///
/// The rules are those of restic forget. They go over each group of archives on its own: those whose
/// names are the same but for the date, such as site-2026-11-20 and site-2026-11-21. Only archives that
/// are known to be of this program are removed: by the summary beside them, by their beginning where
/// they are not encrypted, or by the key. Everything else is left, and said. Incomplete archives take no
/// place of complete ones, and the newest complete one of a group always stays.
#[derive(Debug, Args)]
#[command(mut_arg("require_authentication", |arg| arg.hide(true)))]
#[command(after_help = "Examples:
  backup prune /backups --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --dry-run
  backup prune s3://bucket/backups/ --keep-last 30
  backup prune /backups --keep-within 2y5m7d3h --json
  backup export --file /backups/ --summary --prune --keep-daily 7

Exit codes: 0 done, 1 something could not be removed (it is listed), 2 no rule was given.")]
pub(super) struct Arguments {
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    retention: RetentionArguments,
    /// Say what would be removed, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
    /// Say nothing while all is well
    #[arg(short, long, conflicts_with = "json")]
    quiet: bool,
}

impl Arguments {
    /// Removes what no rule keeps; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        if self.quiet {
            terminal::speak(Voice::Quiet);
        }
        let cancellation = Cancellation::listen()?;
        let policy = self.retention.policy()?;
        let all_went = self.place.open(environment, &cancellation, |shelf, look| {
            let inventory = Inventory::take(shelf, look)
                .map_err(|error| error.interrupted_with("no archive was removed"))?;
            let pruning = Pruning::decide(inventory, &policy, &Scope::default(), look.now);
            if !self.json {
                print_decisions(&pruning);
            }
            tell_future(pruning.decisions.iter().map(|it| &it.archive), look.now);
            let mut removed = Removed::default();
            if !self.dry_run {
                pruning.carry_out(shelf, look, &mut removed)?;
            }
            self.conclude(&shelf.name(), &pruning, &removed);
            Ok(removed.failed.is_empty())
        })?;
        if all_went {
            return Ok(0);
        }
        terminal::let_go();
        Ok(FAILED)
    }

    fn conclude(&self, location: &str, pruning: &Pruning, removed: &Removed) {
        if self.json {
            let facts = pruning.facts(location, self.dry_run, removed);
            let line = serde_json::to_string(&facts);
            Reports::Stdout.print(&line.expect("texts and numbers serialise"));
        }
        tell_trouble(removed);
        if self.json {
            return;
        }
        let going: u64 = pruning.going().map(|archive| archive.size).sum();
        Reports::Stdout.print(&match self.dry_run {
            true => format!(
                "Dry run: {} would be removed, {}; nothing was changed",
                archives(pruning.going().count()),
                DecimalBytes(going)
            ),
            false => format!(
                "{} removed, {}",
                archives(removed.archives.len()),
                DecimalBytes(removed.bytes)
            ),
        });
    }
}

/// A number of archives, in words.
fn archives(count: usize) -> String {
    match count {
        1 => "1 archive".into(),
        count => format!("{} archives", HumanCount(count as u64)),
    }
}

/// Prints what becomes of each archive, and why.
fn print_decisions(pruning: &Pruning) {
    let mut columns = Columns::new(
        ["Action", "Made", "State", "Name", "Why"],
        [false, false, false, false, false],
        3,
    );
    for decision in &pruning.decisions {
        columns.add([
            decision.action.as_str().to_owned(),
            made(&decision.archive),
            state(&decision.archive).to_owned(),
            decision.archive.name.clone(),
            decision.reasons.join(", "),
        ]);
    }
    for orphan in &pruning.orphans {
        columns.add([
            Action::Remove.as_str().to_owned(),
            "-".into(),
            "-".into(),
            orphan.clone(),
            "the summary of an archive that is not there".into(),
        ]);
    }
    if !(pruning.decisions.is_empty() && pruning.orphans.is_empty()) {
        Reports::Stdout.print(&columns.text(Reports::Stdout.width()));
    }
}

/// Says what did not go as it should.
fn tell_trouble(removed: &Removed) {
    for name in &removed.changed {
        terminal::tell(&format!(
            "note: {} was written to meanwhile, and stays",
            safe(name)
        ));
    }
    for (name, error) in &removed.failed {
        let advice = error.advice().map(|it| format!("; {it}"));
        let advice = advice.unwrap_or_default();
        let name = safe(name);
        terminal::alert(&format!(
            "error: {name} could not be removed: {error}{advice}"
        ));
    }
}

/// Removes the archives of the group of one that was just written, and is whole, which no rule keeps. The summary is told.
///
/// # Errors
/// Something could not be removed. The new archive is there all the same, which the error says.
pub(super) fn after_export(
    location: &Location,
    archive: &str,
    policy: &Policy,
    keys: Keys,
    environment: &Environment,
    cancellation: &Cancellation,
    summary: &mut Summary,
) -> Result<()> {
    let scope = Scope {
        beside: Some(archive.to_owned()),
    };
    let prune = |shelf: &dyn Shelf, look: &Look<'_>| {
        let inventory = Inventory::take(shelf, look)?;
        let pruning = Pruning::decide(inventory, policy, &scope, look.now);
        let mut removed = Removed::default();
        let carried = pruning.carry_out(shelf, look, &mut removed);
        summary.pruned = Some(pruning.facts(&shelf.name(), false, &removed));
        tell_left(&pruning);
        tell_future(pruning.decisions.iter().map(|it| &it.archive), look.now);
        tell_trouble(&removed);
        for archive in &removed.archives {
            terminal::tell(&format!("removed: {}", safe(archive)));
        }
        carried?;
        match removed.failed.len() {
            0 => Ok(()),
            some => Err(Error::failed(format!(
                "{} could not be removed",
                archives(some)
            ))),
        }
    };
    let pruned = list::at(location, keys, environment, cancellation, prune);
    pruned.map_err(|error| match error.kind() {
        Kind::Interrupted => Error::new(
            Kind::Interrupted,
            format!("interrupted while old archives were removed; the new one, {archive}, is there, and whole"),
        ),
        _ => error
            .within("the new archive is there, and whole; of old ones")
            .also("run backup prune once that is mended"),
    })
}

/// Says which archives of the group are not known to be ours.
fn tell_left(pruning: &Pruning) {
    let left = pruning.decisions.iter();
    for decision in left.filter(|it| it.action == Action::Leave) {
        let (name, why) = (&decision.archive.name, decision.reasons.join(", "));
        terminal::tell(&safe(&format!("note: {name} is left: {why}")));
    }
}
