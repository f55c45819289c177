//! A running Strapi as a source.
//!
//! The protocol gives no snapshot: what is pulled is from as many moments as it takes. The rows are of one go, as near to
//! each other as the server reads them: entities, links and configuration at once, on one connection, into spools. Then
//! the files, which go on as they come. What breaks is begun again, by itself, so often as the site's `retries` say.

mod fault;
mod files;
mod front;
mod items;
mod lines;
mod links;
#[cfg(test)]
mod replay;
mod rows;
mod stages;

pub(super) use front::Front;

use super::session::Session;
use super::{Site, Trouble};
use crate::error::{Error, Result};
use crate::model::{ConfigItem, Entity, Line, Link, Stage};
use crate::transfer::{
    Description, Filter, Provenance, Sink, Source, Subject, UPLOAD_TYPES, Warning, WarningKind,
};
use fault::{Fault, Retries};
use files::{Files, blaming};
use links::Links;
use rows::Rows;
use std::path::{Path, PathBuf};

/// How many lines are read back between two looks at whether the user wants the run to stop.
const GLANCE: u64 = 1000;

/// A running Strapi as a source. It is connected to when it is first asked for something.
pub struct RemoteSource {
    site: Site,
    folder: PathBuf,
    session: Option<Session>,
    front: Option<Front>,
}

impl RemoteSource {
    /// What this site holds. Rows and long files wait in `spool_folder` before they go on, in files without a name.
    pub fn new(site: Site, spool_folder: &Path) -> Self {
        Self {
            site,
            folder: spool_folder.to_owned(),
            session: None,
            front: None,
        }
    }

    /// Connects, where it is not connected, and asks what the site says of itself, where that is not known.
    fn connect(&mut self) -> Result<&Front, Fault> {
        if self.session.is_none() {
            let mut session = self.site.pull().map_err(Fault::there)?;
            let front = Front::ask(&mut session)?;
            if self
                .front
                .as_ref()
                .is_some_and(|known| !known.is_as(&front))
            {
                let error = Error::failed(format!(
                    "{}: its version or its schemas changed while it was read",
                    self.site.address()
                ));
                return Err(Fault::here(
                    error.hint("run it again when nobody works on its code"),
                ));
            }
            self.front.get_or_insert(front);
            self.session = Some(session);
        }
        Ok(self.front.as_ref().expect("it was just asked for"))
    }

    /// Tells what the server said beside its answers.
    fn tell_diagnostics(&mut self, stage: Stage, kind: WarningKind, sink: &mut dyn Sink) {
        let Some(session) = &mut self.session else {
            return;
        };
        let (said, more) = session.warnings();
        let count = said.len() as u64 + more;
        if let Some(first) = said.first() {
            let others = match count {
                1 => String::new(),
                _ => format!(" (the first of {count})"),
            };
            let reason = match kind {
                WarningKind::Notice => {
                    format!("the server says of the {stage}: {}{others}", first.message)
                }
                _ => format!("the server says: {}{others}", first.message),
            };
            sink.warn(Warning::new(kind, Subject::Stage(stage), reason).times(count));
        }
    }

    /// Ends well.
    fn leave(&mut self) {
        if let Some(session) = self.session.take() {
            session.farewell();
        }
    }

    fn rows(&mut self, retries: &mut Retries, filter: &Filter) -> Result<Rows> {
        loop {
            let pulled = match self.connect().map(drop) {
                Ok(()) => {
                    let session = self.session.as_mut().expect("it is connected");
                    let front = self.front.as_ref().expect("it was asked for");
                    Rows::pull(session, filter, &front.schemas, &self.folder)
                }
                Err(fault) => Err(fault),
            };
            match pulled {
                Ok(rows) => {
                    retries.went_well();
                    return Ok(rows);
                }
                Err(fault) => {
                    self.session = None;
                    retries.after(fault, &self.site)?;
                }
            }
        }
    }

    fn files(
        &mut self,
        retries: &mut Retries,
        mut rows: Option<&mut Rows>,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        let mut files = Files::new(&self.folder);
        loop {
            let known = rows.as_deref().map(|rows| &rows.known);
            let pulled = match self.connect().map(drop) {
                Ok(()) => {
                    let session = self.session.as_mut().expect("it is connected");
                    files.pull(session, known, sink)
                }
                Err(fault) => Err(fault),
            };
            let Err(fault) = pulled else {
                break;
            };
            self.session = None;
            if files.count() > 0 {
                retries.went_well();
            }
            let blamed = match (Trouble::of(&fault.error), rows.as_deref_mut()) {
                (Some(Trouble::Stage(_)), Some(rows)) => files.first_missing(&mut rows.entities),
                _ => None,
            };
            let again = retries.after(fault, &self.site);
            again.map_err(|error| blaming(error, blamed))?;
        }
        retries.went_well();
        let mut kind = WarningKind::Unreadable;
        if let Some(rows) = rows {
            files.tell_missing(&mut rows.entities, sink)?;
            // Those that did not come were just listed.
            kind = WarningKind::Notice;
        }
        files.finish(sink);
        self.tell_diagnostics(Stage::Assets, kind, sink);
        Ok(())
    }
}

impl Source for RemoteSource {
    fn name(&self) -> String {
        self.site.name()
    }

    fn describe(&mut self) -> Result<Description> {
        let front = self.connect().map_err(|fault| fault.error)?;
        Ok(Description {
            metadata: Some(front.metadata.clone()),
            schemas: Some(front.schemas.clone()),
            scope: Some(Filter::default().scope(&front.schemas)),
            provenance: Some(Provenance {
                time_zone: None,
                database: None,
                is_consistent: false,
            }),
            is_own_archive: false,
        })
    }

    fn stream(&mut self, filter: &Filter, sink: &mut dyn Sink) -> Result<()> {
        let mut retries = Retries::new(&self.site);
        let front = self.connect().map_err(|fault| fault.error)?.clone();
        sink.stage(Stage::Schemas, Some(front.schemas.len() as u64))?;
        for schema in front.schemas.iter() {
            sink.schema(schema)?;
        }
        let has_rows = filter.includes(Stage::Entities);
        let mut rows = match has_rows || filter.includes(Stage::Configuration) {
            true => Some(self.rows(&mut retries, filter)?),
            false => None,
        };
        self.tell_diagnostics(Stage::Entities, WarningKind::Unreadable, sink);
        if let Some(rows) = &mut rows {
            rows.warnings().into_iter().for_each(|it| sink.warn(it));
        }
        let mut glances = Glances::new(&self.site);
        if let Some(rows) = rows.as_mut().filter(|_| has_rows) {
            sink.stage(Stage::Entities, Some(rows.entities.count()))?;
            rows.entities.each(&mut |line| {
                glances.look()?;
                let parsed = Entity::parse(line).map_err(|_| unread())?;
                filter.send(&Line::Entity(parsed), sink)
            })?;
        }
        if filter.includes(Stage::Assets) {
            let described = has_rows && filter.includes_type(UPLOAD_TYPES[0]);
            let rows = rows.as_mut().filter(|_| described);
            self.files(&mut retries, rows, sink)?;
        }
        self.leave();
        let Some(mut rows) = rows else {
            return Ok(());
        };
        if has_rows {
            sink.stage(Stage::Links, None)?;
            let mut links = Links::new(&rows.known, filter);
            rows.links.each(&mut |line| {
                glances.look()?;
                links.send(&Link::parse(line).map_err(|_| unread())?, sink)
            })?;
            links.finish(sink);
        }
        if filter.includes(Stage::Configuration) {
            sink.stage(Stage::Configuration, Some(rows.configuration.count()))?;
            rows.configuration.each(&mut |line| {
                glances.look()?;
                sink.configuration(&ConfigItem::parse(line).map_err(|_| unread())?)
            })?;
        }
        Ok(())
    }
}

/// A line was fine when it was put aside, and is not now.
fn unread() -> Error {
    Error::failed("what was spooled cannot be read back").hint("look after the disk of the spool")
}

/// Looks now and then whether the user wants the run to stop.
struct Glances {
    interrupt: crate::store::Interrupt,
    count: u64,
}

impl Glances {
    fn new(site: &Site) -> Self {
        Self {
            interrupt: site.access().interrupt().clone(),
            count: 0,
        }
    }

    fn look(&mut self) -> Result<()> {
        self.count += 1;
        match self.count % GLANCE {
            0 => self.interrupt.stop(),
            _ => Ok(()),
        }
    }
}

/// Takes what a frame brings as each of the stages, and as schemas: for fuzzers.
#[cfg(any(test, feature = "fuzzing"))]
pub(super) fn take_anything(data: &str) {
    use crate::model::Schemas;
    use stages::Taker;
    let folder = crate::fuzzing::folder();
    let schemas = Front::schemas(data).unwrap_or_default();
    let with_own = [Schemas::default(), schemas];
    let filter = Filter::default();
    for schemas in &with_own {
        let Ok(mut rows) = Rows::new(folder) else {
            return;
        };
        let mut taking = rows::Taking {
            rows: &mut rows,
            filter: &filter,
            schemas,
        };
        for stage in [Stage::Entities, Stage::Links, Stage::Configuration] {
            let _ = taking.take(stage, data, &mut || ());
        }
    }
    for checksums in [false, true] {
        let mut items = items::Items::new(folder, checksums);
        let _ = items.take(data, &mut |_| Ok(()));
        let _ = items.finish();
    }
}
