//! Holds what was read of an archive against what the archive says of itself: digests and their
//! authentication, counts, shards.

use super::checksums::{self, Checksums, unhex};
use super::codec::Password;
use super::layout::{CHECKSUMS, Entry, HMAC, MANIFEST, RESULT};
use super::manifest::Manifest;
use super::outcome::Outcome;
use crate::error::{Error, Result};
use crate::model::limits::{LONGEST_LIST, LONGEST_TYPES, MOST_TYPES};
use crate::model::{NameMap, Short, Stage};
use hmac::Mac;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use tempfile::SpooledTempFile;

/// How many faults are kept, and how many names for them.
const KEPT: usize = 100;

/// How many content types are named one by one.
const LISTED: usize = 20;

/// What protects the bytes of an archive, and what it says came of its export.
#[derive(Debug, Clone, Default)]
pub struct Protection {
    /// Whether it says what it was made from, as those of Strapi do not.
    pub has_manifest: bool,
    /// How many entries were held against the digests that the archive lists; `None` where it lists
    /// none.
    pub digests: Option<u64>,
    /// Whether the entries stand in another order than in that list.
    pub is_reordered: bool,
    /// Whether the list, or all of the archive, was written by somebody who knew the password.
    pub is_authenticated: bool,
    /// Whether it is encrypted to recipients: whoever knows one of these can have written it.
    pub is_to_recipients: bool,
    /// What came of the export, where the archive says it.
    pub outcome: Option<Outcome>,
    /// The entries that are not what the digests say, until somebody takes them.
    pub(super) unfit: NameMap<()>,
}

/// Collects what the audit needs, while the archive is read.
pub(super) struct Audit {
    archive: String,
    folder: PathBuf,
    found: Checksums,
    names: NameMap<()>,
    /// Entries whose name came before.
    repeated: Vec<String>,
    listed: Option<SpooledTempFile>,
    hmac: Option<String>,
    outcome: Option<String>,
    items: HashMap<Stage, u64>,
    entities: BTreeMap<String, u64>,
    /// How many bytes the names of their types have.
    type_bytes: usize,
    /// Whether there are more types than an archive may have.
    has_too_many_types: bool,
    shards: BTreeMap<Stage, BTreeSet<u32>>,
    faults: Vec<Error>,
}

impl Audit {
    /// An audit of the archive of this name, with room for lists in `folder`.
    pub fn new(archive: &str, folder: &Path) -> Self {
        Self {
            archive: archive.to_owned(),
            folder: folder.to_owned(),
            found: Checksums::new(folder),
            names: NameMap::default(),
            repeated: Vec::new(),
            listed: None,
            hmac: None,
            outcome: None,
            items: HashMap::new(),
            entities: BTreeMap::new(),
            type_bytes: 0,
            has_too_many_types: false,
            shards: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    /// The archive, for messages.
    pub fn archive(&self) -> &str {
        &self.archive
    }

    /// Where lists are spooled.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn fault(&mut self, what: &str) {
        let fault = Error::archive(format!("{}: {what}", self.archive));
        // An entry that is missing is missing in several respects.
        let is_new = |told: &Error| told.to_string() != fault.to_string();
        if self.faults.len() < KEPT && self.faults.iter().all(is_new) {
            self.faults.push(fault);
        }
    }

    fn spooling(&self, error: io::Error) -> Error {
        Error::from_io(error, |error| {
            Error::io("spool the digests in", &self.folder, error)
        })
    }

    /// Takes in an entry and its digest.
    ///
    /// # Errors
    /// The list cannot be spooled.
    pub fn entry(&mut self, name: &str, entry: &Entry, digest: &[u8]) -> Result<()> {
        if let Entry::Lines(stage, Some(number)) = entry {
            self.shards.entry(*stage).or_default().insert(*number);
        }
        if self.names.insert(name, ()).is_some() && self.repeated.len() < KEPT {
            self.repeated.push(name.to_owned());
        }
        match entry {
            Entry::Checksums | Entry::Hmac => Ok(()),
            _ => {
                let added = self.found.add(name, digest);
                added.map_err(|error| self.spooling(error))
            }
        }
    }

    /// Takes in the list of digests.
    ///
    /// # Errors
    /// It cannot be read or spooled.
    pub fn listed(&mut self, content: &mut dyn Read) -> Result<()> {
        let mut listed = tempfile::spooled_tempfile_in(checksums::IN_MEMORY, &self.folder);
        let mut content = content.take(LONGEST_LIST + 1);
        let length = io::copy(&mut content, &mut listed).map_err(|error| self.spooling(error))?;
        if length > LONGEST_LIST {
            self.fault(&format!(
                "{CHECKSUMS} has more than the {LONGEST_LIST} bytes that it may have"
            ));
        }
        self.listed = Some(listed);
        Ok(())
    }

    /// Takes in the authentication of the list.
    pub fn hmac(&mut self, text: String) {
        self.hmac = Some(text);
    }

    /// Takes in what came of the export.
    pub fn outcome(&mut self, text: String) {
        self.outcome = Some(text);
    }

    /// Counts lines or files of a stage.
    pub fn count(&mut self, stage: Stage, items: u64) {
        *self.items.entry(stage).or_default() += items;
    }

    /// Counts an entity.
    pub fn count_entity(&mut self, uid: &str) {
        if let Some(count) = self.entities.get_mut(uid) {
            *count += 1;
        } else if self.entities.len() < MOST_TYPES && self.type_bytes + uid.len() <= LONGEST_TYPES {
            self.type_bytes += uid.len();
            self.entities.insert(uid.to_owned(), 1);
        } else {
            self.has_too_many_types = true;
        }
    }

    /// How many items each stage had.
    pub fn items(&self) -> &HashMap<Stage, u64> {
        &self.items
    }

    /// Judges the archive, which was read to its end.
    ///
    /// # Errors
    /// The list cannot be read back.
    pub fn finish(
        mut self,
        manifest: Option<&Manifest>,
        password: Option<&Password>,
    ) -> Result<(Protection, Vec<Error>)> {
        self.check_shards();
        if self.has_too_many_types {
            self.fault(&format!(
                "it holds entities of more than the {MOST_TYPES} content types that it may have, or their \
                 names have more than {LONGEST_TYPES} bytes together"
            ));
        }
        let mut protection = Protection::default();
        let Some(manifest) = manifest else {
            if self.listed.is_some() || self.hmac.is_some() || self.outcome.is_some() {
                self.fault("manifest.json is missing, but what belongs to it is there");
            }
            return Ok((protection, self.faults));
        };
        // Strapi writes a file twice that two rows share; this program does not.
        for name in std::mem::take(&mut self.repeated) {
            self.fault(&format!("the entry {} stands there twice", Short(&name)));
        }
        protection.has_manifest = true;
        let checked = self.check_digests(&mut protection);
        checked.map_err(|error| self.spooling(error))?;
        let authenticated = self.check_authentication(manifest, password);
        protection.is_authenticated = authenticated.map_err(|error| self.spooling(error))?;
        protection.outcome = self.check_counts();
        self.check_scope(manifest);
        Ok((protection, self.faults))
    }

    /// Judges an archive that broke while it was read: where its list of digests came before that, what is not as it says
    /// is known all the same. Gives the names of these entries, and what there is to say of them.
    ///
    /// # Errors
    /// The list cannot be read back.
    pub fn finish_broken(mut self) -> Result<(NameMap<()>, Vec<Error>)> {
        let mut protection = Protection::default();
        if self.listed.is_some() {
            let checked = self.check_digests(&mut protection);
            checked.map_err(|error| self.spooling(error))?;
        }
        Ok((protection.unfit, self.faults))
    }

    /// What an archive was not made from is not in it.
    fn check_scope(&mut self, manifest: &Manifest) {
        let scope = manifest.scope();
        for stage in Stage::ALL {
            let items = self.items.get(&stage).copied().unwrap_or(0);
            if items > 0 && !scope.stages.contains(&stage) {
                self.fault(&format!(
                    "it holds {items} {stage}, which {MANIFEST} does not name"
                ));
            }
        }
        let mut uids = std::mem::take(&mut self.entities);
        uids.retain(|uid, _| !scope.types.contains(uid));
        for uid in uids.keys().take(LISTED) {
            let uid = Short(uid);
            self.fault(&format!(
                "it holds entities of {uid}, which {MANIFEST} does not name"
            ));
        }
        self.more_types(uids.len(), "which it does not name either");
    }

    /// Says the same of the content types that were not named one by one.
    fn more_types(&mut self, types: usize, what: &str) {
        if types > LISTED {
            let more = types - LISTED;
            self.fault(&format!(
                "it holds entities of {more} more content types, {what}"
            ));
        }
    }

    fn check_shards(&mut self) {
        for (stage, numbers) in std::mem::take(&mut self.shards) {
            let missing = (1..)
                .zip(&numbers)
                .find_map(|(expected, number)| (expected != *number).then_some(expected));
            if let Some(number) = missing {
                let name = super::layout::shard_name(stage, number);
                self.fault(&format!("{name} is missing"));
            }
        }
    }

    fn check_digests(&mut self, protection: &mut Protection) -> io::Result<()> {
        let Some(mut listed) = self.listed.take() else {
            self.fault(&format!("{CHECKSUMS} is missing"));
            return Ok(());
        };
        listed.rewind()?;
        let unfit = &mut protection.unfit;
        let mut add = |name: &str| {
            unfit.insert(name, ());
        };
        let comparison = checksums::compare(&mut listed, self.found.content()?.0, &mut add)?;
        for fault in &comparison.faults {
            self.fault(fault);
        }
        protection.is_reordered = comparison.is_reordered;
        protection.digests = Some(self.found.entries());
        self.listed = Some(listed);
        Ok(())
    }

    /// The key of the authentication needs the password, which nobody has for an archive that was
    /// decrypted by hand.
    fn check_authentication(
        &mut self,
        manifest: &Manifest,
        password: Option<&Password>,
    ) -> io::Result<bool> {
        if !manifest.is_authenticated() {
            if self.hmac.is_some() {
                self.fault(&format!(
                    "{HMAC} is there, which {MANIFEST} does not announce"
                ));
            } else if password.is_some() {
                self.fault(&format!(
                    "it is encrypted, and {MANIFEST} announces no authentication"
                ));
            }
            return Ok(false);
        }
        let Some(hmac) = self.hmac.take() else {
            self.fault(&format!("{HMAC} is missing"));
            return Ok(false);
        };
        let (Some(salt), Some(password)) = (manifest.salt(), password) else {
            return Ok(false);
        };
        let Some(listed) = &mut self.listed else {
            return Ok(false);
        };
        listed.rewind()?;
        let mut mac = Authenticating(password.authenticator(&salt));
        io::copy(listed, &mut mac)?;
        let digest: Option<[u8; 32]> = hmac.strip_suffix('\n').and_then(unhex);
        let is_right = digest.is_some_and(|digest| mac.0.verify_slice(&digest).is_ok());
        if !is_right {
            self.fault(&format!(
                "{HMAC} is not that of {CHECKSUMS}: it was changed by somebody who does not know the key"
            ));
        }
        Ok(is_right)
    }

    fn check_counts(&mut self) -> Option<Outcome> {
        let Some(text) = self.outcome.take() else {
            self.fault(&format!("{RESULT} is missing"));
            return None;
        };
        let outcome: Outcome = match serde_json::from_str(&text) {
            Ok(outcome) => outcome,
            Err(error) => {
                self.fault(&format!("{RESULT}: {error}"));
                return None;
            }
        };
        for stage in Stage::ALL {
            let found = self.items.get(&stage).copied().unwrap_or(0);
            let said = outcome.items(stage);
            if found != said {
                self.fault(&format!("it holds {found} {stage}; {RESULT} says {said}"));
            }
        }
        // Entities that are not wanted are lines, and no more is known of them.
        let known: u64 = self.entities.values().sum();
        if known == self.items.get(&Stage::Entities).copied().unwrap_or(0) {
            let counted = outcome.counts.get(Stage::Entities.as_str());
            let said = counted.into_iter().flat_map(|count| count.types.keys());
            let uids: BTreeSet<String> = self.entities.keys().chain(said).cloned().collect();
            let mut differing = 0;
            for uid in uids {
                let found = self.entities.get(&uid).copied().unwrap_or(0);
                let said = outcome.entities(&uid);
                if found == said {
                    continue;
                }
                differing += 1;
                if differing <= LISTED {
                    let uid = Short(&uid);
                    self.fault(&format!(
                        "it holds {found} entities of {uid}; {RESULT} says {said}"
                    ));
                }
            }
            self.more_types(differing, "of which other numbers stand there");
        }
        Some(outcome)
    }
}

/// Feeds what is written to it to an authentication.
struct Authenticating<M>(M);

impl<M: Mac> Write for Authenticating<M> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
