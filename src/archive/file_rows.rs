//! What the files of an archive are, where it has no sidecars: Strapi wrote none before 4.12, and what
//! they would say stands in the rows of `plugin::upload.file`.

use crate::error::Result;
use crate::model::limits::{LONGEST_FILE_NAME, LONGEST_LINE};
use crate::model::{Entity, Fields, NameList, is_file_name};
use crate::transfer::{Place, Texts, UPLOAD_TYPES};
use serde_json::json;
use std::path::Path;

/// What the rows of the media library say of their files, by the names of these. In memory stay sixteen bytes
/// a file: 8 MB for 100,000 pictures with four formats each.
pub(super) struct FileRows {
    sidecars: Texts,
    /// Where the sidecar of a file stands.
    files: NameList<Packed>,
}

/// A place in eight bytes: where a text starts in the upper ones, and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Packed(u64);

impl Packed {
    /// Bits of a length: a text is part of a line.
    const LENGTH: u32 = (LONGEST_LINE - 1).ilog2() + 1;

    /// `None` beyond some sixty gigabytes of texts.
    fn of((start, length): Place) -> Option<Self> {
        let has_room =
            start >> (u64::BITS - Self::LENGTH) == 0 && u64::from(length) >> Self::LENGTH == 0;
        has_room.then(|| Self(start << Self::LENGTH | u64::from(length)))
    }

    fn place(self) -> Place {
        let length = self.0 & ((1 << Self::LENGTH) - 1);
        (self.0 >> Self::LENGTH, length as u32)
    }
}

impl FileRows {
    /// None yet; what does not stay in memory goes to `folder`.
    pub fn new(folder: &Path) -> Self {
        Self {
            sidecars: Texts::new(folder),
            files: NameList::default(),
        }
    }

    /// Takes in an entity, if it is a file.
    ///
    /// # Errors
    /// It cannot be spooled.
    pub fn add(&mut self, entity: &Entity<'_>) -> Result<()> {
        if entity.content_type != UPLOAD_TYPES[0] {
            return Ok(());
        }
        let Ok(fields) = Fields::parse(entity.data) else {
            return Ok(());
        };
        let id = entity.id.to_string();
        self.keep(&fields, || sidecar_of_row(&id, &fields))?;
        let formats = fields
            .get("formats")
            .and_then(|it| Fields::parse_with_any_names(it).ok());
        let hash = fields
            .text("hash")
            .filter(|it| it.len() <= LONGEST_FILE_NAME);
        let main = json!(hash).to_string();
        for (name, format) in formats.iter().flat_map(|formats| &formats.0) {
            if let Ok(format) = Fields::parse_with_any_names(format) {
                self.keep(&format, || sidecar_of_format(&format, name, &id, &main))?;
            }
        }
        Ok(())
    }

    /// Keeps the sidecar of a file, if it can be one of the archive.
    fn keep(&mut self, file: &Fields<'_>, sidecar: impl FnOnce() -> String) -> Result<()> {
        let hash = file.text("hash").filter(|hash| !hash.is_empty());
        let name = hash.map(|hash| hash + &file.text("ext").unwrap_or_default());
        if let Some(name) = name.filter(|name| is_file_name(name)) {
            let place = Packed::of(self.sidecars.keep(&sidecar())?);
            // Strapi stores a file once that two rows name.
            place
                .into_iter()
                .for_each(|place| self.files.push(&name, place));
        }
        Ok(())
    }

    /// What a file's sidecar would say; `None` if no row names the file.
    ///
    /// # Errors
    /// The rows cannot be read back.
    pub fn sidecar(&mut self, filename: &str) -> Result<Option<String>> {
        let place = self.files.find(filename).map(|packed| packed.place());
        place.map(|place| self.sidecars.read(place)).transpose()
    }
}

/// The sidecar of a row's own file: the whole row.
fn sidecar_of_row(id: &str, fields: &Fields<'_>) -> String {
    let mut members = vec![("id".into(), id)];
    let others = fields.0.iter().filter(|(name, _)| name != "id");
    members.extend(others.map(|(name, value)| (name.clone(), *value)));
    Fields(members).with(&|_, _| None)
}

/// The sidecar of a format: its object, and the row that it belongs to.
fn sidecar_of_format(format: &Fields<'_>, name: &str, id: &str, main_hash: &str) -> String {
    let kind = json!(name).to_string();
    let added = [("type", kind.as_str()), ("id", id), ("mainHash", main_hash)];
    let is_added = |name: &str| added.iter().any(|(added, _)| name == *added);
    let own = format.0.iter().filter(|(name, _)| !is_added(name));
    let mut members: Vec<_> = own.map(|(name, value)| (name.clone(), *value)).collect();
    members.extend(added.map(|(name, value)| (name.into(), value)));
    Fields(members).with(&|_, _| None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = r#"{"type":"plugin::upload.file","id":7,"data":{"name":"a.png","hash":"a_1","ext":".png","formats":{"small":{"hash":"small_a_1","ext":".png","size":0.5}},"url":"/uploads/a_1.png"}}"#;

    #[test]
    fn a_row_gives_the_sidecars_of_its_file_and_of_its_formats() {
        let folder = std::env::temp_dir();
        let mut rows = FileRows::new(&folder);
        let other = ROW.replace("a_1", "b_2").replace(":7", ":8");
        for line in [ROW, &other] {
            let parsed = Entity::parse(line).expect("an entity");
            rows.add(&parsed.entity()).expect("it is kept");
        }
        let mut sidecar = |name| rows.sidecar(name).expect("it is read");
        assert_eq!(
            sidecar("a_1.png").as_deref(),
            Some(
                r#"{"id":7,"name":"a.png","hash":"a_1","ext":".png","formats":{"small":{"hash":"small_a_1","ext":".png","size":0.5}},"url":"/uploads/a_1.png"}"#
            )
        );
        assert_eq!(
            sidecar("small_b_2.png").as_deref(),
            Some(
                r#"{"hash":"small_b_2","ext":".png","size":0.5,"type":"small","id":8,"mainHash":"b_2"}"#
            )
        );
        assert_eq!(sidecar("c_3.png"), None);
    }
}
