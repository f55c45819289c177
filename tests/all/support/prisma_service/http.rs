//! As much of HTTP as is needed.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::io::{self, BufRead, Write};
use std::net::TcpStream;

/// A request.
pub struct Request {
    pub path: String,
    pub token: Option<String>,
    pub body: String,
}

impl Request {
    /// The next one; `None` where nobody asks any more.
    pub fn read(reader: &mut impl BufRead) -> Option<Request> {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let path = line.split(' ').nth(1)?.to_owned();
        let (mut length, mut token) = (0, None);
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().ok()?,
                "authorization" => token = value.trim().strip_prefix("Bearer ").map(str::to_owned),
                _ => {}
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let body = String::from_utf8(body).ok()?;
        Some(Request { path, token, body })
    }
}

/// Answers.
pub fn write(mut client: &TcpStream, status: u16, body: &str) -> io::Result<()> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    client.write_all(head.as_bytes())?;
    client.write_all(body.as_bytes())?;
    client.flush()
}

/// Whether a token was made from this secret.
pub fn is_signed(token: &str, secret: &str) -> bool {
    let Some((signed, signature)) = token.rsplit_once('.') else {
        return false;
    };
    let mut hmac: Hmac<Sha256> = KeyInit::new_from_slice(secret.as_bytes()).expect("a key");
    hmac.update(signed.as_bytes());
    let expected = hmac.finalize().into_bytes();
    BASE64_URL_SAFE_NO_PAD.encode(expected) == signature
}
