//! Takes everything out of a service, page by page, into a data set.
//!
//! Pages are kept in a hidden folder beside the data set while they come, with what says where it goes on; so an export
//! that was interrupted goes on. Then what came is checked: servers export wrong ids in some cases, and do not tell.

mod pages;

pub use pages::Pages;

use super::ndf::{DataSet, Form, ValueType, Writer};
use super::sdl::DataModel;
use super::service::Service;
use super::verify::{Verdict, verify};
use crate::checking::{Event, Watch};
use crate::error::Result;
use crate::store::Interrupt;
use std::path::Path;

/// Fetches what was not fetched yet.
///
/// # Errors
/// A page cannot be fetched or kept, or the user wants the run to stop; the next run goes on behind the last one that was.
pub fn fetch(service: &Service, pages: &mut Pages, watch: &dyn Watch) -> Result<()> {
    for kind in ValueType::ALL {
        let cursor = pages.cursor(kind);
        if cursor.is_end() {
            continue;
        }
        watch.on(Event::Began {
            what: kind.as_str(),
            items: None,
        });
        let mut reading = service.pages(kind, cursor);
        while let Some(page) = reading.next_page()? {
            let bytes = page.elements.iter().map(|it| it.get().len() as u64).sum();
            pages.keep(kind, &page)?;
            watch.on(Event::Advanced {
                items: page.elements.len() as u64,
                bytes,
            });
        }
        watch.on(Event::Ended);
    }
    Ok(())
}

/// Checks what was fetched. Whether that is all there, [`Pages::expect`] says.
///
/// # Errors
/// It cannot be read.
pub fn check(
    pages: &Pages,
    model: &DataModel,
    scratch: &Path,
    interrupt: &Interrupt,
    watch: &dyn Watch,
) -> Result<Verdict> {
    let mut set = DataSet::open(pages.folder(), interrupt)?;
    verify(&mut set, Some(model), scratch, watch)
}

/// Makes a data set of what was fetched, which appears whole under its name, and forgets the pages. A page of the server
/// is a file, unless it has more than a file may have.
///
/// # Errors
/// It cannot be written, or the pages are not what was fetched; they stay.
pub fn publish(
    pages: Pages,
    path: &Path,
    form: Form,
    overwrite: bool,
    interrupt: &Interrupt,
) -> Result<()> {
    let mut set = DataSet::open(pages.folder(), interrupt)?;
    let mut writer = Writer::create(path, form, overwrite)?;
    for at in 0..set.files().len() {
        let kind = set.files()[at].kind;
        set.read(at, &mut |_, element| writer.push(kind, element))?;
        writer.end_file(kind)?;
    }
    for kind in ValueType::ALL {
        pages.expect(kind, writer.elements(kind), None)?;
    }
    writer.finish()?;
    pages.forget()
}
