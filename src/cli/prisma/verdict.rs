//! What is said of a data set that was checked.

use super::super::report::{Heads, print_lines};
use super::super::terminal::{self, Reports, safe};
use crate::prisma::ndf::ValueType;
use crate::prisma::verify::{Count, Findings, Verdict};
use crate::transfer::summary::{Failure, GroupFacts, StageFacts, Summary};
use indicatif::{DecimalBytes, HumanCount};

/// What stands above the table.
const HEADS: Heads = Heads {
    eye: ["Type", "Count", "Size"],
    shown: [
        |it| HumanCount(it).to_string(),
        |it| DecimalBytes(it).to_string(),
    ],
    plain: ["Count", "Bytes", "Type"],
};

/// Takes the verdict over into the summary of the run.
pub(super) fn note(summary: &mut Summary, verdict: &Verdict) {
    for kind in ValueType::ALL {
        let Count { items, bytes } = verdict.counts[kind as usize];
        let mut facts = StageFacts {
            count: items,
            bytes,
            ..StageFacts::default()
        };
        if kind == ValueType::Nodes {
            let groups = verdict.types.iter().map(|(name, count)| {
                let facts = GroupFacts {
                    count: count.items,
                    bytes: count.bytes,
                };
                (name.clone(), facts)
            });
            facts.groups = groups.collect();
        }
        summary.stages.insert(kind.as_str().to_owned(), facts);
    }
    let findings = verdict.findings.list().iter();
    summary.faults = findings.map(Failure::from).collect();
    summary.faults_left_out = verdict.findings.more();
}

/// Says what there is, and what should be known of it.
pub(super) fn print(reports: Reports, verdict: &Verdict) {
    for note in &verdict.notes {
        terminal::tell(&format!("note: {note}"));
    }
    let mut lines = Vec::new();
    for kind in ValueType::ALL {
        let Count { items, bytes } = verdict.counts[kind as usize];
        lines.push((kind.as_str().to_owned(), items, bytes));
        if kind == ValueType::Nodes {
            let types = verdict.types.iter();
            lines
                .extend(types.map(|(name, it)| (format!("-- {}", safe(name)), it.items, it.bytes)));
        }
    }
    let sum = |of: fn(&Count) -> u64| verdict.counts.iter().map(of).sum();
    lines.push(("Total".to_owned(), sum(|it| it.items), sum(|it| it.bytes)));
    print_lines(reports, &HEADS, &lines);
}

/// Says what is wrong; what to do is said once.
pub(super) fn print_findings(findings: &Findings) {
    let mut advice: Vec<&str> = Vec::new();
    for fault in findings.list() {
        terminal::tell_fault(fault);
        advice.extend(fault.advice().filter(|it| !advice.contains(it)));
    }
    if findings.more() > 0 {
        let more = HumanCount(findings.more());
        terminal::alert(&format!("error: {more} more of these"));
    }
    for hint in advice {
        terminal::alert(&format!("  {hint}"));
    }
}
