//! Reads a journal so that what comes is what the store keeps, and not the answer of something between.

use super::super::place::Place;
use super::{LARGEST, MEDIA_TYPE, Moves};
use crate::error::{Error, Kind, Result};
use crate::store::media::About;
use crate::strapi::uploads::held::JOURNAL;
use md5::{Digest, Md5};
use std::io::Read;
use std::time::SystemTime;

/// How often it is read before that is given up.
const TRIES: usize = 4;

/// What stands in a journal.
pub(super) struct Seen {
    pub bytes: Vec<u8>,
    pub written: Option<SystemTime>,
}

/// Reads the journal at a place; `None` where there is none. One that is damaged is read twice: it comes only if it is
/// the same both times.
///
/// # Errors
/// It cannot be read, or what comes is not what the store says of it.
pub(super) fn read(place: &Place) -> Result<Option<Seen>> {
    let mut before: Option<Vec<u8>> = None;
    for _ in 0..TRIES {
        let seen = match once(place)? {
            Once::Same(seen) => seen,
            Once::Other => continue,
            Once::Nothing => return Ok(None),
        };
        let is_good = || Moves::default().parse(&place.layout, &seen.bytes).is_some();
        if before.as_ref() == Some(&seen.bytes) || is_good() {
            return Ok(Some(seen));
        }
        before = Some(seen.bytes);
    }
    // Known to be there, so nobody may go on as if there were none.
    Err(Error::new(Kind::HalfWay, format!(
        "cannot read the journal {}: what comes is not what the store says of it, or something else each time",
        name(place)
    ))
    .hint(
        "see that nothing else answers in place of the store (a proxy, a page to log in), and run it again; nothing was \
         undone",
    ))
}

enum Once {
    /// As the store says that it is.
    Same(Seen),
    /// Something else.
    Other,
    /// There is none.
    Nothing,
}

fn once(place: &Place) -> Result<Once> {
    let key = place.own(JOURNAL);
    let there = place.objects.look(&key)?;
    let (about, found) = match (there, place.objects.open(&key)?) {
        (Some(about), Some(found)) => (about, found),
        (None, None) => return Ok(Once::Nothing),
        _ => return Ok(Once::Other),
    };
    let mut bytes = Vec::new();
    let read = found.bytes.take(LARGEST).read_to_end(&mut bytes);
    read.map_err(|error| {
        Error::from_io(error, |error| {
            Error::failed(format!("cannot read the journal {}: {error}", name(place)))
        })
    })?;
    let is_it = |about: &About| {
        let media_type = about.media_type.as_deref().unwrap_or(MEDIA_TYPE);
        let own = About {
            size: Some(bytes.len() as u64),
            etag: Some(super::hex(&Md5::digest(&bytes))),
            ..About::default()
        };
        media_type.starts_with(MEDIA_TYPE) && own.may_be_copy_of(about)
    };
    Ok(match is_it(&about) && is_it(&found.about) {
        true => Once::Same(Seen {
            bytes,
            written: about.modified,
        }),
        false => Once::Other,
    })
}

fn name(place: &Place) -> String {
    place.objects.place(&place.own(JOURNAL))
}
