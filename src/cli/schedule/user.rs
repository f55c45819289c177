//! Who runs what is scheduled.

use crate::error::{Error, Result};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// A name or number of a user, as it stands in files of systemd and cron.
///
/// # Errors
/// It is none.
pub(super) fn name(text: &str) -> Result<String, &'static str> {
    let is_good = |it: u8| it.is_ascii_alphanumeric() || b"-_.".contains(&it);
    match !text.starts_with('-') && !text.is_empty() && text.bytes().all(is_good) {
        true => Ok(text.to_owned()),
        false => Err("give the name of a user"),
    }
}

/// The user whose a folder is. Cron takes names alone, systemd takes numbers as well.
///
/// # Errors
/// The folder is not there, or its owner has no name where one is needed.
pub(super) fn owner(folder: &Path, by_name: bool) -> Result<String> {
    let metadata = fs::metadata(folder).map_err(|error| {
        Error::io("open the project at", folder, error)
            .hint("name the folder of the project with --project behind the two dashes; where it is on another machine, say as well with --user who runs the export")
    })?;
    let number = metadata.uid();
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let named = named(&users, number).and_then(|user| name(user).ok());
    match named {
        Some(user) => Ok(user),
        None if by_name => Err(Error::failed(format!(
            "{} belongs to user {number}, who has no name in /etc/passwd",
            folder.display()
        ))
        .hint("say with --user who runs the export")),
        None => Ok(number.to_string()),
    }
}

/// Whether a user may read a file, as far as that is known: of groups only the user's first one is.
pub(super) fn may_read(user: &str, file: &Metadata) -> bool {
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let Some((own, group)) = numbers(&users, user) else {
        return true;
    };
    let mode = file.mode();
    let bit = match () {
        () if own == 0 => return true,
        () if file.uid() == own => 0o400,
        () if file.gid() == group => 0o040,
        // The user may be in that group.
        () if mode & 0o040 != 0 => return true,
        () => 0o004,
    };
    mode & bit != 0
}

/// The number of a user, who is given by name or number, and of the user's first group.
fn numbers(users: &str, user: &str) -> Option<(u32, u32)> {
    users.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, _, number, group, ..] = fields[..] else {
            return None;
        };
        let is_it = name == user || number == user;
        is_it.then(|| Some((number.parse().ok()?, group.parse().ok()?)))?
    })
}

/// The name of a user in the text of `/etc/passwd`.
fn named(users: &str, number: u32) -> Option<&str> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(number)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_number_and_are_plain_words() {
        let users = "root:x:0:0:root:/root:/bin/sh\nbroken\nstrapi:x:1000:1000::/srv:/bin/sh\n";
        assert_eq!(named(users, 1000), Some("strapi"));
        assert_eq!(named(users, 100), None);
        assert_eq!(numbers(users, "strapi"), Some((1000, 1000)));
        assert_eq!(numbers(users, "0"), Some((0, 0)));
        assert_eq!(numbers(users, "nobody"), None);
        for text in ["", "-u", "a b", "a%b", "a\nb", "$x"] {
            assert!(name(text).is_err(), "{text}");
        }
        assert_eq!(name("www-data").as_deref(), Ok("www-data"));
    }
}
