//! Reads files that are gzip, encrypted or not, and sees that all of it is there and nothing behind it.

use super::crypt::{HEAD, Key};
use crate::error::{Error, Kind, Result};
use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, BufReader, Cursor, Read};

/// How gzip begins: two magic bytes, and deflate.
const GZIP: [u8; 3] = [0x1f, 0x8b, 8];
/// Bytes that are read at once.
const BUFFER: usize = 64 << 10;

/// Reads what a file holds. `name` names it in messages.
///
/// # Errors
/// Kind [`WrongKey`](Kind::WrongKey): the key does not open it. Kind [`Usage`](Kind::Usage): there is a key, and the file is
/// not encrypted. Kind [`Archive`](Kind::Archive): it is damaged, and what is read later may find that as well.
pub(in crate::dgraph) fn open<'a>(
    mut file: impl Read + 'a,
    name: &str,
    key: Option<&Key>,
) -> Result<Box<dyn BufRead + 'a>> {
    let fail = |error| explain(error, name);
    let head = start(&mut file, HEAD).map_err(fail)?;
    let content: Box<dyn Read + 'a> = match key {
        None if head.starts_with(&GZIP) => Box::new(Cursor::new(head).chain(file)),
        None if head.is_empty() => return Err(damaged(name, "it is empty")),
        None if GZIP.starts_with(&head) => return Err(cut(name)),
        None => {
            return Err(damaged(name, "it does not begin as gzip does")
                .hint("if the set is encrypted, name its key with --encryption-key-file; else take another copy"));
        }
        Some(key) => {
            let Ok(head) = <[u8; HEAD]>::try_from(head) else {
                return Err(cut(name));
            };
            let mut inner = key.decrypt(head, file);
            let begun = start(&mut inner, GZIP.len()).map_err(fail)?;
            match begun.as_slice() {
                found if found == GZIP => {}
                _ if head.starts_with(&GZIP) => {
                    return Err(Error::usage(format!("{name}: it is not encrypted"))
                        .hint("leave out --encryption-key-file"));
                }
                found if found.len() < GZIP.len() => return Err(cut(name)),
                _ => {
                    let why = format!(
                        "{name}: what the key makes of it does not begin as gzip does: it is the wrong key, or the file is damaged"
                    );
                    return Err(Error::new(Kind::WrongKey, why).hint(
                        "give the key that the server was started with, as --encryption-key-file",
                    ));
                }
            }
            Box::new(Cursor::new(begun).chain(inner))
        }
    };
    let inflated = Checked {
        inner: Members::new(BufReader::with_capacity(BUFFER, content)),
        name: name.to_owned(),
    };
    Ok(Box::new(BufReader::with_capacity(BUFFER, inflated)))
}

/// The first bytes, fewer where there are no more.
fn start(reader: &mut impl Read, count: usize) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(count);
    reader.by_ref().take(count as u64).read_to_end(&mut head)?;
    Ok(head)
}

fn damaged(name: &str, why: &str) -> Error {
    Error::archive(format!("{name}: {why}"))
}

fn cut(name: &str) -> Error {
    damaged(name, "it ends too early: it was cut short")
}

/// What an error of reading says of the file.
fn explain(error: io::Error, name: &str) -> Error {
    Error::from_io(error, |error| match error.kind() {
        io::ErrorKind::UnexpectedEof => cut(name),
        _ if error.raw_os_error().is_some() => {
            Error::failed(format!("cannot read {name}: {error}")).source(error)
        }
        _ => damaged(name, &format!("its gzip is damaged: {error}")),
    })
}

/// Inflates all members of a file, as servers take them too, and sees that nothing else stands behind one.
struct Members<R> {
    /// What inflates the member that is read; `None` behind the last.
    decoder: Option<GzDecoder<R>>,
}

impl<R: BufRead> Members<R> {
    fn new(inner: R) -> Self {
        let decoder = Some(GzDecoder::new(inner));
        Self { decoder }
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.decoder {
            let read = decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            // The member is through, and its sum is right.
            match decoder.get_mut().fill_buf()?.first() {
                None => self.decoder = None,
                Some(first) if *first == GZIP[0] => {
                    let inner = self.decoder.take().map(GzDecoder::into_inner);
                    self.decoder = inner.map(GzDecoder::new);
                }
                Some(_) => {
                    return Err(io::Error::other(
                        "something that is no gzip follows its end",
                    ));
                }
            }
        }
        Ok(0)
    }
}

/// Explains what is wrong with gzip.
struct Checked<R> {
    inner: R,
    name: String,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.inner.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(explain(error, &self.name).into_io()),
                read => return read,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::GzEncoder;
    use std::io::Write;

    fn packed(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn read(bytes: &[u8], key: Option<&Key>) -> Result<String> {
        let mut text = String::new();
        let mut reader = open(bytes, "g01.json.gz", key)?;
        let read = reader.read_to_string(&mut text);
        read.map_err(|error| Error::from_io(error, |error| Error::failed(error.to_string())))?;
        Ok(text)
    }

    #[test]
    fn a_file_is_read_to_its_last_byte_and_nothing_may_follow() {
        let whole = packed(b"some text");
        assert_eq!(read(&whole, None).unwrap(), "some text");
        let two = [whole.clone(), packed(b", and more")].concat();
        assert_eq!(read(&two, None).unwrap(), "some text, and more");
        for length in 0..whole.len() {
            let error = read(&whole[..length], None).expect_err("cut");
            assert_eq!(error.kind(), Kind::Archive, "{length}: {error}");
        }
        for behind in [&b"x"[..], &[0; 512], &GZIP, &whole[..10]] {
            let error = read(&[&whole, behind].concat(), None).expect_err("garbage");
            assert_eq!(error.kind(), Kind::Archive, "{error}");
            assert!(error.to_string().starts_with("g01.json.gz: "), "{error}");
        }
        for at in 10..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            assert!(read(&flipped, None).is_err(), "{at}");
        }
    }

    #[test]
    fn keys_that_are_missing_wrong_or_not_needed_are_told_apart() {
        let [key, other] = [7, 8].map(|it| Key::new([it; 32]).unwrap());
        let whole = packed(b"some text");
        let mut closed = key.encrypt(Vec::new()).unwrap();
        closed.write_all(&whole).unwrap();
        let closed = closed.into_inner();
        assert_eq!(read(&closed, Some(&key)).unwrap(), "some text");
        let kind = |bytes: &[u8], key| read(bytes, key).expect_err("no text").kind();
        assert_eq!(kind(&closed, Some(&other)), Kind::WrongKey);
        assert_eq!(kind(&closed, None), Kind::Archive);
        assert_eq!(kind(&whole, Some(&key)), Kind::Usage);
        for length in 0..closed.len() {
            assert_eq!(
                kind(&closed[..length], Some(&key)),
                Kind::Archive,
                "{length}"
            );
        }
    }
}
