//! NDF as data that the notes beside it are brought together with.

use super::system::PRISMA;
use super::tie;
use crate::convert::data::{Data, Piece};
use crate::convert::noted::NotedSource;
use crate::convert::system::System;
use crate::convert::table::PairEnd;
use crate::error::Result;
use crate::prisma::ndf::{DataSet, ListRow, Node, Relation, ValueType};
use crate::store::Interrupt;
use std::path::{Path, PathBuf};

/// The data set, and the notes and files in this folder. `spool` is where sorting takes place.
///
/// # Errors
/// It is no data set.
pub fn noted_source(
    data: &Path,
    folder: &Path,
    spool: &Path,
    interrupt: &Interrupt,
) -> Result<NotedSource> {
    let set = DataSet::open(data, interrupt)?;
    if let Some(fault) = set.faults().first() {
        return Err(PRISMA.unfit(&set.path().display().to_string(), fault));
    }
    let data = Ndf {
        set,
        folder: folder.to_owned(),
    };
    Ok(NotedSource::new(Box::new(data), folder, spool, interrupt))
}

struct Ndf {
    set: DataSet,
    /// Where its data model lies.
    folder: PathBuf,
}

impl Data for Ndf {
    fn path(&self) -> &Path {
        self.set.path()
    }

    fn system(&self) -> &'static dyn System {
        &PRISMA
    }

    fn check_notes(&mut self, digest: &str) -> Result<()> {
        tie::check_model(&self.folder, digest)
    }

    fn read(&mut self, _spool: &Path, take: &mut dyn FnMut(Piece<'_>) -> Result<()>) -> Result<()> {
        for file in 0..self.set.files().len() {
            let (kind, name) = (
                self.set.files()[file].kind,
                self.set.files()[file].name.clone(),
            );
            self.set.read(file, &mut |number, text| {
                let fail = |why: String| PRISMA.unfit(&format!("{name}, element {number}"), &why);
                match kind {
                    ValueType::Nodes => {
                        let node = Node::parse(text).map_err(fail)?;
                        take(Piece::Node {
                            type_name: &node.type_name,
                            id: &node.id,
                            text,
                        })
                    }
                    ValueType::Lists => {
                        let row = ListRow::parse(text).map_err(fail)?;
                        take(Piece::List((&row.type_name, &row.field, &row.id)))
                    }
                    ValueType::Relations => {
                        let pair = Relation::parse(text).map_err(fail)?;
                        let ends = pair.ends.each_ref().map(|end| PairEnd {
                            type_name: &end.type_name,
                            id: &end.id,
                            field: end.field.as_deref(),
                        });
                        take(Piece::Pair {
                            ends,
                            is_whole: true,
                            place: None,
                        })
                    }
                }
            })?;
        }
        Ok(())
    }
}
