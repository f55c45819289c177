use super::*;

/// A swap whose journal has this token and this database, and whether others may have left it.
struct Left(Option<&'static str>, Option<&'static str>, bool);

impl PendingSwap for Left {
    fn place(&self) -> String {
        "there".into()
    }

    fn token(&self) -> Option<&str> {
        self.0
    }

    fn database(&self) -> Option<&str> {
        self.1
    }

    fn is_shared(&self) -> bool {
        self.2
    }

    fn is_done(&self) -> bool {
        false
    }

    fn finish(&self) -> Result<()> {
        Ok(())
    }

    fn undo(&self) -> Result<()> {
        Ok(())
    }

    fn forget(&self) -> Result<()> {
        Ok(())
    }
}

#[test]
fn a_damaged_journal_has_the_token_that_no_other_has() {
    let without_files = format!("a{WITHOUT_FILES}");
    let sorted = |tokens: &[Option<&'static str>], token: Option<&str>| -> Result<_, String> {
        let swaps = tokens
            .iter()
            .map(|token| Box::new(Left(*token, None, true)) as _);
        let sorted = super::sorted(swaps.collect(), token)?;
        Ok(sorted.map(|swaps| {
            swaps
                .iter()
                .map(|it| it.token().map(str::to_owned))
                .collect::<Vec<_>>()
        }))
    };
    let [a, b] = [Some("a"), Some("b")];
    for (swaps, token, own, others) in [
        (&[None, a, b][..], a, &[a][..], &[None, b][..]),
        (&[a, None, a], a, &[a, a], &[None]),
        (&[None, b], a, &[None], &[b]),
        (&[None, None, b], None, &[], &[None, None, b]),
        (&[None, b], Some(&without_files), &[], &[None, b]),
        (&[], a, &[], &[]),
    ] {
        let expected: Result<_, String> =
            Ok([own, others].map(|it| it.iter().map(|it| it.map(str::to_owned)).collect()));
        assert_eq!(sorted(swaps, token), expected, "{swaps:?} {token:?}");
    }
    let told = sorted(&[None, b, None], a).expect_err("either may be it");
    assert_eq!(told, "there");
}

#[test]
fn a_swap_is_not_undone_on_the_word_of_a_database_that_may_be_another() {
    let check = |database, is_shared| check_database(&Left(None, database, is_shared), "own");
    for (database, is_shared) in [(None, true), (Some("other"), true), (Some("other"), false)] {
        let error = check(database, is_shared).expect_err("another");
        assert_eq!(error.kind(), Kind::Locked);
        let advice = error.advice().expect("advice");
        assert!(advice.contains("--same-database"), "{advice}");
    }
    for (database, is_shared) in [(None, false), (Some("own"), true)] {
        check(database, is_shared).expect("it is this one");
    }
}
