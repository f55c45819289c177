//! After a restore that did not end: finish it or undo it, by what its journal and the database say.
//!
//! | journal | token in the database | what happened | what is done |
//! |---|---|---|---|
//! | none | none | nothing, or all of it | nothing |
//! | not done | none | it did not commit | the files are put back |
//! | not done | its own | it committed | the files that are missing come, the old ones go |
//! | done | any | it committed | the old files go |
//! | none | one without files | it committed | nothing |
//! | none | one without files, and with a folder | it committed | what it left there goes, if it is there |
//! | none | one with files | it did not end on another machine | refused |
//! | damaged | one with files, which no other journal has | it committed | as with its own |
//! | damaged | any other, or none | it did not commit | the files are put back; in a bucket, refused |
//! | several are damaged | one with files, which no other journal has | one of them committed | refused |
//!
//! A journal that is damaged names neither token nor database. Buckets are shared: whoever left a journal there may ask
//! another database, so it is undone only where somebody says that it is this one. The token is deleted once all swaps
//! that have it are final.

use super::recovered;
use crate::database::{Connection, LockMode};
use crate::error::{Error, Kind, Result};
use crate::random;
use crate::store::sync_folder;
use crate::strapi::core_store::{self, CORE_STORE, TOKEN_KEY};
use crate::strapi::lock::{LockWait, ProjectLock, take_over};
use crate::strapi::project::Project;
use crate::strapi::uploads::{Doubt, PendingSwap, pending_aside, sweep_aside};
use crate::transfer::{Subject, Warning, WarningKind};
use std::fmt::Write;
use std::path::Path;

/// How the token of a restore ends that swaps no files.
const WITHOUT_FILES: &str = "-without-files";

/// What stands in it before the folder that files were put into, if they were put aside.
const ASIDE: &str = "-aside:";

type Swaps = Vec<Box<dyn PendingSwap>>;

/// A token that no other restore has.
///
/// # Errors
/// The system gives no random bytes.
pub(super) fn new_token(swaps_files: bool, aside: Option<&Path>) -> Result<String> {
    let mut token = random::digits()?;
    if let Some(folder) = aside {
        let _ = write!(token, "{ASIDE}{}", folder.display());
    }
    if !swaps_files {
        token.push_str(WITHOUT_FILES);
    }
    Ok(token)
}

/// The folder that a token names.
fn folder_aside(token: &str) -> Option<&Path> {
    let (_, folder) = token.strip_suffix(WITHOUT_FILES)?.split_once(ASIDE)?;
    Some(Path::new(folder))
}

/// Whether a transaction has committed whose end gave an error: on a server the answer may be lost, and
/// SQLite may have committed and not have seen that on disk. If it has, gives a new connection.
///
/// # Errors
/// It cannot be asked, or what it committed may not be on disk.
pub(super) fn has_committed(project: &Project, token: &str) -> Result<Option<Box<dyn Connection>>> {
    let mut database = project.connect_to_write()?;
    if project.database_file().is_none() {
        take_over(project, database.as_mut())?;
    }
    if read_token(database.as_mut())?.as_deref() != Some(token) {
        return Ok(None);
    }
    sync_commit(project)?;
    Ok(Some(database))
}

/// The token of a restore that has committed and was not forgotten.
pub(super) fn read_token(database: &mut dyn Connection) -> Result<Option<String>> {
    if !database.tables()?.contains(CORE_STORE) {
        return Ok(None);
    }
    let text = core_store::read_value(database, TOKEN_KEY)?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Writes the token of a restore, in its transaction.
pub(super) fn write_token(database: &mut dyn Connection, token: &str) -> Result<()> {
    let text = serde_json::to_string(token).expect("text serialises");
    core_store::add_row(database, TOKEN_KEY, &text, "string")
}

/// Forgets the token, in a transaction of its own.
pub(super) fn delete_token(database: &mut dyn Connection) -> Result<()> {
    let sql = format!(
        "DELETE FROM {} WHERE {} = ?",
        database.quote(CORE_STORE),
        database.quote("key")
    );
    database.begin_write()?;
    database.execute(&sql, &[TOKEN_KEY.into()])?;
    database.commit()
}

/// Finishes or undoes what an earlier restore left half-way; says what was done. The project is held
/// exclusively.
///
/// # Errors
/// A file cannot be moved, or a restore goes on elsewhere. It can be repeated.
pub(super) fn recover(project: &Project, database: &mut dyn Connection) -> Result<Vec<String>> {
    recover_with(project, database, false)
}

/// The same. Where a journal names another database than the project's, that could not tell whether it
/// committed, and is refused; unless it is known to be the same one.
fn recover_with(
    project: &Project,
    database: &mut dyn Connection,
    is_same: bool,
) -> Result<Vec<String>> {
    let identity = project.database_identity();
    let uploads = project.uploads();
    let mut token = read_token(database)?;
    let mut told = Vec::new();
    // The server may have lost a run that goes on with its files.
    let held = uploads.hold()?;
    let mut pending = uploads.pending()?;
    let aside = token.as_deref().and_then(folder_aside).map(Path::to_owned);
    if let (Some(token), Some(folder)) = (&token, &aside)
        && pending.iter().all(|swap| swap.token() != Some(token))
    {
        pending.extend(pending_aside(folder, token)?);
    }
    let [own, others] = sorted(pending, token.as_deref()).map_err(|place| {
        Error::new(
            Kind::Locked,
            format!(
                "restores whose journals are damaged did not end in {place}, and it cannot be told which of them has \
                 committed to {}",
                database.target()
            ),
        )
        .hint(
            "see which of the folders .backup-restore-* there is of no restore into this project, delete it, and run \
             backup recover again",
        )
    })?;
    if !own.is_empty() {
        sync_commit(project)?;
        own.iter().try_for_each(|swap| swap.finish())?;
        delete_token(database)?;
        token = None;
    }
    told.extend(own.iter().flat_map(|swap| finished(swap.as_ref())));
    for swap in others {
        if swap.is_done() {
            sync_commit(project)?;
            match swap.finish() {
                // Its files are in their places; what goes stays until somebody may delete it.
                Err(litter) if swap.is_shared() && litter.kind() == Kind::Failed => {
                    told.push(kept(&swap.place(), &litter));
                    continue;
                }
                finished => finished?,
            }
            told.extend(finished(swap.as_ref()));
            continue;
        }
        if !is_same {
            check_database(swap.as_ref(), &identity)?;
        }
        swap.undo()?;
        swap.forget()?;
        // Without a journal nobody knows which files came where none was.
        let left = match swap.token() {
            Some(_) => "",
            None => {
                "; its journal was damaged, so files that the restore brought may be left there: no \
                 row names them"
            }
        };
        told.push(format!(
            "an earlier restore was interrupted before it committed: the files in {} are back as \
             they were{left}",
            swap.place()
        ));
    }
    if let Some(doubt) = uploads.doubt() {
        let has_files = token
            .as_deref()
            .is_some_and(|token| !token.ends_with(WITHOUT_FILES));
        if has_files || !doubt.is_denied {
            return Err(unreachable_place(&doubt, has_files));
        }
        told.push(uncertain(&doubt));
    }
    drop(held);
    if let Some(folder) = &aside {
        sweep_aside(folder);
    }
    if uploads.sweep()? > 0 {
        told.push("what an earlier restore left behind is deleted".to_owned());
    }
    match token {
        None => Ok(told),
        Some(token) if token.ends_with(WITHOUT_FILES) => {
            delete_token(database)?;
            told.push("an earlier restore, whose end was not heard, had committed".to_owned());
            Ok(told)
        }
        Some(_) => Err(Error::new(
            Kind::Locked,
            format!(
                "a restore into {} was begun on another machine, or with another place for its \
                 files, and has not ended",
                database.target()
            ),
        )
        .hint(format!(
            "run backup recover there, which finishes it; if that machine is gone, delete the row \
             `{TOKEN_KEY}` of {CORE_STORE}"
        ))),
    }
}

/// The place of the files cannot be asked, and what is to be done hangs on that.
fn unreachable_place(doubt: &Doubt, has_committed: bool) -> Error {
    let why = &doubt.why;
    let error = match has_committed {
        true => Error::new(
            Kind::HalfWay,
            format!(
                "an earlier restore has committed to the database, and it cannot be told whether its files are \
                 in their places: {why}"
            ),
        ),
        false => Error::failed(format!(
            "it cannot be told whether an earlier restore has ended: {why}"
        )),
    };
    let advice = doubt
        .advice
        .as_deref()
        .map_or(String::new(), |advice| format!("{advice}; "));
    error.hint(format!(
        "{advice}run backup recover when the place answers, and change nothing by hand before"
    ))
}

/// The same where nothing hangs on it.
fn uncertain(doubt: &Doubt) -> String {
    format!(
        "it cannot be told whether an earlier restore left something where the files are: {}",
        doubt.why
    )
}

/// The swaps that have committed with this token, and all others. A journal that is damaged is of the token that no
/// other journal has.
///
/// # Errors
/// It may be of several; where they are.
fn sorted(swaps: Vec<Box<dyn PendingSwap>>, token: Option<&str>) -> Result<[Swaps; 2], String> {
    let is_named = swaps
        .iter()
        .any(|swap| token.is_some() && swap.token() == token);
    let may_be_damaged = !is_named && token.is_some_and(|token| !token.ends_with(WITHOUT_FILES));
    let (own, others): (Swaps, Swaps) = swaps.into_iter().partition(|swap| match swap.token() {
        Some(own) => Some(own) == token,
        None => may_be_damaged,
    });
    match own.as_slice() {
        [first, _, ..] if !is_named => Err(first.place()),
        _ => Ok([own, others]),
    }
}

/// Something of a restore stays where its files are, because of an error.
fn kept(place: &str, error: &Error) -> String {
    format!("what an earlier restore left in {place} cannot be cleared away: {error}")
}

/// Clears away what a swap that is final has left, and says what was done. That something cannot be deleted does not
/// matter to those who only read.
fn finished(swap: &dyn PendingSwap) -> Vec<String> {
    let place = swap.place();
    let litter = swap.forget().err();
    let litter = litter.map(|error| kept(&place, &error));
    let told = "an earlier restore had committed and was not finished: its files are now in";
    [format!("{told} {place}")]
        .into_iter()
        .chain(litter)
        .collect()
}

/// Sees that a database is the one that can tell of a swap whether it has committed.
///
/// # Errors
/// It is another one, or may be.
fn check_database(swap: &dyn PendingSwap, identity: &str) -> Result<()> {
    match swap.database() {
        Some(other) if other != identity => {
            Err(of_another_database(other, identity, &swap.place()))
        }
        None if swap.is_shared() => Err(of_an_unknown_database(&swap.place())),
        _ => Ok(()),
    }
}

fn of_an_unknown_database(place: &str) -> Error {
    Error::new(
        Kind::Locked,
        format!(
            "a restore did not end, its files are in {place}, and its journal is damaged: it cannot be told which \
             database says whether it has committed"
        ),
    )
    .hint(
        "see that no other project keeps files there; if the restore was into the database of this project, run \
         backup recover with --same-database, which puts the files back",
    )
}

fn of_another_database(other: &str, own: &str, place: &str) -> Error {
    Error::new(
        Kind::Locked,
        format!(
            "a restore into the database {other} did not end, and its files are in {place}; the database \
             of this project is {own}, which cannot tell whether that one has committed"
        ),
    )
    .hint(
        "run backup recover with that database: in the same environment, or with --database-url; if \
         it is this one under another name, add --same-database",
    )
}

/// Sees that what SQLite committed is on disk: a kill may have come before it did so itself.
fn sync_commit(project: &Project) -> Result<()> {
    let Some(path) = project.database_file() else {
        return Ok(());
    };
    let real = path
        .canonicalize()
        .map_err(|error| Error::io("find the database", path, error))?;
    real.parent().map_or(Ok(()), sync_folder)
}

/// Whether an earlier restore did not end; and why that cannot be told of all places, where that is so.
fn is_pending(project: &Project, database: &mut dyn Connection) -> Result<(bool, Option<Doubt>)> {
    let uploads = project.uploads();
    let is_pending = !uploads.pending()?.is_empty() || read_token(database)?.is_some();
    Ok((is_pending, uploads.doubt()))
}

/// Says what [`recover`] would have to do, and does nothing.
///
/// # Errors
/// Neither files nor database can be read.
pub(in crate::strapi) fn describe(
    project: &Project,
    database: &mut dyn Connection,
) -> Result<Vec<String>> {
    let told = "an earlier restore did not end; the next export or import, or backup recover, finishes \
                it or undoes it";
    let (is_pending, doubt) = is_pending(project, database)?;
    let told = is_pending.then(|| told.to_owned());
    Ok(told
        .into_iter()
        .chain(doubt.as_ref().map(uncertain))
        .collect())
}

/// Does what [`recover`] does, if there is anything to do, for a run that will only read.
///
/// What cannot be told is a note where the place of the files refuses to say it; else files may be those of a
/// restore that has not ended.
pub(in crate::strapi) fn recover_first(
    project: &Project,
    reading: &mut dyn Connection,
    wait: &LockWait,
) -> Result<Vec<Warning>> {
    let (is_pending, doubt) = is_pending(project, reading)?;
    if is_pending {
        let told = recover_held(project, wait, false)?;
        return Ok(told.into_iter().map(recovered).collect());
    }
    let told = doubt.map(|doubt| match doubt.is_denied {
        true => recovered(uncertain(&doubt)),
        false => Warning::new(WarningKind::ChangedAsset, Subject::Files, uncertain(&doubt)),
    });
    Ok(told.into_iter().collect())
}

/// Finishes or undoes what an earlier restore left half-way, and says what was done; nothing where
/// there was nothing to do.
///
/// # Errors
/// Another run holds the project; its database is away, or a file cannot be moved.
///
/// `is_same` says that the project's database is that of the restore, under whatever name.
pub fn recover_project(project: &Project, wait: &LockWait, is_same: bool) -> Result<Vec<String>> {
    let told = recover_held(project, wait, is_same)?;
    // Nobody is told that all is well where that is not known.
    match doubt_of(project)? {
        Some(doubt) => Err(unreachable_place(&doubt, false)),
        None => Ok(told),
    }
}

/// Why it cannot be told whether restores have ended, where that is so.
fn doubt_of(project: &Project) -> Result<Option<Doubt>> {
    let uploads = project.uploads();
    uploads.pending()?;
    Ok(uploads.doubt())
}

fn recover_held(project: &Project, wait: &LockWait, is_same: bool) -> Result<Vec<String>> {
    let mut database = project.connect_to_write()?;
    let (_lock, _) = ProjectLock::take(project, database.as_mut(), LockMode::Exclusive, wait)?;
    recover_with(project, database.as_mut(), is_same)
}

#[cfg(test)]
mod tests;
