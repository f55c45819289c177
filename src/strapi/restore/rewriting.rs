//! What content says of the urls of files that get others: counted while it is staged, when it is not known yet which
//! those are, and replaced while it is loaded, if that is asked for.
//!
//! The urls that content names are put aside until all rows of the media library have come; in memory stay the urls
//! of files that move alone.

use super::placement::Placement;
use super::urls::{Form, UPLOADS, rewritten};
use crate::database::Value;
use crate::error::{Error, Result};
use crate::model::{Fields, Scalar, Schema};
use crate::strapi::tables::Model;
use crate::strapi::uploads::Uploads;
use crate::transfer::{MOST_OF_A_KIND, Subject, UPLOAD_TYPES, Warning, WarningKind};
use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::SpooledTempFile;

/// How much is put aside in memory, in bytes.
const IN_MEMORY: usize = 1 << 20;

/// Types of attributes in texts that hold no text for people.
const OTHER_TEXTS: [&str; 4] = ["uid", "email", "password", "enumeration"];

/// How it is told that values name files by urls that change.
const CHANGING: &str = "urls of files that change stand in";

/// How an attribute is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A text.
    Text,
    /// Blocks, the rich text of Strapi 5, which hold whole objects of files.
    Blocks,
    /// JSON that means something to the site alone, and is left as it is.
    Json,
}

impl Kind {
    fn of(type_name: &str, scalar: Scalar) -> Option<Self> {
        match (type_name, scalar) {
            ("blocks", Scalar::Json) => Some(Self::Blocks),
            (_, Scalar::Json) => Some(Self::Json),
            (name, Scalar::Text) if !OTHER_TEXTS.contains(&name) => Some(Self::Text),
            _ => None,
        }
    }

    fn form(self) -> Form {
        match self {
            Self::Text => Form::Text,
            Self::Blocks | Self::Json => Form::Json,
        }
    }
}

/// What a url that content names means.
#[derive(Debug, PartialEq, Eq)]
enum Meaning {
    /// It is that of a file which gets this one.
    New(String),
    /// It is that of such a file behind the address of a site that may be another one.
    OfAnotherSite,
}

/// What becomes of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    Changes,
    IsJson,
    OfAnotherSite,
}

/// An attribute whose values are looked at.
struct Looked {
    uid: String,
    attribute: String,
    kind: Kind,
}

/// By the place of its column in a model, which attribute it is among all that are looked at.
type Places = Arc<[Option<u32>]>;

/// The urls of files in content.
pub(super) struct Rewriting {
    /// Whether they are replaced.
    pub is_wanted: bool,
    /// The address of the project's own site, where its configuration says it.
    pub site: Option<String>,
    folder: PathBuf,
    /// The attributes of each model that are looked at.
    models: HashMap<String, Places>,
    looked: Vec<Looked>,
    /// Values with the urls that they name.
    aside: Option<BufWriter<SpooledTempFile>>,
    /// Why a value cannot be replaced.
    refusal: Option<Error>,
}

impl Rewriting {
    /// Nothing known yet; what is too much for the memory goes to `folder`.
    pub fn new(folder: &Path, site: Option<&str>) -> Self {
        Self {
            is_wanted: false,
            site: site.map(str::to_owned),
            folder: folder.to_owned(),
            models: HashMap::new(),
            looked: Vec::new(),
            aside: None,
            refusal: None,
        }
    }

    /// The attributes of a model that are looked at; none where it has no such.
    fn places(&mut self, model: &Model, schema: &Schema) -> Places {
        if let Some(places) = self.models.get(&model.uid) {
            return Arc::clone(places);
        }
        let mut places = match UPLOAD_TYPES.contains(&model.uid.as_str()) {
            true => Vec::new(),
            false => self.find_places(model, schema),
        };
        if places.iter().all(Option::is_none) {
            places.clear();
        }
        let places = Places::from(places);
        self.models.insert(model.uid.clone(), Arc::clone(&places));
        places
    }

    fn find_places(&mut self, model: &Model, schema: &Schema) -> Vec<Option<u32>> {
        let line = Fields::parse(schema.to_line()).ok();
        let attributes = line.as_ref().and_then(|line| line.get("attributes"));
        let attributes = attributes.and_then(|text| Fields::parse_with_any_names(text).ok());
        let type_of = |name: &str| {
            let attribute = attributes.as_ref()?.get(name)?;
            Fields::parse_with_any_names(attribute).ok()?.text("type")
        };
        let mut place = |attribute: &str, scalar| {
            let kind = Kind::of(&type_of(attribute)?, scalar)?;
            self.looked.push(Looked {
                uid: model.uid.clone(),
                attribute: attribute.to_owned(),
                kind,
            });
            Some((self.looked.len() - 1) as u32)
        };
        let columns = model.columns.iter();
        columns
            .map(|column| place(&column.attribute, column.scalar))
            .collect()
    }

    /// Hears of a row that comes: its members, and what its columns are to hold. `room` tells by how many bytes or
    /// characters the value of a column may grow.
    ///
    /// # Errors
    /// What it names cannot be put aside.
    pub fn row(
        &mut self,
        (model, schema): (&Model, &Schema),
        id: i64,
        fields: &Fields<'_>,
        row: &[Value<'_>],
        room: &dyn Fn(usize, &Value<'_>) -> Option<u64>,
    ) -> Result<()> {
        let places = self.places(model, schema);
        if places.is_empty() {
            return Ok(());
        }
        let mut next = 0;
        for (name, value) in &fields.0 {
            let Some(index) = model.place_of(name, next) else {
                continue;
            };
            next = index + 1;
            let Some(looked) = places[index] else {
                continue;
            };
            let mut urls = Vec::new();
            let form = self.looked[looked as usize].kind.form();
            rewritten(form, value, "", &mut |url| {
                urls.push(url.to_owned());
                None
            });
            if !urls.is_empty() {
                let room = row.get(index + 1).and_then(|value| room(index + 1, value));
                let room = room.unwrap_or(u64::MAX);
                self.put_aside(looked, id, room, &urls).map_err(|error| {
                    let what = "put the urls aside that content names in";
                    Error::from_io(error, |error| Error::io(what, &self.folder, error))
                })?;
            }
        }
        Ok(())
    }

    fn put_aside(&mut self, looked: u32, id: i64, room: u64, urls: &[String]) -> io::Result<()> {
        let new = || BufWriter::new(tempfile::spooled_tempfile_in(IN_MEMORY, &self.folder));
        let out = self.aside.get_or_insert_with(new);
        out.write_all(&looked.to_le_bytes())?;
        out.write_all(&id.to_le_bytes())?;
        out.write_all(&room.to_le_bytes())?;
        out.write_all(&(urls.len() as u32).to_le_bytes())?;
        for url in urls {
            out.write_all(&(url.len() as u32).to_le_bytes())?;
            out.write_all(url.as_bytes())?;
        }
        Ok(())
    }

    /// What a url means, now that all files have come.
    fn meaning(
        site: Option<&str>,
        placement: &mut Placement,
        uploads: &dyn Uploads,
        url: &str,
    ) -> Result<Option<Meaning>> {
        let absolute = |new: String| match site {
            // Where the whole address stood, half of one may mean nothing.
            Some(site) if new.starts_with('/') => format!("{site}{new}"),
            _ => new,
        };
        if let Some(new) = placement.new_url(url, uploads)? {
            let is_relative = url.starts_with('/');
            let new = if is_relative { new } else { absolute(new) };
            return Ok((new != url).then_some(Meaning::New(new)));
        }
        let Some(host) = url.find("://").map(|end| end + 3) else {
            return Ok(None);
        };
        let Some(start) = url[host..].find(UPLOADS).map(|start| host + start) else {
            return Ok(None);
        };
        let Some(new) = placement.new_url(&url[start..], uploads)? else {
            return Ok(None);
        };
        Ok(
            match site.is_some_and(|site| site.eq_ignore_ascii_case(&url[..start])) {
                true => {
                    Some(Meaning::New(absolute(new))).filter(|new| *new != Meaning::New(url.into()))
                }
                false => Some(Meaning::OfAnotherSite),
            },
        )
    }

    /// Says how many values name files by urls that change. Those that cannot be replaced are refused by
    /// [`check`](Self::check).
    pub fn warnings(&mut self, placement: &mut Placement, uploads: &dyn Uploads) -> Vec<Warning> {
        let counts = match self.count(placement, uploads) {
            Ok(counts) => counts,
            Err(error) => {
                self.refusal = Some(error);
                return Vec::new();
            }
        };
        let mut warnings: Vec<Warning> = Vec::new();
        for ((told, looked), count) in counts {
            let (what, end) = match told {
                Told::Changes if self.is_wanted => (CHANGING, ", and are replaced"),
                Told::Changes => (CHANGING, "; --rewrite-urls replaces them"),
                Told::IsJson => (CHANGING, ", which are JSON and stay as they are"),
                Told::OfAnotherSite => (
                    "such urls, behind the address of a site that `url` in config/server does not say is this \
                     one, stand in",
                    " and stay as they are",
                ),
            };
            let Looked { uid, attribute, .. } = &self.looked[looked as usize];
            let subject = match warnings.len() < MOST_OF_A_KIND {
                true => Subject::Attribute {
                    uid: uid.clone(),
                    attribute: attribute.clone(),
                },
                false => Subject::Entry("more attributes".into()),
            };
            let told = |count: u64| {
                let reason = format!("{what} {count} of its values{end}");
                Warning::new(WarningKind::Notice, subject.clone(), reason).times(count)
            };
            match warnings.last_mut() {
                Some(last) if last.subject == subject && last.reason.ends_with(end) => {
                    *last = told(last.count + count);
                }
                _ => warnings.push(told(count)),
            }
        }
        warnings
    }

    /// How many values there are of which something is to be told, by attribute.
    fn count(
        &mut self,
        placement: &mut Placement,
        uploads: &dyn Uploads,
    ) -> Result<BTreeMap<(Told, u32), u64>> {
        let mut counts = BTreeMap::new();
        let Some(aside) = self.aside.take() else {
            return Ok(counts);
        };
        if !placement.moves_urls() {
            return Ok(counts);
        }
        let folder = &self.folder;
        let fail = |error: io::Error| {
            let what = "read the urls that content names back in";
            Error::from_io(error, |error| Error::io(what, folder, error))
        };
        let mut input = aside
            .into_inner()
            .map_err(|error| fail(error.into_error()))?;
        input.rewind().map_err(fail)?;
        let mut input = BufReader::new(input);
        while let Some((looked, id, room, urls)) = named(&mut input).map_err(fail)? {
            let (mut grows, mut told) = (0_i64, [false; 3]);
            let kind = self.looked[looked as usize].kind;
            for _ in 0..urls {
                let url = text(&mut input).map_err(fail)?;
                match Self::meaning(self.site.as_deref(), placement, uploads, &url)? {
                    None => {}
                    Some(Meaning::OfAnotherSite) => told[Told::OfAnotherSite as usize] = true,
                    Some(Meaning::New(_)) if kind == Kind::Json => {
                        told[Told::IsJson as usize] = true
                    }
                    Some(Meaning::New(new)) => {
                        told[Told::Changes as usize] = true;
                        let difference = |old: usize, new: usize| new as i64 - old as i64;
                        let bytes = difference(url.len(), new.len());
                        let letters = difference(url.chars().count(), new.chars().count());
                        grows += bytes.max(letters);
                    }
                }
            }
            for reason in [Told::Changes, Told::IsJson, Told::OfAnotherSite] {
                if told[reason as usize] {
                    *counts.entry((reason, looked)).or_default() += 1;
                }
            }
            if self.is_wanted && grows > 0 && grows as u64 > room && self.refusal.is_none() {
                let Looked { uid, attribute, .. } = &self.looked[looked as usize];
                self.refusal = Some(
                    Error::failed(format!(
                        "{uid} {id}, attribute `{attribute}`: with the new urls of its files it is longer than \
                         its column holds"
                    ))
                    .hint("make the column longer, change the value where the archive was made, or leave --rewrite-urls out"),
                );
            }
        }
        Ok(counts)
    }

    /// Sees that all that is to be replaced can be.
    ///
    /// # Errors
    /// It cannot.
    pub fn check(&mut self) -> Result<()> {
        self.refusal.take().map_or(Ok(()), Err)
    }

    /// The members of a row that get other urls, by their places.
    ///
    /// # Errors
    /// What is known of the new ones cannot be read back.
    pub fn rewritten(
        &mut self,
        (model, schema): (&Model, &Schema),
        fields: &Fields<'_>,
        placement: &mut Placement,
        uploads: &dyn Uploads,
    ) -> Result<HashMap<usize, String>> {
        let mut changed = HashMap::new();
        if !self.is_wanted || !placement.moves_urls() {
            return Ok(changed);
        }
        let places = self.places(model, schema);
        if places.is_empty() {
            return Ok(changed);
        }
        let (provider, _) = uploads.served("");
        let mut next = 0;
        for (number, (name, value)) in fields.0.iter().enumerate() {
            let Some(index) = model.place_of(name, next) else {
                continue;
            };
            next = index + 1;
            let Some(looked) = places[index] else {
                continue;
            };
            let kind = self.looked[looked as usize].kind;
            if kind == Kind::Json {
                continue;
            }
            let mut outcome = Ok(());
            let text = rewritten(
                kind.form(),
                value,
                &provider,
                &mut |url| match Self::meaning(self.site.as_deref(), placement, uploads, url) {
                    Ok(Some(Meaning::New(new))) => Some(new),
                    Ok(_) => None,
                    Err(error) => {
                        outcome = Err(error);
                        None
                    }
                },
            );
            outcome?;
            if let Some(text) = text {
                changed.insert(number, text);
            }
        }
        Ok(changed)
    }
}

/// What was put aside of the next value: its attribute, its row, by how much it may grow, and how many urls it names.
fn named(input: &mut impl Read) -> io::Result<Option<(u32, i64, u64, u32)>> {
    let mut head = [0; 24];
    match input.read(&mut head[..1])? {
        0 => return Ok(None),
        _ => input.read_exact(&mut head[1..])?,
    }
    let number = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().expect("4 bytes"));
    let long = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().expect("8 bytes"));
    Ok(Some((
        number(0),
        long(4).cast_signed(),
        long(12),
        number(20),
    )))
}

fn text(input: &mut impl Read) -> io::Result<String> {
    let mut length = [0; 4];
    input.read_exact(&mut length)?;
    let mut text = String::new();
    let length = u32::from_le_bytes(length).into();
    input.take(length).read_to_string(&mut text)?;
    Ok(text)
}
