//! The zoo: archives of all that can be wrong with one. What is said of each, and that none of them harms anything.

use std::env;
use std::fs;
use std::io::Read;
use std::path::PathBuf;

use crate::support::beasts::{Beast, all};
use crate::support::cli::{Outcome, Project, backup, run};
use crate::support::files::repository;
use crate::support::tarball::gzip;

fn path(beast: &Beast) -> PathBuf {
    repository("testdata/zoo").join(format!("{}.tar.gz", beast.name))
}

#[test]
fn the_zoo_is_what_its_maker_makes() {
    let renew = env::var_os("RENEW").is_some();
    let mut expected = Vec::new();
    for beast in all() {
        let path = path(&beast);
        if renew {
            fs::write(&path, gzip(&beast.tar)).unwrap();
        }
        let packed = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert!(packed.len() < 100_000, "{} is not small", path.display());
        let mut tar = Vec::new();
        flate2::read::GzDecoder::new(&packed[..])
            .read_to_end(&mut tar)
            .unwrap();
        assert!(
            tar == beast.tar,
            "{} is another: renew it with RENEW=1",
            path.display()
        );
        expected.push(path);
    }
    for file in fs::read_dir(repository("testdata/zoo")).unwrap() {
        let path = file.unwrap().path();
        assert!(expected.contains(&path), "{} has no maker", path.display());
    }
}

#[test]
fn each_beast_is_told_by_its_name_and_harms_nothing() {
    let mut wrong = Vec::new();
    let project = Project::testdata();
    let before = project.state();
    for beast in all() {
        let path = path(&beast);
        let verified = run(backup(["verify"]).arg(&path));
        let tried = project.import(&path, &["--dry-run"]);
        before.assert_untouched(&project);
        let mut runs = vec![
            ("verify", beast.verify, verified),
            ("import --dry-run", beast.import, tried),
        ];
        if beast.import == 6 {
            let imported = project.import(&path, &[]);
            before.assert_untouched(&project);
            runs.push(("import", 6, imported));
        } else {
            let other = Project::testdata();
            runs.push(("import", beast.import, other.import(&path, &[])));
        }
        for (verb, code, outcome) in runs {
            if let Some(why) = unexpected(&beast, code, &outcome) {
                wrong.push(format!("{} {verb}: {why}\n{}", beast.name, outcome.all()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What is not as it should be with an outcome.
fn unexpected(beast: &Beast, code: i32, outcome: &Outcome) -> Option<String> {
    if outcome.code != Some(code) {
        return Some(format!("the code is not {code}"));
    }
    let missing = beast
        .says
        .iter()
        .find(|text| !outcome.stderr.contains(**text));
    if let Some(text) = missing {
        return Some(format!("it does not say {text:?}"));
    }
    let is_hidden = |character: char| {
        (character.is_control() && character != '\n')
            || matches!(character, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
    };
    if outcome.stderr.contains(is_hidden) || outcome.stdout.contains(is_hidden) {
        return Some("something hidden came to the terminal".into());
    }
    let advises = outcome.stderr.lines().any(|line| line.starts_with("  "));
    (code == 6 && !advises).then(|| "it gives no advice".into())
}
