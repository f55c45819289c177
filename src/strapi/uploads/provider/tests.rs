use super::*;
use serde_json::{Value, json};

fn made(name: &str, options: Value, upload: Value, major: u64) -> Provider {
    let upload = Upload {
        provider: name.into(),
        options,
        upload_options: upload,
    };
    let made = Provider::of(&upload, major).expect("a known provider");
    made.expect("options that can be used")
}

fn s3(options: Value, major: u64) -> Provider {
    made("aws-s3", options, Value::Null, major)
}

fn in_region(more: Value) -> Value {
    let mut options = json!({
        "s3Options": { "region": "eu-west-1", "params": { "Bucket": "media" } },
    });
    for (name, value) in more.as_object().expect("members") {
        options[name] = value.clone();
    }
    options
}

fn at_endpoint(endpoint: &str, path_style: bool) -> Value {
    json!({ "s3Options": {
        "endpoint": endpoint,
        "forcePathStyle": path_style,
        "params": { "Bucket": "media" },
    } })
}

#[test]
fn new_files_get_the_urls_that_strapi_gives_them() {
    let root = json!({ "rootPath": "site/" });
    let cdn = json!({ "baseUrl": "https://cdn.example.com/", "rootPath": "a b" });
    for (options, major, url) in [
        (
            in_region(json!({})),
            5,
            "https://media.s3.eu-west-1.amazonaws.com/x%20y.png",
        ),
        (
            in_region(root),
            5,
            "https://media.s3.eu-west-1.amazonaws.com/site/x%20y.png",
        ),
        // A base is taken as it is, and keys behind it are not encoded.
        (
            in_region(cdn.clone()),
            5,
            "https://cdn.example.com/a b/x y.png",
        ),
        (in_region(cdn), 4, "https://cdn.example.com//a b/x y.png"),
        (
            at_endpoint("https://fra1.example.com", false),
            5,
            "https://media.fra1.example.com/x%20y.png",
        ),
        (
            at_endpoint("http://127.0.0.1:9000", true),
            5,
            "http://127.0.0.1:9000/media/x%20y.png",
        ),
        (
            at_endpoint("media.fra1.example.com", false),
            5,
            "https://media.fra1.example.com/x%20y.png",
        ),
    ] {
        assert_eq!(s3(options, major).url("x y.png"), url);
    }
}

#[test]
fn files_of_the_bucket_are_known_by_any_url_it_has() {
    let amazon = s3(in_region(json!({ "rootPath": "site" })), 5);
    for url in [
        "https://media.s3.eu-west-1.amazonaws.com/site/a.png",
        "http://MEDIA.s3.eu-west-1.amazonaws.com/site/a.png",
        "https://media.s3-eu-west-1.amazonaws.com/site/a.png",
        "https://media.s3.amazonaws.com/site/a.png?X-Amz-Signature=1",
        "https://s3.eu-west-1.amazonaws.com/media/site/a.png",
        "https://s3.amazonaws.com/media/site/%61.png#top",
    ] {
        assert_eq!(amazon.key_at(url).as_deref(), Some("site/a.png"), "{url}");
        assert_eq!(amazon.path_at(url).as_deref(), Some("a.png"), "{url}");
    }
    let outside = "https://media.s3.eu-west-1.amazonaws.com/other/a.png";
    assert_eq!(amazon.key_at(outside).as_deref(), Some("other/a.png"));
    assert_eq!(amazon.path_at(outside), None);
    for url in [
        "https://media2.s3.eu-west-1.amazonaws.com/site/a.png",
        "https://media.s3.eu-west-1.amazonaws.com.evil.example/site/a.png",
        "https://evil.example/media.s3.eu-west-1.amazonaws.com/site/a.png",
        "https://user@media.s3.eu-west-1.amazonaws.com/site/a.png",
        "/uploads/a.png",
        "",
    ] {
        assert_eq!(amazon.key_at(url), None, "{url}");
    }
    // Strapi 4 leaves the port out.
    let local = s3(at_endpoint("http://127.0.0.1:9000", true), 4);
    for url in [
        "http://127.0.0.1/media/a.png",
        "http://127.0.0.1:9000/media/a.png",
    ] {
        assert_eq!(local.key_at(url).as_deref(), Some("a.png"), "{url}");
    }
    assert_eq!(local.key_at("http://127.0.0.1:9001/media/a.png"), None);
}

#[test]
fn a_file_without_a_url_of_the_bucket_is_looked_for_where_strapi_would_delete_it() {
    let file = FileAt {
        hash: "x_1".into(),
        ext: ".PNG".into(),
        path: "/../in//here/".into(),
        ..FileAt::default()
    };
    let s3 = |major| s3(in_region(json!({ "rootPath": "site" })), major);
    assert_eq!(s3(5).key_of(&file), "site/in/here/x_1.PNG");
    assert_eq!(s3(4).key_of(&file), "site//../in//here//x_1.PNG");
    let google = made(
        "@strapi-community/strapi-provider-upload-google-cloud-storage",
        json!({ "bucketName": "media", "basePath": "site" }),
        Value::Null,
        5,
    );
    let plain = FileAt {
        path: String::new(),
        ..file
    };
    assert_eq!(google.key_of(&plain), "site/x_1/x_1.png");
    assert_eq!(
        google.url("a/b.png"),
        "https://storage.googleapis.com/media/site/a/b.png"
    );
}

#[test]
fn who_may_read_new_objects_is_what_the_options_say() {
    let with = |acl: Option<Value>| {
        let mut options = in_region(json!({}));
        if let Some(acl) = acl {
            options["s3Options"]["params"]["ACL"] = acl;
        }
        options
    };
    let public = Some("public-read");
    for (acl, four, five) in [
        (None, public, public),
        (Some(json!("private")), Some("private"), Some("private")),
        (Some(Value::Null), None, None),
        (Some(json!("")), None, None),
        // There, and undefined.
        (Some(json!(false)), public, None),
    ] {
        let options = with(acl.clone());
        let acl_of = |major| s3(options.clone(), major).attributes.acl;
        assert_eq!(acl_of(4).as_deref(), four, "{acl:?}");
        assert_eq!(acl_of(5).as_deref(), five, "{acl:?}");
    }
    let upload = json!({ "ACL": null, "CacheControl": "max-age=60", "StorageClass": "GLACIER_IR" });
    let attributes = made("aws-s3", with(None), upload, 4).attributes;
    assert_eq!(attributes.acl, None);
    assert_eq!(attributes.cache_control.as_deref(), Some("max-age=60"));
    assert_eq!(
        attributes.more,
        [("x-amz-storage-class".to_owned(), "GLACIER_IR".to_owned())]
    );
}

#[test]
fn options_of_strapi_5_become_headers_and_those_of_strapi_4_do_not() {
    let options = in_region(json!({ "providerConfig": {
        "storageClass": "STANDARD_IA",
        "encryption": { "type": "aws:kms", "kmsKeyId": "key" },
        "tags": { "a b": "1", "c": "d&e" },
    } }));
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        s3(options.clone(), 5).attributes.more,
        [
            header("x-amz-storage-class", "STANDARD_IA"),
            header("x-amz-server-side-encryption", "aws:kms"),
            header("x-amz-server-side-encryption-aws-kms-key-id", "key"),
            header("x-amz-tagging", "a%20b=1&c=d%26e"),
        ]
    );
    assert_eq!(s3(options, 4).attributes.more, []);
}

#[test]
fn azure_leads_through_its_container_or_around_it() {
    let options = json!({
        "account": " site ", "accountKey": "c2VjcmV0", "containerName": "media",
        "defaultPath": "assets",
    });
    let azure = |more: Value| {
        let mut options = options.clone();
        for (name, value) in more.as_object().expect("members") {
            options[name] = value.clone();
        }
        made(
            "strapi-provider-upload-azure-storage",
            options,
            Value::Null,
            5,
        )
    };
    let own = "https://site.blob.core.windows.net/media/assets/a.png";
    assert_eq!(azure(json!({})).url("a.png"), own);
    let cdn = azure(json!({ "cdnBaseURL": "https://cdn.example.com" }));
    assert_eq!(
        cdn.url("a.png"),
        "https://cdn.example.com/media/assets/a.png"
    );
    assert_eq!(cdn.path_at(own).as_deref(), Some("a.png"));
    let around = azure(json!({ "cdnBaseURL": "https://cdn.example.com", "removeCN": "true" }));
    assert_eq!(around.url("a.png"), "https://cdn.example.com/assets/a.png");
    let proxy = azure(json!({ "serviceBaseURL": "http://127.0.0.1:10000/site" }));
    assert_eq!(
        proxy.url("a.png"),
        "http://127.0.0.1:10000/site/media/assets/a.png"
    );
}

#[test]
fn options_that_only_node_could_tell_are_named_without_what_stands_beside_them() {
    let upload = Upload {
        provider: "aws-s3".into(),
        options: json!({ "s3Options": { "credentials": { "secretAccessKey": "secret" } } }),
        upload_options: Value::Null,
    };
    let error = Provider::of(&upload, 5)
        .expect("known")
        .err()
        .expect("an error");
    let text = format!("{error} {}", error.advice().unwrap_or_default());
    assert!(
        text.contains("params.Bucket") && !text.contains("secret"),
        "{text}"
    );
    let other = Upload {
        provider: "cloudinary".into(),
        ..upload
    };
    assert!(Provider::of(&other, 5).is_none());
}

#[test]
fn hosts_that_nobody_names_are_not_the_projects_own() {
    let hosts = |options| s3(options, 4).hosts();
    let port = |host: &str| (host.to_owned(), 9000);
    assert_eq!(
        hosts(at_endpoint("http://127.0.0.1:9000", true)),
        [port("127.0.0.1")]
    );
    assert_eq!(hosts(in_region(json!({}))), []);
    let cdn = in_region(json!({ "baseUrl": "https://cdn.example.com" }));
    assert_eq!(hosts(cdn), [("cdn.example.com".to_owned(), 443)]);
}
