//! A running Strapi, or a project's folder, as one end or both ends of a run: options, tokens, refusals, and what comes of it.
//! The server is modelled; `remote_proofs` asks real ones.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::prompts::Session;
use crate::support::archive::Archive;
use crate::support::cli::{
    KEY, Outcome, PLAIN, Project, backup, backup_through, run, strapi_archive, testdata,
};
use crate::support::fake_strapi::{FULL, FakeStrapi, Fault, Harm, Hold, PULL, PUSH, Point, Site};
use crate::support::files::{listing, repository};
use crate::support::running::Running;
use crate::support::schema::described;

/// All tokens of the modelled server. None may stand in any output.
const TOKENS: [&str; 3] = [FULL, PULL, PUSH];

const FOUR: &str = "testdata/strapi4-sqlite/strapi-export.tar";

/// An address that nobody answers at.
const NOBODY: &str = "http://127.0.0.1:1/admin";

/// A modelled site that holds what Strapi's own archive holds.
fn site() -> FakeStrapi {
    FakeStrapi::start(Site::of_file(&strapi_archive()))
}

/// The same without content, files and configuration.
fn empty_site() -> FakeStrapi {
    FakeStrapi::start(Site::of_file(&strapi_archive()).emptied())
}

/// A run in this folder, before it starts.
fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = backup(words);
    command.current_dir(folder).env("BACKUP_SITE_TIMEOUT", "0");
    command
}

/// Fails if a token was printed.
#[track_caller]
fn without_tokens(outcome: Outcome) -> Outcome {
    let all = outcome.all();
    for token in TOKENS {
        assert!(!all.contains(token), "a token was printed\n{all}");
    }
    outcome
}

/// Runs it; no token may be printed.
#[track_caller]
fn ran(command: &mut Command) -> Outcome {
    without_tokens(run(command))
}

/// The lines that it printed as JSON; the last one is the summary.
#[track_caller]
fn summary(outcome: &Outcome) -> Value {
    let lines: Vec<Value> = outcome.stdout.lines().map(described).collect();
    let last = lines.last().expect("a summary");
    assert_eq!(last["type"], "summary");
    last.clone()
}

/// Writes a file with a secret, for its owner alone.
fn secret(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, format!("{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The files of a project's media library.
fn files(project: &Project) -> Vec<(String, Vec<u8>)> {
    let state = project.state();
    let files = state.uploads().into_iter();
    let files = files.filter(|(name, _)| !name.starts_with('.'));
    files
        .map(|(name, bytes)| (name.to_owned(), bytes.to_vec()))
        .collect()
}

/// A push of what Strapi's own archive holds, which is done: what is noted is what not every database could hold.
#[track_caller]
fn pushed(command: &mut Command) -> Outcome {
    ran(command)
        .ends_with(0)
        .says(["note: attribute `views` of api::article.article"])
}

// ------------------------------------------------------------------ folders

#[test]
fn a_project_in_a_folder_goes_into_another_one_without_any_server() {
    let (from, to) = (Project::testdata(), Project::empty());
    let before = from.state();
    let words = [
        "transfer",
        "--from",
        from.path().to_str().unwrap(),
        "--to",
        to.path().to_str().unwrap(),
    ]
    .map(str::to_owned);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let dry = [&words[..], &["--dry-run"]].concat();
    let untouched = to.state();
    let looked = ran(&mut command(&to.archives(), &dry)).ends_with(0);
    assert!(looked.stdout.contains("Dry run"), "{}", looked.all());
    untouched.assert_untouched(&to);
    let forced = [&words[..], &["--force", "--json"]].concat();
    let outcome = ran(&mut command(&to.archives(), &forced)).ends_with(0);
    let summary = summary(&outcome);
    assert_eq!(summary["command"], "transfer");
    assert_eq!(summary["from"], from.path().to_str().unwrap());
    assert_eq!(summary["to"], to.path().to_str().unwrap());
    assert_eq!(summary["archive"], Value::Null);
    assert_eq!(summary["stages"]["entities"]["count"], 82);
    to.state().assert_same_content(&before);
    assert_eq!(files(&to), files(&from));
    before.assert_untouched(&from);
}

#[test]
fn filters_narrow_a_transfer_as_they_narrow_an_import() {
    let (from, to) = (Project::testdata(), Project::empty());
    let words = [
        "transfer",
        "--from",
        from.path().to_str().unwrap(),
        "--to",
        to.path().to_str().unwrap(),
        "--force",
        "--only-content-types",
        "api::tag.tag",
        "--exclude",
        "config",
    ]
    .map(str::to_owned);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    ran(&mut command(&to.archives(), &words)).ends_with(0);
    let count = |table: &str| to.state().tables[table].len();
    assert_eq!(count("tags"), from.state().tables["tags"].len());
    assert_eq!(count("articles"), 0);
}

#[test]
fn from_and_to_name_a_project_as_the_option_for_it_does() {
    let project = Project::testdata();
    let folder = project.path();
    let folder = folder.to_str().unwrap();
    let export = ["export", "--from", folder, "-f", "by-from"];
    let outcome = ran(&mut command(
        &project.archives(),
        &[&export[..], &PLAIN].concat(),
    ));
    outcome.ends_with(0);
    let archive = project.archive("by-from.tar");
    assert_eq!(Archive::open(&archive, None).lines("entities").len(), 82);
    let other = Project::empty();
    let import = [
        "import",
        "--to",
        other.path().to_str().unwrap(),
        "-f",
        archive.to_str().unwrap(),
        "--force",
    ]
    .map(str::to_owned);
    let import: Vec<&str> = import.iter().map(String::as_str).collect();
    ran(&mut command(&project.archives(), &import)).ends_with(0);
    other.state().assert_same_content(&project.state());
}

#[test]
fn a_transfer_onto_itself_is_refused() {
    let project = Project::testdata();
    let before = project.state();
    let folder = project.path();
    let link = project.archive("link");
    std::os::unix::fs::symlink(&folder, &link).unwrap();
    let copy = Project::testdata();
    copy.edit(
        "config/database.js",
        "path.join(__dirname,'..',env('DATABASE_FILENAME','.tmp/data.db'))",
        &format!("'{}'", project.database().display()),
    );
    let (folder, link) = (folder.to_str().unwrap(), link.to_str().unwrap());
    for (from, to, why) in [
        (folder, folder, "name the same"),
        (folder, link, "name the same"),
        (folder, copy.path().to_str().unwrap(), "the same database"),
        (
            "https://cms.example.com",
            "https://CMS.example.com/admin/",
            "name the same",
        ),
        (
            "http://127.0.0.1:1337/admin",
            "http://localhost:1337/admin",
            "name the same",
        ),
    ] {
        let words = ["transfer", "--from", from, "--to", to, "--force"];
        ran(&mut command(&project.archives(), &words))
            .ends_with(2)
            .says([why]);
    }
    before.assert_untouched(&project);
}

#[test]
fn without_a_terminal_and_without_force_nothing_is_deleted() {
    let (from, to) = (Project::testdata(), Project::testdata());
    let before = to.state();
    let (from, path) = (from.path(), to.path());
    let words = [
        "transfer",
        "--from",
        from.to_str().unwrap(),
        "--to",
        path.to_str().unwrap(),
    ];
    ran(&mut command(&to.archives(), &words))
        .ends_with(2)
        .says(["a transfer deletes data", "--force", "--dry-run"]);
    before.assert_untouched(&to);
}

// ------------------------------------------------------------------ refusals

#[test]
fn options_for_a_site_are_refused_where_there_is_none_and_those_for_a_project_where_there_is_one() {
    let project = Project::testdata();
    let here = project.archives();
    let folder = project.path();
    let folder = folder.to_str().unwrap();
    let archive = strapi_archive();
    let archive = archive.to_str().unwrap();
    let export = ["export", "-f", "site", "--no-encrypt"];
    let import = ["import", "-f", archive, "--force"];
    let transfer = ["transfer", "--force"];
    let cases: [(&[&str], &[&str], &str); 22] = [
        (
            &export,
            &["--token-file", "x"],
            "--token-file is for a running Strapi",
        ),
        (
            &export,
            &["--from", folder, "--retries", "1"],
            "--retries is for a running Strapi",
        ),
        (
            &export,
            &["--from", NOBODY, "--follow-links"],
            "--follow-links is for the folder",
        ),
        (
            &export,
            &["--from", NOBODY, "--lock-wait", "1s"],
            "--lock-wait is for the folder",
        ),
        (
            &export,
            &["--from", NOBODY, "--environment", "production"],
            "--environment is for",
        ),
        (
            &export,
            &["--from", NOBODY, "--allow-private-hosts"],
            "--allow-private-hosts is for",
        ),
        (
            &export,
            &["--from", NOBODY, "--project", folder],
            "--project",
        ),
        (
            &import,
            &["--safety-copy", "x"],
            "--safety-copy is for a running Strapi",
        ),
        (
            &import,
            &["--no-safety-copy"],
            "--no-safety-copy is for a running Strapi",
        ),
        (
            &import,
            &["--to", folder, "--token-command", "x"],
            "--token-command is for a running",
        ),
        (
            &import,
            &["--to", NOBODY, "--files-to", "x"],
            "--files-to is for the folder",
        ),
        (
            &import,
            &["--to", NOBODY, "--rewrite-urls"],
            "--rewrite-urls is for the folder",
        ),
        (
            &import,
            &["--to", NOBODY, "--allow-reference-loss"],
            "--allow-reference-loss is for",
        ),
        (
            &import,
            &["--to", NOBODY, "--database-url", "sqlite:x"],
            "--database-url is for",
        ),
        (
            &import,
            &["--to", NOBODY, "--keep-safety-copy", "--no-safety-copy"],
            "--no-safety-copy",
        ),
        (
            &transfer,
            &["--from", folder, "--to", NOBODY, "--from-token-file", "x"],
            "--from-token-file is",
        ),
        (
            &transfer,
            &["--from", NOBODY, "--to", folder, "--to-token-file", "x"],
            "--to-token-file is",
        ),
        (
            &transfer,
            &["--from", NOBODY, "--to", folder, "--key-file", "x"],
            "--key-file is for",
        ),
        (
            &transfer,
            &["--from", NOBODY, "--to", folder, "--follow-links"],
            "--follow-links is for",
        ),
        (
            &transfer,
            &[
                "--from",
                NOBODY,
                "--to",
                "http://[::1]:2/cms",
                "--lock-wait",
                "1s",
            ],
            "--lock-wait is for",
        ),
        (
            &transfer,
            &["--from", folder, "--to", "/nowhere/at/all"],
            "neither the URL",
        ),
        (&transfer, &["--from", folder], "--to"),
    ];
    let before = (project.state(), listing(&here));
    for (verb, options, why) in cases {
        let words = [verb, options].concat();
        let mut command = command(&here, &words);
        ran(command.env("BACKUP_TOKEN", FULL))
            .ends_with(2)
            .says([why]);
    }
    before.0.assert_untouched(&project);
    assert_eq!(listing(&here), before.1);
}

#[test]
fn what_stands_in_a_url_or_beside_it_and_may_be_secret_is_not_repeated() {
    let project = Project::testdata();
    let here = project.archives();
    let urls = [
        format!("https://cms.example.com/admin?token={FULL}"),
        format!("https://{FULL}@cms.example.com/admin"),
        format!("https://cms.example.com/admin#{FULL}"),
        format!("cms.example.com/admin?token={FULL}"),
        format!("{FULL}@cms.example.com"),
        format!("cms.example.com/{FULL}"),
        format!("ftp://{FULL}/"),
    ];
    for url in &urls {
        let export = ["export", "--from", url, "-f", "x", "--no-encrypt"];
        ran(&mut command(&here, &export)).ends_with(2);
        let archive = strapi_archive();
        let import = [
            "import",
            "--to",
            url,
            "-f",
            archive.to_str().unwrap(),
            "--force",
        ];
        ran(&mut command(&here, &import)).ends_with(2);
        ran(&mut command(&here, &["doctor", "--from", url]));
    }
    let named = [
        "export",
        "--from",
        NOBODY,
        "-f",
        "x",
        "--no-encrypt",
        "--token-file",
        FULL,
    ];
    ran(&mut command(&here, &named))
        .ends_with(2)
        .says(["a token itself stands"]);
    let mut variable = command(&here, &named[..6]);
    ran(variable.env("BACKUP_TOKEN_FILE", FULL))
        .ends_with(2)
        .says(["a token itself stands"]);
}

#[test]
fn a_token_does_not_belong_into_a_profile_and_variables_for_one_end_do_not_disturb_the_other() {
    let project = Project::testdata();
    let here = project.archives();
    let profiles = here.join("backup.toml");
    let text = format!("[profiles.remote]\ntoken = \"{FULL}\"\n");
    fs::write(&profiles, text).unwrap();
    let profiles = profiles.to_str().unwrap();
    let words = [
        "export",
        "--config",
        profiles,
        "--profile",
        "remote",
        "-f",
        "x",
    ];
    ran(&mut command(&here, &words))
        .ends_with(2)
        .says(["a token does not belong in this file", "token-file"]);
    let text = "[profiles.remote]\ntoken-file = \"/nowhere\"\nretries = 1\nsafety-copy = \"x\"\n";
    fs::write(profiles, text).unwrap();
    let folder = project.path();
    let words = [
        &[
            "export",
            "--config",
            profiles,
            "--profile",
            "remote",
            "-f",
            "x",
        ],
        &PLAIN[..],
        &["--project", folder.to_str().unwrap()],
    ]
    .concat();
    let mut local = command(&here, &words);
    ran(local.env("BACKUP_RETRIES", "2")).ends_with(0);
    let site = site();
    let token = secret(&here, "token", FULL);
    let url = site.url();
    let text = format!(
        "[profiles.remote]\nfrom = \"{url}\"\ntoken-file = \"{token}\"\nlock-wait = \"1s\"\n\
         environment = \"production\"\n"
    );
    fs::write(profiles, text).unwrap();
    let words = [&words[..5], &["-f", "y"], &PLAIN[..]].concat();
    let mut remote = command(&here, &words);
    ran(remote.env("BACKUP_FOLLOW_LINKS", "true")).ends_with(0);
    assert_eq!(site.record().count("getMetadata"), 1);
}

// ------------------------------------------------------------------ tokens

#[test]
fn without_a_token_and_without_a_terminal_nothing_is_sent() {
    let site = site();
    let project = Project::testdata();
    let url = site.url();
    let words = ["export", "--from", &url, "-f", "x", "--no-encrypt"];
    ran(&mut command(&project.archives(), &words))
        .ends_with(2)
        .says(["a transfer token of", &url, "--token-file", "BACKUP_TOKEN"]);
    assert!(site.record().seen().is_empty());
}

#[test]
fn a_token_comes_from_a_file_a_command_a_variable_or_a_credential() {
    let site = site();
    let url = site.url();
    let project = Project::testdata();
    let here = project.archives();
    let file = secret(&here, "token", FULL);
    let credentials = here.join("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::write(credentials.join("backup-token"), FULL).unwrap();
    let credentials = credentials.to_str().unwrap();
    let printed = format!("printf '%s\\nnot this\\n' $(cat {file})");
    type Given<'a> = (&'a str, Vec<&'a str>, Vec<(&'a str, &'a str)>);
    let given: [Given<'_>; 7] = [
        ("a", vec!["--token-file", &file], vec![]),
        ("b", vec!["--token-command", &printed], vec![]),
        ("c", vec![], vec![("BACKUP_TOKEN", FULL)]),
        ("d", vec![], vec![("BACKUP_TOKEN_FILE", &file)]),
        ("e", vec![], vec![("BACKUP_TOKEN_COMMAND", &printed)]),
        ("f", vec![], vec![("CREDENTIALS_DIRECTORY", credentials)]),
        (
            "g",
            vec!["--token-file", &file],
            vec![("BACKUP_TOKEN", "another")],
        ),
    ];
    for (name, options, variables) in given {
        let words = [
            &["export", "--from", &url, "-f", name],
            &PLAIN[..],
            &options,
        ]
        .concat();
        let mut command = command(&here, &words);
        ran(command.envs(variables)).ends_with(0);
        assert!(here.join(format!("{name}.tar")).exists());
    }
}

#[test]
fn a_token_is_asked_for_at_a_terminal_and_does_not_show() {
    let site = site();
    let project = Project::testdata();
    let mut starter = Command::new("setsid");
    starter.arg("--ctty");
    let words = ["export", "--from", &site.url(), "-f", "x"];
    let words = [&words, &PLAIN[..]].concat();
    let mut command = backup_through(starter, words);
    command.current_dir(project.archives());
    let (code, screen) = Session::of(command)
        .answers_unseen(&format!("Transfer token of {}: ", site.url()), FULL)
        .ends();
    assert_eq!(code, Some(0), "{screen}");
    assert!(!screen.contains(FULL), "{screen}");
}

#[test]
fn the_wrong_token_ends_a_run_and_is_not_shown() {
    let site = site();
    let project = Project::testdata();
    let words = ["export", "--from", &site.url(), "-f", "x", "--no-encrypt"];
    let mut command = command(&project.archives(), &words);
    let outcome = ran(command.env("BACKUP_TOKEN", PUSH)).ends_with(1);
    outcome.says(["does not allow to pull"]);
    assert!(listing(&project.archives()).is_empty());
}

// ------------------------------------------------------------------ exports

#[test]
fn an_export_from_a_site_is_an_archive_as_any_other() {
    let site = site();
    let project = Project::testdata();
    let here = project.archives();
    let words = [
        "export",
        "--from",
        &site.url(),
        "-f",
        "pulled",
        "--summary",
        "--json",
    ];
    let words = [&words, &PLAIN[..]].concat();
    let outcome = ran(command(&here, &words).env("BACKUP_TOKEN", FULL)).ends_with(0);
    let summary = summary(&outcome);
    assert_eq!(summary["from"], site.url());
    assert_eq!(summary["project"], Value::Null);
    assert_eq!(summary["strapi"], "5.54.0");
    assert_eq!(summary["consistent"], false);
    let beside = fs::read_to_string(here.join("pulled.tar.summary.json")).unwrap();
    assert!(
        !TOKENS.iter().any(|token| beside.contains(token)),
        "{beside}"
    );
    let ours = Archive::open(&here.join("pulled.tar"), None);
    let theirs = Archive::open(&strapi_archive(), None);
    for stage in ["entities", "links", "configuration"] {
        assert_eq!(ours.lines(stage), theirs.lines(stage), "{stage}");
    }
    assert_eq!(ours.json("manifest.json")["consistent"], false);
    site.record().is_clean();
    let verify = ["verify", "pulled.tar"];
    ran(&mut command(&here, &verify)).ends_with(0);
}

#[test]
fn an_export_from_a_site_takes_filters_and_a_key() {
    let site = site();
    let project = Project::testdata();
    let here = project.archives();
    let url = site.url();
    let words = [
        "export",
        "--from",
        &url,
        "-f",
        "some",
        "--only-content-types",
        "api::tag.tag",
        "--exclude",
        "config,files",
    ];
    let mut command = command(&here, &words);
    ran(command.env("BACKUP_TOKEN", PULL).env("BACKUP_KEY", KEY)).ends_with(0);
    let archive = Archive::open(&here.join("some.tar.gz.enc"), Some(KEY));
    assert_eq!(archive.lines("entities").len(), 6);
    assert!(archive.lines("configuration").is_empty());
}

#[test]
fn archives_of_two_sites_without_names_of_their_own_are_told_apart() {
    let sites = [site(), empty_site()];
    let project = Project::testdata();
    let here = project.archives();
    for site in &sites {
        let url = site.url();
        let words = ["export", "--from", &url, "-f", "./", "--summary"];
        let words = [&words[..], &PLAIN].concat();
        let folder = here.join(site.port.to_string());
        fs::create_dir(&folder).unwrap();
        ran(command(&folder, &words).env("BACKUP_TOKEN", PULL)).ends_with(0);
        let listed = ran(&mut command(
            &here,
            &["list", folder.to_str().unwrap(), "--json"],
        ));
        let listed = described(listed.ends_with(0).stdout.trim_end());
        let archive = &listed["archives"][0];
        assert_eq!(archive["project"], url);
        assert_eq!(archive["group"], format!("export of {url}"));
    }
}

#[test]
fn without_tls_it_is_said_that_all_can_be_read_on_the_way() {
    let project = Project::testdata();
    let words = [
        "export",
        "--from",
        "http://cms.example.com/admin",
        "-f",
        "x",
        "--no-encrypt",
        "--retries",
        "0",
    ];
    // Nobody listens there, and no name is asked for.
    let mut command = command(&project.archives(), &words);
    command
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("BACKUP_TOKEN", FULL);
    ran(&mut command)
        .ends_with(1)
        .says(["http:// is not encrypted", "cms.example.com"]);
    assert!(listing(&project.archives()).is_empty());
}

#[test]
fn a_url_without_a_path_is_said_once_and_is_no_fault_of_a_strict_export() {
    let site = site();
    let project = Project::testdata();
    let url = format!("http://127.0.0.1:{}", site.port);
    let words = [
        "export",
        "--from",
        &url,
        "-f",
        "x",
        "--no-encrypt",
        "--strict",
    ];
    let mut command = command(&project.archives(), &words);
    let outcome = ran(command.env("BACKUP_TOKEN", FULL)).ends_with(0);
    assert_eq!(outcome.stderr.matches("has no path").count(), 1);
}

#[test]
fn doctor_tells_what_a_token_allows_and_changes_nothing() {
    let site = site();
    let url = site.url();
    let project = Project::testdata();
    let here = project.archives();
    let words = ["doctor", "--from", &url, "--json"];
    for (token, code, findings) in [
        (FULL, 0, [("pull", "ok"), ("push", "ok")]),
        (PULL, 0, [("pull", "ok"), ("push", "note")]),
        (PUSH, 0, [("pull", "note"), ("push", "ok")]),
        ("0", 1, [("pull", "problem"), ("address", "ok")]),
    ] {
        let mut command = command(&here, &words);
        let outcome = ran(command.env("BACKUP_TOKEN", token)).ends_with(code);
        let found = described(outcome.stdout.trim_end());
        assert_eq!(found["ok"], code == 0);
        if token == FULL || token == PULL {
            assert_eq!(found["strapi"]["version"], "5.54.0");
        }
        for (subject, status) in findings {
            let all = found["findings"].as_array().unwrap();
            let one = all.iter().find(|it| it["subject"] == subject);
            assert_eq!(one.expect(subject)["status"], status, "{found}");
        }
    }
    site.wait_until_left();
    let requests = site.record().requests().concat();
    for never in ["beforeTransfer", "close", "end"] {
        assert!(!requests.contains(&never), "{requests:?}");
    }
}

#[test]
fn doctor_prints_its_object_also_where_the_token_of_a_site_cannot_be_had() {
    let project = Project::testdata();
    let here = project.archives();
    let words = ["doctor", "--from", "https://cms.example.com", "--json"];
    let nobody = here.join("nobody").display().to_string();
    for (options, subject, told) in [
        (&[][..], "token", "is needed, and there is no terminal"),
        (&["--token-file", &nobody], "token", "nobody"),
        (&["--ca-file", &nobody], "authorities", "nobody"),
    ] {
        let words = [&words[..], options].concat();
        let outcome = ran(&mut command(&here, &words)).ends_with(1);
        assert_eq!(outcome.stdout.lines().count(), 1, "{}", outcome.all());
        let line = described(outcome.stdout.trim_end());
        assert_eq!(line["ok"], false, "{line}");
        let all = line["findings"].as_array().unwrap();
        let one = all.iter().find(|it| it["subject"] == subject);
        let one = one.expect(subject);
        assert_eq!(one["status"], "problem", "{line}");
        assert!(one["text"].as_str().unwrap().contains(told), "{line}");
        // The rest is looked at all the same.
        assert!(all.iter().any(|it| it["subject"] == "key"), "{line}");
    }
}

// ------------------------------------------------------------------ restores

/// The rows of content types, and the names of files, that a site holds.
fn holds(site: &FakeStrapi) -> (usize, Vec<String>) {
    let site = site.site();
    let rows = site.entities.iter();
    let rows = rows.filter(|row| !row["type"].as_str().unwrap().starts_with("admin::"));
    (rows.count(), site.files.keys().cloned().collect())
}

#[test]
fn a_site_goes_into_a_project() {
    let site = site();
    let (to, like) = (Project::empty(), Project::empty());
    like.import(&strapi_archive(), &[]).ends_with(0);
    let (url, path) = (site.url(), to.path());
    let words = ["transfer", "--from", &url, "--to", path.to_str().unwrap()];
    let untouched = to.state();
    let dry = [&words[..], &["--dry-run"]].concat();
    let mut looked = command(&to.archives(), &dry);
    ran(looked.env("BACKUP_FROM_TOKEN", PULL)).ends_with(0);
    untouched.assert_untouched(&to);
    let forced = [&words[..], &["--force", "--json"]].concat();
    let mut transferred = command(&to.archives(), &forced);
    let outcome = ran(transferred.env("BACKUP_FROM_TOKEN", PULL)).ends_with(0);
    let summary = summary(&outcome);
    assert_eq!(summary["from"], url);
    assert_eq!(summary["project"], path.to_str().unwrap());
    to.state().assert_same_content(&like.state());
    assert_eq!(files(&to), files(&like));
}

#[test]
fn an_archive_goes_into_a_site_and_the_safety_copy_goes_away() {
    let site = empty_site();
    let full = site_of(&strapi_archive());
    let project = Project::testdata();
    let here = project.archives();
    let archive = here.join("site.tar.gz.enc");
    fs::copy(testdata("strapi-export.tar.gz.enc"), &archive).unwrap();
    let url = site.url();
    let words = [
        "import",
        "--to",
        &url,
        "-f",
        archive.to_str().unwrap(),
        "--force",
    ];
    let mut command = command(&here, &words);
    let outcome = pushed(command.env("BACKUP_TOKEN", FULL).env("BACKUP_KEY", KEY));
    let outcome = outcome.says([
        "safety copy: before anything is deleted",
        "safety-127.0.0.1-",
        ".tar.gz.enc, encrypted with the key of the archive",
        "is removed",
    ]);
    assert!(outcome.stdout.contains("is restored"), "{}", outcome.all());
    assert_eq!(listing(&here), ["site.tar.gz.enc"]);
    assert_eq!(holds(&site).1, full.1);
    site.record().is_clean();
}

/// What a site would hold that is this archive.
fn site_of(archive: &Path) -> (usize, Vec<String>) {
    holds(&FakeStrapi::start(Site::of_file(archive)))
}

#[test]
fn a_safety_copy_that_is_to_be_kept_is_an_archive_of_what_was_there() {
    let site = site();
    let project = Project::testdata();
    let here = project.archives();
    let archive = strapi_archive();
    let url = site.url();
    let words = [
        "import",
        "--to",
        &url,
        "-f",
        archive.to_str().unwrap(),
        "--force",
        "--json",
        "--safety-copy",
        "before",
        "--keep-safety-copy",
    ];
    let outcome = ran(command(&here, &words).env("BACKUP_TOKEN", FULL)).ends_with(0);
    let summary = summary(&outcome);
    let kept = here.join("before.tar.gz");
    assert_eq!(summary["safety_copy"], kept.to_str().unwrap());
    assert_eq!(summary["to"], url);
    let mode = fs::metadata(&kept).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = Archive::open(&kept, None);
    assert_eq!(before.lines("entities").len(), 82);
    assert_eq!(before.assets().len(), 10);
}

#[test]
fn a_dry_run_and_a_no_change_nothing_in_a_site() {
    let site = site();
    let before = holds(&site);
    let project = Project::testdata();
    let here = project.archives();
    let archive = strapi_archive();
    let url = site.url();
    let words = [
        "import",
        "--to",
        &url,
        "-f",
        archive.to_str().unwrap(),
        "--dry-run",
    ];
    let outcome = pushed(command(&here, &words).env("BACKUP_TOKEN", FULL));
    outcome.says(["to be deleted", "api::article.article"]);
    let mut starter = Command::new("setsid");
    starter.arg("--ctty");
    let mut asked = backup_through(starter, &words[..5]);
    asked.current_dir(&here).env("BACKUP_TOKEN", FULL);
    let (code, screen) = Session::of(asked)
        .answers("Delete this and load the archive?", "n")
        .ends();
    assert_eq!(code, Some(1), "{screen}");
    assert!(
        screen.contains("not confirmed; nothing was changed"),
        "{screen}"
    );
    assert_eq!(holds(&site), before);
    assert_eq!(site.record().count("beforeTransfer"), 0);
    assert!(listing(&here).is_empty());
}

#[test]
fn a_token_that_may_only_push_needs_to_be_told_that_there_is_no_safety_copy() {
    let site = empty_site();
    let project = Project::testdata();
    let here = project.archives();
    let archive = strapi_archive();
    let url = site.url();
    let words = [
        "import",
        "--to",
        &url,
        "-f",
        archive.to_str().unwrap(),
        "--force",
    ];
    ran(command(&here, &words).env("BACKUP_TOKEN", PUSH))
        .ends_with(1)
        .says(["--no-safety-copy"]);
    assert_eq!(site.record().count("beforeTransfer"), 0);
    let words = [&words[..], &["--no-safety-copy"]].concat();
    pushed(command(&here, &words).env("BACKUP_TOKEN", PUSH)).says(["safety copy: none"]);
    assert_eq!(holds(&site).1.len(), 10);
}

#[test]
fn a_project_and_a_site_go_into_a_site() {
    let project = Project::testdata();
    let here = project.archives();
    let target = empty_site();
    let path = project.path();
    let url = target.url();
    let words = [
        "transfer",
        "--from",
        path.to_str().unwrap(),
        "--to",
        &url,
        "--force",
    ];
    let token = secret(&here, "token", FULL);
    let words = [&words[..], &["--to-token-file", &token]].concat();
    pushed(&mut command(&here, &words));
    assert_eq!(holds(&target).1.len(), 10);
    let other = empty_site();
    let other_url = other.url();
    let words = ["transfer", "--from", &url, "--to", &other_url, "--force"];
    let mut both = command(&here, &words);
    both.env("BACKUP_FROM_TOKEN", PULL)
        .env("BACKUP_TO_TOKEN", FULL);
    pushed(&mut both);
    assert_eq!(holds(&other), holds(&target));
    target.record().is_clean();
    other.record().is_clean();
}

#[test]
fn versions_are_compared_before_anything_is_sent_to_a_site() {
    let other = Site {
        version: "5.53.0".into(),
        ..Site::of_file(&strapi_archive())
    };
    let site = FakeStrapi::start(other);
    let before = holds(&site);
    let project = Project::testdata();
    let here = project.archives();
    let archive = strapi_archive();
    let url = site.url();
    let words = [
        "import",
        "--to",
        &url,
        "-f",
        archive.to_str().unwrap(),
        "--force",
    ];
    ran(command(&here, &words).env("BACKUP_TOKEN", FULL))
        .ends_with(4)
        .says(["5.53.0", "nothing was changed"]);
    assert_eq!(site.record().count("beforeTransfer"), 0);
    assert_eq!(holds(&site), before);
    let words = [&words[..], &["--version-strategy", "major"]].concat();
    pushed(command(&here, &words).env("BACKUP_TOKEN", FULL));
}

#[test]
fn a_safety_copy_stays_where_nobody_saw_that_the_site_has_all() {
    let site = empty_site();
    // The pull of the safety copy ends with one as well.
    site.add(Fault::new(Point::Asked("end"), Harm::Die).after(1));
    let project = Project::testdata();
    let here = project.archives();
    let archive = strapi_archive();
    let url = site.url();
    let words = [
        "import",
        "--to",
        &url,
        "-f",
        archive.to_str().unwrap(),
        "--force",
        "--safety-copy",
        "before",
    ];
    let outcome = ran(command(&here, &words).env("BACKUP_TOKEN", FULL)).ends_with(3);
    outcome.says(["could not be counted", "before.tar.gz stays, because"]);
    assert!(here.join("before.tar.gz").exists());
}

/// A modelled Strapi 4 with content of its own.
fn site_of_4() -> FakeStrapi {
    FakeStrapi::start(Site::of_file(&repository(FOUR)))
}

/// What a message says to type: the words behind the name of the program.
#[track_caller]
fn printed_command(outcome: &Outcome) -> Vec<String> {
    // The note before files are sent back has it as well, among others.
    let mut lines = outcome.stderr.lines().rev();
    let line = lines.find_map(|line| line.split_once("from here: backup "));
    let (_, words) = line.unwrap_or_else(|| panic!("{}", outcome.all()));
    words.split(' ').map(str::to_owned).collect()
}

#[test]
fn what_a_13_says_to_type_works_on_strapi_4_whose_files_are_gone() {
    let site = site_of_4();
    let before = holds(&site);
    site.add(Fault::new(Point::Asked("start links"), Harm::Die).after(1));
    let project = Project::testdata();
    let here = project.archives();
    let archive = repository(FOUR);
    let url = site.url();
    let words = [
        "import",
        "--to",
        &url,
        "-f",
        archive.to_str().unwrap(),
        "--force",
        "--safety-copy",
        "before",
    ];
    let outcome = ran(command(&here, &words).env("BACKUP_TOKEN", FULL)).ends_with(13);
    let outcome = outcome.says(["not encrypted", "transfer token of the site"]);
    site.restart();
    site.site().files.clear();
    let words = printed_command(&outcome);
    let words: Vec<&str> = words
        .iter()
        .map(String::as_str)
        .chain(["--force"])
        .collect();
    ran(command(&here, &words).env("BACKUP_TOKEN", FULL)).ends_with(0);
    site.wait_until_left();
    assert_eq!(holds(&site), before);
}

#[test]
fn a_strapi_4_that_lost_a_file_can_be_pushed_to_where_files_stay() {
    let site = site_of_4();
    let lost = Fault::new(Point::Last("assets"), Harm::error("no such file"));
    site.add(lost.always());
    let project = Project::testdata();
    let here = project.archives();
    let archive = repository(FOUR);
    let url = site.url();
    let words = [
        "import",
        "--to",
        &url,
        "-f",
        archive.to_str().unwrap(),
        "--force",
        "--retries",
        "0",
        "--safety-copy",
        "before",
    ];
    let outcome = ran(command(&here, &words).env("BACKUP_TOKEN", FULL)).ends_with(1);
    outcome.says(["--exclude files", "--no-safety-copy", "nothing was changed"]);
    let words = [&words[..], &["--exclude", "files"]].concat();
    let outcome = ran(command(&here, &words).env("BACKUP_TOKEN", FULL)).ends_with(0);
    outcome.says(["beside its files, which stay", "is removed"]);
}

#[test]
fn after_a_cut_the_site_has_its_files_again_and_the_safety_copy_stays() {
    let site = site();
    site.add(Fault::new(Point::Asked("stream links"), Harm::Cut));
    let before = holds(&site);
    let project = Project::testdata();
    let here = project.archives();
    let emptied = project.export(
        "little",
        &[
            "--only-content-types",
            "api::tag.tag,plugin::upload.file,api::article.article",
        ],
    );
    let url = site.url();
    let words = [
        "import",
        "--to",
        &url,
        "-f",
        emptied.to_str().unwrap(),
        "--force",
        "--json",
    ];
    let outcome = ran(command(&here, &words).env("BACKUP_TOKEN", FULL)).ends_with(1);
    let summary = summary(&outcome);
    let kept = summary["safety_copy"].as_str().expect("a path");
    assert!(Path::new(kept).exists());
    let error = summary["error"].to_string();
    assert!(error.contains("nothing was changed"), "{error}");
    site.wait_until_left();
    assert_eq!(holds(&site), before);
    site.record().is_clean();
}

#[test]
fn where_files_cannot_be_sent_back_it_is_13_and_said_line_by_line() {
    let site = site();
    site.add(Fault::new(Point::Asked("stream links"), Harm::Cut));
    let again = Fault::new(Point::Asked("beforeTransfer"), Harm::Cut);
    site.add(again.after(1).always());
    let project = Project::testdata();
    let here = project.archives();
    let archive = strapi_archive();
    let url = site.url();
    let words = [
        "import",
        "--to",
        &url,
        "-f",
        archive.to_str().unwrap(),
        "--force",
        "--retries",
        "0",
        "--safety-copy",
        "before",
    ];
    let outcome = ran(command(&here, &words).env("BACKUP_TOKEN", FULL)).ends_with(13);
    let kept = here.join("before.tar.gz");
    let again = format!(
        "  from here: backup import -f {} --to {url} --only files",
        kept.display()
    );
    assert_eq!(outcome.lines(&again).len(), 1, "{}", outcome.all());
    outcome.says(["safety copy: ", "before.tar.gz stays"]);
    assert!(kept.exists());
}

#[test]
fn a_second_signal_while_files_are_gone_is_13_after_what_to_do_was_said() {
    let site = site();
    site.add(Fault::new(Point::Asked("stream links"), Harm::Cut));
    let hold = Hold::default();
    let again = Fault::new(Point::Asked("beforeTransfer"), Harm::Hold(hold.clone()));
    site.add(again.after(1));
    let project = Project::testdata();
    let here = project.archives();
    let archive = strapi_archive();
    let url = site.url();
    let archive = archive.to_str().unwrap();
    let copy = ["--safety-copy", "before"];
    let words = [
        &["import", "--to", &url, "-f", archive, "--force"][..],
        &copy,
    ]
    .concat();
    let mut command = command(&here, &words);
    command.env("BACKUP_TOKEN", FULL);
    let mut running = Running::start(command);
    hold.wait();
    running.signal("INT");
    while !running.has_ended() {
        running.signal("TERM");
    }
    hold.release();
    let outcome = without_tokens(running.end().ends_with(13));
    let kept = here.join("before.tar.gz");
    let back = format!(
        "backup import -f {} --to {url} --only files",
        kept.display()
    );
    assert!(outcome.all().contains(&back), "{}", outcome.all());
    assert!(kept.exists());
}

#[test]
fn a_proxy_that_does_not_answer_is_named_and_one_of_another_kind_refused() {
    let project = Project::testdata();
    let export = |variable: &str, proxy: &str| {
        // Nobody has an address of this network, and it is not asked for: the proxy is.
        let from = "http://192.0.2.1/admin";
        let words = ["export", "--from", from, "-f", "x", "--no-encrypt"];
        let mut command = command(&project.archives(), &words);
        let command = command.env(variable, proxy).env("BACKUP_TOKEN", FULL);
        ran(command.env("BACKUP_RETRIES", "0"))
    };
    for (variable, proxy, code, told) in [
        (
            "HTTP_PROXY",
            "http://name:hidden@127.0.0.1:1",
            1,
            "http_proxy names a proxy",
        ),
        (
            "ALL_PROXY",
            "socks5://name:hidden@127.0.0.1:1",
            2,
            "all_proxy names a proxy of a kind",
        ),
    ] {
        let outcome = export(variable, proxy).ends_with(code).says([told]);
        assert!(!outcome.all().contains("hidden"), "{}", outcome.all());
    }
}
