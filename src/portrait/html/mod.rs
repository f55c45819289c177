//! A portrait as a page: one file without scripts, which asks nobody for anything, for screens of any width, light and
//! dark, and for paper. It is well-formed XML as well.

mod escape;
mod parts;

use super::told::Fact;
use super::{BesideFacts, Portrait, State, in_order};
use crate::transfer::summary::{GroupFacts, StageFacts};
use escape::{Name, Text};
use indicatif::{DecimalBytes, HumanCount};
use jiff::Timestamp;
use parts::{Bars, Cell, Table, bars, overview, table};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What a browser may do for the page: show it.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
const STYLE: &str = include_str!("style.css");
/// How many faults are shown, and how many lines of long tables.
const FAULTS: usize = 100;
const LINES: usize = 1000;

/// How every page begins, and nothing else does.
pub const BEGIN: &str = "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
                         <meta name=\"generator\" content=\"backup inspect\"/>\n";

/// The page.
pub fn page(portrait: &Portrait) -> String {
    let mut page = String::new();
    let name = Text(&portrait.archive.name);
    put(
        &mut page,
        format_args!(
            "{BEGIN}<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\"/>\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
             <meta name=\"referrer\" content=\"no-referrer\"/>\n\
             <meta name=\"color-scheme\" content=\"light dark\"/>\n\
             <title>{name}: what is in it</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n"
        ),
    );
    header(&mut page, portrait);
    alarms(&mut page, portrait);
    match &portrait.beside {
        Some(beside) => said_beside(&mut page, beside),
        None => content(&mut page, portrait),
    }
    put(&mut page, "<section>\n<h2>About this archive</h2>\n");
    facts(&mut page, &portrait.facts());
    put(&mut page, "</section>\n");
    folded(&mut page, portrait);
    put(
        &mut page,
        format_args!(
            "<footer>\n<p>Told by backup {}. Whether an archive is whole is what <code>backup verify</code> \
             says.</p>\n</footer>\n</main>\n</body>\n</html>\n",
            env!("CARGO_PKG_VERSION")
        ),
    );
    page
}

/// Puts text into a page. What comes of an archive is a [`Text`] or a [`Name`].
fn put(page: &mut String, what: impl std::fmt::Display) {
    let _ = write!(page, "{what}");
}

fn header(page: &mut String, portrait: &Portrait) {
    let state = portrait.state.as_str();
    let word = match portrait.state {
        State::Complete => "Nothing seen missing or damaged",
        State::Incomplete => "Incomplete",
        State::Damaged => "Damaged",
        State::Sealed => "Encrypted, not opened",
    };
    put(
        page,
        format_args!(
            "<header>\n<p class=\"kicker\">Archive of a Strapi project</p>\n<h1>{}</h1>\n\
             <p class=\"badge {state}\">{word}</p>\n",
            Name(&portrait.archive.name)
        ),
    );
    let mut lead = Vec::new();
    let size = portrait.archive.size;
    lead.extend(size.map(|size| DecimalBytes(size).to_string()));
    lead.extend(
        portrait
            .made
            .as_deref()
            .map(|it| format!("made {}", day(it))),
    );
    let strapi = portrait.strapi.as_deref();
    lead.extend(strapi.map(|it| format!("Strapi {}", Name(it))));
    lead.extend(portrait.database.as_deref().map(|it| Name(it).to_string()));
    if portrait.made.is_none() {
        let written = portrait.archive.written.as_deref();
        lead.extend(written.map(|it| format!("written {}", day(it))));
    }
    put(
        page,
        format_args!("<p>{}</p>\n</header>\n", lead.join(" · ")),
    );
}

/// A moment, for people.
fn day(text: &str) -> String {
    match text.parse::<Timestamp>() {
        Ok(time) => time.strftime("%-d %B %Y, %H:%M UTC").to_string(),
        Err(_) => Name(text).to_string(),
    }
}

/// What is wrong, and what is missing: before all else.
fn alarms(page: &mut String, portrait: &Portrait) {
    let list =
        |page: &mut String, class: &str, title: &str, texts: &mut dyn Iterator<Item = &str>| {
            let mut texts = texts.peekable();
            if texts.peek().is_none() {
                return;
            }
            put(
                page,
                format_args!("<section class=\"{class}\">\n<h2>{title}</h2>\n<ul>\n"),
            );
            for text in texts {
                put(page, format_args!("<li>{}</li>\n", Text(text)));
            }
            put(page, "</ul>\n</section>\n");
        };
    let faults = portrait.faults.iter().take(FAULTS);
    let mut faults = faults.map(|fault| fault.message.as_str());
    list(page, "alarm broken", "What is wrong with it", &mut faults);
    let remarks = portrait.remarks();
    let mut missing = remarks.missing.iter().map(String::as_str);
    let titles = match portrait.beside {
        Some(_) => [
            "What is missing, as the summary beside it says",
            "To be known, as the summary beside it says",
        ],
        None => ["What is missing", "To be known"],
    };
    list(page, "alarm", titles[0], &mut missing);
    let mut notes = remarks.notes.iter().map(String::as_str);
    list(page, "notes", titles[1], &mut notes);
}

fn said_beside(page: &mut String, beside: &BesideFacts) {
    put(
        page,
        "<section>\n<h2>What the summary beside it says</h2>\n\
         <p class=\"soft\">This is said by a file that lies beside the archive, not by the archive itself.</p>\n",
    );
    facts(page, &beside.facts());
    put(page, "</section>\n");
    if let Some(summary) = &beside.summary {
        sizes(page, &summary.stages);
        types(page, &summary.stages);
    }
}

fn content(page: &mut String, portrait: &Portrait) {
    sizes(page, &portrait.stages);
    let optional = |text: &Option<String>| Cell::Name(text.clone().unwrap_or_default());
    if !portrait.largest_entities.is_empty() {
        let rows = portrait.largest_entities.iter().map(|entity| {
            vec![
                Cell::Bytes(entity.bytes),
                optional(&entity.title),
                Cell::Code(entity.content_type.clone()),
                Cell::Plain(entity.id.to_string()),
                Cell::Code(entity.document.clone().unwrap_or_default()),
            ]
        });
        put(page, "<section>\n<h2>Largest entities</h2>\n");
        table(
            page,
            &Table {
                caption: "The entities with the longest lines",
                heads: &["Size", "Title", "Type", "Id", "Document"],
                wide: &[4],
            },
            rows,
        );
        put(page, "</section>\n");
    }
    if !portrait.largest_files.is_empty() {
        let rows = portrait.largest_files.iter().map(|file| {
            vec![
                Cell::Bytes(file.bytes),
                optional(&file.name),
                Cell::Code(file.file.clone()),
                Cell::Plain(file.row.map(|row| row.to_string()).unwrap_or_default()),
                optional(&file.format),
            ]
        });
        put(page, "<section>\n<h2>Largest files</h2>\n");
        table(
            page,
            &Table {
                caption: "The largest files of the media library, formats of pictures among them",
                heads: &["Size", "Name", "File", "Row", "Format"],
                wide: &[3, 4],
            },
            rows,
        );
        put(page, "</section>\n");
    }
    types(page, &portrait.stages);
    groups(page, "Media types", "Media type", &portrait.media_types);
}

/// How much there is, as pictures.
fn sizes(page: &mut String, stages: &BTreeMap<String, StageFacts>) {
    if stages.is_empty() {
        return;
    }
    put(page, "<ul class=\"tiles\">\n");
    for (name, stage) in in_order(stages) {
        let (count, bytes) = (HumanCount(stage.count), DecimalBytes(stage.bytes));
        put(
            page,
            format_args!(
                "<li><strong>{count}</strong><span>{}</span> <span>{bytes}</span></li>\n",
                Name(name)
            ),
        );
    }
    put(page, "</ul>\n");
    overview(page, &in_order(stages));
    let of = |name: &str| stages.get(name).map(|stage| &stage.groups);
    put(page, "<div class=\"pair\">\n");
    for (title, what, unit, groups) in [
        ("Content by type", "types", "row", of("entities")),
        ("Files by extension", "extensions", "file", of("assets")),
    ] {
        if let Some(groups) = groups.filter(|groups| !groups.is_empty()) {
            bars(page, &Bars { title, what, unit }, groups);
        }
    }
    put(page, "</div>\n");
}

fn types(page: &mut String, stages: &BTreeMap<String, StageFacts>) {
    for (name, title, head) in [
        ("entities", "All content types", "Type"),
        ("assets", "All extensions", "Extension"),
    ] {
        if let Some(stage) = stages.get(name) {
            groups(page, title, head, &stage.groups);
        }
    }
}

/// A folded table of groups.
fn groups(page: &mut String, title: &str, head: &str, groups: &BTreeMap<String, GroupFacts>) {
    let rows = groups.iter().map(|(name, count)| {
        vec![
            Cell::Code(name.clone()),
            Cell::Count(count.count),
            Cell::Bytes(count.bytes),
        ]
    });
    let heads = [head, "Count", "Size"];
    fold(page, title, groups.len() as u64, &heads, rows);
}

fn folded(page: &mut String, portrait: &Portrait) {
    let components = portrait.components.iter();
    let rows = components.map(|(uid, count)| vec![Cell::Code(uid.clone()), Cell::Count(*count)]);
    let all = portrait.components.len() as u64;
    fold(page, "Components", all, &["Component", "Count"], rows);
    let shards = portrait.shards.iter();
    let rows = shards.map(|shard| {
        vec![
            Cell::Code(shard.name.clone()),
            Cell::Count(shard.lines),
            Cell::Bytes(shard.bytes),
        ]
    });
    let all = portrait.shards.len() as u64;
    let all = all.saturating_add(portrait.shards_left_out);
    fold(page, "Shards", all, &["Shard", "Lines", "Size"], rows);
    if let Some(scope) = &portrait.scope {
        let rows = scope.types.iter().map(|uid| vec![Cell::Code(uid.clone())]);
        let all = scope.types.len() as u64;
        fold(page, "Content types of the scope", all, &["Type"], rows);
    }
}

/// A table that is folded away at first.
fn fold(
    page: &mut String,
    title: &str,
    all: u64,
    heads: &[&str],
    rows: impl Iterator<Item = Vec<Cell>>,
) {
    if all == 0 {
        return;
    }
    let count = HumanCount(all);
    put(
        page,
        format_args!("<details>\n<summary>{title} ({count})</summary>\n"),
    );
    let caption = match all > LINES as u64 {
        true => "The first thousand of them",
        false => "All of them",
    };
    let look = Table {
        caption,
        heads,
        wide: &[],
    };
    table(page, &look, rows.take(LINES));
    put(page, "</details>\n");
}

fn facts(page: &mut String, facts: &[Fact]) {
    put(page, "<dl>\n");
    for (name, value) in facts {
        put(
            page,
            format_args!("<dt>{name}</dt><dd>{}</dd>\n", Text(value)),
        );
    }
    put(page, "</dl>\n");
}
