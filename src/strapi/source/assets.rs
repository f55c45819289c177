//! The stage of the assets: the files of the media library, each with its sidecar.

use super::ahead::in_order;
use super::attributes::{Tally, write_attributes, write_name};
use super::{Reader, Rows, select_batch};
use crate::effort::{Effort, Work};
use crate::error::{Error, Result};
use crate::model::limits::LONGEST_SIDECAR;
use crate::model::{Asset, Fields, Stage, complete_sidecar, is_file_name, json};
use crate::strapi::media::is_hidden_there;
use crate::strapi::uploads::{FileAt, LOCAL_PROVIDER, Odd, Opened};
use crate::transfer::{Examples, Sink, Subject, UPLOAD_TYPES, Warning, WarningKind};
use std::borrow::Cow;
use std::io::{self, Read};
use std::sync::Arc;

/// A row of `plugin::upload.file`, as far as its files need it.
struct FileRow {
    id: i64,
    sidecar: String,
    values: [Option<String>; NEEDED.len()],
}

/// The attributes that are needed beside the sidecar, in the order of [`FileRow::values`]: texts, but for the
/// JSON of those in [`JSON`].
const NEEDED: [&str; 7] = ["hash", "ext", "url", "provider", "mime", "formats", "size"];
/// Those of which the JSON is needed.
const JSON: [&str; 2] = ["formats", "size"];

/// How many files that come over a network are waited for at once.
const THREADS: usize = 8;
/// How many may be open, or in memory, at once.
const AHEAD: usize = 12;

impl FileRow {
    fn value(&self, name: &str) -> Option<&str> {
        let index = NEEDED.iter().position(|own| *own == name)?;
        self.values[index].as_deref()
    }
}

/// A file to send: an upload or one of its formats.
struct Wanted<'a> {
    row: &'a FileRow,
    format: Option<String>,
    filename: String,
    at: FileAt,
    sidecar: String,
}

impl Wanted<'_> {
    fn is_local(&self) -> bool {
        self.at.provider == LOCAL_PROVIDER
    }
}

/// How many missing files are listed one by one.
const LISTED: u64 = 1000;

/// Files that could not be sent, or are not what their rows say.
#[derive(Default)]
pub(super) struct MissingFiles {
    listed: u64,
    /// Those behind them.
    more: Examples,
    /// Those that were sent, and are not what their rows say.
    odd: Examples,
}

impl MissingFiles {
    /// Tells of those that were not listed one by one.
    fn tell(&mut self, sink: &mut dyn Sink) {
        let all = std::mem::take(self);
        let more = all.more.warning(WarningKind::MissingAsset, Subject::Files);
        let odd = all.odd.warning(WarningKind::Notice, Subject::Files);
        let odd = odd.map(|note| {
            let reason = format!(
                "{} in the bucket are not what their rows say; the archive has them as they are: {}",
                note.count, note.reason
            );
            Warning { reason, ..note }
        });
        more.into_iter()
            .chain(odd)
            .for_each(|warning| sink.warn(warning));
    }
}

impl Reader<'_> {
    pub(super) fn assets(&mut self, sink: &mut dyn Sink) -> Result<()> {
        let catalogue = self.catalogue;
        let Some(model) = catalogue.models.get(UPLOAD_TYPES[0]) else {
            return sink.stage(Stage::Assets, Some(0));
        };
        let count = self.database.count(&model.table)?;
        sink.stage(Stage::Assets, None)?;
        if count > 0 {
            self.uploads.check()?;
        }
        let (mut last, mut rows) = (None, Rows::FIRST);
        let mut tally = Tally::default();
        loop {
            let mut batch: Vec<FileRow> = Vec::with_capacity(rows.0);
            let (sql, after) = select_batch(self.database, model, last, rows);
            self.database.query(&sql, &after, &mut |row| {
                let id = row.value(0)?.as_i64().unwrap_or_default();
                let mut sidecar = "{\"id\":".to_owned();
                json::write_i64(&mut sidecar, id);
                write_attributes(&mut sidecar, model, id, row, &mut tally)
                    .map_err(|error| error.within(format!("{} {id}", model.uid)))?;
                sidecar.push('}');
                // What a reader of the archive finds there, not what the columns hold.
                let written = Fields::parse(&sidecar)
                    .map_err(|error| Error::failed(format!("{} {id}: {error}", model.uid)))?;
                let values = NEEDED.map(|name| match JSON.contains(&name) {
                    true => written.get(name).map(str::to_owned),
                    false => written.text(name),
                });
                batch.push(FileRow {
                    id,
                    sidecar,
                    values,
                });
                Ok(())
            })?;
            self.send_batch(&batch, sink)?;
            let bytes = batch.iter().map(|row| row.sidecar.len()).sum();
            let (Some(end), Some(next)) = (batch.last(), rows.after(batch.len(), bytes, false))
            else {
                break;
            };
            (last, rows) = (Some(end.id), next);
        }
        // Else they were told with the rows.
        if !(self.filter.includes(Stage::Entities) && self.filter.includes_type(&model.uid)) {
            tally.tell(|uid, attribute| Subject::Attribute { uid, attribute }, sink);
        }
        self.missing_files.tell(sink);
        let completed = std::mem::take(&mut self.completed_sidecars);
        if let Some(note) = completed.warning(WarningKind::Notice, Subject::Files) {
            let reason = format!(
                "{} lack a name, a media type or a size, which `strapi import` asks for; the archive \
                 has some beside the file, and the row as it is: {}",
                note.count, note.reason
            );
            sink.warn(Warning { reason, ..note });
        }
        Ok(())
    }

    /// Sends the files of some rows, in order; those that come over a network are fetched several at once.
    fn send_batch(&mut self, rows: &[FileRow], sink: &mut dyn Sink) -> Result<()> {
        let mut files = Vec::new();
        for row in rows {
            self.files_of(row, &mut files, sink);
        }
        let is_near = |wanted: &Wanted<'_>| wanted.is_local();
        let threads = if files.iter().all(is_near) {
            1
        } else {
            THREADS
        };
        let uploads = Arc::clone(&self.uploads);
        let open = |wanted: &Wanted<'_>| uploads.open(&wanted.at);
        // Strapi sends no format of the upload folder without its upload.
        let mut sent = true;
        in_order(&files, threads, AHEAD, open, |wanted, opened| {
            if wanted.format.is_none() {
                sent = self.send(wanted, opened?, sink)?;
            } else if sent || !wanted.is_local() {
                self.send(wanted, opened?, sink)?;
            } else {
                self.missing(wanted, "the upload it is a format of is missing", sink);
            }
            Ok(())
        })
    }

    /// The files of a row: the upload, then its formats.
    fn files_of<'a>(&mut self, row: &'a FileRow, files: &mut Vec<Wanted<'a>>, sink: &mut dyn Sink) {
        let text = |name: &str| row.value(name).unwrap_or_default().to_owned();
        let (hash, ext) = (text("hash"), text("ext"));
        let provider = row.value("provider").unwrap_or(LOCAL_PROVIDER);
        files.push(Wanted {
            row,
            format: None,
            filename: format!("{hash}{ext}"),
            sidecar: row.sidecar.clone(),
            at: FileAt {
                provider: provider.to_owned(),
                url: text("url"),
                ext,
                path: String::new(),
                size: row.value("size").and_then(|size| size.parse().ok()),
                mime: row.value("mime").map(str::to_owned),
                hash: hash.clone(),
            },
        });
        let is_object = |text: &&str| text.starts_with('{');
        let formats = row.value("formats").filter(is_object);
        let formats = match formats.map(Fields::parse_with_any_names).transpose() {
            Ok(formats) => formats,
            Err(error) => return self.missing_format(row, "all", &error.to_string(), sink),
        };
        for (name, format) in formats.iter().flat_map(|formats| &formats.0) {
            if !is_object(format) {
                continue;
            }
            let fields = match Fields::parse_with_any_names(format) {
                Ok(fields) => fields,
                Err(error) => {
                    self.missing_format(row, name, &error.to_string(), sink);
                    continue;
                }
            };
            let text = |member: &str| {
                fields
                    .get(member)
                    .and_then(|value| serde_json::from_str::<String>(value).ok())
            };
            let at = FileAt {
                provider: provider.to_owned(),
                url: text("url").unwrap_or_default(),
                hash: text("hash").unwrap_or_default(),
                ext: text("ext").unwrap_or_default(),
                path: text("path").unwrap_or_default(),
                size: fields.get("size").and_then(|size| size.parse().ok()),
                mime: text("mime"),
            };
            files.push(Wanted {
                row,
                format: Some(name.to_string()),
                filename: format!("{}{}", at.hash, at.ext),
                sidecar: format_sidecar(&fields, name, row.id, &hash),
                at,
            });
        }
    }

    /// Sends a file; gives whether it was there.
    fn send(
        &mut self,
        wanted: &Wanted<'_>,
        opened: Result<Opened, String>,
        sink: &mut dyn Sink,
    ) -> Result<bool> {
        let opened = match opened {
            Ok(opened) => opened,
            Err(why) => {
                self.missing(wanted, &why, sink);
                return Ok(false);
            }
        };
        if wanted.at.hash.is_empty() {
            self.missing(wanted, "it has no hash", sink);
            return Ok(false);
        }
        if !is_file_name(&wanted.filename) {
            self.missing(wanted, "its hash and extension make no file name", sink);
            return Ok(false);
        }
        if is_hidden_there(self.uploads.as_ref(), &wanted.at.provider, &wanted.at.url) {
            let why = "it is hidden, and no restore puts a file at a hidden name, where web servers keep \
                       their rules";
            self.missing(wanted, why, sink);
            return Ok(false);
        }
        // Rows may share a file; an archive holds it once.
        match self.sent_files.get(&wanted.filename) {
            None => drop(
                self.sent_files
                    .insert(&wanted.filename, opened.place.clone()),
            ),
            Some(place) if *place == opened.place => return Ok(true),
            Some(_) => {
                self.missing(wanted, "another file of this name is in the archive", sink);
                return Ok(false);
            }
        }
        let sidecar = complete_sidecar(&wanted.sidecar, &wanted.filename, opened.size);
        if sidecar.len() as u64 > LONGEST_SIDECAR {
            let why = format!(
                "what describes it has more than the {LONGEST_SIDECAR} bytes that a sidecar may have"
            );
            self.missing(wanted, &why, sink);
            return Ok(false);
        }
        if let Cow::Owned(_) = sidecar {
            let id = wanted.row.id;
            self.completed_sidecars
                .add(|| format!("{id} ({})", wanted.filename));
        }
        let asset = Asset {
            filename: wanted.filename.clone(),
            sidecar: sidecar.into_owned(),
            size: opened.size,
        };
        let subject = Subject::Path(opened.place.clone());
        match &opened.odd {
            None => {}
            Some(Odd::Known(how)) => {
                let id = wanted.row.id;
                let file = || format!("{id} ({}) {how}", wanted.filename);
                self.missing_files.odd.add(file);
            }
            Some(Odd::Doubtful(how)) => {
                sink.warn(Warning::new(
                    WarningKind::ChangedAsset,
                    subject.clone(),
                    how,
                ));
            }
        }
        let mut content = Exactly::new(opened, &self.project.effort);
        sink.asset(&asset, &mut content)?;
        if let Some(why) = content.fell_short {
            let reason = format!("{why}; the archive holds zeros for the rest");
            sink.warn(Warning::new(WarningKind::ChangedAsset, subject, reason));
        }
        Ok(true)
    }

    /// Lists a format of which not even the file is known.
    fn missing_format(&self, row: &FileRow, format: &str, why: &str, sink: &mut dyn Sink) {
        let subject = Subject::File {
            id: row.id,
            format: Some(format.to_owned()),
            filename: row.value("hash").unwrap_or_default().to_owned(),
        };
        sink.warn(Warning::new(WarningKind::MissingAsset, subject, why));
    }

    fn missing(&mut self, wanted: &Wanted<'_>, why: &str, sink: &mut dyn Sink) {
        if self.missing_files.listed == LISTED {
            let more = &mut self.missing_files.more;
            more.add(|| format!("{} ({})", wanted.row.id, wanted.filename));
            return;
        }
        self.missing_files.listed += 1;
        sink.warn(Warning::new(
            WarningKind::MissingAsset,
            Subject::File {
                id: wanted.row.id,
                format: wanted.format.clone(),
                filename: wanted.filename.clone(),
            },
            why,
        ));
    }
}

/// The sidecar of a format: the object under `formats`, then `type`, `id` and `mainHash`, which
/// replace members of the same name where they stand.
fn format_sidecar(fields: &Fields<'_>, name: &str, id: i64, main_hash: &str) -> String {
    let mut added: Vec<(&str, String)> = ["type", "id", "mainHash"]
        .into_iter()
        .map(|member| {
            let mut value = String::new();
            match member {
                "type" => json::write_string(&mut value, name),
                "id" => json::write_i64(&mut value, id),
                _ => json::write_string(&mut value, main_hash),
            }
            (member, value)
        })
        .collect();
    let mut out = "{".to_owned();
    for (member, value) in &fields.0 {
        write_name(&mut out, member);
        match added.iter().position(|(own, _)| own == member) {
            Some(index) => out.push_str(&added.remove(index).1),
            None => {
                json::write_compact(&mut out, value);
            }
        }
    }
    for (member, value) in added {
        write_name(&mut out, member);
        out.push_str(&value);
    }
    out.push('}');
    out
}

/// Gives exactly as many bytes as the file had when it was opened.
struct Exactly {
    content: Box<dyn Read>,
    left: u64,
    /// Why it gave less.
    fell_short: Option<String>,
}

impl Exactly {
    fn new(opened: Opened, effort: &Effort) -> Self {
        Self {
            content: Box::new(effort.metered(Work::Files, opened.content)),
            left: opened.size,
            fell_short: None,
        }
    }
}

impl Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = usize::try_from(self.left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if length == 0 {
            return Ok(0);
        }
        let buffer = &mut buffer[..length];
        let mut read = 0;
        if self.fell_short.is_none() {
            match self.content.read(buffer) {
                Ok(0) => self.fell_short = Some("became shorter while it was read".into()),
                Ok(length) => read = length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
                Err(error) => {
                    self.fell_short = Some(format!("cannot be read to its end ({error})"));
                }
            }
        }
        if read == 0 {
            buffer.fill(0);
            read = length;
        }
        self.left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives some bytes, then an error.
    struct Broken(usize);

    impl Read for Broken {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::Error::from_raw_os_error(5));
            }
            let length = self.0.min(buffer.len());
            buffer[..length].fill(1);
            self.0 -= length;
            Ok(length)
        }
    }

    #[test]
    fn a_file_that_the_disk_does_not_give_is_as_long_as_it_was_and_told() {
        let opened = Opened {
            content: Box::new(Broken(5)),
            size: 8,
            place: "image.jpg".into(),
            odd: None,
        };
        let mut content = Exactly::new(opened, &Effort::default());
        let mut read = Vec::new();
        content.read_to_end(&mut read).expect("read");
        assert_eq!(read, [1, 1, 1, 1, 1, 0, 0, 0]);
        let why = content.fell_short.expect("it is told");
        assert!(why.starts_with("cannot be read to its end"), "{why}");
    }
}
