//! `@strapi/provider-upload-aws-s3`: Amazon's S3 and what speaks as it does.

use super::options::{At, Options};
use super::{Base, Provider, Rule, address, encoded, lacks};
use crate::error::Result;
use crate::store::media::{Attributes, S3, S3Settings};
use std::sync::Arc;
use url::Url;

const NAME: &str = "aws-s3";
/// Where Amazon's is, for buckets of no region.
const REGION: &str = "us-east-1";
/// Who may read what is uploaded, where nobody says that.
const PUBLIC: &str = "public-read";

/// What may stand among the options of an upload, and the header that it becomes.
const HEADERS: [(&str, &str); 8] = [
    ("StorageClass", "x-amz-storage-class"),
    ("ServerSideEncryption", "x-amz-server-side-encryption"),
    ("SSEKMSKeyId", "x-amz-server-side-encryption-aws-kms-key-id"),
    ("Tagging", "x-amz-tagging"),
    ("GrantRead", "x-amz-grant-read"),
    ("GrantFullControl", "x-amz-grant-full-control"),
    ("RequestPayer", "x-amz-request-payer"),
    ("WebsiteRedirectLocation", "x-amz-website-redirect-location"),
];

pub(super) fn provider(options: &Options<'_>, major: u64) -> Result<Provider> {
    let own = options.own;
    // What stands beside `s3Options` is an older form, and wins.
    let either = |name: &str| match own.has(name) {
        true => own.at(name),
        false => own.at("s3Options").at(name),
    };
    let params = either("params");
    let bucket = params.at("Bucket").text();
    let bucket = bucket.ok_or_else(|| lacks(NAME, "params.Bucket"))?;
    let region = either("region").text();
    let endpoint = either("endpoint")
        .text()
        .map(|text| address(NAME, &text))
        .transpose()?;
    let path_style = either("forcePathStyle").is_true();
    let settings = S3Settings {
        bucket: bucket.clone(),
        region: region.clone(),
        endpoint: endpoint.clone(),
        path_style,
        credentials: credentials(options),
    };
    let base_url = own.at("baseUrl").text();
    let base_url = base_url.map(|base| match major {
        ..5 => base,
        _ => base.trim_end_matches('/').to_owned(),
    });
    let root = own.at("rootPath").text();
    let prefix = root.map_or_else(String::new, |root| {
        format!("{}/", root.trim_end_matches('/'))
    });
    let mut bases: Vec<Base> = base_url.iter().map(|base| Base::plain(base)).collect();
    bases.extend(locations(
        &bucket,
        region.as_deref(),
        endpoint.as_ref(),
        path_style,
    ));
    Ok(Provider {
        name: NAME.into(),
        prefix,
        attributes: attributes(options, params, major),
        bases,
        rule: Rule::Named {
            sanitised: major >= 5,
        },
        connect: Box::new(move |access| Ok(Arc::new(S3::new(access, settings.clone())?))),
    })
}

/// Those that the options name. Where they name none, the SDK looks for some where all tools of Amazon's do.
fn credentials(options: &Options<'_>) -> Option<(String, String, Option<String>)> {
    let (own, s3) = (options.own, options.own.at("s3Options"));
    let pair = |at: At<'_>| {
        let token = at.at("sessionToken").text();
        Some((
            at.at("accessKeyId").text()?,
            at.at("secretAccessKey").text()?,
            token,
        ))
    };
    // Newer versions do not look beside `s3Options` first; both are there in none.
    pair(own)
        .or_else(|| pair(s3.at("credentials")))
        .or_else(|| pair(own.at("credentials")))
        .or_else(|| pair(s3))
}

/// What urls begin with that the SDK, or the store, makes for new objects; then other forms of the same.
fn locations(
    bucket: &str,
    region: Option<&str>,
    endpoint: Option<&Url>,
    path_style: bool,
) -> Vec<Base> {
    let encoded = encoded(bucket);
    let hosts = match endpoint {
        Some(endpoint) => vec![(
            endpoint.scheme(),
            endpoint.host_str().unwrap_or_default().to_owned(),
        )],
        None => {
            let region = region.unwrap_or(REGION);
            let end = if region.starts_with("cn-") { ".cn" } else { "" };
            [
                format!("s3.{region}.amazonaws.com{end}"),
                format!("s3-{region}.amazonaws.com{end}"),
                format!("s3.dualstack.{region}.amazonaws.com{end}"),
                "s3.amazonaws.com".to_owned(),
                "s3-accelerate.amazonaws.com".to_owned(),
            ]
            .map(|host| ("https", host))
            .into()
        }
    };
    let port = endpoint.and_then(Url::port);
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    let mut bases = Vec::new();
    for (scheme, host) in hosts {
        let in_path = Base::encoding(&format!("{scheme}://{host}{port}/{encoded}"));
        let in_host = match host.starts_with(&format!("{encoded}.")) {
            true => Base::encoding(&format!("{scheme}://{host}{port}")),
            false => Base::encoding(&format!("{scheme}://{encoded}.{host}{port}")),
        };
        match path_style {
            true => bases.extend([in_path, in_host]),
            false => bases.extend([in_host, in_path]),
        }
        if !port.is_empty() {
            // Strapi 4 leaves the port out, and such urls lead nowhere.
            bases.push(Base::encoding(&format!("{scheme}://{host}/{encoded}")).unnamed());
        }
    }
    match endpoint {
        Some(_) => bases,
        None => bases.into_iter().map(Base::unnamed).collect(),
    }
}

/// How new objects are kept.
fn attributes(options: &Options<'_>, params: At<'_>, major: u64) -> Attributes {
    let upload = options.upload;
    // `false` is what is there and undefined.
    let is_given = match major {
        ..5 => params.has("ACL") && params.at("ACL").value() != &serde_json::Value::Bool(false),
        _ => params.has("ACL"),
    };
    let mut acl = match is_given {
        true => params.at("ACL").text(),
        false => Some(PUBLIC.to_owned()),
    };
    if upload.has("ACL") {
        acl = upload.at("ACL").text();
    }
    let mut more = Vec::new();
    if major >= 5 {
        let config = options.own.at("providerConfig");
        let mut add = |header: &str, value: Option<String>| {
            more.extend(value.map(|value| (header.to_owned(), value)));
        };
        add("x-amz-storage-class", config.at("storageClass").text());
        let encryption = config.at("encryption");
        add("x-amz-server-side-encryption", encryption.at("type").text());
        add(
            "x-amz-server-side-encryption-aws-kms-key-id",
            encryption.at("kmsKeyId").text(),
        );
        let tags = config.at("tags").texts();
        let tags: Vec<String> = tags
            .iter()
            .map(|(name, value)| format!("{}={}", encoded(name), encoded(value)))
            .collect();
        add("x-amz-tagging", (!tags.is_empty()).then(|| tags.join("&")));
    }
    for (name, header) in HEADERS {
        if upload.has(name) {
            more.retain(|(own, _)| own != header);
            more.extend(
                upload
                    .at(name)
                    .text()
                    .map(|value| (header.to_owned(), value)),
            );
        }
    }
    for (name, value) in upload.at("Metadata").texts() {
        more.push((format!("x-amz-meta-{}", name.to_lowercase()), value));
    }
    Attributes {
        media_type: upload.at("ContentType").text(),
        cache_control: upload.at("CacheControl").text(),
        content_disposition: upload.at("ContentDisposition").text(),
        content_encoding: upload.at("ContentEncoding").text(),
        acl,
        more,
    }
}
