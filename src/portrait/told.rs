//! A portrait in words that a page and a terminal share.

use super::{BesideFacts, Opener, PlaceFacts, Portrait, ScopeFacts, State, ToldFacts};
use crate::model::Stage;
use crate::transfer::summary::{Status, Summary};
use indicatif::{DecimalBytes, HumanCount};

/// How many content types of a scope are named.
const NAMED: usize = 5;
/// How many warnings are told.
const TOLD: usize = 20;

/// How the note begins that sums up what an export told of.
const RETOLD: &str = "it was incomplete when it was made";

/// A name and what is to be said under it.
pub type Fact = (&'static str, String);

/// What should be known of an archive, apart from what is wrong with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Remarks {
    /// What exists and is not in it.
    pub missing: Vec<String>,
    /// What else.
    pub notes: Vec<String>,
}

/// A number of bytes, whole and for people.
pub fn size(bytes: u64) -> String {
    match bytes < 1000 {
        true => format!("{bytes} bytes"),
        false => format!("{bytes} bytes ({})", DecimalBytes(bytes)),
    }
}

impl Portrait {
    /// What it is, in the order in which people ask.
    pub fn facts(&self) -> Vec<Fact> {
        let mut facts = vec![("Archive", self.archive.location.clone())];
        facts.extend(self.archive.size.map(|bytes| ("Size", size(bytes))));
        facts.push(("Form", form(&self.archive)));
        let outside = [
            ("File written", &self.archive.written),
            ("By its name", &self.archive.dated),
        ];
        for (name, value) in outside {
            facts.extend(value.clone().map(|value| (name, value)));
        }
        let origin = match (&self.made, &self.strapi) {
            (Some(made), Some(strapi)) => Some(format!("{made} on Strapi {strapi}")),
            (None, Some(strapi)) => Some(format!("at an unknown time on Strapi {strapi}")),
            _ => None,
        };
        facts.extend(origin.map(|origin| ("Data of", origin)));
        if let Some(maker) = &self.maker {
            let by = format!(
                "{} {}, format {}",
                maker.program, maker.version, maker.format
            );
            facts.push(("By", by));
        } else if self.protection.is_some() {
            facts.push(("By", "it does not say; Strapi's own do not".into()));
        }
        if let Some(database) = &self.database {
            let moment = match self.consistent {
                Some(true) => ", all of it from one moment",
                Some(false) => ", not all of it from one moment",
                None => "",
            };
            facts.push(("Database", format!("{database}{moment}")));
        }
        facts.extend(self.time_zone.clone().map(|zone| ("Time zone", zone)));
        facts.extend(self.scope.as_ref().map(|scope| ("Scope", of_scope(scope))));
        let asked = self.maker.as_ref().map(|maker| maker.filters.told());
        let asked = asked.filter(|asked| !asked.is_empty());
        facts.extend(asked.map(|asked| ("Asked for", asked)));
        if let Some(entries) = &self.entries {
            let count = HumanCount(entries.count);
            let text = format!("{count} with {}", size(entries.bytes));
            facts.push(("Entries", text));
        }
        if self.state != State::Sealed {
            facts.push(("Protection", self.protected()));
        }
        facts.push(("State", self.verdict().into()));
        facts
    }

    fn protected(&self) -> String {
        let Some(protection) = &self.protection else {
            return "it could not be read to its end".into();
        };
        let Some(entries) = protection.checksums else {
            return match (self.archive.cipher, self.archive.opens) {
                (Some("age"), Some(Opener::Key)) => {
                    "the age format's own: it was written by somebody who knew the key".into()
                }
                (Some("age"), _) => "the age format's own; nothing proves who wrote it".into(),
                _ => "none: it has no checksums".into(),
            };
        };
        let who = match protection.authenticated {
            true => "somebody who knew the key listed them",
            false => "nothing proves who listed them",
        };
        let entries = HumanCount(entries);
        match self.is_damaged() {
            true => format!("{entries} checksums were compared; {who}"),
            false => format!("{entries} checksums match; {who}"),
        }
    }

    /// What is to be said of it in a sentence.
    pub fn verdict(&self) -> &'static str {
        match self.state {
            State::Complete => "complete, as far as it says; backup verify checks that it is whole",
            State::Incomplete => "incomplete: something that exists is not in it",
            State::Damaged => "damaged",
            State::Sealed if self.archive.opens == Some(Opener::Identity) => {
                "not opened: all else needs an identity of one of its recipients"
            }
            State::Sealed => "not opened: all else needs the key",
        }
    }

    /// What is missing from it, and what else should be known. Of an archive that was not opened the summary beside it
    /// says that.
    pub fn remarks(&self) -> Remarks {
        let mut remarks = Remarks::default();
        let mut put = |incomplete: bool, text: String| match incomplete {
            true => remarks.missing.push(text),
            false => remarks.notes.push(text),
        };
        let mut left_out = self.warnings_left_out;
        let when_made = self.outcome.as_ref().map(|it| &it.warnings[..]);
        let when_made = when_made.unwrap_or_default();
        for told in when_made {
            put(told.incomplete, told.message.clone());
        }
        // What the export told one by one is not told again in a sentence.
        let is_told = |told: &ToldFacts| {
            let same = |it: &ToldFacts| it.incomplete && it.kind == told.kind;
            told.incomplete && when_made.iter().any(same)
        };
        let own = format!("{}: ", self.archive.location);
        for told in self.warnings.iter().filter(|told| !is_told(told)) {
            let text = told.message.strip_prefix(&own).unwrap_or(&told.message);
            if !text.starts_with(RETOLD) {
                put(told.incomplete, text.to_owned());
            }
        }
        let beside = self.beside.as_ref().and_then(|it| it.summary.as_ref());
        for told in beside.iter().flat_map(|summary| &summary.warnings) {
            put(
                told.incomplete,
                format!("{}: {}", told.subject, told.reason),
            );
        }
        for more in [
            self.outcome.as_ref().map_or(0, |it| it.warnings_left_out),
            beside.map_or(0, |summary| summary.warnings_left_out),
        ] {
            left_out = left_out.saturating_add(more);
        }
        for list in [&mut remarks.missing, &mut remarks.notes] {
            let more = list.len().saturating_sub(TOLD);
            list.truncate(TOLD);
            if more > 0 {
                list.push(format!("{} more of these", HumanCount(more as u64)));
            }
        }
        if left_out > 0 {
            let text = format!("{} more, which were not listed", HumanCount(left_out));
            match remarks.missing.is_empty() {
                true => remarks.notes.push(text),
                false => remarks.missing.push(text),
            }
        }
        remarks
    }
}

impl BesideFacts {
    /// What the summary says, and whether it fits.
    pub fn facts(&self) -> Vec<Fact> {
        let mut facts = self.summary.as_ref().map(of_summary).unwrap_or_default();
        facts.push((
            "It fits",
            match &self.doubt {
                Some(doubt) => format!("no: {doubt}"),
                None => "its name and its size do; nothing proves more".into(),
            },
        ));
        facts
    }
}

fn of_summary(summary: &Summary) -> Vec<Fact> {
    let mut facts = Vec::new();
    let status = match summary.status {
        Status::Complete => "complete",
        Status::Incomplete => "incomplete",
        Status::Failed => "failed",
    };
    let texts = [
        ("Project", &summary.project),
        ("From", &summary.from),
        ("Strapi", &summary.strapi),
        ("Database", &summary.database),
        ("Begun", &summary.started),
        ("Ended", &summary.finished),
    ];
    facts.push(("State", status.to_owned()));
    facts.push(("By", format!("{} {}", summary.program, summary.version)));
    for (name, value) in texts {
        facts.extend(value.clone().map(|value| (name, value)));
    }
    let archive = summary.archive.as_ref();
    facts.extend(archive.and_then(|it| it.size).map(|it| ("Size", size(it))));
    let digest = archive.and_then(|archive| archive.sha256.clone());
    facts.extend(digest.map(|digest| ("SHA-256", digest)));
    facts
}

/// How the bytes are packed.
fn form(archive: &PlaceFacts) -> String {
    if archive.unpacked {
        return "an unpacked archive, in a folder".into();
    }
    let cipher = match (archive.cipher, archive.opens) {
        (Some("strapi"), _) => "Strapi's cipher",
        (_, Some(Opener::Identity)) => "age, to recipients",
        _ => "age, with a passphrase",
    };
    match (archive.encrypted, archive.compressed) {
        (true, Some(true)) => format!("tar, compressed and encrypted ({cipher})"),
        (true, Some(false)) => format!("tar, encrypted ({cipher}), not compressed"),
        (true, None) => format!("encrypted ({cipher})"),
        (false, Some(true)) => "tar, compressed, not encrypted".into(),
        (false, _) => "tar, neither compressed nor encrypted".into(),
    }
}

/// What an archive was made from.
fn of_scope(scope: &ScopeFacts) -> String {
    let all = Stage::ALL.iter().map(|stage| stage.as_str());
    let has = |stage: &str| scope.stages.iter().any(|own| own == stage);
    let stages = match all.clone().all(has) {
        true => "everything".to_owned(),
        false => all
            .filter(|stage| has(stage))
            .collect::<Vec<_>>()
            .join(", "),
    };
    let types = scope.types.len();
    let named = match types {
        0 => return stages,
        1..=NAMED => scope.types.join(", "),
        _ => format!("{} content types", HumanCount(types as u64)),
    };
    format!("{stages}; {named}")
}
