//! What lies beside an object and vouches for it, and how it is seen that it is of that one.

use super::explain::{Refusal, explain};
use super::{Bucket, path_of};
use crate::error::Result;
use crate::store::{Access, ObjectName, Written};
use object_store::{
    Attribute, AttributeValue, Attributes, Error as Answer, GetOptions, GetResult, PutMode,
    PutPayload,
};
use std::borrow::Cow;

/// Under what an object says which run wrote it. A name that all stores take.
const ID: &str = "backupid";
/// How long the summary of an archive may be that is put aside.
pub(super) const LONGEST_SUMMARY: u64 = 16 << 20;

/// What lies beside an object and vouches for it.
#[derive(Debug, Clone)]
pub struct Beside {
    /// Its name.
    pub name: String,
    /// Whether a text is that of an object of this name. Anything else is somebody's own.
    pub vouches: fn(text: &[u8], object: &str) -> bool,
}

/// What an object holds so that it says which run wrote it.
pub(super) fn marked(id: &str) -> Attributes {
    let key = Attribute::Metadata(Cow::Borrowed(ID));
    Attributes::from_iter([(key, AttributeValue::from(id.to_owned()))])
}

/// What an object says of who wrote it.
pub(super) fn id_of(found: &GetResult) -> Option<&str> {
    let key = Attribute::Metadata(Cow::Borrowed(ID));
    found.attributes.get(&key).map(|id| &**id)
}

impl Bucket {
    /// What an object says of who wrote it, where it says that.
    pub(super) fn id(&self, name: &ObjectName) -> Result<Option<String>> {
        let path = path_of(name)?;
        let options = GetOptions::new().with_head(true);
        match self.run(self.store.get_opts(&path, options))? {
            Ok(found) => Ok(id_of(&found).map(str::to_owned)),
            Err(Answer::NotFound { .. }) => Ok(None),
            Err(answer) => Err(explain("read", name, &answer)),
        }
    }
}

/// Writes a small object that vouches for one that this run has written, where that is still this run's. Gives
/// whether it is: what another run has replaced is not vouched for.
///
/// # Errors
/// It cannot be written, or the store does not answer.
pub fn write_beside(
    beside: &ObjectName,
    (name, written): (&ObjectName, &Written),
    access: &Access,
    bytes: Vec<u8>,
) -> Result<bool> {
    let bucket = Bucket::open(name, access)?;
    if !is_of(&bucket, name, written)? {
        return Ok(false);
    }
    // The one that was there before is away: what is there now came from another run. Some stores do not know the
    // condition, and whoever may not remove anything has left it.
    let path = path_of(beside)?;
    let payload = PutPayload::from(bytes.clone());
    let put = bucket
        .store
        .put_opts(&path, payload, PutMode::Create.into());
    if bucket.run(put)?.is_err() {
        if !is_of(&bucket, name, written)? {
            return Ok(false);
        }
        bucket.write(beside, bytes.clone())?;
    }
    let ours = is_of(&bucket, name, written)?;
    if !ours {
        // Without it, what is there is not taken for complete. Nothing removes on a condition here: what comes between
        // this answer and the next is lost, and its archive counts as incomplete.
        let there = bucket.read(beside, LONGEST_SUMMARY)?;
        if there.is_some_and(|there| there == bytes) {
            bucket.remove(beside)?;
        }
    }
    Ok(ours)
}

/// Whether an object is the one that was written, as far as these credentials can see it.
fn is_of(bucket: &Bucket, name: &ObjectName, written: &Written) -> Result<bool> {
    let path = path_of(name)?;
    let look = bucket
        .store
        .get_opts(&path, GetOptions::new().with_head(true));
    match bucket.run(look)? {
        Ok(found) => Ok(match (id_of(&found), &written.id) {
            (Some(there), Some(ours)) => there == ours,
            // Some stores do not keep it.
            _ => found.meta.size == written.size,
        }),
        Err(Answer::NotFound { .. }) => Ok(false),
        Err(answer) if Refusal::of(&answer).is_forbidden() => Ok(true),
        Err(answer) => Err(explain("read", name, &answer)),
    }
}
