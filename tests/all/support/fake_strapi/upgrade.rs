//! The request for a socket: who may have one, and what everybody else is told.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use serde_json::{Value, json};
use tungstenite::handshake::derive_accept_key;

use super::faults::{Harm, Point};
use super::frames::Socket;
use super::record::What;
use super::{EXPIRED, FULL, PULL, PUSH, Shared, pull, push};

/// Serves a connection to its end.
pub(super) fn serve(mut stream: TcpStream, number: usize, shared: &Shared) {
    shared.site().connected += 1;
    if let Some(head) = head(&mut stream) {
        shared.record.add(number, What::Upgrade(head.clone()));
        serve_request(&mut stream, number, shared, &head);
    }
    let _ = stream.shutdown(Shutdown::Both);
    shared.site().connected -= 1;
    shared.changed.notify_all();
}

fn serve_request(stream: &mut TcpStream, number: usize, shared: &Shared, head: &str) {
    match shared.harm_at(&Point::Upgrade) {
        None => {}
        Some(Harm::Status(status, body)) => return say(stream, status, "", &body.to_string()),
        Some(Harm::Redirect(to)) => {
            return say(stream, 302, &format!("Location: {to}\r\n"), "Found");
        }
        Some(Harm::Page) => {
            let page = "<!doctype html><title>A page</title>";
            return say(stream, 200, "Server: web\r\n", page);
        }
        Some(Harm::Hold(hold)) => hold.hold(),
        Some(Harm::Silence) => {
            let _ = stream.read_to_end(&mut Vec::new());
            return;
        }
        Some(Harm::Die) => return shared.die(),
        Some(_) => return,
    }
    let (status, message) = match allowed(shared, head) {
        Ok((kind, key)) => {
            let accepted = derive_accept_key(key.as_bytes());
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: {accepted}\r\n\r\n"
            );
            if stream.write_all(answer.as_bytes()).is_err() {
                return;
            }
            let stream = stream.try_clone().unwrap();
            return match kind {
                "pull" => pull::serve(Socket::new(shared, number, "pull-handler", stream)),
                _ => push::serve(Socket::new(shared, number, "push-handler", stream)),
            };
        }
        Err(refusal) => refusal,
    };
    let name = match status {
        401 => "UnauthorizedError",
        403 => "ForbiddenError",
        404 => "NotFoundError",
        _ => "InternalServerError",
    };
    let error = json!({"status": status, "name": name, "message": message, "details": {}});
    let body: Value = json!({"data": null, "error": error});
    say(stream, status, "", &body.to_string());
}

/// What is wanted, and the key of the handshake; or a status and words.
fn allowed(shared: &Shared, head: &str) -> Result<(&'static str, String), (u16, &'static str)> {
    const MISSING: (u16, &str) = (404, "Not Found");
    let path = head.split(' ').nth(1).ok_or(MISSING)?;
    let header = |name: &str| {
        head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let mut site = shared.site();
    // The only connection to SQLite belongs to whoever pushes.
    site = shared
        .changed
        .wait_while(site, |site| {
            site.one_connection && site.transaction_of.is_some() && !site.dead
        })
        .unwrap();
    let rest = path.strip_prefix(site.path.as_str()).ok_or(MISSING)?;
    let kind = match rest.trim_end_matches('/') {
        "/transfer/runner/pull" => "pull",
        "/transfer/runner/push" => "push",
        _ => return Err(MISSING),
    };
    let key = header("sec-websocket-key").ok_or(MISSING)?;
    let token = header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let token = token.ok_or((401, "Missing or invalid credentials"))?;
    if !site.salt {
        return Err((500, "Internal Server Error"));
    }
    match token {
        FULL | PULL | PUSH => {}
        EXPIRED => return Err((401, "Token expired")),
        _ => return Err((401, "Missing or invalid credentials")),
    }
    if !site.enabled {
        return Err(MISSING);
    }
    match (token, kind) {
        (PULL, "push") | (PUSH, "pull") => Err((403, "Forbidden")),
        _ => Ok((kind, key.to_owned())),
    }
}

fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    String::from_utf8(head).ok()
}

fn say(stream: &mut TcpStream, status: u16, headers: &str, body: &str) {
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} Modelled\r\n{headers}Content-Type: application/json; charset=utf-8\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    let _ = stream.write_all(answer.as_bytes());
}
