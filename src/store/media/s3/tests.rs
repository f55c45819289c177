//! Keys, places and parts; and a bucket of an emulator.

use super::*;
use crate::store::media::conformance::{LARGE, content, holds, holds_large_files, noise, picture};
use crate::store::media::emulators::{Kind, Store};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::thread;

const REACHED: &str = "the emulator answers";

/// Whatever providers make of paths and names.
const KEYS: [&str; 10] = [
    "a.png",
    "media/a b.png",
    "a//b",
    "/media/lead.png",
    "//two",
    "folder/",
    "a+b=c&d?e#f%20%.png",
    "ünïcödé/日本語.png",
    "'quotes\"and(brackets)[]{}!*~,;:@$|^`<>\\",
    " spaces ",
];

fn settings(store: &Store) -> S3Settings {
    S3Settings {
        bucket: store.bucket.clone(),
        region: None,
        endpoint: Some(endpoint(store.port)),
        path_style: true,
        credentials: Some(("id".into(), "secret".into(), None)),
    }
}

fn endpoint(port: u16) -> Url {
    Url::parse(&format!("http://127.0.0.1:{port}")).expect("a URL")
}

fn opened(store: &Store) -> S3 {
    S3::new(&Access::default(), settings(store)).expect("a bucket")
}

fn objects(bucket: Bucket) -> S3 {
    S3(Arc::new(bucket))
}

/// Says what the store says of an object.
fn heads(s3: &S3, key: &str) -> HeaderMap {
    s3.0.head(key).expect(REACHED).expect(key)
}

#[test]
fn objects_have_whatever_keys_a_provider_gives_them() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    holds(&opened(&store), &KEYS);
}

#[test]
fn large_objects_go_in_parts() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let s3 = opened(&store);
    holds_large_files(&s3);
    let etag = s3.look("large").expect(REACHED).expect("there").etag;
    assert!(etag.expect("an etag").ends_with("-3\""));
    assert_eq!(store.unfinished(), 0);
}

#[test]
fn an_object_is_kept_as_it_was_asked_for() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let s3 = opened(&store);
    let how = Attributes {
        content_disposition: Some("inline; filename=\"ä.png\"".into()),
        content_encoding: Some("identity".into()),
        acl: Some("public-read".into()),
        more: vec![("x-amz-storage-class".into(), "STANDARD_IA".into())],
        ..picture()
    };
    let bytes = noise(LARGE);
    s3.put("small", Body::Bytes(b"x"), &how).expect(REACHED);
    s3.put("large", Body::Bytes(&bytes), &how).expect(REACHED);
    s3.put("plain", Body::Bytes(b"x"), &Attributes::default())
        .expect(REACHED);
    s3.copy("plain", "copied", Some(&how)).expect(REACHED);
    for key in ["small", "large", "copied"] {
        let heads = heads(&s3, key);
        for (name, value) in [
            ("content-type", "image/png"),
            ("cache-control", "max-age=60"),
            ("content-disposition", "inline; filename=\"ä.png\""),
            ("x-amz-storage-class", "STANDARD_IA"),
        ] {
            let found = heads.get(name).map(HeaderValue::as_bytes);
            assert_eq!(found, Some(value.as_bytes()), "{key} {name}");
        }
        assert!(store.acl(key).contains("AllUsers"), "{key}");
    }
    assert!(!store.acl("plain").contains("AllUsers"));
    // With its own attributes, and without the list that the store does not copy.
    s3.copy("small", "again", None).expect(REACHED);
    assert_eq!(heads(&s3, "again")["cache-control"], "max-age=60");
    assert!(!store.acl("again").contains("AllUsers"));
    // With its own, and the list that is said.
    let list = Attributes {
        media_type: Some("text/plain".into()),
        acl: Some("public-read".into()),
        ..Attributes::default()
    };
    let copied = s3.copy_as_it_is("small", "back", &list);
    assert!(copied.expect(REACHED) && store.acl("back").contains("AllUsers"));
    for (name, value) in [
        ("content-type", "image/png"),
        ("cache-control", "max-age=60"),
        ("content-disposition", "inline; filename=\"ä.png\""),
    ] {
        assert_eq!(heads(&s3, "back")[name].as_bytes(), value.as_bytes());
    }
    // In place.
    s3.copy("plain", "plain", Some(&how)).expect(REACHED);
    assert_eq!(heads(&s3, "plain")["content-type"], "image/png");
}

#[test]
fn what_is_too_large_to_be_copied_at_once_is_copied_in_pieces() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let mut bucket = Bucket::new(&Access::default(), settings(&store)).expect("a bucket");
    (bucket.largest_copy, bucket.piece) = (6 << 20, 5 << 20);
    let s3 = objects(bucket);
    let bytes = noise(12 << 20);
    s3.put("/a b", Body::Bytes(&bytes), &picture())
        .expect(REACHED);
    let list = Attributes {
        media_type: Some("text/plain".into()),
        acl: Some("public-read".into()),
        ..Attributes::default()
    };
    for (to, how) in [("kept", None), ("given", Some(picture())), ("back", None)] {
        let copied = match to {
            "back" => s3.copy_as_it_is("/a b", to, &list),
            _ => s3.copy("/a b", to, how.as_ref()),
        };
        assert!(copied.expect(REACHED));
        assert_eq!(store.acl(to).contains("AllUsers"), to == "back");
        assert!(content(&s3, to).expect(to) == bytes);
        assert_eq!(heads(&s3, to)["content-type"], "image/png", "{to}");
        let etag = s3.look(to).expect(REACHED).expect("there").etag;
        assert!(etag.expect("an etag").ends_with("-3\""), "{to}");
    }
    assert!(!s3.copy("nothing", "x", None).expect(REACHED));
    assert_eq!(store.unfinished(), 0);
}

#[test]
fn a_bucket_that_is_not_there_is_told_from_an_object_that_is_not() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let away = S3Settings {
        bucket: "nobodys".into(),
        ..settings(&store)
    };
    let s3 = S3::new(&Access::default(), away).expect("a bucket");
    let told = |result: Result<()>| {
        let error = result.expect_err("no bucket").to_string();
        assert!(error.contains("there is no bucket `nobodys`"), "{error}");
    };
    told(s3.look("x").map(drop));
    told(s3.open("x").map(drop));
    told(s3.put("x", Body::Bytes(b"x"), &Attributes::default()));
    told(s3.put("x", Body::Bytes(&noise(LARGE)), &Attributes::default()));
    told(s3.copy("x", "y", None).map(drop));
    told(s3.remove("x"));
    told(s3.list("", &mut |_, _| Ok(())));
}

#[test]
fn credentials_that_a_store_does_not_know_are_told() {
    let Some(store) = Store::strict() else { return };
    let s3 = opened(&store);
    for error in [
        s3.look("x").map(drop).expect_err("refused"),
        s3.put("x", Body::Bytes(b"x"), &Attributes::default())
            .expect_err("refused"),
    ] {
        let text = error.to_string();
        assert!(text.contains("InvalidAccessKeyId"), "{text}");
        let advice = error.advice().expect("advice");
        assert!(advice.contains("config/plugins"), "{advice}");
        assert!(!(text + advice).contains("secret"));
    }
}

#[test]
fn every_request_is_signed_as_it_is_sent() {
    let Some((store, id, secret)) = Store::signed() else {
        return;
    };
    let known = |secret: &str| {
        let settings = S3Settings {
            credentials: Some((id.clone(), secret.to_owned(), None)),
            ..settings(&store)
        };
        S3::new(&Access::default(), settings).expect("a bucket")
    };
    let error = known("other").put("x", Body::Bytes(b"x"), &picture());
    let error = error.expect_err("a wrong key").to_string();
    assert!(error.contains("SignatureDoesNotMatch"), "{error}");
    let s3 = known(&secret);
    let how = Attributes {
        content_disposition: Some("inline;  filename=\"a.png\"".into()),
        acl: Some("public-read".into()),
        more: vec![("x-amz-storage-class".into(), "STANDARD_IA".into())],
        ..picture()
    };
    let bytes = noise(LARGE);
    for key in KEYS {
        s3.put(key, Body::Bytes(b"x"), &how).expect(key);
        assert_eq!(content(&s3, key).expect(key), b"x");
        assert!(s3.look(key).expect(key).is_some());
        assert!(s3.copy(key, "to b", Some(&how)).expect(key));
        s3.list(key, &mut |_, _| Ok(())).expect(key);
        s3.remove(key).expect(key);
    }
    s3.put("a b", Body::Bytes(&bytes), &how).expect("in parts");
}

#[test]
fn without_credentials_of_its_own_a_bucket_takes_those_of_the_machine() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let none = S3Settings {
        credentials: None,
        ..settings(&store)
    };
    let s3 = S3::new(&store.access(), none.clone()).expect("a bucket");
    s3.put("x", Body::Bytes(b"x"), &Attributes::default())
        .expect(REACHED);
    let disabled = [("AWS_EC2_METADATA_DISABLED".into(), "true".into())];
    let access = Access::new(disabled.into(), Interrupt::default());
    let error = S3::new(&access, none).expect_err("there are none");
    assert!(error.to_string().contains("no credentials"), "{error}");
}

#[test]
fn a_key_that_no_url_keeps_is_refused() {
    let s3 = opened(&Store {
        kind: Kind::S3,
        bucket: "b".into(),
        port: 9,
    });
    for key in ["../other/x", "a/./b", "..", "a/.."] {
        let error = s3.look(key).expect_err(key).to_string();
        assert!(error.contains("which no URL keeps"), "{error}");
        let error = s3.copy(key, "x", None).expect_err(key).to_string();
        assert!(error.contains("which no URL keeps"), "{error}");
    }
}

#[test]
fn a_bucket_stands_before_the_host_or_in_the_path() {
    let at = |bucket: &str, region: &str, endpoint: Option<&str>, path_style| {
        let endpoint = endpoint.map(|url| Url::parse(url).expect(url));
        base(bucket, region, endpoint.as_ref(), path_style).map_err(|error| error.to_string())
    };
    let is = |text: &str| Ok(text.to_owned());
    assert_eq!(
        at("b", "eu-west-1", None, false),
        is("https://b.s3.eu-west-1.amazonaws.com")
    );
    assert_eq!(
        at("b.c", "eu-west-1", None, false),
        is("https://s3.eu-west-1.amazonaws.com/b.c")
    );
    assert_eq!(
        at("b", "cn-north-1", None, true),
        is("https://s3.cn-north-1.amazonaws.com.cn/b")
    );
    let here = Some("https://s3.example.com:9000/v1/s3/?x#y");
    assert_eq!(
        at("b", "auto", here, true),
        is("https://s3.example.com:9000/v1/s3/b")
    );
    assert_eq!(
        at("b", "auto", here, false),
        is("https://b.s3.example.com:9000/v1/s3")
    );
    // No name stands before an address.
    let address = Some("http://127.0.0.1:9000");
    assert_eq!(at("b", "x", address, false), is("http://127.0.0.1:9000/b"));
    for (bucket, region, endpoint) in [
        ("", "x", None),
        ("a/b", "x", None),
        ("a@b", "x", None),
        ("..", "x", None),
        ("b", "x.example.com/", None),
        ("b", "x", Some("ftp://example.com")),
        ("b", "x", Some("https://user:secret@example.com")),
    ] {
        let told = at(bucket, region, endpoint, false).expect_err(bucket);
        assert!(!told.contains("secret"), "{told}");
    }
}

/// A store of a few answers, one a connection.
fn answering(answers: Vec<String>) -> (S3, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let kept = Arc::clone(&asked);
    thread::spawn(move || {
        for answer in answers {
            let Ok((mut stream, _)) = listener.accept() else {
                return;
            };
            let head = request(&mut stream);
            kept.lock().expect("kept").push(head);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    let store = Store {
        kind: Kind::S3,
        bucket: "b".into(),
        port,
    };
    (opened(&store), asked)
}

/// A request with a small body, in small letters.
fn request(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let mut byte = [0];
    while !text.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|it| it == 1) {
        text.extend_from_slice(&byte);
    }
    let head = String::from_utf8_lossy(&text).to_ascii_lowercase();
    let length = head.split_once("content-length: ");
    let length = length.and_then(|(_, rest)| rest.lines().next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    let _ = stream.read_exact(&mut body);
    head
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    let length = match headers.contains("Content-Length") {
        true => String::new(),
        false => format!("Content-Length: {}\r\n", body.len()),
    };
    format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}{length}\r\n{body}")
}

fn refusal(status: &str, code: &str) -> String {
    let body = format!("<Error><Code>{code}</Code><Message>Why.</Message></Error>");
    answer(status, "", &body)
}

#[test]
fn a_request_that_a_store_is_too_busy_for_is_sent_again() {
    let (s3, asked) = answering(vec![
        refusal("503 Slow Down", "SlowDown"),
        String::new(),
        answer("200 OK", "ETag: \"x\"\r\n", ""),
    ]);
    let how = Attributes {
        acl: Some("public-read".into()),
        ..picture()
    };
    s3.put("a b", Body::Bytes(b"hello"), &how).expect("written");
    let asked = asked.lock().expect("kept").clone();
    assert_eq!(asked.len(), 3);
    for asked in asked {
        assert!(asked.starts_with("put /b/a%20b http"), "{asked}");
        let digest = "content-md5: xufakrxlkna5cz2rebffkg==\r\n";
        assert!(asked.contains(digest), "{asked}");
        let digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
        let digest = format!("x-amz-content-sha256: {digest}\r\n");
        assert!(asked.contains(&digest), "{asked}");
        let signed = asked.split_once("signedheaders=").expect("signed").1;
        let signed = signed.split_once(',').expect("signed").0;
        for name in ["content-md5", "content-type", "host", "x-amz-acl"] {
            assert!(signed.split(';').any(|it| it == name), "{signed}");
        }
    }
    // What it refuses is not.
    let (s3, asked) = answering(vec![refusal("403 Forbidden", "AccessDenied"); 2]);
    let error = s3
        .put("a", Body::Bytes(b"hello"), &how)
        .expect_err("refused");
    assert!(
        error
            .advice()
            .is_some_and(|it| it.contains("docs/MEDIA.md"))
    );
    assert_eq!(asked.lock().expect("kept").len(), 1);
}

#[test]
fn a_copy_that_fails_after_it_was_begun_to_be_answered_is_none() {
    let head = || answer("200 OK", "Content-Length: 5\r\nETag: \"a\"\r\n", "");
    let (s3, _) = answering(vec![
        head(),
        refusal("200 OK", "InternalError"),
        refusal("200 OK", "AccessDenied"),
    ]);
    let error = s3.copy("a", "b", None).expect_err("refused").to_string();
    assert!(error.contains("AccessDenied"), "{error}");
}

#[test]
fn what_does_not_say_what_it_has_made_has_made_nothing() {
    let head = || answer("200 OK", "Content-Length: 5\r\nETag: \"a\"\r\n", "");
    let fine = "<CopyObjectResult><ETag>&quot;a&quot;</ETag></CopyObjectResult>";
    let (s3, _) = answering(vec![head(), answer("200 OK", "", fine)]);
    assert!(s3.copy("a", "b", None).expect("copied"));
    for (headers, body) in [
        ("", ""),
        ("ETag: \"a\"\r\n", ""),
        ("Content-Type: text/html\r\n", "<html>welcome</html>"),
        ("", "<CopyObjectResult></CopyObjectResult>"),
        ("", "<Other><ETag>a</ETag></Other>"),
    ] {
        let (s3, _) = answering(vec![head(), answer("200 OK", headers, body)]);
        let error = s3.copy("a", "b", None).expect_err(body).to_string();
        assert!(error.contains("does not say"), "{error}");
    }
    // An error is one, whatever it is called.
    let error = "<Error><Code>AccessDenied</Code></Error>";
    let as_page = answer("200 OK", "Content-Type: text/html\r\n", error);
    let (s3, _) = answering(vec![head(), as_page]);
    let error = s3.copy("a", "b", None).expect_err("refused").to_string();
    assert!(error.contains("AccessDenied"), "{error}");
    // What is put without a word of it is looked at.
    let put = |there: &str| {
        let there = answer("200 OK", &format!("Content-Length: {there}\r\n"), "");
        let (s3, _) = answering(vec![answer("200 OK", "", ""), there]);
        s3.put("x", Body::Bytes(b"hello"), &picture())
    };
    put("5").expect("it is there");
    let error = put("4").expect_err("another").to_string();
    assert!(error.contains("does not say"), "{error}");
}

#[test]
fn an_upload_that_is_not_put_together_is_none() {
    let upload = |last: &str| {
        let part = || answer("200 OK", "ETag: \"a\"\r\n", "");
        let (s3, _) = answering(vec![
            answer("200 OK", "", "<X><UploadId>u</UploadId></X>"),
            part(),
            part(),
            part(),
            answer("200 OK", "", last),
            answer("204 No Content", "", ""),
        ]);
        s3.put("x", Body::Bytes(&noise(LARGE)), &picture())
    };
    let result = "<CompleteMultipartUploadResult><ETag>a-3</ETag></CompleteMultipartUploadResult>";
    upload(result).expect("put together");
    let error = upload("<html></html>")
        .expect_err("not put together")
        .to_string();
    assert!(error.contains("does not say"), "{error}");
}

#[test]
fn an_object_is_read_on_from_where_its_connection_broke() {
    let part = |etag: &str| {
        let head = format!("ETag: {etag}\r\nContent-Range: bytes 5-9/10\r\n");
        answer("206 Partial Content", &head, "world")
    };
    let cut = || answer("200 OK", "Content-Length: 10\r\nETag: \"a\"\r\n", "hello");
    let (s3, asked) = answering(vec![cut(), part("\"a\"")]);
    assert_eq!(content(&s3, "x").expect("there"), b"helloworld");
    let asked = asked.lock().expect("kept").clone();
    assert!(asked[1].contains("range: bytes=5-\r\n"), "{}", asked[1]);
    assert!(asked[1].contains("if-match: \"a\"\r\n"), "{}", asked[1]);
    for second in [
        part("\"b\""),
        answer("200 OK", "ETag: \"a\"\r\n", "helloworld"),
        refusal("412 Precondition Failed", "PreconditionFailed"),
        refusal("404 Not Found", "NoSuchKey"),
    ] {
        let (s3, _) = answering(vec![cut(), second]);
        let mut bytes = Vec::new();
        let mut from = s3.open("x").expect("asked").expect("there").bytes;
        let error = from.read_to_end(&mut bytes).expect_err("changed");
        assert!(error.to_string().contains("was changed"), "{error}");
    }
}

#[test]
fn what_is_not_answered_as_a_file_is_none() {
    let range = "ETag: \"a\"\r\nContent-Range: bytes 0-4/10\r\n";
    for (status, headers, body) in [
        ("206 Partial Content", range, "hello"),
        ("202 Accepted", "", "hello"),
        (
            "203 Non-Authoritative Information",
            "ETag: \"a\"\r\n",
            "hello",
        ),
        ("204 No Content", "", ""),
    ] {
        let (s3, _) = answering(vec![answer(status, headers, body)]);
        let error = s3.open("x").map(drop).expect_err(status).to_string();
        assert!(error.contains("no file"), "{error}");
    }
    // Nothing tells of one without a tag whether it is still the same.
    let (s3, asked) = answering(vec![answer("200 OK", "Content-Length: 10\r\n", "hello"); 2]);
    let mut bytes = Vec::new();
    let mut from = s3.open("x").expect("asked").expect("there").bytes;
    let error = from.read_to_end(&mut bytes).expect_err("cut");
    assert!(error.to_string().contains("nothing tells"), "{error}");
    assert_eq!(asked.lock().expect("kept").len(), 1);
}

#[test]
fn an_object_that_trickles_is_given_up() {
    let (s3, asked) = answering(vec![answer("200 OK", "ETag: \"a\"\r\n", "hello")]);
    let Ok(mut bucket) = Arc::try_unwrap(s3.0) else {
        panic!("nobody else has it");
    };
    bucket.floor = Floor {
        window: std::time::Duration::ZERO,
        least: 6,
        ..Floor::default()
    };
    let mut from = objects(bucket)
        .open("x")
        .expect("asked")
        .expect("there")
        .bytes;
    let error = from.read_to_end(&mut Vec::new()).expect_err("too slow");
    assert!(error.to_string().contains("too slowly"), "{error}");
    assert_eq!(asked.lock().expect("kept").len(), 1);
}

#[test]
fn a_list_of_several_pages_is_read_to_its_end() {
    let page = |keys: &[&str], more: &str| {
        let item = |key: &&str| {
            format!(
                "<Contents><Key>{key}</Key><Size>5</Size><ETag>&quot;a&quot;</ETag>\
                 <LastModified>2026-11-20T10:00:00.000Z</LastModified></Contents>"
            )
        };
        let items: String = keys.iter().map(item).collect();
        let encoding = "<EncodingType>url</EncodingType>";
        let body = format!("<ListBucketResult>{encoding}{items}{more}</ListBucketResult>");
        answer("200 OK", "Date: Fri, 20 Nov 2026 11:00:00 GMT\r\n", &body)
    };
    let next = |token: &str| format!("<NextContinuationToken>{token}</NextContinuationToken>");
    let (s3, asked) = answering(vec![
        page(&["a/1%25", "a/b+c", "b"], &next("x/y=")),
        page(&["a/%00"], "<IsTruncated>false</IsTruncated>"),
    ]);
    let mut found = Vec::new();
    let each = &mut |key: &str, about: About| {
        assert!(
            about.size == Some(5) && about.modified < about.now,
            "{about:?}"
        );
        assert_eq!(about.etag.as_deref(), Some("\"a\""));
        found.push(key.to_owned());
        Ok(())
    };
    s3.list("a/", each).expect("listed");
    assert_eq!(found, ["a/1%", "a/b c", "a/\0"]);
    let asked = asked.lock().expect("kept").clone();
    assert!(asked[0].contains("prefix=a%2f"), "{}", asked[0]);
    assert!(
        asked[1].contains("continuation-token=x%2fy%3d"),
        "{}",
        asked[1]
    );
    // One that goes round ends, one that is none is told, and what goes through it may end it.
    for (answers, why) in [
        (
            vec![page(&[], &next("x")), page(&[], &next("x"))],
            "same page",
        ),
        (
            vec![answer("200 OK", "", "<html>welcome</html>")],
            "no list",
        ),
        (vec![page(&["a/b"], "")], "enough"),
        (
            vec![page(&[], "<IsTruncated>true</IsTruncated>")],
            "not how to get it",
        ),
    ] {
        let (s3, _) = answering(answers);
        let listed = s3.list("a/", &mut |_, _| Err(Error::failed("enough")));
        let error = listed.expect_err(why).to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn an_upload_that_fails_is_given_up() {
    let (s3, asked) = answering(vec![
        answer("200 OK", "", "<X><UploadId>u</UploadId></X>"),
        refusal("403 Forbidden", "AccessDenied"),
        answer("204 No Content", "", ""),
        answer("204 No Content", "", ""),
        answer("204 No Content", "", ""),
    ]);
    let large = noise(LARGE);
    s3.put("x", Body::Bytes(&large), &picture())
        .expect_err("refused");
    let asked = asked.lock().expect("kept").clone();
    assert!(
        asked
            .iter()
            .any(|it| it.starts_with("delete /b/x?uploadid=u"))
    );
}

#[test]
fn an_upload_that_nobody_ended_is_found_and_given_up() {
    let Some(store) = Store::new(Kind::S3) else {
        return;
    };
    let s3 = opened(&store);
    for key in ["media/a b", "media/c", "other"] {
        let mut ask = Ask::new(Method::POST, key);
        ask.query = vec![("uploads", String::new())];
        assert!(s3.0.ask(&ask).expect(REACHED).is_ok(), "{key}");
    }
    let keys = || {
        let found = s3.unfinished("media/").expect(REACHED).expect("told");
        let mut keys: Vec<String> = found.iter().map(|it| it.key.clone()).collect();
        keys.sort();
        (keys, found)
    };
    let (found, uploads) = keys();
    assert_eq!(found, ["media/a b", "media/c"]);
    let first = uploads.iter().find(|it| it.key == "media/a b");
    let first = first.expect("it was there");
    s3.give_up(first).expect("given up");
    assert_eq!(keys().0, ["media/c"]);
    s3.give_up(first).expect("there is none any more");
}

#[test]
fn uploads_of_several_pages_are_found_and_who_may_not_ask_for_them_does_without() {
    let page = |key: &str, more: &str| {
        let upload = format!("<Upload><Key>{key}</Key><UploadId>id of {key}</UploadId></Upload>");
        let body =
            format!("<ListMultipartUploadsResult>{more}{upload}</ListMultipartUploadsResult>");
        answer("200 OK", "", &body)
    };
    let more = "<IsTruncated>true</IsTruncated><NextKeyMarker>m/a</NextKeyMarker>\
                <NextUploadIdMarker>x=</NextUploadIdMarker>";
    let (s3, asked) = answering(vec![page("m/a", more), page("m/b", ""), page("n", "")]);
    let found = s3.unfinished("m/").expect("asked").expect("told");
    let found: Vec<&str> = found.iter().map(|it| &*it.id).collect();
    assert_eq!(found, ["id of m/a", "id of m/b"]);
    let asked = asked.lock().expect("kept").clone();
    assert!(asked[1].contains("key-marker=m%2fa"), "{}", asked[1]);
    assert!(asked[1].contains("upload-id-marker=x%3d"), "{}", asked[1]);

    let (s3, _) = answering(vec![refusal("403 Forbidden", "AccessDenied")]);
    assert_eq!(s3.unfinished("m/").expect("asked"), None);
}
