//! Writes an archive into an object store, in parts that are on their way while the next one is made. No copy of it
//! lies anywhere, and the object is there when all of it is.

use super::beside::{Beside, LONGEST_SUMMARY, id_of, marked};
use super::explain::{exists, explain};
use super::{Bucket, path_of};
use crate::error::{Error, Kind, Result};
use crate::random;
use crate::store::{Access, Ending, ObjectName, Receipt, StoreKind, Target};
use bytes::Bytes;
use object_store::path::Path;
use object_store::{
    Error as Answer, GetOptions, MultipartUpload, PutMode, PutMultipartOptions, PutOptions,
    PutPayload,
};
use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, Write};
use std::path::PathBuf;
use std::pin::pin;
use std::time::Duration;
use tokio::task::JoinHandle;

/// The size of a part.
const PART: usize = 16 << 20;
/// After so many parts they get larger: a store takes ten thousand.
const SMALL_PARTS: usize = 5000;
/// Their size then.
const LARGE_PART: usize = 64 << 20;
/// How many parts are on their way at once.
const IN_FLIGHT: usize = 4;
/// A part is sent in pieces of this size, so that it is seen whether it moves.
const PIECE: usize = 256 << 10;
/// How long giving an upload up may take: whoever pressed Ctrl-C waits for it.
const GIVING_UP: Duration = Duration::from_millis(1200);
/// How long the answer to what completes an upload is waited for after the user wants the run to stop.
const LAST_CHANCE: Duration = Duration::from_millis(500);

/// An object that appears when it is complete.
pub struct ObjectTarget {
    bucket: Bucket,
    name: ObjectName,
    path: Path,
    /// What may be left beside it by an archive that had the name before.
    summary: ObjectName,
    vouches: fn(&[u8], &str) -> bool,
    overwrite: bool,
    /// What this run's object is known by.
    id: String,
    buffer: Vec<u8>,
    parts: usize,
    /// `None` until there is more than one part, and once it is completed.
    upload: Option<Box<dyn MultipartUpload>>,
    on_their_way: VecDeque<JoinHandle<object_store::Result<()>>>,
    receipt: Receipt,
    spool_folder: PathBuf,
}

impl ObjectTarget {
    /// Starts an object of this name, beside which there is a summary. What must wait is kept in `spool_folder`.
    ///
    /// # Errors
    /// It is there already, or something else has the name of its summary, and `overwrite` is not set; or the store cannot be reached, or refuses it.
    pub fn create(
        name: &ObjectName,
        summary: &Beside,
        overwrite: bool,
        access: &Access,
        receipt: Receipt,
        spool_folder: &std::path::Path,
    ) -> Result<Self> {
        let bucket = Bucket::open(name, access)?;
        let path = path_of(name)?;
        let id = random::digits()?;
        match bucket.look(name) {
            Ok(Some(_)) if !overwrite => return Err(exists(name)),
            Ok(_) => {}
            // Who may only write sees nothing; where the store holds a name against others, that is enough.
            Err(refused) if refused.forbidden && (overwrite || name.store == StoreKind::S3) => {}
            Err(refused) => return Err(refused.error),
        }
        bucket.connector.create_only(!overwrite);
        let target = Self {
            bucket,
            path,
            summary: name.with_name(&summary.name),
            vouches: summary.vouches,
            name: name.clone(),
            overwrite,
            id,
            buffer: Vec::new(),
            parts: 0,
            upload: None,
            on_their_way: VecDeque::new(),
            receipt,
            spool_folder: spool_folder.to_owned(),
        };
        if !overwrite && target.lacks_place_for_summary() {
            return Err(target.summary_is_taken(Kind::Usage));
        }
        target.bucket.give_up_leftovers(name, &target.path);
        Ok(target)
    }

    /// Whether something has the name of the summary that is none of this archive. Who may only write does not see it.
    fn lacks_place_for_summary(&self) -> bool {
        match self.bucket.read(&self.summary, LONGEST_SUMMARY) {
            Ok(found) => found.is_some_and(|text| !(self.vouches)(&text, self.name.name())),
            // No summary is so long.
            Err(_) => self
                .bucket
                .look(&self.summary)
                .is_ok_and(|found| found.is_some_and(|it| it.meta.size > LONGEST_SUMMARY)),
        }
    }

    fn summary_is_taken(&self, kind: Kind) -> Error {
        let (summary, name) = (&self.summary, self.name.name());
        let what = format!("{summary} is there already, and is no summary of {name}");
        Error::new(kind, what)
            .hint("choose another name with --file, or replace it with --overwrite")
    }

    fn explain(&self, answer: &Answer) -> Error {
        explain("write", &self.name, answer)
    }

    /// How large the part is that is filled.
    fn part_size(&self) -> usize {
        match self.parts < SMALL_PARTS {
            true => PART,
            false => LARGE_PART,
        }
    }

    /// Takes what is in the buffer.
    fn payload(&mut self) -> PutPayload {
        let bytes = Bytes::from(std::mem::take(&mut self.buffer));
        let pieces = (0..bytes.len()).step_by(PIECE);
        let pieces = pieces.map(|start| bytes.slice(start..bytes.len().min(start + PIECE)));
        pieces.collect()
    }

    /// Sends the part that is in the buffer, once there is room for it among those on their way.
    fn send(&mut self) -> Result<()> {
        self.wait_for_parts(IN_FLIGHT - 1)?;
        if self.upload.is_none() {
            let options = PutMultipartOptions {
                attributes: marked(&self.id),
                ..PutMultipartOptions::default()
            };
            let upload = self.bucket.store.put_multipart_opts(&self.path, options);
            let upload = self.bucket.run(upload)?;
            self.upload = Some(upload.map_err(|answer| self.explain(&answer))?);
        }
        let payload = self.payload();
        if let Some(upload) = &mut self.upload {
            let part = upload.put_part(payload);
            self.parts += 1;
            let handle = self.bucket.runtime.handle();
            self.on_their_way.push_back(handle.spawn(part));
        }
        Ok(())
    }

    /// Waits until no more than so many parts are on their way.
    fn wait_for_parts(&mut self, most: usize) -> Result<()> {
        while self.on_their_way.len() > most {
            let Some(part) = self.on_their_way.front_mut() else {
                break;
            };
            let sent = self.bucket.run(part)?;
            self.on_their_way.pop_front();
            match sent {
                Ok(sent) => sent.map_err(|answer| self.explain(&answer))?,
                Err(error) => {
                    return Err(Error::failed(format!(
                        "cannot write {}: {error}",
                        self.name
                    )));
                }
            }
        }
        Ok(())
    }

    /// Makes the object appear.
    fn complete(&mut self) -> Result<()> {
        let done = if self.upload.is_none() {
            let mode = match self.overwrite {
                true => PutMode::Overwrite,
                false => PutMode::Create,
            };
            let options = PutOptions {
                mode,
                attributes: marked(&self.id),
                ..PutOptions::default()
            };
            let payload = self.payload();
            let put = self.bucket.store.put_opts(&self.path, payload, options);
            self.last_answer(put)?
        } else {
            // Only S3 sees to that itself.
            if !self.overwrite && self.name.store != StoreKind::S3 {
                let looked = self.bucket.look(&self.name);
                if looked.is_ok_and(|found| found.is_some()) {
                    return Err(exists(&self.name));
                }
            }
            let Some(mut upload) = self.upload.take() else {
                return Ok(());
            };
            let completed = self.last_answer(upload.complete());
            if !matches!(completed, Ok(Ok(_))) {
                self.upload = Some(upload);
            }
            completed?
        };
        match done {
            Ok(_) => Ok(()),
            Err(_) if self.is_there() => {
                self.upload = None;
                Ok(())
            }
            Err(answer) => Err(match answer {
                // It was looked at the beginning: somebody else was faster.
                Answer::AlreadyExists { .. } | Answer::Precondition { .. } if !self.overwrite => {
                    let what = format!("{} has come meanwhile, and is not replaced", self.name);
                    Error::new(Kind::Failed, what).hint("choose another name with --file")
                }
                answer => self.explain(&answer),
            }),
        }
    }

    /// Waits for an answer that decides; also for a moment after the user wants the run to stop, because it may be
    /// on its way.
    fn last_answer<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        let mut work = pin!(work);
        match self.bucket.run(work.as_mut()) {
            Err(error) if error.kind() == Kind::Interrupted => {
                let late = self.bucket.run_for(LAST_CHANCE, work);
                late.ok_or_else(|| {
                    let what = format!(
                        "it is not known whether {} was written, because the store did not answer",
                        self.name
                    );
                    let hint = "see with backup list whether it is there and complete";
                    error.interrupted_with(&what).hint(hint)
                })
            }
            answer => answer,
        }
    }

    /// Whether the object is this run's: an answer may have been lost.
    fn is_there(&self) -> bool {
        let options = GetOptions::new().with_head(true);
        let looked = self
            .bucket
            .run(self.bucket.store.get_opts(&self.path, options));
        let Ok(Ok(found)) = looked else {
            return false;
        };
        id_of(&found) == Some(&*self.id)
    }
}

impl Write for ObjectTarget {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let size = self.part_size();
        if self.buffer.len() == size {
            self.send().map_err(Error::into_io)?;
            return self.write(bytes);
        }
        if self.buffer.capacity() < size {
            self.buffer.reserve_exact(size - self.buffer.len());
        }
        let length = bytes.len().min(size - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..length]);
        self.receipt.wrote(&bytes[..length]);
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Target for ObjectTarget {
    fn name(&self) -> String {
        self.name.to_string()
    }

    fn spool_folder(&self) -> &std::path::Path {
        &self.spool_folder
    }

    fn publish(mut self: Box<Self>, _ending: Ending) -> Result<()> {
        if self.upload.is_some() {
            self.send()?;
            self.wait_for_parts(0)?;
        }
        // A summary must not be taken for that of another archive than it is of.
        let summary = self.bucket.read(&self.summary, LONGEST_SUMMARY);
        let summary = summary.ok().flatten();
        let is_foreign = |text: &Vec<u8>| !(self.vouches)(text, self.name.name());
        if !self.overwrite && summary.as_ref().is_some_and(is_foreign) {
            return Err(self.summary_is_taken(Kind::Failed));
        }
        // It goes after the archive that it is of: a run that is cut in between leaves none that is whole without one.
        // What is left of it then bears another id than the new one.
        self.complete()?;
        self.receipt.known_by(&self.id);
        self.receipt
            .published(&self.name.to_string(), self.name.name());
        if summary.is_some()
            && let Ok(there) = self.bucket.read(&self.summary, LONGEST_SUMMARY)
            && there == summary
        {
            let _ = self.bucket.remove(&self.summary);
        }
        Ok(())
    }
}

impl Drop for ObjectTarget {
    fn drop(&mut self) {
        for part in &self.on_their_way {
            part.abort();
        }
        if let Some(mut upload) = self.upload.take() {
            // What cannot be cleared away now is cleared away by the next run, or by the store.
            let _ = self.bucket.run_for(GIVING_UP, async {
                for part in &mut self.on_their_way {
                    let _ = part.await;
                }
                upload.abort().await
            });
        }
    }
}
