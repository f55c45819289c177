//! Blots secrets out of texts that a configuration throws.

use std::collections::BTreeMap;

/// Parts of names that say a variable's value is nobody's business.
const TELLING: &[&str] = &[
    "PASS",
    "PWD",
    "SECRET",
    "TOKEN",
    "KEY",
    "SALT",
    "CREDENTIAL",
    "DATABASE_URL",
    "DSN",
];
/// A value shorter than this is found in too many innocent words.
const SHORTEST: usize = 6;

/// The values of an environment that must not be shown.
pub(super) struct Redactor(Vec<String>);

impl Redactor {
    /// Picks the secrets out of an environment by the names of the variables.
    pub(super) fn new(environment: &BTreeMap<String, String>) -> Self {
        let telling = |name: &str| {
            let name = name.to_ascii_uppercase();
            name != "PWD" && name != "OLDPWD" && TELLING.iter().any(|part| name.contains(part))
        };
        let secrets = environment
            .iter()
            .filter(|(name, value)| telling(name) && value.len() >= SHORTEST);
        let mut secrets: Vec<String> = secrets.map(|(_, value)| value.clone()).collect();
        secrets.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self(secrets)
    }

    /// The text with every secret in it replaced by `***`.
    pub(super) fn blot(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| {
            text.replace(secret.as_str(), "***")
        })
    }
}
