//! A socket of the modelled server: frames out and in, and what can go wrong with any of them.

use std::io::Write as _;
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tungstenite::protocol::frame::CloseFrame;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

use super::Shared;
use super::faults::{Harm, Point};
use super::names::name;
use super::record::What;

/// The largest frame that Strapi accepts, in bytes.
const LARGEST: usize = 100 << 20;

/// Nobody is there any more, or nothing is to be said to them.
#[derive(Debug)]
pub struct Gone;

/// One socket.
pub struct Socket<'a> {
    pub shared: &'a Shared,
    pub number: usize,
    handler: &'static str,
    ws: WebSocket<TcpStream>,
    stream: TcpStream,
    cut_in_next: bool,
}

/// An id that nothing else has.
pub fn fresh_id() -> String {
    static NUMBER: AtomicUsize = AtomicUsize::new(1);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("00000000-0000-4000-8000-{number:012x}")
}

impl<'a> Socket<'a> {
    /// A socket on a connection that was upgraded.
    pub fn new(
        shared: &'a Shared,
        number: usize,
        handler: &'static str,
        stream: TcpStream,
    ) -> Self {
        let config = WebSocketConfig::default()
            .max_message_size(Some(LARGEST))
            .max_frame_size(Some(LARGEST));
        Socket {
            shared,
            number,
            handler,
            stream: stream.try_clone().unwrap(),
            ws: WebSocket::from_raw_socket(stream, Role::Server, Some(config)),
            cut_in_next: false,
        }
    }

    /// The next frame that is one object of JSON. What is none ends the connection, as Strapi does.
    pub fn receive(&mut self) -> Result<Value, Gone> {
        loop {
            let text = match self.ws.read() {
                Ok(Message::Text(text)) => text.as_bytes().to_vec(),
                Ok(Message::Binary(bytes)) => bytes.to_vec(),
                Ok(Message::Close(_)) => {
                    self.shared.record.add(self.number, What::Closed);
                    let _ = self.ws.flush();
                    return Err(Gone);
                }
                Ok(Message::Ping(_)) => {
                    self.shared.record.add(self.number, What::Ping);
                    continue;
                }
                Ok(_) => continue,
                Err(_) => {
                    self.shared.record.add(self.number, What::Cut);
                    return Err(Gone);
                }
            };
            let Ok(message) = serde_json::from_slice::<Value>(&text) else {
                return self.cut();
            };
            let of_a_kind = matches!(message["type"].as_str(), Some("command" | "transfer"));
            self.shared
                .record
                .add(self.number, What::Message(message.clone()));
            // Strapi drops the rest without a word.
            if message["uuid"].is_string() && (of_a_kind || message.get("type").is_none()) {
                return Ok(message);
            }
        }
    }

    /// Tells of a request, as Strapi does before it looks at it.
    pub fn greet(&mut self, message: &Value) -> Result<(), Gone> {
        let what = match message["type"].as_str() {
            Some("command") => format!("command:{}", message["command"].as_str().unwrap_or("")),
            _ => format!(
                "transfer action:{} step:{}",
                message["action"].as_str().unwrap_or(""),
                message["kind"].as_str().unwrap_or("")
            ),
        };
        let uuid = message["uuid"].as_str().unwrap_or_default();
        self.diagnostic("info", &format!("received {what} uuid:{uuid}"))
    }

    /// Sends a diagnostic.
    pub fn diagnostic(&mut self, kind: &str, message: &str) -> Result<(), Gone> {
        let origin = self.handler;
        self.text(&diagnostic(kind, message, origin).to_string())
    }

    /// Answers a request with data.
    pub fn answer(&mut self, message: &Value, mut data: Value) -> Result<(), Gone> {
        if let Some(name) = name(message)
            && let Some(harm) = self.shared.harm_at(&Point::Done(name))
        {
            if let Harm::Error(error) = harm {
                return self.refuse(message, error);
            }
            self.suffer(harm, &mut data)?;
        }
        self.text(&json!({"uuid": message["uuid"], "data": data, "error": null}).to_string())
    }

    /// Answers a request with an error.
    pub fn refuse(&mut self, message: &Value, error: Value) -> Result<(), Gone> {
        self.text(&json!({"uuid": message["uuid"], "data": null, "error": error}).to_string())
    }

    /// Answers a request with an error in Strapi's words, of a step of the transfer.
    pub fn fail(&mut self, message: &Value, words: &str) -> Result<(), Gone> {
        self.refuse(message, transfer_error(words))
    }

    /// The same for an error that is of no step.
    pub fn fail_plainly(&mut self, message: &Value, words: &str) -> Result<(), Gone> {
        self.refuse(
            message,
            json!({"code": "Error", "message": words, "details": {}}),
        )
    }

    /// Sends a frame of a stage, and gives the id under which it is to be acknowledged.
    pub fn frame(
        &mut self,
        point: &Point,
        mut data: Value,
        id: &str,
        over: bool,
    ) -> Result<String, Gone> {
        let mut error = Value::Null;
        match self.shared.harm_at(point) {
            Some(Harm::Error(what)) => error = what,
            Some(harm) => self.suffer(harm, &mut data)?,
            None => {}
        }
        let uuid = fresh_id();
        let frame = json!({"uuid": uuid, "data": {
            "type": "transfer", "data": data, "ended": over, "error": error, "id": id,
        }});
        self.text(&frame.to_string())?;
        Ok(uuid)
    }

    /// Does what goes wrong, before something is sent.
    pub fn suffer(&mut self, harm: Harm, data: &mut Value) -> Result<(), Gone> {
        match harm {
            Harm::Cut => self.cut(),
            Harm::CutInFrame => {
                self.cut_in_next = true;
                Ok(())
            }
            Harm::Close(code) => {
                let code = CloseCode::from(code);
                let reason = "".into();
                let _ = self.ws.close(Some(CloseFrame { code, reason }));
                self.drain()
            }
            Harm::Die => {
                self.shared.die();
                self.cut()
            }
            Harm::Silence => self.drain(),
            Harm::Text(text) => self.text(&text),
            Harm::Binary(bytes) => self.send(Message::binary(bytes)),
            Harm::Flood(first, more) => {
                let mut flooded = self.stream.write_all(&first);
                while flooded.is_ok() {
                    flooded = self.stream.write_all(&more);
                }
                self.shared.record.add(self.number, What::Cut);
                Err(Gone)
            }
            Harm::Huge(length) => {
                let filler = "x".repeat(length);
                self.diagnostic("info", &filler)
            }
            Harm::Diagnostics(count, kind, message) => {
                (0..count).try_for_each(|_| self.diagnostic(kind, &message))
            }
            Harm::Changed(change) => {
                change(data);
                Ok(())
            }
            Harm::Hold(hold) => {
                hold.hold();
                Ok(())
            }
            Harm::Error(_)
            | Harm::FrameFirst
            | Harm::Undone
            | Harm::Status(..)
            | Harm::Redirect(_)
            | Harm::Page => {
                panic!("this cannot happen at this point")
            }
        }
    }

    /// Cuts the connection.
    pub fn cut<T>(&mut self) -> Result<T, Gone> {
        let _ = self.stream.shutdown(Shutdown::Both);
        Err(Gone)
    }

    /// Listens until the other side has gone, and says nothing.
    pub fn drain<T>(&mut self) -> Result<T, Gone> {
        loop {
            self.receive()?;
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Gone> {
        if self.shared.site().dead {
            return self.cut();
        }
        if !self.cut_in_next {
            return self.send(Message::text(text));
        }
        let length = u64::try_from(text.len()).unwrap();
        let mut half = vec![0x81, 127];
        half.extend(length.to_be_bytes());
        half.extend(&text.as_bytes()[..text.len() / 2]);
        let _ = self.stream.write_all(&half);
        self.cut()
    }

    fn send(&mut self, message: Message) -> Result<(), Gone> {
        self.ws.send(message).map_err(|_| {
            self.shared.record.add(self.number, What::Cut);
            Gone
        })
    }
}

/// An error of a step of the transfer, in these words.
pub fn transfer_error(words: &str) -> Value {
    json!({"code": "Error", "message": words, "details": {"step": "transfer"}})
}

fn diagnostic(kind: &str, message: &str, origin: &str) -> Value {
    let details = json!({
        "message": message, "origin": origin, "createdAt": "2026-11-21T10:53:26.528Z",
    });
    json!({"diagnostic": {"details": details, "kind": kind}, "uuid": fresh_id()})
}
