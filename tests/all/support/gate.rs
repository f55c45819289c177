//! A server before moto that does what moto leaves out: it checks every signature, whether it stands in a header or in
//! the URL, and lets nobody without one do more than read what is public. It also does what stores do now and then.
//!
//! Moto as it starts takes anything that looks like a signature; told to ask for signatures, it fails at those in URLs and
//! at readers without any. Which objects are public it knows.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::stores::SECRET;

/// Who may do everything; [`SECRET`] is the secret.
pub const KEY_ID: &str = "MEDIA-OF-THE-TESTS";

/// What goes wrong with the reading of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The first so many times it is asked for, the store is too busy.
    Busy(usize),
    /// The first so many times, the connection breaks in the middle of it.
    Broken(usize),
    /// Whoever asks for it waits until so many others were asked for.
    Slow(usize),
    /// It is somewhere else.
    Moved(String),
}

/// Where a request that changes something is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The store does not get it.
    Before,
    /// The store has done it, and whoever asked does not learn of it.
    After,
}

/// The gate.
pub struct Gate {
    pub port: u16,
    state: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default)]
struct State {
    /// Paths of objects with the bucket before them.
    faults: BTreeMap<String, Fault>,
    /// Methods and paths of the requests that came.
    requests: Vec<(String, String)>,
    /// By bucket, which request that changes something is stopped, how many of them are left before it, and whether it
    /// has come.
    stops: BTreeMap<String, (Moment, usize, bool)>,
    /// Buckets whose clock is an hour ahead.
    later: BTreeSet<String>,
}

/// A request as it came.
struct Request {
    method: String,
    path: String,
    /// Names and values as they came, in the order of a signature.
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Gate {
    /// One before a port.
    pub fn new(behind: u16) -> Gate {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::<(Mutex<State>, Condvar)>::default();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || {
                    // Whoever goes away in the middle has what they wanted.
                    let _ = serve(client.unwrap(), behind, &shared);
                });
            }
        });
        Gate { port, state }
    }

    /// Has something go wrong with an object.
    pub fn fault(&self, bucket: &str, key: &str, fault: Fault) {
        let path = format!("/{bucket}/{key}");
        self.state.0.lock().unwrap().faults.insert(path, fault);
    }

    /// The methods and keys of the requests about objects of a bucket that have come so far.
    pub fn requests(&self, bucket: &str) -> Vec<(String, String)> {
        let state = self.state.0.lock().unwrap();
        let of = state.requests.iter().filter_map(|(method, path)| {
            let key = path.strip_prefix(&format!("/{bucket}/"))?;
            Some((method.clone(), key.to_owned()))
        });
        of.collect()
    }

    /// Stops a request that changes something in a bucket, once so many others have come. It stays without an answer.
    pub fn stop(&self, bucket: &str, moment: Moment, after: usize) {
        let stop = (moment, after, false);
        self.state
            .0
            .lock()
            .unwrap()
            .stops
            .insert(bucket.into(), stop);
    }

    /// Waits until a request was stopped, or whoever should have asked is done; whether it was.
    pub fn wait_for_stop(&self, bucket: &str, asks: &mut Child) -> bool {
        let (state, changed) = &*self.state;
        let mut state = state.lock().unwrap();
        loop {
            if state.stops[bucket].2 {
                return true;
            }
            if asks.try_wait().unwrap().is_some() {
                return false;
            }
            let pause = Duration::from_millis(20);
            state = changed.wait_timeout(state, pause).unwrap().0;
        }
    }

    /// Lets an hour pass for a bucket, and stops nothing there any more.
    pub fn let_an_hour_pass(&self, bucket: &str) {
        let mut state = self.state.0.lock().unwrap();
        state.stops.remove(bucket);
        state.later.insert(bucket.into());
    }
}

fn serve(mut client: TcpStream, behind: u16, shared: &(Mutex<State>, Condvar)) -> io::Result<()> {
    let request = match Request::read(&mut client)? {
        Some(request) => request,
        None => return Ok(()),
    };
    if let Err((status, code)) = request.check() {
        let body = format!("<Error><Code>{code}</Code><Message>{code}</Message></Error>");
        return write!(
            client,
            "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/xml\r\nContent-Length: {}\r\n\r\n{}",
            body.len(),
            if request.method == "HEAD" { "" } else { &body }
        );
    }
    let fault = fault_of(&request, shared);
    match &fault {
        Some(Fault::Busy(_)) => {
            return client.write_all(
                b"HTTP/1.1 503 Slow Down\r\nConnection: close\r\nContent-Length: 36\r\n\r\n\
                <Error><Code>SlowDown</Code></Error>",
            );
        }
        Some(Fault::Moved(url)) => {
            let head = "HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0";
            return write!(client, "{head}\r\nLocation: {url}\r\n\r\n");
        }
        _ => {}
    }
    let bucket = request.path.split('/').nth(1).unwrap_or_default();
    let stop = stop_of(&request, bucket, shared);
    let mut answer = Vec::new();
    if stop != Some(Moment::Before) {
        answer = request.forward(behind)?;
    }
    if stop.is_some() {
        let (state, changed) = shared;
        if let Some(stop) = state.lock().unwrap().stops.get_mut(bucket) {
            stop.2 = true;
        }
        changed.notify_all();
        // Until they give up.
        return client.read(&mut [0]).map(drop);
    }
    if shared.0.lock().unwrap().later.contains(bucket) {
        an_hour_later(&mut answer);
    }
    let length = match fault {
        // The head, and as good as half of the rest.
        Some(_) => {
            let head = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
            head + (answer.len() - head) / 2
        }
        None => answer.len(),
    };
    client.write_all(&answer[..length])
}

/// Whether this is the request that is stopped.
fn stop_of(request: &Request, bucket: &str, shared: &(Mutex<State>, Condvar)) -> Option<Moment> {
    if ["GET", "HEAD"].contains(&request.method.as_str()) {
        return None;
    }
    let mut state = shared.0.lock().unwrap();
    let (moment, left, stopped) = state.stops.get_mut(bucket)?;
    if *left == 0 {
        return Some(*moment).filter(|_| !*stopped);
    }
    *left -= 1;
    None
}

/// Puts forward the clock of an answer.
fn an_hour_later(answer: &mut Vec<u8>) {
    const FORMAT: &str = "%a, %d %b %Y %H:%M:%S GMT";
    let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let date = head
        .lines()
        .find(|line| line.starts_with("Date: "))
        .unwrap();
    let time = jiff::civil::DateTime::strptime(FORMAT, &date["Date: ".len()..]).unwrap();
    let time = time + jiff::Span::new().hours(1);
    let head = head.replace(date, &format!("Date: {}", time.strftime(FORMAT)));
    answer.splice(..end, head.into_bytes());
}

/// What to do to this request. Those that are to go as they should wait here if they have to.
fn fault_of(request: &Request, shared: &(Mutex<State>, Condvar)) -> Option<Fault> {
    let (state, changed) = shared;
    let mut state = state.lock().unwrap();
    let Request { method, path, .. } = request;
    if !request.is_of_an_object() {
        return None;
    }
    state.requests.push((method.clone(), path.clone()));
    changed.notify_all();
    if method != "GET" {
        return None;
    }
    match state.faults.get_mut(path)? {
        Fault::Busy(left) | Fault::Broken(left) if *left == 0 => None,
        fault @ (Fault::Busy(_) | Fault::Broken(_)) => {
            let now = fault.clone();
            if let Fault::Busy(left) | Fault::Broken(left) = fault {
                *left -= 1;
            }
            Some(now)
        }
        Fault::Moved(url) => Some(Fault::Moved(url.clone())),
        Fault::Slow(others) => {
            let others = *others;
            let bucket = path.split('/').nth(1).map(|name| format!("/{name}/"));
            let bucket = bucket.unwrap();
            let waits = |state: &mut State| {
                let read = state.requests.iter().filter(|(method, read)| {
                    method == "GET" && read.starts_with(&bucket) && read != path
                });
                read.map(|(_, read)| read).collect::<BTreeSet<_>>().len() < others
            };
            drop(changed.wait_while(state, waits).unwrap());
            None
        }
    }
}

impl Request {
    fn read(client: &mut TcpStream) -> io::Result<Option<Request>> {
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
    fn is_of_an_object(&self) -> bool {
        let own = ["acl", "uploads", "uploadId", "tagging"];
        let key = self.path.trim_start_matches('/').split_once('/');
        key.is_some_and(|(_, key)| !key.is_empty())
            && !self.query.iter().any(|pair| own.contains(&pair.0.as_str()))
    }

    /// Whether a store would do it; else the status and the code of its error.
    fn check(&self) -> Result<(), (&'static str, &'static str)> {
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
    fn forward(&self, behind: u16) -> io::Result<Vec<u8>> {
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
