//! Options of a provider, as JavaScript would read them.

use crate::strapi::config::Upload;
use serde_json::Value;

/// Options of a provider. They may hold credentials, and are not for printing.
pub(super) struct Options<'a> {
    /// Those of the provider.
    pub own: At<'a>,
    /// Those that go with each upload.
    pub upload: At<'a>,
}

impl<'a> Options<'a> {
    pub fn of(upload: &'a Upload) -> Self {
        Self {
            own: At(&upload.options),
            upload: At(&upload.upload_options),
        }
    }
}

/// A place in them.
#[derive(Clone, Copy)]
pub(super) struct At<'a>(&'a Value);

impl<'a> At<'a> {
    /// A member.
    pub fn at(self, name: &str) -> At<'a> {
        At(&self.0[name])
    }

    /// Whether there is such a member, whatever it is.
    pub fn has(self, name: &str) -> bool {
        self.0.get(name).is_some()
    }

    /// What is there.
    pub fn value(self) -> &'a Value {
        self.0
    }

    /// A text that is not empty; numbers are texts.
    pub fn text(self) -> Option<String> {
        match self.0 {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The same without spaces around it.
    pub fn trimmed(self) -> Option<String> {
        let text = self.text()?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// Whether it holds where JavaScript asks for it.
    pub fn is_true(self) -> bool {
        match self.0 {
            Value::Null => false,
            Value::Bool(is) => *is,
            Value::String(text) => !text.is_empty(),
            Value::Number(number) => number.as_f64() != Some(0.0),
            Value::Array(_) | Value::Object(_) => true,
        }
    }

    /// Its members that are texts.
    pub fn texts(self) -> Vec<(String, String)> {
        let members = self.0.as_object().into_iter().flatten();
        members
            .filter_map(|(name, value)| Some((name.clone(), At(value).text()?)))
            .collect()
    }
}
