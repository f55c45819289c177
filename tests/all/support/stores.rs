//! Object stores on loopback: moto for S3, azurite for Azure. Google's is stood for by moto as well: no emulator of its
//! knows uploads in parts, and in what this program uses, its XML interface is that of S3.
//!
//! `BACKUP_TEST_STORES=DIR` tells where `tests/stores/install.sh DIR` has installed them.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use strapi_backup::store::{Access, Interrupt, Item, Location, Shelf, shelf};

use tempfile::TempDir;

use super::skip;

/// Makes an authority, and a certificate for this machine that it signs.
const CERTIFICATES: &str = "
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=authority \
    -addext basicConstraints=critical,CA:TRUE -keyout authority.key -out authority.pem
openssl req -newkey rsa:2048 -nodes -subj /CN=store -keyout store.key -out store.csr
printf 'subjectAltName=IP:127.0.0.1\n' >store.ext
openssl x509 -req -in store.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 30 \
    -extfile store.ext -out store.pem
";
/// Makes a bucket over TLS, whoever signed the certificate.
const MAKE_BUCKET: &str = "
import ssl, sys, urllib.request
request = urllib.request.Request('https://127.0.0.1:%s/%s' % (sys.argv[2], sys.argv[1]), method='PUT')
urllib.request.urlopen(request, context=ssl._create_unverified_context())
";

/// Both take a second or two to start.
const PATIENCE: Duration = Duration::from_secs(120);
/// The account that azurite knows, and its key, which is no secret.
const ACCOUNT: &str = "devstoreaccount1";
const ACCOUNT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
/// A secret that no output may hold.
pub const SECRET: &str = "nobody-may-read-this-0123456789";

/// The stores that archives go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    S3,
    Google,
    Azure,
}

/// A bucket of its own for a test.
#[derive(Clone)]
pub struct Store {
    pub kind: Kind,
    pub bucket: String,
    pub port: u16,
}

/// An emulator. It ends when the tests do: the shell around it waits for the end of its input.
struct Emulator {
    port: u16,
    _shell: Child,
}

impl Emulator {
    fn start(program: &Path, arguments: &[&str]) -> Emulator {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let script = r#""$@" >/dev/null 2>&1 & read -r _; kill $!; wait"#;
        let mut shell = Command::new("sh");
        shell
            .args(["-c", script, "sh"])
            .arg(program)
            .args(arguments)
            .arg(port.to_string());
        let shell = shell.stdin(Stdio::piped()).spawn().unwrap();
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(
                started.elapsed() < PATIENCE,
                "{} does not start",
                program.display()
            );
            thread::yield_now();
        }
        Emulator {
            port,
            _shell: shell,
        }
    }
}

impl Store {
    /// A store with an empty bucket; `None`, and the test is skipped, where its emulator is not installed.
    #[track_caller]
    pub fn new(kind: Kind) -> Option<Store> {
        static STARTED: [OnceLock<Emulator>; 2] = [OnceLock::new(), OnceLock::new()];
        let port = Store::emulator(kind, &STARTED[usize::from(kind == Kind::Azure)])?;
        Some(Store::made(kind, port))
    }

    /// One whose server asks who is there. Only S3's does, and it knows nobody yet.
    #[track_caller]
    pub fn strict() -> Option<Store> {
        static STARTED: OnceLock<Emulator> = OnceLock::new();
        let port = Store::emulator(Kind::S3, &STARTED)?;
        let store = Store::made(Kind::S3, port);
        let answer = ask(port, "POST /moto-api/reset-auth", "", b"0");
        assert!(answer.contains(" 200 "), "{answer}");
        Some(store)
    }

    /// One whose server asks who is there, and compares signatures. Gives the id and the key of the one whom it knows.
    #[allow(dead_code, reason = "the tests in the library use it")]
    #[track_caller]
    pub fn signed() -> Option<(Store, String, String)> {
        static STARTED: OnceLock<Emulator> = OnceLock::new();
        static KNOWN: OnceLock<(Store, String, String)> = OnceLock::new();
        let port = Store::emulator(Kind::S3, &STARTED)?;
        let known = KNOWN.get_or_init(|| {
            let store = Store::made(Kind::S3, port);
            let iam = |action: &str| {
                let headers = "Content-Type: application/x-www-form-urlencoded\r\nAuthorization: AWS4-HMAC-SHA256 \
                     Credential=x/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=x\r\n";
                let body = format!("Version=2010-05-08&UserName=media&Action={action}");
                let answer = ask(port, "POST /", headers, body.as_bytes());
                assert!(answer.contains(" 200 "), "{answer}");
                answer
            };
            iam("CreateUser");
            let policy = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C\
                 %22Action%22%3A%22s3%3A%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D";
            iam(&format!("PutUserPolicy&PolicyName=all&PolicyDocument={policy}"));
            let key = iam("CreateAccessKey");
            let part = |name: &str| {
                let (_, rest) = key.split_once(&format!("<{name}>")).unwrap();
                rest.split_once('<').unwrap().0.to_owned()
            };
            let (id, secret) = (part("AccessKeyId"), part("SecretAccessKey"));
            let answer = ask(port, "POST /moto-api/reset-auth", "", b"0");
            assert!(answer.contains(" 200 "), "{answer}");
            (store, id, secret)
        });
        Some(known.clone())
    }

    /// S3 over TLS. Its certificate is signed by [`Store::authority`].
    #[track_caller]
    pub fn behind_tls() -> Option<Store> {
        static STARTED: OnceLock<Option<Emulator>> = OnceLock::new();
        let program = Store::installed()?.join("venv/bin/moto_server");
        let started = STARTED.get_or_init(|| {
            let folder = Store::certificates()?;
            let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
            let (certificate, key) = (path("store.pem"), path("store.key"));
            let address = ["-H", "127.0.0.1", "-c", &certificate, "-k", &key, "-p"];
            Some(Emulator::start(&program, &address))
        });
        let Some(emulator) = started else {
            skip("openssl is not installed, which makes certificates");
            return None;
        };
        let store = Store {
            kind: Kind::S3,
            bucket: "secure".into(),
            port: emulator.port,
        };
        // Whoever speaks TLS to it is the program: it makes no buckets.
        let made = Command::new(program.with_file_name("python3"))
            .args(["-c", MAKE_BUCKET, &store.bucket, &store.port.to_string()])
            .status();
        assert!(made.unwrap().success());
        Some(store)
    }

    /// The certificate of the authority that has signed the one of [`Store::behind_tls`].
    pub fn authority() -> PathBuf {
        Store::certificates().unwrap().join("authority.pem")
    }

    /// A folder with certificates; `None` without openssl.
    fn certificates() -> Option<&'static Path> {
        static MADE: OnceLock<Option<TempDir>> = OnceLock::new();
        let made = MADE.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let mut shell = Command::new("sh");
            shell.args(["-ec", CERTIFICATES]).current_dir(&folder);
            let status = shell.stderr(Stdio::null()).status().unwrap();
            status.success().then_some(folder)
        });
        made.as_ref().map(TempDir::path)
    }

    #[track_caller]
    fn installed() -> Option<PathBuf> {
        let folder = std::env::var_os("BACKUP_TEST_STORES");
        if folder.is_none() {
            skip("BACKUP_TEST_STORES is not set; ./scripts/test sets it");
        }
        folder.map(PathBuf::from)
    }

    #[track_caller]
    fn emulator(kind: Kind, started: &OnceLock<Emulator>) -> Option<u16> {
        let folder = Store::installed()?;
        let emulator = started.get_or_init(|| match kind {
            Kind::S3 | Kind::Google => Emulator::start(
                &folder.join("venv/bin/moto_server"),
                &["-H", "127.0.0.1", "-p"],
            ),
            Kind::Azure => Emulator::start(
                &folder.join("node_modules/.bin/azurite-blob"),
                &[
                    "--inMemoryPersistence",
                    "--silent",
                    "--disableTelemetry",
                    "--skipApiVersionCheck",
                    "--blobHost",
                    "127.0.0.1",
                    "--blobPort",
                ],
            ),
        });
        Some(emulator.port)
    }

    fn made(kind: Kind, port: u16) -> Store {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        // The client for Google's escapes all but letters and digits, which moto does not undo.
        let bucket = format!("bucket{}", NUMBER.fetch_add(1, Ordering::SeqCst));
        let answer = match kind {
            Kind::S3 | Kind::Google => ask(port, &format!("PUT /{bucket}"), "", b""),
            Kind::Azure => make_container(port, &bucket),
        };
        assert!(
            answer.contains(" 200 ") || answer.contains(" 201 "),
            "{answer}"
        );
        Store { kind, bucket, port }
    }

    /// The same behind another port.
    pub fn at(&self, port: u16) -> Store {
        Store {
            port,
            ..self.clone()
        }
    }

    /// The URL of a name in the bucket.
    pub fn url(&self, name: &str) -> String {
        let scheme = match self.kind {
            Kind::S3 => "s3",
            Kind::Google => "gs",
            Kind::Azure => "az",
        };
        format!("{scheme}://{}/{name}", self.bucket)
    }

    /// The variables that lead there.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let port = self.port;
        match self.kind {
            Kind::S3 => vec![
                ("AWS_ACCESS_KEY_ID", "backups".into()),
                ("AWS_SECRET_ACCESS_KEY", SECRET.into()),
                ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
            ],
            Kind::Google => vec![("STORAGE_EMULATOR_HOST", format!("127.0.0.1:{port}"))],
            Kind::Azure => vec![
                ("AZURE_STORAGE_ACCOUNT", ACCOUNT.into()),
                ("AZURE_STORAGE_KEY", ACCOUNT_KEY.into()),
                (
                    "AZURE_STORAGE_ENDPOINT",
                    format!("http://127.0.0.1:{port}/{ACCOUNT}"),
                ),
            ],
        }
    }

    /// Has a run find its way there.
    pub fn lead(&self, mut command: Command) -> Command {
        command.envs(self.variables());
        command
    }

    /// The bucket as the library sees it.
    pub fn shelf(&self) -> Box<dyn Shelf> {
        self.shelf_at("")
    }

    /// A prefix in it.
    pub fn shelf_at(&self, prefix: &str) -> Box<dyn Shelf> {
        let variables = self.variables().into_iter();
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        let access = Access::new(variables.collect(), Interrupt::default());
        let location = Location::parse(self.url(prefix).as_ref()).unwrap();
        shelf(&location, &access, &std::env::temp_dir()).unwrap()
    }

    /// The names in it.
    pub fn names(&self) -> Vec<String> {
        let items: Vec<Item> = self.shelf().list().unwrap();
        items.into_iter().map(|item| item.name).collect()
    }

    /// Puts an object there by other means than this program's.
    pub fn put(&self, name: &str, content: &[u8]) {
        assert_ne!(self.kind, Kind::Azure);
        let answer = ask(
            self.port,
            &format!("PUT /{}/{name}", self.bucket),
            "",
            content,
        );
        assert!(answer.contains(" 200 "), "{answer}");
    }

    /// The same, for everybody to read.
    #[allow(dead_code, reason = "the tests in the library use it")]
    pub fn put_public(&self, name: &str, content: &[u8]) {
        let line = format!("PUT /{}/{name}", self.bucket);
        let answer = ask(self.port, &line, "x-amz-acl: public-read\r\n", content);
        assert!(answer.contains(" 200 "), "{answer}");
    }

    /// Who may do what with an object, as S3 says it.
    #[allow(dead_code, reason = "the tests in the library use it")]
    pub fn acl(&self, name: &str) -> String {
        let line = format!("GET /{}/{name}?acl", self.bucket);
        ask(self.port, &line, "", b"")
    }

    /// How many uploads were begun there and have no end.
    pub fn unfinished(&self) -> usize {
        let answer = ask(self.port, &format!("GET /{}?uploads", self.bucket), "", b"");
        assert!(answer.contains("ListMultipartUploadsResult"), "{answer}");
        answer.matches("<UploadId>").count()
    }
}

/// The account that azurite knows, and its key.
#[allow(dead_code, reason = "the tests in the library use it")]
pub fn azure_key() -> (&'static str, &'static str) {
    (ACCOUNT, ACCOUNT_KEY)
}

/// Asks a server, and gives the whole answer.
fn ask(port: u16, line: &str, headers: &str, body: &[u8]) -> String {
    let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = body.len();
    let head = format!(
        "{line} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    server.write_all(head.as_bytes()).unwrap();
    server.write_all(body).unwrap();
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn make_container(port: u16, name: &str) -> String {
    let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT");
    let headers = format!("x-ms-date:{date}\nx-ms-version:2021-08-06");
    let blank = "\n".repeat(12);
    let signed = format!("PUT{blank}{headers}\n/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container");
    let key = STANDARD.decode(ACCOUNT_KEY).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(signed.as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let headers = headers.replace(':', ": ").replace("\n", "\r\n");
    // The colons of the time are put back.
    let headers = headers.replace(&date.to_string().replace(':', ": "), &date.to_string());
    let headers = format!("{headers}\r\nAuthorization: SharedKey {ACCOUNT}:{signature}\r\n");
    let line = format!("PUT /{ACCOUNT}/{name}?restype=container");
    ask(port, &line, &headers, b"")
}

/// Passes on what comes, with `x-amz-` for `x-goog-` in it; gives its port, and what came.
pub fn translating(port: u16) -> (u16, Arc<Mutex<Vec<u8>>>) {
    let heard: Arc<Mutex<Vec<u8>>> = Arc::default();
    let all = Arc::clone(&heard);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(mut near), Ok(mut far)) = (stream, TcpStream::connect(("127.0.0.1", port)))
            else {
                return;
            };
            let (Ok(mut near_again), Ok(mut far_again)) = (near.try_clone(), far.try_clone())
            else {
                return;
            };
            let heard = Arc::clone(&all);
            thread::spawn(move || {
                let mut buffer = vec![0; 64 << 10];
                while let Ok(length @ 1..) = near.read(&mut buffer) {
                    let text = &mut buffer[..length];
                    heard.lock().unwrap().extend_from_slice(text);
                    for name in [&b"x-goog-copy-source:"[..], b"x-goog-acl:"] {
                        let at = text.windows(name.len()).position(|it| it == name);
                        if let Some(at) = at {
                            // As long as before: there may be spaces behind the colon.
                            let translated = [b"x-amz-", &name[7..], b" "].concat();
                            text[at..at + name.len()].copy_from_slice(&translated);
                        }
                    }
                    if far.write_all(text).is_err() {
                        return;
                    }
                }
            });
            thread::spawn(move || {
                let _ = io::copy(&mut far_again, &mut near_again);
                let _ = near_again.shutdown(Shutdown::Both);
            });
        }
    });
    (own, heard)
}
