//! Reads one file, element by element.

use super::{LONGEST_ELEMENT, ValueType};
use crate::error::{Error, Result};
use crate::store::Interrupt;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read};

/// Takes an element: its number in the file from 1, and its text.
pub(super) type Each<'f> = dyn FnMut(u64, &str) -> Result<()> + 'f;

/// What is wrong with a file as a whole.
fn fault(place: &str, why: impl fmt::Display) -> Error {
    super::fault(format!("{place}: {why}"))
}

/// Reads a file to its end. With `kind`, it has to be of this kind; gives what it is. `place` names it in messages.
pub(super) fn read(
    content: impl Read,
    place: &str,
    kind: Option<ValueType>,
    interrupt: &Interrupt,
    each: &mut Each<'_>,
) -> Result<ValueType> {
    let since = Cell::new(0);
    let counted = Counted {
        inner: interrupt.reader(content),
        since: &since,
        is_begun: false,
    };
    let mut stopped = None;
    let mut deserializer =
        serde_json::Deserializer::from_reader(BufReader::with_capacity(64 << 10, counted));
    let envelope = Envelope {
        since: &since,
        number: 0,
        stopped: &mut stopped,
        each,
    };
    let read = envelope
        .deserialize(&mut deserializer)
        .and_then(|found| deserializer.end().map(|()| found));
    if let Some(error) = stopped {
        return Err(error);
    }
    let found = read.map_err(|error| match error.is_io() {
        true => {
            let inner = io::Error::from(error);
            Error::from_io(inner, |inner| {
                fault(place, format_args!("cannot be read: {inner}"))
            })
        }
        false => fault(place, error),
    })?;
    let Some(name) = found else {
        return Err(fault(place, "it does not say its `valueType`"));
    };
    let Some(found) = ValueType::named(&name) else {
        return Err(fault(
            place,
            format_args!("its `valueType` is `{name}`, and not nodes, lists or relations"),
        ));
    };
    match kind {
        Some(kind) if kind != found => Err(fault(
            place,
            format_args!("its `valueType` is {found}, and it lies among the {kind}"),
        )),
        _ => Ok(found),
    }
}

/// Sees that there is no mark of byte order, and that no element is longer than is of use.
struct Counted<'a, R> {
    inner: R,
    since: &'a Cell<usize>,
    is_begun: bool,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let since = self.since.get() + read;
        self.since.set(since);
        if since > LONGEST_ELEMENT + (1 << 20) {
            let what = format!("an element is longer than {LONGEST_ELEMENT} bytes");
            return Err(io::Error::other(what));
        }
        if !std::mem::replace(&mut self.is_begun, true)
            && buffer[..read].starts_with(&[0xef, 0xbb, 0xbf])
        {
            let what =
                "it begins with a byte order mark, which is no JSON; save it as UTF-8 without one";
            return Err(io::Error::other(what));
        }
        Ok(read)
    }
}

/// The object that a file is.
struct Envelope<'a, 'f> {
    since: &'a Cell<usize>,
    number: u64,
    stopped: &'a mut Option<Error>,
    each: &'a mut Each<'f>,
}

impl<'de> DeserializeSeed<'de> for Envelope<'_, '_> {
    /// What it says of itself.
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Envelope<'_, '_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `valueType` and `values`")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        const ANSWER: &str = "it is an answer of the export API, and no file of a data set: its values stand in `out.jsonElements`";
        let (mut kind, mut has_values) = (None, false);
        while let Some(name) = map.next_key::<String>()? {
            match name.as_str() {
                "valueType" if kind.is_none() => kind = Some(map.next_value::<String>()?),
                "values" if !has_values => {
                    map.next_value_seed(Values(&mut self))?;
                    has_values = true;
                }
                "valueType" | "values" => {
                    return Err(de::Error::custom(format_args!(
                        "it has two members `{name}`"
                    )));
                }
                "out" | "cursor" => return Err(de::Error::custom(ANSWER)),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    let what = format_args!(
                        "it has a member `{name}`, and should have `valueType` and `values` alone"
                    );
                    return Err(de::Error::custom(what));
                }
            }
        }
        match has_values {
            true => Ok(kind),
            false => Err(de::Error::custom("it has no `values`")),
        }
    }
}

/// The list of elements.
struct Values<'e, 'a, 'f>(&'e mut Envelope<'a, 'f>);

impl<'de> DeserializeSeed<'de> for Values<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of values")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Self(envelope) = self;
        envelope.since.set(0);
        while let Some(element) = seq.next_element::<Box<RawValue>>()? {
            envelope.since.set(0);
            envelope.number += 1;
            let text = element.get();
            if text.len() > LONGEST_ELEMENT {
                let number = envelope.number;
                let what = format_args!("element {number} is longer than {LONGEST_ELEMENT} bytes");
                return Err(de::Error::custom(what));
            }
            if let Err(error) = (envelope.each)(envelope.number, text) {
                *envelope.stopped = Some(error);
                return Err(de::Error::custom("stopped"));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let what = match map.next_key::<String>()?.as_deref() {
            Some("jsonElements" | "size") => {
                "it has the shape of old answers of the export API: its values stand in `values.jsonElements`, and should \
                 be a list in `values`"
            }
            _ => "its `values` are no list",
        };
        Err(de::Error::custom(what))
    }
}
