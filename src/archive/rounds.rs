//! Rounds through an archive, all of which see the same bytes.
//!
//! An archive is looked at, checked, and then loaded, each time from its beginning. Whoever writes to
//! it meanwhile would have something else loaded than was checked.

use super::digests::Digests;
use super::entries::Entries;
use super::item::{Item, Next, damaged};
use super::layout::Entry;
use crate::effort::Effort;
use crate::error::{Error, Result};
use crate::store::Interrupt;
use sha2::{Digest, Sha256};
use std::io;

/// What earlier rounds saw.
#[derive(Default)]
pub(super) struct Seen {
    /// How many entries the round saw that was stopped, and their digest.
    beginning: Option<(u64, [u8; 32])>,
    /// The digest of all entries.
    whole: Option<[u8; 32]>,
}

/// A step of a round.
pub(super) enum Step<'s, 'i> {
    /// An entry can be read.
    Read(&'s mut Item<'i>),
    /// It is through: its name, what it is, the digest of its content.
    Through(&'s str, &'s Entry, &'s [u8; 32]),
}

/// Goes through all entries, or until `each` stops. Gives what is wrong between them.
///
/// # Errors
/// The archive cannot be followed; it holds something else than in an earlier round; or `each` fails.
pub(super) fn round(
    entries: &mut Entries,
    again: bool,
    (interrupt, effort): (&Interrupt, &Effort),
    seen: &mut Seen,
    each: &mut dyn FnMut(Step<'_, '_>) -> Result<Next>,
) -> Result<Vec<Error>> {
    let archive = entries.name();
    let changed = || {
        Error::failed(format!("{archive} was changed while it was read"))
            .hint("see that nobody writes to it, and run it again")
    };
    let mut digests = Digests::new(effort)?;
    let mut whole = Sha256::new();
    let (mut count, mut is_stopped) = (0, false);
    let beginning = seen.beginning;
    let mut through = |(name, entry): (String, Entry), digest: [u8; 32]| {
        whole.update((name.len() as u64).to_le_bytes());
        whole.update(&name);
        whole.update(digest);
        count += 1;
        match beginning {
            Some((entries, expected))
                if entries == count && whole.clone().finalize()[..] != expected[..] =>
            {
                Err(changed())
            }
            _ => Ok((name, entry, digest)),
        }
    };
    let gone_through = entries.each(again, interrupt, effort, &mut |item| {
        let mut content = digests.watch(item.content);
        let mut item = Item {
            content: &mut content,
            ..item
        };
        if each(Step::Read(&mut item))? == Next::Stop {
            is_stopped = true;
            return Ok(Next::Stop);
        }
        let Item { name, entry, .. } = item;
        io::copy(&mut content, &mut io::sink()).map_err(|error| damaged(&archive, error))?;
        digests.end((name, entry));
        for (item, digest) in digests.ready() {
            let (name, entry, digest) = through(item, digest)?;
            each(Step::Through(&name, &entry, &digest))?;
        }
        Ok(Next::Go)
    });
    // Also where it broke: what came before is through.
    for (item, digest) in digests.finish() {
        let (name, entry, digest) = through(item, digest)?;
        each(Step::Through(&name, &entry, &digest))?;
    }
    let faults = gone_through?;
    let digest: [u8; 32] = whole.finalize().into();
    if is_stopped {
        seen.beginning = Some((count, digest));
    } else if seen.whole.is_some_and(|expected| expected != digest) {
        return Err(changed());
    } else {
        seen.whole = Some(digest);
    }
    Ok(faults)
}
