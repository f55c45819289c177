//! What came out of the site, held against what went in.

use super::canonical::{PART, shortened};
use super::differences::{Difference, Differences, How, LISTED};
use super::links;
use super::witness::{Odd, Sort, Witness};
use crate::error::Result;
use crate::hashing::read_through;
use crate::model::{LinkEnd, LinkRef, Short, is_component};
use crate::strapi::models::Models;
use crate::strapi::project::Project;
use crate::strapi::uploads::Uploads;
use crate::transfer::{Inspection, Plan};
use std::fs::File;
use std::io;
use std::mem;
use std::path::PathBuf;

/// Compares what the witness saw go in and come out.
///
/// # Errors
/// What it wrote down cannot be read.
pub(super) fn differences(
    witness: &mut Witness,
    plan: &Plan,
    project: &Project,
) -> Result<Differences> {
    let models = project.models()?;
    let mut comparison = Comparison {
        models: &models,
        inspection: &plan.inspection,
        uploads: project.uploads(),
        found: Differences::default(),
        last: None,
    };
    witness.odd(&mut |odd| {
        comparison.take(odd);
        Ok(())
    })?;
    comparison.settle();
    let mut found = comparison.found;
    let findings = mem::take(&mut witness.findings);
    found.foreign = findings.foreign;
    found.count += findings.count;
    for (sort, name, how) in findings.list {
        if found.list.len() < LISTED {
            found.list.push(Difference {
                stage: sort.stage(),
                what: shown(sort, &name),
                how,
            });
        }
    }
    Ok(found)
}

struct Comparison<'a> {
    models: &'a Models,
    inspection: &'a Inspection,
    uploads: Box<dyn Uploads>,
    found: Differences,
    /// What went in, until it is known whether something of that name came out.
    last: Option<Odd>,
}

impl Comparison<'_> {
    /// Takes the next odd thing; those of one name come one after the other.
    fn take(&mut self, odd: Odd) {
        if odd.into > 0 && odd.out > 0 {
            self.settle();
            if !matches!(odd.sort, Sort::SharedLink | Sort::MadeLink) {
                let times = How::Times(odd.into as u64, odd.out as u64);
                self.tell(&odd, times);
            }
            return;
        }
        let is_pair = |last: &Odd| (last.sort, &last.name) == (odd.sort, &odd.name);
        match self.last.take_if(|last| is_pair(last) && odd.into == 0) {
            Some(last) => self.changed(&last, &odd),
            None => {
                self.settle();
                self.last = Some(odd);
            }
        }
    }

    /// What is left alone has no other side.
    fn settle(&mut self) {
        let Some(odd) = self.last.take() else {
            return;
        };
        let how = match odd.into {
            0 => How::Extra,
            _ => How::Missing,
        };
        let is_told = match odd.sort {
            Sort::Link => self.is_link_told(&odd),
            // Older exports may lack them.
            Sort::MadeLink => how == How::Missing && self.is_link_told(&odd),
            // No row names it, so no export has it.
            Sort::File => how == How::Extra || !self.lies_there(&odd),
            _ => true,
        };
        if is_told {
            self.tell(&odd, how);
        }
    }

    /// Whether the two ends of a link let one expect that it comes back as it was.
    fn is_link_told(&self, odd: &Odd) -> bool {
        let Some(ends) = links::ends(&odd.name) else {
            return true;
        };
        if ends.iter().any(|end| self.is_renumbered(end)) {
            return false;
        }
        if odd.into > 0 && !ends.iter().all(|end| self.inspection.has_end(end)) {
            return false;
        }
        true
    }

    /// Whether an end is a component that several rows hold: each of them gets one of its own, with a link of its own.
    fn is_renumbered(&self, end: &LinkEnd<'_>) -> bool {
        let LinkRef::Id(id) = end.reference else {
            return false;
        };
        let Some(repeated) = self.inspection.repeated_components(&end.model) else {
            return false;
        };
        let is_new = is_component(&end.model) && !self.inspection.has(&end.model, id);
        repeated.contains(id) || is_new
    }

    /// Whether a file lies in the upload folder as it was.
    fn lies_there(&self, odd: &Odd) -> bool {
        let place = PathBuf::from(self.uploads.place());
        let digest = || -> io::Result<Vec<u8>> {
            let (_, digest) = read_through(&mut File::open(place.join(&odd.name))?)?;
            Ok(shortened(digest).to_vec())
        };
        digest().is_ok_and(|digest| digest == odd.digest)
    }

    /// Something came out that is not as it went in.
    fn changed(&mut self, into: &Odd, out: &Odd) {
        match into.sort {
            Sort::Url if self.is_here(&out.detail) => {
                self.found.moved += 1;
                return;
            }
            Sort::Component if into.digest == out.digest && into.detail == out.detail => {
                let repeated = self.inspection.repeated_components(&into.detail);
                if repeated.is_some_and(|ids| ids.contains(into.own)) {
                    return;
                }
                return self.tell(into, How::Changed(vec!["id".into()]));
            }
            Sort::Link if !self.is_link_told(into) => return,
            _ => {}
        }
        let which = self.parts(into, out);
        self.tell(into, How::Changed(which));
    }

    /// Whether a provider and a url are of a place in the upload folder.
    fn is_here(&self, detail: &str) -> bool {
        let parts = detail.split_once(' ');
        parts.is_some_and(|(provider, url)| self.uploads.path(provider, url).is_some())
    }

    /// The attributes that differ.
    fn parts(&self, into: &Odd, out: &Odd) -> Vec<String> {
        let uid = match into.sort {
            Sort::Row => into.name.rsplit_once(' ').map_or("", |(uid, _)| uid),
            Sort::Component => &into.detail,
            Sort::Link | Sort::MadeLink => return vec!["its position".into()],
            _ => return Vec::new(),
        };
        let Some(model) = self.models.get(uid) else {
            return Vec::new();
        };
        let pairs = into.parts.chunks(PART).zip(out.parts.chunks(PART));
        pairs
            .enumerate()
            .filter(|(_, (into, out))| into != out)
            .map(|(place, _)| match model.columns.get(place) {
                Some(column) => Short(&column.attribute).to_string(),
                None => "what the schema does not name".into(),
            })
            .collect()
    }

    fn tell(&mut self, odd: &Odd, how: How) {
        self.found.add(Difference {
            stage: odd.sort.stage(),
            what: shown(odd.sort, &odd.name),
            how,
        });
    }
}

/// What something is called, for people.
fn shown(sort: Sort, name: &str) -> String {
    match sort {
        Sort::Link | Sort::MadeLink => links::shown(name),
        Sort::Url => format!("where {} is served", Short(name)),
        _ => Short(name).to_string(),
    }
}
