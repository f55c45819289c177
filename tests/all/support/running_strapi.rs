//! Real Strapi while it serves a project, so that its transfers can be used. See `tests/strapi/remote.js`.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread;

use serde_json::Value;

use super::files::repository;
use super::strapi::Project;

/// How Strapi is set up.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Transfers are allowed.
    Usual,
    /// There is no salt for transfer tokens.
    NoSalt,
    /// Transfers are switched off.
    SwitchedOff,
}

/// What a token may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Token {
    /// Pull and push.
    Full,
    /// Push alone.
    Push,
    /// Pull alone.
    Pull,
    /// It could do all, and its time is over.
    Expired,
}

/// A Strapi that runs; it ends with the value.
pub struct RunningStrapi {
    /// The address of its admin panel, which it does not serve.
    pub url: String,
    /// The folder of the project.
    pub dir: PathBuf,
    tokens: Value,
    child: Child,
    /// Strapi ends when it is closed, even if these tests were killed.
    stdin: Option<ChildStdin>,
}

impl RunningStrapi {
    /// Serves a project; nothing else may serve or change it meanwhile.
    pub fn start(project: &Project) -> RunningStrapi {
        RunningStrapi::start_with(project, Mode::Usual)
    }

    /// The same, set up differently.
    pub fn start_with(project: &Project, mode: Mode) -> RunningStrapi {
        let log = project.dir.with_extension("log");
        let output = File::create(&log).unwrap();
        let mut command = Command::new("node");
        command
            .arg(repository("tests/strapi/remote.js"))
            .arg(&project.dir)
            .args(match mode {
                Mode::Usual => None,
                Mode::NoSalt => Some("no-salt"),
                Mode::SwitchedOff => Some("switched-off"),
            })
            .current_dir(&project.dir)
            .env("NODE_ENV", "production")
            .env("NODE_NO_WARNINGS", "1")
            .env("STRAPI_TELEMETRY_DISABLED", "true")
            .env("FORCE_COLOR", "0")
            .env_remove("NO_COLOR")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(output.try_clone().unwrap());
        let mut child = command
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut output = output;
        let said = lines.by_ref().find_map(|line| {
            let line = line.ok()?;
            let said = line
                .starts_with("{\"url\"")
                .then(|| serde_json::from_str::<Value>(&line).unwrap());
            writeln!(output, "{line}").unwrap();
            said
        });
        let Some(said) = said else {
            let status = child.wait().unwrap();
            let log = fs::read_to_string(&log).unwrap_or_default();
            panic!("Strapi ended with {status} before it served anything:\n{log}");
        };
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let _ = writeln!(output, "{line}");
            }
        });
        RunningStrapi {
            url: said["url"].as_str().unwrap().to_owned(),
            dir: project.dir.clone(),
            tokens: said["tokens"].clone(),
            stdin: child.stdin.take(),
            child,
        }
    }

    /// One of its tokens.
    pub fn token(&self, token: Token) -> &str {
        let name = match token {
            Token::Full => "full",
            Token::Push => "push",
            Token::Pull => "pull",
            Token::Expired => "expired",
        };
        self.tokens[name].as_str().unwrap()
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        let (_, rest) = self.url.rsplit_once(':').unwrap();
        rest.split('/').next().unwrap().parse().unwrap()
    }

    /// Its address through something that listens on another port.
    pub fn url_through(&self, port: u16) -> String {
        self.url
            .replace(&self.port().to_string(), &port.to_string())
    }

    /// Whether its process is over.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// The files in its upload folder, by name.
    pub fn uploads(&self) -> BTreeMap<String, Vec<u8>> {
        files_in(&self.dir.join("public/uploads"))
    }

    /// The folders that pushes have put its files into, and not deleted.
    pub fn backups(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.dir.join("public")).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let mut folders: Vec<PathBuf> = paths
            .filter(|path| path.to_string_lossy().contains("uploads_backup_"))
            .collect();
        folders.sort();
        folders
    }

    /// Waits for its end, which begins by itself or with [`RunningStrapi::kill`].
    pub fn wait(&mut self) {
        self.child.wait().unwrap();
    }

    /// Kills it, and waits until it is gone.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.wait();
    }
}

impl Drop for RunningStrapi {
    fn drop(&mut self) {
        drop(self.stdin.take());
        // It has nothing to put in order: a transfer that runs is to be cut.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The files of a folder, by name; hidden ones are no uploads.
pub fn files_in(folder: &std::path::Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap();
    let named = entries.map(|entry| entry.unwrap()).map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        (name, entry.path())
    });
    named
        .filter(|(name, path)| !name.starts_with('.') && path.is_file())
        .map(|(name, path)| (name, fs::read(path).unwrap()))
        .collect()
}
