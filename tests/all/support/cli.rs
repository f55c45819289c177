//! Runs the binary on copies of the project in `testdata`, and looks at what it leaves behind.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

use super::archive::{Archive, Asset};
use super::files::{copy_folder, listing, repository};
use super::sqlite::{rows, table_names};

/// The key of `strapi-export.tar.gz.enc`, and of whatever the tests encrypt. It must never be printed.
pub const KEY: &str = "kitchen-sink";

/// How an archive is written that a test looks into.
pub const PLAIN: [&str; 2] = ["--no-encrypt", "--no-compress"];

/// How a command runs after a run that was killed or cut off: a server may need a moment to notice that somebody is gone.
pub const PATIENTLY: [&str; 2] = ["--lock-wait", "1m"];

/// Variables of the tests' own environment that the binary gets as well.
const PASSED_ON: [&str; 4] = ["PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH"];

/// A file or folder of `testdata/strapi5-sqlite`.
pub fn testdata(name: &str) -> PathBuf {
    testdata_of(5, name)
}

/// The same of another major version of Strapi.
fn testdata_of(major: u32, name: &str) -> PathBuf {
    repository(&format!("testdata/strapi{major}-sqlite")).join(name)
}

/// The plain archive that Strapi 5.54.0 exported from the project in `testdata`.
pub fn strapi_archive() -> PathBuf {
    strapi_archive_of(5)
}

/// The plain archive that Strapi 5.54.0 or 4.26.2 exported from its project in `testdata`.
pub fn strapi_archive_of(major: u32) -> PathBuf {
    testdata_of(major, "strapi-export.tar")
}

/// The binary with these arguments, without a terminal and without anything of the tests' environment that could
/// change what it does.
pub fn backup<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    in_clean_environment(Command::new(env!("CARGO_BIN_EXE_backup")), arguments)
}

/// As [`backup`], but started by the program that `starter` begins.
pub fn backup_through<S: AsRef<OsStr>>(
    mut starter: Command,
    arguments: impl IntoIterator<Item = S>,
) -> Command {
    starter.arg(env!("CARGO_BIN_EXE_backup"));
    in_clean_environment(starter, arguments)
}

fn in_clean_environment<S: AsRef<OsStr>>(
    mut command: Command,
    arguments: impl IntoIterator<Item = S>,
) -> Command {
    command
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    for name in PASSED_ON {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    // What programs keep in the user's own folder is for this run of the tests alone.
    let kept = format!("state-{}", std::process::id());
    command.env(
        "XDG_STATE_HOME",
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(kept),
    );
    command
}

/// Has a run give up soon where it waits for whoever holds the database.
pub fn impatient(command: &mut Command) -> &mut Command {
    command.env("BACKUP_DATABASE_TIMEOUT", "0.3")
}

/// How a run ended and what it printed.
pub struct Outcome {
    /// The exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Outcome {
    let output = command.output();
    Outcome::of(output.unwrap_or_else(|error| panic!("{command:?}: {error}")))
}

impl Outcome {
    /// What a process left. No test prints a key, so none may stand in any output.
    pub fn of(output: Output) -> Outcome {
        let outcome = Outcome {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
        };
        assert!(
            !outcome.stdout.contains(KEY) && !outcome.stderr.contains(KEY),
            "the key was printed\n{}",
            outcome.all()
        );
        outcome
    }

    /// Fails unless the exit code is this one.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Outcome {
        assert_eq!(self.code, Some(code), "exit code\n{}", self.all());
        self
    }

    /// Fails unless each of these stands on stderr.
    #[track_caller]
    pub fn says<const N: usize>(self, texts: [&str; N]) -> Outcome {
        for text in texts {
            assert!(
                self.stderr.contains(text),
                "stderr does not say {text:?}\n{}",
                self.all()
            );
        }
        self
    }

    /// The lines of stderr that begin with this.
    pub fn lines(&self, beginning: &str) -> Vec<&str> {
        let lines = self.stderr.lines();
        lines.filter(|line| line.starts_with(beginning)).collect()
    }

    /// Everything, for messages.
    pub fn all(&self) -> String {
        let Outcome {
            code,
            stdout,
            stderr,
        } = self;
        format!("code {code:?}\n--- stdout\n{stdout}--- stderr\n{stderr}")
    }
}

/// A copy of the project in `testdata`, and an empty folder for archives beside it. Both go with the value.
pub struct Project {
    folder: TempDir,
    /// Where its database is, unless that is what its configuration says.
    database_url: Option<String>,
}

impl Project {
    /// The project as it is in `testdata`: what Strapi exported `strapi-export.tar` from.
    pub fn testdata() -> Project {
        Project::testdata_in(tempfile::tempdir().unwrap())
    }

    /// As [`Project::testdata`], in a folder of the test's choice.
    pub fn testdata_in(folder: TempDir) -> Project {
        Project::copied(&testdata("project"), folder)
    }

    /// The project of a major version of Strapi, as it is in `testdata`.
    pub fn of(major: u32) -> Project {
        Project::copied(&testdata_of(major, "project"), tempfile::tempdir().unwrap())
    }

    /// A copy of a project.
    pub fn copied(original: &Path, folder: TempDir) -> Project {
        let project = Project {
            folder,
            database_url: None,
        };
        copy_folder(original, &project.path());
        fs::create_dir(project.archives()).unwrap();
        project
    }

    /// The same project without content, configuration and files. Only the row of content types is left, which Strapi
    /// writes when it starts, and what no archive holds.
    pub fn empty() -> Project {
        let project = Project::testdata();
        let connection = project.connect();
        for table in table_names(&connection) {
            let sql = match table.as_str() {
                "strapi_core_store_settings" => {
                    "DELETE FROM strapi_core_store_settings WHERE key <> 'strapi_content_types_schema'"
                        .to_owned()
                }
                "strapi_webhooks" => "DELETE FROM strapi_webhooks".to_owned(),
                "sqlite_sequence" => continue,
                table if table.starts_with("strapi_") || is_admin_table(table) => continue,
                table => format!("DELETE FROM \"{table}\""),
            };
            connection.execute_batch(&sql).unwrap();
        }
        fs::remove_dir_all(project.uploads()).unwrap();
        project
    }

    /// The same project with its database elsewhere, and with these files uploaded.
    pub fn moved(mut self, database_url: String, uploads: &BTreeMap<String, Asset>) -> Project {
        self.database_url = Some(database_url);
        fs::remove_dir_all(self.path().join(".tmp")).unwrap();
        fs::remove_dir_all(self.uploads()).unwrap();
        fs::create_dir(self.uploads()).unwrap();
        for (name, asset) in uploads {
            fs::write(self.uploads().join(name), &asset.bytes).unwrap();
        }
        self
    }

    /// The folder of the project.
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// The folder for archives, which is also the current folder of [`Project::run`].
    pub fn archives(&self) -> PathBuf {
        self.folder.path().join("archives")
    }

    /// A path in the folder for archives.
    pub fn archive(&self, name: &str) -> PathBuf {
        self.archives().join(name)
    }

    /// The file of its database.
    pub fn database(&self) -> PathBuf {
        self.path().join(".tmp/data.db")
    }

    /// The upload folder.
    pub fn uploads(&self) -> PathBuf {
        self.path().join("public/uploads")
    }

    /// A connection that breaks references when it is told to.
    pub fn connect(&self) -> Connection {
        let connection = Connection::open(self.database()).unwrap();
        connection
            .execute_batch("PRAGMA foreign_keys = OFF")
            .unwrap();
        connection
    }

    /// Changes the database.
    pub fn sql(&self, statements: &str) -> &Project {
        if let Err(error) = self.connect().execute_batch(statements) {
            panic!("{error}\n{statements}");
        }
        self
    }

    /// Replaces a piece of text in one of the project's files, which must hold it.
    pub fn edit(&self, file: &str, from: &str, to: &str) -> &Project {
        let path = self.path().join(file);
        let before = fs::read_to_string(&path).unwrap();
        let after = before.replace(from, to);
        assert_ne!(before, after, "{file} does not hold {from}");
        fs::write(path, after).unwrap();
        self
    }

    /// Changes the row of content types, which says what the project's tables hold.
    pub fn edit_content_types(&self, edit: impl FnOnce(&mut serde_json::Value)) -> &Project {
        const KEY: &str = "strapi_content_types_schema";
        let connection = self.connect();
        let sql = "SELECT value FROM strapi_core_store_settings WHERE key = ?";
        let text: String = connection.query_row(sql, [KEY], |row| row.get(0)).unwrap();
        let mut types = serde_json::from_str(&text).unwrap();
        edit(&mut types);
        let sql = "UPDATE strapi_core_store_settings SET value = ? WHERE key = ?";
        connection
            .execute(sql, [types.to_string().as_str(), KEY])
            .unwrap();
        self
    }

    /// A folder into which Strapi's archive is unpacked.
    pub fn unpacked(&self) -> PathBuf {
        let folder = self.archive("unpacked");
        let archive = fs::File::open(strapi_archive()).unwrap();
        tar::Archive::new(archive).unpack(&folder).unwrap();
        folder
    }

    /// A run of the binary on this project, before it starts.
    pub fn command<'a>(&self, verb: &str, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = backup([verb, "--project"]);
        command
            .arg(self.path())
            .args(arguments)
            .current_dir(self.archives());
        if let Some(url) = &self.database_url {
            command.env("BACKUP_DATABASE_URL", url);
        }
        command
    }

    /// Runs the binary on this project.
    pub fn run<'a>(&self, verb: &str, arguments: impl IntoIterator<Item = &'a str>) -> Outcome {
        run(&mut self.command(verb, arguments))
    }

    /// Exports into a plain archive of this name, in place of an earlier one, and gives its path. Nothing may be missing from it.
    #[track_caller]
    pub fn export(&self, name: &str, options: &[&str]) -> PathBuf {
        let arguments = [&["-f", name, "--overwrite"], &PLAIN[..], options].concat();
        self.run("export", arguments).ends_with(0);
        self.archive(&format!("{name}.tar"))
    }

    /// Exports into a folder of this name and gives its path. Nothing may be missing from it.
    #[track_caller]
    pub fn export_unpacked(&self, name: &str) -> PathBuf {
        let arguments = ["-f", name, "--no-encrypt", "--format", "dir"];
        self.run("export", arguments).ends_with(0);
        self.archive(name)
    }

    /// What a plain export with these options holds. Nothing may be missing from it.
    #[track_caller]
    pub fn exported(&self, options: &[&str]) -> Archive {
        Archive::open(&self.export("exported", options), None)
    }

    /// An import of an archive without a question, before it starts.
    pub fn import_command(&self, archive: &Path, options: &[&str]) -> Command {
        let file = archive.to_str().unwrap();
        self.command("import", [&["--force", "-f", file], options].concat())
    }

    /// Imports an archive without a question.
    pub fn import(&self, archive: &Path, options: &[&str]) -> Outcome {
        run(&mut self.import_command(archive, options))
    }

    /// Everything an import could change.
    pub fn state(&self) -> State {
        let connection = self.connect();
        let tables = table_names(&connection)
            .into_iter()
            .map(|table| (table.clone(), rows(&connection, &table)))
            .collect();
        let mut files = BTreeMap::new();
        read_files(&self.path(), "", &mut files);
        files.retain(|name, _| !name.starts_with(".tmp/data.db"));
        State { tables, files }
    }
}

/// The rows of a project's tables, and its files. The database file itself and SQLite's journal are not among them.
#[derive(Clone)]
pub struct State {
    pub tables: BTreeMap<String, Vec<Vec<Value>>>,
    pub files: BTreeMap<String, Vec<u8>>,
}

impl State {
    /// The tables and files that differ from another state, by name.
    pub fn changes(&self, other: &State) -> BTreeSet<String> {
        let mut names = changed_keys(&self.tables, &other.tables);
        names.extend(changed_keys(&self.files, &other.files));
        names
    }

    /// The files in the upload folder.
    pub fn uploads(&self) -> BTreeMap<&str, &[u8]> {
        self.files
            .iter()
            .filter_map(|(name, bytes)| Some((name.strip_prefix("public/uploads/")?, &bytes[..])))
            .filter(|(name, _)| !name.is_empty())
            .collect()
    }

    /// The rows that a restore gives back, as text: those of administrators and what SQLite counts are not among them,
    /// and rows that join others stand without the ids that nothing names them by.
    pub fn content(&self) -> BTreeMap<&str, Vec<String>> {
        let mut content = BTreeMap::new();
        for (table, rows) in &self.tables {
            if is_admin_table(table) || table == "sqlite_sequence" {
                continue;
            }
            let joins = ["_lnk", "_cmps", "_mph"]
                .iter()
                .any(|end| table.ends_with(end));
            let mut rows: Vec<String> = rows
                .iter()
                .map(|row| format!("{:?}", &row[usize::from(joins)..]))
                .collect();
            rows.sort();
            content.insert(table.as_str(), rows);
        }
        content
    }

    /// Fails unless the content is that of another state; names the first row that is not.
    #[track_caller]
    pub fn assert_same_content(&self, other: &State) {
        let (ours, theirs) = (self.content(), other.content());
        assert!(ours.keys().eq(theirs.keys()));
        for (table, rows) in ours {
            let differs = rows
                .iter()
                .zip(&theirs[table])
                .find(|(one, other)| one != other);
            assert_eq!(differs, None, "a row of {table}");
            assert_eq!(rows.len(), theirs[table].len(), "rows of {table}");
        }
    }

    /// Fails if anything is not as it was.
    #[track_caller]
    pub fn assert_untouched(&self, project: &Project) {
        let changes = self.changes(&project.state());
        assert!(changes.is_empty(), "changed: {changes:?}");
    }

    /// Fails if a row of administrators, roles or tokens is not as it was.
    #[track_caller]
    pub fn assert_same_administrators(&self, other: &State) {
        let changes = changed_keys(&self.tables, &other.tables);
        let changes: Vec<_> = changes.iter().filter(|name| is_admin_table(name)).collect();
        assert!(changes.is_empty(), "changed: {changes:?}");
    }
}

fn changed_keys<V: PartialEq>(
    one: &BTreeMap<String, V>,
    other: &BTreeMap<String, V>,
) -> BTreeSet<String> {
    one.keys()
        .chain(other.keys())
        .filter(|name| one.get(*name) != other.get(*name))
        .cloned()
        .collect()
}

/// Whether a table belongs to the administrators, which no archive holds and no restore touches.
pub fn is_admin_table(name: &str) -> bool {
    let prefixes = [
        "admin_",
        "strapi_api_token",
        "strapi_transfer_token",
        "strapi_sessions",
    ];
    prefixes.iter().any(|prefix| name.starts_with(prefix))
}

/// Folders are among the files, with a `/` behind their name.
fn read_files(folder: &Path, prefix: &str, files: &mut BTreeMap<String, Vec<u8>>) {
    for name in listing(folder) {
        let path = folder.join(&name);
        if path.is_dir() {
            files.insert(format!("{prefix}{name}/"), Vec::new());
            read_files(&path, &format!("{prefix}{name}/"), files);
        } else {
            files.insert(format!("{prefix}{name}"), fs::read(&path).unwrap());
        }
    }
}
