//! A database server whose connection is lost at the end of a transaction, or that does not answer any more.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tempfile::TempDir;

use super::servers::Server;

/// The name of the socket of MySQL; PostgreSQL has a rule for its own.
const SOCKET: &str = "socket";

/// What happens to the first `COMMIT`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It does not reach the server.
    Request,
    /// The server does it; its answer does not arrive.
    Answer,
}

/// A socket before that of a server.
pub struct Proxy {
    folder: TempDir,
    server: Server,
}

impl Proxy {
    /// Listens. If `for_good`, nobody is answered any more once a `COMMIT` was lost.
    pub fn new(server: Server, lost: Lost, for_good: bool) -> Proxy {
        let Front {
            folder,
            listener,
            path: front,
            behind,
        } = Front::new(server);
        let has_lost = Arc::new(AtomicBool::new(false));
        thread::spawn(move || {
            for client in listener.incoming() {
                if for_good && has_lost.load(Ordering::SeqCst) {
                    return;
                }
                let backend = UnixStream::connect(&behind).unwrap();
                let connection = Connection {
                    client: client.unwrap(),
                    backend,
                    commit: server.pick(b"Q\0\0\0\x0bCOMMIT\0", b"\x07\0\0\0\x03COMMIT"),
                    lost,
                    has_lost: Arc::clone(&has_lost),
                };
                let gone = for_good.then(|| front.clone());
                thread::spawn(move || connection.serve(gone));
            }
        });
        Proxy { folder, server }
    }

    /// The URL of a database behind it.
    pub fn url(&self, database: &str) -> String {
        url_in(&self.folder, self.server, database)
    }
}

/// A socket that clients take for the server's.
struct Front {
    folder: TempDir,
    listener: UnixListener,
    path: PathBuf,
    /// That of the server.
    behind: PathBuf,
}

impl Front {
    fn new(server: Server) -> Front {
        let folder = tempfile::tempdir().unwrap();
        let (socket, port, _) = server.address();
        let name = format!(".s.PGSQL.{port}");
        let behind = server.pick(socket.join(&name), socket);
        let path = folder.path().join(server.pick(name.as_str(), SOCKET));
        let listener = UnixListener::bind(&path).unwrap();
        Front {
            folder,
            listener,
            path,
            behind,
        }
    }
}

fn url_in(folder: &TempDir, server: Server, database: &str) -> String {
    let folder = folder.path();
    let socket = server.pick(folder.to_owned(), folder.join(SOCKET));
    server.url_through(&socket, database)
}

/// A server that answers nobody any more, and closes no connection, from when it is sent a certain text.
pub struct Mute {
    folder: TempDir,
    server: Server,
    is_mute: Arc<AtomicBool>,
}

impl Mute {
    /// Listens, and answers until it is sent this.
    pub fn new(server: Server, text: &'static str) -> Mute {
        let Front {
            folder,
            listener,
            behind,
            ..
        } = Front::new(server);
        let is_mute = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&is_mute);
        thread::spawn(move || {
            let mut unanswered = Vec::new();
            for client in listener.incoming() {
                let client = client.unwrap();
                if heard.load(Ordering::SeqCst) {
                    unanswered.push(client);
                    continue;
                }
                let backend = UnixStream::connect(&behind).unwrap();
                let ends = (client.try_clone().unwrap(), backend.try_clone().unwrap());
                let (one, other) = (Arc::clone(&heard), Arc::clone(&heard));
                thread::spawn(move || pass_on(ends.0, ends.1, Some(text), &one));
                thread::spawn(move || pass_on(backend, client, None, &other));
            }
        });
        Mute {
            folder,
            server,
            is_mute,
        }
    }

    /// Whether it was sent the text.
    pub fn is_mute(&self) -> bool {
        self.is_mute.load(Ordering::SeqCst)
    }

    /// The URL of a database behind it.
    pub fn url(&self, database: &str) -> String {
        url_in(&self.folder, self.server, database)
    }
}

/// Passes on what comes until this text does, or the server is mute for another reason; drops all else.
fn pass_on(mut from: UnixStream, mut to: UnixStream, until: Option<&str>, is_mute: &AtomicBool) {
    let mut buffer = [0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..length];
        let is = |text: &str| bytes.windows(text.len()).any(|it| it == text.as_bytes());
        if until.is_some_and(is) {
            is_mute.store(true, Ordering::SeqCst);
        }
        if !is_mute.load(Ordering::SeqCst) && to.write_all(bytes).is_err() {
            break;
        }
    }
    for end in [from, to] {
        let _ = end.shutdown(std::net::Shutdown::Both);
    }
}

struct Connection {
    client: UnixStream,
    backend: UnixStream,
    /// How the protocol writes it.
    commit: &'static [u8],
    lost: Lost,
    has_lost: Arc<AtomicBool>,
}

impl Connection {
    fn serve(mut self, gone: Option<PathBuf>) {
        let is_mute = Arc::new(AtomicBool::new(false));
        let answers = {
            let (mut from, mut to) = (
                self.backend.try_clone().unwrap(),
                self.client.try_clone().unwrap(),
            );
            let is_mute = Arc::clone(&is_mute);
            thread::spawn(move || {
                let mut buffer = [0; 1 << 16];
                while let Ok(length @ 1..) = from.read(&mut buffer) {
                    if is_mute.load(Ordering::SeqCst) || to.write_all(&buffer[..length]).is_err() {
                        break;
                    }
                }
                let _ = to.shutdown(std::net::Shutdown::Both);
            })
        };
        let mut buffer = [0; 1 << 16];
        while let Ok(length @ 1..) = self.client.read(&mut buffer) {
            let bytes = &buffer[..length];
            if bytes.ends_with(self.commit) && !self.has_lost.swap(true, Ordering::SeqCst) {
                is_mute.store(true, Ordering::SeqCst);
                if let Some(socket) = &gone {
                    fs::remove_file(socket).unwrap();
                }
                if self.lost == Lost::Answer {
                    self.backend.write_all(bytes).unwrap();
                    // The answer is there, and is dropped.
                    answers.join().unwrap();
                    return;
                }
                break;
            }
            if self.backend.write_all(bytes).is_err() {
                break;
            }
        }
        let _ = self.backend.shutdown(std::net::Shutdown::Both);
        let _ = self.client.shutdown(std::net::Shutdown::Both);
    }
}
