//! What an import is going to do, as lines for whoever has to agree to it.

use super::{report, terminal};
use crate::model::Stage;
use crate::transfer::{Deletion, Inspection, Plan};
use indicatif::HumanCount;

/// What comes, in the words of a plan.
#[derive(Debug, Clone)]
pub(super) enum Coming {
    /// An archive.
    Archive,
    /// A project, as it is told.
    Project(String),
    /// A running Strapi of this name.
    Site(String),
}

impl Coming {
    /// What sentences call it.
    pub fn called(&self) -> &'static str {
        match self {
            Self::Archive => "the archive",
            Self::Project(_) | Self::Site(_) => "the source",
        }
    }
}

/// Says what is going to be deleted and what stays.
pub(super) fn print(plan: &Plan, target: &str, coming: &Coming) {
    let called = coming.called();
    terminal::tell(&match coming {
        Coming::Archive => report::origin(&plan.source),
        Coming::Project(name) => format!("source:  {name}"),
        Coming::Site(name) => report::site(name, &plan.source),
    });
    terminal::tell(&format!("target:  {target}"));
    if plan.deletions.is_empty() {
        terminal::tell("to be deleted: nothing");
    } else {
        terminal::tell("to be deleted:");
        let mut deletions = plan.deletions.clone();
        for deletion in &mut deletions {
            let is_type = plan.filter.includes(Stage::Entities) && deletion.what.contains("::");
            if is_type && plan.inspection.rows(&deletion.what) == 0 {
                let none = format!("; {called} holds none");
                deletion.what.push_str(&none);
            }
        }
        tell_counts(&deletions);
    }
    if !plan.losses.is_empty() {
        terminal::tell("rows of tables that are not Strapi's:");
        for loss in &plan.losses {
            let count = HumanCount(loss.count).to_string();
            terminal::tell(&format!("  {count:>10}  {loss}"));
        }
    }
    print_access(&plan.inspection, called);
    let kept: Vec<&str> = [
        (Stage::Entities, "content"),
        (Stage::Assets, "files"),
        (Stage::Configuration, "configuration"),
    ]
    .into_iter()
    .filter(|(stage, _)| !plan.filter.includes(*stage))
    .map(|(_, name)| name)
    .chain(["administrators, roles and tokens"])
    .collect();
    terminal::tell(&format!("not touched: {}", kept.join(", ")));
    if !plan.links.is_empty() {
        terminal::tell(
            "links that go from content that stays, for what they lead to does not come back:",
        );
        tell_counts(&plan.links);
    }
}

/// Says what of the configuration that comes decides who gets in, and what is sent elsewhere.
fn print_access(coming: &Inspection, called: &str) {
    let settings: Vec<&str> = coming.access_settings().collect();
    if !settings.is_empty() {
        terminal::tell(&format!(
            "from {called} come settings of who gets in: {}",
            settings.join(", ")
        ));
    }
    if coming.webhooks() > 0 {
        terminal::tell(&format!(
            "from {called} come webhooks, which tell others of changes: {}",
            HumanCount(coming.webhooks())
        ));
    }
}

fn tell_counts(deletions: &[Deletion]) {
    for Deletion { what, count } in deletions {
        let count = count.map_or_else(
            || "not counted".to_owned(),
            |count| HumanCount(count).to_string(),
        );
        terminal::tell(&format!("  {count:>10}  {what}"));
    }
}
