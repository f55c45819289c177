//! Objects in Amazon's S3, and in what speaks as it does.
//!
//! The crate for archives takes neither lists of who may read an object nor keys with empty parts, and a media library
//! has both. So the requests are made here; the crate finds the credentials and signs, and its client sends them.

mod list;
mod reader;
mod request;
mod unfinished;
mod upload;

use super::flow::Floor;
use super::{About, Attributes, Body, Content, Objects, Unfinished};
use crate::error::{Error, Result};
use crate::store::net::Connector;
use crate::store::net::Executor;
use crate::store::object::explain::{Settings, explain_to, refused};
use crate::store::object::profile::Profile;
use crate::store::object::settings::{self, Patience};
use crate::store::{Access, Interrupt, ObjectName, StoreKind};
use bytes::Bytes;
use http::header::RANGE;
use http::{HeaderMap, HeaderValue, Method};
use object_store::ClientOptions;
use object_store::aws::{AwsCredential, AwsCredentialProvider};
use object_store::client::{HttpConnector, StaticCredentialProvider};
use request::{Ask, Asker, Fault};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use upload::Carried;
use url::{Host, Url};

/// Where the bucket is if nobody says it.
const REGION: &str = "us-east-1";
/// What is larger is not copied in one piece.
const LARGEST_COPY: u64 = 5 << 30;
/// How large the pieces are then.
const PIECE: u64 = 512 << 20;

/// Where a bucket is, and who asks.
#[derive(Clone)]
pub(crate) struct S3Settings {
    /// Its name.
    pub bucket: String,
    /// Where that is not said, it is as `AWS_REGION` says, or the profile, or else `us-east-1`.
    pub region: Option<String>,
    /// The server, where it is not Amazon's. Without TLS only where it begins with `http:`.
    pub endpoint: Option<Url>,
    /// Whether the bucket stands in the path, and not before the host.
    pub path_style: bool,
    /// The id of a key, the key, and the token that some have. Where there are none, they are those of the tools of AWS:
    /// variables, profile, roles of the machine.
    pub credentials: Option<(String, String, Option<String>)>,
}

impl fmt::Debug for S3Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Settings")
            .field("bucket", &self.bucket)
            .field("region", &self.region)
            .field("path_style", &self.path_style)
            .finish_non_exhaustive()
    }
}

/// A bucket of S3's.
pub(crate) struct S3(Arc<Bucket>);

/// What reads and writes it.
struct Bucket {
    bucket: String,
    asker: Asker,
    /// Whether it is known that the bucket is there.
    known: AtomicBool,
    interrupt: Interrupt,
    runtime: Executor,
    largest_copy: u64,
    piece: u64,
    floor: Floor,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3")
            .field("bucket", &self.0.bucket)
            .finish_non_exhaustive()
    }
}

impl S3 {
    /// The bucket of these settings. Nothing is asked of it yet.
    ///
    /// # Errors
    /// There are no credentials, or something that is set cannot be used.
    pub fn new(access: &Access, settings: S3Settings) -> Result<Self> {
        Ok(Self(Arc::new(Bucket::new(access, settings)?)))
    }
}

impl Bucket {
    fn new(access: &Access, settings: S3Settings) -> Result<Self> {
        let S3Settings {
            bucket,
            region,
            endpoint,
            path_style,
            credentials,
        } = settings;
        let connector = Connector::new(access)?;
        let runtime = Executor::new()?;
        let name = ObjectName {
            store: StoreKind::S3,
            bucket: bucket.clone(),
            key: String::new(),
        };
        let credentials = match credentials {
            Some((id, key, token)) => Some(given(id, key, token)?),
            None if access.get("AWS_SKIP_SIGNATURE") == Some("true") => None,
            None => {
                // The crate starts what renews credentials.
                let _entered = runtime.handle().enter();
                let opened = settings::open(&name, access, &connector, Patience::First)?;
                opened.s3.map(|s3| Arc::clone(s3.credentials()))
            }
        };
        let region = match region {
            Some(region) => region,
            None => region_of(access)?.unwrap_or_else(|| REGION.to_owned()),
        };
        let base = base(&bucket, &region, endpoint.as_ref(), path_style)?;
        let plain = base.starts_with("http://");
        let client = connector.connect(&ClientOptions::new().with_allow_http(plain));
        let client =
            client.map_err(|error| explain_to(Settings::Project, "reach", &name, &error))?;
        Ok(Self {
            bucket,
            asker: Asker::new(base, region, credentials, client),
            known: AtomicBool::new(false),
            interrupt: access.interrupt.clone(),
            runtime,
            largest_copy: LARGEST_COPY,
            piece: PIECE,
            floor: Floor::default(),
        })
    }

    /// Waits for something, until the user wants the run to stop.
    fn run<T>(&self, work: impl Future<Output = T>) -> Result<T> {
        self.runtime.run(&self.interrupt, work)
    }

    /// Sends a request, and waits for the answer to it.
    fn ask(&self, ask: &Ask<'_>) -> Result<Result<request::Answer, Fault>> {
        self.run(self.asker.ask(ask))
    }

    fn name(&self, key: &str) -> ObjectName {
        ObjectName {
            store: StoreKind::S3,
            bucket: self.bucket.clone(),
            key: key.to_owned(),
        }
    }

    /// What went wrong, in words: `doing` is a verb phrase such as "read".
    fn error(&self, doing: &str, key: &str, fault: Fault) -> Error {
        let name = self.name(key);
        match fault {
            Fault::Refused(refusal) => refused(Settings::Project, doing, &name, &refusal),
            Fault::Credentials(error) => explain_to(Settings::Project, doing, &name, &error),
            Fault::Other(why) => Error::failed(format!("cannot {doing} {name}: {why}"))
                .hint("see what the store is, and run it again"),
        }
    }

    /// Sees why the head of an object is not given: an answer to that has no words. `None` where there is no object.
    fn reason(&self, key: &str, fault: Fault) -> Result<()> {
        let status = match &fault {
            Fault::Refused(refusal) => refusal.status(),
            _ => None,
        };
        let is_absent = status == Some(404);
        if status.is_none() || (is_absent && self.known.load(Ordering::Relaxed)) {
            return match is_absent {
                true => Ok(()),
                false => Err(self.error("read", key, fault)),
            };
        }
        let mut ask = Ask::new(Method::GET, key);
        let range = HeaderValue::from_static("bytes=0-0");
        ask.headers.insert(RANGE, range);
        match self.ask(&ask)? {
            // It came meanwhile, or is empty, of which nothing can be a range.
            Ok(_) if is_absent => Ok(()),
            Err(Fault::Refused(why)) if why.status() == Some(404) && !why.lacks_bucket() => {
                self.known.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(why @ Fault::Refused(_)) => Err(self.error("read", key, why)),
            _ => Err(self.error("read", key, fault)),
        }
    }

    /// The head of an object.
    fn head(&self, key: &str) -> Result<Option<HeaderMap>> {
        match self.ask(&Ask::new(Method::HEAD, key))? {
            Ok(answer) => {
                self.known.store(true, Ordering::Relaxed);
                Ok(Some(answer.headers))
            }
            Err(fault) => self.reason(key, fault).map(|()| None),
        }
    }
}

impl Objects for S3 {
    fn place(&self, key: &str) -> String {
        self.0.name(key).to_string()
    }

    fn look(&self, key: &str) -> Result<Option<About>> {
        Ok(self.0.head(key)?.map(|headers| About::of(&headers)))
    }

    fn open(&self, key: &str) -> Result<Option<Content>> {
        reader::open(&self.0, key)
    }

    fn put(&self, key: &str, body: Body<'_>, how: &Attributes) -> Result<()> {
        self.0.put(key, &body, how)
    }

    fn copy(&self, from: &str, to: &str, how: Option<&Attributes>) -> Result<bool> {
        let how = how.map_or(Carried::All, Carried::Nothing);
        self.0.copy(from, to, how)
    }

    fn copy_as_it_is(&self, from: &str, to: &str, how: &Attributes) -> Result<bool> {
        self.0.copy(from, to, Carried::AllBut(how))
    }

    fn remove(&self, key: &str) -> Result<()> {
        match self.0.ask(&Ask::new(Method::DELETE, key))? {
            Err(Fault::Refused(why)) if why.status() == Some(404) && !why.lacks_bucket() => Ok(()),
            Err(fault) => Err(self.0.error("remove", key, fault)),
            Ok(_) => Ok(()),
        }
    }

    fn list(&self, prefix: &str, each: &mut dyn FnMut(&str, About) -> Result<()>) -> Result<()> {
        self.0.list(prefix, each)
    }

    fn unfinished(&self, prefix: &str) -> Result<Option<Vec<Unfinished>>> {
        self.0.unfinished(prefix)
    }

    fn give_up(&self, upload: &Unfinished) -> Result<()> {
        self.0.give_up(upload)
    }
}

/// Credentials that were given.
fn given(id: String, key: String, token: Option<String>) -> Result<AwsCredentialProvider> {
    // They become parts of headers.
    let is_one = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    let token = token.filter(|token| !token.is_empty());
    if !is_one(&id) || key.is_empty() || !token.as_deref().is_none_or(is_one) {
        return Err(Error::usage(
            "the access key of the upload provider is empty, or has characters that none has",
        )
        .hint("see its credentials in config/plugins, and the variables that it takes them from"));
    }
    Ok(Arc::new(StaticCredentialProvider::new(AwsCredential {
        key_id: id,
        secret_key: key,
        token,
    })))
}

/// The region that the tools of AWS would take.
fn region_of(access: &Access) -> Result<Option<String>> {
    let set = ["AWS_REGION", "AWS_DEFAULT_REGION"];
    let set = set.into_iter().find_map(|variable| access.get(variable));
    if let Some(region) = set {
        return Ok(Some(region.to_owned()));
    }
    Ok(Profile::of(access)?.get("region").map(str::to_owned))
}

/// What stands before the keys in URLs, without a slash at its end.
fn base(bucket: &str, region: &str, endpoint: Option<&Url>, path_style: bool) -> Result<String> {
    let fail = |what: &str| {
        Error::usage(format!("the upload provider's {what}"))
            .hint("see what config/plugins says of it")
    };
    let is_plain = |text: &str, more: &[u8]| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || more.contains(&byte);
        !text.is_empty() && !text.starts_with('.') && text.bytes().all(fits)
    };
    if !is_plain(bucket, b".-_") {
        return Err(fail(&format!("bucket `{bucket}` has a name that none has")));
    }
    if !is_plain(region, b"-_") {
        return Err(fail(&format!("region `{region}` has a name that none has")));
    }
    let amazons = format!("https://s3.{region}.{}", domain(region));
    let mut url = match endpoint {
        Some(url) => url.clone(),
        None => Url::parse(&amazons).map_err(|_| fail("region is none"))?,
    };
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(fail("endpoint is not a URL of http or https"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(fail("endpoint has a user's name or password in it"));
    }
    url.set_query(None);
    url.set_fragment(None);
    // Such buckets are in no certificate, and addresses have no names before them.
    let is_domain = matches!(url.host(), Some(Host::Domain(_)));
    let fits_host = bucket
        .bytes()
        .all(|byte| byte != b'_' && !byte.is_ascii_uppercase())
        && (!bucket.contains('.') || url.scheme() == "http");
    if path_style || !is_domain || !fits_host {
        return Ok(format!("{}/{bucket}", url.as_str().trim_end_matches('/')));
    }
    let host = format!("{bucket}.{}", url.host_str().unwrap_or_default());
    url.set_host(Some(&host))
        .map_err(|_| fail(&format!("bucket `{bucket}` cannot stand before a host")))?;
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// The domain of Amazon's servers in a region.
fn domain(region: &str) -> &'static str {
    match region.starts_with("cn-") {
        true => "amazonaws.com.cn",
        false => "amazonaws.com",
    }
}

/// Headers that say how an object is kept.
///
/// # Errors
/// What is said cannot stand in a header.
fn headers(how: &Attributes) -> Result<HeaderMap, Fault> {
    let mut headers = HeaderMap::new();
    let own = [
        ("content-type", &how.media_type),
        ("cache-control", &how.cache_control),
        ("content-disposition", &how.content_disposition),
        ("content-encoding", &how.content_encoding),
        ("x-amz-acl", &how.acl),
    ];
    let own = own
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)));
    let more = how.more.iter().map(|(name, value)| (&**name, &**value));
    for (name, value) in own.chain(more) {
        let fail = || Fault::Other(format!("its {name} cannot stand in a header"));
        let parsed: http::HeaderName = name.parse().map_err(|_| fail())?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| fail())?;
        headers.insert(parsed, value);
    }
    Ok(headers)
}

/// An answer as text.
fn text_of(bytes: &Bytes) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests;
