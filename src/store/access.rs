//! What it takes to reach places that are not on this machine.

use super::Interrupt;
use crate::error::{Error, Result};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// Settings and credentials of object stores, as variables give them, and what stops waiting for such a store.
#[derive(Clone, Default)]
pub struct Access {
    variables: BTreeMap<String, String>,
    pub(super) interrupt: Interrupt,
    /// Authorities that are trusted beside those of the system.
    authorities: Arc<[CertificateDer<'static>]>,
}

impl Access {
    /// What these variables say. Waiting stops when the user wants that.
    pub fn new(variables: BTreeMap<String, String>, interrupt: Interrupt) -> Self {
        Self {
            variables,
            interrupt,
            authorities: Arc::default(),
        }
    }

    /// The same, where the authorities in a file are trusted beside those of the system.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): the file cannot be read, or holds no certificate in PEM.
    pub fn trusting(mut self, file: &Path) -> Result<Self> {
        let fail = |why: &dyn fmt::Display| {
            Error::usage(format!(
                "cannot read the certificates in {}: {why}",
                file.display()
            ))
            .hint("name a file that holds certificates in PEM (-----BEGIN CERTIFICATE-----)")
        };
        let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(file)
            .map_err(|error| fail(&error))?
            .collect();
        let found = found.map_err(|error| fail(&error))?;
        if found.is_empty() {
            return Err(fail(&"there are none"));
        }
        self.authorities = self.authorities.iter().cloned().chain(found).collect();
        Ok(self)
    }

    /// Authorities that are trusted beside those of the system.
    pub(super) fn authorities(&self) -> &[CertificateDer<'static>] {
        &self.authorities
    }

    /// The same, where something else says when waiting stops.
    #[must_use]
    pub(crate) fn stopped_by(&self, interrupt: Interrupt) -> Self {
        Self {
            interrupt,
            ..self.clone()
        }
    }

    /// What stops waiting.
    pub(crate) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// The same with another value of a variable; an empty one takes it away.
    pub(super) fn with(&self, name: &str, value: &str) -> Self {
        let mut access = self.clone();
        access.variables.insert(name.to_owned(), value.to_owned());
        access
    }

    /// The value of a variable; an empty one is none.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let value = self.variables.get(name).map(String::as_str);
        value.filter(|value| !value.is_empty())
    }

    /// The variables whose names begin with this, and their values.
    pub(super) fn with_prefix(&self, prefix: &str) -> impl Iterator<Item = (&str, &str)> {
        let variables = self.variables.iter();
        variables
            .map(|(name, value)| (&**name, &**value))
            .filter(move |(name, value)| name.starts_with(prefix) && !value.is_empty())
    }
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Passwords stand in the values.
        f.debug_struct("Access").finish_non_exhaustive()
    }
}
