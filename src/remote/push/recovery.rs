//! What becomes of a site whose push broke: its database is as it was, and its files are sent back from the safety copy,
//! by a push that is never committed. What cannot be set right from here is said, with what is where and what to do.

use super::back::Back;
use super::library::Library;
use super::lock::PushLock;
use super::patience::{patiently, patiently_telling};
use super::reached::Reached;
use super::rules::Rules;
use super::{HalfWay, SafetyCopy};
use crate::error::{Error, Kind, Result};
use crate::model::Stage;
use crate::remote::Site;
use crate::remote::wire::Restore;
use crate::store::Interrupt;
use crate::transfer::{Event, Subject, Warning, WarningKind};
use std::sync::Arc;

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
    /// The files that the site had.
    pub library: Library,
    /// Hears that it is waited for the site.
    pub tell: Option<fn(&str)>,
    pub half_way: Option<HalfWay>,
    pub _lock: PushLock,
}

/// Files that could not be sent back.
struct Failed {
    error: Error,
    /// How far that came.
    reached: Reached,
}

/// What is said of a site on which nothing is different.
const AS_BEFORE: &str = "the site is as before";

/// What is said where rows that were rolled back name files that were uploaded again.
const ELSEWHERE: &str = "the site keeps files with a provider of its own: where that gives each upload a new URL, as \
                         Cloudinary does, the rows, which were rolled back, name the URLs of before, and the files do \
                         not show; look at the site, and if they do not, push all of the safety copy";

impl Wreck {
    /// Sets right what can be, and gives the error to end with.
    pub fn settle(
        mut self,
        error: Error,
        warn: &mut dyn FnMut(Warning),
        tell: &dyn Fn(Event<'_>),
    ) -> Error {
        if self.reached == Reached::Opened {
            return error
                .interrupted_with("nothing was changed")
                .also("nothing was changed: the site had not deleted anything yet");
        }
        if !self.has_files {
            self.is_whole();
            let error = error.interrupted_with(AS_BEFORE).also(
                "nothing was changed: the site rolls the push back, and its files were no part of it",
            );
            return self.with_state(error);
        }
        let waited_for = self.waited_for();
        match self.has_its_files(&waited_for) {
            Ok(Some(true)) => {
                self.is_whole();
                let error = error.interrupted_with(AS_BEFORE).also(
                    "nothing was changed: the site rolled the push back, and still has its files",
                );
                return self.with_state(error);
            }
            Ok(Some(false)) => self.reached = self.reached.max(Reached::Cleared),
            Ok(None) => {}
            Err(away) => return self.half_way(&error, Some(&away)),
        }
        let Some(copy) = self.safety.clone() else {
            return self.half_way(&error, None);
        };
        warn(self.note(format!(
            "the push broke, and the files of the site are sent back from {}; should anything end the program before \
             they are, a second signal too, do the first of these that is possible:",
            copy.name(),
        )));
        // Each on a line of its own: whoever copies a command takes nothing else along.
        for (number, step) in (1..).zip(self.by_hand()) {
            warn(self.note(format!("{number}. {step}")));
        }
        match self.send_back(copy.as_ref(), &waited_for, tell) {
            Ok(()) => {
                self.is_whole();
                warn(self.note(self.left_behind()));
                if self.library.is_elsewhere {
                    warn(self.note(ELSEWHERE));
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

    /// Says that nothing is half-way any more.
    fn is_whole(&self) {
        if let Some(half_way) = &self.half_way {
            half_way(false);
        }
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

    /// Sends the files back, and sees that they are there.
    fn send_back(
        &self,
        copy: &dyn SafetyCopy,
        waited_for: &Site,
        tell: &dyn Fn(Event<'_>),
    ) -> Result<(), Failed> {
        let site = self.site.stopped_by(Interrupt::default());
        let mut back = Back::new(copy, self.files_alone(), self.library.told());
        let sent = patiently_telling(waited_for, self.tell, || back.send(&site, tell));
        sent.and_then(|()| patiently(waited_for, || self.library.check(&site)))
            .map_err(|error| Failed {
                error,
                reached: back.reached(),
            })
    }

    /// The site, where whoever waits for it can be stopped: not by what has ended the push.
    fn waited_for(&self) -> Site {
        match self.site.access().interrupt().stop() {
            Ok(()) => self.site.clone(),
            Err(_) => self.site.stopped_by(Interrupt::default()),
        }
    }

    /// Whether a site that may have been told to delete its files still has all of them. `None` where nothing can tell.
    fn has_its_files(&self, site: &Site) -> Result<Option<bool>, Failed> {
        // Where it named the folder of its old files, they are in there.
        if self.reached != Reached::Clearing || self.backup.is_some() {
            return Ok(Some(false));
        }
        patiently_telling(site, self.tell, || self.library.stays_whole(site)).map_err(|error| {
            Failed {
                error,
                reached: Reached::Opened,
            }
        })
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

    /// The folder that the push has left on the server, in words.
    fn folder(&self) -> String {
        folder(self.backup.as_deref(), self.began)
    }

    /// What lies on the server after the files were sent back, and is of no use any more.
    fn left_behind(&self) -> String {
        if self.reached.has_copy() {
            let folder = self.folder();
            return format!(
                "{folder} on the server, if it keeps its files there, holds those from before the push; they are back, \
                 and it can be deleted once you have seen that (files that no row names lie there alone)"
            );
        }
        let lacks = match self.rules.is_fragile() {
            true => "files that no row names, such as logos of the admin panel, are gone",
            false => "files that no row names, logos of the admin panel aside, are gone",
        };
        match self.reached {
            Reached::FilesEnding => format!(
                "{lacks}, unless they are still on the server in {}",
                self.folder()
            ),
            _ => lacks.into(),
        }
    }

    /// What is to be done by hand, one of these after the other until one is possible.
    fn by_hand(&self) -> Vec<String> {
        let mut steps = Vec::new();
        let folder = self.folder();
        let rename = match self.reached {
            Reached::FilesEnding => Some(format!(
                "on the server: rename {folder} to public/uploads, if it is still there, in the place of what is there"
            )),
            reached => reached.has_copy().then(|| {
                format!(
                    "on the server, if it keeps its files on its own disk: rename {folder} to public/uploads, in the \
                     place of what is there"
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

    /// What the media library of the site holds, as far as it is known. `back` is how far sending back came.
    fn library_now(&self, back: Reached) -> &'static str {
        use Reached::{Cleared, Clearing, Files, Opened};
        match (back, self.reached) {
            (Opened | Clearing, Opened | Clearing) => "its media library is as before, or empty",
            (Opened | Clearing, Cleared) | (Cleared, _) => "its media library is empty",
            (Opened | Clearing, Files) => {
                "its media library is empty, or holds some of the new files"
            }
            (Opened, _) => "its media library holds the new files in place of its own",
            (Clearing, _) => {
                "its media library is empty, or holds the new files in place of its own"
            }
            (Files, _) => {
                "its media library is empty, or holds some of its own files, which were sent back"
            }
            (_, _) => "its media library holds those of its own files that were sent back",
        }
    }

    /// The error of a site that has its rows and not its files.
    fn half_way(self, error: &Error, again: Option<&Failed>) -> Error {
        let files = self.library_now(again.map_or(Reached::Opened, |again| again.reached));
        let back = again.map_or_else(String::new, |Failed { error, .. }| {
            match self.safety.is_some() {
                true => format!("; sending its files back did not work: {error}"),
                false => format!("; it could not be looked whether it has its files: {error}"),
            }
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

/// A folder on the server that holds its old files, in words: named by the server, or known by when the push began.
fn folder(named: Option<&str>, began: Option<i64>) -> String {
    if let Some(folder) = named {
        return format!("the folder {folder}");
    }
    let number = match began {
        Some(time) => format!("a number from {time} on"),
        None => "a number of the time when the push began".into(),
    };
    format!(
        "the folder public/uploads_backup_<{number}>, if there is one (of several the first from then on: later ones are \
         of attempts to send files back)"
    )
}

/// A word of a command for the shell.
fn word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@,".contains(c);
    match text.chars().all(is_plain) && !text.starts_with('-') {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_the_server_did_not_name_is_no_fact_and_not_the_newest() {
        assert_eq!(folder(Some("/srv/u_1"), None), "the folder /srv/u_1");
        let about = folder(None, Some(1_795_258_603_554));
        assert!(about.contains("<a number from 1795258603554 on>, if there is one"));
        assert!(about.contains("the first from then on"));
        assert!(folder(None, None).contains("the first from then on"));
    }

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
