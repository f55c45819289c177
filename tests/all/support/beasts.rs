//! Makes the archives of `testdata/zoo`: a small archive of Strapi's, and whatever can be wrong with one.

use tar::Header;

use super::cli::strapi_archive;
use super::tarball::{CONFIGURATION, ENTITIES, Entry, LINKS, Tarball};

const SCHEMAS: &str = "schemas/schemas_00001.jsonl";
const SIDECAR: &str = "assets/metadata/notes_36b3257a18.txt.json";
const UPLOAD: &str = "assets/uploads/notes_36b3257a18.txt";

/// An archive of the zoo, and what is said of it.
pub struct Beast {
    pub name: &'static str,
    pub tar: Vec<u8>,
    /// The exit code of `verify`.
    pub verify: i32,
    /// The exit code of `import`, with `--dry-run` and without.
    pub import: i32,
    /// What each of them says.
    pub says: &'static [&'static str],
}

/// A small archive of Strapi's: six tags, a file, and links between them.
pub fn small() -> Tarball {
    let tarball = Tarball::read(&strapi_archive());
    let keep = |names: &'static [&'static str]| {
        move |lines: &mut Vec<String>| {
            lines.retain(|line| names.iter().any(|name| line.contains(name)));
        }
    };
    let mut tarball = tarball
        .edit_lines(
            ENTITIES,
            keep(&[
                r#""type":"api::tag.tag""#,
                r#""type":"plugin::upload.file","id":5,"#,
            ]),
        )
        .edit_lines(
            LINKS,
            keep(&[r#""ref":5},"right":{"type":"plugin::upload"#]),
        )
        .edit_lines(CONFIGURATION, keep(&[r#""type":"webhook""#]));
    let is_other_file =
        |name: &str| name.starts_with("assets/") && name != SIDECAR && name != UPLOAD;
    tarball.entries.retain(|entry| !is_other_file(&entry.name));
    tarball.entry(LINKS).content = LINK.into();
    tarball
}

const LINK: &str = r#"{"kind":"relation.morph","relation":"morphToMany","left":{"type":"plugin::upload.file","field":"related","ref":5},"right":{"ref":1,"pos":1,"type":"api::tag.tag","field":null}}"#;

/// A header block, whatever it says, and the content behind it with its padding.
pub fn raw(name: &[u8], kind: u8, size: u64, content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.as_old_mut().linkflag = [kind];
    header.set_mode(0o644);
    header.set_size(size);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

/// A record of a PAX header.
fn record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + 1;
    while length != rest + length.to_string().len() {
        length += 1;
    }
    format!("{length} {key}={value}\n")
}

/// A PAX header.
fn pax(records: &str) -> Vec<u8> {
    raw(b"pax", b'x', records.len() as u64, records.as_bytes())
}

/// The small archive with blocks in front of it.
fn behind(blocks: &[&[u8]]) -> Vec<u8> {
    [&blocks.concat()[..], &small().bytes()].concat()
}

/// The small archive with a line of an entry changed.
fn line(entry: &str, number: usize, line: &str) -> Vec<u8> {
    let edit = |lines: &mut Vec<String>| line.clone_into(&mut lines[number - 1]);
    small().edit_lines(entry, edit).bytes()
}

fn tag(id: &str, data: &str) -> Vec<u8> {
    let text = format!(r#"{{"type":"api::tag.tag","id":{id},"data":{{{data}}}}}"#);
    line(ENTITIES, 2, &text)
}

fn link(reference: &str, pos: &str) -> Vec<u8> {
    let changed = LINK.replace(r#""ref":5"#, &format!(r#""ref":{reference}"#));
    line(
        LINKS,
        1,
        &changed.replace(r#""pos":1"#, &format!(r#""pos":{pos}"#)),
    )
}

fn content(entry: &str, content: impl Into<Vec<u8>>) -> Vec<u8> {
    let mut tarball = small();
    tarball.entry(entry).content = content.into();
    tarball.bytes()
}

fn inserted(at: usize, entries: Vec<Entry>) -> Vec<u8> {
    let mut tarball = small();
    tarball.entries.splice(at..at, entries);
    tarball.bytes()
}

fn without(name: &str) -> Vec<u8> {
    let mut tarball = small();
    tarball.remove(name);
    tarball.bytes()
}

fn sidecar(from: &str, to: &str) -> Vec<u8> {
    small().replace(SIDECAR, from, to).bytes()
}

/// Components in each other, of which the schemas of the archive say that they can be.
fn nested(depth: usize) -> Vec<u8> {
    let inner = r#"{"id":1,"inside":"#.repeat(depth) + "null" + &"}".repeat(depth);
    let text = format!(r#"{{"type":"api::tag.tag","id":1,"data":{{"inside":{inner}}}}}"#);
    let inside = r#""attributes":{"inside":{"type":"component","component":"shared.link"},"#;
    small()
        .edit_lines(SCHEMAS, |lines| {
            for line in lines {
                if line.contains(r#""uid":"shared.link""#)
                    || line.contains(r#""uid":"api::tag.tag""#)
                {
                    *line = line.replacen(r#""attributes":{"#, inside, 1);
                }
            }
        })
        .edit_lines(ENTITIES, |lines| lines[1] = text)
        .bytes()
}

/// All of the zoo.
#[rustfmt::skip]
pub fn all() -> Vec<Beast> {
    let mut all = Vec::new();
    let mut add = |name, verify, import, tar, says| {
        all.push(Beast { name, tar, verify, import, says });
    };
    let good = small().bytes();
    let length = good.len();
    let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let long = "n".repeat(5000);

    // ---------------------------------------------------------------- what is right
    add("right", 0, 0, good.clone(), &["nothing protects its bytes"]);
    add("order-metadata-in-the-middle", 0, 0, {
        let mut tarball = small();
        let metadata = tarball.remove("metadata.json");
        tarball.entries.insert(3, metadata);
        tarball.bytes()
    }, &[]);
    add("order-from-back-to-front", 0, 0, {
        let mut tarball = small();
        tarball.entries.reverse();
        tarball.bytes()
    }, &[]);
    add("keys-twice-in-a-row", 0, 0, tag("1", r#""name":"first","name":"last""#), &[]);
    add("pax-header-of-no-matter", 0, 0, behind(&[&raw(b"g", b'g', 5, b"hello"), &pax(&record("mtime", "1.5"))]), &[]);
    add("zeros-behind-the-end", 0, 0, [&good[..], &[0; 4096]].concat(), &[]);
    add("deep-json-at-the-limit", 0, 3, tag("1", &format!(r#""name":"deep","meta":{}"#, deep(512))), &[]);

    // ---------------------------------------------------------------- cuts and flips
    add("cut-in-a-header", 6, 6, good[..612].to_vec(), &["was cut short"]);
    add("cut-in-an-entry", 6, 6, good[..2048].to_vec(), &["was cut short", "bytes are missing behind or in the entry schemas/"]);
    add("cut-before-the-end", 6, 6, good[..length - 1024].to_vec(), &["was cut short", "the mark of its end"]);
    add("cut-in-the-end", 6, 6, good[..length - 512].to_vec(), &["was cut short", "the mark of its end"]);
    add("flip-in-a-header", 6, 6, {
        let mut bytes = good.clone();
        bytes[20] ^= 1;
        bytes
    }, &["is damaged: its first entry", "another checksum"]);
    add("flip-in-the-padding", 6, 6, {
        let mut bytes = good.clone();
        bytes[length - 1030] = 1;
        bytes
    }, &["behind the entry metadata.json stands something else than zeros"]);
    add("flip-behind-the-end", 6, 6, {
        let mut bytes = good.clone();
        bytes[length - 5] = 1;
        bytes
    }, &["behind the end of the tar stands something else than zeros"]);
    add("empty-tar", 6, 6, vec![0; 1024], &["holds no metadata.json"]);

    // ---------------------------------------------------------------- entries that are no files
    add("sparse", 6, 6, behind(&[&raw(b"assets/uploads/a.txt", b'S', 0, b"")]), &["assets/uploads/a.txt is refused: it is sparse"]);
    add("sparse-by-pax", 6, 6, behind(&[&pax(&record("GNU.sparse.major", "1")), &raw(b"assets/uploads/a.txt", b'0', 1, b"a")]), &["is refused: it is sparse"]);
    add("link", 6, 6, behind(&[&raw(b"assets/uploads/a.txt", b'2', 0, b"")]), &["is refused: it is a link or a device"]);
    add("hard-link", 6, 6, behind(&[&raw(b"assets/uploads/a.txt", b'1', 0, b"")]), &["is refused: it is a link or a device"]);
    add("device", 6, 6, behind(&[&raw(b"assets/uploads/a.txt", b'4', 0, b"")]), &["is refused: it is a link or a device"]);
    add("pipe", 6, 6, behind(&[&raw(b"assets/uploads/a.txt", b'6', 0, b"")]), &["is refused: it is a link or a device"]);
    add("link-of-a-long-name", 6, 6, behind(&[&raw(b"l", b'K', 5000, long.as_bytes()), &raw(b"a.txt", b'2', 0, b"")]), &["a.txt is refused: it is a link"]);

    // ---------------------------------------------------------------- sizes and headers that lie
    add("size-too-large", 6, 6, behind(&[&raw(b"assets/uploads/a.txt", b'0', 1 << 40, b"a")]), &["was cut short", "assets/uploads/a.txt"]);
    add("size-beyond-64-bits", 6, 6, behind(&[&{
        let mut header = Header::new_gnu();
        header.as_old_mut().name[0] = b'a';
        header.as_old_mut().size = [0xff; 12];
        header.set_cksum();
        header.as_bytes().to_vec()
    }]), &["was cut short"]);
    add("size-that-is-none", 6, 6, behind(&[&{
        let mut header = Header::new_ustar();
        header.as_old_mut().name[0] = b'a';
        header.as_old_mut().size = *b"one hundred\0";
        header.set_cksum();
        header.as_bytes().to_vec()
    }]), &["is damaged: its first entry"]);
    add("pax-size-too-large", 6, 6, behind(&[&pax(&record("size", "99999999999")), &raw(b"a.txt", b'0', 1, b"a")]), &["was cut short"]);
    add("pax-size-that-is-none", 6, 6, behind(&[&pax(&record("size", "99999999999999999999")), &raw(b"a.txt", b'0', 1, b"a")]), &["the size in its PAX header is none"]);
    add("pax-header-that-is-none", 6, 6, behind(&[&pax("1000 path=a\n")]), &["its PAX header is none"]);
    add("extension-of-nothing", 6, 6, [&good[..length - 1024], &raw(b"l", b'L', 5, b"abcd\0"), &[0; 1024]].concat(), &["nothing follows what extends an entry"]);

    // ---------------------------------------------------------------- hostile names
    add("name-of-5000-bytes", 6, 6, behind(&[&raw(b"l", b'L', 5001, format!("{long}\0").as_bytes()), &raw(b"a", b'0', 0, b"")]), &["its name has 5000 bytes, more than the 4096"]);
    add("name-of-5000-bytes-by-pax", 6, 6, behind(&[&pax(&record("path", &long)), &raw(b"a", b'0', 0, b"")]), &["its name has 5000 bytes, more than the 4096"]);
    add("name-that-leads-out", 6, 6, behind(&[&raw(b"l", b'L', 32, b"assets/uploads/../../../escaped\0"), &raw(b"a", b'0', 0, b"")]), &["escaped is refused: its name leads out"]);
    add("name-that-is-absolute", 6, 6, behind(&[&pax(&record("path", "/etc/escaped")), &raw(b"a", b'0', 0, b"")]), &["/etc/escaped is refused: its name is an absolute path"]);
    add("name-of-our-own", 6, 6, behind(&[&raw(b"assets/uploads/.backup-restore-x", b'0', 1, b"a")]), &["no file of a media library can have its name"]);
    add("name-with-a-zero", 6, 6, behind(&[&pax(&record("path", "assets/uploads/a\0b")), &raw(b"a", b'0', 1, b"a")]), &["no file of a media library can have its name"]);
    add("name-of-several-lines", 6, 6, behind(&[&raw(b"assets/uploads/a\nerror: b\x1b[2J", b'0', 1, b"a")]), &["assets/uploads/a\\nerror: b\\u{1b}[2J has no sidecar"]);
    add("name-that-hides", 6, 6, behind(&[&raw("assets/uploads/\u{200b}a\u{202e}gnp\u{61c}".as_bytes(), b'0', 1, b"a")]), &["\\u{200b}a\\u{202e}gnp\\u{61c} has no sidecar"]);
    add("name-that-is-not-utf-8", 6, 6, behind(&[&raw(b"assets/uploads/\xff\xfe", b'0', 1, b"a")]), &["assets/uploads/\u{fffd}\u{fffd} has no sidecar"]);

    add("name-of-a-file-of-256-bytes", 6, 6, behind(&[&raw(b"l", b'L', 272, format!("assets/uploads/{}\0", &long[..256]).as_bytes()), &raw(b"a", b'0', 1, b"a")]), &["no file of a media library can have its name"]);

    // ---------------------------------------------------------------- texts
    add("metadata-too-long", 6, 6, content("metadata.json", vec![b' '; (1 << 20) + 1]), &["metadata.json: it has more than the 1048576 bytes"]);
    add("metadata-that-is-not-utf-8", 6, 6, content("metadata.json", b"\xff".to_vec()), &["metadata.json: it is not UTF-8"]);
    add("metadata-too-deep", 6, 6, content("metadata.json", "[".repeat(20_000)), &["metadata.json does not tell the Strapi version"]);
    add("metadata-missing", 6, 6, without("metadata.json"), &["holds no metadata.json"]);
    add("schemas-missing", 6, 6, without(SCHEMAS), &["holds no schemas"]);
    add("schemas-too-long", 6, 6, content(SCHEMAS, vec![b' '; (8 << 20) + 1]), &["schemas_00001.jsonl, line 1: it has more than the 8388608 bytes"]);
    add("schema-too-deep", 6, 6, line(SCHEMAS, 1, &format!(r#"{{"uid":{}}}"#, deep(1000))), &["schemas_00001.jsonl, line 1: "]);
    add("manifest-too-long", 6, 6, inserted(0, vec![Entry::file("manifest.json", vec![b' '; (1 << 20) + 1])]), &["manifest.json: it has more than the 1048576 bytes"]);
    add("result-too-long", 6, 6, inserted(0, vec![Entry::file("result.json", vec![b' '; (8 << 20) + 1])]), &["result.json: it has more than the 8388608 bytes"]);
    add("checksums-of-nothing", 6, 6, inserted(7, vec![Entry::file("checksums.sha256", "0")]), &["manifest.json is missing"]);

    // ---------------------------------------------------------------- sidecars and files
    add("sidecar-too-long", 6, 6, content(SIDECAR, vec![b' '; (1 << 20) + 1]), &["notes_36b3257a18.txt.json: it has more than the 1048576 bytes"]);
    add("sidecar-that-is-not-utf-8", 6, 6, content(SIDECAR, b"\xff".to_vec()), &["notes_36b3257a18.txt.json: it is not UTF-8"]);
    add("sidecar-too-deep", 6, 6, content(SIDECAR, "[".repeat(20_000)), &["the sidecar of notes_36b3257a18.txt"]);
    add("sidecar-without-a-file", 6, 6, without(UPLOAD), &["assets/uploads/notes_36b3257a18.txt is missing, though it has a sidecar"]);
    add("file-without-a-sidecar", 6, 6, without(SIDECAR), &["assets/uploads/notes_36b3257a18.txt has no sidecar"]);
    add("sidecar-of-an-id-beyond-64-bits", 6, 6, sidecar(r#""id":5,"#, r#""id":99999999999999999999,"#), &["the sidecar of notes_36b3257a18.txt"]);
    add("sidecar-of-a-size-beyond-all", 6, 6, sidecar(r#""size":0.01"#, r#""size":1e999"#), &["the sidecar of notes_36b3257a18.txt: number out of range"]);
    add("sidecar-with-keys-twice", 6, 6, sidecar(r#""id":5,"#, r#""id":5,"id":6,"#), &["duplicate field `id`"]);

    // ---------------------------------------------------------------- lines
    add("line-that-is-not-utf-8", 6, 6, content(ENTITIES, b"{\xff}".to_vec()), &["entities_00001.jsonl, line 1: it is not UTF-8"]);
    add("line-that-is-cut", 6, 6, line(ENTITIES, 2, r#"{"type":"api::tag.tag","id":1,"da"#), &["entities_00001.jsonl, line 2: "]);
    add("line-of-open-brackets", 6, 6, line(ENTITIES, 2, &format!(r#"{{"type":"api::tag.tag","id":1,"data":{}"#, r#"{"a":["#.repeat(20_000))), &["entities_00001.jsonl, line 2: EOF"]);
    add("deep-json", 6, 6, tag("1", &format!(r#""meta":{}"#, deep(513))), &["entities_00001.jsonl, line 2: api::tag.tag 1: attribute `meta`: its JSON is nested deeper than 512 levels"]);
    add("deep-json-in-the-configuration", 6, 6, line(CONFIGURATION, 1, &format!(r#"{{"type":"core-store","value":{{"id":1,"key":"a","value":{}}}}}"#, deep(513))), &["configuration_00001.jsonl, line 1: a row of the core-store, a: ", "nested deeper than 512 levels"]);
    add("deep-components", 6, 6, nested(20_000), &["entities_00001.jsonl, line 2: api::tag.tag 1: attribute `inside` of shared.link: components are nested deeper than 512 levels"]);
    add("type-of-5000-bytes", 6, 6, line(ENTITIES, 2, &format!(r#"{{"type":"{long}","id":1,"data":{{}}}}"#)), &["line 2: a name has 5000 bytes, more than the 4096"]);
    add("type-of-several-lines", 6, 6, line(ENTITIES, 2, r#"{"type":"api::x\nto be deleted: nothing","id":1,"data":{}}"#), &["api::x\\nto be deleted: nothing 1: the archive has no schema"]);

    // ---------------------------------------------------------------- numbers, ids, keys
    add("id-beyond-64-bits", 6, 6, tag("99999999999999999999", ""), &["entities_00001.jsonl, line 2: "]);
    add("id-that-is-a-fraction", 6, 6, tag("1.5", ""), &["entities_00001.jsonl, line 2: "]);
    add("id-that-is-a-text", 6, 6, tag("\"1\"", ""), &["entities_00001.jsonl, line 2: "]);
    add("id-twice-in-a-line", 6, 6, line(ENTITIES, 2, r#"{"type":"api::tag.tag","id":1,"id":2,"data":{}}"#), &["entities_00001.jsonl, line 2: duplicate field `id`"]);
    add("row-twice", 6, 6, small().edit_lines(ENTITIES, |lines| lines.push(lines[1].clone())).bytes(), &["line 8: api::tag.tag ", "it stands in the archive twice"]);
    add("shard-twice", 6, 6, inserted(2, vec![small().entry(ENTITIES).clone()]), &["it stands in the archive twice"]);
    add("ref-beyond-64-bits", 6, 6, link("99999999999999999999", "1"), &["links_00001.jsonl, line 1: "]);
    add("ref-that-is-a-text", 6, 6, link("\"five\"", "1"), &["links_00001.jsonl, line 1: ", "\"five\" is no id"]);
    add("ref-of-digits-in-a-text", 6, 6, link("\"5\"", "1"), &["links_00001.jsonl, line 1: ", "\"5\" is no id"]);
    add("ref-that-is-a-fraction", 6, 6, link("5.5", "1"), &["links_00001.jsonl, line 1: "]);
    add("ref-that-is-nothing", 6, 6, link("null", "1"), &["links_00001.jsonl, line 1: "]);
    add("ref-twice-in-an-end", 6, 6, link(r#"5,"ref":6"#, "1"), &["links_00001.jsonl, line 1: duplicate field `ref`"]);
    add("half-a-surrogate-pair", 0, 1, tag("1", r#""name":"\ud800""#), &[]);
    add("datetime-that-is-none", 6, 6, tag("1", r#""createdAt":"2026-02-30T00:00:00.000Z""#), &["line 2: api::tag.tag 1: attribute `createdAt`: \"2026-02-30T00:00:00.000Z\" is not a date and time"]);
    add("datetime-that-is-an-object", 6, 6, tag("1", r#""createdAt":{}"#), &["line 2: api::tag.tag 1: attribute `createdAt`: {} is not a date and time"]);
    add("setting-without-an-id", 6, 6, line(CONFIGURATION, 1, r#"{"type":"core-store","value":{}}"#), &["line 1: a row of the core-store, ?: it has no integer `id`"]);
    add("setting-of-an-id-beyond-64-bits", 6, 6, line(CONFIGURATION, 1, r#"{"type":"webhook","value":{"id":99999999999999999999}}"#), &["line 1: a row of the webhook, ?: it has no integer `id`"]);
    add("setting-of-an-id-in-floating-point", 6, 6, line(CONFIGURATION, 1, r#"{"type":"webhook","value":{"id":1e3}}"#), &["line 1: a row of the webhook, ?: it has no integer `id`"]);
    add("setting-twice-with-other-members", 6, 6, content(CONFIGURATION, "{\"type\":\"webhook\",\"value\":{\"id\":1,\"name\":\"a\",\"url\":\"u\"}}\n{\"type\":\"webhook\",\"value\":{\"id\":1,\"name\":\"b\",\"url\":\"u\",\"enabled\":true}}"), &["line 2: a row of the webhook, ?: the row 1 stands in the archive twice"]);
    add("position-beyond-all", 6, 6, link("5", "1e999"), &["links_00001.jsonl, line 1: number out of range"]);
    all
}
