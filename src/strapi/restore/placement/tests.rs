use super::*;
use crate::store::{Access, Interrupt};
use crate::strapi::config::Upload;
use crate::strapi::uploads::{Library, Links, LocalUploads, MediaOptions};
use std::collections::BTreeMap;
use std::path::Path;

fn uploads() -> LocalUploads {
    LocalUploads::new(Path::new("/site/public"), Links::Inside)
}

fn placement(rows: &[&str]) -> Placement {
    let mut placement = Placement::new(&std::env::temp_dir());
    for row in rows {
        let row = Fields::parse(row).expect("a row");
        placement.row(&row, &uploads()).expect("put aside");
    }
    placement
}

#[test]
fn files_go_where_their_urls_say_if_that_is_in_the_upload_folder() {
    let mut placement = placement(&[
        r#"{"hash":"a","ext":".png","url":"/uploads/a.png"}"#,
        r#"{"hash":"b","ext":".png","url":"/uploads/2024/b.png"}"#,
        r#"{"hash":"b","ext":".png","url":"/uploads/b.png"}"#,
        r#"{"hash":"c","ext":".png","url":"/robots.txt"}"#,
        r#"{"hash":"d","ext":".png","url":"/uploads/../../etc/passwd"}"#,
        r#"{"hash":"e","ext":"","url":"/uploads/.htaccess"}"#,
        r#"{"hash":".htaccess","ext":"","url":"/uploads/.htaccess"}"#,
        r#"{"hash":"f","ext":".png","url":"/uploads/a.png"}"#,
        r#"{"hash":"g","ext":".png","url":"https://cdn/g.png"}"#,
        r#"{"hash":"h","ext":".png","url":"/uploads/g.png"}"#,
        r#"{"hash":"i","ext":".png","url":"/uploads/a.png/i.png"}"#,
        r#"{"hash":"2024","ext":"","url":"/uploads/2024"}"#,
    ]);
    let expected: [(&str, &[&str]); 12] = [
        ("a.png", &["a.png"]),
        ("b.png", &["2024/b.png", "b.png"]),
        ("c.png", &["c.png"]),
        ("d.png", &["d.png"]),
        ("e", &["e"]),
        (".htaccess", &["1_.htaccess"]),
        ("f.png", &["f.png"]),
        ("g.png", &["1_g.png"]),
        ("h.png", &["g.png"]),
        ("i.png", &["i.png"]),
        ("2024", &["1_2024"]),
        ("of no row", &["of no row"]),
    ];
    for (name, paths) in expected {
        assert_eq!(
            placement.paths(name, None, &uploads()).expect("paths"),
            paths,
            "{name}"
        );
    }
    assert_eq!(placement.changed(), 8);
}

#[test]
fn files_whose_url_or_name_no_file_can_have_get_one_that_they_can_have() {
    let long = "n".repeat(300);
    let urls = [
        format!("/uploads/{long}"),
        format!("/uploads/{}b.png", "a/".repeat(2040)),
        format!("/uploads/{}b.png", "a/".repeat(40_000)),
        format!("/uploads/{}b.png", "a/".repeat(17)),
        format!("/uploads/{}b.png", format!("{}/", &long[..255]).repeat(16)),
    ];
    let rows = urls.map(|url| format!(r#"{{"hash":"b","ext":".png","url":"{url}"}}"#));
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let mut placement = placement(&rows);
    assert_eq!(
        placement.paths("b.png", None, &uploads()).expect("paths"),
        ["b.png"]
    );
    let mut seen = Vec::new();
    for name in [format!("{long}1.png"), format!("{long}2.png")] {
        let paths = placement.paths(&name, None, &uploads()).expect("paths");
        assert!(
            paths[0].len() <= 255 && paths[0].ends_with(".png"),
            "{paths:?}"
        );
        assert_eq!(
            placement.paths(&name, None, &uploads()).expect("paths"),
            paths
        );
        seen.extend(paths);
    }
    assert_ne!(seen[0], seen[1]);
    let taken = "t".repeat(255);
    let row = format!(r#"{{"hash":"other","url":"/uploads/{taken}"}}"#);
    let mut placement = self::placement(&[&row]);
    let paths = placement.paths(&taken, None, &uploads()).expect("paths");
    assert!(
        paths[0].len() <= 255 && paths[0].starts_with("1_t"),
        "{paths:?}"
    );
}

#[test]
fn a_file_lies_at_a_bounded_number_of_paths() {
    let row = |number| format!(r#"{{"hash":"a","ext":".png","url":"/uploads/{number}.png"}}"#);
    let rows: Vec<String> = (0..=MOST_PATHS + 1).map(row).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let mut placement = placement(&rows);
    let paths = placement.paths("a.png", None, &uploads()).expect("paths");
    assert_eq!(paths.len(), MOST_PATHS + 1);
    assert_eq!(paths[MOST_PATHS], "a.png");
    assert_eq!(placement.with_urls(rows[0], &uploads()), None);
    let changed = placement.with_urls(rows[MOST_PATHS + 1], &uploads());
    assert_eq!(changed.expect("changed"), rows[0].replace("0.png", "a.png"));
}

#[test]
fn rows_get_the_urls_that_their_files_have_here_where_the_files_came() {
    let row = r#"{"name":"n","meta":1.00000000000000000000001,"hash":"a","ext":".png","url":"https://cdn/a.png","provider":"aws-s3","formats":{"thumbnail":{"hash":"t_a","ext":".png","url":"https://cdn/t_a.png","width":1}}}"#;
    let mut placement = placement(&[row]);
    assert_eq!(placement.with_urls(row, &uploads()), None);
    for name in ["a.png", "t_a.png"] {
        placement.paths(name, None, &uploads()).expect("paths");
    }
    let changed = placement.with_urls(row, &uploads()).expect("changed");
    let expected = row
        .replace("https://cdn", "/uploads")
        .replace("aws-s3", "local");
    assert_eq!(changed, expected);
}

/// A project that keeps its files with this provider.
fn library(provider: &str, options: serde_json::Value) -> Library {
    let upload = Upload {
        provider: provider.into(),
        options,
        upload_options: serde_json::Value::Null,
    };
    Library::new(
        Path::new("/site/public"),
        &Ok(upload),
        5,
        Links::Inside,
        Access::new(BTreeMap::new(), Interrupt::when(|| false)),
        MediaOptions::default(),
    )
}

fn on_s3() -> Library {
    let credentials = json!({ "accessKeyId": "a", "secretAccessKey": "b" });
    let s3 = json!({ "region": "eu-west-1", "credentials": credentials, "params": { "Bucket": "media" } });
    library("aws-s3", json!({ "s3Options": s3 }))
}

fn on_google() -> Library {
    library(
        "google-cloud-storage",
        json!({ "bucketName": "media", "basePath": "site" }),
    )
}

/// A row after all of these files came to a project, and the urls that it had and has now.
fn moved(row: &str, files: &[&str], uploads: &dyn Uploads) -> (Option<String>, Placement) {
    let mut placement = Placement::new(&std::env::temp_dir());
    let fields = Fields::parse(row).expect("a row");
    placement.row(&fields, uploads).expect("put aside");
    for name in files {
        placement.paths(name, None, uploads).expect("paths");
    }
    (placement.with_urls(row, uploads), placement)
}

/// Where [`on_s3`] serves its files.
const S3: &str = "https://media.s3.eu-west-1.amazonaws.com";

#[test]
fn rows_go_from_the_upload_folder_to_a_bucket_and_back() {
    let local = r#"{"hash":"a","ext":".png","url":"/uploads/a.png","previewUrl":"/uploads/p.png","provider":"local","provider_metadata":{"k":1},"formats":{"small":{"hash":"s_a","ext":".png","url":"/uploads/s_a.png","path":null}}}"#;
    let cloud = local
        .replace("\"/uploads/a", &format!("\"{S3}/a"))
        .replace("\"/uploads/s", &format!("\"{S3}/s"))
        .replace("\"local\"", "\"aws-s3\"");
    let files = ["a.png", "s_a.png"];
    let (there, mut placement) = moved(local, &files, &on_s3());
    assert_eq!(there.as_deref(), Some(cloud.as_str()));
    let url = placement
        .new_url("/uploads/s_a.png", &on_s3())
        .expect("read");
    assert_eq!(url, Some(format!("{S3}/s_a.png")));
    let (back, mut placement) = moved(&cloud, &files, &uploads());
    assert_eq!(back.as_deref(), Some(local));
    let url = placement.new_url(&format!("{S3}/a.png"), &uploads());
    assert_eq!(url.expect("read").as_deref(), Some("/uploads/a.png"));
    // What has its place already keeps it.
    assert_eq!(moved(&cloud, &files, &on_s3()).0, None);
    assert_eq!(moved(local, &files, &uploads()).0, None);
}

#[test]
fn files_of_a_row_that_lie_in_several_places_get_each_its_own_url() {
    let row = |url: &str, small: &str, provider: &str| {
        format!(
            r#"{{"hash":"a","ext":".png","url":"{url}","provider":"{provider}","formats":{{"small":{{"hash":"s_a","ext":".png","url":"{small}"}},"odd":7}}}}"#
        )
    };
    let (own, small) = (format!("{S3}/2024/a.png"), format!("{S3}/s_a.png"));
    let files = ["a.png", "s_a.png"];
    // The main file lies in the bucket, its format elsewhere; and the other way round.
    let (changed, _) = moved(
        &row(&own, "https://cdn/s_a.png", "aws-s3"),
        &files,
        &on_s3(),
    );
    assert_eq!(changed, Some(row(&own, &small, "aws-s3")));
    let (changed, _) = moved(
        &row("https://cdn/a.png", &small, "aws-s3"),
        &files,
        &on_s3(),
    );
    assert_eq!(changed, Some(row(&format!("{S3}/a.png"), &small, "aws-s3")));
    // What does not come keeps its url, and the provider with it.
    let kept = row("https://cdn/a.png", "https://cdn/s_a.png", "cloudinary");
    let (changed, _) = moved(&kept, &files[1..], &on_s3());
    assert_eq!(
        changed,
        Some(row("https://cdn/a.png", &small, "cloudinary"))
    );
}

#[test]
fn rows_without_url_or_provider_get_them() {
    let (there, _) = moved(r#"{"hash":"a","ext":".png"}"#, &["a.png"], &on_s3());
    let expected = format!(r#"{{"hash":"a","ext":".png","url":"{S3}/a.png","provider":"aws-s3"}}"#);
    assert_eq!(there, Some(expected));
    let (there, _) = moved(r#"{"url":null,"hash":"a"}"#, &["a"], &uploads());
    assert_eq!(there.as_deref(), Some(r#"{"url":"/uploads/a","hash":"a"}"#));
}

#[test]
fn a_provider_that_has_a_folder_for_each_file_gets_new_ones_so() {
    let row = r#"{"hash":"a","ext":".PNG","url":"/uploads/a.PNG","provider":"local"}"#;
    let (there, _) = moved(row, &["a.PNG"], &on_google());
    let expected = row
        .replace(
            "/uploads/a.PNG",
            "https://storage.googleapis.com/media/site/a/a.png",
        )
        .replace("local", "google-cloud-storage");
    assert_eq!(there, Some(expected));
}
