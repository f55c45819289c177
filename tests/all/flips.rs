//! Archives with single bits turned over, and cut ones: none is taken for something else than it was.

use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use sha2::{Digest, Sha256};
use strapi_backup::archive::{Archive, ArchiveSource, Demands, IdentityFile, Password, Unlock};
use strapi_backup::error::{Error, Result};
use strapi_backup::model::{Asset, ConfigItem, Entity, Link, Schema, Stage};
use strapi_backup::store::Origin;
use strapi_backup::transfer::{
    Extent, Filter, Nowhere, OnFault, SchemaStrategy, Silent, Sink, Source, Transfer,
    VersionStrategy, Warning,
};

use crate::age::pair;
use crate::support::cli::{KEY, Project, strapi_archive};
use crate::support::tarball::{ENTITIES, Tarball};

/// How many bits of each archive are turned over in the short test and in the long one.
const SHORT: usize = 100;
const LONG: usize = 3_400;

/// An archive in memory, one bit of which may be another.
#[derive(Clone)]
struct Bytes {
    bytes: Arc<Vec<u8>>,
    length: usize,
    flipped: Option<usize>,
}

/// Reads [`Bytes`].
struct Reader {
    bytes: Bytes,
    position: usize,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.bytes.bytes[self.position..self.bytes.length];
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        if let Some(bit) = self.bytes.flipped
            && let Some(index) = (bit / 8).checked_sub(self.position)
            && index < length
        {
            buffer[index] ^= 1 << (bit % 8);
        }
        self.position += length;
        Ok(length)
    }
}

impl Origin for Bytes {
    fn name(&self) -> String {
        "memory".into()
    }

    fn open(&mut self, _again: bool) -> Result<Box<dyn Read + Send>> {
        Ok(Box::new(Reader {
            bytes: self.clone(),
            position: 0,
        }))
    }

    fn length(&self) -> Option<u64> {
        Some(self.length as u64)
    }
}

/// An archive that somebody replaces.
struct Changing {
    now: Bytes,
    then: Bytes,
    is_replaced: Arc<AtomicBool>,
}

impl Origin for Changing {
    fn name(&self) -> String {
        "memory".into()
    }

    fn open(&mut self, again: bool) -> Result<Box<dyn Read + Send>> {
        match self.is_replaced.load(Ordering::Relaxed) {
            false => self.now.open(again),
            true => self.then.open(again),
        }
    }

    fn length(&self) -> Option<u64> {
        None
    }
}

#[test]
fn an_archive_that_is_changed_while_it_is_read_is_not_taken() {
    let project = Project::testdata();
    let good = Tarball::read(&strapi_archive());
    let other = good
        .clone()
        .replace(ENTITIES, "\"name\":\"", "\"name\":\"x");
    let bytes = |tarball: Tarball| {
        let bytes = Arc::new(tarball.bytes());
        Bytes {
            length: bytes.len(),
            bytes,
            flipped: None,
        }
    };
    let is_replaced = Arc::new(AtomicBool::new(false));
    // Strapi tells its version last: once to be described, and once to be taken.
    let origin = Box::new(Changing {
        now: bytes(good),
        then: bytes(other),
        is_replaced: Arc::clone(&is_replaced),
    });
    let archive = Archive::from_origin(origin, &project.archives()).unwrap();
    let mut source = archive.open(None, Demands::default()).unwrap();
    source.describe().unwrap();
    is_replaced.store(true, Ordering::Relaxed);
    let mut digesting = Digesting::default();
    let error = source.stream(&Filter::default(), &mut digesting);
    let error = error.expect_err("it was changed").to_string();
    assert_eq!(error, "memory was changed while it was read");
}

/// Digests everything that is sent.
#[derive(Default)]
struct Digesting(Sha256);

impl Sink for Digesting {
    fn stage(&mut self, stage: Stage, _items: Option<u64>) -> Result<()> {
        self.0.update(stage.as_str());
        Ok(())
    }

    fn schema(&mut self, schema: &Schema) -> Result<()> {
        self.0.update(schema.to_line());
        Ok(())
    }

    fn entity(&mut self, entity: &Entity<'_>) -> Result<()> {
        self.0.update(entity.line);
        Ok(())
    }

    fn asset(&mut self, asset: &Asset, content: &mut dyn Read) -> Result<()> {
        self.0.update(&asset.filename);
        self.0.update(&asset.sidecar);
        let mut bytes = Vec::new();
        let read = content.read_to_end(&mut bytes);
        read.map_err(|error| Error::archive(error.to_string()))?;
        self.0.update(bytes);
        Ok(())
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        self.0.update(link.line);
        Ok(())
    }

    fn configuration(&mut self, item: &ConfigItem<'_>) -> Result<()> {
        self.0.update(item.line);
        Ok(())
    }

    fn warn(&mut self, _warning: Warning) {}
}

fn open(bytes: Bytes, unlock: Option<&Unlock>, folder: &Path) -> Result<ArchiveSource> {
    let archive = Archive::from_origin(Box::new(bytes), folder)?;
    archive.open_with(unlock.cloned(), Demands::default())
}

/// Fails where `verify` finds something wrong.
fn verify(bytes: Bytes, unlock: Option<&Unlock>, folder: &Path) -> Result<()> {
    let mut source = open(bytes, unlock, folder)?;
    let mut transfer = Transfer {
        source: &mut source,
        destination: Box::new(Nowhere::default()),
        filter: Filter::default(),
        extent: Extent::default(),
        versions: VersionStrategy::Exact,
        schemas: SchemaStrategy::Exact,
        on_fault: OnFault::GoOn,
        observer: &Silent,
    };
    let plan = transfer.plan()?;
    match plan.faults.iter().next() {
        Some(fault) => Err(Error::archive(fault.to_string())),
        None => Ok(()),
    }
}

/// What an archive in which nothing is wrong gives whoever reads all of it, digested.
fn content(bytes: Bytes, unlock: Option<&Unlock>, folder: &Path) -> Result<Vec<u8>> {
    verify(bytes.clone(), unlock, folder)?;
    let mut source = open(bytes, unlock, folder)?;
    let description = source.describe()?;
    let mut digest = Digesting::default();
    digest.0.update(format!(
        "{:?} {:?}",
        description.metadata, description.scope
    ));
    source.stream(&Filter::default(), &mut digest)?;
    Ok(digest.0.finalize().to_vec())
}

/// Our export of the project in `testdata`, in every form of a file. To a passphrase of age there is none: it takes a second
/// to open, and the content has the same form.
fn archives(project: &Project) -> Vec<(&'static str, Option<Unlock>, Bytes)> {
    let key = || Some(Unlock::Key(Password::new(KEY)));
    let mut forms = vec![
        ("site.tar", None, vec!["--no-encrypt", "--no-compress"]),
        ("site.tar.gz", None, vec!["--no-encrypt"]),
        ("site.tar.gz.enc", key(), vec!["-k", KEY]),
        ("site.tar.enc", key(), vec!["-k", KEY, "--no-compress"]),
    ];
    let recipient = pair(project, "identity");
    if let Some(recipient) = &recipient {
        let identity = std::fs::read(project.archive("identity")).unwrap();
        let Ok(IdentityFile::Open(identities)) = IdentityFile::read(identity) else {
            panic!("age-keygen writes identities");
        };
        let unlock = Some(Unlock::Identities(identities));
        let to = ["--recipient", recipient];
        forms.push(("site.tar.gz.age", unlock.clone(), to.to_vec()));
        let plain = [&to[..], &["--no-compress"]].concat();
        forms.push(("site.tar.age", unlock, plain));
    }
    forms
        .into_iter()
        .map(|(name, unlock, options)| {
            let arguments = [&["-f", "site"], &options[..]].concat();
            project.run("export", arguments).ends_with(0);
            let bytes = std::fs::read(project.archive(name)).unwrap();
            let bytes = Bytes {
                length: bytes.len(),
                bytes: Arc::new(bytes),
                flipped: None,
            };
            (name, unlock, bytes)
        })
        .collect()
}

/// Tries numbered cases on all cores; `check` gives what is wrong with one.
fn all_cores(cases: usize, check: impl Fn(usize) -> Option<String> + Sync) {
    let next = AtomicUsize::new(0);
    let work = || loop {
        let case = next.fetch_add(1, Ordering::Relaxed);
        if case >= cases {
            return;
        }
        if let Some(wrong) = check(case) {
            panic!("case {case}: {wrong}");
        }
    };
    let cores = thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(work);
        }
    });
}

/// Turns over so many bits of each archive, one at a time, spread evenly with all eight of a byte among them.
fn no_flip_changes_what_is_read(flips: usize) {
    let project = Project::testdata();
    for (name, unlock, bytes) in archives(&project) {
        let folder = project.archives();
        let right = content(bytes.clone(), unlock.as_ref(), &folder).expect(name);
        let bits = bytes.length * 8;
        // Odd, so that it meets every bit of a byte.
        let step = (bits / flips) | 1;
        all_cores(flips, |case| {
            let flipped = Bytes {
                flipped: Some(case * step % bits),
                ..bytes.clone()
            };
            match content(flipped, unlock.as_ref(), &folder) {
                Ok(digest) if digest != right => Some(format!(
                    "{name} with bit {} turned over is read as something else",
                    case * step
                )),
                _ => None,
            }
        });
    }
}

#[test]
fn archives_with_a_bit_turned_over_are_not_read_as_something_else() {
    no_flip_changes_what_is_read(SHORT);
}

#[test]
#[ignore = "long: more than ten thousand archives are read"]
fn ten_thousand_archives_with_a_bit_turned_over_are_not_read_as_something_else() {
    no_flip_changes_what_is_read(LONG);
}

#[test]
fn bits_of_headers_are_not_turned_over_unnoticed() {
    let project = Project::testdata();
    let (name, unlock, bytes) = archives(&project).swap_remove(0);
    let folder = project.archives();
    let right = content(bytes.clone(), unlock.as_ref(), &folder).expect(name);
    all_cores(512 * 8 / 13, |case| {
        let flipped = Bytes {
            flipped: Some(case * 13),
            ..bytes.clone()
        };
        match content(flipped, unlock.as_ref(), &folder) {
            Ok(digest) if digest != right => Some(format!("bit {}", case * 13)),
            _ => None,
        }
    });
}

#[test]
fn bits_where_zeros_belong_are_not_turned_over_unnoticed() {
    let project = Project::testdata();
    let (_, unlock, bytes) = archives(&project).swap_remove(0);
    let folder = project.archives();
    // The padding of the first entry, which is short; the mark of the end.
    let padding = (512 + 100) * 8..1024 * 8;
    let end = (bytes.length - 1024) * 8..bytes.length * 8;
    let bits: Vec<usize> = padding.chain(end).step_by(61).collect();
    all_cores(bits.len(), |case| {
        let flipped = Bytes {
            flipped: Some(bits[case]),
            ..bytes.clone()
        };
        let taken = verify(flipped, unlock.as_ref(), &folder).is_ok();
        taken.then(|| format!("bit {} is taken", bits[case]))
    });
}

/// Cuts each archive at multiples of `step`: none may be taken.
fn every_cut_is_noticed(step: usize) {
    let project = Project::testdata();
    for (name, unlock, bytes) in archives(&project) {
        let folder = project.archives();
        let cuts = bytes.length.div_ceil(step);
        all_cores(cuts, |case| {
            let cut = Bytes {
                length: case * step,
                ..bytes.clone()
            };
            let read = content(cut, unlock.as_ref(), &folder);
            read.is_ok()
                .then(|| format!("{name} cut at {}", case * step))
        });
    }
}

#[test]
fn archives_that_were_cut_are_refused() {
    every_cut_is_noticed(512 * 7);
}

#[test]
#[ignore = "long: every archive is cut at every 512 bytes"]
fn archives_that_were_cut_anywhere_are_refused() {
    every_cut_is_noticed(512);
}
