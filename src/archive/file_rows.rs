//! What the files of an archive are, where it has no sidecars: Strapi wrote none before 4.12, and what
//! they would say stands in the rows of `plugin::upload.file`.

use crate::error::Result;
use crate::model::{Entity, Fields, NameMap, named_files};
use crate::transfer::{Place, Texts, UPLOAD_TYPES};
use std::path::Path;

/// The rows of the media library by the names of their files. In memory stay some 40 bytes a file:
/// 20 MB for 100,000 pictures with four formats each.
pub(super) struct FileRows {
    rows: Texts,
    /// Where the row of a file stands.
    files: NameMap<Place>,
}

impl FileRows {
    /// None yet; what does not stay in memory goes to `folder`.
    pub fn new(folder: &Path) -> Self {
        Self {
            rows: Texts::new(folder),
            files: NameMap::default(),
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
        let row = sidecar_of_row(entity.id, &fields);
        let place = self.rows.keep(&row)?;
        let text = |name: &str| fields.text(name);
        named_files(&text, fields.get("formats"), &mut |name, _| {
            // Strapi stores a file once that two rows name.
            if self.files.get(&name).is_none() {
                self.files.insert(&name, place);
            }
        });
        Ok(())
    }

    /// What a file's sidecar would say; `None` if no row names the file.
    ///
    /// # Errors
    /// The rows cannot be read back.
    pub fn sidecar(&mut self, filename: &str) -> Result<Option<String>> {
        let Some(&place) = self.files.get(filename) else {
            return Ok(None);
        };
        let row = self.rows.read(place)?;
        Ok(in_row(&row, filename).or(Some(row)))
    }
}

/// The sidecar of a row's own file: the whole row.
fn sidecar_of_row(id: i64, fields: &Fields<'_>) -> String {
    let id = id.to_string();
    let mut members = vec![("id".into(), id.as_str())];
    let others = fields.0.iter().filter(|(name, _)| name != "id");
    members.extend(others.map(|(name, value)| (name.clone(), *value)));
    Fields(members).with(&|_, _| None)
}

/// The sidecar of a format: its object, and the row that it belongs to. `None` if the file is no format of the row.
fn in_row(row: &str, filename: &str) -> Option<String> {
    let fields = Fields::parse(row).ok()?;
    let formats = Fields::parse_with_any_names(fields.get("formats")?).ok()?;
    for (name, format) in &formats.0 {
        let Ok(format) = Fields::parse_with_any_names(format) else {
            continue;
        };
        let hash = format.text("hash").unwrap_or_default();
        if hash + &format.text("ext").unwrap_or_default() != filename {
            continue;
        }
        let kind = serde_json::to_string(name).ok()?;
        let added = [
            ("type", kind.as_str()),
            ("id", fields.get("id")?),
            ("mainHash", fields.get("hash").unwrap_or("null")),
        ];
        let mut members = format.0;
        members.retain(|(name, _)| added.iter().all(|(added, _)| name != added));
        members.extend(added.map(|(name, value)| (name.into(), value)));
        return Some(Fields(members).with(&|_, _| None));
    }
    None
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
