//! What a cluster says of itself.

use super::{Answered, Path, Server};
use crate::error::Result;
use serde_json::Value;
use std::collections::BTreeSet;

/// What a cluster says of itself.
#[derive(Debug, Clone, Default)]
pub struct Cluster {
    /// Its version, where it says so.
    pub version: Option<String>,
    /// Its groups, where it says so: each writes files of its own.
    pub groups: BTreeSet<u32>,
}

impl Server {
    /// What a cluster says of itself. Where it does not say, that is no error.
    ///
    /// # Errors
    /// It does not know who asks, or does not answer; or the user wants the run to stop.
    pub fn cluster(&self) -> Result<Cluster> {
        let mut cluster = Cluster::default();
        let data = match self.query(Path::Admin, "query { health { instance group version } }") {
            Ok(Answered::Data(data)) => data,
            Ok(_) => return Ok(cluster),
            // Guardians of a namespace may export it, and need not see the cluster.
            Err(error) if error.is_denied() && self.has_login() => return Ok(cluster),
            Err(error) => return Err(error),
        };
        let instances = data.get("health").and_then(Value::as_array);
        for instance in instances.into_iter().flatten() {
            if text(instance, "instance") != Some("alpha") {
                continue;
            }
            let group: Option<u32> = match instance.get("group") {
                Some(Value::String(text)) => text.parse().ok(),
                Some(number) => number.as_u64().and_then(|it| it.try_into().ok()),
                None => None,
            };
            cluster.groups.extend(group.filter(|it| *it > 0));
            if cluster.version.is_none() {
                cluster.version = text(instance, "version").map(|it| self.clean(it));
            }
        }
        Ok(cluster)
    }
}

/// The text of a member of an answer, where there is one.
pub(in crate::dgraph) fn text<'a>(answer: &'a Value, name: &str) -> Option<&'a str> {
    answer.get(name)?.as_str().filter(|it| !it.is_empty())
}
