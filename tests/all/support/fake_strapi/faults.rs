//! What goes wrong, where, and how often.

use std::sync::{Arc, Condvar, Mutex};

use serde_json::Value;

/// Something that goes wrong.
#[derive(Clone)]
pub struct Fault {
    at: Point,
    harm: Harm,
    passes: usize,
    times: usize,
}

/// A point of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Point {
    /// The request for a socket.
    Upgrade,
    /// A request of this name has come, such as `init`, `beforeTransfer`, `start entities`, `stream assets`; nothing of
    /// it is done yet.
    Asked(&'static str),
    /// A request of this name is done; its answer has not gone out.
    Done(&'static str),
    /// A frame with data of this stage of a pull is about to go out.
    Frame(&'static str),
    /// The frame that says that this stage of a pull is over is about to go out.
    Last(&'static str),
}

/// What a fault does.
#[derive(Clone)]
pub enum Harm {
    /// The request for a socket is answered like this: a status, and JSON.
    Status(u16, Value),
    /// The request for a socket is sent elsewhere.
    Redirect(String),
    /// The request for a socket is answered by a server of web pages.
    Page,
    /// The connection is cut.
    Cut,
    /// The connection is cut in the middle of the next frame.
    CutInFrame,
    /// The socket is closed with this code, as the protocol wants it.
    Close(u16),
    /// The process ends: all connections are cut, and nobody answers any more.
    Die,
    /// Nothing more is answered; the connection stays.
    Silence,
    /// The answer is this error, and nothing is done.
    Error(Value),
    /// This text goes out before what was to be sent.
    Text(String),
    /// These bytes go out as a binary frame before what was to be sent.
    Binary(Vec<u8>),
    /// The first of these bytes go out as they are, and then the others again and again, until nobody is there any more.
    Flood(Vec<u8>, Vec<u8>),
    /// A frame of so many bytes, which holds a diagnostic, goes out before what was to be sent.
    Huge(usize),
    /// So many diagnostics of this kind go out before what was to be sent.
    Diagnostics(usize, &'static str, String),
    /// What was to be sent is changed: the `data` of an answer, or of a frame.
    Changed(Arc<dyn Fn(&mut Value) + Send + Sync>),
    /// The first frame of the stage goes out before the answer to its start.
    FrameFirst,
    /// The transaction of a push is rolled back, and what comes is answered as if it were not.
    Undone,
    /// What was to be sent waits for the test.
    Hold(Hold),
}

impl Fault {
    /// One that comes once, when the point is first reached.
    pub fn new(at: Point, harm: Harm) -> Fault {
        Fault {
            at,
            harm,
            passes: 0,
            times: 1,
        }
    }

    /// The same after the point was passed so many times.
    pub fn after(self, passes: usize) -> Fault {
        Fault { passes, ..self }
    }

    /// The same, so many times.
    pub fn times(self, times: usize) -> Fault {
        Fault { times, ..self }
    }

    /// The same, each time.
    pub fn always(self) -> Fault {
        self.times(usize::MAX)
    }

    /// The harm, if it comes here and now.
    pub(super) fn strike(&mut self, point: &Point) -> Option<Harm> {
        if self.at != *point || self.times == 0 {
            return None;
        }
        if self.passes > 0 {
            self.passes -= 1;
            return None;
        }
        self.times = self.times.saturating_sub(1);
        Some(self.harm.clone())
    }
}

impl Harm {
    /// Changes what was to be sent.
    pub fn changed(change: impl Fn(&mut Value) + Send + Sync + 'static) -> Harm {
        Harm::Changed(Arc::new(change))
    }

    /// A message begins, and goes on for ever with parts that hold nothing.
    pub fn endless_parts() -> Harm {
        Harm::Flood(vec![0x01, 1, b'{'], [0x00, 0].repeat(1 << 14))
    }

    /// One diagnostic comes again and again.
    pub fn endless_diagnostics() -> Harm {
        let text = br#"{"diagnostic":{"kind":"info","details":{"message":"x"}},"uuid":"x"}"#;
        let mut frame = vec![0x81, u8::try_from(text.len()).unwrap()];
        frame.extend(text);
        Harm::Flood(Vec::new(), frame.repeat(1 << 10))
    }

    /// Changes the items of files in a frame of a pull.
    pub fn items(change: impl Fn(&mut Vec<Value>) + Send + Sync + 'static) -> Harm {
        Harm::changed(move |data| change(data[0].as_array_mut().unwrap()))
    }

    /// The file whose frame it is ends with this instead of its checksum.
    pub fn checksum(checksum: Value) -> Harm {
        Harm::items(move |items| {
            let end = items.last_mut().unwrap().as_object_mut().unwrap();
            end.insert("checksum".to_owned(), checksum.clone());
        })
    }

    /// The file whose frame it is never ends.
    pub fn without_end() -> Harm {
        Harm::items(|items| items.retain(|item| item["action"] != "end"))
    }

    /// The file whose frame it is comes twice, under the same name.
    pub fn twice() -> Harm {
        Harm::items(|items| items.extend_from_within(..))
    }

    /// The frame comes twice, the second time under an asset id of its own.
    pub fn twice_with_another_id() -> Harm {
        Harm::items(|items| {
            let mut again = items.clone();
            for item in &mut again {
                item["assetID"] = "another".into();
            }
            items.append(&mut again);
        })
    }

    /// The file whose frame it is says that it is so long.
    pub fn size(bytes: u64) -> Harm {
        Harm::items(move |items| items[0]["data"]["stats"]["size"] = bytes.into())
    }

    /// An error as Strapi words one.
    pub fn error(message: &str) -> Harm {
        Harm::Error(serde_json::json!({
            "code": "Error", "message": message, "details": {"step": "transfer"}
        }))
    }
}

/// A point at which the server waits for the test.
#[derive(Clone, Default)]
pub struct Hold(Arc<(Mutex<(bool, bool)>, Condvar)>);

impl Hold {
    /// Waits until the server has come there.
    pub fn wait(&self) {
        let (state, changed) = &*self.0;
        let _state = changed
            .wait_while(state.lock().unwrap(), |(reached, _)| !*reached)
            .unwrap();
    }

    /// Lets the server go on.
    pub fn release(&self) {
        self.0.0.lock().unwrap().1 = true;
        self.0.1.notify_all();
    }

    /// Says that this point is reached, and waits for the test.
    pub fn hold(&self) {
        let (state, changed) = &*self.0;
        let mut held = state.lock().unwrap();
        held.0 = true;
        changed.notify_all();
        let _held = changed.wait_while(held, |(_, free)| !*free).unwrap();
    }
}
