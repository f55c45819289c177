//! A file for `/etc/cron.d`.

use super::Job;
use crate::error::{Error, Result};
use std::path::Path;

/// How long a command may be that every cron takes.
const LONGEST: usize = 998;

/// The text of the file.
///
/// # Errors
/// It cannot be written so that cron understands it.
pub(super) fn file(job: &Job) -> Result<String> {
    let command = command(job)?;
    Ok(format!(
        "# Made by `backup schedule`. What a run says is mailed to MAILTO.
SHELL=/bin/sh
PATH=/usr/local/bin:/usr/bin:/bin
MAILTO=root
{} {} {command}
",
        job.when.cron(),
        job.user
    ))
}

fn command(job: &Job) -> Result<String> {
    let mut words = vec![word(utf8(&job.program)?)];
    words.extend(job.order.words().into_iter().flatten().map(|it| word(&it)));
    let mut command = words.join(" ");
    if let Some(file) = &job.environment_file {
        command = format!("set -a; . {}; {command}", word(utf8(file)?));
    }
    if command.contains(['\n', '\r', '\0']) {
        return Err(Error::usage("cron cannot take a line break in an option")
            .hint("take systemd's form (--systemd)"));
    }
    if command.len() > LONGEST {
        return Err(Error::usage(format!(
            "the command has {} bytes, and cron takes {LONGEST}",
            command.len()
        ))
        .hint("take systemd's form (--systemd), or shorter paths"));
    }
    Ok(command)
}

/// A word for the shell.
pub(super) fn of_shell(text: &str) -> String {
    let is_bare = |it: char| it.is_ascii_alphanumeric() || "-_./:=,@+".contains(it);
    if !text.is_empty() && text.chars().all(is_bare) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// A word for the shell, which cron has looked at before: it takes a percent sign for a line break.
fn word(text: &str) -> String {
    // Cron pairs backslashes off and drops the one before a percent sign, in quotes as well: between quotes there is
    // surely but this one.
    of_shell(text).replace('%', "''\\%")
}

fn utf8(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| {
        Error::usage(format!("cron's files cannot name {}", path.display()))
            .hint("rename it, or lead a link to it")
    })
}
