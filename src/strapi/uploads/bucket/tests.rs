use super::fake::Fake;
use super::*;
use crate::error::Kind;
use crate::model::{Asset, STAGING_PREFIX};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

mod endings;
mod staging;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// Longer than a lease is good for.
const LATER: Duration = Duration::from_secs(180);

/// What every file gets.
fn layout() -> Layout {
    Layout {
        prefix: "site/media/".to_owned(),
        attributes: Attributes {
            cache_control: Some("max-age=60".to_owned()),
            acl: Some("public-read".to_owned()),
            more: vec![
                (
                    "x-amz-server-side-encryption".to_owned(),
                    "aws:kms".to_owned(),
                ),
                ("X-Amz-Grant-Read".to_owned(), "id=1".to_owned()),
                ("x-amz-storage-class".to_owned(), "STANDARD_IA".to_owned()),
            ],
            ..Attributes::default()
        },
        name: "the bucket".to_owned(),
    }
}

fn bucket_with(willing: &Arc<Fake>, steady: &Arc<Fake>) -> Bucket {
    let mut bucket = Bucket::new(willing.clone(), steady.clone(), Ending::default(), layout());
    bucket.clock = Clock::given(|| Duration::ZERO);
    bucket.pace = Pace {
        bringing: 1,
        telling: 1,
    };
    bucket
}

fn bucket(fake: &Arc<Fake>) -> Bucket {
    bucket_with(fake, fake)
}

fn stage(bucket: &Bucket) -> Box<dyn StagedUploads> {
    bucket.stage(Staged::Kept, &std::env::temp_dir(), &Effort::default())
}

fn asset(name: &str, size: usize) -> Asset {
    Asset {
        filename: name.to_owned(),
        sidecar: r#"{"mime":"text/x-test"}"#.to_owned(),
        size: size as u64,
    }
}

fn add(staged: &mut dyn StagedUploads, path: &str, text: &str) -> Result<()> {
    let content = &mut text.as_bytes();
    staged.add(&[path.to_owned()], &asset(path, text.len()), content)
}

fn known() -> BTreeSet<String> {
    ["both", "deep/both", "same", "gone", "never there"]
        .map(str::to_owned)
        .into()
}

fn before() -> Fake {
    Fake::new(&[
        ("site/media/both", "old"),
        ("site/media/deep/both", "old too"),
        ("site/media/same", "same"),
        ("site/media/gone", "goes"),
        ("site/media/stranger", "stays"),
        ("elsewhere", "stays"),
    ])
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
        .collect()
}

fn after() -> BTreeMap<String, String> {
    texts(&[
        ("site/media/both", "new"),
        ("site/media/deep/both", "new too"),
        ("site/media/same", "same"),
        ("site/media/deep/added", "added"),
        ("site/media/stranger", "stays"),
        ("elsewhere", "stays"),
    ])
}

/// Stages what makes [`after`] of [`before`].
fn stage_all(bucket: &Bucket) -> Result<Box<dyn StagedUploads>> {
    let mut staged = stage(bucket);
    for (path, text) in [
        ("both", "new"),
        ("same", "same"),
        ("deep/both", "new too"),
        ("deep/added", "added"),
    ] {
        add(staged.as_mut(), path, text)?;
    }
    staged.written()?;
    staged.replace(known())?;
    Ok(staged)
}

/// What a restore does; `committed` is the database.
fn restore(bucket: &Bucket, committed: &mut Option<String>) -> Result<()> {
    let mut staged = stage_all(bucket)?;
    staged.swap_in(TOKEN, "database")?;
    *committed = Some(TOKEN.to_owned());
    if let Err(error) = staged.settle() {
        staged.leave();
        return Err(error);
    }
    *committed = None;
    match staged.forget_old() {
        Some(left) => Err(crate::error::Error::failed(left)),
        None => Ok(()),
    }
}

/// What the recovery of a project does with its uploads.
fn recover(bucket: &Bucket, token: &mut Option<String>) -> Result<()> {
    let held = bucket.hold()?;
    for swap in bucket.pending()? {
        let is_own = token
            .as_deref()
            .is_some_and(|token| swap.token().is_none_or(|own| own == token));
        if is_own || swap.is_done() {
            swap.finish()?;
            if is_own {
                *token = None;
            }
        } else {
            swap.undo()?;
        }
        swap.forget()?;
    }
    drop(held);
    bucket.sweep().map(drop)
}

/// What is kept of restores.
fn kept(fake: &Fake) -> Vec<String> {
    let mut keys = fake.keys();
    keys.retain(|key| key.contains(STAGING_PREFIX));
    keys
}

/// The key of something that the only restore there keeps.
fn own_key(fake: &Fake, name: &str) -> String {
    let mut keys = kept(fake);
    keys.retain(|key| key.ends_with(&format!("/{name}")));
    keys.pop().expect("it is there")
}
