//! Buckets that projects keep their media in, and projects of real Strapi that do.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::sync::OnceLock;

use serde_json::Value;

use super::archive::Archive;
use super::gate::{Fault, Gate, Moment};
use super::signed::KEY_ID;
use super::stores::{Kind, SECRET, Store};

/// How a project keeps its media in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Objects that only the project reads.
    Private,
    /// Objects that everybody reads, which is what Strapi's provider makes of them unless told otherwise.
    Public,
    /// The same below a folder of the bucket, with a URL of their own.
    Rooted,
}

/// The folder of [`Way::Rooted`].
pub const ROOT: &str = "site/media";

/// A bucket of its own behind a gate that checks signatures.
pub struct MediaStore {
    store: Store,
    gate: &'static Gate,
}

/// What lies in a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    pub bytes: Vec<u8>,
    /// Its media type.
    pub mime: String,
    /// Whether everybody may read it.
    pub public: bool,
}

impl MediaStore {
    /// One with nothing in it; `None`, and the test is skipped, where moto is not installed.
    #[track_caller]
    pub fn new() -> Option<MediaStore> {
        static GATE: OnceLock<Gate> = OnceLock::new();
        let store = Store::new(Kind::S3)?;
        let gate = GATE.get_or_init(|| Gate::new(store.port));
        Some(MediaStore { store, gate })
    }

    pub fn bucket(&self) -> &str {
        &self.store.bucket
    }

    /// The URL of the server.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.gate.port)
    }

    /// What Strapi puts before the keys of objects in a URL.
    pub fn url(&self) -> String {
        format!("{}/{}", self.endpoint(), self.bucket())
    }

    /// The same as it stands in the rows of a project. Strapi 4's provider forgets the port unless it is told a base URL.
    pub fn url_in_rows(&self, way: Way, major: u32) -> String {
        if major == 4 && way == Way::Private {
            return format!("http://127.0.0.1/{}", self.bucket());
        }
        match way {
            Way::Rooted => format!("{}/{ROOT}", self.url()),
            _ => self.url(),
        }
    }

    /// Has something go wrong with an object.
    pub fn fault(&self, key: &str, fault: Fault) {
        self.gate.fault(self.bucket(), key, fault);
    }

    /// The methods and keys of the requests that have come so far.
    pub fn requests(&self) -> Vec<(String, String)> {
        self.gate.requests(self.bucket())
    }

    /// As [`Gate::stop`].
    pub fn stop(&self, moment: Moment, after: usize) {
        self.gate.stop(self.bucket(), moment, after);
    }

    /// As [`Gate::fall_silent`].
    pub fn fall_silent(&self, after: usize) {
        self.gate.fall_silent(self.bucket(), after);
    }

    /// As [`Gate::wait_for_stop`].
    pub fn wait_for_stop(&self, asks: &mut Child) -> bool {
        self.gate.wait_for_stop(self.bucket(), asks)
    }

    /// As [`Gate::let_an_hour_pass`].
    pub fn let_an_hour_pass(&self) {
        self.gate.let_an_hour_pass(self.bucket());
    }

    /// The members of `upload.config.providerOptions` of a project that keeps its media here.
    pub fn provider_options(&self, way: Way, major: u32) -> String {
        let Store { bucket, .. } = &self.store;
        let (endpoint, url) = (self.endpoint(), self.url());
        let at = match way {
            Way::Rooted => format!("rootPath: '{ROOT}', baseUrl: '{url}',"),
            Way::Public if major == 4 => format!("baseUrl: '{url}',"),
            _ => String::new(),
        };
        let params = match way {
            Way::Private => "ACL: 'private', signedUrlExpires: 15 * 60,",
            // What it is for want of another.
            Way::Public => "",
            Way::Rooted => "ACL: 'public-read',",
        };
        format!(
            "{at}
        s3Options: {{
          credentials: {{ accessKeyId: env('MEDIA_KEY_ID'), secretAccessKey: env('MEDIA_SECRET') }},
          region: 'eu-central-1',
          endpoint: '{endpoint}',
          forcePathStyle: true,
          params: {{ Bucket: '{bucket}', {params} }},
        }},"
        )
    }

    /// Has a project keep its media here. `others` are its other plugins.
    pub fn serve(&self, project: &Path, way: Way, major: u32, others: &str) {
        let options = self.provider_options(way, major);
        let plugins = format!(
            "module.exports = ({{ env }}) => ({{
  {others}
  upload: {{
    config: {{
      provider: 'aws-s3',
      providerOptions: {{
        {options}
      }},
      actionOptions: {{ upload: {{}}, uploadStream: {{}}, delete: {{}} }},
    }},
  }},
}});
"
        );
        fs::write(project.join("config/plugins.js"), plugins).unwrap();
        let env = project.join(".env");
        let mut variables = fs::read_to_string(&env).unwrap_or_default();
        variables = variables
            .lines()
            .filter(|line| !line.starts_with("MEDIA_"))
            .map(|line| format!("{line}\n"))
            .collect();
        variables.push_str(&format!("MEDIA_KEY_ID={KEY_ID}\nMEDIA_SECRET={SECRET}\n"));
        fs::write(env, variables).unwrap();
    }

    /// Puts an object there as somebody else would.
    pub fn put(&self, key: &str, object: &Object) {
        let acl = if object.public {
            "public-read"
        } else {
            "private"
        };
        let headers = format!("content-type: {}\r\nx-amz-acl: {acl}\r\n", object.mime);
        let (status, _, _) = self.ask("PUT", &owner(key), &headers, &object.bytes);
        assert_eq!(status, 200, "{key}");
    }

    /// Takes one away.
    pub fn remove(&self, key: &str) {
        let (status, _, _) = self.ask("DELETE", &owner(key), "", b"");
        assert_eq!(status, 204, "{key}");
    }

    /// All that lies there.
    pub fn objects(&self) -> BTreeMap<String, Object> {
        let (status, _, list) = self.ask("GET", "?list-type=2", "", b"");
        assert_eq!(status, 200);
        let list = String::from_utf8(list).unwrap();
        assert!(list.contains("<IsTruncated>false<"), "{list}");
        let keys = list.split("<Key>").skip(1);
        let keys = keys.map(|rest| rest.split('<').next().unwrap().to_owned());
        keys.map(|key| (key.clone(), self.object(&key))).collect()
    }

    /// A header of an object.
    pub fn header(&self, key: &str, name: &str) -> Option<String> {
        let (status, head, _) = self.ask("GET", &owner(key), "", b"");
        assert_eq!(status, 200, "{key}");
        header(&head, name)
    }

    /// Its content as the owner sees it, and whether everybody does.
    fn object(&self, key: &str) -> Object {
        let (status, head, bytes) = self.ask("GET", &owner(key), "", b"");
        assert_eq!(status, 200, "{key}");
        let (status, _, _) = self.ask("GET", key, "", b"");
        Object {
            bytes,
            mime: header(&head, "content-type").unwrap_or_default(),
            public: status == 200,
        }
    }

    /// Asks moto itself: the status, the head, the rest.
    fn ask(&self, method: &str, key: &str, headers: &str, body: &[u8]) -> (u16, String, Vec<u8>) {
        let mut server = TcpStream::connect(("127.0.0.1", self.store.port)).unwrap();
        let (bucket, port, length) = (self.bucket(), self.store.port, body.len());
        let slash = if key.starts_with('?') { "" } else { "/" };
        write!(
            server,
            "{method} /{bucket}{slash}{key} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
             Content-Length: {length}\r\n{headers}\r\n"
        )
        .unwrap();
        server.write_all(body).unwrap();
        let mut answer = Vec::new();
        server.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|it| it == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head, answer[end + 4..].to_vec())
    }
}

fn header(head: &str, wanted: &str) -> Option<String> {
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.to_lowercase() == wanted).then(|| value.trim().to_owned())
    })
}

/// What moto takes for a signed request: it asks no more of a signature than that there is one.
fn owner(key: &str) -> String {
    format!("{key}?Signature=owner")
}

/// An archive without the signatures that Strapi puts into the URLs of private files, in their sidecars.
pub fn unsigned(archive: &Archive) -> Archive {
    let mut archive = archive.clone();
    for (name, bytes) in &mut archive.entries {
        if name.starts_with("assets/metadata/") {
            let mut sidecar: Value = serde_json::from_slice(bytes).unwrap();
            for url in urls(&mut sidecar) {
                edit(url, |url| url.split("?X-Amz-").next().unwrap().to_owned());
            }
            *bytes = sidecar.to_string().into_bytes();
        }
    }
    archive
}

/// The URLs of a file and of its formats.
fn urls(file: &mut Value) -> Vec<&mut Value> {
    let file = file.as_object_mut().unwrap();
    let mut urls = Vec::new();
    for (name, value) in file {
        match (name.as_str(), value) {
            ("url", url) => urls.push(url),
            ("formats", Value::Object(formats)) => {
                urls.extend(formats.values_mut().map(|format| &mut format["url"]));
            }
            _ => {}
        }
    }
    urls
}

/// Changes a URL.
fn edit(url: &mut Value, with: impl FnOnce(&str) -> String) {
    *url = Value::String(with(url.as_str().unwrap()));
}

/// An archive whose files lie elsewhere, and the logos of the admin panel as well where they are taken along.
pub fn with_media(
    archive: &Archive,
    logos: bool,
    provider: &str,
    moved: impl Fn(&str) -> String,
) -> Archive {
    let change = |file: &mut Value| {
        for url in urls(file) {
            edit(url, &moved);
        }
        if let Some(kept) = file.get_mut("provider") {
            *kept = provider.into();
        }
    };
    let mut archive = archive.clone();
    for (name, bytes) in &mut archive.entries {
        let text = || String::from_utf8(bytes.clone()).unwrap();
        let lines = |line: &mut dyn FnMut(&mut Value) -> bool| {
            let text = text();
            let lines = text.lines().map(|text| {
                let mut value: Value = serde_json::from_str(text).unwrap();
                match line(&mut value) {
                    true => value.to_string(),
                    false => text.to_owned(),
                }
            });
            lines.collect::<Vec<_>>().join("\n").into_bytes()
        };
        if name.starts_with("assets/metadata/") {
            let mut sidecar = serde_json::from_str(&text()).unwrap();
            change(&mut sidecar);
            *bytes = sidecar.to_string().into_bytes();
        } else if name.starts_with("entities/") {
            *bytes = lines(&mut |line| {
                let is_file = line["type"] == "plugin::upload.file";
                if is_file {
                    change(&mut line["data"]);
                }
                is_file
            });
        } else if name.starts_with("configuration/") && logos {
            *bytes = lines(&mut |line| {
                let has_logo = line["value"]["key"] == "core_admin_project-settings";
                if has_logo {
                    change(&mut line["value"]["value"]["menuLogo"]);
                }
                has_logo
            });
        }
    }
    archive
}

/// Fails if an archive, or what was said, holds the credentials or what they have signed.
#[track_caller]
pub fn assert_keeps_secrets(text: &str) {
    for secret in [SECRET, "X-Amz-", "Signature="] {
        assert!(!text.contains(secret), "{secret} stands in:\n{text}");
    }
}

/// Fails unless a bucket holds what it should.
#[track_caller]
pub fn assert_same_objects(expected: &BTreeMap<String, Object>, actual: &BTreeMap<String, Object>) {
    let names = |objects: &BTreeMap<String, Object>| objects.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(expected), names(actual));
    for (name, object) in expected {
        let other = &actual[name];
        assert!(
            object.bytes == other.bytes,
            "{name} has {} bytes in place of {}",
            other.bytes.len(),
            object.bytes.len()
        );
        assert_eq!(
            (&object.mime, object.public),
            (&other.mime, other.public),
            "{name}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_passes_the_gate_without_a_signature_but_to_read_what_is_public() {
        let Some(store) = MediaStore::new() else {
            return;
        };
        let object = |public| Object {
            bytes: b"content".to_vec(),
            mime: "text/plain".into(),
            public,
        };
        store.put("public.txt", &object(true));
        store.put("private.txt", &object(false));
        let now = jiff::Timestamp::now()
            .strftime("%Y%m%dT%H%M%SZ")
            .to_string();
        let scope = format!("{KEY_ID}/{}/us-east-1/s3/aws4_request", &now[..8]);
        let signed = format!(
            "X-Amz-Credential={scope}&X-Amz-Date={now}&X-Amz-Expires=900&\
             X-Amz-SignedHeaders=host&X-Amz-Signature={:064}",
            0
        );
        let status = |method: &str, target: &str| {
            let mut server = TcpStream::connect(("127.0.0.1", store.gate.port)).unwrap();
            let bucket = store.bucket();
            let request = format!(
                "{method} /{bucket}{target} HTTP/1.1\r\nHost: gate\r\nContent-Length: 0\r\n\r\n"
            );
            server.write_all(request.as_bytes()).unwrap();
            let mut answer = String::new();
            server.read_to_string(&mut answer).unwrap();
            answer.split(' ').nth(1).unwrap().to_owned()
        };
        assert_eq!(status("GET", "/public.txt"), "200");
        for (method, target) in [
            ("GET", "/private.txt".to_owned()),
            ("GET", format!("/private.txt?{signed}")),
            ("GET", "/private.txt?Signature=owner".to_owned()),
            ("GET", "?list-type=2".to_owned()),
            ("GET", "/public.txt?acl".to_owned()),
            ("PUT", "/public.txt".to_owned()),
            ("DELETE", "/public.txt".to_owned()),
            ("PUT", format!("/new.txt?{signed}")),
        ] {
            assert_eq!(status(method, &target), "403", "{method} {target}");
        }
        let names: Vec<String> = store.objects().into_keys().collect();
        assert_eq!(names, ["private.txt", "public.txt"]);
    }
}
