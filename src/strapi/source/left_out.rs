//! Links that were left out, because a row at an end is not there or was not sent.
//!
//! Why is found out once all were seen, for the few that are named: what an archive does not hold only the
//! database knows, and it is busy with the links meanwhile.

use crate::error::Result;
use crate::transfer::Examples;

/// The links of a relation that were left out.
#[derive(Default)]
pub(super) struct LeftOut {
    count: u64,
    named: Vec<Omitted>,
}

/// A link that was left out.
pub(super) struct Omitted {
    /// The link, in words.
    pub link: String,
    /// Why, if both rows exist.
    pub why: &'static str,
    /// Whether they do, as far as that is known.
    pub exist: bool,
    /// Components of which it is not known.
    pub unsure: Vec<(String, i64)>,
}

impl LeftOut {
    /// Adds one; `name` is asked for the first few.
    pub fn add(&mut self, name: impl FnOnce() -> Omitted) {
        self.count += 1;
        if self.named.len() < Examples::MOST {
            self.named.push(name());
        }
    }

    /// What is to be told of them. `exists` finds out whether a row is there.
    pub fn examples(self, exists: &mut dyn FnMut(&str, i64) -> Result<bool>) -> Result<Examples> {
        let mut examples = Examples::default();
        for named in self.named {
            let mut exist = named.exist;
            for (uid, id) in &named.unsure {
                exist = exist && exists(uid, *id)?;
            }
            let why = match exist {
                true => named.why,
                false => "one of the two does not exist",
            };
            examples.add(|| format!("{}: {why}", named.link));
        }
        Ok(examples.of_all(self.count))
    }
}
