//! Where an archive is, as it is named on the command line: a path, `-`, or a URL.

use crate::error::{Error, Result};
use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use url::Url;

/// What stands for stdin and stdout.
const STREAM: &str = "-";
/// What stands between the scheme of a URL and the rest.
const MARK: &str = "://";

/// Where an archive is, or a place where several are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// Standard input or output.
    Stream,
    /// A file or folder.
    Path(PathBuf),
    /// An object in a store, or a prefix of such.
    Object(ObjectName),
}

/// The object stores that are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// Amazon's S3, and what speaks as it does.
    S3,
    /// Google's Cloud Storage.
    Google,
    /// Azure's Blob Storage.
    Azure,
}

impl StoreKind {
    const ALL: [Self; 3] = [Self::S3, Self::Google, Self::Azure];

    /// The scheme of its URLs.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Google => "gs",
            Self::Azure => "az",
        }
    }

    /// What it calls that which holds objects.
    pub fn holder(self) -> &'static str {
        match self {
            Self::S3 | Self::Google => "bucket",
            Self::Azure => "container",
        }
    }
}

/// An object in a store, or a prefix of such.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectName {
    /// The store.
    pub store: StoreKind,
    /// The bucket, or container.
    pub bucket: String,
    /// The name in it; empty, or with a slash at its end, where it is a prefix.
    pub key: String,
}

impl ObjectName {
    /// Whether it is by its form a place for several objects.
    pub fn is_prefix(&self) -> bool {
        self.key.is_empty() || self.key.ends_with('/')
    }

    /// The same as a place for several objects.
    #[must_use]
    pub fn into_prefix(mut self) -> Self {
        if !self.is_prefix() {
            self.key.push('/');
        }
        self
    }

    /// The part of the key behind its last slash.
    pub fn name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or_default()
    }

    /// The same with another name behind the last slash.
    #[must_use]
    pub fn with_name(&self, name: &str) -> Self {
        let folder = self.key.len() - self.name().len();
        Self {
            key: format!("{}{name}", &self.key[..folder]),
            ..self.clone()
        }
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{MARK}{}/{}",
            self.store.scheme(),
            self.bucket,
            self.key
        )
    }
}

impl Location {
    /// Reads what stands on the command line. Text with `://` in it is a URL; `./` before it makes it a path.
    ///
    /// # Errors
    /// Kind [`Usage`](crate::error::Kind::Usage): it is a URL of another kind, or names nothing.
    pub fn parse(text: &OsStr) -> Result<Self> {
        if text == STREAM {
            return Ok(Self::Stream);
        }
        let url = text.to_str().and_then(|text| {
            let (scheme, rest) = text.split_once(MARK)?;
            let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
                && scheme
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
            is_scheme.then(|| (scheme.to_ascii_lowercase(), rest, text))
        });
        let Some((scheme, rest, text)) = url else {
            return Ok(Self::Path(text.into()));
        };
        if scheme == "file" {
            // As a URL is read, they and what follows them are no part of the path.
            if text.contains(['?', '#']) {
                return Err(Error::usage(format!(
                    "{text} has a ? or a #, which end the path of a URL"
                ))
                .hint("write %3F for ? and %23 for #, or give the path without file://"));
            }
            let path = Url::parse(text)
                .ok()
                .and_then(|url| url.to_file_path().ok());
            return path.map(Self::Path).ok_or_else(|| {
                Error::usage(format!("{text} does not name a file of this machine")).hint(
                    "write file:///, and then the path, such as file:///backups/site.tar.gz.enc",
                )
            });
        }
        let Some(store) = StoreKind::ALL
            .into_iter()
            .find(|kind| kind.scheme() == scheme)
        else {
            // A URL of another kind may hold a password.
            return Err(Error::usage(format!(
                "archives are not read from or written to {scheme}{MARK}"
            ))
            .hint(
                "name a file, - for stdin and stdout, or a URL with s3://, gs://, az:// or file://",
            ));
        };
        let (bucket, key) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.contains(['@', ':', '?', '#']) {
            return Err(Error::usage(format!(
                "what follows {scheme}{MARK} is not the name of a {}",
                store.holder()
            ))
            .hint("credentials and endpoints come from the environment: see docs/STORES.md"));
        }
        if bucket.is_empty() {
            return Err(
                Error::usage(format!("{text} names no {}", store.holder())).hint(format!(
                    "write {scheme}{MARK}{}/prefix/name",
                    store.holder().to_uppercase()
                )),
            );
        }
        Ok(Self::Object(ObjectName {
            store,
            bucket: bucket.to_owned(),
            key: key.to_owned(),
        }))
    }

    /// Whether it is stdin or stdout.
    pub fn is_stream(&self) -> bool {
        *self == Self::Stream
    }

    /// The file or folder, where it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Stream | Self::Object(_) => None,
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream => f.write_str(STREAM),
            Self::Path(path) => path.display().fmt(f),
            Self::Object(object) => object.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Location {
        Location::parse(text.as_ref()).expect(text)
    }

    #[test]
    fn a_location_is_a_path_a_stream_or_an_object() {
        assert!(parsed("-").is_stream());
        for path in ["site", "./s3://x", "a/b.tar", "-x", "C:/x", "://x"] {
            assert_eq!(parsed(path).path(), Some(Path::new(path)), "{path}");
        }
        assert_eq!(
            parsed("file:///a%20b/c.tar").path(),
            Some(Path::new("/a b/c.tar"))
        );
        for (text, store, bucket, key) in [
            ("s3://b", StoreKind::S3, "b", ""),
            ("S3://b/", StoreKind::S3, "b", ""),
            ("gs://b/p/", StoreKind::Google, "b", "p/"),
            ("az://b/p/n x.tar", StoreKind::Azure, "b", "p/n x.tar"),
        ] {
            let Location::Object(object) = parsed(text) else {
                panic!("{text} is an object")
            };
            assert_eq!(
                (object.store, &*object.bucket, &*object.key),
                (store, bucket, key)
            );
            assert_eq!(object.is_prefix(), key.is_empty() || key.ends_with('/'));
        }
    }

    #[test]
    fn what_follows_a_question_mark_in_the_url_of_a_file_is_not_lost() {
        for text in ["file:///a?b#c/site.tar", "FILE:///a#b", "file:///a/?"] {
            let error = Location::parse(text.as_ref()).expect_err(text);
            assert_eq!(error.kind(), crate::error::Kind::Usage);
            assert!(error.advice().expect("advice").contains("%3F"), "{error}");
        }
        assert_eq!(
            parsed("file:///a%3Fb%23c").path(),
            Some(Path::new("/a?b#c"))
        );
    }

    #[test]
    fn what_stands_in_a_url_that_is_refused_is_not_printed() {
        for text in [
            "s3://key:secret@bucket/x",
            "https://u:secret@host/x",
            "s3://",
            "gs:///x",
            "file://host/x",
        ] {
            let error = Location::parse(text.as_ref()).expect_err(text);
            assert_eq!(error.kind(), crate::error::Kind::Usage);
            assert!(!error.to_string().contains("secret"), "{error}");
            assert!(error.advice().is_some(), "{error}");
        }
    }

    #[test]
    fn an_object_has_neighbours() {
        let Location::Object(object) = parsed("s3://b/p/site.tar") else {
            panic!("an object")
        };
        assert_eq!(object.name(), "site.tar");
        assert_eq!(object.with_name("x").to_string(), "s3://b/p/x");
        assert_eq!(object.into_prefix().to_string(), "s3://b/p/site.tar/");
    }
}
