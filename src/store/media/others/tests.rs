//! Containers and buckets of emulators.

use super::*;
use crate::store::Access;
use crate::store::media::conformance::{content, holds, holds_large_files, noise, picture};
use crate::store::media::emulators::{Kind, Store as Emulator, azure_key, translating};
use crate::store::media::{Guard, Web};
use std::io::Write;
use url::Url;

const REACHED: &str = "the emulator answers";
/// Those that both stores take, and the crate's client for them.
const KEYS: [&str; 6] = [
    "a.png",
    "media/a b.png",
    "deep/er/still.jpg",
    "ünïcödé/日本語.png",
    "a+b=c&d,e@f.png",
    "(brackets)!'_-.png",
];

fn azure_settings(store: &Emulator) -> AzureSettings {
    let (account, key) = azure_key();
    let endpoint = format!("http://127.0.0.1:{}/{account}", store.port);
    AzureSettings {
        account: account.to_owned(),
        key: Some(key.to_owned()),
        sas_token: None,
        container: store.bucket.clone(),
        endpoint: Some(Url::parse(&endpoint).expect("a URL")),
    }
}

fn azure(store: &Emulator) -> Store {
    Store::azure(&Access::default(), &azure_settings(store)).expect("a container")
}

/// A bucket as if it were Google's: what stands for it knows Amazon's names of headers.
fn google(store: &Emulator) -> Store {
    google_heard(store).0
}

/// The same, and what it is sent.
fn google_heard(store: &Emulator) -> (Store, Arc<Mutex<Vec<u8>>>) {
    let (port, heard) = translating(store.port);
    let settings = GoogleSettings {
        bucket: store.bucket.clone(),
        service_account_json: None,
        base_url: Some(Url::parse(&format!("http://127.0.0.1:{port}")).expect("a URL")),
    };
    let variables = [("GOOGLE_BEARER_TOKEN".to_owned(), "none".to_owned())];
    let access = Access::new(variables.into(), Default::default());
    let google = Store::google(&access, &settings).expect("a bucket");
    (google, heard)
}

#[test]
fn azure_holds_the_media_of_a_project() {
    let Some(store) = Emulator::new(Kind::Azure) else {
        return;
    };
    let azure = azure(&store);
    holds(&azure, &KEYS);
    holds_large_files(&azure);
}

#[test]
fn google_holds_the_media_of_a_project() {
    let Some(store) = Emulator::new(Kind::Google) else {
        return;
    };
    let google = google(&store);
    holds(&google, &KEYS);
    holds_large_files(&google);
    let how = Attributes {
        acl: Some("public-read".into()),
        ..picture()
    };
    google
        .put("public", Body::Bytes(b"x"), &how)
        .expect(REACHED);
    google
        .put("own", Body::Bytes(b"x"), &picture())
        .expect(REACHED);
    assert!(store.acl("public").contains("AllUsers"));
    assert!(!store.acl("own").contains("AllUsers"));
}

#[test]
fn attributes_are_those_that_were_asked_for_last() {
    let stores = [Kind::Azure, Kind::Google].map(Emulator::new);
    let [Some(first), Some(second)] = stores else {
        return;
    };
    let how = Attributes {
        content_disposition: Some("inline".into()),
        content_encoding: Some("gzip".into()),
        ..picture()
    };
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), Default::default());
    packer.write_all(b"hello").expect("packed");
    let packed = packer.finish().expect("packed");
    for store in [azure(&first), google(&second)] {
        store
            .put("a", Body::Bytes(&packed), &Attributes::default())
            .expect(REACHED);
        assert!(store.copy("a", "b", Some(&how)).expect(REACHED));
        assert!(store.copy("b", "c", None).expect(REACHED));
        for key in ["b", "c"] {
            let found = store.found(key).expect(REACHED).expect(key);
            let kept = |name| found.attributes.get(&name).map(|it| it.to_string());
            assert_eq!(kept(Attribute::ContentType).as_deref(), Some("image/png"));
            assert_eq!(kept(Attribute::CacheControl).as_deref(), Some("max-age=60"));
            assert_eq!(
                kept(Attribute::ContentDisposition).as_deref(),
                Some("inline")
            );
            assert_eq!(kept(Attribute::ContentEncoding).as_deref(), Some("gzip"));
            // As whoever visits the site sees it.
            assert_eq!(content(&store, key).expect(key), b"hello");
        }
        assert_eq!(content(&store, "a").expect("a"), packed);
    }
}

#[test]
fn what_is_kept_as_it_should_be_is_copied_within_the_store() {
    let Some(emulator) = Emulator::new(Kind::Google) else {
        return;
    };
    let (google, heard) = google_heard(&emulator);
    let large = noise(1 << 20);
    google
        .put("new", Body::Bytes(&large), &picture())
        .expect(REACHED);
    heard.lock().expect("heard").clear();
    let how = Attributes {
        acl: Some("public-read".into()),
        ..picture()
    };
    assert!(google.copy("new", "there", Some(&how)).expect(REACHED));
    let sent = heard.lock().expect("heard").clone();
    assert!((1..64 << 10).contains(&sent.len()), "{} bytes", sent.len());
    assert!(!sent.windows(5).any(|it| it == b"GET /"));
    assert!(emulator.acl("there").contains("AllUsers"));
    assert!(content(&google, "there").expect("there") == large);
    let there = google.look("there").expect(REACHED).expect("there");
    assert_eq!(there.media_type.as_deref(), Some("image/png"));
}

#[test]
fn what_is_not_there_or_not_known_is_told() {
    let Some(store) = Emulator::new(Kind::Azure) else {
        return;
    };
    let mut away = azure_settings(&store);
    away.container = "nobodys".into();
    let away = Store::azure(&Access::default(), &away).expect("a container");
    for error in [
        away.look("x").map(drop).expect_err("no container"),
        away.put("x", Body::Bytes(b"x"), &picture())
            .expect_err("no container"),
        away.list("", &mut |_, _| Ok(())).expect_err("no container"),
    ] {
        assert!(
            error
                .to_string()
                .contains("there is no container `nobodys`"),
            "{error}"
        );
    }
    let mut wrong = azure_settings(&store);
    wrong.key = Some("d3Jvbmc=".into());
    let wrong = Store::azure(&Access::default(), &wrong).expect("a container");
    let put = wrong.put("x", Body::Bytes(b"x"), &picture());
    let error = put.expect_err("refused");
    assert!(
        error.to_string().contains("AuthorizationFailure"),
        "{error}"
    );
    let advice = error.advice().expect("advice");
    assert!(advice.contains("docs/MEDIA.md"), "{advice}");
    for key in ["/a", "a//b", "../a"] {
        let error = azure(&store).look(key).expect_err(key);
        assert!(error.to_string().contains("empty part"), "{error}");
    }
}

#[test]
fn settings_that_cannot_be_used_are_told_without_what_they_hold() {
    let url = |text: &str| Some(Url::parse(text).expect(text));
    let azure = |key: &str, endpoint: Option<Url>| {
        let settings = AzureSettings {
            account: "account".into(),
            key: Some(key.into()),
            container: "c".into(),
            endpoint,
            ..AzureSettings::default()
        };
        Store::azure(&Access::default(), &settings)
    };
    let google = |account: &str| {
        let settings = GoogleSettings {
            bucket: "b".into(),
            service_account_json: Some(account.into()),
            base_url: None,
        };
        Store::google(&Access::default(), &settings)
    };
    for error in [
        azure("secret!", None).expect_err("a key"),
        azure("a2V5", url("https://user:secret@example.com")).expect_err("a URL"),
        google("secret").expect_err("no JSON"),
        google("{\"private_key\": \"secret\"}").expect_err("no account"),
    ] {
        let text = format!("{error} {:?}", error.advice());
        assert!(!text.contains("secret"), "{text}");
        assert!(text.contains("config/plugins"), "{text}");
    }
}

#[test]
fn a_public_object_is_a_file_of_the_web() {
    let Some(store) = Emulator::new(Kind::S3) else {
        return;
    };
    store.put_public("a.png", b"hello");
    let guard = Guard {
        private_hosts: false,
        own: vec![("127.0.0.1".into(), store.port)],
    };
    let web = Web::new(&Access::default(), guard).expect("a client");
    let url = format!("http://127.0.0.1:{}/{}/a.png", store.port, store.bucket);
    let content = web.open(&url, 5).expect("it goes on").expect(REACHED);
    assert_eq!(content.about.size, Some(5));
    let mut bytes = Vec::new();
    let mut from = content.bytes;
    from.read_to_end(&mut bytes).expect(REACHED);
    assert_eq!(bytes, b"hello");
    let away = web
        .open(&format!("{url}.none?secret"), 5)
        .expect("it goes on");
    let why = away.err().expect("it is not there");
    assert!(why.ends_with("404 Not Found"), "{why}");
}

#[test]
fn a_server_that_nobody_vouches_for_gives_no_files() {
    let Some(store) = Emulator::behind_tls() else {
        return;
    };
    let guard = || Guard {
        private_hosts: true,
        own: Vec::new(),
    };
    let url = format!("https://127.0.0.1:{}/{}/none", store.port, store.bucket);
    let why = |access: &Access| {
        let web = Web::new(access, guard()).expect("a client");
        web.open(&url, 5)
            .expect("it goes on")
            .err()
            .expect("refused")
    };
    let told = why(&Access::default());
    assert!(told.contains("no authority that is trusted"), "{told}");
    let authority = Emulator::authority().to_str().expect("a path").to_owned();
    let named = [("SSL_CERT_FILE".to_owned(), authority)];
    let told = why(&Access::new(named.into(), Default::default()));
    assert!(told.ends_with("404 Not Found"), "{told}");
}
