//! An S3 that has room for archives of any size: it keeps them in files, and those leave out what is zero. It knows what
//! an upload in parts and a download take, and nothing of what a real one checks.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex};
use std::thread;

/// The size of a part; the last one is smaller.
const PART: u64 = 16 << 20;

/// The store.
pub struct DeepStore {
    port: u16,
    objects: Arc<Mutex<HashMap<String, Arc<File>>>>,
}

type Objects = Mutex<HashMap<String, Arc<File>>>;

impl DeepStore {
    /// An empty one.
    pub fn start() -> DeepStore {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let objects: Arc<Objects> = Arc::default();
        let shared = Arc::clone(&objects);
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, shared) = (client.unwrap(), Arc::clone(&shared));
                thread::spawn(move || while serve(&client, &shared).is_some() {});
            }
        });
        DeepStore { port, objects }
    }

    /// The variables that lead there.
    pub fn variables(&self) -> [(&'static str, String); 3] {
        [
            ("AWS_ACCESS_KEY_ID", "x".into()),
            ("AWS_SECRET_ACCESS_KEY", "x".into()),
            (
                "AWS_ENDPOINT_URL",
                format!("http://127.0.0.1:{}", self.port),
            ),
        ]
    }

    /// How long its longest object is.
    pub fn length(&self) -> u64 {
        let objects = self.objects.lock().unwrap();
        let lengths = objects.values().map(|file| file.metadata().unwrap().len());
        lengths.max().unwrap_or_default()
    }
}

/// Answers one request; `None` at the end of the connection.
fn serve(client: &TcpStream, objects: &Objects) -> Option<()> {
    let mut input = BufReader::new(client.try_clone().ok()?);
    let mut line = String::new();
    input
        .read_line(&mut line)
        .ok()
        .filter(|length| *length > 0)?;
    let (method, target) = line.split_once(' ')?;
    let (target, _) = target.split_once(' ')?;
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (mut length, mut range) = (0, None);
    loop {
        let mut header = String::new();
        input.read_line(&mut header).ok()?;
        let header = header.trim_end().to_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
        if let Some(value) = header.strip_prefix("range: bytes=") {
            let (from, to) = value.split_once('-')?;
            range = Some((from.parse::<u64>().ok()?, to.parse::<u64>().ok()?));
        }
    }
    let part = query
        .split('&')
        .find_map(|part| part.strip_prefix("partNumber="));
    let found = objects.lock().unwrap().get(path).cloned();
    match method {
        "PUT" => {
            let number: u64 = part.map_or(1, |number| number.parse().unwrap());
            let name = match part {
                Some(_) => format!("{path}?upload"),
                None => path.to_owned(),
            };
            let file = Arc::clone(
                objects
                    .lock()
                    .unwrap()
                    .entry(name)
                    .or_insert_with(|| Arc::new(tempfile::tempfile().unwrap())),
            );
            store(&mut input, &file, (number - 1) * PART, length)?;
            answer(client, "200 OK\r\nETag: \"part\"", b"")
        }
        "POST" => {
            let mut body = vec![0; length as usize];
            input.read_exact(&mut body).ok()?;
            let text = if query.contains("uploadId=") {
                let mut objects = objects.lock().unwrap();
                let file = objects.remove(&format!("{path}?upload"))?;
                objects.insert(path.to_owned(), file);
                "<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>"
            } else {
                "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"
            };
            answer(client, "200 OK", text.as_bytes())
        }
        "GET" | "HEAD" => {
            let Some(file) = found else {
                let text: &[u8] = b"<Error><Code>NoSuchKey</Code></Error>";
                return answer(
                    client,
                    "404 Not Found",
                    if method == "HEAD" { b"" } else { text },
                );
            };
            let size = file.metadata().ok()?.len();
            let dated = "ETag: \"whole\"\r\nLast-Modified: Sun, 22 Nov 2026 01:00:00 GMT";
            let (from, to) = range.unwrap_or((0, size - 1));
            let to = to.min(size - 1);
            let status = match range {
                Some(_) => {
                    format!("206 Partial Content\r\nContent-Range: bytes {from}-{to}/{size}")
                }
                None => "200 OK".into(),
            };
            let length = to + 1 - from;
            let head = format!("HTTP/1.1 {status}\r\n{dated}\r\nContent-Length: {length}\r\n\r\n");
            (&mut &*client).write_all(head.as_bytes()).ok()?;
            let mut buffer = vec![0; 1 << 20];
            let mut place = from;
            while method == "GET" && place <= to {
                let most = buffer.len().min((to + 1 - place) as usize);
                let read = file.read_at(&mut buffer[..most], place).ok()?;
                (&mut &*client).write_all(&buffer[..read]).ok()?;
                place += read as u64;
            }
            Some(())
        }
        _ => answer(client, "204 No Content", b""),
    }
}

fn answer(mut client: &TcpStream, head: &str, body: &[u8]) -> Option<()> {
    let length = body.len();
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {length}\r\n\r\n");
    client.write_all(head.as_bytes()).ok()?;
    client.write_all(body).ok()
}

/// Puts so many bytes into a file, but for those that are zero.
fn store(input: &mut impl Read, file: &File, mut place: u64, length: u64) -> Option<()> {
    let end = place + length;
    let mut buffer = vec![0; 1 << 20];
    while place < end {
        let most = buffer.len().min((end - place) as usize);
        let bytes = &mut buffer[..most];
        input.read_exact(bytes).ok()?;
        if bytes.iter().any(|byte| *byte != 0) {
            file.write_all_at(bytes, place).ok()?;
        }
        place += most as u64;
    }
    if file.metadata().ok()?.len() < end {
        file.set_len(end).ok()?;
    }
    Some(())
}
