//! What is said of an export set that was checked.

use super::super::findings::HEADS;
use super::super::report::print_lines;
use super::super::terminal::{self, Reports, safe};
use crate::checking::Count;
use crate::dgraph::verify::Verdict;
use crate::transfer::summary::{Failure, GroupFacts, StageFacts, Summary};
use std::collections::BTreeMap;

/// A part of the report: its name, how much there is of it, and of what in it.
struct Part {
    name: &'static str,
    total: Count,
    groups: Vec<(String, Count)>,
}

/// Names of a namespace: where there are several, they say which.
fn names(verdict: &Verdict, counts: &BTreeMap<(u64, String), Count>) -> Vec<(String, Count)> {
    let has_several = verdict.namespaces.len() > 1;
    let named = counts.iter().map(|((namespace, name), count)| {
        let name = match has_several {
            true => format!("[{namespace:#x}] {name}"),
            false => name.clone(),
        };
        (name, *count)
    });
    named.collect()
}

fn parts(verdict: &Verdict) -> Vec<Part> {
    let nodes = verdict.types.values();
    let mut parts = vec![
        Part {
            name: "rows",
            total: verdict.rows,
            groups: names(verdict, &verdict.predicates),
        },
        Part {
            name: "types",
            total: Count {
                items: nodes.map(|it| it.items).sum(),
                bytes: 0,
            },
            groups: names(verdict, &verdict.types),
        },
    ];
    if verdict.namespaces.len() > 1 {
        let groups = verdict.namespaces.iter();
        parts.push(Part {
            name: "namespaces",
            total: verdict.rows,
            groups: groups
                .map(|(it, count)| (format!("{it:#x}"), *count))
                .collect(),
        });
    }
    parts
}

/// Takes the verdict over into the summary of the run.
pub(super) fn note(summary: &mut Summary, verdict: &Verdict) {
    for part in parts(verdict) {
        let groups = part.groups.into_iter().map(|(name, count)| {
            let facts = GroupFacts {
                count: count.items,
                bytes: count.bytes,
            };
            (name, facts)
        });
        let facts = StageFacts {
            count: part.total.items,
            bytes: part.total.bytes,
            groups: groups.collect(),
        };
        summary.stages.insert(part.name.to_owned(), facts);
    }
    let all = [&verdict.findings, &verdict.losses];
    let faults = all.iter().flat_map(|it| it.list());
    summary.faults = faults.map(Failure::from).collect();
    summary.faults_left_out = all.iter().map(|it| it.more()).sum();
}

/// Says what there is, and what should be known of it.
pub(super) fn print(reports: Reports, verdict: &Verdict) {
    terminal::tell(&format!("set:     for servers {}", verdict.dialect));
    for note in &verdict.notes {
        terminal::tell(&format!("note: {note}"));
    }
    let mut lines = Vec::new();
    for part in parts(verdict) {
        lines.push((part.name.to_owned(), part.total.items, part.total.bytes));
        let groups = part.groups.iter();
        lines.extend(groups.map(|(name, it)| (format!("-- {}", safe(name)), it.items, it.bytes)));
    }
    print_lines(reports, &HEADS, &lines);
}
