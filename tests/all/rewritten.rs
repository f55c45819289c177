//! Archives that another tool packed anew hold the same as before, however it orders and names the entries.

use std::fs;

use tar::EntryType;

use crate::support::archive::Archive;
use crate::support::cli::{Outcome, Project, strapi_archive};
use crate::support::restore::assert_exports;
use crate::support::tarball::{ENTITIES, Entry, LINKS, Tarball, gzip};

/// Strapi's archive, rewritten.
fn rewritten(change: impl FnOnce(&mut Tarball)) -> Vec<u8> {
    let mut tarball = Tarball::read(&strapi_archive());
    change(&mut tarball);
    tarball.bytes()
}

/// Fails unless an archive gives the project that Strapi's own gives, without any warning.
#[track_caller]
fn assert_restores(bytes: &[u8]) -> Outcome {
    let project = Project::empty();
    let path = project.archive("rewritten");
    fs::write(&path, bytes).unwrap();
    let outcome = project.import(&path, &[]).ends_with(0);
    assert!(!outcome.stderr.contains("warning"), "{}", outcome.all());
    assert_exports(&project, &Archive::open(&strapi_archive(), None));
    outcome
}

#[test]
fn names_may_begin_with_a_dot_and_folders_may_be_entries() {
    assert_restores(&rewritten(|tarball| {
        for entry in &mut tarball.entries {
            entry.name = format!("./{}", entry.name);
        }
        let folders = ["./", "./assets/", "./assets/uploads/", "./entities/"];
        let folder = |name: &&str| Entry::other(name, EntryType::Directory, "");
        tarball.entries.splice(0..0, folders.iter().map(folder));
    }));
}

#[test]
fn names_may_have_backslashes_as_strapi_4_wrote_them_on_windows() {
    assert_restores(&rewritten(|tarball| {
        for entry in &mut tarball.entries {
            entry.name = entry.name.replace('/', "\\");
        }
    }));
}

#[test]
fn metadata_may_come_first() {
    assert_restores(&rewritten(|tarball| {
        let metadata = tarball.remove("metadata.json");
        tarball.entries.insert(0, metadata);
    }));
}

#[test]
fn links_may_come_before_the_entities_they_join() {
    assert_restores(&rewritten(|tarball| {
        let links = tarball.remove(LINKS);
        let entities = tarball.position(ENTITIES);
        tarball.entries.insert(entities, links);
    }));
}

#[test]
fn entries_may_stand_in_the_reverse_order() {
    assert_restores(&rewritten(|tarball| tarball.entries.reverse()));
}

#[test]
fn entries_may_be_sorted_by_name() {
    assert_restores(&rewritten(|tarball| {
        tarball
            .entries
            .sort_by(|one, other| one.name.cmp(&other.name));
    }));
}

#[test]
fn all_sidecars_may_come_after_all_files() {
    assert_restores(&rewritten(|tarball| {
        let is_sidecar = |entry: &Entry| entry.name.starts_with("assets/metadata/");
        let mut sidecars = tarball.entries.clone();
        sidecars.retain(is_sidecar);
        tarball.entries.retain(|entry| !is_sidecar(entry));
        tarball.entries.extend(sidecars);
    }));
}

#[test]
fn entries_that_nobody_knows_are_passed_over() {
    assert_restores(&rewritten(|tarball| {
        let unknown = [
            "README.md",
            "notes/readme.txt",
            "assets/cover.png",
            "users/users_00001.jsonl",
        ];
        for name in unknown {
            tarball
                .entries
                .insert(2, Entry::file(name, "of another tool"));
        }
    }));
}

#[test]
fn lines_may_end_with_line_breaks_of_windows_and_empty_lines() {
    assert_restores(&rewritten(|tarball| {
        for entry in &mut tarball.entries {
            if entry.name.ends_with(".jsonl") {
                let text = String::from_utf8(entry.content.clone()).unwrap();
                entry.content = format!("\r\n{}\r\n\r\n", text.replace('\n', "\r\n")).into_bytes();
            }
        }
    }));
}

#[test]
fn one_shard_may_be_cut_into_many() {
    assert_restores(&rewritten(|tarball| {
        let position = tarball.position(ENTITIES);
        let whole = tarball.entries.remove(position);
        let text = String::from_utf8(whole.content).unwrap();
        for (number, line) in text.lines().enumerate() {
            let name = format!("entities/entities_{:05}.jsonl", number + 1);
            tarball
                .entries
                .insert(position + number, Entry::file(&name, line));
        }
    }));
}

#[test]
fn gzip_may_come_in_several_members() {
    let bytes = rewritten(|_| {});
    let (head, tail) = bytes.split_at(bytes.len() / 3);
    assert_restores(&[gzip(head), gzip(b""), gzip(tail)].concat());
}

#[test]
fn names_and_times_may_stand_in_pax_headers() {
    let tarball = Tarball::read(&strapi_archive());
    let mut tar = tar::Builder::new(Vec::new());
    let mut global = tar::Header::new_ustar();
    global.set_entry_type(EntryType::XGlobalHeader);
    let comment = b"20 comment=for all\n\n";
    global.set_size(comment.len() as u64);
    global.set_cksum();
    tar.append(&global, &comment[..]).unwrap();
    for (number, entry) in tarball.entries.iter().enumerate() {
        let pax = [
            ("path", entry.name.as_bytes()),
            ("mtime", b"1795189525.965"),
        ];
        tar.append_pax_extensions(pax).unwrap();
        let mut header = tar::Header::new_ustar();
        header.set_path(format!("shortened/{number}")).unwrap();
        header.set_size(entry.content.len() as u64);
        header.set_cksum();
        tar.append(&header, &entry.content[..]).unwrap();
    }
    assert_restores(&tar.into_inner().unwrap());
}

#[test]
fn a_folder_may_hold_more_than_the_archive_that_was_unpacked_there() {
    let project = Project::empty();
    let folder = project.unpacked();
    fs::write(folder.join(".DS_Store"), "of another tool").unwrap();
    fs::write(folder.join("entities/notes.txt"), "of another tool").unwrap();
    project.import(&folder, &[]).ends_with(0);
    assert_exports(&project, &Archive::open(&strapi_archive(), None));
}
