//! What becomes of a site whose push broke: its database is as it was, and its files are sent back from the safety copy,
//! by a push that is never committed. What cannot be set right from here is said, with what is where and what to do.

use super::held::Held;
use super::load::{ROW, ROW_LINE};
use super::lock::PushLock;
use super::reached::Reached;
use super::rules::Rules;
use super::talk::Push;
use super::{SafetyCopy, load, logos};
use crate::error::{Error, Kind, Result};
use crate::model::{Asset, ConfigItem, Entity, Link, Schema, Stage};
use crate::remote::wire::Restore;
use crate::remote::{Site, Trouble};
use crate::store::Interrupt;
use crate::transfer::{Filter, FilterOptions, Group, Sink, Subject, Warning, WarningKind};
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a server gets that must not be left with half of a file in its hands.
const GRACE: Duration = Duration::from_millis(1500);
/// No pause between two attempts to reach a site is longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// How often it is looked whether the user wants the run to stop, while a pause lasts.
const GLANCE: Duration = Duration::from_millis(100);

/// The same site, for a push. A server that ends when it is left in the middle of a file is given a moment to take the
/// rest of what it was sent.
pub(super) fn site_of_push(site: &Site, rules: Rules) -> Site {
    if !rules.is_fragile() {
        return site.clone();
    }
    let user = site.access().interrupt().clone();
    let first = Mutex::new(None::<Instant>);
    site.stopped_by(Interrupt::when(move || {
        let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
        user.stop().is_err() && first.get_or_insert_with(Instant::now).elapsed() >= GRACE
    }))
}

/// Does something with a site that may have to start again: as long as its [`Patience`](crate::remote::Patience) says
/// where it is away, and as often as its pulls are begun again where it is there and fails.
///
/// # Errors
/// The last one; one that no waiting helps against; the user wants the run to stop.
pub(super) fn patiently<T>(site: &Site, attempt: impl FnMut() -> Result<T>) -> Result<T> {
    patiently_telling(site, None, attempt)
}

/// The same, with somebody who hears that it is waited.
fn patiently_telling<T>(
    site: &Site,
    mut tell: Option<fn(&str)>,
    mut attempt: impl FnMut() -> Result<T>,
) -> Result<T> {
    let mut left = site.patience().back;
    let mut pause = site.patience().pause;
    let mut retries = site.retries();
    loop {
        let error = match attempt() {
            Err(error) => error,
            done => return done,
        };
        match Trouble::of(&error) {
            Some(trouble) if trouble.is_away() && !left.is_zero() => {
                if let Some(tell) = tell.take() {
                    tell(&format!(
                        "{}: it may be starting again, and is waited for, up to {} seconds; a second signal ends the \
                         program at once",
                        site.name(),
                        left.as_secs()
                    ));
                }
            }
            Some(trouble) if trouble.is_passing() && !trouble.is_away() && retries > 0 => {
                retries -= 1;
            }
            _ => return Err(error),
        }
        let pause_now = pause.min(LONGEST_PAUSE).min(left);
        left -= pause_now;
        rest(site, pause_now)?;
        pause *= 2;
    }
}

/// Waits, unless the user wants the run to stop.
fn rest(site: &Site, mut left: Duration) -> Result<()> {
    loop {
        site.access().interrupt().stop()?;
        if left.is_zero() {
            return Ok(());
        }
        let piece = left.min(GLANCE);
        std::thread::sleep(piece);
        left -= piece;
    }
}

/// A push that broke, its connection closed.
pub(super) struct Wreck {
    pub site: Site,
    pub reached: Reached,
    /// Whether files were to be replaced.
    pub has_files: bool,
    /// The content types that are never emptied.
    pub kept_types: Vec<String>,
    pub rules: Rules,
    /// The folder on the server that its old files were put into, as far as it said so.
    pub backup: Option<String>,
    /// When the push began, as the server's clock says: milliseconds since 1970.
    pub began: Option<i64>,
    pub safety: Option<Arc<dyn SafetyCopy>>,
    /// How many files the site had, where it told.
    pub files_before: Option<u64>,
    /// Hears that it is waited for the site.
    pub tell: Option<fn(&str)>,
    pub _lock: PushLock,
}

/// What is said of a site on which nothing is different.
const AS_BEFORE: &str = "the site is as before";

impl Wreck {
    /// Sets right what can be, and gives the error to end with.
    pub fn settle(self, error: Error, warn: &mut dyn FnMut(Warning)) -> Error {
        if self.reached == Reached::Opened {
            return error
                .interrupted_with("nothing was changed")
                .also("nothing was changed: the site had not deleted anything yet");
        }
        if !self.has_files {
            let error = error.interrupted_with(AS_BEFORE).also(
                "nothing was changed: the site rolls the push back, and its files were no part of it",
            );
            return self.with_state(error);
        }
        let Some(copy) = self.safety.clone() else {
            return self.half_way(&error, None);
        };
        warn(self.note(format!(
            "the push broke, and the files of the site are sent back from {}; a second signal ends the program at once",
            copy.name()
        )));
        match self.send_back(copy.as_ref()) {
            Ok(()) => {
                if let Some(left) = self.left_behind() {
                    warn(self.note(left));
                }
                error.interrupted_with(AS_BEFORE).also(
                    "nothing was changed: the site rolled the push back, and has its files again from the safety copy",
                )
            }
            Err(again) => self.half_way(&error, Some(&again)),
        }
    }

    /// The error of a push of which nobody knows whether it was committed.
    pub fn undecided(self, error: &Error) -> Error {
        let mut steps = vec![
            "look at the site: if it shows what was sent to it, the push is done, and nothing is to be set right".to_owned(),
        ];
        match self.has_files {
            true => {
                steps.push(
                    "if it shows its old content, its files are to be brought back, by the first of these that is possible:"
                        .to_owned(),
                );
                steps.extend(self.by_hand());
            }
            false => steps.push(
                "if it shows its old content, nothing is to be set right either, and it can be pushed again".to_owned(),
            ),
        }
        let error = Error::new(
            Kind::HalfWay,
            format!(
                "{error}; the confirmation was sent, and it is not known whether the site has committed:"
            ),
        );
        error.listing(steps).hint(self.about_copy())
    }

    fn note(&self, reason: impl Into<String>) -> Warning {
        Warning::new(WarningKind::Notice, Subject::Stage(Stage::Assets), reason)
    }

    /// Says of a server that may have ended what is to be looked at.
    fn with_state(&self, error: Error) -> Error {
        match self.rules.is_fragile() {
            true => error.also("see that it still runs: Strapi 4 may end when a push breaks"),
            false => error,
        }
    }

    /// Sends the files back by a push that is left without a commit, and sees that they are there.
    fn send_back(&self, copy: &dyn SafetyCopy) -> Result<()> {
        let site = self.site.stopped_by(Interrupt::default());
        patiently_telling(&site, self.tell, || self.send_back_to(&site, copy))?;
        if self.rules.is_fragile() {
            return Ok(());
        }
        let there = patiently(&site, || Held::count_files(&site))?;
        match (self.files_before, there) {
            (Some(before), Some(there)) if there < before => Err(Error::failed(format!(
                "{}: of {before} files {there} are there again",
                site.name()
            ))),
            _ => Ok(()),
        }
    }

    fn send_back_to(&self, site: &Site, copy: &dyn SafetyCopy) -> Result<()> {
        let interrupt = site.access().interrupt().clone();
        let mut source = copy.open(interrupt.clone())?;
        source.describe()?;
        let filter = Filter::new(&FilterOptions {
            only: vec![Group::Files, Group::Config],
            ..FilterOptions::default()
        })?;
        let mut push = Push::open(site, &self.files_alone())?;
        push.clear()?;
        push.start(Stage::Entities)?;
        push.row(ROW_LINE)?;
        push.start(Stage::Assets)?;
        let mut back = SendingBack {
            push: &mut push,
            interrupt,
        };
        source.stream(&filter, &mut back)?;
        push.finish()?;
        push.leave();
        Ok(())
    }

    /// What a push replaces that sends files back: no row, and no setting.
    fn files_alone(&self) -> Restore {
        Restore {
            include: Some(Vec::new()),
            exclude: self.kept_types.clone(),
            assets: true,
            webhook: false,
            core_store: false,
        }
    }

    /// The folder that the first push has left on the server, in words.
    fn folder(&self) -> String {
        match (&self.backup, self.began) {
            (Some(folder), _) => folder.clone(),
            (None, Some(time)) => format!("public/uploads_backup_<a number of about {time}>"),
            (None, None) => "the newest public/uploads_backup_<number>".into(),
        }
    }

    /// What lies on the server after the files were sent back, and is of no use any more.
    fn left_behind(&self) -> Option<String> {
        let folder = self.folder();
        if self.reached.has_copy() {
            return Some(format!(
                "the folder {folder} on the server, if it keeps its files there, holds those from before the push; they \
                 are back, and it can be deleted once you have seen that (files that no row names lie there alone)"
            ));
        }
        let lacks = match self.rules.is_fragile() {
            true => "files that no row names, such as logos of the admin panel, are gone",
            false => "files that no row names, logos of the admin panel aside, are gone",
        };
        Some(match self.reached {
            Reached::FilesEnding => {
                format!(
                    "{lacks}, unless the folder {folder} is still there on the server, which then holds them"
                )
            }
            _ => lacks.into(),
        })
    }

    /// What is to be done by hand, one of these after the other until one is possible.
    fn by_hand(&self) -> Vec<String> {
        let mut steps = Vec::new();
        let folder = self.folder();
        let rename = match self.reached {
            Reached::FilesEnding => Some(format!(
                "on the server, if the folder {folder} is still there: rename it to public/uploads, in the place of what \
                 is there"
            )),
            reached => reached.has_copy().then(|| {
                format!(
                    "on the server, if it keeps its files on its own disk: rename the folder {folder} to public/uploads, \
                     in the place of what is there"
                )
            }),
        };
        steps.extend(rename);
        let site = word(&self.site.name());
        // Strapi 4 ends a pull at the first file that is gone, so that nobody makes a copy of it now.
        let without = match self.rules.is_fragile() {
            true => " --no-safety-copy",
            false => "",
        };
        match &self.safety {
            Some(copy) => {
                let name = word(&copy.name());
                let command = format!("backup import -f {name} --to {site}");
                steps.push(format!("from here: {command} --only files{without}"));
                steps.push(format!(
                    "if the site has other content than before: {command}{without}, which replaces all of it (rows get \
                     new ids, and the history of versions is lost)"
                ));
            }
            None => steps.push(
                "push the same archive again, or one that holds the files of the site with --only files, each with \
                 --no-safety-copy: there is no safety copy"
                    .into(),
            ),
        }
        steps
    }

    /// What whoever sets it right has to know of the safety copy.
    fn about_copy(&self) -> String {
        let Some(copy) = &self.safety else {
            return "there is no safety copy".into();
        };
        let lock = match copy.lock() {
            "" => String::new(),
            lock => format!(" ({lock})"),
        };
        format!(
            "the safety copy {}{lock} stays until the site is right again; a command that reads it wants its key, and the \
             transfer token of the site: give them as in this run, or type them when it asks",
            copy.name()
        )
    }

    /// The error of a site that has its rows and not its files.
    fn half_way(self, error: &Error, again: Option<&Error>) -> Error {
        let files = match self.reached {
            Reached::Opened | Reached::Cleared => "its media library is empty",
            Reached::Files => "its media library is empty, or holds some of the new files",
            Reached::FilesEnding | Reached::FilesKept | Reached::Closing | Reached::Committed => {
                "its media library holds the new files in place of its own"
            }
        };
        let back = again.map_or_else(String::new, |again| {
            format!("; sending its files back did not work: {again}")
        });
        let stopped = match error.kind() {
            Kind::Interrupted => "interrupted".to_owned(),
            _ => error.to_string(),
        };
        let error = Error::new(
            Kind::HalfWay,
            format!(
                "{stopped}; the rows of the site are as before, and {files}{back}; do the first of these that is \
                 possible:"
            ),
        )
        .listing(self.by_hand())
        .hint(self.about_copy());
        self.with_state(error)
    }
}

/// A word of a command for the shell.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@,".contains(c);
    match text.chars().all(is_plain) && !text.starts_with('-') {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

/// Sends the files of a safety copy, and the logos in its configuration.
struct SendingBack<'a> {
    push: &'a mut Push,
    interrupt: Interrupt,
}

impl Sink for SendingBack<'_> {
    fn stage(&mut self, _stage: Stage, _items: Option<u64>) -> Result<()> {
        Ok(())
    }

    fn schema(&mut self, _schema: &Schema) -> Result<()> {
        Ok(())
    }

    fn entity(&mut self, _entity: &Entity<'_>) -> Result<()> {
        Ok(())
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        load::stop_between_files(self.push, &self.interrupt)?;
        self.push
            .file(asset, Some(ROW), content, &self.interrupt, &|_| {})
    }

    fn link(&mut self, _link: &Link<'_>) -> Result<()> {
        Ok(())
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        for (logo, bytes) in logos::of(item, ROW) {
            self.push
                .file(&logo, None, &mut bytes.as_slice(), &self.interrupt, &|_| {})?;
        }
        Ok(())
    }

    fn warn(&mut self, _warning: Warning) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_commands_are_words_of_the_shell() {
        for (name, expected) in [
            ("/srv/safety-1.tar.gz", "/srv/safety-1.tar.gz"),
            ("my safety", "'my safety'"),
            ("it's", r"'it'\''s'"),
        ] {
            assert_eq!(word(name), expected);
        }
    }
}
