use super::*;
use std::os::unix::fs::MetadataExt;

fn uploads(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("written");
    }
    folder
}

fn listing(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = names(folder)
        .expect("names")
        .into_iter()
        .map(|name| {
            let text = fs::read_to_string(folder.join(&name)).unwrap_or_default();
            (name, text)
        })
        .collect();
    files.sort();
    files
}

fn expect(folder: &Path, files: &[(&str, &str)]) {
    let files: Vec<(String, String)> = files
        .iter()
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    assert_eq!(listing(folder), files);
}

fn kept(folder: &Path) -> StagedFiles {
    StagedFiles::new(folder.to_owned(), Staged::Kept, &Effort::default())
}

fn asset(name: &str, size: u64) -> Asset {
    Asset {
        filename: name.to_owned(),
        sidecar: "{}".to_owned(),
        size,
    }
}

fn add(staged: &mut StagedFiles, path: &str, text: &str) -> Result<()> {
    let asset = asset(path, text.len() as u64);
    staged.add(&[path.to_owned()], &asset, &mut text.as_bytes())
}

/// What rows of the media library name.
fn known() -> BTreeSet<String> {
    ["a", "b", "gone"].map(str::to_owned).into()
}

#[test]
fn a_swap_leaves_the_new_files_and_what_is_none_of_the_media_librarys() {
    let strangers = [(".gitkeep", ""), (".htaccess", "deny"), ("stranger", "s")];
    let folder = uploads(&[&strangers[..], &[("a", "old"), ("b", "old")]].concat());
    let mut staged = kept(folder.path());
    staged.replace(known()).expect("a staging folder");
    add(&mut staged, "b", "new").expect("added");
    staged.swap_in("token", "database").expect("swapped");
    staged.settle().expect("settled");
    assert_eq!(staged.forget_old(), None);
    drop(staged);
    expect(
        folder.path(),
        &[
            (".gitkeep", ""),
            (".htaccess", "deny"),
            ("b", "new"),
            ("stranger", "s"),
        ],
    );
}

#[test]
fn a_swap_that_is_not_made_final_is_undone() {
    let files = [(".gitkeep", ""), ("a", "old"), ("b", "old")];
    let folder = uploads(&files);
    let mut staged = kept(folder.path());
    staged.replace(known()).expect("a staging folder");
    add(&mut staged, "b", "new").expect("added");
    staged.swap_in("token", "database").expect("swapped");
    drop(staged);
    expect(folder.path(), &files);
}

#[test]
fn without_replacing_only_files_of_the_same_name_go() {
    let folder = uploads(&[("a", "old"), ("b", "old")]);
    let mut staged = kept(folder.path());
    add(&mut staged, "b", "new").expect("added");
    staged.swap_in("token", "database").expect("swapped");
    staged.settle().expect("settled");
    assert_eq!(staged.forget_old(), None);
    drop(staged);
    expect(folder.path(), &[("a", "old"), ("b", "new")]);
}

#[test]
fn what_a_killed_restore_left_is_swept_away_unless_it_moved_files() {
    let folder = uploads(&[("a", "old")]);
    let left = folder.path().join(".backup-restore-x");
    for part in ["new", "old"] {
        fs::create_dir_all(left.join(part)).expect("made");
    }
    let mut staged = kept(folder.path());
    staged.replace(known()).expect("a staging folder");
    assert!(!left.exists());
    staged.swap_in("token", "database").expect("swapped");
    staged.leave();
    assert!(!folder.path().join("a").exists());
    let mut other = kept(folder.path());
    other.replace(known()).expect("a staging folder");
    let pending = pending(folder.path()).expect("journals");
    assert_eq!(pending.len(), 1);
    pending[0].undo().expect("undone");
    assert!(folder.path().join("a").exists());
}

#[test]
fn names_that_leave_the_folder_are_refused() {
    let folder = uploads(&[]);
    let mut staged = kept(folder.path());
    for name in [
        "",
        "../x",
        "a/../../b",
        "a\\b",
        "/etc/x",
        ".backup-restore-x/new/a",
    ] {
        assert!(add(&mut staged, name, "").is_err(), "{name}");
    }
}

#[test]
fn files_in_folders_come_and_go_and_an_undo_leaves_no_folder() {
    let folder = uploads(&[("a", "old")]);
    fs::create_dir(folder.path().join("2023")).expect("made");
    fs::write(folder.path().join("2023/b"), "old").expect("written");
    for commits in [false, true] {
        let mut staged = kept(folder.path());
        let replaced = BTreeSet::from(["a".to_owned(), "2023/b".to_owned()]);
        staged.replace(replaced).expect("a staging folder");
        let paths = ["2024/05/c".to_owned(), "a".to_owned()];
        staged
            .add(&paths, &asset("a", 3), &mut &b"new"[..])
            .expect("added");
        staged.swap_in("token", "database").expect("swapped");
        if commits {
            staged.settle().expect("settled");
            assert_eq!(staged.forget_old(), None);
        }
        drop(staged);
        let files = files_below(folder.path()).expect("files");
        let files: BTreeSet<&str> = files.iter().map(String::as_str).collect();
        let expected = match commits {
            false => ["2023/b", "a"],
            true => ["2024/05/c", "a"],
        };
        assert_eq!(files, expected.into());
        assert_eq!(folder.path().join("2024").exists(), commits);
    }
    let text = fs::read_to_string(folder.path().join("2024/05/c")).expect("text");
    assert_eq!(text, "new");
}

#[test]
fn a_file_keeps_the_mode_of_what_it_replaces_else_that_of_the_folder() {
    let folder = uploads(&[("a", "old")]);
    let mode = |name: &str| {
        let metadata = fs::metadata(folder.path().join(name)).expect("metadata");
        metadata.permissions().mode() & 0o777
    };
    let set = |path: &Path, mode| {
        fs::set_permissions(path, Permissions::from_mode(mode)).expect("set");
    };
    set(&folder.path().join("a"), 0o640);
    set(folder.path(), 0o770);
    let mut staged = kept(folder.path());
    for name in ["a", "b"] {
        add(&mut staged, name, "new").expect("added");
    }
    let staging = staged.staging().expect("a staging folder");
    let hidden = fs::metadata(staging).expect("metadata").permissions();
    assert_eq!(hidden.mode() & 0o777, STAGING_MODE);
    staged.swap_in("token", "database").expect("swapped");
    staged.settle().expect("settled");
    assert_eq!((mode("a"), mode("b")), (0o640, 0o660));
}

/// The mode and, where the test may give files away, the owner of a file or folder.
fn whose(path: &Path) -> (u32, u32) {
    let metadata = fs::metadata(path).expect("metadata");
    (metadata.mode() & 0o777, metadata.uid())
}

/// Gives a folder another mode, and to somebody else where the test may.
fn give_away(folder: &Path, mode: u32) {
    let _ = std::os::unix::fs::chown(folder, Some(65534), None);
    fs::set_permissions(folder, Permissions::from_mode(mode)).expect("set");
}

#[test]
fn a_new_file_in_a_folder_is_that_folders_and_not_that_of_all_uploads() {
    let folder = uploads(&[]);
    let sub = folder.path().join("2023");
    fs::create_dir(&sub).expect("made");
    give_away(&sub, 0o770);
    let mut staged = kept(folder.path());
    for path in ["2023/a", "2023/05/b", "c"] {
        add(&mut staged, path, "new").expect("added");
    }
    staged.swap_in("token", "database").expect("swapped");
    staged.settle().expect("settled");
    let owner = whose(&sub).1;
    for (path, mode) in [("2023/a", 0o660), ("2023/05", 0o770), ("2023/05/b", 0o660)] {
        assert_eq!(whose(&folder.path().join(path)), (mode, owner), "{path}");
    }
    let (mode, owner) = whose(folder.path());
    assert_eq!(whose(&folder.path().join("c")), (mode & 0o666, owner));
}

#[test]
fn an_upload_folder_that_is_made_is_that_of_the_folder_it_lies_in() {
    let folder = uploads(&[]);
    give_away(folder.path(), 0o750);
    let expected = whose(folder.path());
    let made = folder.path().join("public/uploads");
    let mut staged = kept(&made);
    add(&mut staged, "a", "new").expect("added");
    staged.swap_in("token", "database").expect("swapped");
    staged.settle().expect("settled");
    for path in [&made, &folder.path().join("public")] {
        assert_eq!(whose(path), expected, "{}", path.display());
    }
    assert_eq!(whose(&made.join("a")), (0o640, expected.1));
}

#[test]
fn what_stands_in_the_way_is_named_before_anything_is_staged() {
    let folder = uploads(&[("file", "own")]);
    fs::create_dir(folder.path().join("folder")).expect("made");
    for how in [Staged::Kept, Staged::Counted] {
        for name in ["folder", "file/new"] {
            let mut staged = StagedFiles::new(folder.path().to_owned(), how, &Effort::default());
            let error = add(&mut staged, name, "new").expect_err("refused");
            assert!(error.to_string().contains("stands where"), "{error}");
        }
        let mut staged = StagedFiles::new(folder.path().to_owned(), how, &Effort::default());
        add(&mut staged, &"x".repeat(256), "new").expect_err("too long");
    }
    expect(folder.path(), &[("file", "own"), ("folder", "")]);
}

#[test]
fn files_that_are_only_counted_leave_nothing() {
    let folder = uploads(&[("a", "old")]);
    let mut staged = StagedFiles::new(
        folder.path().to_owned(),
        Staged::Counted,
        &Effort::default(),
    );
    add(&mut staged, "b", "new").expect("counted");
    let error = staged
        .add(&["c".to_owned()], &asset("c", u64::MAX - 3), &mut &b""[..])
        .expect_err("no room");
    assert!(error.to_string().contains("no room"), "{error}");
    drop(staged);
    expect(folder.path(), &[("a", "old")]);
}
