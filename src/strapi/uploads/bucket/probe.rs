//! Tries beforehand what a swap is going to do: a store that refuses it in the midst of one would leave a site half-way.

use super::place::Place;
use crate::error::Result;
use crate::store::media::Body;

/// What the object holds that is tried with.
const TEXT: &[u8] = b"A restore tries whether it may write here. This can be deleted.\n";
/// How the headers begin that are not tried: such an object could not be deleted, or is paid for a month at least.
const UNTRIED: [&str; 2] = ["x-amz-object-lock-", "x-amz-storage-class"];

/// Writes an object among what a restore keeps, copies it as files are copied to their places, and deletes both.
///
/// # Errors
/// The store refuses one of that.
pub(super) fn try_rights(place: &Place) -> Result<()> {
    let [first, second] = ["probe", "probe-copy"].map(|name| place.own(name));
    let media_type = Some("text/plain");
    let objects = &place.objects;
    let own = place.own_attributes(media_type);
    objects.put(&first, Body::Bytes(TEXT), &own)?;
    let mut public = place.attributes(media_type);
    public.more.retain(|(name, _)| {
        let name = name.to_ascii_lowercase();
        !UNTRIED.iter().any(|start| name.starts_with(start))
    });
    objects.copy(&first, &second, Some(&public))?;
    objects.remove(&second)?;
    objects.remove(&first)
}
