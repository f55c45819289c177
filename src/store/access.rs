//! What it takes to reach places that are not on this machine.

use super::Interrupt;
use std::collections::BTreeMap;
use std::fmt;

/// Settings and credentials of object stores, as variables give them, and what stops waiting for such a store.
#[derive(Clone, Default)]
pub struct Access {
    variables: BTreeMap<String, String>,
    pub(super) interrupt: Interrupt,
}

impl Access {
    /// What these variables say. Waiting stops when the user wants that.
    pub fn new(variables: BTreeMap<String, String>, interrupt: Interrupt) -> Self {
        Self {
            variables,
            interrupt,
        }
    }

    /// The same, where something else says when waiting stops.
    #[must_use]
    pub(crate) fn stopped_by(&self, interrupt: Interrupt) -> Self {
        Self::new(self.variables.clone(), interrupt)
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
