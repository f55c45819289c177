//! Servers of a few lines, and what becomes of the files that they have.

use super::*;
use crate::error::Kind;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

/// What a server does with a connection.
enum Answer {
    /// Sends this and ends it.
    Sends(Vec<u8>),
    /// Sends this, and then nothing until the other side ends it.
    Stalls(Vec<u8>),
}

/// Gives these answers, one a connection, and keeps what it was asked.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let kept = Arc::clone(&asked);
        thread::spawn(move || {
            for answer in answers {
                let Ok((mut stream, _)) = listener.accept() else {
                    return;
                };
                kept.lock().expect("kept").push(head(&mut stream));
                let (Answer::Sends(bytes) | Answer::Stalls(bytes)) = &answer;
                // Else the next question may go where nobody hears it.
                let (status, rest) = split(bytes);
                let close: &[u8] = if rest.is_empty() {
                    b""
                } else {
                    b"\r\nConnection: close"
                };
                let _ = stream.write_all(&[status, close, rest].concat());
                if matches!(answer, Answer::Stalls(_)) {
                    let _ = stream.read(&mut [0]);
                }
            }
        });
        Self { port, asked }
    }

    fn sending(answers: &[&str]) -> Self {
        let answers = answers.iter();
        Self::new(
            answers
                .map(|it| Answer::Sends(it.as_bytes().to_vec()))
                .collect(),
        )
    }

    fn url(&self, rest: &str) -> String {
        format!("http://127.0.0.1:{}/{rest}", self.port)
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("kept").clone()
    }

    fn times(&self) -> usize {
        self.asked().len()
    }
}

/// The first line of an answer, and what follows it.
fn split(answer: &[u8]) -> (&[u8], &[u8]) {
    let end = answer.windows(2).position(|it| it == b"\r\n");
    answer.split_at(end.unwrap_or(answer.len()))
}

/// What was asked, in small letters.
fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|it| it == 1) {
        head.extend_from_slice(&byte);
    }
    String::from_utf8_lossy(&head).to_ascii_lowercase()
}

fn limits() -> Limits {
    Limits {
        pause: Duration::ZERO,
        ..Limits::default()
    }
}

fn reaching(servers: &[&Server], limits: Limits) -> Web {
    let own = servers.iter().map(|it| ("127.0.0.1".into(), it.port));
    let guard = Guard {
        private_hosts: false,
        own: own.collect(),
    };
    Web::with_limits(&Access::default(), guard, limits).expect("a client")
}

fn opened(web: &Web, url: &str, most: u64) -> Result<Content, String> {
    web.open(url, most).expect("it goes on")
}

fn refused(web: &Web, url: &str) -> String {
    opened(web, url, 1000).err().expect(url)
}

fn read(content: Content) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut from = content.bytes;
    let done = from.read_to_end(&mut bytes);
    done.map(|_| bytes).map_err(|error| error.to_string())
}

fn fetched(web: &Web, url: &str) -> Result<Vec<u8>, String> {
    read(opened(web, url, 1000).expect(url))
}

const FIVE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn redirecting(status: u16, to: &str) -> String {
    format!("HTTP/1.1 {status} Moved\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n")
}

#[test]
fn a_file_comes_with_what_its_server_says_of_it() {
    let server = Server::sending(&[
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: image/png\r\nETag: \"a\"\r\n\r\nhello",
    ]);
    let web = reaching(&[&server], limits());
    let content = opened(&web, &server.url("a%20b?x=1#top"), 5).expect("it is there");
    assert_eq!(content.about.size, Some(5));
    assert_eq!(content.about.media_type.as_deref(), Some("image/png"));
    assert_eq!(content.about.etag.as_deref(), Some("\"a\""));
    assert_eq!(read(content), Ok(b"hello".to_vec()));
    let asked = server.asked().concat();
    assert!(asked.starts_with("get /a%20b?x=1 http/1.1\r\n"), "{asked}");
    assert!(asked.contains("accept-encoding: identity\r\n"), "{asked}");
    for word in ["cookie", "authorization", "referer"] {
        assert!(!asked.contains(word), "{asked}");
    }
}

#[test]
fn urls_that_are_none_of_the_web_are_refused_without_what_they_hold() {
    let web = reaching(&[], limits());
    for (url, why) in [
        ("/uploads/secret.png", "none"),
        ("//secret/x", "none"),
        ("http://", "none"),
        ("http://1.2.3.4.5/secret", "none"),
        ("file:///etc/secret", "file:"),
        ("data:text/plain,secret", "data:"),
        ("ftp://host/secret", "ftp:"),
        ("https://user:secret@example.com/x", "password"),
        ("https://secret@example.com/x", "name or password"),
    ] {
        let told = refused(&web, url);
        assert!(
            told.contains(why) && !told.contains("secret"),
            "{url}: {told}"
        );
    }
}

#[test]
fn nobody_is_led_to_what_this_machine_alone_reaches() {
    let server = Server::sending(&[FIVE]);
    let web = reaching(&[], limits());
    // One is refused before it is asked for, and one by what resolves its name.
    for url in [
        server.url("x"),
        format!("http://localhost:{}/x", server.port),
        format!("http://[::ffff:127.0.0.1]:{}/x", server.port),
        format!("http://0x7f.1:{}/x", server.port),
    ] {
        let told = refused(&web, &url);
        assert!(told.contains("which is of this machine"), "{url}: {told}");
    }
    assert_eq!(server.times(), 0);
    let guard = Guard {
        private_hosts: true,
        own: Vec::new(),
    };
    let web = Web::with_limits(&Access::default(), guard, limits()).expect("a client");
    let told = refused(&web, "http://169.254.169.254/latest/meta-data/");
    assert!(told.contains("gives credentials"), "{told}");
    let url = format!("http://localhost:{}/x", server.port);
    assert_eq!(fetched(&web, &url), Ok(b"hello".to_vec()));
}

#[test]
fn a_redirection_is_followed_where_the_guard_lets_it_through_alone() {
    let hidden = Server::sending(&[FIVE]);
    let shown = Server::sending(&[FIVE]);
    let server = Server::sending(&[
        &redirecting(302, &hidden.url("x?secret")),
        &redirecting(307, &format!("http://localhost:{}/x?secret", hidden.port)),
        &redirecting(301, "file:///etc/passwd"),
        &redirecting(308, "http://user:secret@example.com/"),
        &redirecting(303, &shown.url("y")),
    ]);
    let web = reaching(&[&server, &shown], limits());
    for why in ["of this machine", "of this machine", "file:", "password"] {
        let told = refused(&web, &server.url("x"));
        assert!(told.contains(why) && !told.contains("secret"), "{told}");
    }
    assert_eq!(fetched(&web, &server.url("x")), Ok(b"hello".to_vec()));
    assert_eq!((hidden.times(), shown.times()), (0, 1));
}

#[test]
fn redirections_end() {
    let answer = redirecting(302, "/again?secret");
    let server = Server::sending(&[&*answer; 20]);
    let web = reaching(&[&server], limits());
    let told = refused(&web, &server.url("x"));
    assert!(
        told.contains("leads on") && !told.contains("secret"),
        "{told}"
    );
    assert_eq!(server.times(), REDIRECTIONS + 1);
    let nowhere = Server::sending(&["HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n"]);
    let told = refused(&reaching(&[&nowhere], limits()), &nowhere.url("x"));
    assert!(told.contains("not where"), "{told}");
}

#[test]
fn nobody_is_led_from_a_secret_connection_to_an_open_one() {
    let answer = http::Response::builder()
        .status(302)
        .header("location", "http://example.com/x")
        .body("")
        .expect("an answer");
    let from = Url::parse("https://example.com/").expect("a URL");
    let told = redirection(&from, &answer.into()).expect_err("refused");
    assert!(told.why.contains("from https: to http:"), "{}", told.why);
}

#[test]
fn a_file_that_is_longer_than_it_may_be_is_not_read_to_its_end() {
    let server = Server::sending(&[
        "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nhello, hello",
    ]);
    let web = reaching(&[&server], limits());
    let told = refused(&web, &server.url("x"));
    assert!(told.contains("1001 bytes"), "{told}");
    let content = opened(&web, &server.url("x?secret"), 10).expect("it does not say its length");
    let told = read(content).expect_err("too long");
    assert!(
        told.contains("more than 10 bytes") && !told.contains("secret"),
        "{told}"
    );
}

#[test]
fn a_file_without_a_length_ends_where_its_answer_does() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let cut = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n";
    let server = Server::sending(&[chunked, cut]);
    let web = reaching(&[&server], limits());
    assert_eq!(fetched(&web, &server.url("x")), Ok(b"hello".to_vec()));
    fetched(&web, &server.url("x")).expect_err("it has no end");
}

#[test]
fn what_is_missing_after_a_connection_broke_is_asked_for() {
    let first = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"a\"\r\n\r\nhello";
    let rest = "HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nETag: \"a\"\r\n\
                Content-Range: bytes 5-9/10\r\n\r\nworld";
    let server = Server::sending(&[
        first,
        "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n",
        rest,
    ]);
    let web = reaching(&[&server], limits());
    let bytes = fetched(&web, &server.url("x"));
    assert_eq!(bytes, Ok(b"helloworld".to_vec()));
    let asked = server.asked();
    assert!(!asked[0].contains("range:"), "{}", asked[0]);
    for asked in &asked[1..] {
        assert!(asked.contains("range: bytes=5-\r\n") && asked.contains("if-range: \"a\"\r\n"));
    }
    // A time is good as well, once it cannot change any more within its second.
    let dated = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: W/\"a\"\r\n\
                 Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
                 Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n\r\nhello";
    let rest = rest.replace("ETag: \"a\"", "ETag: W/\"a\"");
    let server = Server::sending(&[dated, &rest]);
    let web = reaching(&[&server], limits());
    let bytes = fetched(&web, &server.url("x"));
    assert_eq!(bytes, Ok(b"helloworld".to_vec()));
    assert!(server.asked()[1].contains("if-range: sun, 06 nov 1994 08:49:37 gmt\r\n"));
}

#[test]
fn two_files_are_never_put_together() {
    let whole = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nETag: \"a\"\r\n\r\nhello";
    let part = |etag: &str, range: &str| {
        format!(
            "HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\nETag: {etag}\r\n\
             Content-Range: bytes {range}\r\n\r\nworld"
        )
    };
    for second in [
        whole.replace("\"a\"", "\"b\""),
        part("\"b\"", "5-9/10"),
        part("\"a\"", "4-8/10"),
        part("\"a\"", "5-9/11"),
        part("\"a\"", "5-8/10"),
        part("\"a\"", "nonsense"),
    ] {
        let server = Server::sending(&[whole, &second]);
        let web = reaching(&[&server], limits());
        let told = fetched(&web, &server.url("x")).expect_err(&second);
        assert!(told.contains("was changed while"), "{second}: {told}");
    }
    // Without anything that tells them apart, it is not even tried.
    for unsure in [
        "ETag: W/\"a\"",
        "ETag: \"a\"\r\nAccept-Ranges: none",
        "X: y",
    ] {
        let server = Server::sending(&[&whole.replace("ETag: \"a\"", unsure), whole]);
        let web = reaching(&[&server], limits());
        let told = fetched(&web, &server.url("x")).expect_err(unsure);
        assert!(told.contains("does not go on"), "{unsure}: {told}");
        assert_eq!(server.times(), 1);
    }
}

#[test]
fn a_file_of_which_nothing_came_is_asked_for_from_its_beginning() {
    let server = Server::sending(&["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", FIVE]);
    let web = reaching(&[&server], limits());
    assert_eq!(fetched(&web, &server.url("x")), Ok(b"hello".to_vec()));
    assert!(!server.asked()[1].contains("range:"));
}

#[test]
fn a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not() {
    let busy = "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n";
    let many = "HTTP/1.1 429 Many\r\nContent-Length: 0\r\n\r\n";
    // A connection that ends without an answer as well.
    let server = Server::sending(&[busy, many, "", FIVE]);
    let web = reaching(&[&server], limits());
    assert_eq!(fetched(&web, &server.url("x")), Ok(b"hello".to_vec()));
    let server = Server::sending(&[busy; 20]);
    let told = refused(&reaching(&[&server], limits()), &server.url("x?secret"));
    assert!(told.contains("503") && !told.contains("secret"), "{told}");
    assert_eq!(server.times(), limits().tries as usize + 1);
    for status in [
        "404 Not Found",
        "403 Forbidden",
        "204 No Content",
        "206 Partial Content",
    ] {
        let answer = format!("HTTP/1.1 {status}\r\n\r\n");
        let server = Server::sending(&[&*answer, FIVE]);
        let told = refused(&reaching(&[&server], limits()), &server.url("x"));
        assert!(told.ends_with(status), "{told}");
        assert_eq!(server.times(), 1);
    }
    // It wants a longer pause than anybody waits.
    let server = Server::sending(&[&busy.replace("After: 0", "After: 999999"), FIVE]);
    refused(&reaching(&[&server], limits()), &server.url("x"));
}

#[test]
fn a_server_that_sends_nothing_any_more_is_given_up() {
    let bytes = |text: &str| text.as_bytes().to_vec();
    let short = Limits {
        idle: Duration::from_millis(50),
        tries: 0,
        ..limits()
    };
    let server = Server::new(vec![
        Answer::Stalls(Vec::new()),
        Answer::Stalls(bytes("HTTP/1.1 200 OK\r\nContent-Le")),
        Answer::Stalls(bytes("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")),
    ]);
    let web = reaching(&[&server], short);
    for _ in 0..2 {
        let told = refused(&web, &server.url("x"));
        assert!(told.contains("does not answer"), "{told}");
    }
    let told = fetched(&web, &server.url("x")).expect_err("it stalls");
    assert!(told.contains("sends nothing any more"), "{told}");
}

#[test]
fn a_server_that_sends_a_little_now_and_then_is_given_up() {
    let server = Server::sending(&[FIVE, FIVE]);
    let slow = |least| Limits {
        floor: Floor {
            window: Duration::ZERO,
            least,
            ..Floor::default()
        },
        ..limits()
    };
    let web = reaching(&[&server], slow(5));
    assert_eq!(fetched(&web, &server.url("x")), Ok(b"hello".to_vec()));
    let web = reaching(&[&server], slow(6));
    let told = fetched(&web, &server.url("x")).expect_err("too slow");
    assert!(told.contains("too slowly"), "{told}");
}

#[test]
fn a_server_that_never_answers_is_left_alone_for_a_while() {
    let rest = |rest| Limits {
        rest,
        tries: 0,
        ..limits()
    };
    let server = Server::sending(&["", "", "", FIVE, "", ""]);
    let web = reaching(&[&server], rest(Duration::from_secs(1000)));
    for _ in 0..3 {
        refused(&web, &server.url("x"));
    }
    let told = refused(&web, &server.url("x"));
    assert!(told.contains("has not answered for a while"), "{told}");
    assert_eq!(server.times(), 3);
    // That it is there again is seen by the first file that it is asked for.
    let server = Server::sending(&["", "", "", "", FIVE, "", "", FIVE]);
    let web = reaching(&[&server], rest(Duration::ZERO));
    for _ in 0..4 {
        refused(&web, &server.url("x"));
    }
    assert_eq!(fetched(&web, &server.url("x")), Ok(b"hello".to_vec()));
    for _ in 0..2 {
        refused(&web, &server.url("x"));
    }
    assert_eq!(fetched(&web, &server.url("x")), Ok(b"hello".to_vec()));
}

#[test]
fn several_threads_may_read_at_once() {
    let server = Server::sending(&[FIVE; 4]);
    let web = reaching(&[&server], limits());
    thread::scope(|scope| {
        let read = || fetched(&web, &server.url("x"));
        let threads = [(); 4].map(|()| scope.spawn(read));
        for thread in threads {
            assert_eq!(thread.join().expect("it ends"), Ok(b"hello".to_vec()));
        }
    });
}

#[test]
fn what_comes_compressed_unasked_is_unpacked_or_refused() {
    let packed = |text: &[u8]| {
        let mut packer = GzEncoder::new(Vec::new(), Compression::best());
        packer.write_all(text).expect("packed");
        packer.finish().expect("packed")
    };
    let answer = |encoding: &str, bytes: &[u8]| {
        let length = bytes.len();
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {length}\r\n\r\n"
        );
        Answer::Sends([head.as_bytes(), bytes].concat())
    };
    let server = Server::new(vec![
        answer("GZip", &packed(b"hello")),
        answer("gzip", &packed(&[0; 1001])),
        answer("br", b"hello"),
        answer("identity", b"hello"),
    ]);
    let web = reaching(&[&server], limits());
    let content = opened(&web, &server.url("x"), 1000).expect("it is known");
    assert_eq!(content.about.size, None);
    assert_eq!(read(content), Ok(b"hello".to_vec()));
    let told = fetched(&web, &server.url("x")).expect_err("too long");
    assert!(told.contains("more than 1000 bytes"), "{told}");
    let told = refused(&web, &server.url("x"));
    assert!(told.contains("compressed in a way"), "{told}");
    assert_eq!(fetched(&web, &server.url("x")), Ok(b"hello".to_vec()));
}

#[test]
fn a_proxy_gets_no_name_that_leads_to_a_private_address() {
    let proxy = Server::sending(&[FIVE]);
    let address = format!("http://localhost:{}", proxy.port);
    let variables = BTreeMap::from([("http_proxy".to_owned(), address)]);
    let access = Access::new(variables, Interrupt::default());
    let web = Web::with_limits(&access, Guard::default(), limits()).expect("a client");
    for url in [
        "http://localhost:1/x",
        "http://127.0.0.1:1/x",
        "http://10.0.0.1/x",
    ] {
        let told = refused(&web, url);
        assert!(told.contains("which is of"), "{told}");
    }
    assert_eq!(proxy.times(), 0);
    // No resolver takes a part of a name that is so long: the proxy is to know it.
    let name = format!("{}.example", "a".repeat(64));
    let url = format!("http://{name}/x");
    assert_eq!(fetched(&web, &url), Ok(b"hello".to_vec()));
    let asked = proxy.asked().concat();
    assert!(
        asked.starts_with(&format!("get http://{name}/x ")),
        "{asked}"
    );
}

#[test]
fn a_user_who_wants_the_run_to_stop_does_not_wait_for_a_server() {
    let server = Server::new(vec![
        Answer::Stalls(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello".to_vec()),
        Answer::Stalls(Vec::new()),
    ]);
    let stop = Arc::new(AtomicBool::new(false));
    let access = Access::new(BTreeMap::new(), Interrupt::new(Arc::clone(&stop)));
    let guard = Guard {
        private_hosts: true,
        own: Vec::new(),
    };
    let web = Web::new(&access, guard).expect("a client");
    let mut content = opened(&web, &server.url("x"), 9).expect("it begins");
    let mut bytes = [0; 9];
    content
        .bytes
        .read_exact(&mut bytes[..5])
        .expect("it has come");
    stop.store(true, Ordering::Relaxed);
    let error = content.bytes.read(&mut bytes).expect_err("it stops");
    let error = Error::from_io(error, |error| panic!("{error}"));
    assert_eq!(error.kind(), Kind::Interrupted);
    let error = web.open(&server.url("x"), 9).err().expect("it stops");
    assert_eq!(error.kind(), Kind::Interrupted);
}
