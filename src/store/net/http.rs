//! How requests to object stores travel: over the program's own TLS, given up when nothing moves any more.

use super::body::{IDLE, Received, Sent, no_answer, worded};
use crate::error::{Error, Result};
use crate::store::Access;
use http::header::{ACCEPT_ENCODING, HeaderValue, IF_NONE_MATCH};
use http::{Method, StatusCode};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse,
    HttpResponseBody, HttpService,
};
use object_store::{ClientConfigKey, ClientOptions};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, NoProxy, Proxy};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::timeout;

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// How many times as long the store may think about putting an archive together.
const COMPLETING: u32 = 10;
/// How servers of metadata, which give credentials to machines, are to be reached: at once, or not at all.
const METADATA: Duration = Duration::from_secs(1);
/// How long an answer may be that is a list.
const LONGEST_LIST: u64 = 16 << 20;
/// How long any other answer may be that is not the content of an object.
const LONGEST_ANSWER: u64 = 1 << 20;
/// Where systems keep the certificates of authorities.
const AUTHORITIES: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Makes connections.
#[derive(Clone)]
pub(in crate::store) struct Connector {
    tls: rustls::ClientConfig,
    proxies: Vec<Proxy>,
    /// What the variables say that name them.
    proxy_urls: Vec<String>,
    /// The names of these variables, in small letters.
    proxy_names: Vec<&'static str>,
    /// Whether what completes an upload does so only where nothing has the name. See [`Connector::create_only`].
    create: Arc<AtomicBool>,
    /// Whether objects come as they lie there. See [`Connector::taking_objects_as_they_lie`].
    as_they_lie: bool,
}

/// Who may read an object that is written to Google's store: one of its own lists. The crate has no option for that,
/// and takes this as an extension of its requests.
#[derive(Debug, Clone)]
pub(in crate::store) struct GoogleAcl(pub HeaderValue);

tokio::task_local! {
    /// The same for copies, whose extensions the crate drops.
    static OF_COPIES: GoogleAcl;
}

impl GoogleAcl {
    /// Does this, which is to copy an object; the copy gets that list.
    pub async fn of_copies<T>(self, work: impl Future<Output = T>) -> T {
        OF_COPIES.scope(self, work).await
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").finish_non_exhaustive()
    }
}

impl Connector {
    /// What speaks TLS and goes through proxies as these settings say.
    ///
    /// # Errors
    /// A certificate or the URL of a proxy cannot be used.
    pub fn new(access: &Access) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::failed(format!("TLS: {error}")))?
            .with_root_certificates(authorities(access)?)
            .with_no_client_auth();
        Ok(Self {
            tls,
            proxies: proxies(access)?,
            proxy_urls: proxy_urls(access).map(|(_, url)| url.to_owned()).collect(),
            proxy_names: proxy_urls(access).map(|(name, _)| name).collect(),
            create: Arc::default(),
            as_they_lie: false,
        })
    }

    /// Has uploads to S3 completed only where no object has their name. The crate has no option for that, and the
    /// header is not part of what is signed.
    pub fn create_only(&self, create: bool) {
        self.create.store(create, Ordering::Relaxed);
    }

    /// Has what lies compressed in Google's store come so, and not unpacked on the way, without a length. That header is
    /// not part of what is signed there.
    #[must_use]
    pub fn taking_objects_as_they_lie(mut self) -> Self {
        self.as_they_lie = true;
        self
    }

    /// A client. Over HTTP without TLS only where it was asked for. It follows no redirections: they would take
    /// credentials to whoever the answer names.
    pub fn client(&self, plain: bool, connect: Duration) -> Result<Client, reqwest::Error> {
        let builder = self.builder(plain, connect);
        builder.redirect(Policy::none()).build()
    }

    /// A client that follows redirections, for what goes without credentials.
    pub fn following(&self, plain: bool, connect: Duration) -> Result<Client, reqwest::Error> {
        self.builder(plain, connect).build()
    }

    /// The URLs of the proxies, as they are written. Passwords may stand in them.
    pub fn proxies(&self) -> impl Iterator<Item = &str> {
        self.proxy_urls.iter().map(String::as_str)
    }

    /// The variable that names the proxy for URLs of this scheme, unless `no_proxy` excepts their host.
    pub fn proxy_variable(&self, scheme: &str) -> Option<&'static str> {
        let names = [format!("{scheme}_proxy"), "all_proxy".to_owned()];
        let found = names
            .iter()
            .find_map(|name| self.proxy_names.iter().find(|it| *it == name));
        found.copied()
    }

    /// What makes clients that go through no proxy.
    pub fn direct(&self, plain: bool, connect: Duration) -> ClientBuilder {
        Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .user_agent(concat!("backup/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(connect)
            .https_only(!plain)
            // The address that led somewhere may be signed, or secret.
            .referer(false)
            .no_proxy()
    }

    /// What makes clients, with the redirections of the crate.
    pub fn builder(&self, plain: bool, connect: Duration) -> ClientBuilder {
        let mut builder = self.direct(plain, connect);
        // Those are reached directly: they are on the machine's own network.
        if connect != METADATA {
            for proxy in &self.proxies {
                builder = builder.proxy(proxy.clone());
            }
        }
        builder
    }
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let is = |key| options.get_config_value(&key);
        let plain = is(ClientConfigKey::AllowHttp).is_some_and(|value| value == "true");
        // The crate asks for a short time where it goes for metadata, and there alone.
        let connect = match is(ClientConfigKey::ConnectTimeout).as_deref() {
            Some("1 second" | "1s") => METADATA,
            _ => CONNECT,
        };
        let client = self.client(plain, connect);
        let client = client.map_err(|error| object_store::Error::Generic {
            store: "HTTP",
            source: Box::new(error),
        })?;
        Ok(HttpClient::new(Service {
            client,
            create: Arc::clone(&self.create),
            as_they_lie: self.as_they_lie,
        }))
    }
}

/// The authorities that are trusted: those that browsers trust, those of the system, and those that were named.
fn authorities(access: &Access) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots.add_parsable_certificates(access.authorities().iter().cloned());
    let named = ["AWS_CA_BUNDLE", "SSL_CERT_FILE"]
        .into_iter()
        .find_map(|name| Some((name, access.get(name)?)));
    if let Some((name, path)) = named {
        let fail = |why: &dyn fmt::Display| {
            Error::failed(format!("cannot read the certificates in {path}: {why}"))
                .hint(format!("name a file in PEM with {name}"))
        };
        let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
            .map_err(|error| fail(&error))?
            .collect();
        let found = found.map_err(|error| fail(&error))?;
        if found.is_empty() {
            return Err(fail(&"there are none"));
        }
        roots.add_parsable_certificates(found);
        return Ok(roots);
    }
    let of_system = AUTHORITIES.iter().find_map(|path| {
        let found = CertificateDer::pem_file_iter(path).ok()?;
        Some(found.flatten().collect::<Vec<_>>())
    });
    roots.add_parsable_certificates(of_system.unwrap_or_default());
    Ok(roots)
}

/// The proxies that the usual variables name: of which kind, and where.
fn proxy_urls(access: &Access) -> impl Iterator<Item = (&'static str, &str)> {
    let names = ["https_proxy", "http_proxy", "all_proxy"].into_iter();
    names.filter_map(|name| Some((name, either(access, name)?)))
}

/// The value of a variable whose name is written in small or in capital letters.
fn either<'a>(access: &'a Access, name: &str) -> Option<&'a str> {
    let upper = name.to_ascii_uppercase();
    access.get(name).or_else(|| access.get(&upper))
}

/// Ways through the proxies that the usual variables name.
fn proxies(access: &Access) -> Result<Vec<Proxy>> {
    let excepted = either(access, "no_proxy").and_then(NoProxy::from_string);
    let proxies = proxy_urls(access).map(|(name, url)| {
        let is_http = |scheme: &str| {
            ["http", "https"]
                .iter()
                .any(|it| it.eq_ignore_ascii_case(scheme))
        };
        if url
            .split_once("://")
            .is_some_and(|(scheme, _)| !is_http(scheme))
        {
            return Err(Error::usage(format!(
                "the variable {name} names a proxy of a kind that this program does not speak"
            ))
            .hint("it speaks to those of http:// and https://; name one of these, or unset it"));
        }
        let proxy = match name {
            "https_proxy" => Proxy::https(url),
            "http_proxy" => Proxy::http(url),
            _ => Proxy::all(url),
        };
        // A password may stand in it.
        let proxy = proxy.map_err(|_| {
            Error::usage(format!(
                "the variable {name} does not hold the URL of a proxy"
            ))
            .hint("write it as http://host:port, or unset it")
        })?;
        Ok(proxy.no_proxy(excepted.clone()))
    });
    proxies.collect()
}

/// A client that gives requests up when nothing moves.
#[derive(Debug)]
struct Service {
    client: Client,
    create: Arc<AtomicBool>,
    as_they_lie: bool,
}

impl HttpService for Service {
    fn call<'a, 'b>(&'a self, request: HttpRequest) -> Boxed<'b, Result<HttpResponse, HttpError>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(self.send(request))
    }
}

impl Service {
    async fn send(&self, mut request: HttpRequest) -> Result<HttpResponse, HttpError> {
        if let Some(GoogleAcl(acl)) = request.extensions().get::<GoogleAcl>().cloned() {
            request.headers_mut().insert("x-goog-acl", acl);
        }
        if request.headers().contains_key("x-goog-copy-source")
            && let Ok(GoogleAcl(acl)) = OF_COPIES.try_with(GoogleAcl::clone)
        {
            request.headers_mut().insert("x-goog-acl", acl);
        }
        if self.as_they_lie && matches!(*request.method(), Method::GET | Method::HEAD) {
            let gzip = HeaderValue::from_static("gzip");
            request.headers_mut().insert(ACCEPT_ENCODING, gzip);
        }
        let query = request.uri().query().unwrap_or_default();
        let completes = match *request.method() {
            Method::POST => query.contains("uploadId="),
            Method::PUT => {
                let sources = [
                    "x-amz-copy-source",
                    "x-goog-copy-source",
                    "x-ms-copy-source",
                ];
                let copies = sources.iter().any(|it| request.headers().contains_key(*it));
                copies || query.contains("comp=blocklist")
            }
            _ => false,
        };
        let patience = if completes { COMPLETING } else { 1 };
        let conditional =
            completes && request.method() == Method::POST && self.create.load(Ordering::Relaxed);
        if !conditional {
            return self.once(request, patience).await;
        }
        let plain = request.clone();
        let headers = request.headers_mut();
        headers.insert(IF_NONE_MATCH, HeaderValue::from_static("*"));
        let response = self.once(request, patience).await?;
        // Some stores do not know the condition, and say so.
        if response.status() == StatusCode::NOT_IMPLEMENTED {
            return self.once(plain, patience).await;
        }
        Ok(response)
    }

    async fn once(&self, request: HttpRequest, patience: u32) -> Result<HttpResponse, HttpError> {
        let (parts, body) = request.into_parts();
        let (reads, lists) = (parts.method == Method::GET, is_list(&parts.uri));
        let url = parts.uri.to_string().parse::<reqwest::Url>();
        let url = url.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        let mut request = reqwest::Request::new(parts.method, url);
        *request.headers_mut() = parts.headers;
        let sent: Arc<AtomicU64> = Arc::default();
        *request.body_mut() = Some(reqwest::Body::wrap(Sent::new(body, Arc::clone(&sent))));
        let mut execute = pin!(self.client.execute(request));
        let (mut before, mut idle) = (0, 0);
        let response = loop {
            match timeout(IDLE, execute.as_mut()).await {
                Ok(response) => break response.map_err(worded)?,
                Err(_) => {
                    let now = sent.load(Ordering::Relaxed);
                    idle = if now == before { idle + 1 } else { 0 };
                    before = now;
                    if idle >= patience {
                        return Err(no_answer());
                    }
                }
            }
        };
        let response: http::Response<reqwest::Body> = response.into();
        let (parts, body) = response.into_parts();
        let longest = match parts.status.is_success() && reads {
            true if lists => Some(LONGEST_LIST),
            true => None,
            false => Some(LONGEST_ANSWER),
        };
        let body = HttpResponseBody::new(Received::new(body, longest, patience));
        Ok(HttpResponse::from_parts(parts, body))
    }
}

/// Whether this asks for a list of objects.
fn is_list(uri: &http::Uri) -> bool {
    let mut parts = uri.query().unwrap_or_default().split('&');
    parts.any(|part| part.starts_with("list-type=") || part == "comp=list")
}
