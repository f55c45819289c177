//! Losses of power: what was not synced may be on the disk or not, in any order. The next run leaves what was, or what
//! comes, and no mixture.
//!
//! No power is lost here. A restore is traced, every write included, and a model of a disk tells what could be left of it
//! at any moment; see `support/disk.rs`. A failure names the seed that repeats it; `BACKUP_TEST_SEED` sets it.

use std::process::Command;

use crate::support::cli::{Project, strapi_archive};
use crate::support::dice::Dice;
use crate::support::disk::{BYTES, CALLS, Disk, Tree};
use crate::support::place::{Content, Place, changed};
use crate::support::strace::{Call, can_trace, killed, marks_the_end, number_of, traced};

/// What a restore writes to.
const PARTS: [&str; 2] = [".tmp", "public"];

/// What is lost at a moment.
#[derive(Debug, Clone, Copy)]
enum Loss {
    /// All that may be.
    All,
    /// Nothing, as with a kill.
    None,
    /// Each change with a chance of one half.
    Some,
    /// All but one change.
    AllButOne,
    /// One change.
    One,
}

const LOSSES: [Loss; 5] = [
    Loss::All,
    Loss::None,
    Loss::Some,
    Loss::AllButOne,
    Loss::One,
];

fn choose(loss: Loss, at_risk: &[usize], dice: &mut Dice) -> Vec<usize> {
    let mut lost = at_risk.to_vec();
    let one = if lost.is_empty() {
        0
    } else {
        dice.below(lost.len())
    };
    match loss {
        Loss::None => lost.clear(),
        Loss::Some => lost.retain(|_| dice.below(2) == 0),
        Loss::AllButOne if !lost.is_empty() => {
            lost.remove(one);
        }
        Loss::One if !lost.is_empty() => lost = vec![lost[one]],
        _ => {}
    }
    lost
}

type State = (Content, Content);

fn state(project: &Project) -> State {
    (project.content(), project.files())
}

/// What a project's disk held, and went through since.
struct Past {
    before: Tree,
    calls: Vec<Call>,
}

impl Past {
    /// Nothing yet.
    fn of(project: &Project) -> Past {
        let before = Tree::read(&project.path(), &PARTS);
        let calls = Vec::new();
        Past { before, calls }
    }
}

/// Runs a command on a project, and recovers from losses of power in it: in the short form so many, in the long one
/// (`None`) at every moment.
fn lose_power(
    project: &Project,
    past: Past,
    command: &Command,
    allowed: &[State],
    cases: Option<usize>,
) {
    let mut dice = Dice::new();
    let root = project.path().canonicalize().unwrap();
    let Past { before, mut calls } = past;
    let earlier = calls.len();
    let (outcome, own) = traced(command, CALLS, BYTES);
    let outcome = outcome.ends_with(0);
    calls.extend(own);
    let disk = Disk::follow(&root, &PARTS, &before, &calls);
    assert!(
        disk.without(calls.len(), &[]) == Tree::read(&root, &PARTS),
        "the model is wrong"
    );
    let end = state(project);
    assert!(allowed.contains(&end), "{}", outcome.all());
    let moments = disk.moments.iter().copied();
    let moments = Vec::from_iter(moments.filter(|moment| *moment >= earlier));
    let chosen = (0..cases.unwrap_or(moments.len() * LOSSES.len())).map(|case| {
        let number = cases.map_or(case / LOSSES.len(), |_| dice.below(moments.len()));
        (moments[number], LOSSES[case % LOSSES.len()])
    });
    let chosen = Vec::from_iter(chosen);
    let other = Project::testdata();
    for (moment, loss) in chosen {
        let lost = choose(loss, &disk.unsafe_before(moment), &mut dice);
        disk.without(moment, &lost).write(&other.path(), &PARTS);
        let recovered = other.run("recover", []);
        let now = (recovered.code == Some(0)).then(|| state(&other));
        let is_end = moment == calls.len();
        let is_right = |now: &State| {
            if is_end {
                *now == end
            } else {
                allowed.contains(now)
            }
        };
        if now.as_ref().is_some_and(is_right) {
            continue;
        }
        let before = moment.saturating_sub(1);
        let lost = lost.iter().map(|step| disk.describe(*step));
        panic!(
            "BACKUP_TEST_SEED={}: {loss:?} lost after {}, before {}\n{}\ndiffers: {:?}\nlost: {:#?}",
            dice.seed,
            disk.calls[before],
            disk.calls.get(moment).map_or("the end", String::as_str),
            recovered.all(),
            now.map(|now| allowed
                .iter()
                .map(|it| [changed(&it.0, &now.0), changed(&it.1, &now.1)])
                .collect::<Vec<_>>()),
            Vec::from_iter(lost.take(40)),
        );
    }
}

/// A project as it is before a restore, and what it is before and after it.
fn prepared() -> (Project, [State; 2]) {
    let project = Project::testdata();
    let archive = strapi_archive();
    project.import(&archive, &[]).ends_with(0);
    let new = state(&project);
    project.spoil();
    let old = state(&project);
    (project, [old, new])
}

fn lose_power_in_a_restore(cases: Option<usize>) {
    if can_trace() {
        let (project, states) = prepared();
        let import = project.import_command(&strapi_archive(), &[]);
        lose_power(&project, Past::of(&project), &import, &states, cases);
    }
}

/// The same in the recovery of a restore that was killed: at a rename, at the end of its commit, or after it.
fn lose_power_in_a_recovery(cases: Option<usize>) {
    if !can_trace() {
        return;
    }
    let archive = strapi_archive();
    let (project, _) = prepared();
    let (outcome, calls) = traced(&project.import_command(&archive, &[]), CALLS, 0);
    outcome.ends_with(0);
    let renames = (0..calls.len()).filter(|call| calls[*call].name == "rename");
    let renames = Vec::from_iter(renames);
    let committed = calls.iter().position(marks_the_end).unwrap();
    // The journal of SQLite is gone, which is its commit, and that is not on disk yet.
    let is_folder_of_database =
        |call: &Call| call.synced().is_some_and(|path| path.ends_with(".tmp"));
    let unsynced = calls[..committed].iter().rposition(is_folder_of_database);
    let unsynced = unsynced.unwrap();
    for call in [renames[renames.len() * 3 / 4], unsynced, committed] {
        let (project, [old, new]) = prepared();
        let mut past = Past::of(&project);
        let import = project.import_command(&archive, &[]);
        let number = number_of(&calls, call);
        past.calls = killed(&import, CALLS, BYTES, &calls[call].name, number);
        let allowed = match call {
            // Until the recovery syncs it, the commit may be lost as well.
            _ if call == unsynced => vec![old, new],
            _ if call == committed => vec![new],
            _ => vec![old],
        };
        let recover = project.command("recover", []);
        lose_power(&project, past, &recover, &allowed, cases);
    }
}

#[test]
fn a_loss_of_power_in_a_restore_leaves_the_old_or_the_new() {
    lose_power_in_a_restore(Some(20));
}

#[test]
#[ignore = "long: loses power at every moment"]
fn losses_of_power_anywhere_in_a_restore_leave_the_old_or_the_new() {
    lose_power_in_a_restore(None);
}

#[test]
fn a_loss_of_power_in_a_recovery_leaves_what_it_leaves() {
    lose_power_in_a_recovery(Some(4));
}

#[test]
#[ignore = "long: loses power at every moment"]
fn losses_of_power_anywhere_in_a_recovery_leave_what_it_leaves() {
    lose_power_in_a_recovery(None);
}
