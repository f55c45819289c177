//! What is said of an import into a running server: why it does not begin, and what came of it.

use super::super::exit_code;
use super::super::findings::{counted, print_findings};
use super::super::report::INCOMPLETE;
use super::super::terminal::{self, Reports, safe};
use crate::dgraph::import::{Imported, State, Survey};
use crate::dgraph::verify::Verdict;
use crate::error::{Error, Kind, Result};
use crate::transfer::summary::{Failure, GroupFacts, StageFacts, Summary};
use indicatif::HumanCount;

/// How many refused rows are said; the summary has all of them.
const SAID: usize = 20;

/// Says what is wrong with the set; gives the exit code.
pub(super) fn refuse(found: &Verdict) -> u8 {
    print_findings(&found.findings);
    let wrong = match found.findings.count() {
        1 => "1 thing is wrong".to_owned(),
        count => format!("{} things are wrong", HumanCount(count)),
    };
    Reports::Stdout.conclude(&format!(
        "{wrong} with the export set, and this run sent nothing"
    ));
    exit_code(Kind::Archive)
}

/// Sees that not all of it was imported before.
pub(super) fn anew(state: &State, endpoint: &str) -> Result<()> {
    let Some(when) = state.completed() else {
        return Ok(());
    };
    let refused = match state.refused() {
        0 => String::new(),
        count => format!(", but for {} that it refused", counted(count as u64, "row")),
    };
    let aside = state.aside().filter(|it| it.is_dir());
    let aside = aside.map_or_else(String::new, |it| {
        format!(
            "the rows that it refused are put aside in {}: mend them there, and import that folder with --merge; ",
            it.display()
        )
    });
    let what = format!(
        "the import is complete: this set was imported into {endpoint} at {}{refused}",
        safe(when)
    );
    Err(Error::usage(what).hint(format!(
        "{aside}if the server was emptied since then, run it with --restart"
    )))
}

/// Says what came of it; gives the exit code.
pub(super) fn tell(summary: &mut Summary, done: &Imported, survey: &Survey, endpoint: &str) -> u8 {
    let facts = |count| StageFacts {
        count,
        bytes: 0,
        groups: std::iter::empty::<(String, GroupFacts)>().collect(),
    };
    let refused = done.refused.len() as u64;
    let taken = survey.rows.saturating_sub(done.refused_rows);
    summary.stages.insert("sent".into(), facts(taken));
    summary.stages.insert("refused".into(), facts(refused));
    summary.faults = done.refused.iter().map(Failure::from).collect();
    let mut advice: Vec<&str> = Vec::new();
    for fault in done.refused.iter().take(SAID) {
        terminal::alert(&format!("warning: {fault}"));
        let hint = fault.advice().filter(|it| !advice.contains(it));
        advice.extend(hint);
    }
    if done.refused.len() > SAID {
        let more = HumanCount((done.refused.len() - SAID) as u64);
        terminal::alert(&format!("warning: {more} more of these; --json lists all"));
    }
    for hint in advice {
        terminal::alert(&format!("  {hint}"));
    }
    let before = match done.earlier {
        0 => String::new(),
        count => format!(" after {} of earlier runs", HumanCount(count)),
    };
    let uids = match done.has_new_uids {
        true => "; the nodes have new uids",
        false => "",
    };
    let rows = counted(taken, "row");
    let requests = counted(done.requests, "request");
    let imported = format!("Imported into {endpoint}: {rows}, in {requests}{before}{uids}");
    if refused == 0 {
        Reports::Stdout.conclude(&imported);
        return 0;
    }
    let refused = counted(refused, "thing");
    Reports::Stdout.conclude(&format!("{imported}; {refused} refused"));
    INCOMPLETE
}
