//! What is said of findings, of whatever was checked.

use super::report::Heads;
use super::terminal;
use crate::checking::Findings;
use crate::error::Error;
use indicatif::{DecimalBytes, HumanCount};

/// What stands above the table of what was counted.
pub(super) const HEADS: Heads = Heads {
    eye: ["Type", "Count", "Size"],
    shown: [
        |it| HumanCount(it).to_string(),
        |it| DecimalBytes(it).to_string(),
    ],
    plain: ["Count", "Bytes", "Type"],
};

/// Says what is wrong; what to do is said once.
pub(super) fn print_findings(findings: &Findings) {
    print_each(findings, "error", terminal::tell_fault);
}

/// Says what could not be taken; what to do is said once.
pub(super) fn print_losses(losses: &Findings) {
    print_each(losses, "warning", |loss| {
        terminal::alert(&format!("warning: {loss}"));
    });
}

fn print_each(findings: &Findings, word: &str, say: impl Fn(&Error)) {
    let mut advice: Vec<&str> = Vec::new();
    for fault in findings.list() {
        say(fault);
        let hint = fault
            .advice()
            .filter(|it| !advice.contains(it) && *it != usual());
        advice.extend(hint);
    }
    if findings.more() > 0 {
        let more = HumanCount(findings.more());
        terminal::alert(&format!("{word}: {more} more of these"));
    }
    for hint in advice {
        terminal::alert(&format!("  {hint}"));
    }
}

/// The advice that is for archives.
fn usual() -> &'static str {
    static USUAL: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| Error::archive("").advice().unwrap_or_default().to_owned());
    &USUAL
}

/// So many of these.
pub(super) fn counted(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{} {what}s", HumanCount(count)),
    }
}
