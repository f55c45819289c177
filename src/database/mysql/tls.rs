//! TLS to MySQL and MariaDB, by a relay in this process.
//!
//! The client's own TLS takes no certificate of an authority for a server's, not even one that the project trusts; Node
//! does. So the client speaks to a socket of ours, and what comes there goes on over TLS as all of this room asks for it
//! ([`crate::database::tls`]). Of the protocol the relay knows the beginning alone: it asks the server for TLS, which
//! makes one packet more than the client knows of, until the server has let it in.
//!
//! <https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase.html>

use crate::database::settings::{ServerSettings, TlsSettings};
use crate::database::{Timeouts, tls};
use crate::error::{Error, Result};
use crate::threads::start;
use rustix::event::{PollFd, PollFlags, poll};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use std::fs::Permissions;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// That a side can speak TLS, among its capabilities.
const SSL: u8 = 0x08;
/// The byte of a client's packet that says so; and in the lower half of a server's capabilities.
const SSL_BYTE: usize = 1;
/// The bytes of a client's first packet that ask for TLS.
const REQUEST: usize = 32;
/// What the client calls an error of TLS.
pub(super) const TLS_FAILED: u16 = 2026;
/// Bytes that are passed on at once.
const BLOCK: usize = 64 << 10;

/// A socket at which the server can be reached without TLS. It takes one connection.
pub(super) struct Relay {
    /// Where the client connects to.
    pub socket: PathBuf,
}

impl Relay {
    /// Connects to the server, and waits for the client.
    ///
    /// # Errors
    /// The server cannot be reached, or speaks no TLS.
    pub fn open(
        settings: &ServerSettings,
        tls: &TlsSettings,
        timeouts: Timeouts,
        target: &str,
    ) -> Result<Self> {
        let fail = |why: String| {
            Error::failed(format!("cannot open {target}: {why}")).hint(
                "check that the server runs and that host, port and ssl in the project's database settings are right",
            )
        };
        let config = tls::config(tls).map_err(fail)?;
        let name = ServerName::try_from(settings.host.clone())
            .map_err(|_| fail(format!("`{}` is no name of a host", settings.host)))?;
        let mut server = connect(settings, timeouts).map_err(|error| fail(error.to_string()))?;
        let greeting = Packet::read(&mut server).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => fail("the server closed the connection".into()),
            _ => fail(error.to_string()),
        })?;
        if greeting.is_of_a_server_without_tls() {
            return Err(fail("the server does not speak TLS".into()));
        }
        // The path of a socket may not be long.
        let (folder, socket, listener) = listen(&std::env::temp_dir())
            .or_else(|_| listen(Path::new("/tmp")))
            .map_err(|error| {
                Error::failed(format!(
                    "cannot open {target}: no socket can be made for TLS: {error}"
                ))
                .hint("name another folder for temporary files with TMPDIR")
            })?;
        let passage = Passage {
            server,
            config: Arc::new(config),
            name,
        };
        start(move || {
            let accepted = listener.accept();
            drop((listener, folder));
            if let Ok((client, _)) = accepted {
                // The client sees that it has ended, and says so.
                let _ = passage.run(client, greeting);
            }
        })?;
        Ok(Self { socket })
    }
}

/// A socket in a folder of its own, which goes with the value.
fn listen(folder: &Path) -> io::Result<(TempDir, PathBuf, UnixListener)> {
    let own = tempfile::Builder::new()
        .prefix(".backup-")
        .permissions(Permissions::from_mode(0o700))
        .tempdir_in(folder)?;
    let socket = own.path().join("s");
    let listener = UnixListener::bind(&socket)?;
    Ok((own, socket, listener))
}

fn connect(settings: &ServerSettings, timeouts: Timeouts) -> io::Result<TcpStream> {
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (settings.host.as_str(), settings.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, timeouts.connect) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                rustix::net::sockopt::set_socket_keepalive(&stream, true)?;
                return Ok(stream);
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

/// A packet of the protocol: three bytes of length, a number, and what it holds.
struct Packet {
    number: u8,
    bytes: Vec<u8>,
}

impl Packet {
    fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut head = [0; 4];
        from.read_exact(&mut head)?;
        let [a, b, c, number] = head;
        let mut bytes = vec![0; u32::from_le_bytes([a, b, c, 0]) as usize];
        from.read_exact(&mut bytes)?;
        Ok(Self { number, bytes })
    }

    fn write(&self, to: &mut impl Write) -> io::Result<()> {
        let [a, b, c, _] = (self.bytes.len() as u32).to_le_bytes();
        to.write_all(&[&[a, b, c, self.number], self.bytes.as_slice()].concat())?;
        to.flush()
    }

    /// An error as a server words it.
    fn error(number: u8, code: u16, words: &str) -> Self {
        let mut bytes = vec![0xff];
        bytes.extend(code.to_le_bytes());
        bytes.extend(b"#HY000");
        bytes.extend(words.bytes());
        Self { number, bytes }
    }

    fn is_error(&self) -> bool {
        self.bytes.first() == Some(&0xff)
    }

    /// The place of the server's capabilities: after the version of the protocol, that of the server, which ends with 0,
    /// the number of the connection, 8 bytes of the challenge and one of nothing.
    fn capabilities(&self) -> Option<usize> {
        let rest = self.bytes.get(1..)?;
        let place = 1 + rest.iter().position(|byte| *byte == 0)? + 1 + 4 + 8 + 1;
        (place + SSL_BYTE < self.bytes.len()).then_some(place)
    }

    /// Whether it greets, and does not offer TLS.
    fn is_of_a_server_without_tls(&self) -> bool {
        let capabilities = self.capabilities().filter(|_| !self.is_error());
        capabilities.is_some_and(|place| self.bytes[place + SSL_BYTE] & SSL == 0)
    }
}

/// The way from a client to a server.
struct Passage {
    server: TcpStream,
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Passage {
    fn run(mut self, mut client: UnixStream, mut greeting: Packet) -> io::Result<()> {
        let capabilities = greeting.capabilities().filter(|_| !greeting.is_error());
        let Some(place) = capabilities else {
            // It is an error, which the client understands.
            return greeting.write(&mut client);
        };
        greeting.bytes[place + SSL_BYTE] &= !SSL;
        greeting.write(&mut client)?;
        let mut answer = Packet::read(&mut client)?;
        if answer.bytes.len() < REQUEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        answer.bytes[SSL_BYTE] |= SSL;
        let request = Packet {
            number: answer.number,
            bytes: answer.bytes[..REQUEST].to_vec(),
        };
        request.write(&mut self.server)?;
        let number = answer.number.wrapping_add(1);
        let mut server = match self.encrypted() {
            Ok(server) => server,
            Err(error) => {
                let words = format!("TLS: {error}");
                return Packet::error(number, TLS_FAILED, &words).write(&mut client);
            }
        };
        Packet { number, ..answer }.write(&mut server)?;
        let_in(&mut client, &mut server)?;
        pass_on(client, server)
    }

    fn encrypted(self) -> io::Result<StreamOwned<ClientConnection, TcpStream>> {
        let connection = ClientConnection::new(self.config, self.name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, self.server);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(stream)
    }
}

/// Passes packets on until the server has let the client in, or not. Each is one further for the server.
fn let_in(
    client: &mut UnixStream,
    server: &mut StreamOwned<ClientConnection, TcpStream>,
) -> io::Result<()> {
    /// The server has let it in.
    const DONE: u8 = 0x00;
    /// The server says more, of which this is that it has seen enough.
    const MORE: u8 = 0x01;
    const ENOUGH: u8 = 0x03;
    loop {
        let mut packet = Packet::read(server)?;
        packet.number = packet.number.wrapping_sub(1);
        packet.write(client)?;
        match packet.bytes.as_slice() {
            [DONE, ..] => return Ok(()),
            [MORE, ENOUGH] => continue,
            _ if packet.is_error() => return Ok(()),
            _ => {}
        }
        let mut answer = Packet::read(client)?;
        answer.number = answer.number.wrapping_add(1);
        answer.write(server)?;
    }
}

/// Passes on what comes from either side, until one ends.
fn pass_on(
    mut client: UnixStream,
    mut server: StreamOwned<ClientConnection, TcpStream>,
) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    loop {
        // What was decrypted with something else.
        loop {
            match server.conn.reader().read(&mut block) {
                Ok(0) => return Ok(()),
                Ok(length) => client.write_all(&block[..length])?,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        let (from_client, from_server) = {
            let mut both = [
                PollFd::new(&client, PollFlags::IN),
                PollFd::new(&server.sock, PollFlags::IN),
            ];
            match poll(&mut both, None) {
                Err(rustix::io::Errno::INTR) => continue,
                polled => polled?,
            };
            (!both[0].revents().is_empty(), !both[1].revents().is_empty())
        };
        if from_client {
            let length = client.read(&mut block)?;
            if length == 0 {
                server.conn.send_close_notify();
                return server.flush();
            }
            server.write_all(&block[..length])?;
            server.flush()?;
        }
        if from_server {
            if server.conn.read_tls(&mut server.sock)? == 0 {
                return Ok(());
            }
            server
                .conn
                .process_new_packets()
                .map_err(io::Error::other)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_says_whether_the_server_speaks_tls() {
        let greeting = |capabilities: u8| {
            let mut bytes = b"\x0a8.0.36\0\x01\0\0\0challeng\0".to_vec();
            bytes.extend([0xff, capabilities, 0x2d]);
            Packet { number: 0, bytes }
        };
        assert!(!greeting(0xff).is_of_a_server_without_tls());
        assert!(greeting(!SSL).is_of_a_server_without_tls());
        // What makes no sense goes to the client.
        for bytes in [&b""[..], b"\x0a", b"\x0a8.0\0\0"] {
            let bytes = bytes.to_vec();
            assert!(!Packet { number: 0, bytes }.is_of_a_server_without_tls());
        }
        assert!(!Packet::error(0, 1040, "Too many connections").is_of_a_server_without_tls());
    }

    #[test]
    fn a_packet_is_read_as_it_was_written() {
        let mut wire = Vec::new();
        let bytes = vec![7; 70_000];
        Packet { number: 3, bytes }
            .write(&mut wire)
            .expect("memory");
        let read = Packet::read(&mut wire.as_slice()).expect("a packet");
        assert_eq!((read.number, read.bytes), (3, vec![7; 70_000]));
        assert!(Packet::read(&mut &wire[..100]).is_err());
    }
}
