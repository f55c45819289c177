//! A WebSocket to a Strapi: messages in and out, pings while nothing comes, and an end that does not last.

use super::address::Direction;
use super::trouble::Trouble;
use super::wire::LARGEST_FRAME;
use super::{Patience, Site};
use crate::error::{Error, Kind, Result};
use crate::store::{Asked, Upgraded, upgrade};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    AUTHORIZATION, CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue};
use std::io;
use std::time::{Duration, Instant};
use tungstenite::error::CapacityError;
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Bytes, Error as SocketError, Message, Utf8Bytes, WebSocket};

/// What a frame may have beyond [`LARGEST_FRAME`], in bytes: a server measures what is in it.
const SLACK: usize = 1 << 20;
/// How many bytes may come for one message, with pings and the heads of its parts.
const MOST_BYTES: u64 = 2 * (LARGEST_FRAME + SLACK) as u64;
/// There is no less than this between two pings: something is read in between.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
/// How many bytes are read, and thrown away, before a connection is closed.
const LAST_BYTES: u64 = 8 << 20;

/// A socket that is open.
pub(super) struct Socket {
    socket: WebSocket<Upgraded>,
    patience: Patience,
    /// When something was sent last.
    said: Instant,
    /// Whether it broke. Then nothing can be said any more.
    is_broken: bool,
}

/// What may happen instead of a message.
pub(super) enum Stopped {
    /// The user wants the run to stop, or something here failed.
    Here(Error),
    /// Something is wrong there, or on the way.
    There(Trouble),
}

impl From<Trouble> for Stopped {
    fn from(trouble: Trouble) -> Self {
        Self::There(trouble)
    }
}

impl Socket {
    /// Opens one.
    ///
    /// # Errors
    /// The server cannot be reached or refuses it, or the user wants the run to stop.
    pub fn open(site: &Site, direction: Direction) -> Result<Self, Stopped> {
        let key = crate::random::bytes::<16>().map_err(Stopped::Here)?;
        let key = STANDARD.encode(key);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, site.token().header());
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        let key_value = HeaderValue::try_from(&key).expect("base64 is ASCII");
        headers.insert(SEC_WEBSOCKET_KEY, key_value);
        let url = site.address().runner(direction);
        let direct = site.address().is_loopback();
        let patience = site.patience();
        let asked = upgrade(&url, headers, site.access(), direct, patience.connect);
        let (connection, headers) = match asked.map_err(Stopped::Here)? {
            Asked::Upgraded(connection, headers) => (*connection, headers),
            Asked::Answered(refusal) => {
                return Err(Trouble::of_refusal(&refusal, site, direction).into());
            }
            Asked::Failed(failure) => return Err(Trouble::from(failure).into()),
        };
        let accepted = headers.get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
        let is_fine = accepted == Some(derive_accept_key(key.as_bytes()).as_bytes())
            && !headers.contains_key(SEC_WEBSOCKET_EXTENSIONS);
        if !is_fine {
            return Err(Trouble::NotStrapi(101).into());
        }
        let config = WebSocketConfig::default()
            .max_message_size(Some(LARGEST_FRAME + SLACK))
            .max_frame_size(Some(LARGEST_FRAME + SLACK))
            .write_buffer_size(0);
        Ok(Self {
            socket: WebSocket::from_raw_socket(connection, Role::Client, Some(config)),
            patience,
            said: Instant::now(),
            is_broken: false,
        })
    }

    /// Sends a message.
    ///
    /// # Errors
    /// It is too large; the connection broke, or nothing moves any more; the user wants the run to stop.
    pub fn send(&mut self, text: String) -> Result<(), Stopped> {
        if text.len() > LARGEST_FRAME {
            return Err(Trouble::TooLarge.into());
        }
        self.send_message(Message::text(text))
    }

    fn send_message(&mut self, message: Message) -> Result<(), Stopped> {
        self.said = Instant::now();
        let sent = self.socket.send(message);
        sent.map_err(|error| self.broken(error))
    }

    /// Sends a sign of life where nothing was said for so long that a proxy could take it for dead.
    ///
    /// # Errors
    /// The connection broke, or nothing moves any more; the user wants the run to stop.
    pub fn keep(&mut self) -> Result<(), Stopped> {
        if self.is_broken || self.said.elapsed() < self.ping_after() {
            return Ok(());
        }
        self.send_message(Message::Ping(Bytes::new()))
    }

    /// How long nothing is said before a ping is sent.
    fn ping_after(&self) -> Duration {
        self.patience.ping.max(SHORTEST_PAUSE)
    }

    /// What an error of the socket means, behind which nothing is read or sent.
    fn broken(&mut self, error: SocketError) -> Stopped {
        let stopped = stopped(error);
        // An interruption breaks nothing.
        self.is_broken |= matches!(stopped, Stopped::There(_));
        stopped
    }

    /// Waits for a message until that time, and no longer than `silence` for anything at all to come.
    ///
    /// # Errors
    /// The connection broke, or nothing comes any more; the user wants the run to stop.
    pub fn receive(&mut self, until: Instant, silence: Duration) -> Result<Utf8Bytes, Stopped> {
        let begun = Instant::now();
        self.socket.get_mut().read_at_most(MOST_BYTES);
        loop {
            if Instant::now() >= until {
                return Err(Trouble::Silent.into());
            }
            let heard = self.socket.get_ref().heard();
            // What came while nobody listened waits to be read.
            let last = until.min(heard.max(begun) + silence);
            let ping = heard.max(self.said) + self.ping_after();
            self.socket.get_mut().read_until(Some(last.min(ping)));
            match self.socket.read() {
                Ok(Message::Text(text)) => return Ok(text),
                Ok(Message::Binary(bytes)) => {
                    let text = Utf8Bytes::try_from(bytes);
                    return text.map_err(|_| Trouble::malformed("it sends what is no text").into());
                }
                Ok(Message::Close(frame)) => {
                    let code = frame.map(|frame| u16::from(frame.code));
                    let why = match code {
                        Some(1009) => return Err(Trouble::TooLarge.into()),
                        Some(code) => format!("it closed it with code {code}"),
                        None => "it closed it".into(),
                    };
                    return Err(Trouble::Cut(why).into());
                }
                Ok(_) => {}
                Err(SocketError::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    let now = Instant::now();
                    if now >= last && self.socket.get_ref().heard() == heard {
                        return Err(Trouble::Silent.into());
                    }
                    if now >= ping {
                        self.send_message(Message::Ping(Bytes::new()))?;
                    }
                }
                Err(error) => return Err(self.broken(error)),
            }
        }
    }

    /// Closes it politely, within the time that there is for that, whatever the user wants.
    pub fn close(mut self) {
        if self.is_broken {
            return;
        }
        let until = Instant::now() + self.patience.leave;
        let connection = self.socket.get_mut();
        connection.last_for(self.patience.leave);
        connection.read_at_most(LAST_BYTES);
        // There is nothing to be done where it fails: the connection ends here in any case.
        if self.socket.close(None).is_err() || self.socket.flush().is_err() {
            return;
        }
        while Instant::now() < until && self.socket.read().is_ok() {}
    }
}

/// What an error of the socket means.
fn stopped(error: SocketError) -> Stopped {
    let trouble = match error {
        SocketError::Io(error) => {
            let error = Error::from_io(error, |error| match error.kind() {
                io::ErrorKind::TimedOut => Error::failed("").source(Trouble::Silent),
                io::ErrorKind::FileTooLarge => Error::failed("").source(Trouble::malformed(
                    "it sends more than 100 MiB and no message",
                )),
                _ => Error::failed("").source(Trouble::Cut(words(&error))),
            });
            return match Trouble::of(&error) {
                Some(trouble) => Stopped::There(trouble.clone()),
                None => {
                    debug_assert_eq!(error.kind(), Kind::Interrupted);
                    Stopped::Here(error)
                }
            };
        }
        SocketError::ConnectionClosed | SocketError::AlreadyClosed => {
            Trouble::Cut("it was closed".into())
        }
        SocketError::Capacity(CapacityError::MessageTooLong { .. }) => {
            Trouble::malformed("it sends a message of more than 100 MiB")
        }
        SocketError::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
            Trouble::Cut("it ended without a word".into())
        }
        _ => Trouble::malformed("what it sends is no WebSocket"),
    };
    Stopped::There(trouble)
}

/// What broke a connection, in words.
fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            "the other side reset it".into()
        }
        io::ErrorKind::UnexpectedEof => "it ended without a word".into(),
        _ => error.to_string(),
    }
}
