//! As much of HTTP as is needed.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::net::TcpStream;

/// A request.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// With what stands behind `?`.
    pub path: String,
    /// By their names in small letters.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Request {
    /// The next one, without its body; `None` where nobody asks any more.
    pub fn head(reader: &mut impl BufRead) -> Option<Request> {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let mut words = line.split(' ');
        let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
        let mut headers = BTreeMap::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok()?;
            let Some((name, value)) = line.trim_end().split_once(':') else {
                break;
            };
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        Some(Request {
            method,
            path,
            headers,
            body: Vec::new(),
        })
    }

    /// Reads its body; `None` where that breaks off.
    pub fn fill(&mut self, reader: &mut impl BufRead) -> Option<()> {
        let length = self.header("content-length").map(str::parse);
        self.body = vec![0; length.transpose().ok()?.unwrap_or_default()];
        reader.read_exact(&mut self.body).ok()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

/// An answer.
pub struct Response {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
    /// How long it says that it is; `None` for not saying it.
    pub length: Option<usize>,
    /// Whether the connection ends behind it.
    pub is_last: bool,
}

impl Response {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Response {
        let body = body.into();
        Response {
            status,
            headers: Vec::new(),
            length: Some(body.len()),
            body,
            is_last: false,
        }
    }

    pub fn write(&self, mut client: &TcpStream) -> io::Result<()> {
        let mut head = format!("HTTP/1.1 {} Status\r\n", self.status);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if let Some(length) = self.length {
            head += &format!("content-length: {length}\r\n");
        }
        if self.is_last {
            head += "connection: close\r\n";
        }
        client.write_all((head + "\r\n").as_bytes())?;
        client.write_all(&self.body)?;
        client.flush()
    }
}
