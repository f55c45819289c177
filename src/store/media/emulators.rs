//! The object stores that the tests talk to, as `tests/all` has them.

// Not all of it serves here.
#[allow(dead_code)]
#[path = "../../../tests/all/support/stores.rs"]
mod stores;

pub(super) use stores::{Kind, Store, azure_key, translating};

use crate::store::{Access, Interrupt};

/// Gives a test up, or fails it where nothing may be missing.
#[track_caller]
fn skip(why: &str) {
    let is_required = std::env::var_os("BACKUP_TEST_REQUIRE").is_some_and(|value| value == "1");
    assert!(!is_required, "BACKUP_TEST_REQUIRE is set, and {why}");
}

impl Store {
    /// The variables that lead there, as the library takes them.
    pub fn access(&self) -> Access {
        let variables = self.variables().into_iter();
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        Access::new(variables.collect(), Interrupt::default())
    }
}
