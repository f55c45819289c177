//! The stores as variables and files describe them: where they are, and who asks.

use super::explain::{explain, where_credentials_come_from};
use super::profile::Profile;
use crate::error::{Error, Result};
use crate::store::net::Connector;
use crate::store::{Access, ObjectName, StoreKind};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::list::PaginatedListStore;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Where machines of all three clouds get their credentials from.
const METADATA: ([u8; 4], u16) = ([169, 254, 169, 254], 80);
/// How long that may take to answer.
const PATIENCE: Duration = Duration::from_secs(1);

/// A store, and what only one kind of them can do.
pub(in crate::store) struct Opened {
    pub store: Arc<dyn ObjectStore>,
    /// The same, for lists.
    pub pages: Arc<dyn PaginatedListStore>,
    /// The same, where it is S3.
    pub s3: Option<AmazonS3>,
}

impl Opened {
    /// A bucket of Google's.
    ///
    /// # Errors
    /// Something that is set cannot be used.
    pub fn google(
        builder: GoogleCloudStorageBuilder,
        patience: Patience,
    ) -> object_store::Result<Self> {
        let store = builder.with_retry(patience.retries()).build()?;
        Ok(Self {
            store: Arc::new(store.clone()),
            pages: Arc::new(store),
            s3: None,
        })
    }

    /// A container of Azure's.
    ///
    /// # Errors
    /// Something that is set cannot be used.
    pub fn azure(builder: MicrosoftAzureBuilder, patience: Patience) -> object_store::Result<Self> {
        let store = builder.with_retry(patience.retries()).build()?;
        Ok(Self {
            store: Arc::new(store.clone()),
            pages: Arc::new(store),
            s3: None,
        })
    }
}

/// How often a request is sent again.
#[derive(Clone, Copy)]
pub(in crate::store) enum Patience {
    /// A few times: nothing was done yet that would be lost.
    First,
    /// For a minute or two.
    Work,
}

impl Patience {
    fn retries(self) -> RetryConfig {
        RetryConfig {
            // The pause is between the first of these and so many times the last one.
            backoff: BackoffConfig {
                init_backoff: Duration::from_millis(200),
                max_backoff: Duration::from_secs(15),
                base: 4.0,
            },
            max_retries: match self {
                Self::First => 3,
                Self::Work => 10,
            },
            retry_timeout: match self {
                Self::First => Duration::from_secs(15),
                Self::Work => Duration::from_secs(120),
            },
        }
    }
}

/// What opens the store that an object is in.
///
/// # Errors
/// Something is missing that says where the store is and who asks, or it cannot be used.
pub(in crate::store) fn open(
    name: &ObjectName,
    access: &Access,
    connector: &Connector,
    patience: Patience,
) -> Result<Opened> {
    let fail = |error| explain("reach", name, &error);
    match name.store {
        StoreKind::S3 => {
            let builder = s3(name, access, connector)?.with_retry(patience.retries());
            let store = builder.build().map_err(fail)?;
            Ok(Opened {
                store: Arc::new(store.clone()),
                pages: Arc::new(store.clone()),
                s3: Some(store),
            })
        }
        StoreKind::Google => {
            Opened::google(google(name, access, connector)?, patience).map_err(fail)
        }
        StoreKind::Azure => Opened::azure(azure(name, access, connector)?, patience).map_err(fail),
    }
}

/// Options of the client: HTTP without TLS for an endpoint that was named so.
pub(in crate::store) fn client(endpoint: Option<&str>) -> ClientOptions {
    let plain = endpoint.is_some_and(|url| url.to_ascii_lowercase().starts_with("http://"));
    ClientOptions::new().with_allow_http(plain)
}

/// Says that a setting cannot be used. Its value may hold a password.
fn not_usable(variable: &str, what: &str) -> Error {
    Error::usage(format!("{variable} is not {what}")).hint("see docs/STORES.md")
}

/// Sees that the machine has a server of metadata: to ask in vain for credentials takes minutes.
fn check_metadata(store: StoreKind, endpoint: Option<&str>) -> Result<()> {
    if endpoint.is_some()
        || TcpStream::connect_timeout(&SocketAddr::from(METADATA), PATIENCE).is_ok()
    {
        return Ok(());
    }
    Err(no_credentials(store))
}

fn no_credentials(store: StoreKind) -> Error {
    Error::usage(format!(
        "there are no credentials for {}://",
        store.scheme()
    ))
    .hint(where_credentials_come_from(store))
}

fn s3(name: &ObjectName, access: &Access, connector: &Connector) -> Result<AmazonS3Builder> {
    let profile = Profile::of(access)?;
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&name.bucket)
        .with_disable_bulk_delete(true)
        .with_http_connector(connector.clone());
    for (variable, value) in access.with_prefix("AWS_") {
        let Ok(key) = variable.to_ascii_lowercase().parse() else {
            continue;
        };
        // The bucket is in the name; the client is ours; the others follow.
        let is_elsewhere = matches!(
            key,
            AmazonS3ConfigKey::Bucket
                | AmazonS3ConfigKey::Client(_)
                | AmazonS3ConfigKey::Endpoint
                | AmazonS3ConfigKey::S3Endpoint
                | AmazonS3ConfigKey::VirtualHostedStyleRequest
                | AmazonS3ConfigKey::DisableBulkDelete
        );
        if !is_elsewhere {
            builder = builder.with_config(key, value);
        }
    }
    let has_own =
        access.get("AWS_ACCESS_KEY_ID").is_some() || access.get("AWS_SECRET_ACCESS_KEY").is_some();
    let has_role = [
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ]
    .into_iter()
    .any(|variable| access.get(variable).is_some());
    let is_anonymous = access.get("AWS_SKIP_SIGNATURE") == Some("true");
    if !has_own && !is_anonymous {
        match (
            profile.get("aws_access_key_id"),
            profile.get("aws_secret_access_key"),
        ) {
            (Some(id), Some(secret)) => {
                builder = builder
                    .with_access_key_id(id)
                    .with_secret_access_key(secret);
                if let Some(token) = profile.get("aws_session_token") {
                    builder = builder.with_token(token);
                }
            }
            _ if has_role => {}
            _ => {
                if let Some(way) = profile.unknown_way() {
                    return Err(Error::usage(format!(
                        "the AWS profile gives its credentials by {way}, which is not supported"
                    ))
                    .hint("get them as variables: eval \"$(aws configure export-credentials --format env)\""));
                }
                if access.get("AWS_EC2_METADATA_DISABLED") == Some("true") {
                    return Err(no_credentials(name.store));
                }
                check_metadata(name.store, access.get("AWS_METADATA_ENDPOINT"))?;
            }
        }
    }
    let region = ["AWS_REGION", "AWS_DEFAULT_REGION"];
    let region = region.into_iter().find_map(|variable| access.get(variable));
    if let Some(region) = region.or(profile.get("region")) {
        builder = builder.with_region(region);
    }
    let endpoint = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"]
        .into_iter()
        .find_map(|variable| Some((variable, access.get(variable)?)));
    let endpoint = endpoint.or(profile
        .get("endpoint_url")
        .map(|url| ("endpoint_url of the AWS profile", url)));
    let style = profile.get("s3.addressing_style");
    let is_virtual = match access.get("AWS_VIRTUAL_HOSTED_STYLE_REQUEST") {
        Some(value) => value == "true",
        // Buckets with a dot are in no certificate.
        None => match style {
            Some("virtual") => true,
            Some("path") => false,
            _ => endpoint.is_none() && !name.bucket.contains('.'),
        },
    };
    builder = builder.with_virtual_hosted_style_request(is_virtual);
    if let Some((variable, url)) = endpoint {
        let parsed = Url::parse(url).ok().filter(|url| url.has_host());
        let Some(mut parsed) = parsed.filter(|url| matches!(url.scheme(), "http" | "https")) else {
            return Err(not_usable(variable, "a URL such as https://s3.example.com"));
        };
        if is_virtual {
            let host = format!("{}.{}", name.bucket, parsed.host_str().unwrap_or_default());
            parsed
                .set_host(Some(&host))
                .map_err(|_| not_usable(variable, "the URL of a host"))?;
        }
        builder = builder.with_endpoint(parsed.as_str().trim_end_matches('/'));
    }
    Ok(builder.with_client_options(client(endpoint.map(|(_, url)| url))))
}

/// A bucket of Google's, as variables describe it.
pub(in crate::store) fn google(
    name: &ObjectName,
    access: &Access,
    connector: &Connector,
) -> Result<GoogleCloudStorageBuilder> {
    let mut builder = GoogleCloudStorageBuilder::new().with_http_connector(connector.clone());
    for (variable, value) in access.with_prefix("GOOGLE_") {
        if let Ok(key) = variable.to_ascii_lowercase().parse()
            && !matches!(key, GoogleConfigKey::Bucket | GoogleConfigKey::Client(_))
        {
            builder = builder.with_config(key, value);
        }
    }
    let mut endpoint = access.get("GOOGLE_BASE_URL").map(str::to_owned);
    if let Some(host) = access.get("STORAGE_EMULATOR_HOST") {
        // Google's own tools take it with and without the scheme.
        let url = match host.contains("://") {
            true => host.trim_end_matches('/').to_owned(),
            false => format!("http://{host}"),
        };
        builder = builder.with_base_url(&url).with_bearer_token("none");
        endpoint = Some(url);
    } else {
        let usual = access.get("HOME").map(|home| {
            Path::new(home).join(".config/gcloud/application_default_credentials.json")
        });
        let is_told = [
            "GOOGLE_APPLICATION_CREDENTIALS",
            "GOOGLE_SERVICE_ACCOUNT",
            "GOOGLE_SERVICE_ACCOUNT_PATH",
            "GOOGLE_SERVICE_ACCOUNT_KEY",
            "GOOGLE_BEARER_TOKEN",
            "GOOGLE_SKIP_SIGNATURE",
        ]
        .into_iter()
        .any(|variable| access.get(variable).is_some());
        if !is_told && !usual.is_some_and(|path| path.is_file()) {
            check_metadata(name.store, None)?;
        }
    }
    Ok(builder
        .with_client_options(client(endpoint.as_deref()))
        .with_bucket_name(&name.bucket))
}

/// A container of Azure's, as variables describe it.
pub(in crate::store) fn azure(
    name: &ObjectName,
    access: &Access,
    connector: &Connector,
) -> Result<MicrosoftAzureBuilder> {
    let mut builder = MicrosoftAzureBuilder::new().with_http_connector(connector.clone());
    // The names of Azure's own tools, where the crate has others.
    let renamed = [
        ("AZURE_STORAGE_ACCOUNT", AzureConfigKey::AccountName),
        ("AZURE_STORAGE_KEY", AzureConfigKey::AccessKey),
    ];
    for (variable, key) in renamed {
        if let Some(value) = access.get(variable) {
            builder = builder.with_config(key, value);
        }
    }
    let mut endpoint = None;
    let mut has_credentials = access.get("AZURE_STORAGE_KEY").is_some();
    if let Some(text) = access.get("AZURE_STORAGE_CONNECTION_STRING") {
        let parts = text.split(';').filter_map(|part| part.split_once('='));
        for (part, value) in parts {
            let key = match part.trim() {
                "AccountName" => AzureConfigKey::AccountName,
                "AccountKey" => AzureConfigKey::AccessKey,
                "SharedAccessSignature" => AzureConfigKey::SasKey,
                "BlobEndpoint" => {
                    endpoint = Some(value.trim_end_matches('/').to_owned());
                    AzureConfigKey::Endpoint
                }
                _ => continue,
            };
            has_credentials |= matches!(key, AzureConfigKey::AccessKey | AzureConfigKey::SasKey);
            builder = builder.with_config(key, value.trim_end_matches('/'));
        }
    }
    for (variable, value) in access.with_prefix("AZURE_") {
        let Ok(key) = variable.to_ascii_lowercase().parse() else {
            continue;
        };
        match key {
            AzureConfigKey::ContainerName | AzureConfigKey::Client(_) => continue,
            AzureConfigKey::Endpoint => endpoint = Some(value.to_owned()),
            _ => {}
        }
        has_credentials |= matches!(
            key,
            AzureConfigKey::AccessKey
                | AzureConfigKey::SasKey
                | AzureConfigKey::Token
                | AzureConfigKey::ClientSecret
                | AzureConfigKey::FederatedTokenFile
                | AzureConfigKey::UseAzureCli
                | AzureConfigKey::UseEmulator
                | AzureConfigKey::SkipSignature
                | AzureConfigKey::FabricSessionToken
        );
        builder = builder.with_config(key, value);
    }
    if builder
        .get_config_value(&AzureConfigKey::AccountName)
        .is_none()
        && builder
            .get_config_value(&AzureConfigKey::UseEmulator)
            .as_deref()
            != Some("true")
    {
        return Err(Error::usage("no storage account of Azure is named")
            .hint("set AZURE_STORAGE_ACCOUNT_NAME: see docs/STORES.md"));
    }
    if !has_credentials {
        let own = ["AZURE_MSI_ENDPOINT", "AZURE_IDENTITY_ENDPOINT"];
        let own = own.into_iter().find_map(|variable| access.get(variable));
        check_metadata(name.store, own)?;
    }
    Ok(builder
        .with_client_options(client(endpoint.as_deref()))
        .with_container_name(&name.bucket))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn access(variables: &[(&str, &str)]) -> Access {
        let variables = variables.iter();
        let variables = variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Access::new(variables.collect(), Default::default())
    }

    fn name(store: StoreKind, bucket: &str) -> ObjectName {
        ObjectName {
            store,
            bucket: bucket.into(),
            key: "site".into(),
        }
    }

    const KEYS: [(&str, &str); 2] = [
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "secret"),
    ];

    fn endpoint(bucket: &str, more: &[(&str, &str)]) -> (Option<String>, Option<String>) {
        let access = access(&[&KEYS, more].concat());
        let connector = Connector::new(&access).expect("a connector");
        let builder = s3(&name(StoreKind::S3, bucket), &access, &connector).expect("a builder");
        let get = |key| builder.get_config_value(&key);
        (
            get(AmazonS3ConfigKey::Endpoint),
            get(AmazonS3ConfigKey::VirtualHostedStyleRequest),
        )
    }

    #[test]
    fn a_bucket_is_part_of_the_host_or_of_the_path() {
        let is = |text: &str| Some(text.to_owned());
        let here = ("AWS_ENDPOINT_URL", "https://s3.example.com:9000/");
        assert_eq!(endpoint("b", &[]), (None, is("true")));
        assert_eq!(endpoint("b.c", &[]), (None, is("false")));
        let path = (is("https://s3.example.com:9000"), is("false"));
        assert_eq!(endpoint("b", &[here]), path);
        let host = ("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "true");
        let named = (is("https://b.s3.example.com:9000"), is("true"));
        assert_eq!(endpoint("b", &[here, host]), named);
        // That for S3 goes before that for all services.
        let other = ("AWS_ENDPOINT_URL_S3", "http://localhost");
        assert_eq!(endpoint("b", &[here, other]).0, is("http://localhost"));
    }

    #[test]
    fn what_cannot_be_used_is_named_without_its_value() {
        let s3 = [&KEYS[..], &[("AWS_ENDPOINT_URL", "user:secret@host")]].concat();
        let azure = [("AZURE_STORAGE_KEY", "secret")];
        let disabled = [("AWS_EC2_METADATA_DISABLED", "true")];
        for (store, variables, told) in [
            (StoreKind::S3, &s3[..], "AWS_ENDPOINT_URL"),
            (StoreKind::S3, &disabled, "no credentials for s3://"),
            (StoreKind::Azure, &azure, "no storage account"),
            (
                StoreKind::S3,
                &[("https_proxy", "http://[secret")],
                "https_proxy",
            ),
        ] {
            let access = access(variables);
            let opened = Connector::new(&access).and_then(|connector| {
                open(&name(store, "b"), &access, &connector, Patience::First)
            });
            let error = opened.err().expect(told);
            assert_eq!(error.kind(), Kind::Usage, "{error}");
            let text = error.to_string();
            assert!(text.contains(told) && !text.contains("secret"), "{text}");
        }
    }
}
