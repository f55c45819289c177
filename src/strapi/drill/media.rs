//! What of rows and settings hangs on where files are kept, and is not compared: a restore brings them elsewhere where it
//! has to.

use crate::model::Fields;
use crate::strapi::core_store::{LOGO_BYTES, LOGOS};
use crate::strapi::uploads::LOCAL_PROVIDER;
use std::borrow::Cow;

/// What is left of a row of the media library, member by member, when it is not looked at where its files are served:
/// a restore gives them other places where it has to.
pub(super) fn without_urls(name: &str, value: &str) -> Option<String> {
    match name {
        "url" | "provider" => Some("null".into()),
        "formats" => {
            let formats = Fields::parse_with_any_names(value).ok()?;
            Some(formats.with(&|_, format| {
                let mut format = Fields::parse_with_any_names(format).ok()?;
                format.0.retain(|(name, _)| name != "url");
                Some(format.with(&|_, _| None))
            }))
        }
        _ => None,
    }
}

/// The settings of the admin panel without the bytes of logos that are kept elsewhere than in the project: from there
/// no export takes them.
pub(super) fn without_far_logos(value: &str) -> Cow<'_, str> {
    let Ok(settings) = Fields::parse(value) else {
        return Cow::Borrowed(value);
    };
    Cow::Owned(settings.with(&|name, logo| {
        if !LOGOS.contains(&name) {
            return None;
        }
        let mut logo = Fields::parse(logo).ok()?;
        let provider = logo.text("provider");
        if provider.is_none_or(|provider| provider == LOCAL_PROVIDER) {
            // In the place that an export gives them.
            let bytes = logo.get(LOGO_BYTES)?;
            logo.0.retain(|(name, _)| name != LOGO_BYTES);
            logo.0.push((LOGO_BYTES.into(), bytes));
        } else {
            logo.0.retain(|(name, _)| name != LOGO_BYTES);
        }
        Some(logo.with(&|_, _| None))
    }))
}
