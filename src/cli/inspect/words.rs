//! A portrait in words: for the eye at a terminal, in plain columns elsewhere.

use super::super::columns::Columns;
use super::super::list::size;
use super::super::report::{self, Heads};
use super::super::terminal::{Reports, alert, safe};
use crate::portrait::{Fact, Portrait, in_order};
use crate::transfer::summary::{GroupFacts, StageFacts};
use indicatif::{DecimalBytes, HumanCount};
use std::collections::BTreeMap;

/// How many shards and components are listed.
const LISTED: usize = 50;
/// Where reports go.
const OUT: Reports = Reports::Stdout;

/// Prints a portrait.
pub(super) fn print(portrait: &Portrait) {
    print_facts(&portrait.facts());
    if let Some(beside) = &portrait.beside {
        OUT.write("\nSaid by the summary beside it, not by the archive:");
        print_facts(&beside.facts());
    }
    let remarks = portrait.remarks();
    print_list("Missing", &remarks.missing);
    print_list("Notes", &remarks.notes);
    let beside = portrait.beside.as_ref().and_then(|it| it.summary.as_ref());
    print_stages(beside.map_or(&portrait.stages, |summary| &summary.stages));
    print_groups("Media type", &portrait.media_types);
    print_largest(portrait);
    print_components(portrait);
    print_shards(portrait);
}

/// Says what is wrong; what to do is said once.
pub(super) fn print_faults(portrait: &Portrait) {
    let mut advice = Vec::new();
    for fault in &portrait.faults {
        for (index, line) in fault.message.lines().enumerate() {
            let before = if index == 0 { "error: " } else { "" };
            alert(&format!("{before}{line}"));
        }
        let hint = fault.advice.as_deref();
        advice.extend(hint.filter(|hint| !advice.contains(hint)));
    }
    if portrait.faults_left_out > 0 {
        let more = HumanCount(portrait.faults_left_out);
        alert(&format!("error: {more} more of these"));
    }
    advice.iter().for_each(|hint| alert(&format!("  {hint}")));
}

fn print_facts(facts: &[Fact]) {
    for (name, value) in facts {
        OUT.write(&format!("{name:<10}  {}", safe(value)));
    }
}

fn print_list(title: &str, list: &[String]) {
    if !list.is_empty() {
        OUT.write(&format!("\n{title}:"));
    }
    for text in list {
        OUT.write(&format!("  {}", safe(text)));
    }
}

/// The table that an export prints.
fn print_stages(stages: &BTreeMap<String, StageFacts>) {
    if stages.is_empty() {
        return;
    }
    let mut lines = Vec::new();
    for (name, stage) in in_order(stages) {
        lines.push((name.to_owned(), stage.count, stage.bytes));
        for (group, count) in &stage.groups {
            lines.push((format!("-- {}", safe(group)), count.count, count.bytes));
        }
    }
    let all = stages.values();
    let (count, bytes) = all.fold((0, 0), |(count, bytes), stage| {
        (count + stage.count, bytes + stage.bytes)
    });
    lines.push(("Total".to_owned(), count, bytes));
    print_lines(["Type", "Count", "Size"], &lines);
}

fn print_groups(title: &'static str, groups: &BTreeMap<String, GroupFacts>) {
    let lines = groups.iter();
    let lines: Vec<report::Line> = lines
        .map(|(name, count)| (safe(name), count.count, count.bytes))
        .collect();
    if !lines.is_empty() {
        print_lines([title, "Count", "Size"], &lines);
    }
}

/// Prints lines of a name and two numbers.
fn print_lines(eye: [&'static str; 3], lines: &[report::Line]) {
    OUT.write("");
    let heads = Heads {
        eye,
        shown: [report::count, |bytes| DecimalBytes(bytes).to_string()],
        plain: [eye[1], "Bytes", eye[0]],
    };
    report::print_lines(OUT, &heads, lines);
}

fn print_largest(portrait: &Portrait) {
    let optional = |text: &Option<String>| text.clone().unwrap_or_default();
    let mut entities = Columns::new(
        ["Size", "Id", "Document", "Largest entities", "Title"],
        [true, true, false, false, false],
        3,
    );
    for entity in &portrait.largest_entities {
        entities.add([
            size(entity.bytes),
            entity.id.to_string(),
            optional(&entity.document),
            entity.content_type.clone(),
            optional(&entity.title),
        ]);
    }
    let mut files = Columns::new(
        ["Size", "Row", "Format", "Largest files", "Name"],
        [true, true, false, false, false],
        3,
    );
    for file in &portrait.largest_files {
        files.add([
            size(file.bytes),
            file.row.map(|row| row.to_string()).unwrap_or_default(),
            optional(&file.format),
            file.file.clone(),
            optional(&file.name),
        ]);
    }
    print_columns(!portrait.largest_entities.is_empty(), &entities);
    print_columns(!portrait.largest_files.is_empty(), &files);
}

fn print_components(portrait: &Portrait) {
    let mut columns = Columns::new(["Count", "Component"], [true, false], 1);
    for (uid, rows) in portrait.components.iter().take(LISTED) {
        columns.add([rows.to_string(), uid.clone()]);
    }
    print_columns(!portrait.components.is_empty(), &columns);
    print_more(portrait.components.len().saturating_sub(LISTED) as u64);
}

fn print_shards(portrait: &Portrait) {
    let mut columns = Columns::new(["Lines", "Size", "Shard"], [true, true, false], 2);
    for shard in portrait.shards.iter().take(LISTED) {
        columns.add([
            shard.lines.to_string(),
            size(shard.bytes),
            shard.name.clone(),
        ]);
    }
    print_columns(!portrait.shards.is_empty(), &columns);
    let more = portrait.shards.len().saturating_sub(LISTED) as u64;
    print_more(more + portrait.shards_left_out);
}

fn print_columns<const N: usize>(has_rows: bool, columns: &Columns<N>) {
    if has_rows {
        OUT.write(&format!("\n{}", columns.text(OUT.width())));
    }
}

fn print_more(more: u64) {
    if more > 0 {
        OUT.write(&format!("{} more of these", HumanCount(more)));
    }
}
