//! What is said: requests, answers, frames with cargo. One JSON object a frame.
//!
//! Frames of a server are taken apart here and nowhere else. What is wrong with one is said in words of this program,
//! never in those of a parser.

use super::trouble::Trouble;
use crate::error::Result;
use crate::model::{Stage, json};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::ops::Range;
use tungstenite::Utf8Bytes;

/// The largest frame that a Strapi takes, in bytes: the default of the package `ws`.
pub const LARGEST_FRAME: usize = 100 << 20;
/// How much of a text of a server is taken on, in bytes. What is kept and told of it is the token's to say.
const LONGEST_TEXT: usize = 64 << 10;
/// How long an error of a server may be to be looked at, in bytes.
const LONGEST_ERROR: usize = 64 << 10;
/// How long an id of the protocol may be, in bytes.
const LONGEST_ID: usize = 200;

/// An action of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Gets ready; of a push, opens the transaction.
    Bootstrap,
    /// The version of Strapi.
    GetMetadata,
    /// All schemas, by uid.
    GetSchemas,
    /// Deletes what is to be replaced.
    BeforeTransfer,
    /// Ends well; of a push, commits.
    Close,
    /// Undoes a push. Closing the socket is the better way.
    Rollback,
}

impl Action {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Bootstrap => "bootstrap",
            Self::GetMetadata => "getMetadata",
            Self::GetSchemas => "getSchemas",
            Self::BeforeTransfer => "beforeTransfer",
            Self::Close => "close",
            Self::Rollback => "rollback",
        }
    }
}

/// What a push replaces, as `init` says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Restore {
    /// The only content types whose rows are deleted; all where it is `None`, Strapi's internal models as well.
    pub include: Option<Vec<String>>,
    /// Content types whose rows stay.
    pub exclude: Vec<String>,
    /// Whether the files are replaced.
    pub assets: bool,
    /// Whether the webhooks are replaced.
    pub webhook: bool,
    /// Whether the core store is replaced.
    pub core_store: bool,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub enum Request<'a> {
    /// Starts a pull.
    InitPull,
    /// Starts a push that replaces this.
    InitPush(&'a Restore),
    /// Does something that is no stage.
    Action(Action),
    /// Starts a stage.
    Start(Stage),
    /// Sends items of a stage of a push: a JSON array.
    Stream(Stage, &'a str),
    /// Ends a stage.
    EndStage(Stage),
    /// Ends the transfer of this id.
    End(&'a str),
}

impl Request<'_> {
    /// The frame.
    pub(super) fn frame(&self, uuid: &str, transfer: &str) -> String {
        let command = |name: &str, params: &str| {
            format!(r#"{{"type":"command","command":"{name}","params":{params},"uuid":"{uuid}"}}"#)
        };
        let step = |action: &str, stage: Stage| {
            format!(
                r#"{{"type":"transfer","kind":"step","action":"{action}","step":"{stage}","uuid":"{uuid}","transferID":{}"#,
                quoted(transfer)
            )
        };
        match self {
            Self::InitPull => command("init", r#"{"transfer":"pull","checksums":true}"#),
            Self::InitPush(restore) => command("init", &restore.params()),
            Self::End(id) => command("end", &format!(r#"{{"transferID":{}}}"#, quoted(id))),
            Self::Action(action) => format!(
                r#"{{"type":"transfer","kind":"action","action":"{}","uuid":"{uuid}","transferID":{}}}"#,
                action.as_str(),
                quoted(transfer)
            ),
            Self::Start(stage) => step("start", *stage) + "}",
            Self::EndStage(stage) => step("end", *stage) + "}",
            Self::Stream(stage, items) => {
                let mut frame = step("stream", *stage);
                frame.reserve(items.len() + 10);
                frame.push_str(r#","data":"#);
                frame.push_str(items);
                frame.push('}');
                frame
            }
        }
    }
}

impl Restore {
    fn params(&self) -> String {
        let list = |uids: &[String]| {
            let uids: Vec<String> = uids.iter().map(|uid| quoted(uid)).collect();
            format!("[{}]", uids.join(","))
        };
        let include = self.include.as_ref();
        let include = include.map(|uids| format!(r#""include":{},"#, list(uids)));
        format!(
            r#"{{"options":{{"strategy":"restore","restore":{{"entities":{{{}"exclude":{}}},"assets":{},"configuration":{{"webhook":{},"coreStore":{}}}}}}},"transfer":"push","checksums":true,"assetEncoding":"base64"}}"#,
            include.unwrap_or_default(),
            list(&self.exclude),
            self.assets,
            self.webhook,
            self.core_store
        )
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    json::write_string(&mut out, text);
    out
}

/// The data of an answer, as JSON.
#[derive(Debug, Clone)]
pub struct Answer {
    text: Utf8Bytes,
    data: Option<Range<usize>>,
}

impl Answer {
    /// The data; `null` where there is none.
    pub fn data(&self) -> &str {
        let data = self.data.clone();
        data.map_or("null", |range| &self.text.as_str()[range])
    }

    /// The data, read as this.
    ///
    /// # Errors
    /// It is something else; `what` says of which request, such as "the start of the assets".
    pub(super) fn read<T: DeserializeOwned>(&self, what: &str) -> Result<T, Trouble> {
        serde_json::from_str(self.data())
            .map_err(|_| Trouble::malformed(format!("its answer to {what} is not as it should be")))
    }

    /// How many items of a stage of a push were started and finished. 4.x does not say it, so that it is only needed of
    /// servers that know checksums.
    ///
    /// # Errors
    /// It is needed, and not there or something else.
    pub fn stats(&self, is_needed: bool) -> Result<Option<Stats>, Trouble> {
        #[derive(Deserialize)]
        struct Data {
            stats: Stats,
        }
        match self.read::<Data>("the end of a stage") {
            Ok(data) => Ok(Some(data.stats)),
            Err(trouble) if is_needed => Err(trouble),
            Err(_) => Ok(None),
        }
    }
}

/// Items of a stage of a push, as the server counted them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub struct Stats {
    /// How many it began to write.
    pub started: u64,
    /// How many it wrote, or skipped.
    pub finished: u64,
}

/// A frame of a stage that is pulled. It must be acknowledged.
#[derive(Debug, Clone)]
pub(super) struct Cargo {
    text: Utf8Bytes,
    data: Option<Range<usize>>,
    /// What acknowledges it.
    pub uuid: String,
    /// The stage, as `start` named it.
    pub id: String,
    /// Whether it is the last one.
    pub ended: bool,
    /// Whether the stage failed.
    pub failed: bool,
}

impl Cargo {
    /// What it brings: a JSON array, where it brings something.
    pub fn data(&self) -> Option<&str> {
        let data = self.data.clone();
        data.map(|range| &self.text.as_str()[range])
    }
}

/// What a server says beside its answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it is an error, and no warning.
    pub is_error: bool,
    /// Its words, of bounded length.
    pub message: String,
}

/// A frame of a server.
#[derive(Debug)]
pub(super) enum Frame {
    Answer {
        uuid: String,
        result: Result<Answer, Trouble>,
    },
    Cargo(Cargo),
    /// `None` where it is only for information.
    Diagnostic(Option<Diagnostic>),
    /// A push has put the old files into this folder of the server.
    Backup(String),
    /// Nothing of this protocol; it needs no answer.
    Other,
}

#[derive(Deserialize)]
struct Whole<'a> {
    #[serde(borrow, default)]
    uuid: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    diagnostic: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Piece<'a> {
    #[serde(borrow, rename = "type", default)]
    kind: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    ended: Option<bool>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl Frame {
    /// Takes a frame apart.
    pub fn parse(text: Utf8Bytes) -> Result<Self, Trouble> {
        let not_ours = || Trouble::malformed("it sends what is no message of Strapi's transfers");
        if !text.as_str().trim_start().starts_with('{') {
            return Err(not_ours());
        }
        let whole: Whole<'_> = serde_json::from_str(text.as_str()).map_err(|_| not_ours())?;
        if let Some(diagnostic) = whole.diagnostic {
            let said = Said::parse(diagnostic.get());
            let backup = said.as_ref().and_then(Said::backup);
            return Ok(match backup {
                Some(folder) => Self::Backup(folder),
                None => Self::Diagnostic(said.and_then(Said::diagnostic)),
            });
        }
        let Some(uuid) = whole.uuid else {
            return Ok(Self::Other);
        };
        if uuid.len() > LONGEST_ID {
            return Err(not_ours());
        }
        let uuid = uuid.into_owned();
        if let Some(error) = whole.error {
            let result = Err(server_error(error.get()));
            return Ok(Self::Answer { uuid, result });
        }
        let piece = whole.data.filter(|data| data.get().starts_with('{'));
        let piece = piece.and_then(|data| serde_json::from_str::<Piece<'_>>(data.get()).ok());
        if let Some(piece) = piece.filter(|piece| piece.kind.as_deref() == Some("transfer")) {
            let id = piece.id.filter(|id| id.len() <= LONGEST_ID);
            let cargo = Cargo {
                uuid,
                id: id.ok_or_else(not_ours)?.into_owned(),
                data: piece.data.map(|data| place(&text, data)),
                ended: piece.ended.unwrap_or(false),
                failed: piece.error.is_some(),
                text,
            };
            return Ok(Self::Cargo(cargo));
        }
        let data = whole.data.map(|data| place(&text, data));
        let answer = Answer { data, text };
        Ok(Self::Answer {
            uuid,
            result: Ok(answer),
        })
    }
}

/// How the information begins where old files were put, on servers that keep them on their own disk.
const BACKUP: &str = "created assets backup directory ";

#[derive(Deserialize)]
struct Said<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    details: Details<'a>,
}

#[derive(Deserialize)]
struct Details<'a> {
    #[serde(borrow)]
    message: Cow<'a, str>,
}

impl<'a> Said<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    fn backup(&self) -> Option<String> {
        let folder = self.details.message.strip_prefix(BACKUP)?;
        (self.kind == "info").then(|| bounded(folder))
    }

    fn diagnostic(self) -> Option<Diagnostic> {
        (self.kind != "info").then(|| Diagnostic {
            is_error: self.kind == "error",
            message: bounded(&self.details.message),
        })
    }
}

/// Where a part of a text stands in it.
fn place(text: &Utf8Bytes, part: &RawValue) -> Range<usize> {
    let start = part.get().as_ptr() as usize - text.as_str().as_ptr() as usize;
    start..start + part.get().len()
}

/// A text that is not too long to be looked at.
fn bounded(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST_TEXT)].to_owned()
}

/// An error of a server, in its words. Codes are the names that JavaScript or a driver gives its errors: only two are
/// known to mean something.
fn server_error(error: &str) -> Trouble {
    let value = match error.len() <= LONGEST_ERROR {
        true => serde_json::from_str::<serde_json::Value>(error).unwrap_or_default(),
        false => serde_json::Value::Null,
    };
    let text = |value: &serde_json::Value| value.as_str().map(bounded);
    if value["code"].as_str() == Some("UnauthorizedError") {
        return Trouble::Expired;
    }
    let message = text(&value["message"]).filter(|message| !message.trim().is_empty());
    Trouble::Server {
        message: message.unwrap_or_else(|| "it does not say what is wrong".into()),
        code: text(&value["details"]["details"]["code"]),
    }
}

#[cfg(test)]
mod tests;
