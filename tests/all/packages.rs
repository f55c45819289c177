//! What `scripts/release` makes, installed as people install it: none of it is built twice, the program is that of the tests.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use crate::support::cli::{Outcome, Project, backup, run};
use crate::support::files::{folder_of_this_run, listing, repository};
use crate::support::running::Running;
use crate::support::skip;

/// The programs that make and install packages, the first that is missing.
fn missing() -> Option<&'static str> {
    let needed = [
        "cargo-deb",
        "dpkg-deb",
        "dpkg-shlibdeps",
        "npm",
        "readelf",
        "strip",
    ];
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let is_there = |name: &&str| std::env::split_paths(&paths).any(|it| it.join(name).is_file());
    needed.into_iter().find(|name| !is_there(name))
}

/// The folder of the packages, which are made once; nothing where that cannot be.
fn packages() -> Option<&'static Path> {
    static PACKAGES: OnceLock<PathBuf> = OnceLock::new();
    if let Some(program) = missing() {
        skip(&format!(
            "{program} is missing, so the packages cannot be made (scripts/test installs it)"
        ));
        return None;
    }
    Some(PACKAGES.get_or_init(|| {
        let folder = folder_of_this_run().join("packages");
        let mut release = Command::new(repository("scripts/release"));
        release.args(["--debug", "--binary", env!("CARGO_BIN_EXE_backup"), "--out"]);
        let made = Outcome::of(release.arg(&folder).output().unwrap());
        made.ends_with(0);
        folder
    }))
}

/// The only file of a folder with this beginning and this end.
fn file(folder: &Path, beginning: &str, end: &str) -> PathBuf {
    let names = listing(folder);
    let fits = |name: &&String| name.starts_with(beginning) && name.ends_with(end);
    let found: Vec<&String> = names.iter().filter(fits).collect();
    assert_eq!(found.len(), 1, "{beginning}*{end}: {names:?}");
    folder.join(found[0])
}

/// Runs a program to its end, which has to be good, and gives its stdout.
#[track_caller]
fn done(command: &mut Command) -> String {
    let outcome = Outcome::of(command.stdin(Stdio::null()).output().unwrap());
    outcome.ends_with(0).stdout
}

/// What `backup --version` prints.
fn version() -> String {
    format!("backup {}\n", env!("CARGO_PKG_VERSION"))
}

/// The man pages of the repository.
fn pages() -> Vec<String> {
    listing(&repository("man"))
}

#[test]
fn the_sums_are_those_of_the_packages() {
    let Some(packages) = packages() else { return };
    let checked = done(
        Command::new("sha256sum")
            .args(["--strict", "-c", "SHA256SUMS"])
            .current_dir(packages),
    );
    let mut named: Vec<&str> = checked
        .lines()
        .map(|line| line.split(':').next().unwrap())
        .collect();
    let mut names = listing(packages);
    names.retain(|name| name != "SHA256SUMS");
    named.sort_unstable();
    assert_eq!(named, names, "every package has its sum");
}

#[test]
fn the_archive_holds_the_program_its_pages_and_its_completions() {
    let Some(packages) = packages() else { return };
    let folder = tempfile::tempdir().unwrap();
    let archive = file(packages, "backup-", ".tar.gz");
    done(
        Command::new("tar")
            .arg("-xzf")
            .arg(archive)
            .current_dir(&folder),
    );
    let root = file(folder.path(), "backup-", "");
    let program = root.join("backup");
    assert_eq!(done(Command::new(&program).arg("--version")), version());
    assert_eq!(listing(&root.join("man/man1")), pages());
    assert_eq!(
        listing(&root.join("completions")),
        ["_backup", "backup.bash", "backup.fish"]
    );
    for name in ["LICENSE", "README.md"] {
        let (ours, theirs) = (fs::read(repository(name)), fs::read(root.join(name)));
        assert_eq!(ours.unwrap(), theirs.unwrap(), "{name}");
    }
}

#[test]
fn debians_package_installs_into_an_empty_root_and_goes_without_a_trace() {
    let Some(packages) = packages() else { return };
    let package = file(packages, "strapi-backup_", ".deb");
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let admin = root.join("var/lib/dpkg");
    fs::create_dir_all(admin.join("info")).unwrap();
    fs::create_dir(admin.join("updates")).unwrap();
    fs::write(admin.join("status"), "").unwrap();
    let dpkg = |arguments: &[&str]| {
        let mut dpkg = Command::new("dpkg");
        // There is no libc6 in an empty root; who is not root gives no file away.
        dpkg.args(["--force-depends", "--force-not-root", "--log=/dev/null"]);
        dpkg.arg(format!("--root={}", root.display()));
        done(dpkg.args(arguments));
    };
    dpkg(&["--install", package.to_str().unwrap()]);
    let program = root.join("usr/bin/backup");
    assert_eq!(done(Command::new(&program).arg("--version")), version());
    let man = root.join("usr/share/man/man1");
    let compressed: Vec<String> = pages().iter().map(|page| format!("{page}.gz")).collect();
    assert_eq!(listing(&man), compressed);
    let page = done(Command::new("gzip").arg("-dc").arg(man.join("backup.1.gz")));
    assert!(
        page == fs::read_to_string(repository("man/backup.1")).unwrap(),
        "the page is that of the repository"
    );
    for (shell, path) in [
        ("bash", "bash-completion/completions/backup"),
        ("zsh", "zsh/vendor-completions/_backup"),
        ("fish", "fish/vendor_completions.d/backup.fish"),
    ] {
        let printed = run(&mut backup(["completions", shell])).ends_with(0);
        let installed = fs::read_to_string(root.join("usr/share").join(path)).unwrap();
        assert!(printed.stdout == installed, "{path}");
    }
    let documents = root.join("usr/share/doc/strapi-backup");
    assert_eq!(
        listing(&documents.join("examples")),
        listing(&repository("contrib"))
    );
    dpkg(&["--purge", "strapi-backup"]);
    assert!(!root.join("usr").exists(), "all of it goes");
}

/// A folder with npm's packages installed, from their files alone.
struct Installed {
    folder: TempDir,
}

impl Installed {
    /// Installs these packages.
    fn new(packages: &[PathBuf]) -> Installed {
        let installed = Installed {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::create_dir(installed.path()).unwrap();
        let mut npm = installed.command("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]);
        done(npm.args(packages));
        installed
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("site")
    }

    /// A program of npm's that reaches no network and leaves nothing outside of the folder.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .env("npm_config_offline", "true")
            .env("npm_config_update_notifier", "false")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .current_dir(self.path());
        command
    }

    /// `npx backup`, or what it starts.
    fn backup(&self, through_npx: bool) -> Command {
        if through_npx {
            let mut npx = self.command("npx");
            npx.arg("backup");
            return npx;
        }
        self.command("node_modules/.bin/backup")
    }
}

/// The launcher and the package of this platform.
fn npm_packages(packages: &Path) -> Vec<PathBuf> {
    let version = env!("CARGO_PKG_VERSION");
    let launcher = packages.join(format!("strapi-backup-{version}.tgz"));
    vec![launcher, file(packages, "strapi-backup-linux-", ".tgz")]
}

#[test]
fn npx_runs_the_program_and_ends_as_it_ends() {
    let Some(packages) = packages() else { return };
    let installed = Installed::new(&npm_packages(packages));
    let no_archive = installed.path().join("no-archive.tar");
    fs::write(&no_archive, "not an archive").unwrap();
    for through_npx in [true, false] {
        let ends = |arguments: &[&str], code| {
            let mut backup = installed.backup(through_npx);
            run(backup.args(arguments)).ends_with(code)
        };
        assert_eq!(ends(&["--version"], 0).stdout, version());
        ends(&["export", "--project", "missing", "--no-encrypt"], 1).says(["missing"]);
        ends(&["export", "--nonsense"], 2).says(["--nonsense"]);
        ends(&["verify", "no-archive.tar"], 6);
    }
}

/// An export through npm's packages that waits, in a process group of its own.
fn waiting_export(installed: &Installed, project: &Project, through_npx: bool) -> Running {
    let mut command = installed.backup(through_npx);
    command.args(["export", "--no-encrypt", "--lock-wait", "1h", "--project"]);
    command.arg(project.path()).process_group(0);
    let mut running = Running::start(command);
    running.until("waiting for another run");
    running
}

#[test]
fn signals_pass_through_the_launcher_and_npx() {
    let Some(packages) = packages() else { return };
    let installed = Installed::new(&npm_packages(packages));
    let project = Project::testdata();
    let lock = project.path().join(".tmp/data.db.backup-lock");
    let lock = fs::File::create(lock).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    for signal in ["TERM", "INT"] {
        let mut running = waiting_export(&installed, &project, false);
        running.signal(signal);
        running.end().ends_with(130).says(["interrupted"]);

        // npm hands signals to a shell, which keeps them; a terminal, and systemd, signal the group. It ends when all have
        // ended that were started.
        let running = waiting_export(&installed, &project, true);
        let group = format!("-{}", running.id());
        run(Command::new("kill").args(["-s", signal, "--", &group])).ends_with(0);
        running.end();
    }
}

#[test]
fn without_the_package_of_the_platform_the_launcher_names_it() {
    let Some(packages) = packages() else { return };
    let launcher = &npm_packages(packages)[..1];
    let installed = Installed {
        folder: tempfile::tempdir().unwrap(),
    };
    fs::create_dir(installed.path()).unwrap();
    let mut npm = installed.command("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--omit=optional"]);
    done(npm.args(launcher));
    let mut backup = installed.backup(false);
    run(backup.arg("--version")).ends_with(1).says([
        "error: the package @strapi-backup/linux-",
        "not installed",
        "--include=optional",
    ]);
}
