//! What a store, or something before it, answers that is broken or bears a grudge.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// A server on loopback that answers as a test says.
pub struct OddStore {
    pub port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl OddStore {
    /// One that is asked with the first line of a request, and how many came before; it gives the whole answer.
    pub fn start(answer: impl Fn(&str, usize) -> String + Send + Sync + 'static) -> OddStore {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let (seen, answer) = (Arc::clone(&requests), Arc::new(answer));
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, seen) = (client.unwrap(), Arc::clone(&seen));
                let answer = Arc::clone(&answer);
                thread::spawn(move || while serve(&client, &seen, &*answer).is_some() {});
            }
        });
        OddStore { port, requests }
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

    /// The heads of the requests that came.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Answers one request; `None` at the end of the connection.
fn serve(
    client: &TcpStream,
    seen: &Mutex<Vec<String>>,
    answer: &dyn Fn(&str, usize) -> String,
) -> Option<()> {
    let mut input = BufReader::new(client.try_clone().ok()?);
    let mut line = String::new();
    let read = input.read_line(&mut line).ok()?;
    if read == 0 {
        return None;
    }
    let (mut length, mut head) = (0, line.clone());
    loop {
        let mut header = String::new();
        input.read_line(&mut header).ok()?;
        head.push_str(&header);
        let header = header.trim_end().to_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length: ") {
            length = value.parse().ok()?;
        }
    }
    input.read_exact(&mut vec![0; length]).ok()?;
    let number = {
        let mut seen = seen.lock().unwrap();
        seen.push(head);
        seen.len() - 1
    };
    let mut answer = answer(&line, number);
    if line.starts_with("HEAD ") {
        let end = answer.find("\r\n\r\n").unwrap() + 4;
        answer.truncate(end);
    }
    let mut client = client;
    client.write_all(answer.as_bytes()).ok()
}
