//! A request to a store, and whether its signature is right: Amazon's, version 4, as it stands in a header or in a URL.

use std::io::{self, Read, Write};
use std::net::TcpStream;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::stores::SECRET;

/// Who may do everything; [`SECRET`] is the secret.
pub const KEY_ID: &str = "MEDIA-OF-THE-TESTS";

/// A request as it came.
pub struct Request {
    pub method: String,
    pub path: String,
    /// Names and values as they came, in the order of a signature.
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    /// The next that comes; `None` where whoever was to ask has gone.
    pub fn read(client: &mut TcpStream) -> io::Result<Option<Request>> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 1 << 16];
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
                break end;
            }
            match client.read(&mut buffer)? {
                0 => return Ok(None),
                length => bytes.extend_from_slice(&buffer[..length]),
            }
        };
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let mut first = lines.next().unwrap().split(' ');
        let method = first.next().unwrap().to_owned();
        let target = first.next().unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let mut query: Vec<(String, String)> = pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        query.sort();
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()));
        let mut request = Request {
            method,
            path: path.to_owned(),
            query,
            headers: headers.collect(),
            body: bytes.split_off(end + 4),
        };
        if request.header("expect").is_some() {
            client.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let length = request.header("content-length").map_or(Ok(0), str::parse);
        let length: usize = length.map_err(io::Error::other)?;
        while request.body.len() < length {
            match client.read(&mut buffer)? {
                0 => return Ok(None),
                length => request.body.extend_from_slice(&buffer[..length]),
            }
        }
        Ok(Some(request))
    }

    fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|header| header.0 == name);
        found.map(|header| header.1.as_str())
    }

    /// A member of the query, its escapes resolved.
    fn asked(&self, name: &str) -> Option<String> {
        let found = self.query.iter().find(|pair| pair.0 == name)?;
        Some(unescaped(&found.1))
    }

    /// Whether it is about an object's content, not about a bucket, an access control list, an upload in parts.
    pub fn is_of_an_object(&self) -> bool {
        let own = ["acl", "uploads", "uploadId", "tagging"];
        let key = self.path.trim_start_matches('/').split_once('/');
        key.is_some_and(|(_, key)| !key.is_empty())
            && !self.query.iter().any(|pair| own.contains(&pair.0.as_str()))
    }

    /// Whether a store would do it; else the status and the code of its error.
    pub fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let denied = |code| Err(("403 Forbidden", code));
        if self.header("transfer-encoding").is_some() {
            return Err(("411 Length Required", "MissingContentLength"));
        }
        let now = jiff::Timestamp::now();
        let signed_at = |text: &str| -> Option<jiff::Timestamp> {
            let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
            Some(time.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
        };
        let (credential, signed, signature, time, until) =
            if let Some(signature) = self.asked("X-Amz-Signature") {
                let asked = |name| self.asked(name).unwrap_or_default();
                let seconds = asked("X-Amz-Expires").parse().unwrap_or(0);
                let (time, signed) = (asked("X-Amz-Date"), asked("X-Amz-SignedHeaders"));
                (asked("X-Amz-Credential"), signed, signature, time, seconds)
            } else if let Some(header) = self.header("authorization") {
                let Some(fields) = header.strip_prefix("AWS4-HMAC-SHA256 ") else {
                    return denied("AccessDenied");
                };
                let field = |name: &str| {
                    let fields = fields.split(',').map(str::trim);
                    let mut found = fields.filter_map(|field| field.strip_prefix(name));
                    found.next().unwrap_or_default().to_owned()
                };
                let time = self.header("x-amz-date").unwrap_or_default().to_owned();
                let signed = field("SignedHeaders=");
                (field("Credential="), signed, field("Signature="), time, 900)
            } else if ["GET", "HEAD"].contains(&self.method.as_str())
                && self.is_of_an_object()
                // Moto would take it for signed.
                && self.asked("Signature").is_none()
            {
                // Whether it is public, moto knows.
                return Ok(());
            } else {
                return denied("AccessDenied");
            };
        let scope: Vec<&str> = credential.split('/').collect();
        let &[id, day, region, "s3", "aws4_request"] = scope.as_slice() else {
            return denied("AuthorizationHeaderMalformed");
        };
        if id != KEY_ID {
            return denied("InvalidAccessKeyId");
        }
        match signed_at(&time) {
            Some(time) if now.as_second() <= time.as_second() + until => {}
            _ => return denied("AccessDenied"),
        }
        let signed: Vec<&str> = signed.split(';').collect();
        let unsigned = |name: &str| name.starts_with("x-amz-") && !signed.contains(&name);
        if !signed.contains(&"host") || self.headers.iter().any(|header| unsigned(&header.0)) {
            return denied("AccessDenied");
        }
        let expected = self.signature(&signed, &time, &[day, region]);
        if signature != expected {
            return denied("SignatureDoesNotMatch");
        }
        match self.header("x-amz-content-sha256") {
            Some(digest) if digest.len() == 64 && digest != hex(&Sha256::digest(&self.body)) => {
                Err(("400 Bad Request", "XAmzContentSHA256Mismatch"))
            }
            _ => Ok(()),
        }
    }

    /// Amazon's signature, version 4, of what is signed.
    fn signature(&self, signed: &[&str], time: &str, scope: &[&str; 2]) -> String {
        let query = self.query.iter().filter(|it| it.0 != "X-Amz-Signature");
        let query: Vec<String> = query.map(|(name, it)| format!("{name}={it}")).collect();
        let headers = signed.iter().map(|name| {
            let value = self.header(name).unwrap_or_default();
            let words: Vec<&str> = value.split_whitespace().collect();
            format!("{name}:{}\n", words.join(" "))
        });
        let payload = self.header("x-amz-content-sha256");
        let canonical = format!(
            "{}\n{}\n{}\n{}\n{}\n{}",
            self.method,
            self.path,
            query.join("&"),
            headers.collect::<String>(),
            signed.join(";"),
            payload.unwrap_or("UNSIGNED-PAYLOAD"),
        );
        let [day, region] = scope;
        let text = format!(
            "AWS4-HMAC-SHA256\n{time}\n{day}/{region}/s3/aws4_request\n{}",
            hex(&Sha256::digest(canonical))
        );
        let key = [day, region, "s3", "aws4_request"]
            .iter()
            .fold(format!("AWS4{SECRET}").into_bytes(), |key, text| {
                mac(&key, text)
            });
        hex(&mac(&key, &text))
    }

    /// The answer of the server behind, from its first byte to its last.
    pub fn forward(&self, behind: u16) -> io::Result<Vec<u8>> {
        let mut server = TcpStream::connect(("127.0.0.1", behind))?;
        let query = self.query.iter();
        let query: Vec<String> = query
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mark = if query.is_empty() { "" } else { "?" };
        write!(
            server,
            "{} {}{mark}{} HTTP/1.1\r\nconnection: close\r\n",
            self.method,
            self.path,
            query.join("&")
        )?;
        for (name, value) in &self.headers {
            if !["connection", "expect"].contains(&name.as_str()) {
                write!(server, "{name}: {value}\r\n")?;
            }
        }
        server.write_all(b"\r\n")?;
        server.write_all(&self.body)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        Ok(answer)
    }
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Text without percent escapes.
fn unescaped(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let escaped = (*first == b'%').then(|| after.get(..2)).flatten();
        let escaped = escaped.and_then(|it| std::str::from_utf8(it).ok());
        match escaped.and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
