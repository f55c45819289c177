//! Archives in the age format, with the age of Debian as the judge: it opens ours, and we open its.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::prompts::Session;
use crate::support::archive::{Archive, OF_THE_EXPORT};
use crate::support::cli::{
    KEY, Outcome, PLAIN, Project, State, backup, backup_through, run, strapi_archive, testdata,
};
use crate::support::files::listing;
use crate::support::schema::described;
use crate::support::skip;
use crate::support::stores::{Kind, Store};

/// The beginning of every secret key, which nothing may print.
const SECRET: &str = "AGE-SECRET-KEY-1";

/// A key pair: its public key. The identity lies in the folder for archives, under this name.
pub fn pair(project: &Project, name: &str) -> Option<String> {
    let path = project.archive(name);
    let made = Command::new("age-keygen").arg("-o").arg(&path).output();
    if made.is_err() {
        skip("age is not installed");
        return None;
    }
    let text = fs::read_to_string(path).unwrap();
    let public = text
        .lines()
        .find_map(|line| line.strip_prefix("# public key: "));
    Some(public.expect("age-keygen names it").to_owned())
}

/// Runs age in the folder for archives; gives what it prints.
fn age(project: &Project, arguments: &[&str]) -> Vec<u8> {
    let mut command = Command::new("age");
    command.args(arguments).current_dir(project.archives());
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {told}");
    output.stdout
}

/// Runs age at a terminal, where it asks for a passphrase so often.
fn age_asking(project: &Project, arguments: &[&str], passphrase: &str, times: usize) {
    let mut command = Command::new("setsid");
    command.args(["--ctty", "age"]).args(arguments);
    command.current_dir(project.archives());
    let mut session = Session::of(command);
    for _ in 0..times {
        session = session.answers_unseen("passphrase", passphrase);
    }
    let (code, screen) = session.ends();
    assert_eq!(code, Some(0), "{screen}");
}

/// Runs `backup`; no secret key may stand in what it prints.
fn told(command: &mut Command) -> Outcome {
    let outcome = run(command);
    assert!(!outcome.all().contains(SECRET), "{}", outcome.all());
    outcome
}

fn export(project: &Project, options: &[&str]) -> Outcome {
    told(&mut project.command("export", [&["-f", "site"], options].concat()))
}

fn verify(project: &Project, options: &[&str]) -> Outcome {
    let arguments = [&["verify"], options].concat();
    told(backup(arguments).current_dir(project.archives()))
}

/// What an archive holds but for what tells of the export.
fn content(path: &Path) -> Archive {
    let mut archive = Archive::open(path, None);
    archive
        .entries
        .retain(|name, _| !OF_THE_EXPORT.contains(&name.as_str()));
    archive
}

/// The last line of a run with `--json`.
fn summary(outcome: &Outcome) -> serde_json::Value {
    described(outcome.stdout.lines().last().expect("a summary"))
}

/// The content of a project into which Strapi's own archive was restored.
fn restored() -> State {
    let project = Project::empty();
    project.import(&strapi_archive(), &[]).ends_with(0);
    project.state()
}

#[test]
fn age_opens_what_was_exported_to_a_recipient() {
    let project = Project::testdata();
    let Some(recipient) = pair(&project, "identity") else {
        return;
    };
    for (options, name, plain) in [
        (&[][..], "site.tar.gz.age", "opened.tar.gz"),
        (&["--no-compress"], "site.tar.age", "opened.tar"),
    ] {
        let to = ["--recipient", &recipient];
        export(&project, &[&to, options].concat()).ends_with(0);
        age(&project, &["-d", "-i", "identity", "-o", plain, name]);
        let expected = content(&project.export("plain", &[]));
        let opened = Archive::open(&project.archive(plain), None);
        assert!(!opened.entries.contains_key("checksums.hmac"));
        assert!(opened.entries.contains_key("checksums.sha256"));
        let opened = content(&project.archive(plain));
        assert_eq!(opened.differences(&expected), [""; 0]);
    }
}

#[test]
fn what_age_made_of_an_archive_of_strapis_is_restored() {
    let project = Project::testdata();
    let Some(recipient) = pair(&project, "identity") else {
        return;
    };
    let before = restored();
    let plain = strapi_archive();
    let plain = plain.to_str().unwrap();
    fs::write(
        project.archive("recipients"),
        format!("# us\n{recipient}\n"),
    )
    .unwrap();
    for (name, options) in [
        ("to.tar.age", &["-r", &recipient][..]),
        ("listed", &["-R", "recipients"]),
        ("text.tar.age", &["-a", "-r", &recipient]),
    ] {
        age(&project, &[options, &["-o", name, plain]].concat());
        verify(&project, &[name, "-i", "identity"]).ends_with(0);
        let empty = Project::empty();
        let identity = project.archive("identity");
        let options = ["-i", identity.to_str().unwrap()];
        empty.import(&project.archive(name), &options).ends_with(0);
        empty.state().assert_same_content(&before);
    }
}

#[test]
fn a_site_comes_back_from_an_archive_to_several_recipients() {
    let project = Project::testdata();
    let before = project.state();
    let (Some(one), Some(other)) = (pair(&project, "one"), pair(&project, "other")) else {
        return;
    };
    fs::write(project.archive("list"), format!("# them\n\n{other}\n")).unwrap();
    let outcome = export(
        &project,
        &["--recipient", &one, "--recipients-file", "list", "--json"],
    );
    let line = summary(&outcome.ends_with(0));
    assert_eq!(line["archive"]["name"], "site.tar.gz.age");
    assert_eq!(line["archive"]["cipher"], "age");
    assert_eq!(line["archive"]["recipients"], 2);
    assert_eq!(line["archive"]["encrypted"], true);
    for identity in ["one", "other"] {
        let empty = Project::empty();
        let identity = project.archive(identity);
        let options = ["-i", identity.to_str().unwrap()];
        empty
            .import(&project.archive("site"), &options)
            .ends_with(0);
        empty.state().assert_same_content(&before);
        let again = content(&empty.export("again", &[]));
        assert_eq!(
            again.differences(&content(&project.export("plain", &[]))),
            [""; 0]
        );
    }
}

#[test]
fn a_passphrase_opens_what_age_made_with_it_and_age_what_we_made() {
    let project = Project::testdata();
    if pair(&project, "identity").is_none() {
        return;
    }
    let before = restored();
    export(&project, &["--cipher", "age", "-k", KEY]).ends_with(0);
    age_asking(
        &project,
        &["-d", "-o", "opened.tar.gz", "site.tar.gz.age"],
        KEY,
        1,
    );
    let expected = content(&project.export("plain", &[]));
    let opened = content(&project.archive("opened.tar.gz"));
    assert_eq!(opened.differences(&expected), [""; 0]);
    // 2^18 is in the header: whoever opens it knows what it takes.
    let file = fs::read(project.archive("site.tar.gz.age")).unwrap();
    let header = String::from_utf8_lossy(&file[..80]).into_owned();
    assert_eq!(
        header.lines().nth(1).unwrap().rsplit(' ').next(),
        Some("18"),
        "{header}"
    );

    let plain = strapi_archive();
    let made = ["-p", "-o", "made.tar.age", plain.to_str().unwrap()];
    age_asking(&project, &made, KEY, 2);
    project.sql("UPDATE articles SET title = 'changed'");
    let made = project.archive("made.tar.age");
    project.import(&made, &["-k", KEY]).ends_with(0);
    project.state().assert_same_content(&before);
    // Nobody who does not know the passphrase can have made it, manifest or not.
    let proof = ["made.tar.age", "-k", KEY, "--require-authentication"];
    let outcome = verify(&project, &proof).ends_with(0);
    assert!(
        outcome.stdout.contains("somebody who knew the key"),
        "{}",
        outcome.all()
    );
    let proof = ["site.tar.gz.age", "-k", KEY, "--require-authentication"];
    verify(&project, &proof).ends_with(0);
    verify(&project, &["site.tar.gz.age", "-k", "kitchen-sing"]).ends_with(12);
}

#[test]
fn an_export_to_recipients_asks_for_no_key_and_ends_where_one_is_given() {
    let project = Project::testdata();
    let Some(recipient) = pair(&project, "identity") else {
        return;
    };
    let to = ["--recipient", recipient.as_str()];
    for (options, why) in [
        (&["-k", KEY][..], "--key"),
        (&["--key-file", "identity"], "--key-file"),
        (&["--no-encrypt"], "--no-encrypt"),
        (&["--cipher", "strapi"], "knows no recipients"),
    ] {
        export(&project, &[&to, options].concat())
            .ends_with(2)
            .says([why]);
    }
    let exclude = ["--no-encrypt", "--cipher", "age"];
    export(&project, &exclude).ends_with(2).says(["--cipher"]);
    assert_eq!(listing(&project.archives()), ["identity"]);
    // A key that stands in a variable is for other archives.
    let mut command = project.command("export", ["-f", "site", "--recipient", &recipient]);
    told(command.env("BACKUP_KEY", KEY)).ends_with(0);
    verify(&project, &["site.tar.gz.age", "-i", "identity"]).ends_with(0);
}

#[test]
fn what_is_no_recipient_is_refused_before_anything_is_done() {
    let project = Project::testdata();
    if pair(&project, "identity").is_none() {
        return;
    }
    fs::write(project.archive("nobody"), "# nobody yet\n").unwrap();
    let secret = fs::read_to_string(project.archive("identity")).unwrap();
    let secret = secret.lines().last().unwrap();
    for (options, why) in [
        (["--recipient", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5"], "SSH"),
        (
            ["--recipient", "age1pq1qqqqqqqqqqqqqqqqqqq"],
            "post-quantum",
        ),
        (["--recipient", "age1yubikey1qqqqqqqqqqqqqq"], "plugins"),
        (["--recipient", secret], "secret"),
        (["--recipients-file", "nobody"], "no recipients"),
        (["--recipients-file", "identity"], "line 3"),
        (["--recipients-file", "missing"], "missing"),
    ] {
        let code = if options[1] == "missing" { 1 } else { 2 };
        export(&project, &options).ends_with(code).says([why]);
    }
    assert_eq!(listing(&project.archives()), ["identity", "nobody"]);
}

#[test]
fn what_does_not_fit_an_archive_is_told_before_anybody_is_asked() {
    let project = Project::testdata();
    let Some(recipient) = pair(&project, "identity") else {
        return;
    };
    pair(&project, "another");
    export(&project, &["--recipient", &recipient]).ends_with(0);
    fs::rename(project.archive("site.tar.gz.age"), project.archive("to")).unwrap();
    export(&project, &["--cipher", "age", "-k", KEY]).ends_with(0);
    fs::rename(project.archive("site.tar.gz.age"), project.archive("with")).unwrap();
    let theirs = testdata("strapi-export.tar.gz.enc");
    fs::copy(theirs, project.archive("strapi")).unwrap();
    fs::copy(strapi_archive(), project.archive("plain")).unwrap();
    for (options, code, why) in [
        (&["to"][..], 2, "give the file with the identity"),
        (
            &["to", "-k", KEY],
            2,
            "encrypted to recipients: no key opens it",
        ),
        (
            &["to", "-i", "another"],
            12,
            "no identity that was given opens",
        ),
        (&["to", "-i", "another", "-i", "identity"], 0, ""),
        (&["to", "-i", "identity", "-k", KEY], 0, ""),
        (&["with"], 2, "a key is needed"),
        (
            &["with", "-i", "identity"],
            2,
            "with a passphrase: no identity opens it",
        ),
        (&["with", "-i", "identity", "-k", KEY], 0, ""),
        (
            &["strapi", "-i", "identity"],
            2,
            "with a key: no identity opens it",
        ),
        (&["plain", "-i", "identity"], 2, "is not encrypted"),
        (&["to", "-i", "-"], 2, "stdin"),
        (&["to", "-i", "plain"], 2, "too long"),
        (&["to", "-i", "missing"], 1, "missing"),
    ] {
        verify(&project, options).ends_with(code).says([why]);
    }
    // Both may stand in the environment: what fits is taken.
    for (archive, code) in [("to", 0), ("with", 0), ("strapi", 0), ("plain", 0)] {
        let mut command = backup(["verify", archive]);
        command
            .current_dir(project.archives())
            .env("BACKUP_KEY", KEY)
            .env("BACKUP_IDENTITY", "identity");
        told(&mut command).ends_with(code);
    }
    let mut command = backup(["verify", "to"]);
    command
        .current_dir(project.archives())
        .env("CREDENTIALS_DIRECTORY", project.archive("given"));
    fs::create_dir(project.archive("given")).unwrap();
    let credential = project.archive("given/backup-identity");
    fs::copy(project.archive("identity"), credential).unwrap();
    told(&mut command).ends_with(0);
}

#[test]
fn what_a_recipient_encrypts_proves_no_origin() {
    let project = Project::testdata();
    let Some(recipient) = pair(&project, "identity") else {
        return;
    };
    export(&project, &["--recipient", &recipient]).ends_with(0);
    let outcome = verify(&project, &["site.tar.gz.age", "-i", "identity"]).ends_with(0);
    assert!(
        outcome.stdout.contains("nothing proves who wrote"),
        "{}",
        outcome.all()
    );
    assert!(
        outcome.stdout.contains("The archive is whole"),
        "{}",
        outcome.all()
    );
    let refused = [
        "site.tar.gz.age",
        "-i",
        "identity",
        "--require-authentication",
    ];
    verify(&project, &refused)
        .ends_with(6)
        .says(["whoever knows one of these"]);
}

#[test]
fn an_archive_that_was_cut_changed_or_exchanged_is_damaged() {
    let project = Project::testdata();
    let Some(recipient) = pair(&project, "identity") else {
        return;
    };
    export(&project, &["--recipient", &recipient]).ends_with(0);
    let whole = fs::read(project.archive("site.tar.gz.age")).unwrap();
    let before = project.state();
    let import = |bytes: &[u8], name: &str| {
        fs::write(project.archive(name), bytes).unwrap();
        let identity = project.archive("identity");
        let options = ["-i", identity.to_str().unwrap()];
        let outcome = project.import(&project.archive(name), &options);
        before.assert_untouched(&project);
        outcome
    };
    for length in [100, 200, 400, whole.len() / 2, whole.len() - 1] {
        import(&whole[..length], "cut.tar.gz.age").ends_with(6);
    }
    for place in [whole.len() / 3, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        import(&changed, "changed.tar.gz.age").ends_with(6);
    }
    // What its last line says of the header.
    let header = whole.windows(5).position(|it| it == b"\n--- ").unwrap();
    let mut changed = whole.clone();
    changed[header + 8] = if changed[header + 8] == b'A' {
        b'B'
    } else {
        b'A'
    };
    import(&changed, "changed.tar.gz.age").ends_with(6);
    for name in ["plain.tar.age", "theirs.tar.gz.age"] {
        let other = match name {
            "plain.tar.age" => strapi_archive(),
            _ => testdata("strapi-export.tar.gz.enc"),
        };
        let bytes = fs::read(other).unwrap();
        import(&bytes, name)
            .ends_with(6)
            .says(["though its name says so"]);
    }
}

#[test]
fn an_identity_that_is_encrypted_takes_its_passphrase_at_a_terminal_alone() {
    let project = Project::testdata();
    let Some(recipient) = pair(&project, "identity") else {
        return;
    };
    export(&project, &["--recipient", &recipient]).ends_with(0);
    age_asking(&project, &["-p", "-a", "-o", "locked", "identity"], KEY, 2);
    let options = ["site.tar.gz.age", "-i", "locked"];
    let outcome = verify(&project, &options).ends_with(2);
    outcome.says(["locked is encrypted", "no terminal"]);
    for (passphrase, expected) in [(KEY, 0), ("kitchen-sing", 12)] {
        let mut starter = Command::new("setsid");
        starter.arg("--ctty");
        let mut command = backup_through(starter, [&["verify"][..], &options].concat());
        command.current_dir(project.archives());
        let (code, screen) = Session::of(command)
            .answers_unseen("Passphrase of the identity in locked: ", passphrase)
            .ends();
        assert_eq!(code, Some(expected), "{screen}");
        assert!(!screen.contains(SECRET), "{screen}");
    }
    // Its recipient's own archive is no way to lock it.
    age(&project, &["-r", &recipient, "-o", "to", "identity"]);
    verify(&project, &["site.tar.gz.age", "-i", "to"])
        .ends_with(2)
        .says(["decrypt it with age"]);
    // A list needs no identity, and is not held up by one.
    let mut command = backup(["list", "."]);
    command
        .current_dir(project.archives())
        .env("BACKUP_IDENTITY", "locked");
    told(&mut command).ends_with(0).says(["no terminal"]);
}

#[test]
fn an_identity_that_everybody_may_read_is_noted() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::testdata();
    let Some(recipient) = pair(&project, "identity") else {
        return;
    };
    export(&project, &["--recipient", &recipient]).ends_with(0);
    let open = fs::Permissions::from_mode(0o644);
    fs::set_permissions(project.archive("identity"), open).unwrap();
    verify(&project, &["site.tar.gz.age", "-i", "identity"])
        .ends_with(0)
        .says(["everybody may read the identity in identity"]);
}

#[test]
fn what_is_noted_of_an_open_file_is_true_of_it() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::testdata();
    let Some(recipient) = pair(&project, "identity") else {
        return;
    };
    export(&project, &["--recipient", &recipient]).ends_with(0);
    age_asking(&project, &["-p", "-a", "-o", "locked", "identity"], KEY, 2);
    fs::write(project.archive("recipients"), format!("{recipient}\n")).unwrap();
    fs::write(project.archive("long"), vec![b'#'; 70_000]).unwrap();
    for name in ["locked", "recipients"] {
        let open = fs::Permissions::from_mode(0o644);
        fs::set_permissions(project.archive(name), open).unwrap();
        let outcome = verify(&project, &["site.tar.gz.age", "-i", name]).ends_with(2);
        assert!(!outcome.all().contains("everybody"), "{}", outcome.all());
    }
    verify(&project, &["site.tar.gz.age", "-i", "long"])
        .ends_with(2)
        .says(["too long for an identity"]);
}

#[test]
fn an_identity_in_place_of_its_file_is_shown_by_nobody() {
    let project = Project::testdata();
    let Some(recipient) = pair(&project, "identity") else {
        return;
    };
    export(&project, &["--recipient", &recipient, "--summary"]).ends_with(0);
    let text = fs::read_to_string(project.archive("identity")).unwrap();
    let secret = text.lines().find(|line| line.starts_with(SECRET)).unwrap();
    let lower = secret.to_lowercase();
    let site = "site.tar.gz.age";
    for given in [secret, &lower] {
        let is_hidden = |outcome: &Outcome| {
            let all = outcome.all().to_lowercase();
            assert!(!all.contains(&lower[15..]), "{all}");
        };
        let runs = [
            &["verify", site, "-i", given][..],
            &["inspect", site, "--identity", given, "--json"],
            &["extract", site, "-i", given, "--to", "x"],
            &["list", ".", "-i", given],
            &["verify", site, "--key-file", given],
        ];
        for arguments in runs {
            let outcome = told(backup(arguments).current_dir(project.archives())).ends_with(2);
            is_hidden(&outcome);
            outcome.says(["itself stands where a file"]);
        }
        let mut command = backup(["import", "-f", site, "--force", "--json"]);
        command.arg("--project").arg(project.path());
        command.current_dir(project.archives());
        let hook = ["--on-failure", "cat"];
        command.args(hook).env("BACKUP_IDENTITY", given);
        is_hidden(&told(&mut command).ends_with(2));
        let mut doctor = project.command("doctor", []);
        is_hidden(&told(doctor.env("BACKUP_IDENTITY", given)));
        let mut doctor = project.command("doctor", []);
        is_hidden(&told(doctor.env("BACKUP_KEY_FILE", given)));
        is_hidden(&export(&project, &["--recipients-file", given]).ends_with(2));
        for option in ["--recipients-file", "--key-file"] {
            let words = ["schedule", "--", "export", "--file", "x/", option, given];
            let mut command = backup(words);
            command.arg("--project").arg(project.path());
            is_hidden(&told(&mut command).ends_with(2));
        }
    }
}

#[test]
fn a_recipient_that_nobody_typed_is_not_added_to_those_who_were() {
    let project = Project::testdata();
    let (Some(mine), Some(other)) = (pair(&project, "mine"), pair(&project, "other")) else {
        return;
    };
    fs::write(project.archive("list"), format!("{mine}\n")).unwrap();
    let site = ["site.tar.gz.age", "-i"];
    let opens = |name: &str, code: i32| {
        verify(&project, &[&site[..], &[name]].concat()).ends_with(code);
    };
    for (typed, variable, value) in [
        (["--recipients-file", "list"], "BACKUP_RECIPIENT", &*other),
        (["--recipient", &mine], "BACKUP_RECIPIENTS_FILE", "theirs"),
    ] {
        fs::write(project.archive("theirs"), format!("{other}\n")).unwrap();
        let arguments = [&["-f", "site", "--overwrite"], &typed[..]].concat();
        let mut command = project.command("export", arguments);
        let outcome = told(command.env(variable, value)).ends_with(0);
        let to = "site.tar.gz.age, encrypted to 1 recipient\n";
        assert!(outcome.stdout.ends_with(to), "{}", outcome.all());
        opens("mine", 0);
        opens("other", 12);
    }
    // Of one layer both count, and each once.
    let both = ["--recipient", &other, "--recipient", &mine];
    let both = [&both[..], &["--recipients-file", "list", "--overwrite"]].concat();
    let outcome = export(&project, &both).ends_with(0);
    let to = "site.tar.gz.age, encrypted to 2 recipients\n";
    assert!(outcome.stdout.ends_with(to), "{}", outcome.all());
    opens("mine", 0);
    opens("other", 0);
}

#[test]
fn a_name_with_the_extension_of_the_other_cipher_is_refused() {
    let project = Project::testdata();
    let Some(recipient) = pair(&project, "identity") else {
        return;
    };
    let named = |name: &str, options: &[&str]| {
        told(&mut project.command("export", [&["-f", name], options].concat()))
    };
    named("x.tar.gz.age", &["-k", KEY]).ends_with(2).says([
        "ends with .age",
        "the cipher strapi",
        "--cipher age",
    ]);
    named("x.tar.gz.enc", &["--recipient", &recipient])
        .ends_with(2)
        .says(["ends with .enc", "the cipher age"]);
    assert_eq!(listing(&project.archives()), ["identity"]);
    named("a.tar.gz.age", &["-k", KEY, "--cipher", "age"]).ends_with(0);
    named("b.tar.gz.enc", &["-k", KEY, "--no-compress"]).ends_with(0);
    named("c.tar.gz.enc", &PLAIN).ends_with(0);
    let names = ["a.tar.gz.age", "b.tar.enc", "c.tar", "identity"];
    assert_eq!(listing(&project.archives()), names);
}

#[test]
fn archives_to_recipients_flow_and_are_listed() {
    let project = Project::testdata();
    let Some(recipient) = pair(&project, "identity") else {
        return;
    };
    let before = project.state();
    let mut command = project.command("export", ["-f", "-", "--recipient", &recipient]);
    let written = command.stdout(Stdio::piped()).output().unwrap();
    assert!(written.status.success());
    let name = "site-2026-11-20.tar.gz.age";
    fs::write(project.archive(name), &written.stdout).unwrap();
    // In armor, and as it is, from a pipe.
    age(
        &project,
        &["-d", "-i", "identity", "-o", "site.tar.gz", name],
    );
    age(
        &project,
        &["-a", "-r", &recipient, "-o", "text", "site.tar.gz"],
    );
    for name in [name, "text"] {
        let empty = Project::empty();
        let identity = project.archive("identity");
        let import = ["--force", "-f", "-", "-i", identity.to_str().unwrap()];
        let mut command = empty.command("import", import);
        let archive = fs::File::open(project.archive(name)).unwrap();
        told(command.stdin(archive)).ends_with(0);
        empty.state().assert_same_content(&before);
    }
    let listed = |options: &[&str]| {
        let mut command = backup([&["list", ".", "--json"], options].concat());
        let outcome = told(command.current_dir(project.archives())).ends_with(0);
        let line = described(&outcome.stdout);
        let all = line["archives"].as_array().unwrap().clone();
        all.into_iter().find(|it| it["name"] == name).unwrap()
    };
    let stranger = listed(&[]);
    assert_eq!(stranger["cipher"], "age");
    assert_eq!(stranger["group"], "site");
    assert_eq!(stranger["doubt"], "it is encrypted, and has no summary");
    let known = listed(&["-i", "identity"]);
    assert_eq!(known["strapi"], "5.54.0");
    assert_eq!(known["doubt"], serde_json::Value::Null);
}

#[test]
fn archives_to_recipients_go_into_a_store_and_come_back() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let project = Project::testdata();
    let Some(recipient) = pair(&project, "identity") else {
        return;
    };
    let before = project.state();
    let url = store.url("site");
    let arguments = ["-f", &url, "--recipient", &recipient];
    told(&mut store.lead(project.command("export", arguments))).ends_with(0);
    let names = ["site.tar.gz.age", "site.tar.gz.age.summary.json"];
    assert_eq!(store.names(), names);
    let empty = Project::empty();
    let identity = project.archive("identity");
    let options = ["-i", identity.to_str().unwrap()];
    let command = empty.import_command(Path::new(&url), &options);
    told(&mut store.lead(command)).ends_with(0);
    empty.state().assert_same_content(&before);
}

#[test]
fn a_profile_names_recipients_and_identities_beside_the_key_of_older_archives() {
    let project = Project::testdata();
    let Some(recipient) = pair(&project, "identity") else {
        return;
    };
    fs::write(project.archive("key"), KEY).unwrap();
    let profile = format!(
        "[profiles.nightly]\nkey-file = 'key'\nidentity = 'identity'\n[profiles.nightly.export]\nrecipient = ['{recipient}']\n"
    );
    fs::write(project.archive("backup.toml"), profile).unwrap();
    let with = ["--config", "backup.toml", "--profile", "nightly"];
    export(&project, &with).ends_with(0);
    verify(&project, &[&["site.tar.gz.age"], &with[..]].concat()).ends_with(0);
    // The variable is for what takes a key, and does not stand in the way either.
    let arguments = [&["-f", "other"], &with[..]].concat();
    let mut command = project.command("export", arguments);
    told(command.env("BACKUP_KEY", KEY)).ends_with(0);
    assert!(project.archive("other.tar.gz.age").is_file());
    let theirs = testdata("strapi-export.tar.gz.enc");
    fs::copy(theirs, project.archive("older")).unwrap();
    verify(&project, &[&["older"], &with[..]].concat()).ends_with(0);
    // What is typed wins.
    let arguments = [&["-k", KEY], &with[..]].concat();
    export(&project, &arguments).ends_with(0);
    assert!(project.archive("site.tar.gz.enc").is_file());
}

#[test]
fn a_drill_of_an_archive_to_a_recipient_brings_all_of_it_back() {
    let project = Project::testdata();
    let Some(recipient) = pair(&project, "identity") else {
        return;
    };
    export(&project, &["--recipient", &recipient]).ends_with(0);
    let mut command = backup(["drill", "site.tar.gz.age", "-i", "identity"]);
    told(command.current_dir(project.archives())).ends_with(0);
}

#[test]
fn a_schedule_that_encrypts_to_a_recipient_needs_no_key() {
    let project = Project::testdata();
    let Some(recipient) = pair(&project, "identity") else {
        return;
    };
    let folder = format!("{}/", project.archives().display());
    let path = project.path();
    let export = [
        "export",
        "--file",
        &folder,
        "--recipient",
        &recipient,
        "--project",
    ];
    let mut command = backup([&["schedule", "--"], &export[..]].concat());
    let outcome = told(command.arg(&path)).ends_with(0);
    assert!(outcome.stdout.contains(&recipient), "{}", outcome.all());
    let credential = ["schedule", "--key-credential", "key", "--"];
    let mut command = backup([&credential, &export[..]].concat());
    told(command.arg(path))
        .ends_with(2)
        .says(["--key-credential", "(--recipient)"]);
}

#[test]
fn a_schedule_says_what_its_first_run_would_find_wrong_with_recipients() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::testdata();
    let Some(recipient) = pair(&project, "identity") else {
        return;
    };
    fs::write(project.archive("empty"), "# nobody\n").unwrap();
    fs::write(project.archive("good"), format!("{recipient}\n")).unwrap();
    let folder = format!("{}/", project.archives().display());
    let scheduled = |name: &str| {
        let options = ["schedule", "--user", "daemon", "--", "export", "--file"];
        let mut command = backup(options);
        command.args([&folder, "--recipients-file", name, "--project"]);
        command.arg(project.path()).current_dir(project.archives());
        told(&mut command).ends_with(0)
    };
    scheduled("missing").says(["note: there is no ", "/missing here"]);
    scheduled("empty").says(["note: ", "it holds no recipients"]);
    let open = |mode| {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(project.archive("good"), mode).unwrap();
    };
    open(0o600);
    scheduled("good").says(["daemon may not read", "chmod 644"]);
    open(0o644);
    let outcome = scheduled("good");
    assert!(!outcome.stderr.contains("/good"), "{}", outcome.all());
}

#[test]
fn a_plain_export_says_no_cipher() {
    let project = Project::testdata();
    let outcome = export(&project, &[&PLAIN[..], &["--json"]].concat()).ends_with(0);
    let line = summary(&outcome);
    assert_eq!(line["archive"]["cipher"], serde_json::Value::Null);
}
