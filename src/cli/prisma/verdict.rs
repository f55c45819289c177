//! What is said of a data set that was checked.

use super::super::findings::HEADS;
use super::super::report::print_lines;
use super::super::terminal::{self, Reports, safe};
use crate::prisma::ndf::ValueType;
use crate::prisma::verify::{Count, Verdict};
use crate::transfer::summary::{Failure, GroupFacts, StageFacts, Summary};

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
