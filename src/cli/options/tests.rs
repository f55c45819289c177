use super::*;
use crate::error::Kind;
use clap::CommandFactory;
use std::collections::BTreeMap;
use std::fs;

fn environment(variables: &[(&str, &str)]) -> Environment {
    let variables = variables.iter().copied();
    let variables: BTreeMap<String, String> = variables
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Environment::of(variables)
}

/// The words behind the verb, with these variables and this file.
fn completed(words: &[&str], variables: &[(&str, &str)], file: &str) -> Result<Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("backup.toml");
    fs::write(&path, file).expect("written");
    let mut variables = variables.to_vec();
    let path = path.to_str().expect("text");
    if !file.is_empty() {
        variables.push(("BACKUP_CONFIG", path));
    }
    let command = crate::cli::Cli::command();
    let arguments = ["backup"].iter().chain(words).map(OsString::from);
    let completed = complete(&command, arguments.collect(), &environment(&variables))?;
    let words = completed
        .iter()
        .skip(1)
        .map(|word| word.to_str().expect("text").to_owned());
    Ok(words.collect())
}

const NIGHTLY: &str = r#"
[profiles.nightly]
project = "/srv/strapi"
key-file = "/etc/backup/key"
strict = true
max-size-jsonl = 64
exclude-content-types = ["api::a.a", "api::b.b"]

[profiles.nightly.export]
file = "/backups/"
strict = false

[profiles.nightly.import]
file = "/backups/site.tar.gz.enc"
"#;

#[test]
fn a_profile_gives_the_options_of_its_verb_behind_it() {
    let words = completed(&["export", "--profile", "nightly"], &[], NIGHTLY).expect("completed");
    for word in [
        "--file=/backups/",
        "--project=/srv/strapi",
        "--key-file=/etc/backup/key",
        "--max-size-jsonl=64",
        "--exclude-content-types=api::b.b",
    ] {
        assert!(words.contains(&word.to_owned()), "{word} in {words:?}");
    }
    assert_eq!(words[0], "export");
    let words = completed(&["--profile", "nightly", "import"], &[], NIGHTLY).expect("completed");
    assert_eq!(words[..3], ["--profile", "nightly", "import"]);
    assert!(words.contains(&"--file=/backups/site.tar.gz.enc".to_owned()));
    assert!(words.contains(&"--strict".to_owned()), "{words:?}");
    assert!(
        !words.iter().any(|word| word.contains("max-size")),
        "{words:?}"
    );
}

#[test]
fn what_is_typed_wins_over_a_variable_and_that_over_a_profile() {
    let variables = [("BACKUP_PROJECT", "/variable"), ("BACKUP_STRICT", "yes")];
    let words = ["export", "--profile=nightly"];
    let found = completed(&words, &variables, NIGHTLY).expect("completed");
    assert!(
        found.contains(&"--project=/variable".to_owned()),
        "{found:?}"
    );
    assert!(!found.contains(&"--project=/srv/strapi".to_owned()));
    let typed = ["export", "--project", "/typed", "--profile=nightly"];
    let found = completed(&typed, &variables, NIGHTLY).expect("completed");
    assert!(
        !found.iter().any(|word| word.starts_with("--project=")),
        "{found:?}"
    );
    assert!(found.contains(&"--strict".to_owned()));
}

#[test]
fn the_weaker_of_two_that_exclude_each_other_gives_way() {
    for words in [
        &["export", "--profile=nightly", "--no-encrypt"][..],
        &["export", "--profile=nightly", "--key-command=pass site"],
        &["export", "--profile=nightly", "-k", "secret"],
    ] {
        let found = completed(words, &[], NIGHTLY).expect("completed");
        assert!(
            !found.iter().any(|word| word.starts_with("--key-file")),
            "{found:?}"
        );
    }
    let variables = [("BACKUP_KEY", "secret")];
    let words = ["export", "--profile=nightly"];
    let found = completed(&words, &variables, NIGHTLY).expect("completed");
    assert!(!found.iter().any(|word| word.contains("key")), "{found:?}");
}

#[test]
fn recipients_are_those_of_the_strongest_who_names_any() {
    let file = "[profiles.nightly]\nrecipient = ['age1shared']\n[profiles.nightly.export]\nrecipients-file = ['own']";
    let found = |words: &[&str], variables: &[(&str, &str)]| {
        let mut found = completed(words, variables, file).expect("completed");
        found.retain(|word| word.starts_with("--recipient"));
        found
    };
    let words = ["export", "--profile=nightly"];
    let variable = [("BACKUP_RECIPIENT", "age1variable")];
    assert_eq!(found(&words, &[]), ["--recipients-file=own"]);
    assert_eq!(found(&words, &variable), ["--recipient=age1variable"]);
    let typed = ["export", "--profile=nightly", "--recipients-file=typed"];
    assert_eq!(found(&typed, &variable), ["--recipients-file=typed"]);
    let both = [variable[0], ("BACKUP_RECIPIENTS_FILE", "both")];
    assert_eq!(found(&words, &both).len(), 2);
}

#[test]
fn a_profile_with_what_it_must_not_hold_is_refused() {
    for (file, part) in [
        (
            "[profiles.nightly]\nkey = 'secret'",
            "a key does not belong",
        ),
        (
            "[profiles.nightly]\nkey-fil = 'x'",
            "`key-fil` is no option",
        ),
        (
            "[profiles.nightly.import]\nno-compress = true",
            "`no-compress` is no option",
        ),
        ("[profiles.nightly]\nstrict = 'yes'", "is a switch"),
        ("[profiles.nightly]\nfile = 2026-11-20", "makes no sense"),
        (
            "[profiles.nightly]\ndatabase-url = 'postgres://a:b@h/d'",
            "a password does not belong",
        ),
        (
            "[profiles.nightly]\ndatabase-url = 'postgres://h/d?password=secret'",
            "a password does not belong",
        ),
        (
            "[profiles.nightly]\nprofile = 'other'",
            "`profile` is no option",
        ),
        (
            "[profiles.nightly]\nmaxSizeJsonl = 1\nmax-size-jsonl = 2",
            "`max-size-jsonl` is given twice",
        ),
        ("[other]\nx = 1", "`other` is not known"),
        ("[profiles.weekly]\n", "there is no profile nightly"),
        ("[profiles", "line 1: "),
        ("[profiles.nightly]\nkey = secret", "line 2: "),
    ] {
        let error = completed(&["export", "--profile=nightly"], &[], file).expect_err(file);
        assert_eq!(error.kind(), Kind::Usage, "{file}");
        let text = format!("{error} {}", error.advice().unwrap_or_default());
        assert!(text.contains(part), "{file}: {text}");
        assert!(!text.contains("secret"), "{text}");
    }
    let error = completed(&["export"], &[("BACKUP_STRICT", "maybe")], "").expect_err("maybe");
    assert!(error.to_string().contains("BACKUP_STRICT"), "{error}");
}

#[test]
fn the_other_names_of_options_are_known_in_profiles_and_give_way_as_well() {
    let file = "[profiles.nightly]\nmaxSizeJsonl = 64\n[profiles.nightly.export]\nonlyContentTypes = ['api::a.a']";
    let found = completed(&["export", "--profile=nightly"], &[], file).expect("completed");
    for word in ["--max-size-jsonl=64", "--only-content-types=api::a.a"] {
        assert!(found.contains(&word.to_owned()), "{word} in {found:?}");
    }
    let typed = ["export", "--profile=nightly", "--maxSizeJsonl=8"];
    let found = completed(&typed, &[], file).expect("completed");
    assert!(
        !found.contains(&"--max-size-jsonl=64".to_owned()),
        "{found:?}"
    );
}

#[test]
fn without_a_profile_a_file_of_profiles_changes_nothing() {
    let words = completed(&["export", "--file", "x"], &[], NIGHTLY).expect("completed");
    assert_eq!(words, ["export", "--file", "x"]);
    let error = completed(&["export", "--config", "x"], &[], "").expect_err("no profile");
    assert_eq!(error.kind(), Kind::Usage);
}

#[test]
fn a_switch_that_is_off_stays_off_whatever_is_weaker() {
    let words = ["export", "--profile=nightly"];
    let found = completed(&words, &[], NIGHTLY).expect("completed");
    assert!(!found.contains(&"--strict".to_owned()), "{found:?}");
    let file = "[profiles.nightly]\nno-encrypt = true\noverwrite = true";
    let off = [("BACKUP_OVERWRITE", "false"), ("BACKUP_NO_ENCRYPT", "0")];
    let found = completed(&words, &off, file).expect("completed");
    assert_eq!(found, words);
}

#[test]
fn a_key_in_a_variable_keeps_a_profile_from_leaving_the_archive_open() {
    let file = "[profiles.nightly]\nno-encrypt = true";
    let words = ["export", "--profile=nightly"];
    for variable in ["BACKUP_KEY", "BACKUP_KEY_FILE", "BACKUP_KEY_COMMAND"] {
        let found = completed(&words, &[(variable, "x")], file).expect("completed");
        assert_eq!(found, words, "{variable}");
    }
    let both = [("BACKUP_KEY", "x"), ("BACKUP_NO_ENCRYPT", "1")];
    let error = completed(&["export"], &both, "").expect_err("both");
    assert!(error.to_string().contains("BACKUP_NO_ENCRYPT"), "{error}");
}

#[test]
fn rules_of_what_stays_are_for_an_export_only_where_it_prunes() {
    let file =
        "[profiles.nightly]\nkeep-daily = 7\n[profiles.weekly]\nkeep-daily = 7\nprune = true";
    let rule = "--keep-daily=7".to_owned();
    let has = |words: &[&str]| {
        completed(words, &[], file)
            .expect("completed")
            .contains(&rule)
    };
    assert!(!has(&["export", "--profile=nightly"]));
    assert!(has(&["export", "--profile=nightly", "--prune"]));
    assert!(has(&["export", "--profile=weekly"]));
    assert!(has(&["prune", "--profile=nightly", "/backups"]));
}

#[test]
fn two_options_of_one_profile_that_exclude_each_other_are_left_to_the_parser() {
    let file = "[profiles.nightly]\nkey-file = 'a'\nkey-command = 'b'";
    let found = completed(&["export", "--profile=nightly"], &[], file).expect("completed");
    assert!(
        crate::cli::Cli::command()
            .try_get_matches_from([&["backup".to_owned()][..], &found].concat())
            .is_err()
    );
}

#[test]
fn verbs_of_a_system_have_tables_of_their_own_in_a_profile() {
    let file = r#"
[profiles.nightly]
quiet = true
strict = true
project = "/srv/site"

[profiles.nightly.prisma]
endpoint = "http://host:4466/blog/prod"
project = "/srv/prisma"
secret-file = "/etc/backup/secret"

[profiles.nightly.prisma.export]
file = "/backups/"
secret-file = "/etc/backup/other"

[profiles.nightly.prisma.import]
data = "blog.zip"
"#;
    let words = ["prisma", "export", "--profile=nightly"];
    let mut found = completed(&words, &[], file).expect("completed");
    assert_eq!(found.split_off(found.len() - 1), ["--profile=nightly"]);
    assert_eq!(found.drain(..2).collect::<Vec<_>>(), words[..2]);
    found.sort();
    let given = [
        "--endpoint=http://host:4466/blog/prod",
        "--file=/backups/",
        "--project=/srv/prisma",
        "--quiet",
        "--secret-file=/etc/backup/other",
    ];
    assert_eq!(found, given);
    let words = ["--profile", "nightly", "prisma", "import"];
    let found = completed(&words, &[], file).expect("completed");
    assert_eq!(found[..4], words);
    for word in ["--data=blog.zip", "--secret-file=/etc/backup/secret"] {
        assert!(found.contains(&word.to_owned()), "{word} in {found:?}");
    }
    // Verbs of Strapi take what is theirs.
    let found = completed(&["export", "--profile=nightly"], &[], file).expect("completed");
    let place = |word: &str| found.iter().any(|it| it == word);
    assert!(
        place("--project=/srv/site") && place("--strict"),
        "{found:?}"
    );
    assert!(!found.iter().any(|word| word.contains("endpoint")));
    // A variable wins, and gives way to what is typed.
    let variable = [("BACKUP_SECRET", "s3cret")];
    let words = ["prisma", "export", "--profile=nightly"];
    let found = completed(&words, &variable, file).expect("completed");
    assert!(found.contains(&"--secret=s3cret".to_owned()));
    assert!(!found.iter().any(|word| word.starts_with("--secret-file")));
    let words = [
        "prisma",
        "export",
        "--profile=nightly",
        "--secret-file=typed",
    ];
    let found = completed(&words, &variable, file).expect("completed");
    let secrets = found.iter().filter(|word| word.starts_with("--secret"));
    assert_eq!(secrets.collect::<Vec<_>>(), ["--secret-file=typed"]);
    for (file, part) in [
        (
            "[profiles.nightly.prisma]\nsecret = 'hidden'",
            "a secret does not belong",
        ),
        (
            "[profiles.nightly.prisma.export]\ndata = 'x'",
            "prisma: export: `data` is no option",
        ),
        (
            "[profiles.nightly.prisma]\nkeep-daily = 7",
            "prisma: `keep-daily` is no option",
        ),
    ] {
        let error = completed(&["export", "--profile=nightly"], &[], file).expect_err(file);
        let text = error.to_string();
        assert!(text.contains(part) && !text.contains("hidden"), "{text}");
    }
}

#[test]
fn a_conversion_that_makes_no_archive_passes_over_what_is_for_archives() {
    let file = "[profiles.nightly]\nno-encrypt = true\noverwrite = true\nquiet = true";
    let variables = [("BACKUP_STRAPI_VERSION", "5.54.0")];
    let found = |to: &str| {
        let words = ["convert", "a", "b", "--as", to, "--profile=nightly"];
        completed(&words, &variables, file).expect("completed")
    };
    let ndf = found("ndf");
    assert_eq!(ndf[..2], ["convert", "--quiet"]);
    assert_eq!(ndf.len(), 7, "{ndf:?}");
    let strapi = found("strapi");
    for word in ["--no-encrypt", "--overwrite", "--strapi-version=5.54.0"] {
        assert!(strapi.contains(&word.to_owned()), "{word} in {strapi:?}");
    }
}
