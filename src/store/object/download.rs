//! Reads an archive out of an object store. A connection that breaks is made again, from where it stopped.

use super::{Bucket, path_of};
use crate::error::{Error, Result};
use crate::store::{Access, ObjectName, Origin};
use bytes::{Buf, Bytes};
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{Error as Answer, GetOptions, GetRange, ObjectMeta};
use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often it is gone on after a connection broke, without much between. The crate has tried several times itself
/// before that.
const TRIES: u32 = 3;
/// How much must come between, so that it goes on at all.
const LEAST: u64 = 1 << 20;
/// How long it is gone on so.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long to wait before each time.
const PAUSE: Duration = Duration::from_secs(1);

/// An archive in an object store. What was read once is read again, or an error.
pub(in crate::store) struct ObjectOrigin {
    bucket: Arc<Bucket>,
    name: ObjectName,
    meta: ObjectMeta,
}

impl ObjectOrigin {
    /// The archive at `name`; where there is none, those whose names have one of the endings behind that.
    ///
    /// # Errors
    /// The store cannot be reached, or refuses it.
    pub fn find(name: &ObjectName, endings: &[&str], access: &Access) -> Result<Vec<Self>> {
        let bucket = Arc::new(Bucket::open(name, access)?);
        let look = |name: ObjectName| -> Result<Option<Self>> {
            let found = bucket.look(&name)?;
            Ok(found.map(|found| Self {
                bucket: Arc::clone(&bucket),
                meta: found.meta,
                name,
            }))
        };
        if !name.is_prefix()
            && let Some(origin) = look(name.clone())?
        {
            return Ok(vec![origin]);
        }
        let named = endings.iter().filter(|_| !name.is_prefix());
        let found = named.map(|ending| look(name.with_name(&format!("{}{ending}", name.name()))));
        found.filter_map(Result::transpose).collect()
    }

    /// The archive at `name` in a bucket that is open.
    ///
    /// # Errors
    /// There is none, or the store cannot be reached or refuses it.
    pub(super) fn of(bucket: &Arc<Bucket>, name: &ObjectName) -> Result<Self> {
        Ok(Self {
            bucket: Arc::clone(bucket),
            meta: bucket.find(name)?,
            name: name.clone(),
        })
    }
}

impl Origin for ObjectOrigin {
    fn name(&self) -> String {
        self.name.to_string()
    }

    fn open(&mut self, _again: bool) -> Result<Box<dyn Read + Send>> {
        Ok(Box::new(Reader::new(
            &self.bucket,
            &self.name,
            self.meta.clone(),
        )?))
    }

    fn length(&self) -> Option<u64> {
        Some(self.meta.size)
    }
}

/// Reads an object from its beginning.
pub(in crate::store) struct Reader {
    bucket: Arc<Bucket>,
    name: ObjectName,
    path: Path,
    /// What it was when it was found.
    meta: ObjectMeta,
    stream: Option<BoxStream<'static, object_store::Result<Bytes>>>,
    /// What came and was not read yet.
    chunk: Bytes,
    /// Where what comes next begins.
    position: u64,
    failures: Failures,
}

/// How often hardly anything came before a connection broke.
#[derive(Debug, Default)]
struct Failures {
    count: u32,
    /// How much came since the last one.
    came: u64,
}

impl Failures {
    /// So many bytes came.
    fn got(&mut self, length: u64) {
        self.came = self.came.saturating_add(length);
        if self.came >= LEAST {
            self.count = 0;
        }
    }

    /// A connection broke. Gives whether that was once too often.
    fn are_too_many(&mut self) -> bool {
        self.came = 0;
        self.count += 1;
        self.count > TRIES
    }
}

impl Reader {
    /// Reads the object that was found to be so.
    ///
    /// # Errors
    /// It has a name that no object has.
    pub fn new(bucket: &Arc<Bucket>, name: &ObjectName, meta: ObjectMeta) -> Result<Self> {
        Ok(Self {
            bucket: Arc::clone(bucket),
            name: name.clone(),
            path: path_of(name)?,
            meta,
            stream: None,
            chunk: Bytes::new(),
            position: 0,
            failures: Failures::default(),
        })
    }

    /// Asks for what is left.
    fn ask(&mut self) -> Result<object_store::Result<()>> {
        let meta = &self.meta;
        let mut options = GetOptions::new()
            .with_range(Some(GetRange::Bounded(self.position..meta.size)))
            .with_if_match(meta.e_tag.clone());
        if meta.e_tag.is_none() {
            options = options.with_version(meta.version.clone());
        }
        let got = self
            .bucket
            .run(self.bucket.store.get_opts(&self.path, options))?;
        let got = match got {
            Ok(got) => got,
            Err(Answer::Precondition { .. } | Answer::NotFound { .. }) => {
                return Err(self.changed());
            }
            Err(answer) => return Ok(Err(answer)),
        };
        if got.meta.size != meta.size || got.meta.e_tag != meta.e_tag {
            return Err(self.changed());
        }
        self.stream = Some(got.into_stream());
        Ok(Ok(()))
    }

    fn changed(&self) -> Error {
        Error::failed(format!(
            "{} was changed or removed while it was read",
            self.name
        ))
        .hint("run it again")
    }

    /// Waits for the next bytes; there are some.
    fn next(&mut self) -> Result<object_store::Result<Bytes>> {
        if self.stream.is_none()
            && let Err(answer) = self.ask()?
        {
            return Ok(Err(answer));
        }
        let Some(stream) = &mut self.stream else {
            return Ok(Ok(Bytes::new()));
        };
        let next = self.bucket.run(stream.next())?;
        Ok(next.unwrap_or_else(|| {
            Err(Answer::Generic {
                store: self.name.store.scheme(),
                source: "the connection ended too early".into(),
            })
        }))
    }

    fn fill(&mut self) -> Result<()> {
        let asked = Instant::now();
        while self.chunk.is_empty() && self.position < self.meta.size {
            match self.next()? {
                Ok(chunk) => {
                    let left = self.meta.size - self.position;
                    if chunk.len() as u64 > left {
                        return Err(self.changed());
                    }
                    self.position += chunk.len() as u64;
                    self.failures.got(chunk.len() as u64);
                    self.chunk = chunk;
                }
                Err(answer) => {
                    self.stream = None;
                    if self.failures.are_too_many() || asked.elapsed() > PATIENCE {
                        return Err(self.bucket.explain("read", &self.name, &answer));
                    }
                    // Made within the runtime, which has the clock.
                    self.bucket.run(async { tokio::time::sleep(PAUSE).await })?;
                }
            }
        }
        Ok(())
    }
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.fill().map_err(Error::into_io)?;
        let length = buffer.len().min(self.chunk.len());
        self.chunk.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_bytes_between_do_not_make_a_broken_connection_good() {
        let mut failures = Failures::default();
        for _ in 0..TRIES {
            failures.got(10);
            assert!(!failures.are_too_many());
        }
        failures.got(10);
        assert!(failures.are_too_many());
        // Much does, also in small pieces.
        let mut failures = Failures::default();
        for _ in 0..10 * TRIES {
            for _ in 0..LEAST / 1024 {
                failures.got(1024);
            }
            assert!(!failures.are_too_many());
        }
    }
}
