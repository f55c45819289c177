//! Files that come, and where they are then.

use super::*;

#[test]
fn a_restore_leaves_the_new_files_with_all_they_should_have_and_nothing_else() {
    let fake = Arc::new(before());
    for pace in [Pace::default(), bucket(&fake).pace] {
        let fake = Arc::new(before());
        let mut bucket = bucket(&fake);
        bucket.pace = pace;
        restore(&bucket, &mut None).expect("restored");
        assert_eq!(fake.texts(), after());
        for path in ["both", "deep/both", "deep/added"] {
            let object = fake
                .get(&format!("{}{path}", bucket.layout.prefix))
                .expect("an object");
            let expected = Attributes {
                media_type: Some("text/x-test".to_owned()),
                ..layout().attributes
            };
            assert_eq!(object.how, expected, "{path}");
        }
        // It is not touched, so it keeps what it had.
        let same = fake.get("site/media/same").expect("an object");
        assert_eq!(same.how, Attributes::default());
    }
}

#[test]
fn what_waits_is_readable_by_nobody_else() {
    let fake = Arc::new(before());
    let mut staged = stage_all(&bucket(&fake)).expect("staged");
    staged.swap_in(TOKEN, "database").expect("swapped");
    let kept = kept(&fake);
    assert_eq!(kept.len(), 3 + 2 + 2, "{kept:?}");
    for key in kept {
        let how = fake.get(&key).expect("an object").how;
        assert_eq!(how.acl, None, "{key}");
        if !key.contains("/old/") {
            let encryption = &layout().attributes.more[..1];
            assert_eq!(how.more, encryption, "{key}");
            assert!(how.media_type.is_some(), "{key}");
        }
    }
}

#[test]
fn an_object_with_the_same_content_is_not_brought_again() {
    let large = "x".repeat((5 << 20) + 3);
    let fake = Arc::new(Fake::new(&[
        ("site/media/whole", "text"),
        ("site/media/other", "tex-"),
        ("site/media/unknown", "text"),
        ("site/media/parts", &large),
        ("site/media/other parts", &large),
    ]));
    fake.set_etag("site/media/unknown", "\"0x8DC\"");
    // What S3 says of parts of 5 MiB: the digest of their digests.
    fake.set_etag("site/media/parts", "\"af9ceb5e3a73df299d2d6dcaa4ec72fc-2\"");
    fake.set_etag(
        "site/media/other parts",
        "\"00000000000000000000000000000000-2\"",
    );
    let bucket = bucket(&fake);
    let mut staged = stage(&bucket);
    for path in ["whole", "other", "unknown"] {
        add(staged.as_mut(), path, "text").expect("added");
    }
    for path in ["parts", "other parts"] {
        add(staged.as_mut(), path, &large).expect("added");
    }
    staged.written().expect("written");
    let brought: Vec<String> = kept(&fake)
        .iter()
        .filter_map(|key| Some(key.split_once("/new/")?.1.to_owned()))
        .collect();
    assert_eq!(brought, ["other", "other parts", "unknown"]);
    let remark = staged.remark().expect("a remark");
    assert!(
        remark.contains("there already as they come, and left alone: 2)"),
        "{remark}"
    );
    assert!(
        remark.contains("visitors may see either version"),
        "{remark}"
    );
}

#[test]
fn of_two_files_for_one_path_the_later_one_stays() {
    for (texts, expected) in [(["new", "newer"], "newer"), (["new", "old"], "old")] {
        let fake = Arc::new(Fake::new(&[("site/media/a", "old")]));
        let bucket = bucket(&fake);
        let mut staged = stage(&bucket);
        for text in texts {
            add(staged.as_mut(), "a", text).expect("added");
        }
        staged.swap_in(TOKEN, "database").expect("swapped");
        staged.settle().expect("settled");
        assert_eq!(staged.forget_old(), None);
        assert_eq!(fake.texts()["site/media/a"], expected);
        assert_eq!(kept(&fake), [""; 0]);
    }
}

#[test]
fn a_file_too_large_for_the_memory_comes_whole_to_all_its_paths() {
    let fake = Arc::new(Fake::new(&[]));
    let bucket = bucket(&fake);
    let mut staged = stage(&bucket);
    let large = "0123456789".repeat(1 << 19);
    let paths = ["a".to_owned(), "deep/b".to_owned()];
    let content = &mut large.as_bytes();
    staged
        .add(&paths, &asset("a", large.len()), content)
        .expect("added");
    staged.swap_in(TOKEN, "database").expect("swapped");
    staged.settle().expect("settled");
    assert_eq!(staged.forget_old(), None);
    for path in paths {
        assert!(
            fake.texts()[&format!("{}{path}", bucket.layout.prefix)] == large,
            "{path}"
        );
    }
}

#[test]
fn a_file_of_another_size_than_announced_is_refused() {
    for how in [Staged::Kept, Staged::Counted] {
        for size in [2, 4, 5 << 20] {
            let fake = Arc::new(before());
            let mut staged = bucket(&fake).stage(how, &std::env::temp_dir(), &Effort::default());
            let added = staged.add(&["a".to_owned()], &asset("a", size), &mut &b"abc"[..]);
            let error = added.expect_err("it has 3 bytes");
            assert_eq!(error.kind(), Kind::Archive);
            assert!(
                error
                    .to_string()
                    .contains(&format!("should have {size} bytes")),
                "{error}"
            );
            drop(staged);
            assert_eq!(fake.texts(), before().texts());
        }
    }
}

#[test]
fn names_that_no_object_may_have_are_refused() {
    let fake = Arc::new(before());
    let bucket = bucket(&fake);
    let mut staged = stage(&bucket);
    for path in [
        "../a",
        "a//b",
        ".backup-restore-x/a",
        "a\u{1}b",
        &"n/".repeat(600),
    ] {
        let error = add(staged.as_mut(), path, "text").expect_err("no path");
        assert_eq!(error.kind(), Kind::Archive, "{path}");
        assert!(!bucket.takes(path), "{path}");
    }
    assert_eq!(fake.log(), [""; 0]);
}

#[test]
fn a_check_writes_nothing_and_finds_out_whether_the_bucket_can_be_listed() {
    let fake = Arc::new(before());
    let bucket = bucket(&fake);
    let count = || bucket.stage(Staged::Counted, &std::env::temp_dir(), &Effort::default());
    let mut staged = count();
    for path in ["both", "same"] {
        add(staged.as_mut(), path, "new").expect("counted");
    }
    staged.written().expect("written");
    assert!(staged.remark().is_some());
    drop(staged);
    let log = fake.log();
    assert!(
        log.iter()
            .all(|it| it.starts_with("look ") || it.starts_with("list ")),
        "{log:?}"
    );
    fake.refuse_lists();
    for error in [
        add(count().as_mut(), "both", "new").expect_err("refused"),
        add(stage(&bucket).as_mut(), "both", "new").expect_err("refused"),
        bucket.hold().map(drop).expect_err("refused"),
        bucket.pending().map(drop).expect_err("refused"),
        bucket.left().map(drop).expect_err("refused"),
        bucket.sweep().map(drop).expect_err("refused"),
    ] {
        assert!(error.to_string().contains("refused"), "{error}");
        assert!(error.advice().expect("advice").contains("s3:ListBucket"));
    }
}

#[test]
fn what_a_swap_may_not_do_is_found_before_anything_is_staged() {
    for (what, only_public) in [("put", false), ("copy", true), ("remove", false)] {
        let fake = Arc::new(before());
        let bucket = bucket(&fake);
        fake.refuse(what, only_public);
        let error = stage_all(&bucket).err().expect(what);
        assert!(
            error.to_string().contains(&format!("may not {what}")),
            "{error}"
        );
        let mut left = fake.texts();
        left.retain(|key, _| !key.contains("/probe") && !key.ends_with("/lease"));
        assert_eq!(left, before().texts(), "{what}");
    }
}

#[test]
fn a_restore_gives_way_to_one_that_came_between_its_look_and_its_lease() {
    let fake = Arc::new(before());
    let first = bucket(&fake);
    let mut staged = stage_all(&first).expect("staged");
    let second = stage_all(&bucket(&fake)).err().expect("held");
    assert_eq!(second.kind(), crate::error::Kind::Locked, "{second}");
    staged.swap_in(TOKEN, "database").expect("swapped");
    staged.settle().expect("settled");
    assert_eq!(staged.forget_old(), None);
    assert_eq!(fake.texts(), after());
}
