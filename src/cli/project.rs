//! The options that say which project, and where its database is.

use super::{environment, terminal};
use crate::database::Timeouts;
use crate::error::{Error, Result};
use crate::strapi::Project;
use clap::Args;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

/// The variable that says how long to wait for a lock in the database, in seconds.
const TIMEOUT: &str = "BACKUP_DATABASE_TIMEOUT";

/// Which project.
#[derive(Debug, Args)]
pub(super) struct ProjectArguments {
    /// The folder of the Strapi project
    #[arg(long, value_name = "DIR", default_value = ".")]
    project: PathBuf,
    /// Database to use instead of the one in the project's configuration
    ///
    /// sqlite:PATH, postgres://USER:PASSWORD@HOST:PORT/DATABASE or
    /// mysql://USER:PASSWORD@HOST:PORT/DATABASE. The variable BACKUP_DATABASE_URL does the same and
    /// does not show the password in the list of processes.
    #[arg(long, value_name = "URL")]
    database_url: Option<String>,
}

impl ProjectArguments {
    /// Opens the project, and says what of its configuration could not be read.
    pub fn open(&self) -> Result<Project> {
        let timeouts = timeouts(std::env::var_os(TIMEOUT).as_deref())?;
        let url = self.database_url.as_deref();
        let project = Project::open(&self.project, &environment(), url, timeouts)?;
        for warning in project.warnings() {
            terminal::tell(&format!("note: {warning}"));
        }
        Ok(project)
    }
}

/// How long to wait, by the value of the variable; an empty one is none.
///
/// # Errors
/// Kind [`Usage`](crate::error::Kind::Usage): it is not a number of seconds.
fn timeouts(value: Option<&OsStr>) -> Result<Timeouts> {
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        return Ok(Timeouts::default());
    };
    let lock = value
        .to_str()
        .and_then(|text| text.trim().parse().ok())
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| {
            Error::usage(format!(
                "{TIMEOUT} is `{}`, which is not a number of seconds",
                value.display()
            ))
            .hint("give how long to wait for a lock in the database, such as 0, 2.5 or 60")
        })?;
    Ok(Timeouts {
        lock: Some(lock),
        ..Timeouts::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn a_timeout_is_a_number_of_seconds() {
        let lock = |text: &str| timeouts(Some(text.as_ref())).map(|timeouts| timeouts.lock);
        for (text, milliseconds) in [
            ("0", 0),
            ("2.5", 2500),
            (" 60 ", 60_000),
            ("1e3", 1_000_000),
        ] {
            let wait = Duration::from_millis(milliseconds);
            assert_eq!(lock(text).expect(text), Some(wait));
        }
        assert_eq!(lock("").expect("empty"), None);
        for text in ["-1", "soon", "5s", "NaN", "inf", "1e99", "1,5", " "] {
            let error = lock(text).expect_err(text);
            assert_eq!(error.kind(), Kind::Usage);
            assert!(error.to_string().contains(TIMEOUT), "{error}");
        }
    }
}
