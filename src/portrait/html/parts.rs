//! Pictures and tables of a page.

use super::escape::{Name, Text};
use super::put;
use crate::transfer::summary::{GroupFacts, StageFacts};
use indicatif::{DecimalBytes, HumanCount};
use std::collections::BTreeMap;

/// How many bars a picture has; what is smaller is one more.
const MOST_BARS: usize = 12;
/// The least that is drawn of something, in percent, so that it can be seen.
const LEAST: f64 = 0.4;
/// How many colours there are for stages.
const COLOURS: usize = 5;

/// What a picture of bars shows.
pub struct Bars<'a> {
    /// What stands above it.
    pub title: &'a str,
    /// What its bars stand for.
    pub what: &'a str,
    /// What is counted: one of it.
    pub unit: &'a str,
}

/// Draws groups as bars, the largest first.
pub fn bars(page: &mut String, look: &Bars<'_>, groups: &BTreeMap<String, GroupFacts>) {
    let mut sorted: Vec<(&str, GroupFacts)> = groups
        .iter()
        .map(|(name, it)| (name.as_str(), *it))
        .collect();
    sorted.sort_by_key(|(_, it)| std::cmp::Reverse((it.bytes, it.count)));
    let whole = sum(sorted.iter().map(|(_, it)| it.bytes));
    let largest = sorted.first().map_or(0, |(_, it)| it.bytes);
    // One bar for one more is no shorter than its own.
    let shown = match sorted.len() > MOST_BARS + 1 {
        true => MOST_BARS,
        false => sorted.len(),
    };
    put(
        page,
        format_args!("<section>\n<h2>{}</h2>\n<ol class=\"bars\">\n", look.title),
    );
    for (name, group) in &sorted[..shown] {
        bar(
            page,
            look,
            &Name(name).to_string(),
            *group,
            (largest.into(), whole),
        );
    }
    let rest = &sorted[shown..];
    if !rest.is_empty() {
        let sum = rest
            .iter()
            .fold(GroupFacts::default(), |sum, (_, it)| GroupFacts {
                count: sum.count.saturating_add(it.count),
                bytes: sum.bytes.saturating_add(it.bytes),
            });
        let name = format!("{} more {}", HumanCount(rest.len() as u64), look.what);
        bar(
            page,
            look,
            &name,
            sum,
            (largest.max(sum.bytes).into(), whole),
        );
    }
    put(page, "</ol>\n</section>\n");
}

/// Draws a bar; `name` is HTML.
fn bar(
    page: &mut String,
    look: &Bars<'_>,
    name: &str,
    group: GroupFacts,
    (largest, whole): (u128, u128),
) {
    let unit = match group.count {
        1 => look.unit.to_owned(),
        _ => format!("{}s", look.unit),
    };
    let (size, count) = (DecimalBytes(group.bytes), HumanCount(group.count));
    let share = percent(group.bytes, whole);
    let width = match group.bytes {
        0 => 0.0,
        bytes => percent(bytes, largest).max(LEAST),
    };
    put(
        page,
        format_args!(
            "<li><span class=\"name\">{name}</span><span class=\"value\">{size} <small>{share:.1} % · \
             {count} {unit}</small></span><svg viewBox=\"0 0 100 1\" preserveAspectRatio=\"none\" role=\"img\">\
             <title>{share:.1} % of the bytes</title><rect class=\"track\" width=\"100\" height=\"1\"/>\
             <rect class=\"bar\" width=\"{width:.2}\" height=\"1\"/></svg></li>\n"
        ),
    );
}

/// All of them; a summary beside an archive may say any number.
fn sum(bytes: impl Iterator<Item = u64>) -> u128 {
    bytes.map(u128::from).sum()
}

fn percent(part: u64, whole: u128) -> f64 {
    match whole {
        0 => 0.0,
        whole => part as f64 * 100.0 / whole as f64,
    }
}

/// Draws how the bytes are shared by the stages.
pub fn overview(page: &mut String, stages: &[(&str, &StageFacts)]) {
    let whole = sum(stages.iter().map(|(_, stage)| stage.bytes));
    if whole == 0 {
        return;
    }
    let shares: Vec<(usize, &str, f64, u64)> = stages
        .iter()
        .zip(0..)
        .filter(|((_, stage), _)| stage.bytes > 0)
        .map(|((name, stage), at)| {
            let colour = at % COLOURS + 1;
            (colour, *name, percent(stage.bytes, whole), stage.bytes)
        })
        .collect();
    let told = shares
        .iter()
        .map(|(_, name, share, _)| format!("{} {share:.1} %", Text(name)));
    put(
        page,
        format_args!(
            "<section>\n<h2>Where the bytes are</h2>\n\
             <svg class=\"whole\" viewBox=\"0 0 100 1\" preserveAspectRatio=\"none\" role=\"img\" \
             aria-labelledby=\"whole-title whole-desc\"><title id=\"whole-title\">Bytes of each stage</title>\
             <desc id=\"whole-desc\">{}</desc>",
            told.collect::<Vec<_>>().join(", ")
        ),
    );
    let mut at = 0.0;
    for (colour, _, share, _) in &shares {
        put(
            page,
            format_args!(
                "<rect class=\"s{colour}\" x=\"{at:.3}\" width=\"{share:.3}\" height=\"1\"/>"
            ),
        );
        at += share;
    }
    put(page, "</svg>\n<ul class=\"legend\">\n");
    for (colour, name, share, bytes) in &shares {
        let size = DecimalBytes(*bytes);
        put(
            page,
            format_args!(
                "<li><svg viewBox=\"0 0 1 1\" aria-hidden=\"true\"><rect class=\"s{colour}\" width=\"1\" \
                 height=\"1\"/></svg>{} {size}, {share:.1} %</li>\n",
                Name(name)
            ),
        );
    }
    put(page, "</ul>\n</section>\n");
}

/// A cell of a table.
pub enum Cell {
    /// A name that people gave.
    Name(String),
    /// A name that programs use.
    Code(String),
    /// A number that names something.
    Plain(String),
    /// How many.
    Count(u64),
    /// How many bytes.
    Bytes(u64),
}

impl Cell {
    fn is_number(&self) -> bool {
        matches!(self, Self::Plain(_) | Self::Count(_) | Self::Bytes(_))
    }

    fn html(&self) -> String {
        match self {
            Self::Name(name) | Self::Code(name) if name.is_empty() => String::new(),
            Self::Name(name) => Name(name).to_string(),
            Self::Code(name) => format!("<code>{}</code>", Name(name)),
            Self::Plain(text) => Text(text).to_string(),
            Self::Count(count) => HumanCount(*count).to_string(),
            Self::Bytes(bytes) => DecimalBytes(*bytes).to_string(),
        }
    }
}

/// How a table looks.
pub struct Table<'a> {
    /// What it holds.
    pub caption: &'a str,
    /// What stands above its columns.
    pub heads: &'a [&'a str],
    /// The columns that there is no room for on narrow screens.
    pub wide: &'a [usize],
}

/// Prints a table.
pub fn table(page: &mut String, look: &Table<'_>, rows: impl Iterator<Item = Vec<Cell>>) {
    let rows: Vec<Vec<Cell>> = rows.collect();
    let class = |column: usize| {
        let is_number = rows
            .first()
            .and_then(|row| row.get(column))
            .is_some_and(Cell::is_number);
        match (is_number, look.wide.contains(&column)) {
            (true, true) => " class=\"number wide\"",
            (true, false) => " class=\"number\"",
            (false, true) => " class=\"wide\"",
            (false, false) => "",
        }
    };
    put(
        page,
        format_args!(
            "<div class=\"scroll\">\n<table>\n<caption>{}</caption>\n<thead>\n<tr>",
            look.caption
        ),
    );
    for (column, head) in look.heads.iter().enumerate() {
        put(
            page,
            format_args!("<th scope=\"col\"{}>{head}</th>", class(column)),
        );
    }
    put(page, "</tr>\n</thead>\n<tbody>\n");
    for row in &rows {
        put(page, "<tr>");
        for (column, cell) in row.iter().enumerate() {
            put(
                page,
                format_args!("<td{}>{}</td>", class(column), cell.html()),
            );
        }
        put(page, "</tr>\n");
    }
    put(page, "</tbody>\n</table>\n</div>\n");
}
