//! Runs that are interrupted or killed half-way, and runs that somebody else is in the way of.
//!
//! Where a run has to be at a certain point, it is made to wait there: for a lock that the test holds, or for the test
//! to read what it says. Nothing depends on how fast anything is.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;

use crate::support::archive::Archive;
use crate::support::cli::{PLAIN, Project, backup, impatient, run, strapi_archive};
use crate::support::databases::{Server, Site, on_each_server, our_archive};
use crate::support::files::listing;
use crate::support::proxy::Mute;
use crate::support::restore::{assert_exports, project_with_other_data};
use crate::support::running::{Running, export_half_way, miss_files};
use crate::support::strace::{can_trace, injected};

on_each_server!(
    a_run_that_waits_for_a_lock_of_the_server_is_interrupted,
    a_statement_that_somebody_else_cancels_is_an_error_that_says_so,
    signals_end_a_load_that_waits_before_files_are_moved,
    a_second_signal_ends_a_run_whose_server_does_not_answer,
);

fn import(project: &Project, archive: &Path) -> Running {
    Running::start(project.import_command(archive, &[]))
}

#[test]
fn an_export_that_is_interrupted_leaves_nothing() {
    for signal in ["INT", "TERM"] {
        let project = Project::testdata();
        project.sql(&miss_files());
        let before = project.state();
        let mut running = export_half_way(&project);
        running.signal(signal);
        let outcome = running.end().ends_with(130);
        assert_eq!(
            outcome.lines("error: "),
            ["error: interrupted: no archive was written"]
        );
        assert!(listing(&project.archives()).is_empty());
        before.assert_untouched(&project);
    }
}

#[test]
fn an_export_into_a_folder_that_is_interrupted_leaves_nothing() {
    let project = Project::testdata();
    project.sql(&miss_files());
    let options = ["-f", "site", "--no-encrypt", "--format", "dir"];
    let mut running = Running::start(project.command("export", options));
    running.until("warning: plugin::upload.file ").signal("INT");
    running.end().ends_with(130);
    assert!(listing(&project.archives()).is_empty());
}

#[test]
fn an_export_that_is_killed_leaves_nothing_under_the_name_of_the_archive() {
    let project = Project::testdata();
    project.sql(&miss_files());
    fs::write(project.archive("site.tar"), "of yesterday").unwrap();
    let before = project.state();
    export_half_way(&project).kill();
    assert_eq!(
        fs::read(project.archive("site.tar")).unwrap(),
        b"of yesterday"
    );
    // Where the file system knows files without a name, as on Linux.
    assert_eq!(listing(&project.archives()), ["site.tar"]);
    before.assert_untouched(&project);
    // What it left is in nobody's way.
    let options = [&["-f", "site", "--overwrite"], &PLAIN[..]].concat();
    project.run("export", options).ends_with(3);
    let archive = Archive::open(&project.archive("site.incomplete.tar"), None);
    assert_eq!(archive.assets().len(), 10);
}

#[test]
fn an_import_that_is_interrupted_while_it_checks_changes_nothing() {
    let project = Project::testdata();
    let before = project.state();
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    project.run("export", options).ends_with(0);
    // What follows never comes.
    let archive = fs::read(project.archive("site.tar")).unwrap();
    let (output, mut input) = io::pipe().unwrap();
    let mut command = project.import_command(Path::new("-"), &[]);
    command.stdin(output);
    let mut running = Running::start(command);
    input.write_all(&archive[..archive.len() / 2]).unwrap();
    running.until("entities ").signal("INT");
    let outcome = running.end().ends_with(130);
    let said = ["error: interrupted: nothing was changed"];
    assert_eq!(outcome.lines("error: "), said);
    before.assert_untouched(&project);
}

#[test]
fn a_look_that_is_interrupted_says_so_and_leaves_no_page() {
    let project = Project::testdata();
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    project.run("export", options).ends_with(0);
    let archive = fs::read(project.archive("site.tar")).unwrap();
    for (signal, options) in [
        ("INT", &["--html", "page.html"][..]),
        ("TERM", &["--json"]),
        ("INT", &["--type", "api::article.article"]),
    ] {
        // What follows never comes.
        let (output, mut input) = io::pipe().unwrap();
        let mut command = backup([&["inspect", "-"], options].concat());
        command.stdin(output).current_dir(project.archives());
        let mut running = Running::start(command);
        // More than a pipe holds: it has begun to read when all of this is written.
        input.write_all(&archive[..archive.len() / 2]).unwrap();
        running.signal(signal);
        let outcome = running.end().ends_with(130);
        let said = ["error: interrupted: not everything was looked at"];
        assert_eq!(outcome.lines("error: "), said, "{options:?}");
        assert_eq!(listing(&project.archives()), ["site.tar"]);
    }
}

#[test]
fn an_import_that_is_interrupted_while_it_writes_is_rolled_back() {
    for signal in ["INT", "TERM"] {
        let project = changed_project();
        let before = project.state();
        let strapi = project.connect();
        strapi.execute_batch("BEGIN IMMEDIATE").unwrap();
        let archive = strapi_archive();
        let mut command = project.import_command(&archive, &[]);
        command.env("BACKUP_DATABASE_TIMEOUT", "60");
        let mut running = Running::start(command);
        // It cannot begin to write before the lock is given back.
        running.until("not touched: ").signal(signal);
        running
            .end()
            .ends_with(130)
            .says(["error: interrupted: nothing was changed"]);
        strapi.execute_batch("ROLLBACK").unwrap();
        before.assert_untouched(&project);
    }
}

/// Waits until a run waits for a lock of the server.
fn until_it_waits(running: &mut Running, site: &Site) {
    let waiting = site.server().pick(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
        "SELECT count(*) FROM information_schema.processlist WHERE db = database() AND state LIKE 'Waiting for table%'",
    );
    let mut others = site.database.connect();
    while others.number(waiting, &[]).unwrap() == 0 {
        assert!(!running.has_ended(), "it ends before it waits");
        thread::yield_now();
    }
}

fn a_run_that_waits_for_a_lock_of_the_server_is_interrupted(server: Server) {
    for signal in ["INT", "TERM"] {
        let site = Site::new(server);
        let before = (site.database.tables(), site.files());
        let export = [&["-f", "site"], &PLAIN[..]].concat();
        for mut command in [
            site.command("export", export),
            site.import_command(our_archive(server), &[]),
        ] {
            let mut holder = site.database.connect();
            if server == Server::Postgres {
                holder.begin_write().unwrap();
            }
            let lock = server.pick(
                "LOCK TABLE articles IN ACCESS EXCLUSIVE MODE",
                "LOCK TABLES articles WRITE",
            );
            holder.execute(lock, &[]).unwrap();
            command.env("BACKUP_DATABASE_TIMEOUT", "60");
            let mut running = Running::start(command);
            until_it_waits(&mut running, &site);
            running.signal(signal);
            running.end().ends_with(130).says(["error: interrupted"]);
            drop(holder);
        }
        assert!(listing(&site.archives()).is_empty());
        assert!(before == (site.database.tables(), site.files()));
    }
}

fn a_statement_that_somebody_else_cancels_is_an_error_that_says_so(server: Server) {
    let site = Site::new(server);
    let before = (site.database.tables(), site.files());
    let export = [&["-f", "site"], &PLAIN[..]].concat();
    for mut command in [
        site.command("export", export),
        site.import_command(our_archive(server), &[]),
    ] {
        let mut holder = site.database.connect();
        if server == Server::Postgres {
            holder.begin_write().unwrap();
        }
        let lock = server.pick(
            "LOCK TABLE articles IN ACCESS EXCLUSIVE MODE",
            "LOCK TABLES articles WRITE",
        );
        holder.execute(lock, &[]).unwrap();
        command.env("BACKUP_DATABASE_TIMEOUT", "60");
        let mut running = Running::start(command);
        until_it_waits(&mut running, &site);
        let mut administrator = site.database.connect();
        if server == Server::Postgres {
            let cancel = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE datname = \
                          current_database() AND wait_event_type = 'Lock'";
            administrator.number(cancel, &[]).unwrap();
        } else {
            let waiting = "SELECT id FROM information_schema.processlist WHERE db = database() AND \
                           state LIKE 'Waiting for table%'";
            let id = administrator.number(waiting, &[]).unwrap();
            administrator
                .execute(&format!("KILL QUERY {id}"), &[])
                .unwrap();
        }
        running
            .end()
            .ends_with(1)
            .says(["somebody else cancelled the statement"]);
        drop(holder);
    }
    assert!(listing(&site.archives()).is_empty());
    assert!(before == (site.database.tables(), site.files()));
}

#[test]
fn a_long_statement_of_sqlite_is_interrupted() {
    let project = changed_project();
    project.sql(
        "CREATE TABLE counted (i INTEGER);
         CREATE TRIGGER slow AFTER DELETE ON articles_tags_lnk BEGIN
           INSERT INTO counted WITH RECURSIVE numbers(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers
             WHERE i < 2000000000) SELECT max(i) FROM numbers;
         END",
    );
    let before = project.state();
    let mut running = import(&project, &strapi_archive());
    // SQLite makes it when a transaction changes its first row.
    let mut journal = project.database().into_os_string();
    journal.push("-journal");
    while !Path::new(&journal).exists() {
        assert!(!running.has_ended(), "it ends before it writes");
        thread::yield_now();
    }
    running.signal("TERM");
    running.end().ends_with(130).says(["error: interrupted"]);
    before.assert_untouched(&project);
}

fn signals_end_a_load_that_waits_before_files_are_moved(server: Server) {
    let site = Site::new(server);
    let before = (site.database.tables(), site.files());
    let mut holder = site.database.connect();
    if server == Server::Postgres {
        holder.begin_write().unwrap();
    }
    // The last row that is written is the first one in there.
    let lock = server.pick(
        "LOCK TABLE strapi_core_store_settings IN SHARE MODE",
        "LOCK TABLES strapi_core_store_settings READ",
    );
    holder.execute(lock, &[]).unwrap();
    let mut command = site.import_command(our_archive(server), &["--only", "content"]);
    command.env("BACKUP_DATABASE_TIMEOUT", "60");
    let mut running = Running::start(command);
    running.until("finishing");
    until_it_waits(&mut running, &site);
    running.signal("TERM");
    let outcome = running.end().ends_with(130).says(["error: interrupted"]);
    assert!(
        !outcome.stderr.contains("a signal came"),
        "{}",
        outcome.all()
    );
    drop(holder);
    assert!(before == (site.database.tables(), site.files()));
}

fn a_second_signal_ends_a_run_whose_server_does_not_answer(server: Server) {
    let site = Site::new(server);
    let before = (site.database.tables(), site.files());
    let mute = Mute::new(server, "-without-files");
    let mut command = site.import_command(our_archive(server), &["--only", "content"]);
    command.args(["--database-url", &mute.url(&site.database.name)]);
    let mut running = Running::start(command);
    while !mute.is_mute() {
        assert!(!running.has_ended(), "it ends before the server is mute");
        thread::yield_now();
    }
    running.signal("TERM");
    running.until("interrupted: waiting for the database to answer; a second signal ends");
    running.signal("TERM");
    let outcome = running.end().ends_with(130);
    assert!(
        !outcome.stderr.contains("a signal came"),
        "{}",
        outcome.all()
    );
    assert!(before == (site.database.tables(), site.files()));
}

#[test]
fn an_import_that_cannot_end_because_somebody_reads_is_rolled_back() {
    let project = changed_project();
    let before = project.state();
    let strapi = reader(&project);
    let mut import = project.import_command(&strapi_archive(), &[]);
    let outcome = run(impatient(&mut import)).ends_with(1);
    assert_eq!(outcome.lines("finishing"), ["finishing"]);
    outcome.says(["database is locked", "stop Strapi"]);
    drop(strapi);
    before.assert_untouched(&project);
}

#[test]
fn an_import_that_is_killed_while_it_writes_leaves_the_old_data() {
    let large = Project::testdata();
    large.sql(
        "WITH RECURSIVE numbers(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000)
         INSERT INTO tags (document_id, name) SELECT n, printf('%.*c', 5000, 'x') FROM numbers",
    );
    let archive = large.export("large", &[]);
    let project = changed_project();
    let before = project.state();
    let strapi = reader(&project);
    let mut running = import(&project, &archive);
    // SQLite keeps less than these rows in memory, and waits for the reader before it writes any of them down.
    running.until("schemas").until("schemas").kill();
    drop(strapi);
    let after = project.state();
    assert_eq!(before.tables, after.tables);
    let changes = before.changes(&after);
    let left = |name: &String| name.starts_with("public/uploads/.backup-");
    assert!(changes.iter().all(left), "{changes:?}");
    // What it left goes with the next import, or earlier.
    assert!(!changes.is_empty());
    let told = project.run("recover", []).ends_with(0).stdout;
    assert!(told.contains("left behind is deleted"), "{told}");
    before.assert_untouched(&project);
    project.import(&archive, &[]).ends_with(0);
    assert_exports(&project, &Archive::open(&archive, None));
    assert!(large.state().uploads() == project.state().uploads());
}

/// An import that was killed when its files were in place and the database had not committed; the staging folder. Before
/// that, somebody looks at it.
pub fn killed_half_way(project: &Project, look: impl FnOnce(&Path)) -> PathBuf {
    let strapi = reader(project);
    let mut running = import(project, &strapi_archive());
    running.until("finishing");
    // The end of the transaction waits for the reader; until then the new files are in place.
    let staging = loop {
        assert!(!running.has_ended(), "{}", running.said());
        let names = listing(&project.uploads());
        let staging = names
            .iter()
            .find(|name| name.starts_with(".backup-restore-"));
        let staging = project.uploads().join(staging.unwrap());
        if listing(&staging.join("new")).is_empty() {
            break staging;
        }
        thread::yield_now();
    };
    look(&staging);
    running.kill();
    drop(strapi);
    staging
}

/// The token in the journal of a restore.
fn token(staging: &Path) -> String {
    let journal = fs::read_to_string(staging.join("journal.jsonl")).unwrap();
    let line: serde_json::Value = serde_json::from_str(journal.lines().next().unwrap()).unwrap();
    line["token"].as_str().unwrap().to_owned()
}

/// Makes the database one that has committed.
fn commit(project: &Project, token: &str) {
    project.sql(&format!(
        "INSERT INTO strapi_core_store_settings (key, value, type) VALUES ('backup_restore_token', '\"{token}\"', 'string')"
    ));
}

#[test]
fn a_restore_that_was_killed_before_it_committed_is_undone_by_the_next_run() {
    for next in ["recover", "export", "import"] {
        let project = changed_project();
        let before = project.state();
        let staging = killed_half_way(&project, |_| {});
        assert_eq!(before.tables, project.state().tables);
        assert!(!before.changes(&project.state()).is_empty());
        let archive = strapi_archive();
        let said = "an earlier restore was interrupted before it committed";
        match next {
            "recover" => {
                let outcome = project.run("recover", []).ends_with(0);
                assert!(outcome.stdout.contains(said), "{}", outcome.all());
                assert!(!outcome.stdout.contains("may be left"), "{}", outcome.all());
                before.assert_untouched(&project);
                let outcome = project.run("recover", []).ends_with(0);
                assert!(
                    outcome.stdout.contains("nothing to do"),
                    "{}",
                    outcome.all()
                );
            }
            "export" => {
                let options = [&["-f", "site"], &PLAIN[..]].concat();
                project.run("export", options).ends_with(0).says([said]);
                before.assert_untouched(&project);
            }
            _ => {
                project.import(&archive, &[]).ends_with(0).says([said]);
                assert_exports(&project, &Archive::open(&archive, None));
            }
        }
        assert!(!staging.exists());
    }
}

#[test]
fn files_that_a_restore_with_a_damaged_journal_may_leave_are_told_of() {
    let project = changed_project();
    // What comes here has no predecessor.
    let brought = project.uploads().join("notes_36b3257a18.txt");
    fs::remove_file(&brought).unwrap();
    let before = project.state();
    let staging = killed_half_way(&project, |_| {});
    fs::write(staging.join("journal.jsonl"), [0; 64]).unwrap();
    let told = project.run("recover", []).ends_with(0).stdout;
    assert!(
        told.contains("may be left there: no row names them"),
        "{told}"
    );
    let after = project.state();
    let changes: Vec<String> = before.changes(&after).into_iter().collect();
    assert_eq!(changes, ["public/uploads/notes_36b3257a18.txt"]);
}

#[test]
fn a_damaged_journal_beside_the_one_that_committed_does_not_take_its_token() {
    let project = changed_project();
    let staging = killed_half_way(&project, |_| {});
    commit(&project, &token(&staging));
    // Before and after it, whichever is read first.
    for digit in ["0", "f"] {
        let name = format!(".backup-restore-{}", digit.repeat(32));
        let planted = staging.with_file_name(name);
        fs::create_dir_all(planted.join("old")).unwrap();
        fs::create_dir(planted.join("new")).unwrap();
        fs::write(planted.join("old/planted.txt"), "planted").unwrap();
        fs::write(planted.join("journal.jsonl"), "zeros").unwrap();
    }
    project.run("recover", []).ends_with(0);
    let state = project.state();
    for (name, asset) in Archive::open(&strapi_archive(), None).assets() {
        assert!(state.uploads()[name.as_str()] == asset.bytes, "{name}");
    }
    let outcome = project.run("recover", []).ends_with(0);
    assert!(
        outcome.stdout.contains("nothing to do"),
        "{}",
        outcome.all()
    );
}

#[test]
fn a_dry_run_tells_of_a_restore_that_was_killed_and_leaves_it() {
    let project = changed_project();
    killed_half_way(&project, |_| {});
    let before = project.state();
    let outcome = project.import(&strapi_archive(), &["--dry-run"]);
    outcome
        .ends_with(0)
        .says(["an earlier restore did not end", "backup recover"]);
    before.assert_untouched(&project);
}

#[test]
fn a_journal_of_sqlite_that_a_killed_writer_left_is_rolled_back() {
    let project = Project::testdata();
    let before = project.state();
    let database = project.database();
    let mut journal = database.clone().into_os_string();
    journal.push("-journal");
    // What stands on the disk in the middle of a transaction is what a crash leaves.
    let strapi = project.connect();
    strapi
        .execute_batch(
            "PRAGMA cache_size = 1; BEGIN; UPDATE articles SET title = 'half'; UPDATE files SET name = 'half'",
        )
        .unwrap();
    let crashed = [fs::read(&database).unwrap(), fs::read(&journal).unwrap()];
    drop(strapi);
    fs::write(&database, &crashed[0]).unwrap();
    fs::write(&journal, &crashed[1]).unwrap();
    let options = [&["-f", "site"], &PLAIN[..]].concat();
    project.run("export", options).ends_with(0);
    assert_eq!(before.tables, project.state().tables);
}

#[test]
fn a_restore_that_was_killed_after_it_committed_is_finished_by_the_next_run() {
    for is_marked in [false, true] {
        let project = changed_project();
        let staging = killed_half_way(&project, |_| {});
        commit(&project, &token(&staging));
        if is_marked {
            fs::write(staging.join("done"), "").unwrap();
        }
        let assets = Archive::open(&strapi_archive(), None).assets();
        let options = [&["-f", "site", "--overwrite"], &PLAIN[..]].concat();
        // The rows are the old ones here; what counts is that the files are the archive's.
        let outcome = project.run("export", options);
        outcome.says(["an earlier restore had committed and was not finished"]);
        for (name, asset) in &assets {
            assert!(
                project.state().uploads()[name.as_str()] == asset.bytes,
                "{name}"
            );
        }
        assert!(!staging.exists());
        let left = &project.state().tables["strapi_core_store_settings"];
        assert!(!format!("{left:?}").contains("backup_restore_token"));
        let configuration =
            Archive::open(&project.archive("site.incomplete.tar"), None).lines("configuration");
        assert!(
            !configuration
                .iter()
                .any(|line| line.contains("backup_restore_token"))
        );
    }
}

#[test]
fn a_restore_that_was_killed_while_it_forgets_is_not_undone() {
    let project = changed_project();
    let staging = killed_half_way(&project, |_| {});
    fs::write(staging.join("done"), "").unwrap();
    let now = project.state();
    project.run("recover", []).ends_with(0);
    let after = project.state();
    assert_eq!(now.tables, after.tables);
    let changes = now.changes(&after);
    let staging = |name: &String| name.starts_with("public/uploads/.backup-restore-");
    assert!(changes.iter().all(staging), "{changes:?}");
}

#[test]
fn a_restore_that_goes_on_elsewhere_keeps_others_away() {
    let project = changed_project();
    commit(&project, "of another machine");
    let before = project.state();
    let archive = strapi_archive();
    for outcome in [
        project.run("recover", []),
        project.import(&archive, &[]),
        project.run("export", [&["-f", "site"], &PLAIN[..]].concat()),
    ] {
        outcome
            .ends_with(11)
            .says(["was begun on another machine", "backup recover"]);
    }
    before.assert_untouched(&project);
}

/// A project that an import of Strapi's archive changes.
pub fn changed_project() -> Project {
    let project = Project::testdata();
    project.sql(
        "UPDATE articles SET title = 'old'; DELETE FROM tags WHERE id = 6;
         INSERT INTO files (document_id, name, hash, ext, mime, size, url, provider)
         VALUES ('old', 'old', 'old', '.txt', 'text/plain', 1, '/uploads/old.txt', 'local')",
    );
    fs::write(project.uploads().join("notes_36b3257a18.txt"), "old").unwrap();
    fs::write(project.uploads().join("old.txt"), "old").unwrap();
    project
}

/// Somebody who reads from the database of a project, and does not stop.
fn reader(project: &Project) -> rusqlite::Connection {
    let reader = project.connect();
    reader.execute_batch("BEGIN").unwrap();
    let rows: u32 = reader
        .query_row("SELECT count(*) FROM articles", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 30);
    reader
}

#[test]
fn signals_wait_while_files_are_moved() {
    if !can_trace() {
        return;
    }
    let original = Project::testdata();
    let project = project_with_other_data();
    // From the third file that moves on, one at each: the second one used to end the program there.
    let command = project.import_command(&strapi_archive(), &[]);
    let mut command = injected(&command, "rename", "signal=INT:when=3+");
    run(&mut command)
        .ends_with(0)
        .says(["a signal came while files are being moved"]);
    assert_exports(&project, &Archive::open(&strapi_archive(), None));
    let (original, restored) = (original.state(), project.state());
    for (name, content) in original.uploads() {
        assert!(restored.uploads()[name] == content, "{name}");
    }
}

#[test]
fn another_database_is_not_asked_whether_a_restore_has_committed() {
    let project = changed_project();
    let original = project.state();
    let other = project.archive("other.db");
    fs::copy(project.database(), &other).unwrap();
    killed_half_way(&project, |_| {});
    let half_way = project.state().files;
    let url = format!("sqlite:{}", other.display());
    for verb in ["recover", "export"] {
        let options = [&["-f", "site"], &PLAIN[..]].concat();
        let options = if verb == "export" {
            options
        } else {
            Vec::new()
        };
        let options = [&["--database-url", url.as_str()], &options[..]].concat();
        let outcome = project.run(verb, options).ends_with(11);
        outcome.says(["data.db did not end", "other.db", "--same-database"]);
        assert!(half_way == project.state().files);
    }
    // The same file by another name is the same database.
    let link = project.archive("link.db");
    std::os::unix::fs::symlink(project.database(), &link).unwrap();
    let url = format!("sqlite:{}", link.display());
    project
        .run("recover", ["--database-url", &url])
        .ends_with(0);
    original.assert_untouched(&project);
}

#[test]
fn a_restore_of_a_database_that_has_another_name_now_can_be_recovered() {
    let project = changed_project();
    let original = project.state();
    killed_half_way(&project, |_| {});
    let moved = project.archive("moved.db");
    fs::copy(project.database(), &moved).unwrap();
    let url = format!("sqlite:{}", moved.display());
    let options = ["--database-url", url.as_str(), "--same-database"];
    project.run("recover", options).ends_with(0);
    assert!(original.files == project.state().files);
}
