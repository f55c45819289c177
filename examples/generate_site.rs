//! Writes an archive of a large site, for measurements: the schemas and the configuration of
//! `testdata/strapi5-sqlite`, documents in draft and published form with components, relations and media, and images
//! that do not compress.
//!
//! ```sh
//! cargo run --release --example generate_site -- site.tar 20000 5000 210000
//! ```
//!
//! The arguments: the file, how many documents, how many images, bytes of an image. The same arguments make the same
//! content. `backup import` and `strapi import` take it; it is in Strapi's form, without a manifest.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Cursor, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::{env, fmt};

/// A shard is at most so long, in bytes.
const SHARD: usize = 64 << 20;
/// Rows that articles refer to.
const TAGS: u32 = 500;
const AUTHORS: u32 = 60;
const CATEGORIES: u32 = 40;
/// What a text is made of.
const WORDS: &[&str] = &[
    "archive", "backup", "content", "draft", "editor", "field", "gallery", "header", "image",
    "journey", "kernel", "language", "media", "network", "offer", "publish", "query", "relation",
    "schema", "template", "update", "version", "website", "the", "of", "and", "to", "in", "a",
    "is", "that", "for", "it", "as", "was", "with", "be", "by", "on", "not", "he", "this", "are",
    "or", "his", "from", "at", "which", "but", "have", "an", "had", "they", "you", "were", "their",
    "one", "all", "we", "can", "her", "has", "there", "been", "if", "more", "when", "will",
    "would", "who", "so", "no", "Größe", "année", "señal", "łódź", "имя", "日本",
];

/// Numbers that look random and are always the same (xorshift64*).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u32) -> u32 {
        (((self.next() >> 32) * u64::from(limit)) >> 32) as u32
    }

    /// So many words, the first of the list more often than the last.
    fn words(&mut self, count: u32) -> String {
        let mut text = String::new();
        for number in 0..count {
            let at = self
                .below(WORDS.len() as u32)
                .max(self.below(WORDS.len() as u32));
            text.push_str(if number > 0 { " " } else { "" });
            text.push_str(WORDS[at as usize]);
            if self.below(12) == 0 {
                let _ = write!(text, " {}", self.below(100_000));
            }
        }
        text
    }

    fn document_id(&mut self) -> String {
        let letters = b"abcdefghijklmnopqrstuvwxyz0123456789";
        (0..24)
            .map(|_| char::from(letters[self.below(36) as usize]))
            .collect()
    }
}

/// Gives the lines of a stage to the tar, a shard at a time.
struct Shards<'a, W: Write> {
    tar: &'a mut tar::Builder<W>,
    stage: &'static str,
    number: u32,
    lines: String,
}

impl<'a, W: Write> Shards<'a, W> {
    fn new(tar: &'a mut tar::Builder<W>, stage: &'static str) -> Self {
        Self {
            tar,
            stage,
            number: 0,
            lines: String::new(),
        }
    }

    fn line(&mut self, line: fmt::Arguments<'_>) -> io::Result<()> {
        if self.lines.len() > SHARD {
            self.shard()?;
        }
        if !self.lines.is_empty() {
            self.lines.push('\n');
        }
        self.lines.write_fmt(line).map_err(io::Error::other)
    }

    fn shard(&mut self) -> io::Result<()> {
        self.number += 1;
        let name = format!("{0}/{0}_{1:05}.jsonl", self.stage, self.number);
        append(self.tar, &name, self.lines.as_bytes())?;
        self.lines.clear();
        Ok(())
    }
}

fn append<W: Write>(tar: &mut tar::Builder<W>, name: &str, content: &[u8]) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, name, content)
}

/// The entries of the fixture whose names begin with `folder`, as text.
fn fixture(folder: &str) -> io::Result<String> {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/strapi5-sqlite/strapi-export.tar");
    let mut archive = tar::Archive::new(File::open(path)?);
    let mut text = String::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        if entry.path()?.starts_with(folder) {
            entry.read_to_string(&mut text)?;
        }
    }
    Ok(text)
}

/// The sizes of a site.
struct Size {
    documents: u32,
    images: u32,
    image_bytes: usize,
}

const TIME: &str = "2026-03-01T12:30:00.000Z";

impl Size {
    fn write(&self, path: &str) -> io::Result<()> {
        let mut tar = tar::Builder::new(BufWriter::with_capacity(1 << 20, File::create(path)?));
        append(
            &mut tar,
            "schemas/schemas_00001.jsonl",
            fixture("schemas")?.as_bytes(),
        )?;
        self.entities(&mut Shards::new(&mut tar, "entities"))?;
        self.assets(&mut tar)?;
        self.links(&mut Shards::new(&mut tar, "links"))?;
        append(
            &mut tar,
            "configuration/configuration_00001.jsonl",
            fixture("configuration")?.as_bytes(),
        )?;
        let metadata =
            format!("{{\"createdAt\":\"{TIME}\",\"strapi\":{{\"version\":\"5.54.0\"}}}}");
        append(&mut tar, "metadata.json", metadata.as_bytes())?;
        tar.into_inner()?.flush()
    }

    fn file(&self, image: u32) -> String {
        let size = self.image_bytes as f64 / 1000.0;
        format!(
            "\"documentId\":\"image{image:019}\",\"name\":\"Image {image}.jpg\",\"alternativeText\":\"What image \
             {image} shows\",\"caption\":null,\"focalPoint\":null,\"width\":1600,\"height\":900,\"formats\":null,\
             \"hash\":\"image_{image:08x}\",\"ext\":\".jpg\",\"mime\":\"image/jpeg\",\"size\":{size},\
             \"url\":\"/uploads/image_{image:08x}.jpg\",\"previewUrl\":null,\"provider\":\"local\",\
             \"provider_metadata\":null,\"folderPath\":\"/\",\"createdAt\":\"{TIME}\",\"updatedAt\":\"{TIME}\",\
             \"publishedAt\":\"{TIME}\",\"locale\":null"
        )
    }

    fn entities<W: Write>(&self, shards: &mut Shards<'_, W>) -> io::Result<()> {
        let mut dice = Dice(0x5eed);
        for image in 1..=self.images {
            let file = self.file(image);
            shards.line(format_args!(
                "{{\"type\":\"plugin::upload.file\",\"id\":{image},\"data\":{{{file}}}}}"
            ))?;
        }
        for (uid, count) in [
            ("api::author.author", AUTHORS),
            ("api::category.category", CATEGORIES),
            ("api::tag.tag", TAGS),
        ] {
            for id in 1..=count {
                let (document, name) = (dice.document_id(), dice.words(2));
                shards.line(format_args!(
                    "{{\"type\":\"{uid}\",\"id\":{id},\"data\":{{\"documentId\":\"{document}\",\"name\":\"{name} {id}\",\
                     \"createdAt\":\"{TIME}\",\"updatedAt\":\"{TIME}\",\"publishedAt\":\"{TIME}\",\"locale\":null}}}}"
                ))?;
            }
        }
        for document in 0..self.documents {
            let name = dice.document_id();
            let seed = dice.next() | 1;
            for published in 0..2 {
                article(
                    &mut Dice(seed),
                    shards,
                    document * 2 + published + 1,
                    &name,
                    published == 1,
                )?;
            }
        }
        shards.shard()
    }

    fn assets<W: Write>(&self, tar: &mut tar::Builder<W>) -> io::Result<()> {
        let mut content = Cursor::new(vec![0_u8; self.image_bytes]);
        for image in 1..=self.images {
            let mut dice = Dice((u64::from(image) << 20) | 1);
            for bytes in content.get_mut().chunks_mut(8) {
                let random = dice.next().to_le_bytes();
                bytes.copy_from_slice(&random[..bytes.len()]);
            }
            let name = format!("image_{image:08x}.jpg");
            let sidecar = format!("{{\"id\":{image},{}}}", self.file(image));
            append(
                tar,
                &format!("assets/metadata/{name}.json"),
                sidecar.as_bytes(),
            )?;
            append(tar, &format!("assets/uploads/{name}"), content.get_ref())?;
        }
        Ok(())
    }

    fn links<W: Write>(&self, shards: &mut Shards<'_, W>) -> io::Result<()> {
        let mut dice = Dice(0x1117);
        let articles = self.documents * 2;
        if self.images > 0 {
            for article in 1..=articles {
                for (field, position) in [("heroImage2x", 1), ("gallery", 1), ("gallery", 2)] {
                    let image = 1 + dice.below(self.images);
                    shards.line(format_args!(
                        "{{\"kind\":\"relation.morph\",\"relation\":\"morphToMany\",\"left\":{{\"type\":\
                         \"plugin::upload.file\",\"field\":\"related\",\"ref\":{image}}},\"right\":{{\"ref\":{article},\
                         \"pos\":{position},\"type\":\"api::article.article\",\"field\":\"{field}\"}}}}"
                    ))?;
                }
            }
        }
        let mut basic = |article: u32,
                         relation: &str,
                         field: &str,
                         position: &str,
                         target: &str,
                         id: u32,
                         back: &str| {
            shards.line(format_args!(
                "{{\"kind\":\"relation.basic\",\"relation\":\"{relation}\",\"left\":{{\"type\":\"api::article.article\",\
                 \"ref\":{article},\"field\":\"{field}\"{position}}},\"right\":{{\"type\":\"{target}\",\"ref\":{id}{back}}}}}"
            ))
        };
        for article in 1..=articles {
            let back = format!(",\"field\":\"articles\",\"pos\":{article}");
            basic(
                article,
                "manyToOne",
                "author",
                "",
                "api::author.author",
                1 + dice.below(AUTHORS),
                &back,
            )?;
        }
        for article in 1..=articles {
            basic(
                article,
                "manyToOne",
                "category",
                "",
                "api::category.category",
                1 + dice.below(CATEGORIES),
                "",
            )?;
        }
        for article in 1..=articles {
            let first = dice.below(TAGS);
            for number in 0..5 {
                let back = format!(",\"field\":\"articles\",\"pos\":{article}");
                let position = format!(",\"pos\":{}", number + 1);
                let tag = 1 + (first + number) % TAGS;
                basic(
                    article,
                    "manyToMany",
                    "tags",
                    &position,
                    "api::tag.tag",
                    tag,
                    &back,
                )?;
            }
        }
        shards.shard()
    }
}

/// An article with eight components.
fn article<W: Write>(
    dice: &mut Dice,
    shards: &mut Shards<'_, W>,
    id: u32,
    document: &str,
    published: bool,
) -> io::Result<()> {
    let (title, body, summary) = (dice.words(6), dice.words(220), dice.words(30));
    let (paragraph, description, quote) = (dice.words(60), dice.words(20), dice.words(25));
    let (rating, price) = (
        f64::from(dice.below(500)) / 100.0,
        f64::from(dice.below(1_000_000)) / 100.0,
    );
    let (views, count) = (dice.next() >> 20, dice.below(10_000));
    let published = if published {
        format!("\"{TIME}\"")
    } else {
        "null".to_owned()
    };
    let (seo, key, link) = (id, id * 2, id * 3);
    let (before_key, label, hero) = (key - 1, dice.words(2), dice.words(5));
    let (first_link, second_link) = (link - 2, link - 1);
    shards.line(format_args!(
        "{{\"type\":\"api::article.article\",\"id\":{id},\"data\":{{\"documentId\":\"{document}\",\"title\":\"{title}\",\
         \"slug\":\"article-{document}\",\"body\":\"# {title}\\n\\n{body}\\n\",\"content\":[{{\"type\":\"paragraph\",\
         \"children\":[{{\"type\":\"text\",\"text\":\"{paragraph}\"}}]}}],\"summary\":\"{summary}\",\"rating\":{rating},\
         \"price\":{price},\"views\":\"{views}\",\"count\":{count},\"featured\":true,\"mood\":\"happy\",\
         \"releaseDate\":\"2026-02-28\",\"releaseTime\":\"13:45:00.000\",\"releaseAt\":\"{TIME}\",\
         \"meta\":{{\"a\":[1,2,3],\"views\":{views}}},\"contact\":\"editor@example.org\",\"secret\":null,\
         \"createdAt\":\"{TIME}\",\"updatedAt\":\"{TIME}\",\"publishedAt\":{published},\"locale\":\"en\",\
         \"links\":[{{\"id\":{first_link},\"label\":\"{label}\",\"href\":\"/1\"}},{{\"id\":{second_link},\
         \"label\":\"{label}\",\"href\":\"/2\"}}],\"seo\":{{\"id\":{seo},\"metaTitle\":\"{title}\",\
         \"metaDescription\":\"{description}\",\"keywords\":[\"{label}\"],\"meta\":[{{\"id\":{before_key},\"key\":\"k1\",\
         \"value\":\"{label}\",\"weight\":1.25}},{{\"id\":{key},\"key\":\"k2\",\"value\":null,\"weight\":null}}]}},\
         \"zone\":[{{\"id\":{id},\"title\":\"{hero}\",\"cta\":{{\"id\":{link},\"label\":\"{label}\",\"href\":\"#\"}},\
         \"links\":[],\"__component\":\"blocks.hero\"}},{{\"id\":{id},\"text\":\"{quote}\",\"by\":\"{label}\",\
         \"at\":\"{TIME}\",\"score\":1.5,\"on\":true,\"__component\":\"blocks.quote\"}}]}}}}"
    ))
}

#[allow(clippy::print_stderr, reason = "it is a program of its own")]
fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let number = |at: usize| {
        arguments
            .get(at)
            .and_then(|text: &String| text.parse::<u32>().ok())
    };
    let (Some(path), Some(documents), Some(images), Some(image_bytes)) =
        (arguments.first(), number(1), number(2), number(3))
    else {
        eprintln!("usage: generate_site FILE DOCUMENTS IMAGES BYTES");
        return ExitCode::from(2);
    };
    let size = Size {
        documents,
        images,
        image_bytes: image_bytes as usize,
    };
    match size.write(path) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{path}: {error}");
            ExitCode::FAILURE
        }
    }
}
