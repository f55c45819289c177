//! Files as they come: their parts one after the other, with what describes them. A file is whole when its end has come,
//! and, where both sides know checksums, when that one is right. It is as long as what came, whatever was said before.

use super::super::socket::Stopped;
use super::super::trouble::Trouble;
use crate::error::Error;
use crate::hashing::hexadecimal;
use crate::model::{NameMap, Short, elements};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// How many bytes of a file are held in memory; longer ones go to disk.
const HELD: usize = 4 << 20;
/// Bytes that are read at once.
const BUFFER: usize = 256 << 10;
/// How many parts of files, and lists of them, a frame may bring; Strapi's bring 16 parts of 64 KiB, and a few more.
const MOST_ITEMS: usize = 100_000;
/// The algorithm of the checksums that Strapi sends.
const ALGORITHM: &str = "sha256";

/// A file that came.
pub(super) struct Arrived {
    /// The name that it has on the server, without its folder.
    pub filename: String,
    /// What describes it, as it came: JSON.
    pub sidecar: String,
    pub content: Content,
    /// The SHA-256 of its content.
    pub digest: [u8; 32],
}

/// The bytes of a file.
pub(super) struct Content {
    held: Vec<u8>,
    spooled: Option<File>,
    length: u64,
    folder: PathBuf,
}

impl Content {
    fn new(folder: &Path) -> Self {
        Self {
            held: Vec::new(),
            spooled: None,
            length: 0,
            folder: folder.to_owned(),
        }
    }

    /// How many there are.
    pub fn length(&self) -> u64 {
        self.length
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), Stopped> {
        self.length += bytes.len() as u64;
        let fail = |error| Stopped::Here(Error::io("spool a file in", &self.folder, error));
        match &mut self.spooled {
            Some(file) => file.write_all(bytes).map_err(fail),
            None if self.held.len() + bytes.len() <= HELD => {
                self.held.extend_from_slice(bytes);
                Ok(())
            }
            None => {
                let mut file = tempfile::tempfile_in(&self.folder).map_err(fail)?;
                file.write_all(&self.held).map_err(fail)?;
                file.write_all(bytes).map_err(fail)?;
                self.held = Vec::new();
                self.spooled = Some(file);
                Ok(())
            }
        }
    }

    /// Reads all of them.
    ///
    /// # Errors
    /// What was spooled cannot be read.
    pub fn reader(&mut self) -> Result<Box<dyn Read + '_>, Error> {
        let folder = &self.folder;
        match &mut self.spooled {
            None => Ok(Box::new(self.held.as_slice())),
            Some(file) => {
                let sought = file.seek(SeekFrom::Start(0));
                sought.map_err(|error: io::Error| Error::io("read a file in", folder, error))?;
                Ok(Box::new(BufReader::with_capacity(BUFFER, file)))
            }
        }
    }
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    #[serde(borrow, rename = "assetID")]
    asset: Cow<'a, str>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(borrow, default)]
    encoding: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    checksum: Option<Checksum<'a>>,
}

#[derive(Deserialize)]
struct Checksum<'a> {
    #[serde(borrow)]
    algorithm: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Start<'a> {
    #[serde(borrow)]
    metadata: &'a RawValue,
    #[serde(borrow)]
    filename: Cow<'a, str>,
}

/// The form of bytes before 5.x.
#[derive(Deserialize)]
struct Buffer<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    data: Vec<u8>,
}

/// A file of which not all has come.
struct Coming {
    asset: String,
    filename: String,
    sidecar: String,
    content: Content,
    digest: Sha256,
}

/// Files of one go.
pub(super) struct Items {
    folder: PathBuf,
    checksums: bool,
    coming: Option<Coming>,
    /// Those that were started.
    started: NameMap<()>,
}

impl Items {
    /// None yet; long ones go into `folder`. Each must come with its checksum where there are `checksums`.
    pub fn new(folder: &Path, checksums: bool) -> Self {
        Self {
            folder: folder.to_owned(),
            checksums,
            coming: None,
            started: NameMap::default(),
        }
    }

    /// Takes what a frame brings, and hands each file over that is whole then.
    pub fn take(
        &mut self,
        data: &str,
        arrived: &mut dyn FnMut(Arrived) -> Result<(), Stopped>,
    ) -> Result<(), Stopped> {
        let odd = || malformed("something among its assets is not as it should be");
        let mut room = MOST_ITEMS;
        let mut count = || {
            room = room.checked_sub(1).ok_or_else(|| {
                malformed("it sends more parts of its assets at once than any Strapi does")
            })?;
            Ok::<_, Stopped>(())
        };
        for batch in elements(data).map_err(|_| odd())? {
            count()?;
            for item in elements(batch).map_err(|_| odd())? {
                count()?;
                let item: Item<'_> = serde_json::from_str(item).map_err(|_| odd())?;
                match &*item.action {
                    "start" => self.start(&item)?,
                    "stream" => self.part(&item)?,
                    "end" => arrived(self.end(&item)?)?,
                    _ => return Err(odd()),
                }
            }
        }
        Ok(())
    }

    /// Sees that no file is left without its end.
    pub fn finish(&self) -> Result<(), Stopped> {
        match &self.coming {
            None => Ok(()),
            Some(coming) => {
                let filename = Short(&coming.filename);
                Err(malformed(&format!(
                    "it ends its assets within the file {filename}"
                )))
            }
        }
    }

    fn start(&mut self, item: &Item<'_>) -> Result<(), Stopped> {
        let start = item
            .data
            .map(|data| serde_json::from_str::<Start<'_>>(data.get()));
        let Some(Ok(start)) = start else {
            return Err(malformed("it starts a file and does not describe it"));
        };
        let filename = Short(&start.filename);
        if self.coming.is_some() {
            return Err(malformed(&format!(
                "it starts the file {filename} within another one"
            )));
        }
        if self.started.insert(&item.asset, ()).is_some() {
            return Err(malformed(&format!("it sends the file {filename} twice")));
        }
        if !start.metadata.get().starts_with('{') {
            return Err(malformed(&format!(
                "it does not describe the file {filename}"
            )));
        }
        self.coming = Some(Coming {
            asset: item.asset.clone().into_owned(),
            sidecar: start.metadata.get().to_owned(),
            filename: start.filename.into_owned(),
            content: Content::new(&self.folder),
            digest: Sha256::new(),
        });
        Ok(())
    }

    /// The file that an item is of.
    fn of(&mut self, item: &Item<'_>) -> Result<&mut Coming, Stopped> {
        let coming = self.coming.as_mut();
        let coming = coming.filter(|coming| coming.asset == item.asset);
        coming.ok_or_else(|| malformed("it sends a part of a file that it did not start"))
    }

    fn part(&mut self, item: &Item<'_>) -> Result<(), Stopped> {
        let bytes = bytes(item);
        let coming = self.of(item)?;
        let Some(bytes) = bytes else {
            return Err(malformed(&format!(
                "a part of the file {} is in no form that this program knows",
                Short(&coming.filename)
            )));
        };
        coming.digest.update(&bytes);
        coming.content.add(&bytes)
    }

    fn end(&mut self, item: &Item<'_>) -> Result<Arrived, Stopped> {
        let checksums = self.checksums;
        let coming = self.of(item)?;
        let filename = Short(&coming.filename);
        let digest: [u8; 32] = coming.digest.clone().finalize().into();
        let refuse = |why: &str| Err(malformed(&format!("the file {filename} {why}")));
        match &item.checksum {
            None if checksums => return refuse("came without its checksum"),
            Some(checksum) if checksum.algorithm != ALGORITHM => {
                return refuse("has a checksum of a kind that this program does not know");
            }
            Some(checksum) => {
                let own = hexadecimal(&digest);
                if !checksum.value.eq_ignore_ascii_case(&own) {
                    return refuse("was damaged on its way: its checksum is another");
                }
            }
            None => {}
        }
        let coming = self.coming.take().expect("it was just looked at");
        Ok(Arrived {
            filename: coming.filename,
            sidecar: coming.sidecar,
            content: coming.content,
            digest,
        })
    }
}

/// The bytes of a part, in either form.
fn bytes(item: &Item<'_>) -> Option<Vec<u8>> {
    let data = item.data?.get();
    match item.encoding.as_deref() {
        Some("base64") => {
            let text: Cow<'_, str> = match serde_json::from_str::<Text<'_>>(data) {
                Ok(Text(text)) => text,
                Err(_) => return None,
            };
            STANDARD.decode(text.as_bytes()).ok()
        }
        None => {
            let buffer: Buffer<'_> = serde_json::from_str(data).ok()?;
            (buffer.kind == "Buffer").then_some(buffer.data)
        }
        Some(_) => None,
    }
}

#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn malformed(why: &str) -> Stopped {
    Trouble::malformed(why).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes of these items: files, or what is wrong.
    fn taken(checksums: bool, frames: &[&str]) -> Result<Vec<(String, Vec<u8>)>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut items = Items::new(folder.path(), checksums);
        let mut files = Vec::new();
        let told = |stopped| match stopped {
            Stopped::There(trouble) => trouble.to_string(),
            Stopped::Here(error) => panic!("{error}"),
        };
        for frame in frames {
            let arrived = &mut |mut file: Arrived| {
                let mut bytes = Vec::new();
                let length = file.content.length();
                let mut reader = file.content.reader().expect("a reader");
                reader.read_to_end(&mut bytes).expect("bytes");
                assert_eq!(length, bytes.len() as u64);
                files.push((file.filename.clone(), bytes));
                Ok(())
            };
            items.take(&format!("[[{frame}]]"), arrived).map_err(told)?;
        }
        items.finish().map_err(told)?;
        Ok(files)
    }

    fn start(asset: &str, name: &str) -> String {
        format!(
            r#"{{"action":"start","assetID":"{asset}","data":{{"metadata":{{"id":1}},"filepath":"/etc/x","filename":"{name}","stats":{{"size":-7}}}}}}"#
        )
    }

    const BASE64: &str =
        r#"{"action":"stream","assetID":"a","encoding":"base64","data":"aGVsbG8="}"#;
    const BUFFER: &str = r#"{"action":"stream","assetID":"a","data":{"type":"Buffer","data":[104,101,108,108,111]}}"#;
    const END: &str = r#"{"action":"end","assetID":"a"}"#;

    fn end(algorithm: &str, value: &str) -> String {
        format!(
            r#"{{"action":"end","assetID":"a","checksum":{{"algorithm":"{algorithm}","value":"{value}"}}}}"#
        )
    }

    const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

    #[test]
    fn both_forms_of_bytes_give_the_file_whatever_its_length_was_said_to_be() {
        for part in [BASE64, BUFFER] {
            let files = taken(false, &[&start("a", "a.txt"), part, part, END]).expect("a file");
            assert_eq!(files, [("a.txt".to_owned(), b"hellohello".to_vec())]);
        }
        let files = taken(true, &[&start("a", "a.txt"), BASE64, &end("sha256", HELLO)]);
        assert_eq!(files.expect("a file").len(), 1);
    }

    #[test]
    fn a_file_that_is_long_comes_whole() {
        let part = format!(
            r#"{{"action":"stream","assetID":"a","encoding":"base64","data":"{}"}}"#,
            STANDARD.encode(vec![7; 1 << 20])
        );
        let first = start("a", "a.bin");
        let mut frames = vec![first.as_str()];
        frames.extend([part.as_str(); 6]);
        frames.push(END);
        let files = taken(false, &frames).expect("a file");
        assert_eq!(files[0].1, vec![7; 6 << 20]);
    }

    #[test]
    fn what_is_no_whole_file_is_told() {
        let a = start("a", "a.txt");
        let told = |checksums, frames: &[&str]| taken(checksums, frames).expect_err("no file");
        assert!(told(false, &[&a, BASE64]).contains("within the file a.txt"));
        assert!(told(false, &[&a, &start("b", "b.txt")]).contains("within another"));
        assert!(told(false, &[&a, END, &a]).contains("twice"));
        assert!(told(false, &[BASE64]).contains("did not start"));
        assert!(told(false, &[&a, END, BASE64]).contains("did not start"));
        assert!(told(true, &[&a, BASE64, END]).contains("without its checksum"));
        assert!(told(true, &[&a, BASE64, &end("md5", HELLO)]).contains("of a kind"));
        assert!(told(true, &[&a, &end("sha256", HELLO)]).contains("damaged"));
        assert!(told(false, &[&a, BASE64, &end("sha256", "00")]).contains("damaged"));
        for odd in [
            r#"{"action":"stream","assetID":"a","encoding":"hex","data":"00"}"#,
            r#"{"action":"stream","assetID":"a","encoding":"base64","data":"*"}"#,
            r#"{"action":"stream","assetID":"a","data":{"type":"Buffer","data":[256]}}"#,
            r#"{"action":"stream","assetID":"a"}"#,
        ] {
            assert!(told(false, &[&a, odd]).contains("in no form"), "{odd}");
        }
        for odd in ["1", r#"{"action":"delete","assetID":"a"}"#] {
            assert!(told(false, &[odd]).contains("not as it should be"), "{odd}");
        }
    }

    #[test]
    fn a_frame_of_very_many_items_or_lists_is_refused_and_not_gathered() {
        let folder = tempfile::tempdir().expect("a folder");
        let part = r#"{"action":"stream","assetID":"a","encoding":"base64","data":""}"#;
        let start = start("a", "a.txt");
        for (item, batch) in [("[]", false), (part, true)] {
            for (count, is_fine) in [(90_000, true), (200_000, false)] {
                let items = vec![item; count].join(",");
                let data = match batch {
                    true => format!("[[{items}]]"),
                    false => format!("[{items}]"),
                };
                let mut files = Items::new(folder.path(), false);
                let none = &mut |_: Arrived| Ok(());
                assert!(files.take(&format!("[[{start}]]"), none).is_ok());
                match files.take(&data, none) {
                    Ok(()) => assert!(is_fine, "{item}"),
                    Err(Stopped::There(trouble)) => {
                        let told = trouble.to_string();
                        assert!(!is_fine && told.contains("at once"), "{told}");
                    }
                    Err(Stopped::Here(error)) => panic!("{error}"),
                }
            }
        }
    }
}
