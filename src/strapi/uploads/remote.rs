//! A file that does not lie on this machine, held against what its row says of it.

use super::provider::FileAt;
use super::{Odd, Opened};
use crate::error::{Error, Result};
use crate::store::media::{About, Content, Web};
use std::io::{self, Cursor, Read, Seek, Write};
use std::path::Path;

/// How long a file may be that is read as a whole before anything is done with it, in bytes: several are at once.
const SMALL: u64 = 2 << 20;
/// How long a file may be whose row does not say it, in bytes.
const UNKNOWN: u64 = 1 << 30;
/// How much is read at once.
const BLOCK: usize = 64 << 10;
/// Bytes by which a file may differ from what its row says: sizes in rows have two digits behind the point.
const ROUNDING: u64 = 10;

/// What comes of asking a bucket for a file.
pub(super) enum Remote {
    Found(Result<Opened, String>),
    /// It is not there, and nowhere else.
    Missing(String),
    /// It may be found otherwise; why it was not found here.
    Unknown(String),
}

/// An object of a bucket that answers to the project's own credentials: what is there is what the site has.
///
/// # Errors
/// There is no room in `spool`. Within: why it is not taken.
pub(super) fn from_object(
    content: Content,
    file: &FileAt,
    place: String,
    spool: &Path,
) -> Result<Result<Opened, String>> {
    if let Some(why) = another_type(file, &content.about, &place) {
        return Ok(Err(why));
    }
    let judge = |size| not_as_said(file, size).map(Odd::Known);
    let most = longest(file).max(UNKNOWN);
    whole(content, place, &judge, most, spool)
}

/// A file that anybody gets, if it is what its row says.
///
/// # Errors
/// The run is to stop; there is no room in `spool`. Within: why it is not taken.
pub(super) fn by_url(web: &Web, file: &FileAt, spool: &Path) -> Result<Result<Opened, String>> {
    if file.url.is_empty() {
        return Ok(Err("it has no url".into()));
    }
    let most = longest(file);
    let content = match web.open(&file.url, most)? {
        Ok(content) => content,
        Err(why) => return Ok(Err(why)),
    };
    let place = shown(&file.url);
    if let Some(why) = another_type(file, &content.about, &place) {
        return Ok(Err(why));
    }
    let converted = converted(file, &content.about);
    let judge = |size| {
        let odd = not_as_said(file, size).or_else(|| converted.clone());
        odd.map(Odd::Doubtful)
    };
    whole(content, place, &judge, most, spool)
}

/// A url without what signs it.
pub(super) fn shown(url: &str) -> String {
    url.split(['?', '#']).next().unwrap_or_default().to_owned()
}

/// The most bytes that a file has by its row. Some counted kilobytes of 1024 bytes.
fn longest(file: &FileAt) -> u64 {
    match file.size {
        // Sizes are far from where floats lose bytes, and what is not becomes the largest number.
        Some(size) if size >= 0.0 => ((size * 1024.0).ceil() as u64).saturating_add(ROUNDING),
        _ => UNKNOWN,
    }
}

/// Why a size is not that of the row.
fn not_as_said(file: &FileAt, size: u64) -> Option<String> {
    let said = file.size.filter(|said| *said > 0.0)?;
    let least = (said * 1000.0).floor() as u64;
    let fits = size.saturating_add(ROUNDING) >= least && size <= longest(file);
    (!fits).then(|| format!("has {size} bytes, and its row says {said} kB"))
}

/// The type of the answer without its parameters.
fn kind(about: &About) -> Option<String> {
    let text = about.media_type.as_deref()?;
    let kind = text.split(';').next().unwrap_or_default().trim();
    (!kind.is_empty()).then(|| kind.to_ascii_lowercase())
}

/// Why an answer is no such file as the row says: a page that says why there is none.
fn another_type(file: &FileAt, about: &About, place: &str) -> Option<String> {
    let (kind, said) = (kind(about)?, file.mime.as_deref()?.to_ascii_lowercase());
    let is_page = |text: &str| {
        [
            "text/html",
            "application/xhtml+xml",
            "application/json",
            "application/problem+json",
        ]
        .contains(&text)
    };
    let is_other = is_page(&kind) && !is_page(said.split(';').next().unwrap_or_default().trim());
    is_other.then(|| format!("{place} answers with {kind} where its row says {said}"))
}

/// That an answer is an image or the like in another form than the row says.
fn converted(file: &FileAt, about: &About) -> Option<String> {
    let (kind, said) = (kind(about)?, file.mime.as_deref()?.to_ascii_lowercase());
    let said = said.split(';').next().unwrap_or_default().trim().to_owned();
    let major = |text: &str| text.split('/').next().unwrap_or_default().to_owned();
    let is_media = ["image", "video", "audio"].contains(&&*major(&said));
    let is_other = is_media && kind != said && major(&kind) == major(&said);
    (is_other && !alike(&kind, &said))
        .then(|| format!("is served as {kind}, and its row says {said}"))
}

/// Whether two names are those of one type.
fn alike(one: &str, other: &str) -> bool {
    let plain = |text: &str| {
        text.replace("image/jpg", "image/jpeg")
            .replace("/x-", "/")
            .replace("vnd.microsoft.icon", "icon")
    };
    plain(one) == plain(other)
}

/// What is opened, read as a whole where it is small or nobody says how long it is. `judge` says in what a size is not
/// what the row says.
///
/// # Errors
/// There is no room in `spool`. Within: why it is not taken.
fn whole(
    content: Content,
    place: String,
    judge: &dyn Fn(u64) -> Option<Odd>,
    most: u64,
    spool: &Path,
) -> Result<Result<Opened, String>> {
    let Content { about, mut bytes } = content;
    let cut = |error: io::Error| {
        let why = Error::from_io(error, |error| Error::failed(error.to_string()));
        format!("{place} cannot be read to its end ({why})")
    };
    let (content, size): (Box<dyn Read + Send>, u64) = match about.size {
        Some(size) if size <= SMALL => {
            let mut all = Vec::with_capacity(usize::try_from(size).unwrap_or_default());
            if let Err(error) = (&mut bytes).take(size).read_to_end(&mut all) {
                return Ok(Err(cut(error)));
            }
            let came = all.len() as u64;
            if came != size {
                return Ok(Err(format!(
                    "{place} has {came} bytes where the answer promised {size}"
                )));
            }
            (Box::new(Cursor::new(all)), size)
        }
        Some(size) => (bytes, size),
        None => {
            let no_room = |error| Error::io("keep a file that is read in", spool, error);
            let in_memory = usize::try_from(SMALL).unwrap_or_default();
            let mut kept = tempfile::spooled_tempfile_in(in_memory, spool);
            let mut block = vec![0; BLOCK];
            let mut size = 0;
            loop {
                let length = match bytes.read(&mut block) {
                    Ok(0) => break,
                    Ok(length) => length,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Ok(Err(cut(error))),
                };
                size += length as u64;
                if size > most {
                    return Ok(Err(format!("{place} has more than {most} bytes")));
                }
                kept.write_all(&block[..length]).map_err(no_room)?;
            }
            kept.flush().and_then(|()| kept.rewind()).map_err(no_room)?;
            (Box::new(kept), size)
        }
    };
    Ok(Ok(Opened {
        content,
        size,
        odd: judge(size),
        place,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file of this size in its row, of which these bytes came.
    fn opened(row: f64, length: Option<u64>, bytes: &'static [u8]) -> Result<Opened, String> {
        let file = FileAt {
            size: Some(row),
            mime: Some("image/png".into()),
            ..FileAt::default()
        };
        let about = About {
            size: length,
            ..About::default()
        };
        let content = Content {
            about,
            bytes: Box::new(bytes),
        };
        from_object(content, &file, "a.png".into(), Path::new("/tmp")).expect("room")
    }

    #[test]
    fn a_file_is_judged_by_what_came_where_nobody_said_how_long_it_is() {
        let whole = opened(0.02, None, &[7; 20]).expect("taken");
        assert!(whole.odd.is_none() && whole.size == 20);
        for cut in [&[7; 5][..], &[]] {
            let cut = opened(0.02, None, cut).expect("taken");
            let Some(Odd::Known(how)) = cut.odd else {
                panic!("{} bytes of 20", cut.size);
            };
            assert!(how.contains("its row says 0.02 kB"), "{how}");
        }
        let why = opened(0.02, Some(20), &[7; 5]).err().expect("refused");
        assert!(why.contains("promised 20"), "{why}");
    }

    #[test]
    fn a_page_in_place_of_an_image_is_not_taken() {
        let about = |media_type: &str| About {
            media_type: Some(media_type.into()),
            ..About::default()
        };
        let file = |mime: &str| FileAt {
            mime: Some(mime.into()),
            ..FileAt::default()
        };
        let page = "text/html; charset=utf-8";
        assert!(another_type(&file("image/png"), &about(page), "a").is_some());
        assert!(another_type(&file("text/html"), &about(page), "a").is_none());
        assert!(another_type(&file("image/png"), &about("image/png"), "a").is_none());
        let other = converted(&file("image/png"), &about("image/webp"));
        assert_eq!(
            other.as_deref(),
            Some("is served as image/webp, and its row says image/png")
        );
        assert_eq!(converted(&file("image/jpeg"), &about("image/jpg")), None);
    }
}
