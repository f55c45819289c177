//! `backup schedule`: what systemd or cron need to run an export again and again.

mod cron;
mod order;
mod systemd;
mod user;
mod when;
mod write;

use super::Cancellation;
use super::environment::Environment;
use super::identity::recipients_in;
use super::terminal::{self, Reports};
use crate::database::Timeouts;
use crate::error::{Error, Result};
use crate::strapi::{Choices, Project};
use clap::Args;
use order::Order;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use when::{Clock, Minute, Weekly, When};

/// Where systemd and cron look for what an administrator wrote.
const SYSTEMD: &str = "/etc/systemd/system";
const CRON: &str = "/etc/cron.d";
/// Folders that a program does not stay in.
const PASSING: [&str; 4] = ["/tmp/", "/node_modules/", "/_npx/", "/target/"];

/// Print a systemd service and timer, or a file for cron, that export a project again and again
///
/// The export stands behind two dashes, with any of its options; they are checked as export itself does, and paths become
/// absolute. The service may write to the folder of the archives and beside the database, and to nothing else. --strict,
/// --quiet and the like are added. Nothing is installed: the files are printed, or written with --write.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  backup schedule -- export --project /srv/strapi --file /backups/ --key-file /etc/backup/key
  backup schedule --daily 02:30 --name site --write /etc/systemd/system -- export --file /backups/ --key-file /etc/backup/key
  backup schedule --cron --hourly 15 -- export --file /backups/ --key-file /etc/backup/key
  backup schedule -- export --from https://cms.example.com/admin --token-file /etc/backup/token --file /backups/ --key-file /etc/backup/key

The key belongs into a file that only root may read: systemd hands it to the service, which runs as the owner of the \
project. A key in an option is refused.")]
pub(super) struct Arguments {
    /// A systemd service and timer; this is the default
    #[arg(long)]
    systemd: bool,
    /// A file for /etc/cron.d
    #[arg(long, conflicts_with = "systemd")]
    cron: bool,
    /// Run every day at this time [default: 02:30]
    #[arg(long, value_name = "HH:MM", group = "when")]
    daily: Option<Clock>,
    /// Run every hour at this minute
    #[arg(long, value_name = "MINUTE", group = "when")]
    hourly: Option<Minute>,
    /// Run once a week, such as 'Sun 03:00'
    #[arg(long, value_name = "DAY HH:MM", group = "when")]
    weekly: Option<Weekly>,
    /// What the files are named after: backup-NAME.service and so on [default: daily, hourly or weekly]
    #[arg(long, value_parser = name)]
    name: Option<String>,
    /// Who runs the export [default: the owner of the project's folder; of that of the archives with --from URL]
    #[arg(long, value_parser = user::name)]
    user: Option<String>,
    /// A file of variables, such as BACKUP_DATABASE_URL, for root alone
    #[arg(long, value_name = "FILE")]
    environment_file: Option<PathBuf>,
    /// A file with the key that systemd-creds encrypted under the name backup-key
    #[arg(long, value_name = "FILE", conflicts_with = "cron")]
    key_credential: Option<PathBuf>,
    /// A folder that the service may write to as well, such as one that a hook needs
    #[arg(long, value_name = "DIR", conflicts_with = "cron")]
    writable: Vec<PathBuf>,
    /// The program to run [default: this one]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Write the files into this folder instead of printing them
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
    /// Replace files of the same name that hold something else
    #[arg(long, requires = "write")]
    overwrite: bool,
    /// export and its options
    #[arg(last = true, required = true, value_name = "EXPORT")]
    export: Vec<OsString>,
}

/// What is to be run, by whom and when.
struct Job {
    name: String,
    when: When,
    user: String,
    program: PathBuf,
    order: Order,
    environment_file: Option<PathBuf>,
    /// Whether the key file is one that systemd decrypts.
    encrypted_key: bool,
    writable: Vec<PathBuf>,
}

impl Job {
    fn is_root(&self) -> bool {
        ["root", "0"].contains(&self.user.as_str())
    }

    /// What a run has to find.
    fn paths(&self) -> impl Iterator<Item = &Path> {
        let program = std::iter::once(self.program.as_path());
        let writable = self.writable.iter().map(PathBuf::as_path);
        program.chain(self.order.project()).chain(writable)
    }
}

/// A name that is one of a file for systemd and for cron, which passes over those with a dot.
fn name(text: &str) -> Result<String, &'static str> {
    let is_good = |it: u8| it.is_ascii_alphanumeric() || it == b'-' || it == b'_';
    match text.len() <= 64 && !text.is_empty() && text.bytes().all(is_good) {
        true => Ok(text.to_owned()),
        false => Err("give letters, digits, - and _"),
    }
}

impl Arguments {
    /// Prints or writes the files; gives the exit code.
    pub fn run(self, environment: &Environment) -> Result<u8> {
        let job = self.job(environment)?;
        let files = match self.cron {
            true => vec![(format!("backup-{}", job.name), cron::file(&job)?)],
            false => vec![
                (
                    format!("backup-{}.service", job.name),
                    systemd::service(&job)?,
                ),
                (format!("backup-{}.timer", job.name), systemd::timer(&job)),
            ],
        };
        self.advise(&job);
        let folder = if self.cron { CRON } else { SYSTEMD };
        match &self.write {
            Some(folder) => {
                write::write(folder, &files, self.overwrite)?;
            }
            None => {
                let shown = files.iter().map(|(name, text)| match files.len() {
                    1 => text.clone(),
                    _ => format!("# {folder}/{name}\n{text}"),
                });
                let shown: Vec<String> = shown.collect();
                Reports::Stdout.print(shown.join("\n").trim_end());
                terminal::tell(&format!(
                    "next: run it again with --write {folder} before the two dashes"
                ));
            }
        }
        if !self.cron {
            let name = &job.name;
            terminal::tell(&format!(
                "then: systemctl daemon-reload, systemctl start backup-{name}.service to try it, systemctl enable --now \
                 backup-{name}.timer"
            ));
        }
        Ok(0)
    }

    fn job(&self, environment: &Environment) -> Result<Job> {
        let mut words = self.export.clone();
        if let Some(file) = &self.key_credential {
            if let Some(option) = recipients_among(&words) {
                return Err(Error::usage(format!(
                    "--key-credential gives a key, and an archive to recipients ({option}) takes none"
                ))
                .hint("leave one of the two out"));
            }
            words.extend(["--key-file".into(), file.clone().into()]);
        }
        let order = Order::read(&words, self.environment_file.is_some(), environment)?;
        let (when, name) = match (self.daily, self.hourly, self.weekly) {
            (_, Some(minute), _) => (When::Hourly(minute), "hourly"),
            (_, _, Some(weekly)) => (When::Weekly(weekly), "weekly"),
            (clock, _, _) => (When::Daily(clock.unwrap_or_default()), "daily"),
        };
        let folder = order.folder();
        let user = match (&self.user, order.project(), &folder) {
            (Some(user), ..) => user.clone(),
            (None, Some(project), _) => user::owner(project, self.cron)?,
            (None, None, Some(folder)) if folder.is_dir() => user::owner(folder, self.cron)?,
            (None, None, _) => {
                return Err(Error::usage("it is not said who runs the export").hint(
                    "add --user before the two dashes: no folder of a project tells whose it is",
                ));
            }
        };
        let mut writable = self.written(&order)?;
        for folder in &self.writable {
            writable.push(absolute(folder)?);
        }
        Ok(Job {
            name: self.name.clone().unwrap_or_else(|| name.to_owned()),
            when,
            user,
            program: self.program()?,
            environment_file: self.environment_file.as_deref().map(absolute).transpose()?,
            encrypted_key: self.key_credential.is_some(),
            writable: without_nested(writable),
            order,
        })
    }

    fn program(&self) -> Result<PathBuf> {
        match &self.program {
            Some(program) => absolute(program),
            None => std::env::current_exe().map_err(|error| {
                Error::failed(format!("cannot tell where this program lies: {error}"))
                    .hint("say it with --program")
            }),
        }
    }

    /// The folders that an export writes to.
    fn written(&self, order: &Order) -> Result<Vec<PathBuf>> {
        let mut written: Vec<PathBuf> = order.folder().into_iter().collect();
        let Some(folder) = order.project() else {
            return Ok(written);
        };
        if !folder.is_dir() {
            let shown = folder.display();
            terminal::tell(&format!(
                "note: there is no {shown} here, so that nothing of the project could be checked"
            ));
            written.push(folder.to_owned());
            return Ok(written);
        }
        let cancellation = Cancellation::listen()?;
        let choices = Choices {
            database_url: order.value("database_url").map(str::to_owned),
            environment: order.value("environment").map(str::to_owned),
            strapi_version: order.value("strapi_version").map(str::to_owned),
        };
        // Neither systemd nor cron know the variables of this shell.
        let variables = BTreeMap::new();
        let stop = cancellation.stop();
        let project = Project::open(folder, &variables, &choices, Timeouts::default(), stop);
        let project = match project {
            Ok(project) => project,
            // What is missing may be in the file.
            Err(error) if self.environment_file.is_some() => {
                terminal::tell(&format!(
                    "note: nothing of the project was checked: {error}"
                ));
                written.push(folder.to_owned());
                return Ok(written);
            }
            Err(error) => return Err(error),
        };
        if let Some(doubt) = project.doubt().filter(|_| self.environment_file.is_none()) {
            return Err(doubt);
        }
        // With the links in it, which may lead elsewhere after the next release of the site.
        let own = project.written_folder();
        written.push(match own.strip_prefix(project.root()) {
            Ok(own) => folder.join(own).components().collect(),
            Err(_) => own,
        });
        Ok(written)
    }

    /// Says what has to be there before the first run.
    fn advise(&self, job: &Job) {
        let user = &job.user;
        if let Some(folder) = job.order.folder().filter(|it| !it.is_dir()) {
            let word = typed(&folder);
            let folder = folder.display();
            terminal::tell(&format!(
                "note: there is no {folder} here; make it: install -d -m 700 -o {user} {word}"
            ));
        }
        let file = |id: &str| job.order.value(id).map(Path::new);
        let files = [file("key_file"), file("token_file"), file("ca_file")];
        let files = files.into_iter().chain([job.environment_file.as_deref()]);
        for file in files.flatten() {
            if !file.exists() {
                let file = file.display();
                terminal::tell(&format!("note: there is no {file} here"));
            }
        }
        for file in job.order.values("recipients_file").map(Path::new) {
            advise_recipients(file, user);
        }
        let program = job.program.display().to_string();
        if PASSING.iter().any(|it| program.contains(it)) {
            terminal::tell(&format!(
                "note: {program} does not look as if it would stay there; say another with --program"
            ));
        }
    }
}

/// The option with which the words of an export name recipients.
fn recipients_among(words: &[OsString]) -> Option<&'static str> {
    let options = ["--recipient", "--recipients-file"];
    let is = |word: &OsString, option: &str| {
        let word = word.to_string_lossy();
        let behind = word.strip_prefix(option);
        behind.is_some_and(|behind| behind.is_empty() || behind.starts_with('='))
    };
    options
        .into_iter()
        .find(|option| words.iter().any(|word| is(word, option)))
}

/// Says what the first run would find wrong with a file of recipients, which is read by the run itself.
fn advise_recipients(file: &Path, user: &str) {
    let shown = file.display();
    let Ok(metadata) = file.metadata() else {
        return terminal::tell(&format!("note: there is no {shown} here"));
    };
    if let Err(error) = recipients_in(file) {
        terminal::tell(&format!("note: {error}"));
    }
    if !user::may_read(user, &metadata) {
        terminal::tell(&format!(
            "note: {user} may not read {shown}; recipients are no secret: chmod 644 {}",
            typed(file)
        ));
    }
}

/// A path as it is typed into a shell, also where what it holds cannot be shown.
fn typed(path: &Path) -> String {
    let text = path.to_str();
    if let Some(text) = text.filter(|text| terminal::safe(text) == *text) {
        return cron::of_shell(text);
    }
    let bytes = path.as_os_str().as_encoded_bytes();
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte) && !b"'\\".contains(&byte);
    let typed = bytes.iter().map(|&byte| match is_plain(byte) {
        true => char::from(byte).to_string(),
        false => format!("\\{byte:03o}"),
    });
    format!("$'{}'", typed.collect::<String>())
}

/// A path that means the same everywhere, and without `..`, which systemd does not take. A slash at its end stays.
fn absolute(path: &Path) -> Result<PathBuf> {
    let absolute = std::path::absolute(path)
        .map_err(|error| Error::io("make absolute the path", path, error))?;
    if !absolute.components().any(|it| it == Component::ParentDir) {
        return Ok(absolute);
    }
    let mut plain = absolute.canonicalize().unwrap_or_else(|_| {
        let mut plain = PathBuf::new();
        for component in absolute.components() {
            match component {
                Component::ParentDir => drop(plain.pop()),
                other => plain.push(other),
            }
        }
        plain
    });
    if absolute.as_os_str().as_encoded_bytes().ends_with(b"/") {
        plain.push("");
    }
    Ok(plain)
}

/// Folders without those that lie in others of them.
fn without_nested(mut folders: Vec<PathBuf>) -> Vec<PathBuf> {
    let mut kept: Vec<PathBuf> = Vec::new();
    folders.sort();
    for folder in folders {
        if !kept.iter().any(|it| folder.starts_with(it)) {
            kept.push(folder);
        }
    }
    kept
}
