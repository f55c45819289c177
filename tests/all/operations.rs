//! The commands of docs/OPERATIONS.md, as they stand there, and the files of contrib/.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::cli::{Outcome, backup, run, testdata};
use crate::support::files::{copy_folder, listing, repository};

/// The blocks of commands of a page that are marked to be tried, in their order.
fn blocks(page: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().map(str::trim);
    while let Some(line) = lines.next() {
        if line != "<!-- tried -->" {
            continue;
        }
        assert_eq!(lines.next(), Some("```sh"), "behind {line}");
        let commands: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        blocks.push(commands.join("\n"));
    }
    blocks
}

/// A shell that stops at the first command that fails, with the program of the tests in its path.
fn in_shell(root: &Path, script: &str) -> Command {
    let programs = root.join("bin");
    fs::create_dir(&programs).unwrap();
    symlink(env!("CARGO_BIN_EXE_backup"), programs.join("backup")).unwrap();
    let mut paths = programs.into_os_string();
    paths.push(":");
    paths.push(std::env::var_os("PATH").unwrap_or_default());
    let mut shell = Command::new("sh");
    shell.args(["-eux", "-c", script]).current_dir(root);
    shell.env_clear().env("PATH", paths).stdin(Stdio::null());
    shell
}

#[test]
fn the_commands_of_the_operations_page_run_as_they_stand_there() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    for site in ["strapi", "staging", "production"] {
        copy_folder(&testdata("project"), &root.join("srv").join(site));
    }
    fs::create_dir_all(root.join("var/backups/strapi")).unwrap();
    let page = fs::read_to_string(repository("docs/OPERATIONS.md")).unwrap();
    let blocks = blocks(&page);
    assert!(blocks.len() > 5, "the page has blocks to be tried");
    let mut script = blocks.join("\n");
    // Everything that the page names lies in the folder instead.
    let here = root.to_str().unwrap();
    for place in ["/srv/", "/var/backups/", "/etc/backup"] {
        script = script.replace(place, &format!("{here}{place}"));
    }
    Outcome::of(in_shell(root, &script).output().unwrap()).ends_with(0);
    let archives = listing(&root.join("var/backups"));
    assert_eq!(
        archives,
        ["before-the-move.tar.gz.enc", "move.tar.gz.enc", "strapi"]
    );
}

#[test]
fn the_commands_of_the_readme_install_pages_and_completions_where_nothing_is() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    let page = fs::read_to_string(repository("README.md")).unwrap();
    let blocks = blocks(&page);
    assert_eq!(blocks.len(), 1, "the marked block of README");
    let local = format!("{}/usr/local/", root.display());
    let script = blocks[0].replace("/usr/local/", &local);
    let mut shell = in_shell(root, &script);
    Outcome::of(shell.current_dir(repository("")).output().unwrap()).ends_with(0);
    let share = root.join("usr/local/share");
    assert_eq!(
        listing(&share.join("man/man1")),
        listing(&repository("man"))
    );
    assert_eq!(
        listing(&share.join("bash-completion/completions")),
        ["backup"]
    );
}

/// The export of contrib/, as it would be typed on a machine that has a site there.
const EXPORT: [&str; 10] = [
    "--user=strapi",
    "--program=/usr/bin/backup",
    "--",
    "export",
    "--project=/srv/strapi",
    "--file=/var/backups/strapi/",
    "--key-file=/etc/backup/key",
    "--prune",
    "--keep-daily=7",
    "--keep-weekly=5",
];

#[test]
fn contrib_holds_what_schedule_prints() {
    let made = tempfile::tempdir().unwrap();
    let is_new = std::env::var_os("RENEW").is_some();
    for (form, folder) in [("--systemd", "systemd"), ("--cron", "cron")] {
        let contrib = repository("contrib").join(folder);
        let to: &Path = if is_new { &contrib } else { made.path() };
        fs::create_dir_all(to).unwrap();
        let mut schedule = backup(["schedule", form, "--name=nightly", "--overwrite", "--write"]);
        run(schedule.arg(to).args(EXPORT)).ends_with(0);
        for name in listing(&contrib) {
            let ours = fs::read_to_string(contrib.join(&name)).unwrap();
            let printed = fs::read_to_string(to.join(&name)).unwrap_or_default();
            assert!(
                ours == printed,
                "contrib/{folder}/{name} is stale; run: RENEW=1 cargo test contrib_holds"
            );
        }
    }
}
