//! Where the stores of Azure's and Google's are, and who asks.

use super::Store;
use crate::error::{Error, Result};
use crate::store::net::Connector;
use crate::store::object::Bucket;
use crate::store::object::explain::{Settings, explain_to};
use crate::store::object::settings::{self, Opened, Patience};
use crate::store::{Access, ObjectName, StoreKind};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::GoogleCloudStorageBuilder;
use std::fmt;
use std::sync::{Arc, Mutex};
use url::Url;

/// Where a container of Azure's is, and who asks. With neither a key nor a token, it is asked as variables say.
#[derive(Clone, Default)]
pub(crate) struct AzureSettings {
    /// The storage account.
    pub account: String,
    /// Its key.
    pub key: Option<String>,
    /// A shared access signature.
    pub sas_token: Option<String>,
    /// The name of the container.
    pub container: String,
    /// The server, where it is not Azure's. Without TLS only where it begins with `http:`.
    pub endpoint: Option<Url>,
}

/// Where a bucket of Google's is, and who asks. Without a service account, it is asked as variables say.
#[derive(Clone, Default)]
pub(crate) struct GoogleSettings {
    /// Its name.
    pub bucket: String,
    /// The key of a service account, as the file that Google gives.
    pub service_account_json: Option<String>,
    /// The server, where it is not Google's. Without TLS only where it begins with `http:`.
    pub base_url: Option<Url>,
}

impl fmt::Debug for AzureSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AzureSettings")
            .field("account", &self.account)
            .field("container", &self.container)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for GoogleSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GoogleSettings")
            .field("bucket", &self.bucket)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// The container of these settings. Nothing is asked of it yet.
    ///
    /// # Errors
    /// There are no credentials, or something that is set cannot be used.
    pub fn azure(access: &Access, settings: &AzureSettings) -> Result<Self> {
        let endpoint = endpoint(settings.endpoint.as_ref())?;
        let (key, sas) = (settings.key.as_deref(), settings.sas_token.as_deref());
        let (key, sas) = (filled(key), filled(sas));
        if settings.account.is_empty() {
            return Err(
                Error::usage("the upload provider names no account of Azure")
                    .hint("see what config/plugins says of it"),
            );
        }
        let own = access
            .with("AZURE_STORAGE_ACCOUNT_NAME", &settings.account)
            .with("AZURE_STORAGE_ENDPOINT", "")
            .with("AZURE_ENDPOINT", "");
        let make = |connector: &Connector, name: &ObjectName| {
            let mut builder = match (key, sas) {
                (None, None) => settings::azure(name, &own, connector)?,
                _ => MicrosoftAzureBuilder::new()
                    .with_http_connector(connector.clone())
                    .with_account(&settings.account)
                    .with_container_name(&name.bucket),
            };
            builder = match (key, sas) {
                (Some(key), _) => builder.with_access_key(key),
                (None, Some(sas)) => {
                    builder.with_config(AzureConfigKey::SasKey, sas.trim_start_matches('?'))
                }
                (None, None) => builder,
            };
            if let Some(endpoint) = &endpoint {
                builder = builder.with_endpoint(endpoint.clone());
            }
            Ok::<_, Error>(builder.with_client_options(settings::client(endpoint.as_deref())))
        };
        Self::open(
            access,
            StoreKind::Azure,
            &settings.container,
            |it, name, patience| {
                let opened = Opened::azure(make(it, name)?, patience);
                // What is wrong with a key may hold parts of it.
                opened.map_err(|error| match key.or(sas) {
                    Some(_) => not_usable("account or its key"),
                    None => explain_to(Settings::Project, "reach", name, &error),
                })
            },
        )
    }

    /// The bucket of these settings. Nothing is asked of it yet.
    ///
    /// # Errors
    /// There are no credentials, or something that is set cannot be used.
    pub fn google(access: &Access, settings: &GoogleSettings) -> Result<Self> {
        let endpoint = endpoint(settings.base_url.as_ref())?;
        let account = filled(settings.service_account_json.as_deref());
        let make = |connector: &Connector, name: &ObjectName| {
            let connector = connector.clone().taking_objects_as_they_lie();
            let mut builder = match account {
                None => settings::google(name, access, &connector)?,
                Some(account) => GoogleCloudStorageBuilder::new()
                    .with_http_connector(connector)
                    .with_service_account_key(account)
                    .with_bucket_name(&name.bucket)
                    .with_client_options(settings::client(endpoint.as_deref())),
            };
            if let Some(endpoint) = &endpoint {
                builder = builder
                    .with_base_url(endpoint)
                    .with_client_options(settings::client(Some(endpoint)));
            }
            Ok::<_, Error>(builder)
        };
        Self::open(
            access,
            StoreKind::Google,
            &settings.bucket,
            |it, name, patience| {
                let opened = Opened::google(make(it, name)?, patience);
                opened.map_err(|error| match account {
                    Some(_) => not_usable("service account"),
                    None => explain_to(Settings::Project, "reach", name, &error),
                })
            },
        )
    }

    fn open(
        access: &Access,
        kind: StoreKind,
        holder: &str,
        open: impl Fn(&Connector, &ObjectName, Patience) -> Result<Opened>,
    ) -> Result<Self> {
        let name = ObjectName {
            store: kind,
            bucket: holder.to_owned(),
            key: String::new(),
        };
        let bucket = Bucket::with(Settings::Project, access, |connector, patience| {
            open(connector, &name, patience)
        })?;
        Ok(Self {
            bucket: Arc::new(bucket),
            kind,
            holder: holder.to_owned(),
            rewriting: Mutex::default(),
        })
    }
}

/// Says that a setting cannot be used. Its value may be secret.
fn not_usable(what: &str) -> Error {
    Error::usage(format!("the {what} of the upload provider cannot be used"))
        .hint("see what config/plugins says of it, and that it is whole")
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

/// The URL of a server, as the crate wants it.
fn endpoint(url: Option<&Url>) -> Result<Option<String>> {
    let Some(url) = url else { return Ok(None) };
    let is_plain = url.username().is_empty() && url.password().is_none();
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() || !is_plain {
        return Err(Error::usage(
            "the upload provider's endpoint is not a URL of http or https alone",
        )
        .hint("see what config/plugins says of it"));
    }
    Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
}
