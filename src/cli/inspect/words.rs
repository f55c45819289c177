//! A portrait in words: for the eye at a terminal, in plain columns elsewhere.

use super::super::columns::Columns;
use super::super::list::size;
use super::super::report::{self, Heads};
use super::super::terminal::{alert, safe};
use crate::portrait::{EntityFacts, Fact, FileFacts, Portrait, in_order};
use crate::transfer::summary::{GroupFacts, StageFacts};
use indicatif::{DecimalBytes, HumanCount};
use std::collections::BTreeMap;

/// How many shards and components are listed.
const LISTED: usize = 50;
/// From which width on documents are shown at a terminal.
const WIDE: usize = 110;

/// A portrait in words: in lines of at most so many characters, where that is said.
pub(super) fn text(portrait: &Portrait, room: Option<usize>) -> String {
    let mut words = Words {
        text: String::new(),
        room,
    };
    words.facts(&portrait.facts());
    if let Some(beside) = &portrait.beside {
        words.line("\nSaid by the summary beside it, not by the archive:");
        words.facts(&beside.facts());
    }
    let remarks = portrait.remarks();
    words.list("Missing", &remarks.missing);
    words.list("Notes", &remarks.notes);
    let beside = portrait.beside.as_ref().and_then(|it| it.summary.as_ref());
    words.stages(beside.map_or(&portrait.stages, |summary| &summary.stages));
    words.groups("Media type", &portrait.media_types);
    words.largest_entities(&portrait.largest_entities);
    words.largest_files(&portrait.largest_files);
    words.components(portrait);
    words.shards(portrait);
    words.text.truncate(words.text.trim_end().len());
    words.text
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

/// Words that are put together.
struct Words {
    text: String,
    room: Option<usize>,
}

impl Words {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn facts(&mut self, facts: &[Fact]) {
        for (name, value) in facts {
            self.line(&format!("{name:<12}  {}", safe(value)));
        }
    }

    fn list(&mut self, title: &str, list: &[String]) {
        if !list.is_empty() {
            self.line(&format!("\n{title}:"));
        }
        for text in list {
            self.line(&format!("  {}", safe(text)));
        }
    }

    /// The table that an export prints.
    fn stages(&mut self, stages: &BTreeMap<String, StageFacts>) {
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
        // A summary beside an archive may say any number.
        let (count, bytes) = stages
            .values()
            .fold((0_u64, 0_u64), |(count, bytes), stage| {
                let count = count.saturating_add(stage.count);
                (count, bytes.saturating_add(stage.bytes))
            });
        lines.push(("Total".to_owned(), count, bytes));
        self.lines(["Type", "Count", "Size"], &lines);
    }

    fn groups(&mut self, title: &'static str, groups: &BTreeMap<String, GroupFacts>) {
        let lines = groups.iter();
        let lines: Vec<report::Line> = lines
            .map(|(name, count)| (safe(name), count.count, count.bytes))
            .collect();
        if !lines.is_empty() {
            self.lines([title, "Count", "Size"], &lines);
        }
    }

    /// Lines of a name and two numbers.
    fn lines(&mut self, eye: [&'static str; 3], lines: &[report::Line]) {
        let heads = Heads {
            eye,
            shown: [report::count, |bytes| DecimalBytes(bytes).to_string()],
            plain: [eye[1], "Bytes", eye[0]],
        };
        let table = report::text(&heads, lines, self.room);
        self.line(&format!("\n{table}"));
    }

    fn largest_entities(&mut self, largest: &[EntityFacts]) {
        // The order in which people look; and for programs numbers first, because names have any length.
        let cells = |it: &EntityFacts| {
            let title = it.title.clone().unwrap_or_default();
            let document = it.document.clone().unwrap_or_default();
            let kind = it.content_type.clone();
            (title, kind, document, it.id.to_string(), size(it.bytes))
        };
        let all = largest.iter().map(cells);
        let title = "Largest entities";
        match self.room {
            None => {
                let heads = ["Size", "Id", "Document", "Type", "Title"];
                let mut columns = Columns::new(heads, [true, true, false, false, false], 3);
                all.for_each(|(title, kind, document, id, size)| {
                    columns.add([size, id, document, kind, title]);
                });
                self.columns(title, largest.len(), &columns, &[]);
            }
            Some(WIDE..) => {
                let heads = ["Title", "Type", "Document", "Id", "Size"];
                let mut columns = Columns::new(heads, [false, false, false, true, true], 0);
                all.for_each(|(title, kind, document, id, size)| {
                    columns.add([title, kind, document, id, size]);
                });
                self.columns(title, largest.len(), &columns, &[0, 1]);
            }
            Some(_) => {
                let heads = ["Title", "Type", "Id", "Size"];
                let mut columns = Columns::new(heads, [false, false, true, true], 0);
                all.for_each(|(title, kind, _, id, size)| columns.add([title, kind, id, size]));
                self.columns(title, largest.len(), &columns, &[0, 1]);
            }
        }
    }

    fn largest_files(&mut self, largest: &[FileFacts]) {
        let cells = |it: &FileFacts| {
            let name = it.name.clone().unwrap_or_default();
            let format = it.format.clone().unwrap_or_default();
            let row = it.row.map(|row| row.to_string()).unwrap_or_default();
            (name, it.file.clone(), format, row, size(it.bytes))
        };
        let all = largest.iter().map(cells);
        let title = "Largest files";
        match self.room {
            None => {
                let heads = ["Size", "Row", "Format", "File", "Name"];
                let mut columns = Columns::new(heads, [true, true, false, false, false], 3);
                all.for_each(|(name, file, format, row, size)| {
                    columns.add([size, row, format, file, name]);
                });
                self.columns(title, largest.len(), &columns, &[]);
            }
            Some(_) => {
                let heads = ["Name", "File", "Format", "Row", "Size"];
                let mut columns = Columns::new(heads, [false, false, false, true, true], 0);
                all.for_each(|(name, file, format, row, size)| {
                    columns.add([name, file, format, row, size]);
                });
                self.columns(title, largest.len(), &columns, &[0, 1]);
            }
        }
    }

    fn components(&mut self, portrait: &Portrait) {
        let all = &portrait.components;
        let mut columns = Columns::new(["Count", "Name"], [true, false], 1);
        for (uid, rows) in all.iter().take(LISTED) {
            columns.add([rows.to_string(), uid.clone()]);
        }
        self.columns("Components", all.len(), &columns, &[1]);
        self.more(all.len().saturating_sub(LISTED) as u64);
    }

    fn shards(&mut self, portrait: &Portrait) {
        let mut columns = Columns::new(["Lines", "Size", "Name"], [true, true, false], 2);
        for shard in portrait.shards.iter().take(LISTED) {
            columns.add([
                shard.lines.to_string(),
                size(shard.bytes),
                shard.name.clone(),
            ]);
        }
        self.columns("Shards", portrait.shards.len(), &columns, &[2]);
        let more = portrait.shards.len().saturating_sub(LISTED) as u64;
        self.more(more.saturating_add(portrait.shards_left_out));
    }

    /// So many rows under a title; cells of the columns `names` give way where there is no room.
    fn columns<const N: usize>(
        &mut self,
        title: &str,
        rows: usize,
        columns: &Columns<N>,
        names: &[usize],
    ) {
        if rows > 0 {
            let table = columns.abridged(self.room, names);
            self.line(&format!("\n{title}:\n{table}"));
        }
    }

    fn more(&mut self, more: u64) {
        if more > 0 {
            self.line(&format!("{} more of these", HumanCount(more)));
        }
    }
}
