//! A page of `backup inspect --html`, taken apart without a browser: it is well-formed XML as well.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Elements that a page may have.
const ELEMENTS: [&str; 38] = [
    "html", "head", "meta", "title", "style", "body", "main", "header", "footer", "section", "h1",
    "h2", "p", "ul", "ol", "li", "dl", "dt", "dd", "table", "caption", "thead", "tbody", "tr",
    "th", "td", "div", "span", "strong", "small", "code", "bdi", "details", "summary", "svg",
    "rect", "desc", "wbr",
];

/// An element of a page: its name and its attributes.
type Element = (String, BTreeMap<String, String>);

/// A page.
pub struct Page {
    elements: Vec<Element>,
    text: String,
    source: String,
}

impl Page {
    /// The page in a file.
    pub fn read(path: &Path) -> Page {
        Page::of(&fs::read_to_string(path).unwrap())
    }

    /// This page. It has to be well-formed.
    #[track_caller]
    pub fn of(source: &str) -> Page {
        let mut reader = Reader::from_str(source);
        reader.config_mut().check_end_names = true;
        let (mut elements, mut text, mut depth) = (Vec::new(), String::new(), 0);
        let mut within_style = false;
        loop {
            match reader.read_event().expect("it is well-formed") {
                Event::Start(start) => {
                    depth += 1;
                    let element = element(&start);
                    within_style = element.0 == "style";
                    elements.push(element);
                }
                Event::Empty(start) => elements.push(element(&start)),
                Event::End(_) => {
                    depth -= 1;
                    within_style = false;
                }
                Event::Text(piece) if !within_style => {
                    text.push_str(&piece.decode().unwrap());
                }
                Event::GeneralRef(reference) => {
                    let name = reference.decode().unwrap();
                    text.push_str(&unescape(&format!("&{name};")).unwrap());
                }
                Event::Eof => break,
                Event::Text(_) | Event::DocType(_) => {}
                other => panic!("a page has no {other:?}"),
            }
        }
        assert_eq!(depth, 0, "an element is not closed");
        let source = source.to_owned();
        Page {
            elements,
            text,
            source,
        }
    }

    /// What stands in it for people.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// How wide the rectangles of this class are, in percent.
    pub fn widths(&self, class: &str) -> Vec<f64> {
        let all = self.elements.iter();
        all.filter(|(_, attributes)| attributes.get("class").is_some_and(|it| it == class))
            .map(|(_, attributes)| attributes["width"].parse().unwrap())
            .collect()
    }

    /// Fails where it could run something, or ask somebody for something.
    #[track_caller]
    pub fn is_alone(&self) {
        for (name, attributes) in &self.elements {
            assert!(ELEMENTS.contains(&name.as_str()), "<{name}>");
            for (attribute, value) in attributes {
                let asks = ["href", "src", "srcset", "action", "style", "data"];
                assert!(!asks.contains(&attribute.as_str()), "{name} {attribute}");
                assert!(!attribute.starts_with("on"), "{name} {attribute}");
                assert!(!value.contains("://"), "{name} {attribute}={value}");
            }
        }
        let policy = self.elements.iter().find_map(|(_, attributes)| {
            (attributes.get("http-equiv")? == "Content-Security-Policy")
                .then(|| attributes["content"].clone())
        });
        assert!(
            policy
                .unwrap()
                .starts_with("default-src 'none'; style-src 'unsafe-inline';")
        );
        let style = self.source.split("<style>").nth(1).unwrap();
        let style = style.split("</style>").next().unwrap();
        for asks in ["url(", "@import", "http"] {
            assert!(!style.contains(asks), "{asks}");
        }
        let begins = "<!DOCTYPE html>\n<html lang=\"en\">";
        assert!(self.source.starts_with(begins), "{}", self.source);
    }
}

fn element(start: &BytesStart<'_>) -> Element {
    let name = String::from_utf8(start.name().as_ref().to_vec()).unwrap();
    let attributes = start.attributes().map(|attribute| {
        let attribute = attribute.expect("an attribute");
        let key = String::from_utf8(attribute.key.as_ref().to_vec()).unwrap();
        let value = std::str::from_utf8(&attribute.value).unwrap();
        (key, unescape(value).unwrap().into_owned())
    });
    (name, attributes.collect())
}
