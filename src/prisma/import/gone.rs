//! Whether a service still holds what earlier runs sent to it. One that was emptied or deployed anew has the same address,
//! and an import that goes on there would leave out what it takes to be there.

use super::super::ndf::{DataFile, DataSet, ValueType};
use super::super::sdl::DataModel;
use super::super::service::Service;
use super::super::verify::{Chunk, Chunks};
use super::State;
use super::occupied::{Found, Knowing, OWN, THEIRS, split, theirs};
use super::refused::elements;
use crate::checking::{Event, Watch};
use crate::error::{Error, Result};
use crate::sorting::{Record, Sorter};
use std::path::Path;

/// Asks a service that an earlier run sent something to whether what it took is there: all nodes of these requests are looked
/// for, or what a file holds that has none. Gives why the import cannot go on, where that is not so.
///
/// # Errors
/// It does not answer, or does not know who asks; the data set cannot be read; or the user wants the run to stop.
pub fn gone(
    set: &mut DataSet,
    state: &State,
    model: &DataModel,
    service: &Service,
    scratch: &Path,
    watch: &dyn Watch,
) -> Result<Option<Error>> {
    let has_nodes = service.greet()?;
    let was_taken = |kind: &ValueType| state.taken(*kind) > 0;
    let Some(kind) = ValueType::ALL.into_iter().find(was_taken) else {
        return Ok(None);
    };
    let (taken, all) = state.progress();
    if !has_nodes {
        let what = format!(
            "{} is empty, and earlier runs sent it {taken} of {all} requests, as {} says",
            service.endpoint(),
            state.path().display()
        );
        return Ok(Some(Error::failed(what).hint(
            "if it was emptied or deployed anew, begin anew with --restart; else see that it is the service that is meant",
        )));
    }
    watch.on(Event::Noted(&format!(
        "the {kind} of the service are read first, to see that what was sent is still there"
    )));
    let knowing = Knowing::new(kind, model);
    let mut sorter = theirs(service, &knowing, scratch, watch)?;
    sent(set, state, &knowing, &mut sorter)?;
    let missing = missing(set, service, sorter)?;
    if missing.count() == 0 {
        return Ok(None);
    }
    let what = format!(
        "{} of the {kind} that earlier runs sent are not in the service any more:",
        missing.count()
    );
    Ok(Some(Error::failed(what).listing(missing.list()).hint(
        "if it was emptied or deployed anew since, empty it, and begin anew with --restart; else put back what is missing",
    )))
}

/// Takes what earlier runs sent, as far as it was taken.
fn sent(
    set: &mut DataSet,
    state: &State,
    knowing: &Knowing<'_>,
    sorter: &mut Sorter,
) -> Result<()> {
    let kind = knowing.kind;
    let mut push = |chunk: Chunk| -> Result<()> {
        if !state.is_taken(kind, chunk.number) {
            return Ok(());
        }
        for (at, element) in elements(&chunk.body).into_iter().enumerate() {
            let Some((key, text)) = knowing.known(element.get()) else {
                continue;
            };
            let (file, number) = chunk.origin(at as u64).unwrap_or_default();
            let place = [(file as u64).to_be_bytes(), number.to_be_bytes()].concat();
            let text = knowing.told(&text);
            sorter.push(&key, &[&[OWN], &place[..], text.as_bytes()].concat())?;
        }
        Ok(())
    };
    let of_kind = |(at, file): (usize, &DataFile)| (file.kind == kind).then_some(at);
    let files: Vec<usize> = set.files().iter().enumerate().filter_map(of_kind).collect();
    let mut chunks = Chunks::new(kind);
    for file in files {
        set.read(file, &mut |number, text| {
            chunks.push(file, number, text).map_or(Ok(()), &mut push)
        })?;
    }
    chunks.finish().map_or(Ok(()), push)
}

/// Looks for what was sent and is not there.
fn missing(set: &DataSet, service: &Service, sorter: Sorter) -> Result<Found> {
    let sorted = sorter.finish()?;
    let mut reading = sorted.read()?;
    let mut missing = Found::default();
    let (mut room, mut there) = (Record::default(), Record::default());
    let mut is_any = false;
    while let Some(record) = reading.next(std::mem::take(&mut room))? {
        service.stop()?;
        if record.value.first() == Some(&THEIRS) {
            room = std::mem::replace(&mut there, record);
            is_any = true;
            continue;
        }
        if !(is_any && record.key == there.key)
            && let Some((place, text)) = split(&record.value)
        {
            missing.add(set, place, text);
        }
        room = record;
    }
    Ok(missing)
}
