//! The rules of upload providers that keep files in buckets: what their options mean, under which key a file lies, and
//! the url that its row has.
//!
//! They are facts of the providers' packages: `@strapi/provider-upload-aws-s3` 4.26 and 5.52,
//! `strapi-provider-upload-azure-storage` 3.5 and `@strapi-community/strapi-provider-upload-google-cloud-storage` 5.0.

mod aws_s3;
mod azure;
mod google;
mod options;

use crate::error::{Error, Result};
use crate::store::Access;
use crate::store::media::{Attributes, Objects};
use crate::strapi::config::Upload;
use options::Options;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use std::sync::Arc;
use url::Url;

/// What JavaScript's `encodeURIComponent` leaves as it is, without what the SDK of S3 encodes beside that.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Each part of a key encoded, and its slashes not.
fn encoded(key: &str) -> String {
    let parts = key.split('/');
    let parts: Vec<String> = parts
        .map(|part| utf8_percent_encode(part, COMPONENT).to_string())
        .collect();
    parts.join("/")
}

/// What stands in urls before the key of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Base {
    /// All of it, with the slash at its end.
    text: String,
    /// Whether keys behind it are encoded.
    encodes: bool,
    /// Whether the options name its host.
    is_named: bool,
}

impl Base {
    /// A base of the options, behind which keys stand as they are.
    fn plain(text: &str) -> Self {
        Self {
            text: format!("{text}/"),
            encodes: false,
            is_named: true,
        }
    }

    /// One that a client makes.
    fn encoding(text: &str) -> Self {
        Self {
            encodes: true,
            ..Self::plain(text)
        }
    }

    /// The same where nobody named it.
    fn unnamed(self) -> Self {
        Self {
            is_named: false,
            ..self
        }
    }

    fn url(&self, key: &str) -> String {
        match self.encodes {
            true => format!("{}{}", self.text, encoded(key)),
            false => format!("{}{key}", self.text),
        }
    }

    /// The key of what is served at a url, if that begins so.
    fn key(&self, url: &str) -> Option<String> {
        let rest = strip(url, &self.text)?;
        // What signs it, or has caches forget it, is no part of the key.
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let key = match self.encodes {
            true => percent_decode_str(rest).decode_utf8().ok()?.into_owned(),
            false => rest.to_owned(),
        };
        (!key.is_empty()).then_some(key)
    }
}

/// What follows `base` in a url; hosts are the same in capitals, and over TLS or not.
fn strip<'a>(url: &'a str, base: &str) -> Option<&'a str> {
    let host = |text: &str| {
        let after = text.find("://")? + 3;
        Some((after, after + text[after..].find('/')?))
    };
    let (Some((start, end)), Some((own_start, own_end))) = (host(url), host(base)) else {
        return url.strip_prefix(base);
    };
    let is_web = |text: &str| ["http://", "https://"].contains(&text);
    let schemes = (&url[..start], &base[..own_start]);
    let same_scheme = schemes.0 == schemes.1 || (is_web(schemes.0) && is_web(schemes.1));
    let same_host = url[start..end].eq_ignore_ascii_case(&base[own_start..own_end]);
    (same_scheme && same_host)
        .then(|| url[end..].strip_prefix(&base[own_end..]))
        .flatten()
}

/// Where and how a provider keeps the files of a project.
pub(super) struct Provider {
    /// Its name, as rows have it.
    pub name: String,
    /// What stands before the paths of files, empty or with a slash at its end.
    pub prefix: String,
    /// How new files are kept.
    pub attributes: Attributes,
    /// What urls begin with; that of new files is the first.
    bases: Vec<Base>,
    rule: Rule,
    connect: Connect,
}

/// Under which key a provider looks for a file when it deletes it, or gives it away signed.
enum Rule {
    /// Below the prefix: `<path>/<hash><ext>`.
    Named {
        /// Whether parts that lead elsewhere are taken out.
        sanitised: bool,
    },
    /// Below the prefix: `<hash>/<hash><ext>`, with the extension in small letters.
    InFolders,
}

type Connect = Box<dyn Fn(&Access) -> Result<Arc<dyn Objects>> + Send + Sync>;

/// What a provider is told of a file.
#[derive(Debug, Clone, Default)]
pub(in crate::strapi) struct FileAt {
    /// The name of the provider in its row.
    pub provider: String,
    pub url: String,
    pub hash: String,
    pub ext: String,
    /// A folder that was given with the upload.
    pub path: String,
    /// Its size in kilobytes (1000 bytes), as Strapi counts it.
    pub size: Option<f64>,
    /// Its media type.
    pub mime: Option<String>,
}

impl Provider {
    /// The provider that a project is set up with, if it keeps files in a bucket and is one of those that are known.
    ///
    /// # Errors
    /// Its options lack what it cannot do without, or what they hold cannot be told without Node.
    pub fn of(upload: &Upload, major: u64) -> Option<Result<Self>> {
        let options = Options::of(upload);
        let name = upload.provider.to_lowercase();
        let made = match name.as_str() {
            "aws-s3" | "@strapi/provider-upload-aws-s3" => aws_s3::provider(&options, major),
            "azure-storage" | "strapi-provider-upload-azure-storage" | "azure" => {
                azure::provider(&options)
            }
            "google-cloud-storage"
            | "@strapi-community/strapi-provider-upload-google-cloud-storage"
            | "strapi-provider-upload-google-cloud-storage" => google::provider(&options),
            _ => return None,
        };
        Some(made.map(|made| Self {
            name: upload.provider.clone(),
            ..made
        }))
    }

    /// Something that talks to its bucket.
    ///
    /// # Errors
    /// There are no credentials, or they cannot be used.
    pub fn connect(&self, access: &Access) -> Result<Arc<dyn Objects>> {
        (self.connect)(access)
    }

    /// The key of the file that is served at a url, if that is of its bucket.
    pub fn key_at(&self, url: &str) -> Option<String> {
        self.bases.iter().find_map(|base| base.key(url))
    }

    /// The key under which it looks for a file by the rest of its row.
    pub fn key_of(&self, file: &FileAt) -> String {
        let (
            prefix,
            FileAt {
                hash, ext, path, ..
            },
        ) = (&self.prefix, file);
        match self.rule {
            Rule::Named { sanitised } => {
                let path = match sanitised {
                    true => sanitised_path(path),
                    false => path.clone(),
                };
                let folder = if path.is_empty() { "" } else { "/" };
                format!("{prefix}{path}{folder}{hash}{ext}")
            }
            Rule::InFolders => {
                let folder = path.get(1..).filter(|path| !path.is_empty());
                let ext = ext.to_lowercase();
                format!("{prefix}{}/{hash}{ext}", folder.unwrap_or(hash))
            }
        }
    }

    /// The path below its prefix of the file that is served at a url.
    pub fn path_at(&self, url: &str) -> Option<String> {
        let key = self.key_at(url)?;
        key.strip_prefix(&self.prefix).map(str::to_owned)
    }

    /// The url of the file at a path below its prefix.
    pub fn url(&self, path: &str) -> String {
        let key = format!("{}{path}", self.prefix);
        self.bases
            .first()
            .map_or_else(|| key.clone(), |base| base.url(&key))
    }

    /// The path below its prefix that it gives a new file whose name in an archive is this.
    pub fn path_for(&self, name: &str) -> String {
        match self.rule {
            Rule::Named { .. } => name.to_owned(),
            Rule::InFolders => {
                let (hash, ext) = name.rfind('.').map_or((name, ""), |dot| name.split_at(dot));
                format!("{hash}/{hash}{}", ext.to_lowercase())
            }
        }
    }

    /// Hosts that its options name, with their ports: they may be anywhere.
    pub fn hosts(&self) -> Vec<(String, u16)> {
        let named = self.bases.iter().filter(|base| base.is_named);
        let urls = named.filter_map(|base| Url::parse(&base.text).ok());
        urls.filter_map(|url| Some((url.host_str()?.to_owned(), url.port_or_known_default()?)))
            .collect()
    }
}

/// A path as the provider for S3 of Strapi 5 has it: nothing leads up, and no slash stands at an end or beside another.
fn sanitised_path(path: &str) -> String {
    let path = path.replace("..", "");
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    parts.join("/")
}

/// An address that options give; some leave out the scheme.
fn address(provider: &str, text: &str) -> Result<Url> {
    let whole = match text.contains("://") {
        true => text.to_owned(),
        false => format!("https://{text}"),
    };
    let url = Url::parse(&whole).ok();
    let is_web = |url: &Url| url.host_str().is_some() && ["http", "https"].contains(&url.scheme());
    url.filter(is_web).ok_or_else(|| {
        Error::failed(format!(
            "the address of the store in the options of the upload provider `{provider}` in config/plugins is no URL"
        ))
        .hint("write it as https://host:port")
    })
}

/// The options lack something.
fn lacks(provider: &str, option: &str) -> Error {
    Error::failed(format!(
        "the options of the upload provider `{provider}` in config/plugins have no {option}, or only Node could tell it"
    ))
    .hint("see that it is set in the environment or in .env; or leave files out with --exclude files")
}

#[cfg(test)]
mod tests;
