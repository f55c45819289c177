//! A prefix in an object store, as a place where archives lie.

use super::{Bucket, ObjectOrigin};
use crate::error::Result;
use crate::store::{Access, Item, ObjectName, Origin, Shelf};
use std::sync::Arc;

/// A prefix.
pub(in crate::store) struct ObjectShelf {
    bucket: Arc<Bucket>,
    prefix: ObjectName,
}

impl ObjectShelf {
    /// The one at `name`. Nothing is asked of the store yet.
    pub fn open(name: &ObjectName, access: &Access) -> Result<Self> {
        let prefix = name.clone().into_prefix();
        Ok(Self {
            bucket: Arc::new(Bucket::open(&prefix, access)?),
            prefix,
        })
    }
}

impl Shelf for ObjectShelf {
    fn name(&self) -> String {
        self.prefix.to_string()
    }

    fn list(&self) -> Result<Vec<Item>> {
        let objects = self.bucket.list(&self.prefix)?;
        let mut items: Vec<Item> = objects
            .into_iter()
            .filter_map(|object| {
                let name = object.location.filename()?.to_owned();
                Some(Item {
                    name,
                    size: object.size,
                    modified: object.last_modified.into(),
                })
            })
            .collect();
        items.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(items)
    }

    fn item(&self, name: &str) -> Result<Option<Item>> {
        let found = self.bucket.look(&self.prefix.with_name(name))?;
        Ok(found.map(|found| Item {
            name: name.to_owned(),
            size: found.meta.size,
            modified: found.meta.last_modified.into(),
        }))
    }

    fn open(&self, name: &str) -> Result<Box<dyn Origin>> {
        let object = self.prefix.with_name(name);
        Ok(Box::new(ObjectOrigin::of(&self.bucket, &object)?))
    }

    fn read(&self, name: &str, most: u64) -> Result<Option<Vec<u8>>> {
        self.bucket.read(&self.prefix.with_name(name), most)
    }

    fn id(&self, name: &str) -> Result<Option<String>> {
        self.bucket.id(&self.prefix.with_name(name))
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.bucket.remove(&self.prefix.with_name(name))
    }
}
