//! Exports of media that lie in a bucket or behind a URL, without Strapi: what is right is what Strapi exported from the
//! projects of `testdata/strapi5-s3` and `testdata/strapi4-s3`, and what goes wrong here goes wrong on networks.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::thread;

use crate::support::archive::Archive;
use crate::support::cli::PLAIN;
use crate::support::exact::assert_equal;
use crate::support::gallery::Gallery;
use crate::support::gate::Fault;
use crate::support::media_store::{Object, assert_keeps_secrets};

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
        let (ours, _) = gallery.export(0, &[]);
        assert_equal(&gallery.strapis(), &ours, false);
    }
}

#[test]
fn objects_that_are_missing_are_listed_and_those_of_another_size_taken_as_they_are() {
    for major in [4, 5] {
        let Some(gallery) = Gallery::new(major) else {
            return;
        };
        let [gone, cut, half] =
            ["a_dot_and_more_", "small_wide_", "wide_"].map(|name| gallery.key(name));
        let mut expected = without(gallery.strapis(), &[&gone]);
        gallery.store.remove(&gone);
        for key in [&cut, &half] {
            let mut object = gallery.recorded_objects()[key].clone();
            object.bytes.truncate(object.bytes.len() / 2);
            gallery.store.put(key, &object);
            let name = key.rsplit('/').next().unwrap();
            let entry = format!("assets/uploads/{name}");
            let file = expected.entries.iter_mut().find(|(own, _)| **own == entry);
            *file.unwrap().1 = object.bytes;
        }
        let (ours, outcome) = gallery.export(3, &[]);
        assert!(outcome.stderr.contains(&gone), "{}", outcome.all());
        outcome.says(["2 in the bucket are not what their rows say"]);
        assert_equal(&expected, &ours, false);
    }
}

#[test]
fn rows_do_not_have_the_projects_key_read_what_else_lies_in_its_bucket() {
    let Some(gallery) = Gallery::new(4) else {
        return;
    };
    assert!(!gallery.prefix().is_empty());
    let secret = Object {
        bytes: b"salaries".to_vec(),
        mime: "text/plain".into(),
        public: false,
    };
    for key in [
        "private/pay.txt",
        "site/media/.backup-restore-0/new/pay.txt",
    ] {
        gallery.store.put(key, &secret);
        gallery.project.sql(&format!(
            "INSERT INTO files (name, hash, ext, mime, size, url, provider) VALUES
             ('pay.txt', 'pay', '.txt', 'text/plain', 0.01, '{}/{key}', 'cloudinary')",
            gallery.store.url()
        ));
    }
    let (ours, outcome) = gallery.export(3, &[]);
    assert_eq!(outcome.lines("warning: ").len(), 2, "{}", outcome.all());
    assert!(!ours.assets().contains_key("pay.txt"));
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
        let (ours, _) = gallery.export(0, &[]);
        assert_equal(&gallery.strapis(), &ours, false);
    }
}

#[test]
fn a_store_that_falls_silent_is_asked_again() {
    let Some(gallery) = Gallery::new(5) else {
        return;
    };
    // Both at the same time: it takes as long as this program is patient.
    for name in ["wide_", "deep_"] {
        gallery.store.fault(&gallery.key(name), Fault::Stalled(1));
    }
    let (ours, _) = gallery.export(0, &[]);
    assert_equal(&gallery.strapis(), &ours, false);
}

#[test]
fn others_are_read_while_one_is_slow() {
    for major in [4, 5] {
        let Some(gallery) = Gallery::new(major) else {
            return;
        };
        // The first that is asked for.
        gallery.store.fault(&gallery.key("wide_"), Fault::Slow(2));
        let (ours, _) = gallery.export(0, &[]);
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
    let (ours, _) = gallery.export(0, &["--allow-private-hosts"]);
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
    let (ours, outcome) = gallery.export(3, &["--allow-private-hosts"]);
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
        let (ours, outcome) = gallery.export(3, &[]);
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
        let (ours, outcome) = gallery.export(3, &["--allow-private-hosts"]);
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
    let (ours, outcome) = gallery.export(3, &[]);
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
    let (ours, _) = gallery.export(0, &["--allow-private-hosts"]);
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
    let (ours, outcome) = gallery.export(3, &[]);
    assert!(outcome.stderr.contains("notes"), "{}", outcome.all());
    assert_eq!(ours.assets().len(), 6);
}
