//! Media that lie in a bucket or behind a URL, without Strapi: what is right is what Strapi exported from the projects of
//! `testdata/strapi5-s3` and `testdata/strapi4-s3`, and what goes wrong here goes wrong on networks.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::thread;

use crate::support::archive::Archive;
use crate::support::cli::{Outcome, PLAIN};
use crate::support::exact::assert_equal;
use crate::support::files::listing;
use crate::support::gallery::Gallery;
use crate::support::gate::Fault;
use crate::support::media_store::{Object, assert_keeps_secrets, assert_same_objects, with_media};

/// An export into a plain archive that has to end with a code: the archive, and what was said.
#[track_caller]
fn export(gallery: &Gallery, code: i32, options: &[&str]) -> (Archive, Outcome) {
    let arguments = [&["-f", "site", "--overwrite"], &PLAIN[..], options].concat();
    let outcome = gallery.project.run("export", arguments).ends_with(code);
    assert_keeps_secrets(&outcome.all());
    let name = match code {
        3 => "site.incomplete.tar",
        _ => "site.tar",
    };
    let archive = Archive::open(&gallery.project.archive(name), None);
    (archive, outcome)
}

/// An archive without some of its files.
fn without(mut archive: Archive, names: &[&str]) -> Archive {
    for key in names {
        let name = key.rsplit('/').next().unwrap();
        let had = [
            format!("assets/uploads/{name}"),
            format!("assets/metadata/{name}.json"),
        ]
        .map(|entry| archive.entries.remove(&entry));
        assert!(had.iter().all(Option::is_some), "{name}");
    }
    archive
}

#[test]
fn an_export_equals_strapis() {
    for major in [4, 5] {
        let Some(gallery) = Gallery::new(major) else {
            return;
        };
        let (ours, _) = export(&gallery, 0, &[]);
        assert_equal(&gallery.strapis(), &ours, false);
    }
}

#[test]
fn objects_that_are_missing_or_cut_are_listed_and_all_else_is_exported() {
    for major in [4, 5] {
        let Some(gallery) = Gallery::new(major) else {
            return;
        };
        let [gone, cut, half] =
            ["a_dot_and_more_", "small_wide_", "wide_"].map(|name| gallery.key(name));
        gallery.store.remove(&gone);
        for key in [&cut, &half] {
            let mut object = gallery.recorded_objects()[key].clone();
            object.bytes.truncate(object.bytes.len() / 2);
            gallery.store.put(key, &object);
        }
        let (ours, outcome) = export(&gallery, 3, &[]);
        for key in [&gone, &cut, &half] {
            let name = key.rsplit('/').next().unwrap();
            assert!(outcome.stderr.contains(name), "{name}: {}", outcome.all());
        }
        let expected = without(gallery.strapis(), &[&gone, &cut, &half]);
        assert_equal(&expected, &ours, false);
    }
}

#[test]
fn a_store_that_is_busy_or_breaks_off_is_asked_again() {
    for major in [4, 5] {
        let Some(gallery) = Gallery::new(major) else {
            return;
        };
        gallery.store.fault(&gallery.key("wide_"), Fault::Broken(2));
        gallery.store.fault(&gallery.key("notes_"), Fault::Busy(2));
        gallery
            .store
            .fault(&gallery.key("small_wide_"), Fault::Busy(1));
        let (ours, _) = export(&gallery, 0, &[]);
        assert_equal(&gallery.strapis(), &ours, false);
    }
}

#[test]
fn others_are_read_while_one_is_slow() {
    for major in [4, 5] {
        let Some(gallery) = Gallery::new(major) else {
            return;
        };
        // The first that is asked for.
        gallery.store.fault(&gallery.key("wide_"), Fault::Slow(2));
        let (ours, _) = export(&gallery, 0, &[]);
        assert_equal(&gallery.strapis(), &ours, false);
    }
}

#[test]
fn credentials_that_are_wrong_are_told_of_and_not_told() {
    let Some(gallery) = Gallery::new(5) else {
        return;
    };
    gallery
        .project
        .edit(".env", "MEDIA_KEY_ID=", "MEDIA_KEY_ID=NOT-");
    let arguments = [&["-f", "site"], &PLAIN[..]].concat();
    let outcome = gallery.project.run("export", arguments);
    assert_keeps_secrets(&outcome.all());
    assert!(matches!(outcome.code, Some(1 | 3)), "{}", outcome.all());
    assert!(
        outcome.stderr.contains("InvalidAccessKeyId") || outcome.stderr.contains("403"),
        "{}",
        outcome.all()
    );
    assert!(!gallery.project.archive("site.tar").exists());
}

// ------------------------------------------------------------------ files by URL

/// A server on loopback that answers every request with the same bytes; its port.
fn serves(bytes: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let mut client = client.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            while !request.windows(4).any(|it| it == b"\r\n\r\n") {
                match client.read(&mut buffer) {
                    Ok(length @ 1..) => request.extend_from_slice(&buffer[..length]),
                    _ => break,
                }
            }
            let head = format!(
                "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
                bytes.len()
            );
            let _ = client.write_all(&[head.as_bytes(), bytes].concat());
        }
    });
    port
}

/// A listener that nobody may come to.
fn lonely() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

#[track_caller]
fn assert_is_lonely(listener: &TcpListener) {
    let came = listener.accept().map(|(_, from)| from);
    assert!(
        came.as_ref()
            .is_err_and(|error| error.kind() == ErrorKind::WouldBlock),
        "{came:?}"
    );
}

/// Gives the text file to a provider that this program has not heard of, at a URL.
fn with_notes_at(gallery: &Gallery, url: &str) {
    gallery.project.sql(&format!(
        "UPDATE files SET provider = 'upload-of-our-own', url = '{url}' WHERE name = 'notes.txt'"
    ));
}

/// The text file of the galleries.
const NOTES: &[u8] = "Grüße\n".as_bytes();

#[test]
fn a_file_of_an_unknown_provider_is_read_by_its_url() {
    let Some(gallery) = Gallery::new(5) else {
        return;
    };
    let url = format!("http://127.0.0.1:{}/a/notes.txt", serves(NOTES));
    with_notes_at(&gallery, &url);
    let (ours, _) = export(&gallery, 0, &["--allow-private-hosts"]);
    let notes = &ours.assets()["notes_cf0af48410.txt"];
    assert_eq!(notes.bytes, NOTES);
    assert_eq!(notes.sidecar["url"], url);
    assert_eq!(notes.sidecar["provider"], "upload-of-our-own");
    assert_eq!(ours.assets().len(), 7);
}

#[test]
fn a_file_of_an_unknown_provider_that_is_not_the_size_of_its_row_is_left_out() {
    let Some(gallery) = Gallery::new(5) else {
        return;
    };
    let url = format!("http://127.0.0.1:{}/notes.txt", serves(&[b'x'; 5000]));
    with_notes_at(&gallery, &url);
    let (ours, outcome) = export(&gallery, 3, &["--allow-private-hosts"]);
    assert!(outcome.stderr.contains("notes"), "{}", outcome.all());
    let expected = without(gallery.strapis(), &["notes_cf0af48410.txt"]);
    assert!(expected.assets().keys().eq(ours.assets().keys()));
}

#[test]
fn urls_that_lead_to_this_machine_are_not_followed() {
    let Some(gallery) = Gallery::new(5) else {
        return;
    };
    let (listener, port) = lonely();
    for host in [
        "127.0.0.1",
        "localhost",
        "0x7f.1",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "0.0.0.0",
    ] {
        with_notes_at(&gallery, &format!("http://{host}:{port}/notes.txt"));
        let (ours, outcome) = export(&gallery, 3, &[]);
        assert!(
            outcome.stderr.contains("--allow-private-hosts"),
            "{host}: {}",
            outcome.all()
        );
        assert_eq!(ours.assets().len(), 6, "{host}");
        assert_is_lonely(&listener);
    }
}

#[test]
fn urls_that_are_none_of_the_web_are_not_followed() {
    let Some(gallery) = Gallery::new(5) else {
        return;
    };
    let secret = gallery.project.path().join(".env");
    for url in [
        format!("file://{}", secret.display()),
        "ftp://files.example.com/notes.txt".to_owned(),
        "data:text/plain,abc".to_owned(),
        "gopher://127.0.0.1:1/".to_owned(),
    ] {
        with_notes_at(&gallery, &url);
        let (ours, outcome) = export(&gallery, 3, &["--allow-private-hosts"]);
        assert!(outcome.stderr.contains("notes"), "{url}: {}", outcome.all());
        assert_eq!(ours.assets().len(), 6, "{url}");
    }
}

#[test]
fn a_redirect_to_the_loopback_address_is_not_followed() {
    let Some(gallery) = Gallery::new(5) else {
        return;
    };
    // The project's own endpoint may be asked, wherever it is; where that leads to may not.
    let (listener, port) = lonely();
    with_notes_at(
        &gallery,
        &format!("{}/leads-elsewhere", gallery.store.url()),
    );
    let elsewhere = format!("http://127.0.0.1:{port}/notes.txt");
    gallery
        .store
        .fault("leads-elsewhere", Fault::Moved(elsewhere.clone()));
    let (ours, outcome) = export(&gallery, 3, &[]);
    assert!(outcome.stderr.contains("notes"), "{}", outcome.all());
    assert_eq!(ours.assets().len(), 6);
    assert_is_lonely(&listener);
    let asked = gallery.store.requests();
    let asked = asked.iter().filter(|(_, key)| key == "leads-elsewhere");
    assert_ne!(asked.count(), 0);

    let elsewhere = format!("http://127.0.0.1:{}/notes.txt", serves(NOTES));
    gallery
        .store
        .fault("leads-elsewhere", Fault::Moved(elsewhere));
    let (ours, _) = export(&gallery, 0, &["--allow-private-hosts"]);
    assert_eq!(ours.assets()["notes_cf0af48410.txt"].bytes, NOTES);
}

#[test]
fn redirects_in_a_circle_end() {
    let Some(gallery) = Gallery::new(5) else {
        return;
    };
    let url = format!("{}/leads-to-itself", gallery.store.url());
    with_notes_at(&gallery, &url);
    gallery.store.fault("leads-to-itself", Fault::Moved(url));
    let (ours, outcome) = export(&gallery, 3, &[]);
    assert!(outcome.stderr.contains("notes"), "{}", outcome.all());
    assert_eq!(ours.assets().len(), 6);
}

// ------------------------------------------------------------------ restores into a bucket

/// What Strapi's archive has to become in this project.
fn moved_to(from: &Gallery, to: &Gallery) -> Archive {
    let of = format!("{}/{}", from.store.url(), from.prefix());
    let at = format!("{}/{}", to.store.url(), to.prefix());
    with_media(&from.strapis(), false, "aws-s3", |url| {
        let name = url.strip_prefix(&of).unwrap();
        format!("{at}{name}")
    })
}

#[test]
fn a_restore_into_another_bucket_brings_objects_and_urls() {
    let (Some(original), Some(target)) = (Gallery::new(5), Gallery::empty(5)) else {
        return;
    };
    // Of another kind than they were.
    target.project.edit(
        ".env",
        "MEDIA_BUCKET",
        "MEDIA_ACL=public-read\nMEDIA_BUCKET",
    );
    let outcome = target
        .project
        .import(&original.strapi_archive(), &[])
        .ends_with(0);
    assert_keeps_secrets(&outcome.all());
    let mut expected = original.recorded_objects();
    for object in expected.values_mut() {
        object.public = true;
    }
    assert_same_objects(&expected, &target.store.objects());
    let (ours, _) = export(&target, 0, &[]);
    assert_equal(&moved_to(&original, &target), &ours, false);
}

#[test]
fn a_restore_deletes_what_rows_named_and_leaves_what_nothing_names() {
    let Some(gallery) = Gallery::new(5) else {
        return;
    };
    let archive = gallery.strapi_archive();
    gallery.project.sql(&format!(
        "INSERT INTO files (id, document_id, name, hash, ext, mime, size, url, provider) VALUES
         (900, 'n', 'new.txt', 'new', '.txt', 'text/plain', 0.01, '{}/new.txt', 'aws-s3')",
        gallery.store.url()
    ));
    let new = Object {
        bytes: b"uploaded since".to_vec(),
        mime: "text/plain".into(),
        public: false,
    };
    gallery.store.put("new.txt", &new);
    gallery.store.put("robots.txt", &new);
    let changed = gallery.key("wide_");
    gallery.store.put(&changed, &new);
    gallery.store.remove(&gallery.key("notes_"));

    gallery.project.import(&archive, &[]).ends_with(0);
    let mut expected = gallery.recorded_objects();
    expected.insert("robots.txt".into(), new);
    assert_same_objects(&expected, &gallery.store.objects());
    let (ours, _) = export(&gallery, 0, &[]);
    assert_equal(&gallery.strapis(), &ours, false);
}

#[test]
fn a_restore_of_what_a_project_exported_leaves_its_bucket_as_it_is() {
    for major in [4, 5] {
        let Some(gallery) = Gallery::new(major) else {
            return;
        };
        export(&gallery, 0, &[]);
        let (before, objects) = (gallery.project.state(), gallery.store.objects());
        let archive = gallery.project.archive("site.tar");
        let asked = gallery.store.requests().len();
        gallery.project.import(&archive, &[]).ends_with(0);
        assert_same_objects(&objects, &gallery.store.objects());
        assert_eq!(
            before.tables["files"],
            gallery.project.state().tables["files"]
        );
        // What is equal does not come a second time.
        let names: Vec<&String> = objects.keys().collect();
        let written = gallery.store.requests().split_off(asked);
        let written: Vec<_> = written
            .into_iter()
            .filter(|(method, key)| method == "PUT" && names.iter().any(|it| key.ends_with(*it)))
            .collect();
        assert!(written.is_empty(), "{written:?}");
    }
}

#[test]
fn a_dry_run_changes_nothing_in_a_bucket_and_tells_what_a_restore_would() {
    let (Some(original), Some(target)) = (Gallery::new(5), Gallery::new(5)) else {
        return;
    };
    let changed = target.key("wide_");
    let object = Object {
        bytes: b"changed".to_vec(),
        mime: "text/plain".into(),
        public: false,
    };
    target.store.put(&changed, &object);
    let (before, objects) = (target.project.state(), target.store.objects());
    let archive = original.strapi_archive();
    let outcome = target.project.import(&archive, &["--dry-run"]).ends_with(0);
    // Visitors may see either version until the end: that has to stand in the plan.
    assert!(outcome.all().contains("visitors"), "{}", outcome.all());
    before.assert_untouched(&target.project);
    assert_same_objects(&objects, &target.store.objects());
    let written = target.store.requests();
    let written = written
        .iter()
        .filter(|(method, _)| method != "GET" && method != "HEAD");
    assert_eq!(written.count(), 0);
}

#[test]
fn a_dry_run_into_a_bucket_that_refuses_ends_as_the_restore_would() {
    let Some(gallery) = Gallery::new(5) else {
        return;
    };
    gallery
        .project
        .edit(".env", "MEDIA_KEY_ID=", "MEDIA_KEY_ID=NOT-");
    for options in [&["--dry-run"][..], &[]] {
        let before = gallery.project.state();
        let archive = gallery.strapi_archive();
        let outcome = gallery.project.import(&archive, options).ends_with(1);
        assert_keeps_secrets(&outcome.all());
        before.assert_untouched(&gallery.project);
        assert_same_objects(&gallery.recorded_objects(), &gallery.store.objects());
    }
}

// ------------------------------------------------------------------ between providers

/// An empty project that keeps its media in its own folder.
fn local() -> Option<Gallery> {
    let gallery = Gallery::empty(5)?;
    let plugins = gallery.project.path().join("config/plugins.js");
    fs::write(plugins, "module.exports = () => ({});\n").unwrap();
    Some(gallery)
}

#[test]
fn media_move_from_a_bucket_to_a_folder_and_back() {
    let (Some(original), Some(local), Some(back)) = (Gallery::new(5), local(), Gallery::empty(5))
    else {
        return;
    };
    local
        .project
        .import(&original.strapi_archive(), &[])
        .ends_with(0);
    let mut uploads = listing(&local.project.uploads());
    uploads.retain(|name| !name.starts_with('.'));
    assert!(uploads.iter().eq(original.recorded_objects().keys()));
    let (ours, _) = export(&local, 0, &[]);
    let of = original.store.url();
    let expected = with_media(&original.strapis(), false, "local", |url| {
        format!("/uploads{}", url.strip_prefix(&of).unwrap())
    });
    assert_equal(&expected, &ours, false);

    let archive = local.project.archive("site.tar");
    back.project.import(&archive, &[]).ends_with(0);
    assert_same_objects(&original.recorded_objects(), &back.store.objects());
    let (ours, _) = export(&back, 0, &[]);
    assert_equal(&moved_to(&original, &back), &ours, false);
}

/// The texts of the exhibit that names URLs.
fn texts(gallery: &Gallery) -> [String; 5] {
    let connection = gallery.project.connect();
    let read = |sql: &str| connection.query_row(sql, [], |row| row.get(0)).unwrap();
    [
        read("SELECT summary FROM exhibits WHERE summary IS NOT NULL"),
        read("SELECT body FROM exhibits WHERE body IS NOT NULL"),
        read("SELECT story FROM exhibits WHERE story IS NOT NULL"),
        read("SELECT text FROM components_parts_quotes"),
        read("SELECT data FROM exhibits WHERE data IS NOT NULL"),
    ]
}

#[test]
fn urls_in_texts_are_counted_and_rewritten_when_asked_to() {
    for to_local in [false, true] {
        let target = if to_local { local() } else { Gallery::empty(5) };
        let (Some(original), Some(target)) = (Gallery::new(5), target) else {
            return;
        };
        export(&original, 0, &[]);
        let archive = original.project.archive("site.tar");
        let before = texts(&original);
        let plan = target.project.import(&archive, &["--dry-run"]).ends_with(0);
        assert!(plan.all().contains("--rewrite-urls"), "{}", plan.all());
        target.project.import(&archive, &[]).ends_with(0);
        assert_eq!(texts(&target), before);

        target
            .project
            .import(&archive, &["--rewrite-urls"])
            .ends_with(0);
        let to = if to_local {
            "/uploads/".to_owned()
        } else {
            format!("{}/", target.store.url())
        };
        let from = format!("{}/", original.store.url());
        let after = texts(&target);
        for (before, after) in before[..4].iter().zip(&after) {
            assert!(before.contains(&from), "{before}");
            // The picture in the blocks tells its provider too.
            let (before, after) = (before.replace(&from, &to), after.as_str());
            let expected = [before.replace("aws-s3", "local"), before];
            assert!(expected.iter().any(|it| it == after), "{after}");
        }
        // No text, markdown or blocks.
        assert_eq!(before[4], after[4]);
    }
}

#[test]
fn files_for_a_provider_that_cannot_be_written_to_are_put_aside() {
    let (Some(original), Some(target)) = (Gallery::new(5), Gallery::empty(5)) else {
        return;
    };
    target
        .project
        .edit("config/plugins.js", "'aws-s3'", "'cloudinary'");
    let archive = original.strapi_archive();
    let before = target.project.state();
    target
        .project
        .import(&archive, &[])
        .ends_with(1)
        .says(["cloudinary", "--files-to"]);
    before.assert_untouched(&target.project);

    let aside: PathBuf = target.project.archive("aside");
    let options = ["--files-to", aside.to_str().unwrap()];
    target.project.import(&archive, &options).ends_with(0);
    for (key, object) in original.recorded_objects() {
        assert!(fs::read(aside.join(&key)).unwrap() == object.bytes, "{key}");
    }
    let rows = |gallery: &Gallery, table: &str| gallery.project.state().tables[table].len();
    for table in ["files", "exhibits", "files_related_mph"] {
        assert_eq!(rows(&original, table), rows(&target, table), "{table}");
    }
    assert!(target.store.objects().is_empty());
}
