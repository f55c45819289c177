//! `@strapi-community/strapi-provider-upload-google-cloud-storage`: Google's Cloud Storage.

use super::options::Options;
use super::{Base, Provider, Rule, lacks};
use crate::error::Result;
use crate::store::media::{Attributes, GoogleSettings, Store};
use serde_json::Value;
use std::sync::Arc;

const NAME: &str = "google-cloud-storage";
/// How long caches keep a file, in seconds, where nobody says that.
const AGE: &str = "3600";
/// Google's name for what everybody may read.
const PUBLIC: &str = "publicRead";

pub(super) fn provider(options: &Options<'_>) -> Result<Provider> {
    let own = options.own;
    let bucket = own.at("bucketName").text();
    let bucket = bucket.ok_or_else(|| lacks(NAME, "bucketName"))?;
    let account = match own.at("serviceAccount").value() {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        account @ Value::Object(_) => Some(account.to_string()),
        _ => None,
    };
    let settings = GoogleSettings {
        bucket: bucket.clone(),
        service_account_json: account,
        base_url: None,
    };
    let host = format!("https://storage.googleapis.com/{bucket}");
    let base = own.at("baseUrl").text();
    let base = base.map(|base| base.replace("{bucket-name}", &bucket));
    let mut bases = vec![Base::plain(base.as_deref().unwrap_or(&host))];
    bases.push(Base::encoding(&host));
    bases.push(Base::encoding(&format!(
        "https://{bucket}.storage.googleapis.com"
    )));
    let folder = own.at("basePath").text().unwrap_or_default();
    let prefix = format!("{folder}/");
    let is = |name: &str, otherwise: bool| match own.at(name).value() {
        Value::Bool(is) => *is,
        Value::String(text) => {
            ["true", "1", "yes", "on", "y", "enabled"].contains(&text.to_lowercase().as_str())
        }
        _ => otherwise,
    };
    let is_public = is("publicFiles", true) && !is("uniform", false);
    let age = own.at("cacheMaxAge").text();
    let age = age.unwrap_or_else(|| AGE.to_owned());
    Ok(Provider {
        name: NAME.into(),
        prefix: prefix.trim_start_matches('/').to_owned(),
        attributes: Attributes {
            cache_control: Some(format!("public, max-age={age}")),
            acl: is_public.then(|| PUBLIC.to_owned()),
            ..Attributes::default()
        },
        bases,
        rule: Rule::InFolders,
        connect: Box::new(move |access| Ok(Arc::new(Store::google(access, &settings)?))),
    })
}
